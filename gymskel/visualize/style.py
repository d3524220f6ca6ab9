"""What all pictures share: colours, the sides of the body, the axis of time, axes that leave the data alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gymskel.skeleton import Skeleton

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDES = {"right": "#D55E00", "left": "#0072B2", "middle": "#222222"}
"""Colours of the body's sides."""
GREEN, GREY, LIGHT = "#009E73", "#6B6B6B", "#D9D9D9"
SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
"""Colours of things that are no sides of a body."""
HOLLOW: dict[str, Any] = {"ls": "", "marker": "o", "mfc": "white", "ms": 4}
LINES = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)))


def sides_of(skeleton: Skeleton) -> dict[str, str]:
    """joint -> right, left or middle."""
    return dict(zip(skeleton.joints, skeleton.sides, strict=True))


def new_axes(width: float, height: float) -> Axes:
    """The Axes of a new figure, in inches."""
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def label_axes(ax: Axes, x: str, y: str) -> None:
    """Axis labels, and a frame that leaves the data alone."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color=LIGHT, lw=0.6)
    ax.set_axisbelow(True)
