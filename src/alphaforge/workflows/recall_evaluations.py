"""What was decided last, as the database knows it: by this process before it was restarted, or by another."""

from collections.abc import Mapping

from alphaforge.signals.explain import decision_from_dict
from alphaforge.signals.model import Decision
from alphaforge.signals.settings import STRATEGY
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalRepository
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.scan_market import ScanResult


async def newer_evaluations(desk: Desk, known: Mapping[str, Decision | None]) -> dict[str, ScanResult]:
    """The newest stored evaluation of each watched instrument, where it is newer than the known one."""
    source, found = desk.source.name, {}
    async with desk.database.read() as connection:
        rejections, signals = RejectionRepository(connection), SignalRepository(connection)
        newest = await rejections.last_evaluated(source, desk.names)
        for name, start in newest.items():
            decision = known.get(name)
            if decision is not None and decision.candle_time >= start:
                continue
            made = await signals.made_of(STRATEGY, source, name, start)
            if made is not None:
                found[name] = ScanResult(
                    name, decision_from_dict(made[1]), None, "already_signalled", earlier_id=made[0]
                )
                continue
            row = next(iter(await rejections.newest(name, 1)), None)
            if row is not None and (row["source"], row["candle_time"]) == (source, start):
                refused = decision_from_dict(row["decision"])
                found[name] = ScanResult(name, refused, None, refused.reason or "already_evaluated")
    return found
