from pathlib import Path

import pytest
from pydantic import SecretStr

from alphaforge.core.errors import InvalidSetting
from alphaforge.settings import Settings, load_settings

SECRET = "tok3n-nobody-may-see"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests."""
    for name in (*Settings.model_fields, "oanda_token"):
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def refusal(env_file: Path, **given: object) -> str:
    with pytest.raises(InvalidSetting) as caught:
        load_settings(env_file, **given)
    return caught.value.message


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file.write_text("PORT=5001\nHOST=localhost\nMAX_PAGE_SIZE=50\n")
    monkeypatch.setenv("PORT", "5002")
    monkeypatch.setenv("HOST", "::1")
    settings = load_settings(env_file, port=5003, host=None)
    assert (settings.port, settings.host, settings.max_page_size) == (5003, "::1", 50)
    assert [settings.source_of(name) for name in ("port", "host", "max_page_size", "cache_ttl")] == [
        "command line",
        "environment",
        ".env",
        "default",
    ]


def test_the_constructor_reads_neither_environment_nor_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=5001\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORT", "5002")
    assert Settings().port == 5000


def test_an_empty_value_is_no_value(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write_text("OANDA_API_KEY=\nPORT=\n")
    monkeypatch.setenv("REDIS_URL", "")
    settings = load_settings(env_file)
    assert (settings.oanda_api_key, settings.redis_url, settings.port) == (None, None, 5000)


def test_a_file_from_windows_is_read_byte_order_mark_and_all(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbfPORT=5001\r\nOANDA_API_KEY = abcd \r\n")
    settings = load_settings(env_file)
    assert settings.port == 5001
    assert settings.oanda_api_key == SecretStr("abcd")


def test_a_file_that_is_no_text_is_refused_in_words(env_file: Path) -> None:
    env_file.write_bytes(b"PORT=\xff\xfe5001")
    assert "cannot be read" in refusal(env_file)


def test_the_predecessors_settings_are_accepted_as_they_are(env_file: Path) -> None:
    env_file.write_text(
        "DATABASE_URL=postgresql://trader:pw@db/alphaforge\nOANDA_API_KEY=abcd\nOANDA_ACCOUNT_ID=001-1\n"
        "OANDA_ENVIRONMENT=practice\nTELEGRAM_BOT_TOKEN=1:a\nTELEGRAM_CHAT_ID=-100\nGEMINI_API_KEY=g\n"
        "FLASK_DEBUG=0\nOPENAI_API_KEY=sk\n"
    )
    settings = load_settings(env_file)
    assert settings.oanda_account_id == "001-1"
    assert settings.telegram_chat_id == "-100"
    assert settings.ignored == ("FLASK_DEBUG", "OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("spelling", "meant"),
    [
        ("OANDA_APIKEY", "OANDA_API_KEY"),
        ("OANDA_TOKEN", "OANDA_API_KEY"),
        ("OANDA_ACCOUNT", "OANDA_ACCOUNT_ID"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("DB_POOLSIZE", "DB_POOL_SIZE"),
        ("TELEGRAM_TOKEN", "TELEGRAM_BOT_TOKEN"),
        ("INSTRUMENT", "INSTRUMENTS"),
    ],
)
def test_a_misspelt_setting_is_refused_with_what_was_meant(env_file: Path, spelling: str, meant: str) -> None:
    env_file.write_text(f"{spelling}={SECRET}\n")
    message = refusal(env_file)
    assert message == f"{spelling} in .env is no setting; {meant} was meant"


def test_every_wrong_setting_is_named_at_once_with_what_is_accepted(env_file: Path) -> None:
    env_file.write_text("PORT=70000\nMAX_PAGE_SIZE=many\nLOG_LEVEL=LOUD\nOANDA_APIKEY=x\n")
    message = refusal(env_file, host="0.0.0.0")  # noqa: S104 - the point of it
    assert "PORT is '70000' (.env); accepted: a port from 1 to 65535" in message
    assert "MAX_PAGE_SIZE is 'many' (.env); accepted: a whole number from 1 to 10000" in message
    assert "LOG_LEVEL is 'LOUD' (.env); accepted: DEBUG, INFO, WARNING or ERROR" in message
    assert "OANDA_API_KEY was meant" in message
    assert "there is no API_KEY" in message


def test_a_wrong_secret_is_named_but_never_shown(env_file: Path) -> None:
    env_file.write_text(f"DATABASE_URL=mysql://me:{SECRET}@db/x\n")
    message = refusal(env_file)
    assert message.startswith("DATABASE_URL is a value that is not shown here (.env); accepted: sqlite:///path")
    assert SECRET not in message
