"""The legend of strips: the colours of states, of the sides of the body, and of weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from gymskel.activations.lettering import AGAINST, BLACK, FOR, SIDES, text_size, word_font
from gymskel.activations.strips import state_colours

if TYPE_CHECKING:
    from PIL import ImageDraw

_ROW, _BAR = 22, 120
"""Pixels: height of a row, width of the colour bar."""
_MARKS = {
    "right side": (SIDES["right"], 18, 1),
    "left side": (SIDES["left"], 18, 1),
    "middle": (SIDES["middle"], 18, 1),
    "for the move": (FOR, 8, 5),
    "against it": (AGAINST, 8, 5),
}
"""Text -> colour, width and half the height in pixels of the mark before it."""
_BEFORE_BAR, _AFTER_BAR = "state of a unit:  -1", "+1"


def legend_height(sides: Iterable[str], signed: bool, width: int) -> int:
    """Return the height in pixels of what `draw_legend` draws."""
    return len(_legend_rows(sides, signed, width)) * _ROW


def draw_legend(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], sides: Iterable[str], signed: bool, width: int
) -> None:
    """Explain the colours: a bar from -1 (pink) to +1 (green), the sides of the body, and weights of both signs.

    Args:
        pen: of the picture.
        place: left and upper edge in pixels.
        sides: sides of the body that are drawn.
        signed: there are weights below 0.
        width: pixels before a new row starts.
    """
    font = word_font(12)
    for number, row in enumerate(_legend_rows(sides, signed, width)):
        x, y = place[0], place[1] + number * _ROW + _ROW // 2
        for text, size in row:
            if text == _BEFORE_BAR:
                pen.text((x, y), text, font=font, fill=BLACK, anchor="lm")
                _draw_bar(pen, x + text_size(text, font)[0] + 6, y)
                pen.text((x + size - 24, y), _AFTER_BAR, font=font, fill=BLACK, anchor="rm")
            else:
                colour, wide, half = _MARKS[text]
                pen.rectangle((x, y - half, x + wide, y + half), fill=colour)
                pen.text((x + wide + 6, y), text, font=font, fill=BLACK, anchor="lm")
            x += size


def _draw_bar(pen: ImageDraw.ImageDraw, x: int, y: int) -> None:
    for column, (red, green, blue) in enumerate(
        state_colours(np.linspace(-1, 1, _BAR)[:, None])[:, 0].tolist()
    ):
        pen.line((x + column, y - 6, x + column, y + 6), fill=(red, green, blue))


def _legend_rows(sides: Iterable[str], signed: bool, width: int) -> list[list[tuple[str, int]]]:
    """Return the entries of the legend, each with its width in pixels, in rows of at most `width` pixels."""
    font, shown = word_font(12), set(sides)
    bar = text_size(_BEFORE_BAR, font)[0] + _BAR + text_size(_AFTER_BAR, font)[0] + 36
    entries = [(_BEFORE_BAR, bar)]
    texts = [text for text in _MARKS if text.split()[0] in shown]
    texts += ["for the move", "against it"] if signed else []
    entries += [(text, _MARKS[text][1] + text_size(text, font)[0] + 24) for text in texts]
    rows: list[list[tuple[str, int]]] = [[]]
    for entry in entries:
        if rows[-1] and sum(size for _, size in rows[-1]) + entry[1] > width:
            rows.append([])
        rows[-1].append(entry)
    return rows
