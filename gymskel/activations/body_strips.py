"""Strips with the moving body above them and words around them: each cell is seen below its pose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.activations.states import frames_per_step
from gymskel.activations.strips import check_sizes, state_colours, text_width, without_padding, word_font
from gymskel.visualize.style import AGAINST, FOR, GREY, LIGHT, SIDES, limb_sides

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from PIL import Image

    from gymskel.clips import Clips
    from gymskel.skeleton import Skeleton

_WIDEST_FRAME, _NARROWEST_FRAME = 40, 4
"""Pixels of a frame, at most and at least. Where a clip has no room, a further line starts."""
_LEAST_WIDTH, _ONE_ROW = 500, 820
"""Pixels of the narrowest picture, and of the narrowest one with the whole legend in one row."""
_MARGIN, _TITLE, _WEIGHTS, _TIME, _LEGEND = 10, 20, 50, 28, 24
"""Pixels: white border; heights of a line of the title, of weights, of the time axis, of a row of the legend."""
_BETWEEN_UNITS, _BETWEEN_LINES = 2, 16
"""Pixels of white."""
_ODD = 1.5
"""A body this many times larger than nine in ten has a joint astray; it does not set the scale."""
_TALLEST = 3
"""Height of all poses together, in bodies; clips that go up and down further are drawn smaller."""
_STYLE = {"figure.dpi": 100, "font.size": 8.64, "text.parse_math": False}
"""Letters of 12 pixels; a $ in a name is a character."""


@dataclass(frozen=True, eq=False)
class _Strips:
    """The content of a picture, and its sizes in pixels."""

    skeleton: Skeleton
    poses: np.ndarray  # (frames, joints, 2): x from the body's middle, y down from the highest of all
    pose_height: int
    colours: np.ndarray  # (frames, units, 3) uint8
    names: list[str]  # of the rows: units, weights, time
    weights: list[np.ndarray]  # (frames,) each
    frame_time: float
    whole_frames: bool  # time is counted in frames
    frame_width: float
    heights: list[int]  # of the rows

    @property
    def reach(self) -> np.ndarray:
        """(frames,) pixels from the middle of each body to its sides."""
        return np.nanmax(np.abs(self.poses[..., 0]), axis=1, initial=0)


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
    colours, names = _of_units(state_colours(without_padding(states, "`states`")), units)
    if len(colours) != -(-length // step):
        raise ValueError(
            f"`states` has {len(colours)} steps before its end, the clip {length} frames; give the states of this clip."
        )
    per_line = _frames_per_line(length, step, width)
    poses, pose_height = _scaled_poses(clip, body)
    if end is None and clip.fps:
        frame_time, unit = 1 / clip.fps, "s"
    else:
        last, unit = end or (length - 1, "frame")
        frame_time = last / max(length - 1, 1)
    strips = _Strips(
        skeleton=clip.skeleton,
        poses=poses,
        pose_height=pose_height,
        colours=np.repeat(colours, step, axis=0)[:length],
        names=[*names, *(weights or {}), "seconds" if unit == "s" else unit],
        weights=[_per_frame(name, values, length, step) for name, values in (weights or {}).items()],
        frame_time=frame_time,
        whole_frames=unit != "s",
        frame_width=min(width / per_line, _WIDEST_FRAME),
        heights=[*[cell + _BETWEEN_UNITS] * len(names), *[_WEIGHTS] * len(weights or {}), _TIME],
    )
    return _composed(strips, per_line, list(filter(None, title.split("\n"))))


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


def _scaled_poses(clip: Clips, body: int) -> tuple[np.ndarray, int]:
    """Return the joints of each frame in pixels, NaN = unseen, and the height of all of them together.

    A few bodies with a joint astray do not count for the scale and may stand out of the height.
    """
    if not {"x", "y"} <= set(clip.channels):
        raise ValueError(
            f"`clip` needs the channels x and y to draw the body; it has {', '.join(clip.channels)}."
        )
    length = int(clip.lengths[0])
    xy = clip.x[0, :length][..., [clip.channels.index("x"), clip.channels.index("y")]].astype(float)
    xy[~clip.seen[0, :length]] = np.nan
    seen = np.isfinite(xy[..., 0]).any(axis=1)
    if not seen.any():
        raise ValueError(f"`clip` ({clip.sources[0]}) has no frame in which a joint is seen.")
    low, high = np.nanmin(xy[seen], axis=1), np.nanmax(xy[seen], axis=1)  # (frames, 2)
    size = (high - low).max(axis=1)
    usual = size <= _ODD * np.percentile(size, 90)
    top, bottom = low[usual, 1].min(), high[usual, 1].max()
    scale = min(body / max(size[usual].max(), 1e-6), _TALLEST * body / max(bottom - top, 1e-6))
    xy[seen, :, 0] -= ((low + high) / 2)[:, None, 0]
    xy[..., 1] -= top
    margin = max(3, body // 16)
    return xy * scale + np.array([0, margin]), int(np.ceil((bottom - top) * scale)) + 2 * margin


def _composed(strips: _Strips, per_line: int, titles: list[str]) -> Image.Image:
    """Return the picture: title, lines of `per_line` frames, legend, with a white border."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    overhang = round(max(np.percentile(strips.reach, 95) - strips.frame_width / 2, 0)) + 2
    left = _MARGIN + max(overhang, *(text_width(name, word_font(12)) + 10 for name in strips.names))
    width = max(left + round(per_line * strips.frame_width) + overhang + _MARGIN, _LEAST_WIDTH)
    starts = range(0, len(strips.poses), per_line)
    top, line_height = (
        _MARGIN + _TITLE * len(titles) + 8,
        strips.pose_height + sum(strips.heights) + _BETWEEN_LINES,
    )
    end = top + line_height * len(starts)
    height = end + _LEGEND * (1 if width >= _ONE_ROW else 2)
    with style.context(_STYLE, after_reset=True):
        figure = Figure((width / 100, height / 100))
        canvas = FigureCanvasAgg(figure)
        sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))  # data are pixels
        sheet.set_axis_off()
        for row, text in enumerate(titles):
            options: dict[str, Any] = {"size": 9, "color": GREY} if row else {"size": 12.5}
            line = sheet.text(_MARGIN, _MARGIN + _TITLE * (row + 0.4), text, va="center", **options)
            _shorten(line, width - 2 * _MARGIN)
        for row, start in enumerate(starts):
            frames = np.arange(start, min(start + per_line, len(strips.poses)))
            _draw_line(sheet, strips, frames, left, top + row * line_height)
        _draw_legend(sheet, strips, end, width)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _shorten(line: Text, width: float) -> None:
    """Replace the middle of a text by an ellipsis where it is wider than `width` pixels."""
    text, kept = line.get_text(), len(line.get_text())
    while (now := line.get_window_extent().width) > width and kept > 1:
        kept = min(kept - 1, int(kept * width / now) + 2)
        line.set_text(f"{text[: -(-kept // 2)]}…{text[len(text) - kept // 2 :]}")


