"""Everything a process does for alerts, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from alphaforge.alerts.channel import Channel
from alphaforge.alerts.notifier import Notifier
from alphaforge.core.instruments import Instrument
from alphaforge.storage.engine import Database
from alphaforge.tasks.alert_delivery import AlertDelivery
from alphaforge.tasks.alert_dispatch import AlertDispatch
from alphaforge.tasks.alert_troubles import MarketTrouble, Troubles, TroubleWatch
from alphaforge.tasks.alerts import Alerts


@dataclass(frozen=True, slots=True)
class AlertWork:
    """`dispatch` queues alerts of events, `delivery` sends them, `watch` looks for troubles of the desk itself."""

    alerts: Alerts
    dispatch: AlertDispatch
    delivery: AlertDelivery
    watch: TroubleWatch

    @classmethod
    def of(
        cls,
        database: Database,
        channels: tuple[Channel, ...],
        notifier: Notifier | None,
        *,
        instrument: Callable[[str], Instrument],
        market: Callable[[], MarketTrouble | None],
        is_mine: Callable[[], bool],
    ) -> Self:
        """For these channels; see the parts for the rest."""
        alerts = Alerts(channels)
        return cls(
            alerts,
            AlertDispatch(database, alerts, instrument),
            AlertDelivery(database, alerts, notifier),
            TroubleWatch(Troubles(database, alerts), market, is_mine),
        )
