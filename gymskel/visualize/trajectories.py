"""Paths of joints over time, and one joint after each step of cleaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.recording import Recording
from gymskel.recording.times import frame_times
from gymskel.skeleton import Skeleton
from gymskel.visualize.style import GREY, HOLLOW, LIGHT, LINES, SERIES, SIDES, label_axes, new_axes, sides_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_trajectories(
    recording: Recording,
    joints: str | Iterable[str] | None = None,
    *,
    coordinate: str = "y",
    ax: Axes | None = None,
) -> Axes:
    """Draw one coordinate of some joints over time.

    The colour shows the side of the body; a joint and its mirror image share a line style. Where a joint is unseen the
    line has a gap. Hollow circles are places that were filled in (finite, confidence 0).

    Args:
        recording: in pixels or centred.
        joints: names; by default the root, or the first joint of a skeleton without root.
        coordinate: "y", whose axis runs down as in the picture, or "x".
        ax: Axes to draw into; by default those of a new figure. For both coordinates call it twice with `plt.subplots(2, sharex=True)`.

    Returns:
        The Axes; time in seconds if the frame rate is known, otherwise in frames.

    Raises:
        ValueError: the skeleton lacks a joint, no joint is named, or no such coordinate.
    """
    skeleton = recording.skeleton
    joints = (skeleton.root or skeleton.joints[0]) if joints is None else joints
    names = [joints] if isinstance(joints, str) else list(joints)
    if not names:
        raise ValueError("`joints` names no joint. Fix: give some, or None for the root.")
    if coordinate not in ("x", "y"):
        raise ValueError(f"`coordinate` must be 'x' or 'y', got {coordinate!r}.")
    rows = skeleton.indices(names)
    times, unit = frame_times(recording)
    sides, styles = sides_of(skeleton), _line_styles(skeleton, names)
    ax = new_axes(9, 3.4) if ax is None else ax
    filled_in = False
    for row, name in zip(rows, names, strict=True):
        values = recording.xy[:, row, "xy".index(coordinate)]
        colour = SIDES[sides[name]]
        ax.plot(times, values, color=colour, ls=styles[name], lw=1.8, label=name)
        seen = np.isfinite(values)
        alone = seen & ~np.r_[False, seen[:-1]] & ~np.r_[seen[1:], False]  # a line needs two points
        if alone.any():
            ax.plot(times[alone], values[alone], ".", color=colour, ms=5)
        filled = seen & (recording.confidence[:, row] == 0)
        if filled.any():
            ax.plot(times[filled], values[filled], **HOLLOW, mec=colour, zorder=3)
            filled_in = True
    if filled_in:
        ax.plot([], [], **HOLLOW, mec=GREY, label="filled in")
    return _labelled(ax, recording, unit, coordinate, coordinate)


def _labelled(ax: Axes, recording: Recording, unit: str, coordinate: str, y: str) -> Axes:
    """Return the Axes with title, labels and legend; y runs down as in the picture."""
    if coordinate == "y" and not ax.yaxis_inverted():
        ax.invert_yaxis()
    origin = "px" if recording.space == "image" else "from the joint in the centre"
    label_axes(ax, "time (s)" if unit == "s" else "frame", f"{y} ({origin})")
    ax.set_title(recording.name, loc="left", fontsize=11)
    ax.margins(x=0.01)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9, handlelength=2.6)
    return ax


def _line_styles(skeleton: Skeleton, names: Sequence[str]) -> dict[str, Any]:
    """Return joint -> line style: joints of one side differ, mirror images agree."""
    mirror_images = {name: {name} for name in names}
    for pair in skeleton.mirror or ():
        for name in set(pair) & set(names):
            mirror_images[name] = set(pair)
    styles: dict[str, Any] = {}
    sides, counts = sides_of(skeleton), {"middle": 0, "paired": 0}
    for name in names:
        known = [styles[image] for image in mirror_images[name] if image in styles]
        group = "middle" if sides[name] == "middle" else "paired"
        styles[name] = known[0] if known else LINES[counts[group] % len(LINES)]
        counts[group] += not known
    return styles


def plot_steps(
    steps: Mapping[str, Recording], joint: str, *, coordinate: str = "y", ax: Axes | None = None
) -> Axes:
    """Draw one joint after each step of cleaning: raw, filled, smoothed in one picture.

    The first recording is drawn as dots, and where it has no place the picture is grey. The others are lines, with hollow
    circles where a place was filled in.

    Args:
        steps: name of a step -> the recording after it, e.g. {"raw": r, "filled": fill(r)}; all in pixels or all
            centred.
        joint: name.
        coordinate: "y", whose axis runs down as in the picture, or "x".
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes; time in seconds if every frame rate is known, otherwise in frames.

    Raises:
        ValueError: no recordings, pixels beside centred ones, no such joint or coordinate.
    """
    if coordinate not in ("x", "y"):
        raise ValueError(f"`coordinate` must be 'x' or 'y', got {coordinate!r}.")
    spaces = sorted({recording.space for recording in steps.values()})
    if len(spaces) != 1:
        raise ValueError(
            f"`steps` must be recordings all in one space ('image' or 'body'), got {spaces or 'none'}."
        )
    rows = [recording.skeleton.index(joint) for recording in steps.values()]
    times = [frame_times(recording) for recording in steps.values()]
    if len({unit for _, unit in times}) > 1:
        raise ValueError(
            "`steps` mixes recordings of known and unknown frame rate. Fix: set `fps` in all or none."
        )
    ax = new_axes(9, 3.6) if ax is None else ax
    for k, (name, recording) in enumerate(steps.items()):
        values, now = recording.xy[:, rows[k], "xy".index(coordinate)], times[k][0]
        if not k:
            _shade_gaps(ax, now, ~np.isfinite(values), name)
            ax.plot(now, values, ".", color=GREY, ms=6, label=name, zorder=4)
            continue
        colour, width = SERIES[(k - 1) % len(SERIES)], 1.4 + 0.7 * (k - 1) / max(len(steps) - 2, 1)
        ax.plot(now, values, color=colour, ls=LINES[(k - 1) % len(LINES)], lw=width, label=name, zorder=2)
        filled = np.isfinite(values) & (recording.confidence[:, rows[k]] == 0)
        if filled.any():
            ax.plot(now[filled], values[filled], **HOLLOW, mec=colour, zorder=3)
    return _labelled(ax, next(iter(steps.values())), times[0][1], coordinate, f"{joint} {coordinate}")


def _shade_gaps(ax: Axes, times: np.ndarray, unseen: np.ndarray, name: str) -> None:
    """Shade each gap in grey, from the last seen frame before it to the first after it."""
    edges = np.diff(unseen.astype(int), prepend=0, append=0)
    last = len(times) - 1
    label: str | None = f"not found in {name}"
    for start, stop in zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True):
        ax.axvspan(
            times[max(start - 1, 0)], times[min(stop, last)], color=LIGHT, alpha=0.6, lw=0, label=label
        )
        label = None
