import pytest

from alphaforge.core.errors import InvalidSetting
from alphaforge.market.oanda import OandaAccess


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
