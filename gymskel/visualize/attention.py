"""Attention weights over the frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gymskel.visualize.style import GREEN, GREY, LIGHT, label_axes, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_attention(weights: np.ndarray, *, fps: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the weight of each frame, as `activations.attention_weights` gives it.

    One clip is a curve; a dashed line shows the weight if all frames weighed the same. Several clips are the rows of a
    map, the first on top: darker is heavier, grey is behind the end of a clip.

    Args:
        weights: (frames,) or (clips, frames), at least 0; NaN behind the mask.
        fps: frames a second, for an axis in seconds; by default frames are counted.
        ax: Axes to draw into; by default those of a new figure.

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
        ax = new_axes(9, 2.6) if ax is None else ax
        times = np.arange(frames) * step
        even = np.nansum(weights) / np.isfinite(weights).sum()
        ax.fill_between(times, 0, weights, color=GREEN, alpha=0.25, lw=0)
        ax.plot(times, weights, color=GREEN, lw=1.8, label="attention")
        ax.axhline(even, color=GREY, ls="--", lw=1, label="all frames alike")
        ax.set_ylim(bottom=0)
        ax.margins(x=0.01)
        ax.legend(frameon=False, fontsize=9)
    else:
        ax = new_axes(9, min(1.4 + 0.22 * len(weights), 8)) if ax is None else ax
        extent = (-step / 2, (frames - 0.5) * step, len(weights) - 0.5, -0.5)
        image = ax.imshow(
            weights, cmap="Greens", vmin=0, aspect="auto", interpolation="nearest", extent=extent
        )
        ax.figure.colorbar(image, ax=ax, label="weight", pad=0.015)
        ax.set_facecolor(LIGHT)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    label_axes(ax, "time (s)" if fps else "frame", "weight" if weights.ndim == 1 else "clip")
    ax.grid(weights.ndim == 1)
    return ax
