"""Pictures: skeletons along time, joints' paths, training, learning curve, confusion, attention.

Every function draws into the Axes it is given, or into a new figure, and returns the Axes; none of them shows
or saves anything. Right is vermilion, left is blue, the middle of the body is black in every picture
(colour-blind-safe: Okabe and Ito 2008). y runs down, as in the picture, so that up is up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.recording import Recording
from gymskel.skeleton import Skeleton

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SIDES = {"right": "#D55E00", "left": "#0072B2", "middle": "#222222"}
"""Colours of the body's sides."""
_GREEN, _GREY, _LIGHT = "#009E73", "#6B6B6B", "#D9D9D9"
_HOLLOW = {"ls": "", "marker": "o", "mfc": "white", "ms": 4}
_LINES = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)))


# --- skeletons --------------------------------------------------------------------------------------------


def plot_skeletons(recording: Recording, *, frames: int | Iterable[int] = 8, ax: Axes | None = None) -> Axes:
    """The body at some moments, next to each other in the order of time, like a strobe photograph.

    Each body stands in a column of its own, all at the same scale: the travel across the picture is left
    out, the height is kept, and a thin line marks the lowest point of all. Joints that are unseen are not
    drawn, nor the limbs that need them; hollow joints were filled in (confidence 0).

    Args:
        recording: in pixels or centred, of any skeleton.
        frames: how many, evenly from the first to the last; or the frames themselves, counted from 0.
        ax: where to draw.

    Returns:
        The Axes: equal aspect, y down, captions in seconds if the frame rate is known, otherwise frames.

    Raises:
        ValueError: no frames, or frames that the recording does not have.
    """
    chosen = _chosen_frames(recording, frames)
    times, unit = _times(recording)
    bodies = recording.xy[chosen].astype(float)
    seen = recording.seen[chosen]
    if not seen.any():
        raise ValueError(f"{recording.name}: no joint is seen in frames {chosen}; choose others.")
    lowest, highest = np.nanmax(bodies[..., 1]), np.nanmin(bodies[..., 1])
    spans = [
        (np.nanmin(b[:, 0]), np.nanmax(b[:, 0])) if s.any() else (0, 0)
        for b, s in zip(bodies, seen, strict=True)
    ]
    body = max(lowest - highest, max(right - left for left, right in spans), 1e-6)
    column = max(max(right - left for left, right in spans), 0.25 * body) + 0.12 * body
    if ax is None:
        width = float(np.clip(2.4 * len(chosen), 4.5, 11))
        height = width * 1.1 * (lowest - highest) / (column * len(chosen)) + 0.7
        ax = _new_axes(width, float(np.clip(height, 1.8, 7)))
    ax.axhline(lowest, color=_LIGHT, lw=1, zorder=0)
    small = 9 if len(chosen) <= 14 else 7
    for place, (frame, xy, (left, right)) in enumerate(zip(chosen, bodies, spans, strict=True)):
        middle = place * column
        xy[:, 0] += middle - (left + right) / 2
        _draw_body(ax, recording.skeleton, xy, recording.confidence[frame], size=min(1, 12 / len(chosen)))
        caption = f"{times[frame]:.2f} s" if unit == "s" else f"frame {frame}"
        text = {"ha": "center", "fontsize": small, "color": _GREY}
        ax.annotate(caption, (middle, lowest), (0, -8), textcoords="offset points", va="top", **text)
        if not seen[place].any():
            ax.text(middle, (lowest + highest) / 2, "unseen", style="italic", **text)
    ax.set_xlim(-column / 2, (len(chosen) - 0.5) * column)
    ax.set_ylim(lowest + 0.04 * body, highest - 0.06 * body)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_title(recording.name, loc="left", fontsize=11, pad=24 if len(chosen) < 4 else 6)
    _side_legend(ax, recording.skeleton, (seen & (recording.confidence[chosen] == 0)).any())
    return ax


def _chosen_frames(recording: Recording, frames: int | Iterable[int]) -> list[int]:
    if isinstance(frames, (int, np.integer)):
        if frames < 1:
            raise ValueError(f"`frames` must be at least 1 or a list of frames, got {frames}.")
        return np.unique(np.linspace(0, len(recording) - 1, frames).round().astype(int)).tolist()
    chosen = list(frames)
    wrong = [f for f in chosen if not isinstance(f, (int, np.integer)) or not 0 <= f < len(recording)]
    if wrong or not chosen:
        raise ValueError(
            f"`frames` must be from 0 to {len(recording) - 1} for {recording.name}, got {wrong or chosen}."
        )
    return [int(frame) for frame in chosen]


