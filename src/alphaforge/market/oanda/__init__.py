"""OANDA v20 over HTTP: one client, paced and patient, whose answers are checked before anyone sees them."""

from alphaforge.market.oanda.access import OandaAccess
from alphaforge.market.oanda.calls import CallLimits
from alphaforge.market.oanda.client import OandaClient
from alphaforge.market.oanda.traffic import Traffic

__all__ = ["CallLimits", "OandaAccess", "OandaClient", "Traffic"]