def _draw_line(sheet: Axes, strips: _Strips, frames: np.ndarray, left: int, top: float) -> None:
    """Draw some consecutive frames: bodies, units, weights and time below each other on one axis."""
    edges = left + np.arange(len(frames) + 1) * strips.frame_width
    middles = edges[:-1] + strips.frame_width / 2
    every = max(
        1, int(np.ceil((2 * np.percentile(strips.reach, 90) + 4) / strips.frame_width))
    )  # nine in ten have room
    shown = frames % every == 0
    cells_top = top + strips.pose_height
    places = np.stack([middles, np.full(len(frames), top)], axis=1)[:, None]
    _draw_bodies(sheet, strips.skeleton, (strips.poses[frames] + places)[shown], middles[shown], cells_top)
    bottoms = cells_top + np.cumsum(strips.heights)
    units = strips.colours.shape[1]
    box = (edges[0], edges[-1], bottoms[units - 1], cells_top)
    sheet.imshow(strips.colours[frames].swapaxes(0, 1), extent=box, aspect="auto", interpolation="nearest")
    sheet.hlines(bottoms[: units - 1], *edges[[0, -1]], color="white", lw=1.44)
    for values, bottom in zip(strips.weights, bottoms[units:-1], strict=True):
        low, high = min(values.min(), 0.0), max(values.max(), 0.0)  # of the whole clip
        scale = (_WEIGHTS - 6) / max(high - low, 1e-12)
        zero = bottom + low * scale
        for part, colour in ((np.maximum(values[frames], 0), FOR), (np.minimum(values[frames], 0), AGAINST)):
            sheet.stairs(zero - part * scale, edges, baseline=zero, fill=True, color=colour, lw=0)
        sheet.hlines(zero, *edges[[0, -1]], color=LIGHT, lw=0.72)
    _draw_time(sheet, strips, frames, middles, bottoms[-1] - _TIME)
    for name, bottom, height in zip(strips.names, bottoms, strips.heights, strict=True):
        sheet.text(left - 6, bottom - height / 2, name, ha="right", va="center")