def _draw_body(ax: Axes, skeleton: Skeleton, xy: np.ndarray, confidence: np.ndarray, *, size: float) -> None:
    """Limbs and joints of one frame; a limb with an unseen end is not drawn."""
    sides = _sides(skeleton)
    for pair in skeleton.limbs:
        ends = xy[skeleton.indices(pair)]
        if np.isfinite(ends).all():
            both = {sides[joint] for joint in pair} - {"middle"}
            colour = SIDES[both.pop() if len(both) == 1 else "middle"]
            ax.plot(*ends.T, color=colour, lw=1.2 + 1.4 * size, solid_capstyle="round", zorder=2)
    for side, colour in SIDES.items():
        rows = [row for row, joint in enumerate(skeleton.joints) if sides[joint] == side]
        for filled, face in ((False, colour), (True, "white")):
            some = [r for r in rows if np.isfinite(xy[r]).all() and (confidence[r] == 0) == filled]
            if some:
                ax.scatter(
                    *xy[some].T, s=4 + 8 * size, facecolor=face, edgecolor=colour, linewidth=0.8, zorder=3
                )


def _sides(skeleton: Skeleton) -> dict[str, str]:
    """joint -> right, left or middle."""
    return dict(zip(skeleton.joints, skeleton.sides, strict=True))


def _side_legend(ax: Axes, skeleton: Skeleton, filled_in: bool) -> None:
    from matplotlib.lines import Line2D

    used = set(_sides(skeleton).values())
    handles = [Line2D([], [], color=SIDES[side], lw=2.5, label=side) for side in SIDES if side in used]
    if filled_in:
        handles.append(Line2D([], [], label="filled in", **_HOLLOW, mec=_GREY))
    options = {"ncols": 4, "frameon": False, "fontsize": 9, "borderpad": 0, "handlelength": 1.3}
    ax.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), columnspacing=1.2, **options)


# --- trajectories -----------------------------------------------------------------------------------------


def plot_trajectories(
    recording: Recording,
    joints: str | Iterable[str] | None = None,
    *,
    coordinate: str = "y",
    ax: Axes | None = None,
) -> Axes:
    """Where some joints are, over time.

    The colour says the side of the body; a joint and its mirror image share the style of their lines. Where a
    joint is unseen the line has a gap; hollow circles are places that were filled in (finite, confidence 0).

    Args:
        recording: in pixels or centred.
        joints: names; by default the root, or the first joint of a skeleton that has none.
        coordinate: "y", whose axis runs down as in the picture, or "x".
        ax: where to draw. For both coordinates call it twice with `plt.subplots(2, sharex=True)`.

    Returns:
        The Axes; time in seconds if the frame rate is known, otherwise in frames.

    Raises:
        ValueError: the skeleton lacks a joint (it says which), no joint is named, or no such coordinate.
    """
    skeleton = recording.skeleton
    joints = (skeleton.root or skeleton.joints[0]) if joints is None else joints
    names = [joints] if isinstance(joints, str) else list(joints)
    if not names:
        raise ValueError("`joints` names no joint; give some, or None for the root.")
    if coordinate not in ("x", "y"):
        raise ValueError(f"`coordinate` must be 'x' or 'y', got {coordinate!r}.")
    rows = skeleton.indices(names)
    times, unit = _times(recording)
    sides, styles = _sides(skeleton), _line_styles(skeleton, names)
    ax = _new_axes(9, 3.4) if ax is None else ax
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
            ax.plot(times[filled], values[filled], **_HOLLOW, mec=colour, zorder=3)
            filled_in = True
    if filled_in:
        ax.plot([], [], **_HOLLOW, mec=_GREY, label="filled in")
    if coordinate == "y" and not ax.yaxis_inverted():
        ax.invert_yaxis()
    origin = "px" if recording.space == "image" else "from the joint in the centre"
    _label(ax, "time (s)" if unit == "s" else "frame", f"{coordinate} ({origin})")
    ax.set_title(recording.name, loc="left", fontsize=11)
    ax.margins(x=0.01)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9, handlelength=2.6)
    return ax


def _line_styles(skeleton: Skeleton, names: Sequence[str]) -> dict[str, Any]:
    """joint -> line style; joints of one side differ, mirror images agree."""
    twin = {name: {name} for name in names}
    for pair in skeleton.mirror:
        for name in set(pair) & set(names):
            twin[name] = set(pair)
    styles: dict[str, Any] = {}
    sides, counts = _sides(skeleton), {"middle": 0, "paired": 0}
    for name in names:
        known = [styles[other] for other in twin[name] if other in styles]
        kind = "middle" if sides[name] == "middle" else "paired"
        styles[name] = known[0] if known else _LINES[counts[kind] % len(_LINES)]
        counts[kind] += not known
    return styles


