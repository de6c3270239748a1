"""The pieces of a page: its style, numbers as people read them, tables and sections. Every text is escaped here."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

UNKNOWN: Final = "\u2013"

STYLE: Final = """
:root{--page:#fbfbfa;--card:#fff;--text:#1d2125;--quiet:#5c6670;--rule:#e1e4e7;--gain:#1f6f8b;--loss:#b4472e;
--mark:#8a5a00}
@media (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1c2024;--text:#e6e8ea;--quiet:#9aa4ad;--rule:#31373d;
--gain:#62b6d2;--loss:#e58368;--mark:#e0b050}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
sans-serif;font-variant-numeric:tabular-nums}
main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 4rem}
.kind{margin:0;color:var(--quiet);font-size:.9rem}
h1{font-size:1.5rem;line-height:1.35;margin:.3rem 0 .6rem;max-width:46rem;text-wrap:pretty}
h1.next{margin-top:3.5rem;border-top:2px solid var(--text);padding-top:1rem}
h2{font-size:1.15rem;margin:2.6rem 0 .7rem}
p{margin:.4rem 0;max-width:46rem}
.quiet,.note{color:var(--quiet);font-size:.92rem}
.warn{border-left:3px solid var(--mark);padding:.2rem .8rem;max-width:46rem}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:.6rem;margin:1.2rem 0}
.card{background:var(--card);border:1px solid var(--rule);border-radius:.4rem;padding:.6rem .8rem}
.card b{display:block;font-size:1.35rem;font-weight:600;line-height:1.3}
.card span{color:var(--quiet);font-size:.85rem;display:block}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem}
.flow{columns:22rem;column-gap:1rem}.flow>*{break-inside:avoid;padding-bottom:.6rem}
figure{margin:0;max-width:44rem;background:var(--card);border:1px solid var(--rule);border-radius:.4rem;
padding:.7rem .6rem .3rem}
figcaption{font-size:.92rem;font-weight:600;padding:0 .3rem .3rem}
svg{display:block;width:100%;height:auto}
svg text{font-size:12px;fill:var(--quiet)}
svg .rule{stroke:var(--rule)}svg .level{stroke:var(--quiet);stroke-dasharray:4 3}
svg .line{fill:none;stroke:var(--gain);stroke-width:1.8;stroke-linejoin:round}
svg .area{fill:var(--gain);fill-opacity:.12}
svg .bar{fill:var(--gain)}svg .bar.loss{fill:var(--loss)}svg .none{fill:var(--rule)}
svg .reach{stroke:var(--gain);stroke-width:2}svg .dot{fill:var(--gain)}
svg .mark{stroke:var(--mark);stroke-width:2}svg .marked{fill:var(--mark)}svg .in{fill:var(--text);font-size:11px}
.wide{overflow-x:auto;margin:.5rem 0 1rem}
table{border-collapse:collapse;font-size:.9rem;min-width:100%}
th,td{padding:.32rem .7rem .32rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
th{font-weight:600;color:var(--quiet);vertical-align:bottom}
thead th{white-space:normal}
tbody th{font-weight:400;color:var(--text)}
th:first-child,td.text,th.text{text-align:left}
tr:last-child>*{border-bottom:0}
td.low{color:var(--loss)}
caption{text-align:left;font-weight:600;padding:.3rem 0}
details{margin:.6rem 0}summary{cursor:pointer;color:var(--quiet)}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
"""


def number(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """A number with its thousands in groups and a true minus; a dash where it is not known."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f"{value:{'+' if sign else ''},.{digits}f}"
    return text.replace("-", "\u2212") if float(text.replace(",", "")) else text.lstrip("-+")


def count(value: float | None) -> str:
    """A whole number."""
    return number(value, 0)


def percent(value: float | None, digits: int = 1, *, sign: bool = False) -> str:
    """A fraction in percent."""
    return UNKNOWN if value is None else f"{number(value * 100, digits, sign=sign)}\u00a0%"


def estimate(value: Mapping[str, Any], digits: int = 2, *, share: bool = False) -> tuple[str, str]:
    """The value of an estimate and its interval."""
    write = percent if share else number
    low, high = value.get("low"), value.get("high")
    interval = "" if low is None or high is None else f"{write(low, digits)} to {write(high, digits)}"
    return write(value["value"], digits), interval


def card(label: str, value: str, below: str = "") -> str:
    """One figure, what it is, and how sure."""
    return f'<div class="card"><span>{escape(label)}</span><b>{escape(value)}</b><span>{escape(below)}</span></div>'


def cards(items: Iterable[tuple[str, str, str]]) -> str:
    """Figures beside each other."""
    return f'<div class="cards">{"".join(card(*item) for item in items)}</div>'


def section(title: str, body: str) -> str:
    """A part of the page under its title."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def folded(title: str, body: str) -> str:
    """What is shown only when it is asked for."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind`: quiet, note or warn."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def pair(*figures: str) -> str:
    """Figures beside each other where there is room."""
    return f'<div class="pair">{"".join(figures)}</div>'


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", words: frozenset[int] = frozenset()
) -> str:
    """A table whose first column names its rows; `words`: the other columns that are texts. Losses are coloured."""

    def cell(place: int, text: str) -> str:
        if place == 0:
            return f'<th scope="row">{escape(text)}</th>'
        kind = "text" if place in words else "low" if text.startswith("\u2212") and " " not in text else ""
        return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"

    body = "".join(f"<tr>{''.join(cell(place, text) for place, text in enumerate(row))}</tr>" for row in rows)
    if not body:
        return paragraph("None.", "quiet")
    top = "".join(
        f'<th scope="col"{" class=text" if place in words else ""}>{escape(text)}</th>'
        for place, text in enumerate(head)
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def value_text(value: object) -> str:
    """A setting's or an option's value as one writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " + ".join(value_text(one) for one in value) or "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {value_text(one)}" for name, one in value.items()) or "none"
    if value is None:
        return UNKNOWN
    return f"{value:.10g}" if isinstance(value, float) else str(value)
