"""Strips with the moving body above them: which frame a cell belongs to is seen, not counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.activations.states import frames_per_step
from gymskel.activations.strips import before_end, cells_of, check_sizes, colours_of, number_font

if TYPE_CHECKING:
    from PIL import Image

    from gymskel.clips import Clips
    from gymskel.skeleton import Skeleton

_SIDES = {
    "right": (213, 94, 0),
    "left": (0, 114, 178),
    "middle": (34, 34, 34),
}  # Okabe and Ito 2008, as in visualize
_GREY, _LIGHT, _WHITE, _BLACK = (128, 128, 128), (208, 208, 208), (255, 255, 255), (0, 0, 0)
_FINE = 4  # bodies are drawn this many times larger and scaled down, so that lines are smooth


def draw_strips_with_skeleton(
    states: np.ndarray,
    clip: Clips,
    *,
    units: Iterable[int] | None = None,
    every: int | None = None,
    body: int = 80,
    frames_per_line: int = 32,
    cell: int = 25,
    gap: int = 16,
) -> Image.Image:
    """One clip's strips as `draw_strips` colours them, each frame's body standing above its cells.

    The bodies of a picture have one scale and keep their height above the lowest point of all (the grey line); travel
    to the side is left out. Right is vermilion, left blue, the middle black. A light line leads from each body down to its
    frame. Where a model has pooled its frames a cell is as wide as the frames it covers.

    Args:
        states: (frames, units) or (steps, units) of this clip, in [-1, 1], NaN behind the mask.
        clip: Clips of one clip, e.g. `clips[3]`, with the channels x and y.
        units: which units to draw, in this order, counted from 0; by default all. Their numbers stand on the left.
        every: frames from one body to the next; by default so many that bodies do not run into each other.
        body: pixels from head to foot of the largest body.
        frames_per_line: frames before a new line starts; a clip of the default preset fills one.
        cell: width of a frame and height of a unit in pixels.
        gap: white pixels between lines.

    Returns:
        RGB image.

    Raises:
        ValueError: several clips, no x and y, states of another clip, a unit that is not there, or states that `draw_strips`
            would refuse.

    >>> from gymskel.clips import Clips
    >>> clip = Clips.from_arrays(np.random.default_rng(0).normal(size=(1, 8, 15, 2)))
    >>> draw_strips_with_skeleton(np.zeros((8, 2)), clip, every=4).mode
    'RGB'
    """
    from PIL import Image, ImageDraw

    check_sizes(gap, body=body, frames_per_line=frames_per_line, cell=cell)
    if len(clip) != 1:
        raise ValueError(f"`clip` must be Clips of one clip, like clips[3], got {len(clip)}.")
    length, step = int(clip.lengths[0]), frames_per_step(clip.x.shape[1], len(states))
    colours, labels = _chosen(colours_of(before_end(states, "`states`")), units)
    if len(colours) != -(-length // step):
        raise ValueError(
            f"`states` has {len(colours)} steps before its end, the clip {length} frames; give the states of this clip."
        )
    colours = np.repeat(colours, step, axis=0)[:length]  # a step as wide as its frames
    places, high = _placed_bodies(clip, length, body)
    every = _spacing(places, cell) if every is None else every
    if every < 1:
        raise ValueError(f"`every` must be at least 1, got {every}.")
    frames_per_line = max(frames_per_line // step, 1) * step
    starts = range(0, length, frames_per_line)
    font, thin = number_font(length - 1, cell)
    left = round(font.getlength("0" * len(str(max(labels))))) + 8
    side = (
        round(max(0.0, np.nanmax(np.abs(places[..., 0])) - cell / 2, left)) + 2
    )  # a wide body may stand on the edge
    line_height = high + 2 + (1 + len(labels)) * cell
    size = (side * 2 + min(length, frames_per_line) * cell, len(starts) * (line_height + gap) - gap)
    image = Image.new("RGB", size, _WHITE)
    pen = ImageDraw.Draw(image)
    for line, start in enumerate(starts):
        frames = range(start, min(start + frames_per_line, length))
        top, right = line * (line_height + gap), side + len(frames) * cell
        shown = [frame for frame in frames if frame % every == 0]
        _draw_bodies(image, clip.skeleton, places, shown, (side - start * cell, top, high, cell))
        pen.line((side, top + high, right - 1, top + high), fill=_GREY)
        top += high + 2
        pen.rectangle((side, top, right - 1, top + cell - 1), fill=_GREY)
        for frame in frames[::thin]:
            pen.text((side + (frame - start) * cell, top), str(frame), font=font, fill=_WHITE)
        image.paste(cells_of(colours[start : frames[-1] + 1], cell, cell), (side, top + cell))
        for row, unit in enumerate(labels):
            middle = top + (row + 1.5) * cell
            pen.text((side - 6, middle), str(unit), font=font, fill=_BLACK, anchor="rm")
    return image


def _chosen(colours: np.ndarray, units: Iterable[int] | None) -> tuple[np.ndarray, list[int]]:
    count = colours.shape[1]
    chosen = list(range(count)) if units is None else [int(unit) for unit in units]
    if wrong := [unit for unit in chosen if not 0 <= unit < count]:
        raise ValueError(f"`units` must be from 0 to {count - 1}, got {wrong}.")
    if not chosen:
        raise ValueError("`units` names no unit; give some, or None for all.")
    return colours[:, chosen], chosen


def _placed_bodies(clip: Clips, length: int, body: int) -> tuple[np.ndarray, int]:
    """(frames, joints, 2) pixels: x from the body's middle, y down from the highest joint of all; and the height of all."""
    if not {"x", "y"} <= set(clip.channels):
        raise ValueError(
            f"`clip` needs the channels x and y to draw the body; it has {', '.join(clip.channels)}."
        )
    xy = clip.x[0, :length][..., [clip.channels.index("x"), clip.channels.index("y")]].astype(float)
    xy[~clip.seen[0, :length]] = np.nan
    seen = np.isfinite(xy[..., 0]).any(axis=1)
    if not seen.any():
        raise ValueError(f"`clip` ({clip.sources[0]}) has no frame in which a joint is seen.")
    low, high = np.nanmin(xy[seen], axis=1), np.nanmax(xy[seen], axis=1)  # (frames, 2)
    scale = body / max((high - low).max(), 1e-6)
    xy[seen, :, 0] -= ((low + high) / 2)[:, None, 0]
    xy[..., 1] -= low[:, 1].min()
    margin = max(3, body // 16)
    xy = xy * scale + (0, margin)
    return xy, int(np.ceil(np.nanmax(xy[..., 1]))) + margin


def _spacing(places: np.ndarray, cell: int) -> int:
    """Frames between bodies of which nine in ten have room."""
    wide = np.nanmax(places[..., 0], axis=1, initial=0) - np.nanmin(places[..., 0], axis=1, initial=0)
    return max(1, int(np.ceil((np.percentile(wide, 90) + 4) / cell)))


def _draw_bodies(
    image: Image.Image,
    skeleton: Skeleton,
    places: np.ndarray,
    frames: list[int],
    where: tuple[int, int, int, int],
) -> None:
    """The bodies of some frames into a band of the image: `where` is (x of frame 0, top, height, width of a frame)."""
    from PIL import Image, ImageDraw

    left, top, high, cell = where
    band = Image.new("RGB", (image.width * _FINE, high * _FINE), _WHITE)
    pen = ImageDraw.Draw(band)
    for frame in frames:
        middle = left + (frame + 0.5) * cell
        if np.isfinite(places[frame]).any():
            foot = np.nanmax(places[frame, :, 1]) + 3
            pen.line(
                [(middle * _FINE, foot * _FINE), (middle * _FINE, high * _FINE)], fill=_LIGHT, width=_FINE
            )
        xy = (places[frame] + (middle, 0)) * _FINE
        _draw_body(pen, skeleton, xy)
    image.paste(band.resize((image.width, high), Image.Resampling.LANCZOS), (0, top))


def _draw_body(pen: Any, skeleton: Skeleton, xy: np.ndarray) -> None:
    """Limbs of which both ends are seen, or dots where a layout has no limbs."""
    sides = skeleton.sides
    for a, b in (skeleton.indices(pair) for pair in skeleton.limbs):
        if np.isfinite(xy[[a, b]]).all():
            both = {sides[a], sides[b]} - {"middle"}
            colour = _SIDES[both.pop() if len(both) == 1 else "middle"]
            pen.line([tuple(xy[a]), tuple(xy[b])], fill=colour, width=2 * _FINE)
    for row, (x, y) in enumerate(xy):
        if np.isfinite((x, y)).all():
            radius = _FINE * (1 if skeleton.limbs else 2)
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_SIDES[sides[row]])
