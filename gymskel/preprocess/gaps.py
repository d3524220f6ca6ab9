"""Positions that an estimator lost: removed where it was unsure, filled in where the gap is short enough."""

from __future__ import annotations

import numpy as np

from gymskel.recording import Recording
from gymskel.recording.times import frame_seconds


def drop_uncertain(recording: Recording, *, below: float = 0.1) -> Recording:
    """Make positions of low confidence unseen: NaN, NaN, 0.

    Filled-in positions have confidence 0 and become unseen again, so this comes before `fill`. Each frame is
    judged alone: can be used live.

    Args:
        recording: any. The meaning of a confidence depends on the estimator: OpenPose's is the peak of a heat
            map, MediaPipe's visibility does not separate right positions from wrong ones.
        below: positions of lower confidence are dropped; above 0 and at most 1.

    >>> one = Recording(np.full((1, 25, 3), 0.5)); one.keypoints[0, 4, 2] = 0.05
    >>> drop_uncertain(one).keypoints[0, 3:5].tolist()
    [[0.5, 0.5, 0.5], [nan, nan, 0.0]]
    """
    if not 0 < below <= 1:
        raise ValueError(f"`below` must be a confidence above 0 and at most 1, got {below}.")
    keypoints = recording.keypoints.copy()
    keypoints[recording.confidence < below] = np.nan, np.nan, 0
    return recording.after("drop_uncertain", keypoints, below=below)


def fill(recording: Recording, *, method: str = "linear", max_gap: int | None = None) -> Recording:
    """Fill unseen joints from the frames before and after.

    A filled-in position keeps confidence 0, which marks it as filled in. Before a joint is first seen it stands where it
    appears; after it was last seen it stands where it vanished. A joint that is never seen stays NaN. Needs the frames
    after a gap: cannot be used live.

    Args:
        recording: any; `timestamps` are used if there are any.
        method: "linear" draws a straight line in time between the frames on either side. "pchip" draws a curve
            through all frames in which the joint is seen, smooth and without overshoot (Fritsch and Butland,
            SIAM J. Sci. Stat. Comput. 5, 1984). "thesis" walks through the frames and takes the mean of the
            previous, already filled value and the next seen one, as the published data were made (thesis sec.
            4.2.1; in the author's program a joint seen only in the very last frame does not count as a next
            value).
        max_gap: frames; a joint unseen for more frames in a row stays unseen in all of them, at the ends too. None
            fills every gap. The unit is frames, as for every `window`, because the frame rate may be unknown; put the
            step `resample` first if recordings differ in frame rate.

    >>> one = Recording(np.zeros((4, 25, 3)))
    >>> one.keypoints[1:3] = np.nan, np.nan, 0; one.keypoints[3] = 8, 16, 1
    >>> fill(one, method="thesis").xy[:, 0, 0].tolist()
    [0.0, 0.0, 0.0, 8.0]
    >>> fill(one).xy[:, 0, 0].round().tolist()
    [0.0, 3.0, 5.0, 8.0]
    >>> fill(one, max_gap=1).xy[:, 0, 0].tolist()
    [0.0, nan, nan, 8.0]
    """
    if method not in ("linear", "thesis", "pchip"):
        raise ValueError(f"`method` must be 'linear', 'thesis' or 'pchip', got {method!r}.")
    if max_gap is not None and not max_gap >= 0:
        raise ValueError(f"`max_gap` must be a number of frames from 0, or None, got {max_gap}.")
    seen = recording.seen
    frames = len(seen)
    now = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(seen, now, -1))
    after = np.minimum.accumulate(np.where(seen, now, frames)[::-1])[::-1]
    holes = ~seen
    if max_gap is not None:
        holes &= after - before - 1 <= max_gap
    if method == "thesis":  # the last frame is never taken as the next value
        after[(after == frames - 1) & ~seen] = frames
    frame, joint = np.nonzero(holes & ((before >= 0) | (after < frames)))
    ends = before[frame, joint], after[frame, joint]
    positions = _between(recording, frame, joint, *ends, method)
    if method == "pchip":
        inner = (ends[0] >= 0) & (ends[1] < frames)
        positions[inner] = _curve(recording, frame[inner], joint[inner])
    keypoints = recording.keypoints.copy()
    keypoints[frame, joint, :2] = positions
    return recording.after("fill", keypoints, method=method, max_gap=max_gap)


def hold(recording: Recording, *, max_gap: int | None = None) -> Recording:
    """Hold unseen joints where they were last seen.

    A held position keeps confidence 0, as in `fill`; before a joint is first seen it stays unseen. No frame depends on
    a later one: can be used live.

    Args:
        max_gap: number of frames for which a lost joint is held; the rest of the gap stays unseen. None holds without
            limit.

    >>> one = Recording(np.zeros((5, 25, 3)))
    >>> one.keypoints[[0, 2, 3]] = np.nan, np.nan, 0; one.keypoints[4] = 8, 16, 1
    >>> hold(one).xy[:, 0, 0].tolist(), hold(one, max_gap=1).xy[:, 0, 0].tolist()
    ([nan, 0.0, 0.0, 0.0, 8.0], [nan, 0.0, 0.0, nan, 8.0])
    """
    if max_gap is not None and not max_gap >= 0:
        raise ValueError(f"`max_gap` must be a number of frames from 0, or None, got {max_gap}.")
    seen, now = recording.seen, np.arange(len(recording))[:, None]
    before = np.maximum.accumulate(np.where(seen, now, -1))
    held = ~seen & (before >= 0)
    if max_gap is not None:
        held &= now - before <= max_gap
    frame, joint = np.nonzero(held)
    keypoints = recording.keypoints.copy()
    keypoints[frame, joint, :2] = keypoints[before[frame, joint], joint, :2]
    return recording.after("hold", keypoints, max_gap=max_gap)


def _between(
    recording: Recording,
    frame: np.ndarray,
    joint: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    method: str,
) -> np.ndarray:
    """(gaps, 2) positions on the line from the frame before to the frame after; held where only one of them exists."""
    start = np.where(before < 0, after, before)
    stop = np.where(after == len(recording), before, after)
    previous, following = (recording.keypoints[end, joint, :2].astype(np.float64) for end in (start, stop))
    if method == "thesis":  # k means with a fixed next value leave 2^-k of the distance
        share = 1 - 0.5 ** (frame - before)
    else:
        times = _times(recording)
        share = (times[frame] - times[start]) / np.where(start < stop, times[stop] - times[start], 1)
    return previous + share[:, None] * (following - previous)


def _curve(recording: Recording, frame: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """(gaps, 2) positions on the curve through all frames in which a joint is seen."""
    from scipy.interpolate import PchipInterpolator  # slow to import, and seldom used

    times, positions = _times(recording), np.empty((len(frame), 2))
    for row in np.unique(joint):
        known = np.flatnonzero(recording.seen[:, row])
        curve = PchipInterpolator(times[known], recording.xy[known, row].astype(np.float64))
        positions[joint == row] = curve(times[frame[joint == row]])
    return positions


def _times(recording: Recording) -> np.ndarray:
    """(frames,) times for interpolation: the timestamps if there are any, else frames."""
    if recording.timestamps is None:
        return np.arange(len(recording), dtype=float)
    return frame_seconds(recording)
