"""Alerts over HTTP: their history, their channels, without an address."""

import pytest

from alert_builders import HOOK, channel, dispatch, signal
from alphaforge.api.services import ChannelFacts
from alphaforge.core.times import parse_rfc3339
from alphaforge.storage.jobs import JobRepository
from api_bench import SQLITE, Bench

pytestmark = SQLITE

PHONE = ChannelFacts(
    "phone", "tgram", ["outcome", "signal"], ["GBP_USD"], 70.0, "22:00-07:00@UTC", 10, 1.7e9, "error=403.", None
)


async def history(bench: Bench, signals: int, query: str = "af_name=hook") -> None:
    """So many signals, told to one channel."""
    telling = dispatch(bench.services.database, channel(query))
    await telling.dispatch()
    for _ in range(signals):
        await signal(bench.services.database)
    await telling.dispatch()


async def end(bench: Bench, status: str, error: str | None = None) -> None:
    """Take the next message, and end it so."""
    async with bench.services.database.write("jobs") as connection:
        repository = JobRepository(connection)
        job = await repository.claim(("alert",), "me", 60)
        assert job is not None
        await repository.finish(job, "me", status, error=error)


async def test_the_history_says_what_became_of_each_message(bench: Bench) -> None:
    await history(bench, 3)
    await end(bench, "done")
    await end(bench, "failed", "Failed to send: error=503.")
    body = await bench.get("/api/alerts")
    assert body["count"] == 3
    assert [one["status"] for one in body["alerts"]] == ["queued", "failed", "sent"]
    newest, failed, sent = body["alerts"]
    assert (sent["kind"], sent["instrument"], sent["title"], sent["channel"]) == (
        *("signal", "GBP_USD", "BUY GBP/USD"),
        "hook",
    )
    assert (sent["signal_id"], sent["alerts"], sent["attempts"], sent["error"]) == (1, 1, 1, None)
    assert parse_rfc3339(sent["at"]) <= parse_rfc3339(sent["created_at"]) <= parse_rfc3339(sent["sent_at"])
    assert (failed["error"], failed["sent_at"], newest["sent_at"]) == ("Failed to send: error=503.", None, None)
    assert "h.example" not in str(body)
    assert HOOK.key not in str(body)


async def test_pages_of_the_history_go_on_behind_one_another_and_can_be_of_a_status(bench: Bench) -> None:
    await history(bench, 5)
    await end(bench, "done")
    first = await bench.get("/api/alerts", limit=2)
    assert first["next"]
    second = await bench.get("/api/alerts", limit=2, cursor=first["next"])
    third = await bench.get("/api/alerts", limit=2, cursor=second["next"])
    ids = [one["id"] for page in (first, second, third) for one in page["alerts"]]
    assert ids == [5, 4, 3, 2, 1]
    assert third["next"] is None
    sent = (await bench.client.get("/api/alerts?status=sent")).json()["alerts"]
    assert [one["id"] for one in sent] == [1]
    assert (await bench.client.get("/api/alerts?status=lost")).status_code == 422
    assert (await bench.client.get("/api/alerts?cursor=AAAA")).status_code == 422
    assert (await bench.client.get("/api/alerts?limit=0")).status_code == 422


async def test_what_waits_for_its_minutes_end_is_held(bench: Bench) -> None:
    await history(bench, 4, "af_name=narrow&af_per_minute=1")
    held, queued = (await bench.get("/api/alerts"))["alerts"]
    assert (held["status"], held["kind"], held["alerts"], held["instrument"]) == ("held", "summary", 3, None)
    assert held["due_at"] > held["created_at"]
    assert queued["status"] == "queued"


async def test_the_history_is_new_with_each_change(bench: Bench) -> None:
    await history(bench, 1)
    assert (await bench.get("/api/alerts"))["alerts"][0]["status"] == "queued"
    await end(bench, "done")
    assert (await bench.get("/api/alerts"))["alerts"][0]["status"] == "sent"


async def test_channels_are_shown_with_what_they_want_and_how_they_do(bench: Bench) -> None:
    assert await bench.get("/api/alerts/channels") == {"channels": [], "count": 0}
    bench.services.alerts.channels.append(PHONE)  # type: ignore[attr-defined] - the fake's
    (body,) = (await bench.get("/api/alerts/channels"))["channels"]
    assert body == {
        "name": "phone",
        "service": "tgram",
        "kinds": ["outcome", "signal"],
        "instruments": ["GBP_USD"],
        "min_confidence": 70.0,
        "quiet": "22:00-07:00@UTC",
        "enabled": False,
        "failures": 10,
        "last_error": "error=403.",
        "disabled_at": "2023-11-14T22:13:20Z",
        "last_sent_at": None,
    }


async def test_a_channel_can_be_tested_and_enabled(bench: Bench) -> None:
    alerts = bench.services.alerts
    alerts.channels.append(PHONE)  # type: ignore[attr-defined] - the fake's
    tested = await bench.client.post("/api/alerts/channels/phone/test")
    assert (tested.status_code, tested.json()["success"], tested.json()["channel"]) == (200, True, "phone")
    enabled = await bench.client.post("/api/alerts/channels/phone/enable")
    assert enabled.status_code == 200
    assert (alerts.tested, alerts.enabled) == (["phone"], ["phone"])  # type: ignore[attr-defined] - the same


@pytest.mark.parametrize("verb", ["test", "enable"])
async def test_an_unknown_channel_is_not_found(bench: Bench, verb: str) -> None:
    answer = await bench.client.post(f"/api/alerts/channels/nobody/{verb}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:alphaforge:problem:not-found"


async def test_a_receiver_that_takes_nothing_is_a_bad_gateway(bench: Bench) -> None:
    alerts = bench.services.alerts
    alerts.channels.append(PHONE)  # type: ignore[attr-defined] - the fake's
    alerts.dead.add("phone")  # type: ignore[attr-defined] - the same
    answer = await bench.client.post("/api/alerts/channels/phone/test")
    assert answer.status_code == 502
    assert answer.json()["detail"] == "Failed to send: error=503."