def _draw_bodies(
    sheet: Axes, skeleton: Skeleton, bodies: np.ndarray, middles: np.ndarray, ground: float
) -> None:
    """Draw (bodies, joints, 2), and a light line from each down to the ground; large dots where a layout has no limbs."""
    from matplotlib.collections import LineCollection

    feet = np.nanmax(bodies[..., 1], axis=1, initial=-np.inf)
    seen = np.isfinite(feet)
    sheet.vlines(middles[seen], feet[seen] + 3, ground, color=LIGHT, lw=0.72)
    pairs = np.array([skeleton.indices(pair) for pair in skeleton.limbs], int).reshape(-1, 2)
    colours = [SIDES[side] for side in limb_sides(skeleton)] * len(bodies)
    limbs: dict[str, Any] = {"colors": colours, "linewidths": 1.44, "capstyle": "round"}
    sheet.add_collection(LineCollection(list(bodies[:, pairs].reshape(-1, 2, 2)), **limbs))
    dots = [SIDES[side] for side in skeleton.sides] * len(bodies)
    x, y = bodies.reshape(-1, 2).T
    sheet.scatter(x, y, s=2 if skeleton.limbs else 8, c=dots, lw=0)


def _draw_time(sheet: Axes, strips: _Strips, frames: np.ndarray, middles: np.ndarray, top: float) -> None:
    """Draw ticks at round times, and their numbers below."""
    from matplotlib.ticker import MaxNLocator

    first, last = frames[[0, -1]] * strips.frame_time
    locator = MaxNLocator(max(1, np.ptp(middles) // 40), steps=[1, 2, 5, 10], integer=strips.whole_frames)
    times = locator.tick_values(first, last) if len(frames) > 1 else np.array([first])
    times = times[(times >= first - 1e-9) & (times <= last + 1e-9)]
    places = np.interp(times, frames * strips.frame_time, middles)
    sheet.vlines(places, top + 2, top + 6, color=GREY, lw=0.72)
    for time, x in zip(times, places, strict=True):
        sheet.text(x, top + 14, f"{time:.6g}", ha="center", va="center", color=GREY)


def _draw_legend(sheet: Axes, strips: _Strips, top: float, width: int) -> None:
    """Explain the colours of states, of the sides of the body, and of weights if some lie below 0."""
    from matplotlib.lines import Line2D

    y = top + 6
    sheet.text(_MARGIN, y, "state of a unit:  -1", va="center")
    bar = state_colours(np.linspace(-1, 1, 120)[None])
    sheet.imshow(bar, extent=(124, 244, y + 6, y - 6), aspect="auto", interpolation="nearest")
    sheet.text(250, y, "+1", va="center")
    texts = {"right": "right side", "left": "left side", "middle": "middle"}
    sides = [side for side in texts if side in strips.skeleton.sides]
    handles = [Line2D([], [], color=SIDES[side], lw=2, label=texts[side]) for side in sides]
    if any((values < 0).any() for values in strips.weights):
        for text, colour in (("for the move", FOR), ("against it", AGAINST)):
            handles.append(Line2D([], [], ls="", marker="s", ms=7, color=colour, label=text))
    place = (290, y) if width >= _ONE_ROW else (_MARGIN, y + _LEGEND)
    options: dict[str, Any] = {"frameon": False, "borderpad": 0, "borderaxespad": 0, "handlelength": 1.4}
    options |= {"handletextpad": 0.5, "columnspacing": 1.4, "bbox_transform": sheet.transData}
    sheet.legend(handles=handles, ncols=len(handles), loc="center left", bbox_to_anchor=place, **options)
