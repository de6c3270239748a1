"""What alerts say: plain text, short, every time with its zone, invented prices called so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alphaforge.alerts.channel import Channel
from alphaforge.alerts.model import Alert, Kind, Queued, Why
from alphaforge.alerts.notifier import Message
from alphaforge.core.instruments import Instrument
from alphaforge.core.times import from_epoch

LATE_SECONDS = 300.0
"""An alert that is sent later than this after what it tells of says so."""
MOST_LINES = 20
"""Of alerts that are told together so many are named."""
_LONGEST = 300

Row = Mapping[str, Any]

_FOREIGN = str.maketrans({"<": "‹", ">": "›", "@": "＠", "`": "'", "*": "·", "[": "(", "]": ")"})  # noqa: RUF001 - meant


def foreign(text: str, most: int = _LONGEST) -> str:
    """Text that we did not write: on one line, cut short, with nothing that a service takes for markup or a mention."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text[: 4 * most]).split()).translate(_FOREIGN)
    return line if len(line) <= most else line[: most - 1] + "…"


def signal_alert(key: str, row: Row, instrument: Instrument, at: float) -> Alert:
    """A new signal. `row` as the table of signals has it, times in epoch seconds."""
    price = _prices(instrument)
    entry, stop, target = row["entry"], row["stop_loss"], row["tp1"]
    parts = [f"entry {price(entry)}", f"stop {price(stop)}", f"target {price(target)}"]
    if entry != stop:
        parts[-1] += f" (R 1:{abs(target - entry) / abs(entry - stop):.1f})"
    if row["confidence_score"] is not None:
        parts.append(f"confidence {row['confidence_score']:.0f}")
    title = f"{row['direction']} {_pair(instrument)}"
    body = f"{', '.join(parts)}. {_moment(row['timestamp'])}. {_remarks(row)}"
    return _of_row(Alert(key, Kind.SIGNAL, at, title, _sentence(body)), row, instrument)


def outcome_alert(key: str, row: Row, instrument: Instrument, at: float) -> Alert:
    """What became of a signal."""
    price = _prices(instrument)
    results = []
    if row["pips_captured"] is not None:
        results.append(f"{row['pips_captured']:+.1f} pips")
    if row["r_multiple"] is not None:
        results.append(f"{row['r_multiple']:+.2f} R")
    title = f"{row['status']}: {row['direction']} {_pair(instrument)}" + "".join(f", {one}" for one in results)
    left = f"exit {price(row['exit_price'])}" if row["exit_price"] is not None else "exit price not known"
    when = f" at {_moment(row['exit_time'])}" if row["exit_time"] is not None else ""
    body = f"entry {price(row['entry'])} of {_moment(row['timestamp'])}, {left}{when}. {_remarks(row)}"
    return _of_row(Alert(key, Kind.OUTCOME, at, title, _sentence(body)), row, instrument)


def _of_row(alert: Alert, row: Row, instrument: Instrument) -> Alert:
    return replace(alert, instrument=instrument.name, confidence=row["confidence_score"], signal_id=row["id"])


def trouble_alert(key: str, kind: Kind, at: float, title: str, reason: str) -> Alert:
    """Something of the desk itself. `reason` may be anybody's text."""
    return Alert(key, kind, at, title, f"{foreign(reason)} {_moment(at)}.")


def queued(channel: Channel, alert: Alert) -> Queued:
    """One alert on its way to one channel."""
    return Queued(
        *(channel.key, channel.name, alert.kind.value, alert.at, alert.title, alert.body),
        instrument=alert.instrument,
        signal_id=alert.signal_id,
    )


def queued_of(payload: Mapping[str, Any]) -> Queued:
    """A message as its job keeps it."""
    return Queued(**payload)


def gathered(channel: Channel, alerts: Sequence[Alert], why: Why) -> Queued:
    """Several alerts on their way as one; `joined` adds more to it."""
    first = Queued(channel.key, channel.name, "summary", alerts[0].at, "", "", why=why.value, count=0)
    return joined(first, alerts)


def joined(to: Queued, alerts: Sequence[Alert]) -> Queued:
    """The same message with more alerts in it."""
    lines = [*to.lines, *(f"{from_epoch(one.at):%H:%M} {one.title}" for one in alerts)]
    count = to.count + len(alerts)
    title = f"{count} alert{'s' if count > 1 else ''} {_WHY.get(to.why, '')}"
    return Queued(*(to.channel, to.name, to.kind, to.at, title, ""), why=to.why, count=count, lines=lines[:MOST_LINES])


_WHY: Mapping[str | None, str] = {Why.QUIET: "in quiet hours", Why.MANY: "more within a minute"}


def message_of(key: str, one: Queued, now: float) -> Message:
    """What is sent at a moment (epoch seconds)."""
    if one.why is not None:
        more = [f"and {one.count - len(one.lines)} more: GET /api/signals"] if one.count > len(one.lines) else []
        return Message(key, one.title, "\n".join([*one.lines, *more, "Times are UTC."]))
    if now - one.at > LATE_SECONDS:
        return Message(key, f"Late: {one.title}", f"{one.body} Happened {_moment(one.at)}, told {_moment(now)}.")
    return Message(key, one.title, one.body)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].strip()


def _remarks(row: Row) -> str:
    remarks = ["Simulated prices." if row["simulated"] else "", "Entered by hand." if row["origin"] == "manual" else ""]
    return " ".join(filter(None, remarks))


def _pair(instrument: Instrument) -> str:
    return instrument.name.replace("_", "/")


def _prices(instrument: Instrument) -> Callable[[float], str]:
    """Writes prices with the instrument's decimals."""
    return lambda value: f"{value:.{instrument.display_precision}f}"


def _moment(seconds: float) -> str:
    return f"{from_epoch(seconds):%Y-%m-%d %H:%M} UTC"
