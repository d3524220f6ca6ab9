"""Strips with the moving body above them and words around them: each cell is seen below its pose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gymskel.activations.lettering import (
    AGAINST,
    BLACK,
    DARK,
    FOR,
    GREY,
    LIGHT,
    WHITE,
    shortened,
    text_width,
    time_ticks,
    word_font,
)
from gymskel.activations.poses import draw_poses, pose_distance, scaled_poses
from gymskel.activations.states import frames_per_step
from gymskel.activations.strip_legend import legend
from gymskel.activations.strips import cell_image, check_sizes, state_colours, without_padding

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from gymskel.clips import Clips
    from gymskel.skeleton import Skeleton

_WIDEST_FRAME, _NARROWEST_FRAME = 40, 4
"""Pixels of a frame, at most and at least. Where a clip has no room, a further line starts."""
_LEAST_WIDTH = 420
"""Pixels of the narrowest picture: room for the title and the legend."""
_MARGIN, _TIME, _WEIGHTS = 10, 20, 46
"""Pixels: white border, height of the axis of time, height of a row of weights."""
_BETWEEN_ROWS, _BETWEEN_WEIGHTS, _BETWEEN_LINES = 2, 5, 18
"""Pixels of white between rows, above a row of weights, below a line."""


def draw_strips_with_skeleton(
    states: np.ndarray,
    clip: Clips,
    *,
    units: Iterable[int] | None = None,
    title: str = "",
    end: tuple[float, str] | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    body: int = 80,
    width: int = 800,
    cell: int = 22,
) -> Image.Image:
    """Draw one clip's states as strips, with the moving body above them on the same axis of time, and a legend.

    Each row is a unit, each column a frame, in the colours of `draw_strips`. Every so many frames the body stands above
    its column; a light line leads down to it. All bodies of a picture have one scale and keep their height above the
    lowest of them. Travel to the side is left out. Right is vermilion, left blue, the middle black. Joints that are
    unseen are not drawn. Where a model pools its frames, a cell is as wide as the frames it covers.

    Args:
        states: (frames, units) or (steps, units) of this clip, in [-1, 1], NaN behind the mask.
        clip: Clips of one clip, e.g. `clips[3]`, with the channels x and y.
        units: units to draw, in this order, counted from 0; by default all. `choose_units` finds those worth a look.
        title: first line above the picture; further lines are small and grey. What is too long loses its middle.
        end: time of the last frame, counted from the first, and its unit: (1.4, "s") or (42, "frame"). By default from
            the clip's frame rate; without one frames are counted.
        weights: name -> (frames,) or (steps,) values, drawn as bars below the units: `attention_weights`, or
            attributions summed over the joints. Values above 0 are green, below 0 purple; NaN behind the mask.
        body: height in pixels of the body where it is largest.
        width: pixels of a line of frames. A frame takes at most 40 and at least 4; more frames go on in further lines.
        cell: height of a unit in pixels.

    Returns:
        RGB image.

    Raises:
        ValueError: several clips, no x and y, states or weights of another clip, a unit that is not there, or states
            that `draw_strips` would refuse.

    >>> from gymskel.clips import Clips
    >>> clip = Clips.from_arrays(np.random.default_rng(0).normal(size=(1, 8, 15, 2)))
    >>> draw_strips_with_skeleton(np.zeros((8, 2)), clip, title="backflip").mode
    'RGB'
    """
    check_sizes(body=body, width=width, cell=cell)
    if len(clip) != 1:
        raise ValueError(f"`clip` must be Clips of one clip, like clips[3], got {len(clip)}.")
    length, step = int(clip.lengths[0]), frames_per_step(clip.x.shape[1], len(states))
    colours, labels = _of_units(state_colours(without_padding(states, "`states`")), units)
    if len(colours) != -(-length // step):
        raise ValueError(
            f"`states` has {len(colours)} steps before its end, the clip {length} frames; give the states of this clip."
        )
    per_line = _frames_per_line(length, step, width)
    poses, pose_height = scaled_poses(clip, body)
    lines = _Lines(
        skeleton=clip.skeleton,
        poses=poses,
        pose_height=pose_height,
        colours=np.repeat(colours, step, axis=0)[:length],
        labels=labels,
        weights={name: _per_frame(name, values, length, step) for name, values in (weights or {}).items()},
        clock=_clock(clip, length, end),
        per_line=per_line,
        frame_width=min(width / per_line, _WIDEST_FRAME),
        cell=cell,
    )
    return _composed(lines, title)


def _of_units(colours: np.ndarray, units: Iterable[int] | None) -> tuple[np.ndarray, list[str]]:
    """Return the colours of the chosen units, (steps, units, 3), and their names."""
    count = colours.shape[1]
    chosen = list(range(count)) if units is None else [int(unit) for unit in units]
    if wrong := [unit for unit in chosen if not 0 <= unit < count]:
        raise ValueError(f"`units` must be from 0 to {count - 1}, got {wrong}.")
    if not chosen:
        raise ValueError("`units` names no unit. Fix: give some, or None for all.")
    return colours[:, chosen], [f"unit {unit}" for unit in chosen]


def _frames_per_line(length: int, step: int, width: int) -> int:
    """Return the frames of a line: all, or equal shares of whole steps where they would be too narrow.

    >>> _frames_per_line(83, 1, 800), _frames_per_line(450, 1, 800), _frames_per_line(11, 4, 32)
    (83, 150, 8)
    """
    most = max(width // _NARROWEST_FRAME // step, 1)  # steps
    steps = -(-length // step)
    lines = -(-steps // most)
    return min(-(-steps // lines) * step, length)


def _per_frame(name: str, values: np.ndarray, length: int, step: int) -> np.ndarray:
    """Return weights as (frames,), each step repeated for its frames, without those behind the mask."""
    values = np.asarray(values, float)
    if values.ndim == 1:
        values = np.repeat(values, step if len(values) < length else 1)
    if values.ndim != 1 or len(values) < length or not np.isfinite(values[:length]).all():
        raise ValueError(f"`weights` {name!r} must have a finite value for each of {length} frames.")
    return values[:length]


def _clock(clip: Clips, length: int, end: tuple[float, str] | None) -> tuple[float, str]:
    """Return the time from one frame to the next, and its unit: "s" or "frame"."""
    if end is None and clip.fps:
        return 1 / clip.fps, "s"
    last, unit = end or (length - 1, "frame")
    return last / max(length - 1, 1), unit


@dataclass(frozen=True, eq=False)
class _Lines:
    """The lines of a picture: their content, and the pixels of a frame and of a row.

    Attributes:
        skeleton: layout of the joints.
        poses: (frames, joints, 2) pixels, x from the middle of the body, y down.
        pose_height: pixels, the height of all poses together.
        colours: (frames, units, 3) uint8.
        labels: names of the units.
        weights: name -> (frames,).
        clock: time from one frame to the next, and its unit: "s" or "frame".
        per_line: frames of a full line.
        frame_width: pixels of a frame.
        cell: pixels, the height of a unit.
    """

    skeleton: Skeleton
    poses: np.ndarray
    pose_height: int
    colours: np.ndarray
    labels: list[str]
    weights: dict[str, np.ndarray]
    clock: tuple[float, str]
    per_line: int
    frame_width: float
    cell: int

    @property
    def row_names(self) -> list[str]:
        """Words on the left: the unit of time, the units of the layer, the weights."""
        return ["seconds" if self.clock[1] == "s" else self.clock[1], *self.labels, *self.weights]

    @property
    def overhang(self) -> int:
        """Pixels by which a body stands out over the first or the last frame."""
        half = np.percentile(np.nanmax(np.abs(self.poses[..., 0]), axis=1, initial=0), 95)
        return round(max(0.0, half - self.frame_width / 2)) + 2

    @property
    def height(self) -> int:
        """Pixels of a line: bodies, time, units, weights, and white below."""
        units = len(self.labels) * (self.cell + _BETWEEN_ROWS)
        weights = len(self.weights) * (_WEIGHTS + _BETWEEN_WEIGHTS)
        return self.pose_height + _TIME + 2 * _BETWEEN_ROWS + units + weights + _BETWEEN_LINES


def _composed(lines: _Lines, title: str) -> Image.Image:
    """Return the picture: title, lines, legend, with a white border."""
    from PIL import Image

    frames = range(len(lines.poses))
    left = max([lines.overhang, *(text_width(name, word_font(12)) + 10 for name in lines.row_names)])
    inner = left + round(lines.per_line * lines.frame_width) + lines.overhang
    inner = max(inner, _LEAST_WIDTH - 2 * _MARGIN)
    parts = [_title_line(text, inner, number) for number, text in enumerate(filter(None, title.split("\n")))]
    starts = range(0, len(frames), lines.per_line)
    parts += [_line(lines, frames[start : start + lines.per_line], left, inner) for start in starts]
    signed = any((values < 0).any() for values in lines.weights.values())
    parts.append(legend(lines.skeleton.sides, signed, inner))
    image = Image.new("RGB", (inner + 2 * _MARGIN, sum(part.height for part in parts) + 2 * _MARGIN), WHITE)
    top = _MARGIN
    for part in parts:
        image.paste(part, (_MARGIN, top))
        top += part.height
    return image


def _title_line(text: str, width: int, number: int) -> Image.Image:
    """Return a line of the title: large and black the first, small and grey the others."""
    from PIL import Image, ImageDraw

    size, height, colour = (12, 18, GREY) if number else (17, 26, BLACK)
    image, font = Image.new("RGB", (width, height), WHITE), word_font(size)
    ImageDraw.Draw(image).text((0, 0), shortened(text, font, width), font=font, fill=colour)
    return image


def _line(lines: _Lines, frames: range, left: int, width: int) -> Image.Image:
    """Return some consecutive frames: bodies, axis of time, units and weights below each other."""
    from PIL import Image, ImageDraw

    image, font = Image.new("RGB", (width, lines.height), WHITE), word_font(12)
    pen = ImageDraw.Draw(image)
    edges = left + np.round(np.arange(len(frames) + 1) * lines.frame_width).astype(int)
    every = pose_distance(lines.poses, lines.frame_width)
    middles = left + (np.arange(len(frames)) + 0.5) * lines.frame_width
    shown = {
        x: lines.poses[frame] for x, frame in zip(middles.tolist(), frames, strict=True) if frame % every == 0
    }
    image.paste(draw_poses(lines.skeleton, shown, (width, lines.pose_height)))
    y = lines.pose_height + _BETWEEN_ROWS
    _draw_time(pen, lines, frames, edges, y)
    row_middles = [y + _TIME // 2]
    y += _TIME + _BETWEEN_ROWS
    for row in range(len(lines.labels)):
        colours = lines.colours[frames[0] : frames[-1] + 1, row : row + 1]
        image.paste(cell_image(colours, edges - left, lines.cell), (left, y))
        row_middles.append(y + lines.cell // 2)
        y += lines.cell + _BETWEEN_ROWS
    for values in lines.weights.values():
        _draw_weights(pen, values, frames, edges, y + _BETWEEN_WEIGHTS)
        row_middles.append(y + _BETWEEN_WEIGHTS + _WEIGHTS // 2)
        y += _WEIGHTS + _BETWEEN_WEIGHTS
    for name, middle in zip(lines.row_names, row_middles, strict=True):
        pen.text((left - 6, middle), name, font=font, fill=BLACK, anchor="rm")
    return image


def _draw_time(pen: ImageDraw.ImageDraw, lines: _Lines, frames: range, edges: np.ndarray, top: int) -> None:
    """Draw the axis of time of some frames: a dark band with ticks at round times."""
    font, (step, unit) = word_font(12), lines.clock
    pen.rectangle((edges[0], top, edges[-1] - 1, top + _TIME - 1), fill=DARK)
    pixels = lines.frame_width / (step or 1)
    for time, text in time_ticks(frames[0] * step, frames[-1] * step, pixels, font, unit=unit):
        x = edges[0] + (time - frames[0] * step) * pixels + lines.frame_width / 2
        pen.line((x, top, x, top + 3), fill=WHITE)
        half = font.getlength(text) / 2
        x = float(np.clip(x, edges[0] + half + 1, edges[-1] - 1 - half))
        pen.text((x, top + 11), text, font=font, fill=WHITE, anchor="mm")


def _draw_weights(
    pen: ImageDraw.ImageDraw, values: np.ndarray, frames: range, edges: np.ndarray, top: int
) -> None:
    """Draw a bar for each frame, up or down from a line at 0; all weights of the clip have one scale."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    scale = (_WEIGHTS - 1) / max(high - low, 1e-12)
    zero = top + round(high * scale)
    for frame, start, stop in zip(frames, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        tip, colour = zero - round(values[frame] * scale), FOR if values[frame] > 0 else AGAINST
        pen.rectangle((start, min(tip, zero), stop - 1, max(tip, zero)), fill=colour)
    pen.line((int(edges[0]), zero, int(edges[-1]) - 1, zero), fill=LIGHT)
