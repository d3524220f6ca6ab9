"""Render pieces of HTML: tables that scroll on a phone, percentages, counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np


class Html(str):
    """HTML text; `render_table` does not escape it."""


def render_table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: Sequence[int] = ()
) -> str:
    """Return a table with a caption; the first cell of a row is its heading, `numbers` are right-aligned columns.

    >>> print(render_table("Two", ["move", "clips"], [["a < b", 2]], numbers=[1]))
    <div class="scroll" role="region" aria-label="Two" tabindex="0"><table><caption>Two</caption>
    <thead><tr><th scope="col">move</th><th scope="col" class="number">clips</th></tr></thead>
    <tbody>
    <tr><th scope="row">a &lt; b</th><td class="number">2</td></tr>
    </tbody></table></div>
    """
    styles = [' class="number"' if k in numbers else "" for k in range(len(columns))]
    pairs = zip(columns, styles, strict=True)
    head = "".join(f'<th scope="col"{style}>{_cell(name)}</th>' for name, style in pairs)
    lines = []
    for first, *cells in rows:
        row = "".join(f"<td{style}>{_cell(cell)}</td>" for cell, style in zip(cells, styles[1:], strict=True))
        lines.append(f'<tr><th scope="row">{_cell(first)}</th>{row}</tr>')
    return (
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0"><table><caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>"
    )


def render_share(share: float) -> Html:
    """Return a percentage with a bar; screen readers skip the bar and read the number."""
    bar = f'<span class="bar" aria-hidden="true"><i style="width:{100 * share:.1f}%"></i></span>'
    return Html(f'<span class="whole"><span class="digits">{percent(share)}</span> {bar}</span>')


def percent(share: float) -> str:
    """Return a share in whole percent; only exactly 1 is 100 % and only exactly 0 is 0 %. NaN = empty text.

    >>> percent(0.5), percent(0.996), percent(1), percent(0.004), percent(float("nan"))
    ('50 %', 'over 99 %', '100 %', 'under 1 %', '')
    """
    if np.isnan(share):
        return ""
    if share not in (0, 1) and round(100 * share) in (0, 100):
        return "under 1 %" if share < 0.5 else "over 99 %"
    return f"{100 * share:.0f} %"


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural.

    >>> count_noun(1, "athlete"), count_noun(3, "athlete")
    ('1 athlete', '3 athletes')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _cell(value: Any) -> str:
    return str(value) if isinstance(value, Html) else escape(str(value))
