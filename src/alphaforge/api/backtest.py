"""Backtests: known to the predecessor's clients, not offered yet, and said so."""

from typing import NoReturn

from fastapi import APIRouter

from alphaforge.core.errors import NotOffered

router = APIRouter(tags=["backtests"])

_ADVICE = "Nothing was computed. The other endpoints are not concerned."


@router.get(
    "/api/backtest/symbols", summary="Not offered yet: what can be backtested", status_code=501, response_model=None
)
async def backtest_symbols() -> NoReturn:
    """501: the symbols of a backtest that cannot be run would be no answer."""
    message = "Backtests are not offered by this version"
    raise NotOffered(message, advice=_ADVICE)


@router.post("/api/backtest/run", summary="Not offered yet: run a backtest", status_code=501, response_model=None)
async def run_backtest() -> NoReturn:
    """501, whatever is asked."""
    message = "Backtests are not offered by this version"
    raise NotOffered(message, advice=_ADVICE)
