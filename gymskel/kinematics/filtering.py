"""Signals over time: gaps bridged, single outliers removed, slopes and curvatures."""

from __future__ import annotations

import numpy as np
import pandas as pd


def bridge_gaps(xy: np.ndarray, gap: int) -> np.ndarray:
    """Bridge gaps of at most `gap` frames by straight lines; longer gaps stay as they are."""
    columns = pd.DataFrame(xy.reshape(len(xy), -1))
    seen, now = columns.notna().to_numpy(), np.arange(len(xy))[:, None]
    before = np.maximum.accumulate(np.where(seen, now, -len(xy) - gap))
    after = np.minimum.accumulate(np.where(seen, now, 2 * len(xy) + gap)[::-1])[::-1]
    bridged = columns.interpolate(limit_area="inside").where(seen | (after - before - 1 <= gap))
    return bridged.to_numpy().reshape(xy.shape)


def median_filter(values: np.ndarray, rate: float) -> np.ndarray:
    """Return each column's running median over 0.08 s, so that a single wrong pose makes no peak.

    At both ends of the recording values stay as they are. Next to unseen frames, where poses are worst, they are NaN.
    """
    columns = pd.DataFrame(values)
    window = {"window": 2 * round(rate / 30) + 1, "center": True}
    median = columns.rolling(**window).median().fillna(columns)
    return median.where(columns.notna().rolling(**window, min_periods=1).min() == 1).to_numpy()


def fit_parabolas(times: np.ndarray, values: np.ndarray, span: float) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and curvature of the parabola fitted to the frames around each frame, both (frames, columns).

    Least squares over `span` seconds (Savitzky and Golay 1964), at least three frames; NaN where fewer are known.
    """
    slope, curve = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    known = ~np.isnan(values).any(axis=1)
    step = np.median(np.diff(times)) if len(times) > 1 else 0.0
    for t in np.flatnonzero(known):
        near = known & (abs(times - times[t]) <= max(span / 2, step) * (1 + 1e-9))
        if near.sum() >= 3:
            _, slope[t], half = np.polynomial.polynomial.polyfit(times[near] - times[t], values[near], 2)
            curve[t] = 2 * half
    return slope, curve
