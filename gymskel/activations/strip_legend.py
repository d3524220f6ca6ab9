"""The legend of strips: the colours of states, of the sides of the body, and of weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from gymskel.activations.lettering import AGAINST, BLACK, FOR, SIDES, WHITE, text_width, word_font
from gymskel.activations.strips import cell_image, state_colours

if TYPE_CHECKING:
    from PIL import Image

_ROW, _BAR = 22, 120
"""Pixels: height of a row, width of the colour bar."""


def legend(sides: Iterable[str], signed: bool, width: int) -> Image.Image:
    """Return an image that explains the colours: a bar from -1 (pink) to +1 (green), and marks with their meaning.

    Args:
        sides: sides of the body that are drawn.
        signed: some weights lie below 0.
        width: of the image in pixels; what does not fit goes on in a further row.
    """
    from PIL import Image, ImageDraw

    bar = cell_image(state_colours(np.linspace(-1, 1, _BAR)[:, None]), np.arange(_BAR + 1), 12)
    entries = [("state of a unit:  -1", bar, "+1")]
    texts = {"right": "right side", "left": "left side", "middle": "middle"}
    entries += [
        ("", Image.new("RGB", (18, 3), SIDES[side]), texts[side]) for side in SIDES if side in set(sides)
    ]
    if signed:
        weights = {"for the move": FOR, "against it": AGAINST}
        entries += [("", Image.new("RGB", (8, 10), colour), text) for text, colour in weights.items()]
    image, font = Image.new("RGB", (width, _ROW * len(entries)), WHITE), word_font(12)
    pen = ImageDraw.Draw(image)
    x, y = 0, _ROW // 2
    for before, mark, after in entries:
        start = text_width(before, font) + 6 if before else 0
        size = start + mark.width + 6 + text_width(after, font)
        if x and x + size > width:
            x, y = 0, y + _ROW
        pen.text((x, y), before, font=font, fill=BLACK, anchor="lm")
        image.paste(mark, (x + start, y - mark.height // 2))
        pen.text((x + start + mark.width + 6, y), after, font=font, fill=BLACK, anchor="lm")
        x += size + 18
    return image.crop((0, 0, width, y + _ROW // 2))
