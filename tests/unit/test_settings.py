import pytest
from pydantic import SecretStr, ValidationError

from alphaforge.core.errors import InvalidSetting
from alphaforge.core.market_hours import hours_of
from alphaforge.core.times import parse_rfc3339
from alphaforge.setting_values import hours_as_set
from alphaforge.settings import Settings, is_loopback, load_settings

SECRET = "tok3n-nobody-may-see"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests."""
    for name in (*Settings.model_fields, "oanda_token"):
        monkeypatch.delenv(name.upper(), raising=False)


def refusal(**given: object) -> str:
    with pytest.raises(InvalidSetting) as caught:
        load_settings(None, **given)
    return caught.value.message


def test_without_anything_given_every_setting_has_its_default() -> None:
    settings = load_settings(None)
    assert settings.database_url.get_secret_value() == "sqlite:///./trading_signals.db"
    assert settings.instruments == ("GBP_USD", "XAU_USD", "USD_JPY")
    assert (settings.host, settings.port, settings.api_key) == ("127.0.0.1", 5000, None)
    assert {settings.source_of(name) for name in Settings.model_fields} == {"default"}


def test_every_default_is_a_value_that_would_be_accepted() -> None:
    defaults = {name: info.default for name, info in Settings.model_fields.items() if info.default is not None}
    assert Settings(**defaults) == Settings()


def test_a_misspelt_token_in_the_environment_is_refused_unless_the_right_one_is_there_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OANDA_TOKEN", SECRET)
    assert refusal() == "OANDA_TOKEN in the environment is no setting; OANDA_API_KEY was meant"
    monkeypatch.setenv("OANDA_API_KEY", SECRET)
    assert load_settings(None).oanda_api_key == SecretStr(SECRET)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "desk.example.org"])  # noqa: S104 - refused
def test_a_host_that_others_can_reach_needs_a_key(host: str) -> None:
    assert "there is no API_KEY to keep them out" in refusal(host=host)
    assert load_settings(None, host=host, api_key="k").host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_loopback_needs_none(host: str) -> None:
    assert is_loopback(host)
    assert load_settings(None, host=host).host == host


def test_instruments_are_taken_in_any_spelling_once_each_and_in_order() -> None:
    settings = load_settings(None, instruments="gold, gbp-usd,USD/JPY,GBPUSD,")
    assert settings.instruments == ("XAU_USD", "GBP_USD", "USD_JPY")


@pytest.mark.parametrize("text", [",", "GBP_USD,nonsense!"])
def test_instruments_that_are_none_are_refused(text: str) -> None:
    assert refusal(instruments=text).startswith("INSTRUMENTS is ")


def test_a_daily_break_of_ones_own_is_when_the_market_is_closed_and_others_keep_theirs() -> None:
    settings = load_settings(None, market_hours="de30/eur=16:00-18:05, GOLD=17:00-17:00")
    assert settings.shown("market_hours") == "DE30_EUR=16:00-18:05,XAU_USD=17:00-17:00"
    summer = parse_rfc3339("2025-07-08T20:30:00Z")  # half past four in New York
    german, gold, pound = (hours_as_set(settings.market_hours, name) for name in ("DE30_EUR", "XAU_USD", "GBP_USD"))
    assert not german.is_open(summer)
    assert german.is_open(summer - 3600)
    assert gold.is_open(summer + 3600)
    assert pound == hours_of("GBP_USD")


@pytest.mark.parametrize(
    "text", ["GOLD", "GOLD=17-18", "GOLD=18:00-17:00", "GOLD=17:00-24:00", "!=17:00-18:00", "=1:00-2:00"]
)
def test_a_break_that_cannot_be_is_refused(text: str) -> None:
    assert refusal(market_hours=text).startswith("MARKET_HOURS is ")


@pytest.mark.parametrize(
    ("given", "meant"),
    [("practice", "practice"), ("DEMO", "practice"), ("fxpractice", "practice"), ("Live", "live"), ("fxtrade", "live")],
)
def test_the_environment_is_known_by_its_older_names(given: str, meant: str) -> None:
    assert load_settings(None, oanda_environment=given).oanda_environment == meant


@pytest.mark.parametrize("url", ["ftp://x", "api.example.org", "http://", "https://u:p@h"])
def test_a_broker_url_that_cannot_be_called_is_refused(url: str) -> None:
    assert refusal(oanda_api_url=url).startswith("OANDA_API_URL is ")


def test_the_collectors_headers_are_secrets_one_by_one() -> None:
    settings = load_settings(None, otel_exporter_otlp_headers=f"Authorization=Bearer%20{SECRET}, x-tenant=desk-7")
    assert settings.shown("otel_exporter_otlp_headers") == "(set)"
    assert {f"Bearer {SECRET}", "desk-7"} < set(settings.secrets())


@pytest.mark.parametrize("text", [SECRET, f"x-key:{SECRET}", f"x key={SECRET}", f"x-key={SECRET}%0d%0aX: y"])
def test_collectors_headers_that_are_none_are_refused_without_being_shown(text: str) -> None:
    said = refusal(otel_exporter_otlp_headers=text)
    assert said.startswith("OTEL_EXPORTER_OTLP_HEADERS (command line): header 1 is none")
    assert SECRET not in said


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_secrets_appear_neither_in_repr_nor_in_what_is_shown() -> None:
    settings = load_settings(
        None,
        oanda_api_key=SECRET,
        api_key=SECRET,
        database_url=f"postgresql://me:{SECRET}%40@db/x",
        redis_url=f"redis://:{SECRET}@r:6379/0",
    )
    shown = " ".join(settings.shown(name) for name in Settings.model_fields)
    assert SECRET not in repr(settings) + str(settings) + shown
    assert settings.shown("database_url") == "postgresql://me:(hidden)@db/x"
    assert settings.shown("api_key") == "(set)"
    assert settings.shown("telegram_bot_token") == ""
    assert set(settings.secrets()) == {SECRET, f"{SECRET}%40", f"{SECRET}@"}


def test_several_processes_on_a_sqlite_file_are_refused_and_on_postgresql_they_are_not() -> None:
    said = refusal(workers=2)
    assert "WORKERS is 2, and a SQLite file belongs to one process" in said
    assert "DATABASE_URL=postgresql://" in said
    assert load_settings(None, workers=2, database_url="postgresql://me@db/x").workers == 2
