"""The strips of the gymnastics thesis (TalTech 2020, section 5.2 and appendix A.1).

A row for each neuron, a cell for each frame, pink through grey to green for states from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image, ImageFont

_GREY, _WHITE, _BLACK = (128, 128, 128), (255, 255, 255), (0, 0, 0)
_ROUNDING = 1e-6
"""How far a float32 state may overshoot [-1, 1]."""


def draw_strips(states: np.ndarray, *, steps_per_line: int = 30, cell: int = 25, gap: int = 5) -> Image.Image:
    """One clip's states as an image: a row a neuron, a cell a frame, the frames' numbers above.

    The published rule (thesis, appendix A.1): s = (v + 1) / 2 for a state v; red 255 (1 - s), green 255 s,
    blue 128, each cut to a whole number. So -1 is pink, 0 grey and 1 green, and green is also the lighter
    end. The grey row above the neurons numbers the frames from 0; 30 of them make a line, half a second
    at 60 fps.

    Args:
        states: (frames, units) in [-1, 1]. Frames of NaN at the end are behind the mask: the strip
            ends before them.
        steps_per_line: frames before a new line starts.
        cell: side of a cell in pixels; nearest neighbour, nothing is blended. Numbers that do not fit into
            the cell are thinned out.
        gap: white pixels between lines; a neuron near 0 is grey too and would run into the next numbers.

    Returns:
        RGB image, min(frames, steps_per_line) cells wide; line k starts `k * ((units + 1) * cell + gap)`
        pixels down. Behind the end of the last line it is white.

    Raises:
        ValueError: states of another shape, outside [-1, 1] (a ReLU layer: scale them first), or NaN before
            the end.

    >>> image = draw_strips(np.array([[-1.0], [0.0], [1.0]]))
    >>> image.size, [image.getpixel((25 * frame + 12, 37)) for frame in range(3)]
    ((75, 50), [(255, 0, 128), (127, 127, 128), (0, 255, 128)])
    """
    from PIL import Image, ImageDraw

    check_sizes(gap, steps_per_line=steps_per_line, cell=cell)
    colours = colours_of(before_end(states, "`states`"))
    frames, units = colours.shape[:2]
    starts = range(0, frames, steps_per_line)
    height = (units + 1) * cell
    image = Image.new("RGB", (min(frames, steps_per_line) * cell, len(starts) * (height + gap) - gap), _WHITE)
    pen = ImageDraw.Draw(image)
    font, every = number_font(frames - 1, cell)
    for line, start in enumerate(starts):
        steps = colours[start : start + steps_per_line]
        top = line * (height + gap)
        pen.rectangle((0, top, len(steps) * cell - 1, top + cell - 1), fill=_GREY)
        image.paste(cells_of(steps, cell, cell), (0, top + cell))
        for step in range(0, len(steps), every):
            number = str(start + step)
            if step * cell + font.getlength(number) <= len(steps) * cell:
                pen.text((step * cell, top), number, font=font, fill=_WHITE)
    return image


def draw_class_strips(
    states: np.ndarray | Sequence[np.ndarray],
    *,
    titles: Iterable[str] | None = None,
    cell: int = 10,
    steps_per_tick: int = 30,
    gap: int = 4,
) -> Image.Image:
    """The strips of many clips below each other, for instance all of one class (thesis, fig. 5.11).

    Time runs to the right and starts for all clips at the same place; in each clip the neurons come in
    the same order. A clip ends where it ends: behind it the image is white. What would be taller than wide, as of many
    neurons over few steps, goes on in further columns.

    Args:
        states: (clips, frames, units), or a list of (frames, units); in [-1, 1], NaN behind the mask.
        titles: a name for each clip, written to its left, e.g. `clips.sources`.
        cell: side of a cell in pixels.
        steps_per_tick: frames between the numbers of the grey row on top.
        gap: white pixels between clips.

    Returns:
        RGB image; the colours are those of `draw_strips`.

    Raises:
        ValueError: no clips, clips that differ in units, more or fewer titles than clips, or states that
            `draw_strips` would refuse.
    """
    from PIL import Image, ImageDraw

    check_sizes(gap, cell=cell, steps_per_tick=steps_per_tick)
    clips = [colours_of(before_end(clip, f"clip {i}"), f"clip {i}") for i, clip in enumerate(states)]
    units = sorted({clip.shape[1] for clip in clips})
    if not clips:
        raise ValueError("`states` holds no clip; expected at least one (frames, units).")
    if len(units) != 1:
        raise ValueError(f"`states` must be clips of one layer, with as many units each; got units {units}.")
    names = [""] * len(clips) if titles is None else [str(title) for title in titles]
    if len(names) != len(clips):
        raise ValueError(f"`titles` must name {len(clips)} clips, got {len(names)}.")
    height, frames = units[0] * cell, max(map(len, clips))
    font = font_of(max(10, min(14, height)))
    row = (height if titles is None else max(height, _text_height(font))) + gap
    left = 0 if titles is None else max(round(font.getlength(name)) for name in names) + 8
    top, width = _text_height(font) + 4, left + frames * cell
    rows = next(
        rows
        for rows in (-(-len(clips) // columns) for columns in range(1, len(clips) + 1))
        if rows == 1 or top + rows * row <= -(-len(clips) // rows) * (width + gap)
    )
    image = Image.new("RGB", (-(-len(clips) // rows) * (width + gap) - gap, top + rows * row), _WHITE)
    pen = ImageDraw.Draw(image)
    for start in range(0, image.width, width + gap):
        pen.rectangle((start + left, 0, start + width - 1, top - 1), fill=_GREY)
        for step in range(0, frames, steps_per_tick):
            at = start + left + step * cell
            pen.line((at, 0, at, top - 1), fill=_WHITE)
            if at + 3 + font.getlength(str(step)) <= start + width:
                pen.text((at + 3, top // 2), str(step), font=font, fill=_WHITE, anchor="lm")
    for number, (colours, name) in enumerate(zip(clips, names, strict=True)):
        start = left + number // rows * (width + gap)
        middle = top + gap + number % rows * row + (row - gap) // 2
        image.paste(cells_of(colours, cell, cell), (start, middle - height // 2))
        pen.text((start - 6, middle), name, font=font, fill=_BLACK, anchor="rm")
    return image


def before_end(states: np.ndarray, which: str) -> np.ndarray:
    """(frames, units) up to the first of the trailing frames of NaN."""
    states = np.asarray(states)
    if states.ndim != 2 or not states.shape[1]:
        raise ValueError(f"{which} must be (frames, units) of one clip, got {states.shape}.")
    if not np.issubdtype(states.dtype, np.floating):
        states = states.astype(np.float64)
    real = np.flatnonzero(~np.isnan(states).all(axis=1))
    if not len(real):
        raise ValueError(f"{which} has no frame that is not NaN; expected states in [-1, 1].")
    return states[: real[-1] + 1]


def colours_of(states: np.ndarray, which: str = "`states`") -> np.ndarray:
    """(frames, units, 3) uint8 by the rule of the thesis, in the precision of the states."""
    if np.isnan(states).any():
        frame, unit = np.argwhere(np.isnan(states))[0]
        raise ValueError(
            f"{which}: unit {unit} is NaN in frame {frame}, before the end; only padding is NaN."
        )
    if np.abs(states).max() > 1 + _ROUNDING:
        raise ValueError(
            f"{which} must lie in [-1, 1], got {states.min():.3g} to {states.max():.3g}. States of "
            "another range (ReLU, merged layers) are drawn as states / np.nanmax(np.abs(states))."
        )
    scores = (np.clip(states, -1, 1) + 1) / 2
    colours = np.full((*states.shape, 3), 128, np.uint8)
    colours[..., 0] = 255 * (1 - scores)
    colours[..., 1] = 255 * scores
    return colours


def cells_of(colours: np.ndarray, width: int, height: int) -> Image.Image:
    """An image with a neuron a row and a frame a column, each cell of one colour."""
    from PIL import Image

    return Image.fromarray(np.kron(colours.swapaxes(0, 1), np.ones((height, width, 1), np.uint8)))


def number_font(largest: int, cell: int) -> tuple[Any, int]:
    """A font whose numbers fit into a cell, and how many steps apart they must be written if none does."""
    widest = "0" * len(str(largest))
    for size in range(min(15, cell), 8, -1):
        font = font_of(size)
        if font.getlength(widest) <= cell - 2 and _text_height(font) <= cell:
            return font, 1
    font = font_of(min(9, max(cell, 1)))
    return font, -(-int(font.getlength(widest) + 2) // cell)


def font_of(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that pictures are the same everywhere."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _text_height(font: Any) -> int:
    return round(font.getbbox("0y")[3])


def check_sizes(gap: int, **sizes: int) -> None:
    """Refuses sizes that are not whole numbers of at least 1, and a gap below 0."""
    for name, size, least in (("gap", gap, 0), *((name, size, 1) for name, size in sizes.items())):
        if not isinstance(size, (int, np.integer)) or size < least:
            raise ValueError(f"`{name}` must be a whole number of at least {least}, got {size!r}.")
