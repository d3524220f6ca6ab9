"""Draw the plot below a contact sheet: confidence and lean over time, unseen frames in red."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.body_geometry import torso_lean
from gymskel.overlay.drawing import RED
from gymskel.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GREEN, _PURPLE, _GREY, _GRID = "#007A59", "#5B3FA8", "#6B6B6B", "#D9D9D9"
_DPI = 100
_TICK_STEPS = (15, 30, 45, 90, 180, 360, 720)  # degrees between two ticks; the first with at most _MAX_STEPS
_MAX_STEPS = 5


def draw_time_plot(
    recording: Recording, times: np.ndarray, marked: Sequence[int], size: tuple[int, int]
) -> np.ndarray:
    """Return a plot of mean confidence and the torso's lean over time, (height, width, 3) uint8, BGR.

    `times` are (frames,) rising seconds, `marked` the rows with a triangle on the axis, `size` is (width, height).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(2, sharex=True, height_ratios=(2, 3))
    _draw_confidence(axes[0], recording, times)
    _draw_lean(axes[1], recording, times)
    for ax in axes:
        _draw_unseen(ax, recording, times)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(True, color=_GRID, lw=0.6)
        ax.set_axisbelow(True)
    bottom: dict[str, Any] = {"transform": axes[1].get_xaxis_transform(), "clip_on": False, "zorder": 5}
    axes[1].plot(times[list(marked)], np.zeros(len(marked)), "^", ms=6, color="#1A1A1A", **bottom)
    step = np.median(np.diff(times)) if len(times) > 1 else 1.0
    axes[1].set_xlim(times[0] - step / 2, times[-1] + step / 2)
    axes[1].set_xlabel("seconds   (triangles: the pictures above)", fontsize=10)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., 2::-1].copy()


def _draw_confidence(ax: Axes, recording: Recording, times: np.ndarray) -> None:
    ax.plot(times, mean_confidence(recording), color=_GREEN, lw=1.8, marker=".", ms=3)
    ax.set_ylim(0, 1.05)
    ax.set_yticks([0, 0.5, 1])
    ax.set_title("mean confidence", loc="left", fontsize=10, color=_GREEN)
    unseen = int((~recording.seen.any(axis=1)).sum())
    if unseen:
        ax.set_title(f"unseen: {unseen} of {len(recording)} frames", loc="right", fontsize=10, color=RED)


def _draw_lean(ax: Axes, recording: Recording, times: np.ndarray) -> None:
    lean = unwrap_degrees(torso_lean(recording.xy, recording.skeleton))
    title = "torso's lean in degrees: 0 upright, 90 head to the right, ±180 upside down"
    ax.set_title(title, loc="left", fontsize=10, color=_PURPLE)
    known = lean[np.isfinite(lean)]
    low, high = (known.min(), known.max()) if len(known) else (0, 0)
    low, high = min(low, -45), max(high, 45)
    step = next((step for step in _TICK_STEPS if high - low <= _MAX_STEPS * step), _TICK_STEPS[-1])
    ax.set_yticks(np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step)
    ax.set_ylim(low - 15, high + 15)
    ax.axhline(0, color=_GREY, lw=0.8)
    ax.plot(times, lean, color=_PURPLE, lw=1.8, marker=".", ms=3)


def _draw_unseen(ax: Axes, recording: Recording, times: np.ndarray) -> None:
    """Draw a red band behind each run of frames without a seen joint."""
    edges = np.concatenate([times[:1], (times[1:] + times[:-1]) / 2, times[-1:]])
    unseen = np.concatenate([[False], ~recording.seen.any(axis=1), [False]])
    starts, ends = np.flatnonzero(np.diff(unseen)).reshape(-1, 2).T
    for start, end in zip(starts, ends, strict=True):
        ax.axvspan(edges[start], edges[end], color=RED, alpha=0.3, lw=0)


def mean_confidence(recording: Recording) -> np.ndarray:
    """Return the mean confidence (frames,) of the joints with confidence above 0; NaN where there are none."""
    with np.errstate(invalid="ignore"):  # 0 / 0 = NaN
        return recording.confidence.sum(axis=1) / (recording.confidence > 0).sum(axis=1)


def unwrap_degrees(angles: np.ndarray) -> np.ndarray:
    """Return the angles (frames,) without jumps of 360 degrees; NaN stays and is skipped.

    >>> unwrap_degrees(np.array([170, np.nan, -170.]))
    array([170.,  nan, 190.])
    """
    unwrapped, known = np.array(angles, float), np.isfinite(angles)
    unwrapped[known] = np.unwrap(unwrapped[known], period=360)
    return unwrapped
