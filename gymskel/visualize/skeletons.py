"""Bodies: in columns along time, at their places, beside their copies; the joints with their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.recording import Recording
from gymskel.recording.times import frame_times
from gymskel.visualize.bodies import chosen_frames, draw_body, draw_outlines, side_legend
from gymskel.visualize.style import GREY, LIGHT, SIDES, label_axes, new_axes, sides_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_skeletons(recording: Recording, *, frames: int | Iterable[int] = 8, ax: Axes | None = None) -> Axes:
    """Draw the body at some moments side by side, like a strobe photograph.

    Each body stands in a column of its own, all at the same scale. The travel across the picture is left out and the
    height is kept; a thin line marks the lowest point of all. Unseen joints and their limbs are not drawn. Hollow joints
    were filled in (confidence 0).

    Args:
        recording: in pixels or centred, of any skeleton.
        frames: a number of frames, evenly from the first to the last; or the frames themselves, counted from 0.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes: equal aspect, y down, captions in seconds if the frame rate is known, otherwise in frames.

    Raises:
        ValueError: no frames, frames that the recording does not have, or no joint seen in them.
    """
    chosen = chosen_frames(recording, frames)
    times, unit = frame_times(recording)
    bodies = recording.xy[chosen].astype(float)
    seen = recording.seen[chosen]
    if not seen.any():
        raise ValueError(f"{recording.name}: no joint is seen in frames {chosen}. Fix: choose others.")
    lowest, highest = np.nanmax(bodies[..., 1]), np.nanmin(bodies[..., 1])
    left, right = _spans(bodies[..., 0])
    widest = (right - left).max()
    body = max(lowest - highest, widest, 1e-6)
    column = max(widest, 0.25 * body) + 0.12 * body
    if ax is None:
        width = float(np.clip(2.4 * len(chosen), 4.5, 11))
        height = width * 1.1 * (lowest - highest) / (column * len(chosen)) + 0.7
        ax = new_axes(width, float(np.clip(height, 1.8, 7)))
    ax.axhline(lowest, color=LIGHT, lw=1, zorder=0)
    small = 9 if len(chosen) <= 14 else 7
    bodies[..., 0] += (np.arange(len(chosen)) * column - (left + right) / 2)[:, None]
    for place, (frame, xy) in enumerate(zip(chosen, bodies, strict=True)):
        middle = place * column
        draw_body(ax, recording.skeleton, xy, recording.confidence[frame], size=min(1, 12 / len(chosen)))
        caption = f"{times[frame]:.2f} s" if unit == "s" else f"frame {frame}"
        text: dict[str, Any] = {"ha": "center", "fontsize": small, "color": GREY}
        ax.annotate(caption, (middle, lowest), (0, -8), textcoords="offset points", va="top", **text)
        if not seen[place].any():
            ax.text(middle, (lowest + highest) / 2, "unseen", style="italic", **text)
    ax.set_xlim(-column / 2, (len(chosen) - 0.5) * column)
    ax.set_ylim(lowest + 0.04 * body, highest - 0.06 * body)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_title(recording.name, loc="left", fontsize=11, pad=24 if len(chosen) < 4 else 6)
    side_legend(ax, recording.skeleton, (seen & (recording.confidence[chosen] == 0)).any())
    return ax


def plot_exposures(recording: Recording, *, frames: int | Iterable[int] = 6, ax: Axes | None = None) -> Axes:
    """Draw the body at some moments, each at its place in the picture, like a multiple exposure; later is darker.

    A dotted line is the path of the root. In a centred recording two grey lines cross at the origin.

    Args:
        recording: in pixels or centred, of any skeleton.
        frames: a number of frames, evenly from the first to the last; or the frames themselves, counted from 0.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes: equal aspect, y down.

    Raises:
        ValueError: no frames, or frames that the recording does not have.
    """
    chosen = chosen_frames(recording, frames)
    ax = new_axes(5.5, 4.5) if ax is None else ax
    skeleton = recording.skeleton
    for frame, dark in zip(chosen, 0.25 + 0.75 * np.arange(1, len(chosen) + 1) / len(chosen), strict=True):
        draw_body(ax, skeleton, recording.xy[frame], recording.confidence[frame], size=0.5, alpha=dark)
    if skeleton.root:
        path = recording.xy[chosen[0] : chosen[-1] + 1, skeleton.index(skeleton.root)]
        ax.plot(
            path[:, 0], path[:, 1], color=GREY, ls=":", lw=1.4, zorder=1, label=f"path of {skeleton.root}"
        )
    if recording.space == "body":
        ax.axhline(0, color=GREY, lw=0.8, zorder=0)
        ax.axvline(0, color=GREY, lw=0.8, zorder=0)
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.set_aspect("equal")
    ax.margins(0.08)
    ax.locator_params(nbins=6)
    origin = "px" if recording.space == "image" else "from the origin"
    label_axes(ax, f"x ({origin})", f"y ({origin})")
    ax.set_title(recording.name, loc="left", fontsize=11)
    return ax


def plot_copies(
    original: Recording,
    copies: Mapping[str, Recording],
    *,
    frames: int | Iterable[int] = 6,
    ax: Axes | None = None,
) -> Axes:
    """Draw a recording in the first row and changed copies of it below, each on the original in grey.

    Bodies stand in columns as in `plot_skeletons`. A copy is moved exactly as its original, so every difference is the
    copy's own.

    Args:
        original: in pixels or centred, of any skeleton.
        copies: name -> a recording of the same layout and length, e.g. from `preprocess.rotate_joints`.
        frames: a number of frames, evenly from the first to the last; or the frames themselves, counted from 0.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes: equal aspect, y down.

    Raises:
        ValueError: no copies, or one of another layout or length; frames that the recording does not have.
    """
    chosen = chosen_frames(original, frames)
    _check_copies(original, copies, chosen)
    named = {"original": original, **copies}
    bodies = np.stack([recording.xy[chosen] for recording in named.values()]).astype(float)
    left, right = _spans(bodies[..., 0])
    top, bottom = np.nanmin(bodies[..., 1]), np.nanmax(bodies[..., 1])
    tall = 1.12 * max(bottom - top, 1e-6)  # of a row
    column = 1.15 * max((right - left).max(), 0.25 * tall)
    if ax is None:
        width = 1.4 * len(chosen)
        ax = new_axes(width + 0.8, width * tall / column * len(bodies) / len(chosen) + 0.5)
    bodies[..., 0] += (np.arange(len(chosen)) * column - (left[0] + right[0]) / 2)[:, None]
    bodies[..., 1] -= top
    for row, (name, recording) in enumerate(named.items()):
        down = np.array([0, row * tall])
        if row:
            draw_outlines(ax, original.skeleton, bodies[0] + down, colour=LIGHT, width=3.5)
        for frame, body in zip(chosen, bodies[row] + down, strict=True):
            draw_body(ax, original.skeleton, body, recording.confidence[frame], size=0.5)
        x, y = -0.55 * column, (row + 0.45) * tall
        ax.text(x, y, name, ha="right", va="center", rotation=90, color=GREY, fontsize=10)
    ax.set_xlim(-0.65 * column, (len(chosen) - 0.45) * column)
    ax.set_ylim((len(bodies) - 0.05) * tall, -0.05 * tall)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_title(original.name, loc="left", fontsize=11)
    side_legend(ax, original.skeleton, (original.seen & (original.confidence == 0))[chosen].any())
    return ax


def _check_copies(original: Recording, copies: Mapping[str, Recording], chosen: list[int]) -> None:
    """Raise a ValueError for copies that do not fit the original, or frames in which nothing is seen."""
    if not copies:
        raise ValueError("`copies` is empty: nothing to compare with the original.")
    if not original.seen[chosen].any():
        raise ValueError(f"{original.name}: no joint is seen in frames {chosen}. Fix: choose others.")
    for name, copy in copies.items():
        if len(copy) != len(original) or copy.skeleton != original.skeleton:
            raise ValueError(
                f"`copies` must have {len(original)} frames of {original.skeleton.name} like {original.name}; "
                f"{name!r} has {len(copy)} of {copy.skeleton.name}."
            )


def _spans(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest of (..., joints) without NaN; 0 and 0 where nothing is seen."""
    seen = np.isfinite(x)
    least, greatest = x.min(axis=-1, initial=np.inf, where=seen), x.max(axis=-1, initial=-np.inf, where=seen)
    shown = seen.any(axis=-1)
    return np.where(shown, least, 0), np.where(shown, greatest, 0)


