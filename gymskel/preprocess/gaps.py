"""Places that an estimator lost: taken out where it was unsure, filled in where the gap is short enough.

Live, on frames as they come, can be used `drop_uncertain`, which looks at each frame alone, and `hold`, which looks
only back. `fill` needs the frames after a gap.
"""

from __future__ import annotations

import numpy as np

from gymskel.recording import Recording


def drop_uncertain(recording: Recording, *, below: float = 0.1) -> Recording:
    """The recording with places of too little confidence unseen: NaN, NaN, 0.

    What was filled in has confidence 0 and becomes unseen again, so this comes before `fill`. Each frame is
    judged alone: can be used live.

    Args:
        recording: any. What a confidence is worth depends on the estimator: OpenPose's is the peak of a heat
            map, MediaPipe's visibility does not tell right places from wrong ones.
        below: confidence from which a place is kept, above 0 and at most 1.

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
    """The recording with unseen joints filled in from the frames before and after.

    A filled-in place keeps confidence 0, so that it can be told from one that was seen. Before a joint is first
    seen it stands where it appears, after it was last seen where it vanished; a joint never seen stays NaN.
    Needs the frames after a gap: cannot be used live.

    Args:
        recording: any; `timestamps` are used where there are any.
        method: "linear" draws a straight line in time between the frames on either side. "pchip" draws a curve
            through all frames in which the joint is seen, smooth and without overshoot (Fritsch and Butland,
            SIAM J. Sci. Stat. Comput. 5, 1984). "thesis" walks through the frames and takes the mean of the
            previous, already filled value and the next seen one, as the published data were made (thesis sec.
            4.2.1; in the author's program a joint seen only in the very last frame does not count as a next
            value).
        max_gap: frames; a joint unseen for more frames in a row, at the ends too, stays unseen in all of them.
            None fills every gap. In frames, as every `window` and `missing_table` are, so that it holds where
            the frame rate is unknown; put the step `resample` first where recordings differ in frame rate.

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
    if method == "thesis":  # the last frame is nobody's next
        after[(after == frames - 1) & ~seen] = frames
    frame, joint = np.nonzero(holes & ((before >= 0) | (after < frames)))
    ends = before[frame, joint], after[frame, joint]
    places = _between(recording, frame, joint, *ends, method)
    if method == "pchip":
        inner = (ends[0] >= 0) & (ends[1] < frames)
        places[inner] = _curve(recording, frame[inner], joint[inner])
    keypoints = recording.keypoints.copy()
    keypoints[frame, joint, :2] = places
    return recording.after("fill", keypoints, method=method, max_gap=max_gap)


def hold(recording: Recording, *, max_gap: int | None = None) -> Recording:
    """The recording with unseen joints held where they were last seen.

    A held place keeps confidence 0, as in `fill`; before a joint is first seen it stays unseen. A frame depends on
    no later one: can be used live.

    Args:
        recording: any.
        max_gap: frames; so many are held after a joint was lost, the rest of the gap stays unseen. None holds on.

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
    """(holes, 2) places on the way from the frame before to the frame after; held where there is but one."""
    start = np.where(before < 0, after, before)
    stop = np.where(after == len(recording), before, after)
    previous, following = (recording.keypoints[end, joint, :2].astype(np.float64) for end in (start, stop))
    if method == "thesis":  # the mean with a fixed next value, taken k times, leaves 2^-k of the way
        share = 1 - 0.5 ** (frame - before)
    else:
        times = _times(recording)
        share = (times[frame] - times[start]) / np.where(start < stop, times[stop] - times[start], 1)
    return previous + share[:, None] * (following - previous)


def _curve(recording: Recording, frame: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """(holes, 2) places on the curve through all frames in which a joint is seen."""
    from scipy.interpolate import PchipInterpolator  # slow to import, and seldom used

    times, places = _times(recording), np.empty((len(frame), 2))
    for row in np.unique(joint):
        known = np.flatnonzero(recording.seen[:, row])
        curve = PchipInterpolator(times[known], recording.xy[known, row].astype(np.float64))
        places[joint == row] = curve(times[frame[joint == row]])
    return places


def _times(recording: Recording) -> np.ndarray:
    """(frames,) when each frame was taken: in seconds where that is known, else in frames."""
    if recording.timestamps is None:
        return np.arange(len(recording), dtype=float)
    return np.asarray(recording.timestamps, float)
