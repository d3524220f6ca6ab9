"""The strips of the gymnastics thesis (TalTech 2020, section 5.2 and appendix A.1).

Each row is a neuron, each cell a frame. Pink, grey and green are states of -1, 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image, ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_GREY, _WHITE, _BLACK = (128, 128, 128), (255, 255, 255), (0, 0, 0)
_ROUNDING = 1e-6
"""Largest overshoot of a float32 state beyond [-1, 1]."""


def draw_strips(states: np.ndarray, *, steps_per_line: int = 30, cell: int = 25, gap: int = 5) -> Image.Image:
    """Draw one clip's states as an image: a row for each neuron, a cell for each frame, frame numbers on top.

    The published rule (thesis, appendix A.1) for a state v: s = (v + 1) / 2; red 255 (1 - s), green 255 s, blue 128,
    each cut to a whole number. So -1 is pink, 0 grey and 1 green, and green is also the lighter end. The grey row above
    the neurons numbers the frames from 0. By default 30 frames make a line: half a second at 60 fps.

    Args:
        states: (frames, units) in [-1, 1]. Frames of NaN at the end are behind the mask and are not drawn.
        steps_per_line: frames before a new line starts.
        cell: side of a cell in pixels. Nothing is blended. Of numbers too wide for a cell only some are written.
        gap: white pixels between lines; without them a neuron near 0 runs into the next line's numbers.

    Returns:
        RGB image, min(frames, steps_per_line) cells wide. Line k starts `k * ((units + 1) * cell + gap)` pixels from
        the top. The rest of the last line is white.

    Raises:
        ValueError: states of another shape, states outside [-1, 1] (of a ReLU layer: scale them first), or NaN before
            the end.

    >>> image = draw_strips(np.array([[-1.0], [0.0], [1.0]]))
    >>> image.size, [image.getpixel((25 * frame + 12, 37)) for frame in range(3)]
    ((75, 50), [(255, 0, 128), (127, 127, 128), (0, 255, 128)])
    """
    from PIL import Image, ImageDraw

    check_sizes(gap, steps_per_line=steps_per_line, cell=cell)
    colours = state_colours(without_padding(states, "`states`"))
    frames, units = colours.shape[:2]
    starts = range(0, frames, steps_per_line)
    height = (units + 1) * cell
    image = Image.new("RGB", (min(frames, steps_per_line) * cell, len(starts) * (height + gap) - gap), _WHITE)
    pen = ImageDraw.Draw(image)
    font, every = _fitting_number_font(frames - 1, cell)
    for line, start in enumerate(starts):
        steps = colours[start : start + steps_per_line]
        top = line * (height + gap)
        pen.rectangle((0, top, len(steps) * cell - 1, top + cell - 1), fill=_GREY)
        image.paste(_cell_image(steps, cell), (0, top + cell))
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
    """Draw the strips of many clips below each other, for instance all of one class (thesis, fig. 5.11).

    Time runs to the right, and all clips start at the same place. The neurons have the same order in each clip. Behind
    the end of a clip the image is white. A picture that would be taller than wide goes on in further columns.

    Args:
        states: (clips, frames, units), or a list of (frames, units); in [-1, 1], NaN behind the mask.
        titles: a name for each clip, written on its left, e.g. `clips.sources`.
        cell: side of a cell in pixels.
        steps_per_tick: frames between the numbers of the grey row on top.
        gap: white pixels between clips.

    Returns:
        RGB image in the colours of `draw_strips`.

    Raises:
        ValueError: no clips, clips that differ in units, another number of titles than of clips, or states that
            `draw_strips` would refuse.
    """
    from PIL import Image, ImageDraw

    check_sizes(gap, cell=cell, steps_per_tick=steps_per_tick)
    clips, names = _check_class_strips(states, titles)
    units, frames = clips[0].shape[1], max(map(len, clips))
    height = units * cell
    font = word_font(max(10, min(14, height)))
    letters = _text_height(font)
    left = 0 if titles is None else max(text_width(name, font) for name in names) + 8
    row = (height if titles is None else max(height, letters)) + gap
    top, width = letters + 4, left + frames * cell
    rows = _rows_per_column(len(clips), top, row, width + gap)
    image = Image.new("RGB", (-(-len(clips) // rows) * (width + gap) - gap, top + rows * row), _WHITE)
    pen = ImageDraw.Draw(image)
    for start in range(0, image.width, width + gap):
        pen.rectangle((start + left, 0, start + width - 1, top - 1), fill=_GREY)
        for step in range(0, frames, steps_per_tick):
            x = start + left + step * cell
            pen.line((x, 0, x, top - 1), fill=_WHITE)
            if x + 3 + text_width(str(step), font) <= start + width:
                pen.text((x + 3, top // 2), str(step), font=font, fill=_WHITE, anchor="lm")
    for number, (colours, name) in enumerate(zip(clips, names, strict=True)):
        start = left + number // rows * (width + gap)
        middle = top + gap + number % rows * row + (row - gap) // 2
        strip = _cell_image(colours, cell)
        image.paste(strip, (start, middle - height // 2))
        pen.text((start - 6, middle), name, font=font, fill=_BLACK, anchor="rm")
    return image


def _check_class_strips(
    states: np.ndarray | Sequence[np.ndarray], titles: Iterable[str] | None
) -> tuple[list[np.ndarray], list[str]]:
    """Return the colours of each clip, (frames, units, 3) uint8, and its title, or raise a ValueError."""
    clips = [state_colours(without_padding(clip, f"clip {i}"), f"clip {i}") for i, clip in enumerate(states)]
    units = sorted({clip.shape[1] for clip in clips})
    if not clips:
        raise ValueError("`states` holds no clip; expected at least one (frames, units).")
    if len(units) != 1:
        raise ValueError(f"`states` must be clips of one layer, with as many units each; got units {units}.")
    names = [""] * len(clips) if titles is None else [str(title) for title in titles]
    if len(names) != len(clips):
        raise ValueError(f"`titles` must name {len(clips)} clips, got {len(names)}.")
    return clips, names


def _rows_per_column(clips: int, top: int, row: int, column: int) -> int:
    """Return the number of clips below each other in the fewest columns that make a picture wider than tall.

    In pixels: height of the numbers on `top`, height of a `row`, width of a `column`.
    """
    for columns in range(1, clips + 1):
        rows = -(-clips // columns)
        if rows == 1 or top + rows * row <= -(-clips // rows) * column:
            break
    return rows


def without_padding(states: np.ndarray, name: str) -> np.ndarray:
    """Return (frames, units) floats without the trailing frames that are all NaN; `name` is for errors."""
    states = np.asarray(states)
    if states.ndim != 2 or not states.shape[1]:
        raise ValueError(f"{name} must be (frames, units) of one clip, got {states.shape}.")
    if not np.issubdtype(states.dtype, np.floating):
        states = states.astype(np.float64)
    real = np.flatnonzero(~np.isnan(states).all(axis=1))
    if not len(real):
        raise ValueError(f"{name} has no frame that is not NaN; expected states in [-1, 1].")
    return states[: real[-1] + 1]


def state_colours(states: np.ndarray, name: str = "`states`") -> np.ndarray:
    """Return (frames, units, 3) uint8 colours of (frames, units) states, as in `draw_strips`; `name` is for errors."""
    if np.isnan(states).any():
        frame, unit = np.argwhere(np.isnan(states))[0]
        raise ValueError(f"{name}: unit {unit} is NaN in frame {frame}, before the end; only padding is NaN.")
    if np.abs(states).max() > 1 + _ROUNDING:
        raise ValueError(
            f"{name} must lie in [-1, 1], got {states.min():.3g} to {states.max():.3g}. "
            "Fix: scale states of another range (ReLU, merged layers): states / np.nanmax(np.abs(states))."
        )
    scores = (np.clip(states, -1, 1) + 1) / 2
    colours = np.full((*states.shape, 3), 128, np.uint8)
    colours[..., 0] = 255 * (1 - scores)
    colours[..., 1] = 255 * scores
    return colours


def _cell_image(colours: np.ndarray, cell: int) -> Image.Image:
    """Return an image of (frames, units, 3) uint8 colours: a column of squares for each frame, a row for each unit."""
    from PIL import Image

    return Image.fromarray(colours.swapaxes(0, 1).repeat(cell, axis=0).repeat(cell, axis=1))


def check_sizes(gap: int = 0, **sizes: int) -> None:
    """Raise a ValueError for a size that is no whole number of at least 1, or a `gap` below 0."""
    for name, size, least in (("gap", gap, 0), *((name, size, 1) for name, size in sizes.items())):
        if not isinstance(size, (int, np.integer)) or size < least:
            raise ValueError(f"`{name}` must be a whole number of at least {least}, got {size!r}.")


def word_font(size: int) -> Font:
    """Return DejaVu Sans as Matplotlib brings it: names in Latin, Greek and Cyrillic letters are readable."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)


def text_width(text: str, font: Font) -> int:
    """Return the width of a line of text in pixels."""
    return round(font.getlength(text))


def _text_height(font: Font) -> int:
    """Return the height of a line of numbers and letters in pixels, with the empty pixels above it."""
    return round(font.getbbox("0y")[3])


def _fitting_number_font(largest: int, cell: int) -> tuple[Font, int]:
    """Return a font for frame numbers, and the distance in cells at which numbers up to `largest` do not collide.

    The font is Pillow's own: the same on every machine, ASCII characters only.
    """
    from PIL import ImageFont

    widest = "0" * len(str(largest))
    for size in range(min(15, cell), 8, -1):
        font = ImageFont.load_default(size)
        if font.getlength(widest) <= cell - 2 and _text_height(font) <= cell:
            return font, 1
    font = ImageFont.load_default(min(9, max(cell, 1)))
    return font, -(-int(font.getlength(widest) + 2) // cell)