def _times(recording: Recording) -> tuple[np.ndarray, str]:
    """(frames,) time of each frame, in seconds ("s") if that is known, otherwise its number ("frame")."""
    if recording.timestamps is not None:
        return np.asarray(recording.timestamps, float), "s"
    numbers = np.arange(len(recording))
    return (numbers / recording.fps, "s") if recording.fps else (numbers, "frame")


# --- training and evaluation ------------------------------------------------------------------------------


def plot_training(
    histories: Mapping[str, Sequence[float]] | Iterable[Mapping[str, Sequence[float]]],
    *,
    measure: str = "accuracy",
    ax: Axes | None = None,
) -> Axes:
    """How training went: the mean of all runs, on a band from the lowest to the highest run.

    Args:
        histories: what `fit` gave back for one run or several: dicts of lists with keys `loss`, `accuracy`,
            `val_loss`, `val_accuracy`, or Keras History objects. Runs may differ in length (early stopping):
            each epoch is the mean of the runs that reached it.
        measure: "accuracy" or "loss", or another key; its `val_` twin is drawn with it.
        ax: where to draw.

    Returns:
        The Axes; epochs are counted from 1.

    Raises:
        ValueError: no runs, or none that knows the measure.
    """
    from matplotlib.ticker import MaxNLocator

    one = isinstance(histories, Mapping) or hasattr(histories, "history")
    runs = [getattr(run, "history", run) for run in ([histories] if one else histories)]
    if not all(isinstance(run, Mapping) for run in runs):
        raise ValueError("`histories` must be a dict of lists, or several of them; got something else in it.")
    keys = [key for key in (measure, f"val_{measure}") if any(len(run.get(key, ())) for run in runs)]
    if not keys:
        known = sorted({key for run in runs for key in run})
        raise ValueError(f"`histories` knows no {measure!r}: {len(runs)} runs with keys {known}.")
    ax = _new_axes(6.5, 3.6) if ax is None else ax
    for key in keys:
        curves = [np.asarray(run[key], float) for run in runs if len(run.get(key, ()))]
        table = np.full((len(curves), max(map(len, curves))), np.nan)
        for row, curve in zip(table, curves, strict=True):
            row[: len(curve)] = curve
        table = np.ma.masked_invalid(table)
        epochs = np.arange(1, table.shape[1] + 1)
        style = {"color": _GREEN, "ls": "-", "label": "validation"}
        if key == measure:
            style = {"color": _GREY, "ls": "--", "label": "training"}
        ax.plot(epochs, table.mean(axis=0), lw=2, marker="o" if len(epochs) == 1 else None, **style)
        if len(curves) > 1:
            band = table.min(axis=0), table.max(axis=0)
            ax.fill_between(epochs, *band, color=style["color"], alpha=0.18, lw=0)
    if measure.endswith("accuracy"):
        ax.set_ylim(top=1.02)
    ax.margins(x=0.01)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _label(ax, "epoch", measure)
    title = f"mean of {len(runs)} runs, lowest to highest" if len(runs) > 1 else "1 run"
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    return ax