def plot_joints(recording: Recording, *, frame: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw one body of a layout, with the number and the name of every joint that is seen.

    Args:
        recording: in pixels or centred, of any skeleton.
        frame: counted from 0; by default the frame with the greatest sum of confidence.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes: equal aspect, y down; the names stand in two columns beside the body.

    Raises:
        ValueError: a frame that the recording does not have, or one in which nothing is seen.
    """
    frame = int(recording.confidence.sum(axis=1).argmax()) if frame is None else frame
    (frame,) = chosen_frames(recording, [frame])
    skeleton, xy = recording.skeleton, recording.xy[frame].astype(float)
    seen = np.flatnonzero(recording.seen[frame])
    if not len(seen):
        raise ValueError(f"{recording.name}: no joint is seen in frame {frame}. Fix: choose another.")
    low, high = xy[seen].min(axis=0), xy[seen].max(axis=0)
    tall = max(*(high - low), 1e-6)
    ax = new_axes(7.2, 5.4) if ax is None else ax
    draw_body(ax, skeleton, xy, recording.confidence[frame], size=1.0)
    sides = sides_of(skeleton)
    across = seen[np.argsort(xy[seen, 0], kind="stable")]
    halves = across[: len(across) // 2], across[len(across) // 2 :]
    rows = max(len(halves[1]), 2)
    sides_x = low[0] - 0.3 * tall, high[0] + 0.3 * tall
    for half, x, align in zip(halves, sides_x, ("right", "left"), strict=True):
        half = half[np.argsort(xy[half, 1], kind="stable")]
        heights = low[1] + tall * (np.arange(len(half)) + (rows - len(half)) / 2) / (rows - 1)
        for row, y in zip(half, heights, strict=True):
            ax.plot([x, xy[row, 0]], [y, xy[row, 1]], color=LIGHT, lw=0.8, zorder=0)
            name = skeleton.joints[row]
            ax.text(x, y, f" {row}  {name} ", ha=align, va="center", fontsize=9, color=SIDES[sides[name]])
    ax.set_xlim(low[0] - 0.62 * tall, high[0] + 0.62 * tall)
    ax.set_ylim(low[1] + 1.06 * tall, low[1] - 0.06 * tall)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_title(f"{skeleton.name}: {len(skeleton)} joints", loc="left", fontsize=11)
    return ax
