"""Words and numbers in strips: colours, fonts, text that fits, ticks of a time axis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

Colour = tuple[int, int, int]
GREY, DARK, LIGHT = (128, 128, 128), (70, 70, 70), (208, 208, 208)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
SIDES: dict[str, Colour] = {"right": (213, 94, 0), "left": (0, 114, 178), "middle": (34, 34, 34)}
"""Colours of the body's sides, as in `visualize` (Okabe and Ito 2008)."""
FOR, AGAINST = (27, 120, 55), (118, 42, 131)
"""Colours of weights above and below 0, as in `attribution` (ColorBrewer PRGn)."""
_BETWEEN_TICKS = 16
"""Least number of pixels between two numbers of a time axis."""


def number_font(size: int) -> Font:
    """Return Pillow's own font, the same on every machine. It has ASCII characters only."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def word_font(size: int) -> Font:
    """Return DejaVu Sans as Matplotlib brings it: names in Latin, Greek and Cyrillic letters are readable."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)


def text_width(text: str, font: Font) -> int:
    """Return the width of a line of text in pixels."""
    return round(font.getlength(text))


def text_height(font: Font) -> int:
    """Return the height of a line of numbers and letters in pixels, with the empty pixels above it."""
    return round(font.getbbox("0y")[3])


def shortened(text: str, font: Font, width: float) -> str:
    """Return the text with its middle replaced by an ellipsis where it is wider than `width` pixels.

    >>> shortened("abc", number_font(12), 200)
    'abc'
    """
    kept = len(text)
    short = text
    while font.getlength(short) > width and kept > 1:
        kept -= 1
        short = f"{text[: -(-kept // 2)]}…{text[len(text) - kept // 2 :]}"
    return short


def fitting_number_font(largest: int, cell: int) -> tuple[Font, int]:
    """Return a font for frame numbers, and the distance in cells at which numbers up to `largest` do not collide."""
    widest = "0" * len(str(largest))
    for size in range(min(15, cell), 8, -1):
        font = number_font(size)
        if font.getlength(widest) <= cell - 2 and text_height(font) <= cell:
            return font, 1
    font = number_font(min(9, max(cell, 1)))
    return font, -(-int(font.getlength(widest) + 2) // cell)


def time_ticks(first: float, last: float, pixels: float, font: Font, *, unit: str) -> list[tuple[float, str]]:
    """Return round times from `first` to `last` with their text, at distances that leave the numbers apart.

    Args:
        first: time at the left end.
        last: time at the right end, not before `first`.
        pixels: width of one unit of time.
        font: of the numbers.
        unit: "s" or "frame"; frames are numbered by whole numbers.

    >>> [text for _, text in time_ticks(0, 1.4, 200, number_font(12), unit="s")]
    ['0', '0.2', '0.4', '0.6', '0.8', '1', '1.2', '1.4']
    """
    distances = [factor * 10.0**power for power in range(-2 if unit == "s" else 0, 9) for factor in (1, 2, 5)]
    for distance in distances:
        widest = font.getlength(f"{last // distance * distance:.{2 if distance < 0.1 else distance < 1:d}f}")
        if distance * pixels >= widest + _BETWEEN_TICKS or distance > last - first:
            break
    times = np.arange(np.ceil(first / distance - 1e-9), np.floor(last / distance + 1e-9) + 1) * distance
    return [(time, f"{time:g}") for time in (times.round(2) + 0.0).tolist()]
