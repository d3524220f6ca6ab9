"""Colours, axes and the sides of the body that all pictures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gymskel.skeleton import Skeleton

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDES = {"right": "#D55E00", "left": "#0072B2", "middle": "#222222"}
"""Colours of the body's sides."""
GREEN, GREY, LIGHT = "#009E73", "#6B6B6B", "#D9D9D9"
SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
"""Colours of curves that stand for no side of the body."""
HOLLOW: dict[str, Any] = {"ls": "", "marker": "o", "mfc": "white", "ms": 4}
FOR, AGAINST = "#1B7837", "#762A83"
"""Colours of weights and attributions above and below 0: the ends of PRGn (ColorBrewer), safe for colour-blind readers."""
LINES = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)))


def sides_of(skeleton: Skeleton) -> dict[str, str]:
    """Return joint -> "right", "left" or "middle"."""
    return dict(zip(skeleton.joints, skeleton.sides, strict=True))


def limb_sides(skeleton: Skeleton) -> list[str]:
    """Return the side of each limb: that of its ends, or the middle where they are on two sides."""
    sides = sides_of(skeleton)
    ends = [{sides[joint] for joint in limb} - {"middle"} for limb in skeleton.limbs]
    return [both.pop() if len(both) == 1 else "middle" for both in ends]


def new_axes(width: float, height: float) -> Axes:
    """Return the Axes of a new figure; width and height in inches."""
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def label_axes(ax: Axes, x: str, y: str) -> None:
    """Label both axes, remove the upper and the right border, and draw a light grid."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color=LIGHT, lw=0.6)
    ax.set_axisbelow(True)
