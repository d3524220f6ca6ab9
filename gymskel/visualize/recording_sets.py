"""Pictures of many recordings: lost joints by phase, and the mean pose of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gymskel.clips import Clips
from gymskel.messages import join_names
from gymskel.skeleton import Skeleton
from gymskel.visualize.bodies import draw_body, draw_outlines, side_legend
from gymskel.visualize.style import GREY, label_axes, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MEASURES = {
    "lost": "not found",
    "unseen": "without a place",
    "filled": "filled in",
    "longest_gap": "longest gap (frames)",
}
"""Measure of `plot_missing` -> its title."""


def plot_missing(table: pd.DataFrame, *, measure: str = "lost", ax: Axes | None = None) -> Axes:
    """Draw the share of lost joints: a row for each joint, a column for each part of the clip; darker is more.

    Args:
        table: from `preprocess.missing_table`.
        measure: "lost", the share of frames in which the estimator did not find a joint (unseen or filled in); or one
            column of the table: "unseen", "filled", "longest_gap".
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes. Shares are in per cent. White lines separate "all" from the joints and from the phases.

    Raises:
        ValueError: no such measure, or a table without it.
    """
    if measure not in MEASURES:
        raise ValueError(f"`measure` must be one of {join_names(MEASURES)}, got {measure!r}.")
    columns = ["unseen", "filled"] if measure == "lost" else [measure]
    present = set(table.columns.get_level_values(0))
    if missing := [name for name in columns if name not in present]:
        raise ValueError(
            f"`table` lacks {join_names(missing)}. Fix: give what preprocess.missing_table returns."
        )
    shown = sum(table[name] for name in columns)
    values, share = shown.to_numpy(float), measure != "longest_gap"
    top = max(np.nanmax(values, initial=0), 0.1 if share else 1)
    ax = new_axes(1.6 + 0.85 * shown.shape[1], 1.2 + 0.235 * len(shown)) if ax is None else ax
    ax.imshow(values, cmap="Oranges", vmin=0, vmax=top, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = "" if np.isnan(value) else f"{100 * value:.0f}" if share else f"{value:.0f}"
        colour = "white" if value > 0.65 * top else "black" if value else GREY
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    ax.axhline(len(shown) - 1.5, color="white", lw=3)
    ax.axvline(shown.shape[1] - 1.5, color="white", lw=3)
    ax.set_xticks(range(shown.shape[1]), shown.columns)
    ax.set_yticks(range(len(shown)), shown.index, fontsize=9)
    label_axes(ax, "part of the clip", "")
    ax.grid(False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(MEASURES[measure] + (" (%)" if share else ""), loc="left", fontsize=11)
    return ax


def plot_mean_poses(clips: Clips, *, moments: int = 8, ax: Axes | None = None) -> Axes:
    """Draw the mean pose of each class at some moments of its clips, on the single clips in grey.

    Every clip is read at `moments` instants, evenly from its first to its last frame. Bodies have their root at the same
    x, and keep their height relative to the first place of the root. Bodies that look the other way than most are
    mirrored, left and right exchanged. Nose and neck in the first quarter of a clip give the direction.

    Args:
        clips: with labels and channels x, y, of comparable size (`scale`, as the preset "default" does).
        moments: number of instants.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes: a row for each class, equal aspect, y down. Short limbs of the mean show that clips differ.

    Raises:
        ValueError: no labels, no x and y, a skeleton without root, clips that never show it, or fewer than 2 moments.
    """
    labels = _checked_labels(clips, moments)
    bodies = _bodies_at(clips, moments)
    classes = np.unique(labels)
    means = [_mean(bodies[labels == label]) for label in classes]
    spread = np.nanpercentile(bodies, (0.5, 99.5), axis=(0, 1, 2))  # a few joints astray do not set the scale
    low = np.minimum(spread[0], np.nanmin(means, axis=(0, 1, 2)))
    high = np.maximum(spread[1], np.nanmax(means, axis=(0, 1, 2)))
    wide, tall = 1.05 * (high - low)
    wide = max(wide, 0.25 * tall, 1e-6)
    if ax is None:
        ax = new_axes(10, 10 * tall / wide * len(classes) / moments + 0.9)
    alpha = float(np.clip(4 / max(np.bincount(labels)), 0.06, 0.5))
    for row, (label, mean) in enumerate(zip(classes, means, strict=True)):
        for k in range(moments):
            shift = np.array([k * wide, row * tall])
            single = bodies[labels == label, k] + shift
            draw_outlines(ax, clips.skeleton, single, colour=GREY, width=0.8, alpha=alpha)
            draw_body(ax, clips.skeleton, mean[k] + shift, np.ones(len(clips.skeleton)), size=0.4)
        name = f"{clips.classes[label]} ({(labels == label).sum()})"
        ax.text(-0.5 * wide, row * tall + low[1], name, fontsize=10, va="top")
    for k in range(moments):
        share, y = f"{100 * k / (moments - 1):.0f} %", high[1] + (len(classes) - 1) * tall
        ax.text(k * wide, y, share, ha="center", va="top", fontsize=9, color=GREY)
    ax.set_xlim(-0.55 * wide, (moments - 0.45) * wide)
    ax.set_ylim(high[1] + (len(classes) - 0.9) * tall, low[1] - 0.03 * tall)
    ax.set_aspect("equal")
    ax.set_axis_off()
    side_legend(ax, clips.skeleton, False)
    return ax


def _checked_labels(clips: Clips, moments: int) -> np.ndarray:
    """Return the labels, (clips,) int, or raise the errors of `plot_mean_poses`."""
    if clips.y is None or not len(clips):
        raise ValueError("`clips` needs labels `y` and at least one clip.")
    if clips.skeleton.root is None or clips.channels[:2] != ("x", "y"):
        raise ValueError(
            f"`clips` needs a skeleton with a root and the channels x, y first; got {clips.skeleton.name} with "
            f"{clips.channels}."
        )
    if moments < 2:
        raise ValueError(f"`moments` must be at least 2, got {moments}.")
    shown = clips.seen[:, :, clips.skeleton.index(clips.skeleton.root)].any(axis=1)
    if hidden := [source for source, seen in zip(clips.sources, shown, strict=True) if not seen]:
        raise ValueError(
            f"{clips.skeleton.root} is never seen in {join_names(hidden)}. Fix: leave these clips out."
        )
    return clips.y


def _bodies_at(clips: Clips, moments: int) -> np.ndarray:
    """Return the bodies at even instants, roots at x = 0, all looking one way: (clips, moments, joints, 2); NaN = unseen."""
    instants = (np.linspace(0, 1, moments) * (clips.lengths[:, None] - 1)).round().astype(int)
    each = np.arange(len(clips))[:, None]
    xy = np.where(clips.seen[..., None], clips.x[..., :2], np.nan).astype(float)
    root = clips.skeleton.index(str(clips.skeleton.root))
    first = clips.seen[:, :, root].argmax(axis=1)  # the frame in which the root is first seen
    start = xy[each[:, 0], first, root, 1]
    xy[..., 0] -= xy[:, :, [root], 0]
    xy[..., 1] -= start[:, None, None]
    directions = _directions(xy, clips.lengths, clips.skeleton)
    mirrored = directions == (-1 if directions.sum() >= 0 else 1)
    xy[mirrored] = xy[mirrored][:, :, clips.skeleton.mirror_order] * (-1, 1)
    return xy[each, instants]


def _directions(xy: np.ndarray, lengths: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Return 1 = looks to the right, -1 = to the left, 0 = unknown, (clips,), from nose and neck in the first quarter."""
    if not {"Nose", "Neck"} <= set(skeleton.joints):
        return np.zeros(len(xy))
    nose, neck = skeleton.indices(["Nose", "Neck"])
    before = xy[:, :, nose, 0] - xy[:, :, neck, 0]
    early = np.arange(xy.shape[1]) <= lengths[:, None] // 4
    return np.sign(np.nansum(np.where(early, before, 0), axis=1))


def _mean(bodies: np.ndarray) -> np.ndarray:
    """Return the mean over clips of the finite places, (moments, joints, 2); NaN where there are none."""
    seen = np.isfinite(bodies)
    total = np.where(seen, bodies, 0).sum(axis=0)
    return np.divide(total, seen.sum(axis=0), out=np.full(total.shape, np.nan), where=seen.any(axis=0))
