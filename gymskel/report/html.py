"""Pieces of HTML: tables that scroll on a phone, and numbers as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np


class Html(str):
    """Text that is HTML already and is not escaped again."""


def draw_table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: Sequence[int] = ()
) -> str:
    """A table with a caption; the first cell of a row is its heading.

    Args:
        caption: plain text.
        columns: their headings.
        rows: cells as text or `Html`.
        numbers: columns that are set to the right.

    >>> print(draw_table("Two", ["move", "clips"], [["a < b", 2]], numbers=[1]))
    <div class="scroll" role="region" aria-label="Two" tabindex="0"><table><caption>Two</caption>
    <thead><tr><th scope="col">move</th><th scope="col" class="number">clips</th></tr></thead>
    <tbody>
    <tr><th scope="row">a &lt; b</th><td class="number">2</td></tr>
    </tbody></table></div>
    """
    style = [' class="number"' if k in numbers else "" for k in range(len(columns))]
    head = "".join(
        f'<th scope="col"{kind}>{_cell(name)}</th>' for name, kind in zip(columns, style, strict=True)
    )
    lines = []
    for first, *cells in rows:
        more = "".join(f"<td{kind}>{_cell(cell)}</td>" for cell, kind in zip(cells, style[1:], strict=True))
        lines.append(f'<tr><th scope="row">{_cell(first)}</th>{more}</tr>')
    return (
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0"><table><caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>"
    )


def draw_share(share: float) -> Html:
    """A percentage with a bar; the bar is hidden from screen readers, which read the number."""
    bar = f'<span class="bar" aria-hidden="true"><i style="width:{100 * share:.1f}%"></i></span>'
    return Html(f'<span class="whole"><span class="digits">{percent(share)}</span> {bar}</span>')


def percent(share: float) -> str:
    """A share in whole percent; never 100 where something is missing, nor 0 where something is there.

    >>> percent(0.5), percent(0.996), percent(1), percent(0.004), percent(float("nan"))
    ('50 %', 'over 99 %', '100 %', 'under 1 %', '')
    """
    if np.isnan(share):
        return ""
    if share not in (0, 1) and round(100 * share) in (0, 100):
        return "under 1 %" if share < 0.5 else "over 99 %"
    return f"{100 * share:.0f} %"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "athlete"), counted(3, "athlete")
    ('1 athlete', '3 athletes')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int = 12) -> str:
    """The names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _cell(value: Any) -> str:
    return str(value) if isinstance(value, Html) else escape(str(value))
