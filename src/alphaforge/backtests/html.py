"""A report as one page that needs nothing else: no script, no request, readable on a phone and in the dark."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from alphaforge.backtests.compare import rows_of
from alphaforge.backtests.page import STYLE, paragraph, section, table
from alphaforge.backtests.page_of_many import fold_sections, grid_sections
from alphaforge.backtests.page_of_one import report_sections
from alphaforge.core.errors import InvalidInput

_TITLES: Final = {
    "single": "Backtest",
    "grid": "Grid of backtests",
    "walk_forward": "Walk-forward",
    "comparison": "Backtests compared",
}
_WHOLE: Final = {"grid": "The best of them, whole", "walk_forward": "All tests as one"}


def html_of(document: Mapping[str, Any]) -> str:
    """The page of a report, a grid, a walk-forward or a comparison, from the document alone.

    Raises InvalidInput for any other document.
    """
    kind = document.get("kind")
    if kind not in _TITLES:
        raise InvalidInput("This is no report of a backtest", advice="Give a document that a backtest has made.")
    title = f"{_TITLES[kind]} \u00b7 AlphaForge"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f'<header><p class="kind">{escape(title)}</p><h1>{escape(_sentence(document))}</h1>'
        f"{_period(document)}</header>{_body(kind, document)}</main></body></html>"
    )


def _sentence(document: Mapping[str, Any]) -> str:
    """What stands at the top: of several comparisons the first, the others follow it."""
    said: str = document["differences"][0]["sentence"] if document["kind"] == "comparison" else document["sentence"]
    return said


def _body(kind: str, document: Mapping[str, Any]) -> str:
    if kind == "single":
        return report_sections(document)
    if kind == "comparison":
        return _comparison(document)
    body = grid_sections(document) if kind == "grid" else fold_sections(document)
    report = document["report"]
    if report is None:
        return body
    return f'{body}<h1 class="next">{escape(_WHOLE[kind])}</h1>{paragraph(report["sentence"])}{report_sections(report)}'


def _period(document: Mapping[str, Any]) -> str:
    asked = document.get("asked")
    if asked is None:
        return ""
    period = f"{asked['from'][:10]} to {asked['to'][:10]}"
    return paragraph(f"{', '.join(asked['instruments'])} \u00b7 {period} \u00b7 candles of {asked['source']}", "quiet")


def _comparison(document: Mapping[str, Any]) -> str:
    head, *rows = rows_of(document)
    own = [(name, sentence) for name, sentence in zip(document["names"], document["sentences"], strict=True)]
    return (
        "".join(paragraph(other["sentence"]) for other in document["differences"][1:])
        + "".join(paragraph(warning, "warn") for warning in document["warnings"])
        + section("Beside each other", table(head, rows))
        + section("What each says of itself", "".join(paragraph(f"{name}: {sentence}") for name, sentence in own))
    )
