"""Bodies in a picture: one drawn, many outlined; the legend of the sides, and the choice of frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.recording import Recording
from gymskel.skeleton import Skeleton
from gymskel.visualize.style import GREY, HOLLOW, SIDES, limb_sides, sides_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def chosen_frames(recording: Recording, frames: int | Iterable[int]) -> list[int]:
    """Return frame numbers: `frames` of them evenly from the first to the last, or the given ones.

    Raises:
        ValueError: no frame, or one that the recording does not have.
    """
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


def draw_body(
    ax: Axes, skeleton: Skeleton, xy: np.ndarray, confidence: np.ndarray, *, size: float, alpha: float = 1.0
) -> None:
    """Draw the limbs and joints of one frame, (joints, 2), NaN = unseen; a limb with an unseen end is left out.

    A joint of confidence 0 was filled in and is hollow. `size` is 1 for a few bodies in a picture, smaller for many.
    """
    sides = sides_of(skeleton)
    for pair, side in zip(skeleton.limbs, limb_sides(skeleton), strict=True):
        ends = xy[skeleton.indices(pair)]
        if np.isfinite(ends).all():
            line: dict[str, Any] = {"color": SIDES[side], "alpha": alpha, "lw": 1.2 + 1.4 * size}
            ax.plot(*ends.T, **line, solid_capstyle="round", zorder=2)
    dot: dict[str, Any] = {"s": 4 + 8 * size, "linewidth": 0.8, "zorder": 3, "alpha": alpha}
    for side, colour in SIDES.items():
        rows = [row for row, joint in enumerate(skeleton.joints) if sides[joint] == side]
        for filled, face in ((False, colour), (True, "white")):
            shown = [r for r in rows if np.isfinite(xy[r]).all() and (confidence[r] == 0) == filled]
            if shown:
                ax.scatter(xy[shown, 0], xy[shown, 1], facecolor=face, edgecolor=colour, **dot)


def draw_outlines(
    ax: Axes, skeleton: Skeleton, bodies: np.ndarray, *, colour: str, width: float, alpha: float = 1.0
) -> None:
    """Draw the limbs of (bodies, joints, 2) in one colour, behind all others, for comparison."""
    from matplotlib.collections import LineCollection

    pairs = np.array([skeleton.indices(pair) for pair in skeleton.limbs], int).reshape(-1, 2)
    lines = bodies[:, pairs].reshape(-1, 2, 2)
    lines = lines[np.isfinite(lines).all(axis=(1, 2))]
    style: dict[str, Any] = {"colors": colour, "linewidths": width, "alpha": alpha, "capstyle": "round"}
    ax.add_collection(LineCollection(list(lines), zorder=1, **style))


def side_legend(ax: Axes, skeleton: Skeleton, filled_in: bool) -> None:
    """Explain the colours of the sides, and hollow joints if some were filled in, above the picture on the right."""
    from matplotlib.lines import Line2D

    used = set(sides_of(skeleton).values())
    handles = [Line2D([], [], color=SIDES[side], lw=2.5, label=side) for side in SIDES if side in used]
    if filled_in:
        handles.append(Line2D([], [], label="filled in", **HOLLOW, mec=GREY))
    options: dict[str, Any] = {"frameon": False, "fontsize": 9, "borderpad": 0, "handlelength": 1.3}
    ax.legend(
        handles=handles, ncols=4, loc="lower right", bbox_to_anchor=(1, 1), columnspacing=1.2, **options
    )