def plot_confusion(matrix: np.ndarray, classes: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Which move was taken for which: counts, and below them their share of the row.

    Args:
        matrix: (classes, classes) counts; a row is what it was, a column what was predicted.
        classes: names, in the order of the matrix.
        ax: where to draw.

    Returns:
        The Axes; the darker, the larger the share of its row.

    Raises:
        ValueError: the matrix is not square, has negative or missing counts, or other names than rows.
    """
    counts, size = np.asarray(matrix, float), len(classes)
    if counts.shape != (size, size) or not size:
        raise ValueError(f"`matrix` must be ({size}, {size}) for {size} classes, got {counts.shape}.")
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise ValueError("`matrix` must hold counts of at least 0, none of them missing.")
    totals = counts.sum(axis=1)
    shares = np.divide(counts, totals[:, None], out=np.zeros_like(counts), where=totals[:, None] > 0)
    if ax is None:
        side = min(max(1.15 * size, 3), 8.5)
        ax = _new_axes(side + 1.4 + 0.09 * max(map(len, classes)), side + 0.8)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        percent = f"\n{share:.0%}" if totals[row] and (count or size <= 8) else ""
        colour = "white" if share > 0.55 else "black" if count else _GREY
        font = 11 if size <= 4 else 9 if size <= 8 else 7
        ax.text(column, row, f"{count:g}{percent}", ha="center", va="center", fontsize=font, color=colour)
    slant = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(size), classes, **(slant if size > 3 or max(map(len, classes)) > 16 else {}))
    ax.set_yticks(range(size), [f"{name} ({n:g})" for name, n in zip(classes, totals, strict=True)])
    _label(ax, "predicted", "true")
    ax.grid(False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


# --- attention --------------------------------------------------------------------------------------------


def plot_learning_curve(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Accuracy on everybody else against the number of athletes trained on: each training a dot, a line through the means.

    Args:
        table: columns athletes and accuracy, a row a training; `evaluation.learning_curve` makes it.
        ax: where to draw.

    Returns:
        The Axes; accuracy up to 1.

    Raises:
        ValueError: no rows, or a column is lacking.
    """
    from matplotlib.ticker import MaxNLocator

    if lacking := [name for name in ("athletes", "accuracy") if name not in table]:
        raise ValueError(f"`table` lacks the column {', '.join(lacking)}; it has {', '.join(table)}.")
    if not len(table):
        raise ValueError("`table` has no rows: nothing to draw.")
    ax = _new_axes(6, 3.6) if ax is None else ax
    means = table.groupby("athletes")["accuracy"].mean()
    ax.plot(table["athletes"], table["accuracy"], **_HOLLOW, mec=_GREY, label="one group of athletes")
    ax.plot(means.index, means, color=SIDES["left"], lw=1.8, marker="o", ms=5, label="mean")
    ax.set_ylim(top=1.02)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    _label(ax, "athletes trained on", "accuracy on the others")
    return ax


def plot_attention(weights: np.ndarray, *, fps: float | None = None, ax: Axes | None = None) -> Axes:
    """Which frames a model looked at.

    One clip is a curve, with a dashed line where all frames would weigh the same. Several clips are the
    rows of a map, the first on top: the darker, the heavier; grey where a clip has ended.

    Args:
        weights: (frames,) or (clips, frames), at least 0; NaN behind the mask.
        fps: frames a second, for an axis in seconds.
        ax: where to draw.

    Returns:
        The Axes.

    Raises:
        ValueError: another shape, negative weights, nothing but NaN, or `fps` not above 0.
    """
    from matplotlib.ticker import MaxNLocator

    weights = np.asarray(weights, float)
    if weights.ndim not in (1, 2) or not np.isfinite(weights).any():
        raise ValueError(
            f"`weights` must be (frames,) or (clips, frames) with finite values, got {weights.shape}."
        )
    if np.nanmin(weights) < 0 or np.isinf(weights).any():
        raise ValueError(
            f"`weights` must be finite and at least 0, got {np.nanmin(weights):.3g} as the least."
        )
    if fps is not None and not fps > 0:
        raise ValueError(f"`fps` must be above 0, got {fps}.")
    step = 1 / fps if fps else 1
    frames = weights.shape[-1]
    if weights.ndim == 1:
        ax = _new_axes(9, 2.6) if ax is None else ax
        times = np.arange(frames) * step
        even = np.nansum(weights) / np.isfinite(weights).sum()
        ax.fill_between(times, 0, weights, color=_GREEN, alpha=0.25, lw=0)
        ax.plot(times, weights, color=_GREEN, lw=1.8, label="attention")
        ax.axhline(even, color=_GREY, ls="--", lw=1, label="all frames alike")
        ax.set_ylim(bottom=0)
        ax.margins(x=0.01)
        ax.legend(frameon=False, fontsize=9)
    else:
        ax = _new_axes(9, min(1.4 + 0.22 * len(weights), 8)) if ax is None else ax
        extent = (-step / 2, (frames - 0.5) * step, len(weights) - 0.5, -0.5)
        options = {"cmap": "Greens", "vmin": 0, "aspect": "auto", "interpolation": "nearest"}
        image = ax.imshow(weights, extent=extent, **options)
        ax.figure.colorbar(image, ax=ax, label="weight", pad=0.015)
        ax.set_facecolor(_LIGHT)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    _label(ax, "time (s)" if fps else "frame", "weight" if weights.ndim == 1 else "clip")
    ax.grid(weights.ndim == 1)
    return ax


def _new_axes(width: float, height: float) -> Axes:
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def _label(ax: Axes, x: str, y: str) -> None:
    """Axis labels, and a frame that leaves the data alone."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color=_LIGHT, lw=0.6)
    ax.set_axisbelow(True)
