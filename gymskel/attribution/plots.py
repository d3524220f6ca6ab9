"""Pictures of an attribution: joints by frames, and the same on the body. Nothing is shown or saved.

Green speaks for the class, purple against it, white is 0 (PRGn of ColorBrewer, safe for colour-blind readers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.attribution.bodies import TRAVEL, phase_spans, rows_by_part
from gymskel.attribution.gradients import Attribution
from gymskel.visualize.style import AGAINST, FOR, GREY, LIGHT, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BASELINES = {
    "still": "standing still",
    "mean": "in its mean pose",
    "others": "mean of the other classes",
    "given": "baseline",
}
_LARGEST = 420
"""Area of the largest circle, in square points."""


def plot_attribution_map(
    attribution: Attribution, clip: int = 0, *, end: tuple[float, str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a map of a clip: a row for each joint, a column for each frame, joints of one part of the body together.

    The number at the end of a row is its sum, in probability. The first row is the travel of the whole body, the others
    are movements of the joints relative to it.

    Args:
        attribution: from `integrated_gradients`.
        clip: number of the clip, counted from 0.
        end: time of the last frame, counted from the first, and its unit: (1.4, "s") or (42, "frame"). For clips without
            a frame rate, such as those resampled to a fixed number of frames.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes. Time is in seconds if the clips have a frame rate, otherwise as in `end`, or in frames.

    Raises:
        ValueError: no such clip.
    """
    joints, length = _of_clip(attribution, clip)
    order, starts = _grouped(attribution)
    step, unit = _clock(attribution, length, end)
    ax = new_axes(9, 1.3 + 0.24 * len(order)) if ax is None else ax
    values = joints[:, order].T
    most = max(np.percentile(np.abs(values), 99.5), 1e-9)
    box = (-step / 2, (length - 0.5) * step, len(order) - 0.5, -0.5)
    colours: dict[str, Any] = {"cmap": "PRGn", "vmin": -most, "vmax": most}
    image = ax.imshow(values, extent=box, aspect="auto", interpolation="nearest", **colours)
    name = _target_name(attribution, clip)
    bar = ax.figure.colorbar(image, ax=ax, pad=0.11, extend="both", aspect=30)
    bar.set_label(f"purple: against {name}      green: for it", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    ax.set_yticks(range(len(order)), [attribution.row_names[row] for row in order], fontsize=9)
    for start in starts:
        ax.axhline(start - 0.5, color=GREY, lw=0.8)
    beside: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
    for place, row in enumerate(order):
        total = joints[:, row].sum()
        ax.annotate(f"{total:+.2f}", (1, place), (5, 0), va="center", fontsize=8, color=GREY, **beside)
    ax.set_xlabel("time (s)" if unit == "s" else unit)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(_title(attribution, clip), loc="left", fontsize=11)
    return ax


def plot_attribution_bodies(
    attribution: Attribution,
    clip: int = 0,
    *,
    bodies: int = 8,
    end: tuple[float, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the attributions of a clip on the body: equal phases, each with the body from its middle.

    The area of a circle is the joint's attribution, added up over the phase, so that every frame counts. Green speaks for
    the class, purple against it. The circle of the root stands for the travel of the whole body. Below each body stand
    its time and the sum of its phase, in probability.

    Args:
        attribution: from `integrated_gradients`.
        clip: number of the clip, counted from 0.
        bodies: number of bodies, at most one for each frame.
        end: as in `plot_attribution_map`.
        ax: Axes to draw into; by default those of a new figure.

    Returns:
        The Axes: equal aspect, y down, each body in a column of its own, all at one scale.

    Raises:
        ValueError: no such clip, `bodies` below 1, or clips without the channels x and y.
    """
    joints, length = _of_clip(attribution, clip)
    clips = attribution.clips
    if bodies < 1:
        raise ValueError(f"`bodies` must be at least 1, got {bodies}.")
    if not {"x", "y"} <= set(clips.channels):
        raise ValueError(
            f"A body is drawn from the channels x and y; the clips have {', '.join(clips.channels)}."
        )
    spans = phase_spans(length, min(bodies, length))
    frames = [(start + end - 1) // 2 for start, end in spans]
    xy = clips.x[clip][frames][..., [clips.channels.index("x"), clips.channels.index("y")]].astype(float)
    sums = np.stack([joints[start:end].sum(axis=0) for start, end in spans])  # (bodies, joints)
    lowest, highest = xy[..., 1].max(), xy[..., 1].min()
    spread = np.ptp(xy[..., 0], axis=1)
    size = max(lowest - highest, spread.max(), 1e-6)
    column = max(spread.max(), 0.35 * size) + 0.15 * size
    if ax is None:
        ax = new_axes(10, float(np.clip(10 * 1.2 * size / (column * len(frames)) + 1.1, 2.2, 6)))
    ax.axhline(lowest, color=LIGHT, lw=1, zorder=0)
    largest = max(np.abs(sums).max(), 1e-9)
    limbs = [clips.skeleton.indices(pair) for pair in clips.skeleton.limbs]
    step, unit = _clock(attribution, length, end)
    for place, (frame, body, values) in enumerate(zip(frames, xy, sums, strict=True)):
        middle = place * column
        body[:, 0] += middle - (body[:, 0].min() + body[:, 0].max()) / 2
        for pair in limbs:
            ax.plot(*body[pair].T, color="#9A9A9A", lw=2, solid_capstyle="round", zorder=1)
        colours = np.where(values > 0, FOR, AGAINST)
        area = _LARGEST * np.abs(values) / largest
        ax.scatter(body[:, 0], body[:, 1], s=area, c=colours, alpha=0.75, lw=0, zorder=3)
        time = f"{frame * step:.2f} s" if unit == "s" else f"{unit} {round(frame * step)}"
        caption: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 9, "color": GREY}
        words = f"{time}\n{values.sum():+.2f}"
        ax.annotate(words, (middle, lowest), (0, -8), textcoords="offset points", **caption)
    ax.set_xlim(-column / 2, (len(frames) - 0.5) * column)
    ax.set_ylim(lowest + 0.08 * size, highest - 0.1 * size)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_title(_title(attribution, clip), loc="left", fontsize=11, pad=22)
    _legend(ax, _target_name(attribution, clip), largest)
    return ax


def _of_clip(attribution: Attribution, clip: int) -> tuple[np.ndarray, int]:
    """Return the attributions of a clip without padding, (frames, joints), and the number of its frames."""
    if not 0 <= clip < len(attribution):
        raise ValueError(f"`clip` must be from 0 to {len(attribution) - 1}, got {clip}.")
    length = int(attribution.clips.lengths[clip])
    return attribution.by_joint[clip, :length], length


def _clock(attribution: Attribution, length: int, end: tuple[float, str] | None) -> tuple[float, str]:
    """Return the time from one frame of the clip to the next, and its unit."""
    if attribution.clips.fps:
        return 1 / attribution.clips.fps, "s"
    last, unit = end or (length - 1, "frame")
    return last / max(length - 1, 1), unit


def _grouped(attribution: Attribution) -> tuple[list[int], list[int]]:
    """Return the rows of the joints, travel first, then part after part; and the positions where a part begins."""
    skeleton = attribution.clips.skeleton
    groups = rows_by_part(skeleton) if skeleton.parts else {}
    groups = {TRAVEL: groups.pop(TRAVEL, []), **groups}
    order: list[int] = []
    starts = []
    for rows in (*groups.values(), range(len(skeleton))):  # joints of no part come last
        new = [row for row in rows if row not in order]
        starts += [len(order)] if new and order else []
        order += new
    return order, starts


def _target_name(attribution: Attribution, clip: int) -> str:
    """Return the name of the class that a clip is asked about."""
    names, target = attribution.clips.classes, int(attribution.target[clip])
    return names[target] if names else f"class {target}"


def _title(attribution: Attribution, clip: int) -> str:
    """Return recording, class and its probability, for the clip and for the baseline."""
    name, baseline = _target_name(attribution, clip), _BASELINES[attribution.baseline_name]
    probabilities = attribution.probability[clip], attribution.baseline_probability[clip]
    return f"{attribution.clips.sources[clip]}: {name} {probabilities[0]:.2f} ({baseline}: {probabilities[1]:.2f})"


def _legend(ax: Axes, name: str, largest: float) -> None:
    """Explain colours and areas above the picture, on the right."""
    from matplotlib.lines import Line2D

    dot: dict[str, Any] = {"ls": "", "marker": "o", "mew": 0, "alpha": 0.75}
    handles = [
        Line2D([], [], color=FOR, ms=9, label=f"for {name}", **dot),
        Line2D([], [], color=AGAINST, ms=9, label="against", **dot),
        Line2D([], [], color=GREY, ms=_LARGEST**0.5, label=f"{largest:.2g}", **dot),
    ]
    options: dict[str, Any] = {"frameon": False, "fontsize": 9, "borderpad": 0, "handletextpad": 0.6}
    ax.legend(handles=handles, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), **options)
