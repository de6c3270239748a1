import pytest

from alphaforge.core.errors import InvalidSetting
from alphaforge.market.oanda import OandaAccess
from alphaforge.storage.tables import signals


def test_each_environment_has_its_own_hosts() -> None:
    practice, live = OandaAccess.of("practice", "t"), OandaAccess.of("live", "t")
    assert practice.api_url == "https://api-fxpractice.oanda.com"
    assert practice.stream_url == "https://stream-fxpractice.oanda.com"
    assert live.api_url == "https://api-fxtrade.oanda.com"
    assert live.stream_url == "https://stream-fxtrade.oanda.com"


def test_a_token_for_another_server_is_not_streamed_to_oanda() -> None:
    given = OandaAccess.of("practice", "t", api_url="http://127.0.0.1:5001/")
    assert given.api_url == given.stream_url == "http://127.0.0.1:5001"


def test_both_urls_can_be_given() -> None:
    given = OandaAccess.of("live", "t", api_url="http://one:1", stream_url="http://two:2")
    assert (given.api_url, given.stream_url) == ("http://one:1", "http://two:2")


def test_candles_are_named_after_the_environment_of_oandas_own_hosts() -> None:
    assert OandaAccess.of("practice", "t").source_name == "oanda-practice"
    assert OandaAccess.of("live", "t").source_name == "oanda-live"
    assert OandaAccess.of("live", "t", api_url="https://API-fxtrade.oanda.com:443/").source_name == "oanda-live"


def test_practice_prices_are_not_live_ones_whatever_the_environment_says() -> None:
    given = OandaAccess.of("live", "t", api_url="https://api-fxpractice.oanda.com")
    assert given.source_name == "oanda-practice"


def test_another_server_is_never_taken_for_oanda() -> None:
    one, two = (OandaAccess.of("practice", "t", api_url=f"http://Desk.example:{port}") for port in (1, 2))
    assert one.source_name == "oanda-practice@desk.example:1"
    assert one.source_name != two.source_name
    assert (
        OandaAccess.of("live", "t", api_url="https://oanda.com.example").source_name == "oanda-live@oanda.com.example"
    )


def test_a_long_host_fits_into_the_database_and_stays_itself() -> None:
    hosts = [f"{number}.a-very-long-name-of-a-server.example:5000" for number in ("one", "other")]
    hosts.append(hosts[0].replace("5000", "5001"))
    names = [OandaAccess.of("practice", "t", api_url=f"http://{host}").source_name for host in hosts]
    assert len(set(names)) == 3
    assert {len(name) for name in names} == {signals.c.source.type.length}


def test_the_token_is_not_in_the_representation() -> None:
    assert "secret" not in repr(OandaAccess.of("practice", "secret"))


def test_what_surrounds_a_pasted_token_and_account_is_cut_off() -> None:
    given = OandaAccess.of("practice", " abc\n", account_id=" 101-1 ")
    assert (given.token, given.account_id) == ("abc", "101-1")


def test_an_empty_account_is_none() -> None:
    assert OandaAccess.of("practice", "abc", account_id="").account_id is None


@pytest.mark.parametrize("token", ["", "two words", "line\r\nHost: other", "tökén", "x" * 600])
def test_what_cannot_be_a_token_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(InvalidSetting) as error:
        OandaAccess.of("practice", token)
    assert not token or token not in str(error.value)


@pytest.mark.parametrize(
    "url", ["ftp://host", "host", "https://", "https://user:password@host", "https://host?token=1"]
)
def test_what_cannot_be_a_servers_address_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(InvalidSetting) as error:
        OandaAccess.of("practice", "t", api_url=url)
    assert url not in str(error.value)


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="prod"):
        OandaAccess.of("prod", "t", api_url="https://host")
