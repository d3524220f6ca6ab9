"""Times and frame rate of a recording: the one place for all stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from gymskel.recording.model import Recording

SAME_RATE = 0.02
"""Share by which two frame rates may differ and still count as one: 59.94 and 60."""


def same_rate(rate: float, reference: float) -> bool:
    """Return True if `rate` differs from `reference` by at most `SAME_RATE` of it; both in frames a second.

    >>> same_rate(59.94, 60), same_rate(50, 60), same_rate(60, 0)
    (True, False, False)
    """
    return abs(rate - reference) <= SAME_RATE * reference


def frame_rate(recording: Recording) -> float:
    """Return the frames a second: the mean over the timestamps if there are any, else `fps`.

    Raises:
        ValueError: neither is known.

    >>> frame_rate(Recording(np.zeros((3, 25, 3)), fps=60, timestamps=[0, 0.1, 0.2]))
    10.0
    """
    times = recording.timestamps
    if times is not None and len(times) > 1:
        return float((len(times) - 1) / (times[-1] - times[0]))
    if recording.fps is None:
        raise ValueError(
            f"{recording.name}: frame rate unknown, so nothing can be computed per second. "
            "Fix: read it with fps=, or use dataclasses.replace(recording, fps=...)."
        )
    return float(recording.fps)


def frame_seconds(recording: Recording) -> np.ndarray:
    """Return (frames,) float64 seconds: the timestamps if there are any, else frame / `fps`; NaN if neither is known.

    >>> frame_seconds(Recording(np.zeros((3, 25, 3)), fps=2)).tolist()
    [0.0, 0.5, 1.0]
    """
    if recording.timestamps is not None:
        return np.asarray(recording.timestamps, float)
    return np.arange(len(recording)) / (recording.fps or np.nan)


def frame_times(recording: Recording) -> tuple[np.ndarray, Literal["s", "frame"]]:
    """Return (frames,) times and their unit: `frame_seconds` if known, else the frames counted from 0.

    >>> times, unit = frame_times(Recording(np.zeros((3, 25, 3))))
    >>> times.tolist(), unit
    ([0, 1, 2], 'frame')
    """
    if recording.timestamps is None and not recording.fps:
        return np.arange(len(recording)), "frame"
    return frame_seconds(recording), "s"


def times_from_start(recording: Recording) -> np.ndarray:
    """Return (frames,) float64 times since the first frame: seconds if known, else frames.

    >>> times_from_start(Recording(np.zeros((2, 25, 3)), timestamps=[3.0, 3.5])).tolist()
    [0.0, 0.5]
    """
    times, _ = frame_times(recording)
    return np.asarray(times - times[0], float)


def durations(recordings: Sequence[Recording]) -> tuple[list[float], Literal["s", "frames"]]:
    """Return the duration of each recording and the unit: seconds by `fps`, or frames if one `fps` is unknown.

    >>> durations([Recording(np.zeros((3, 25, 3)), fps=2)])
    ([1.5], 's')
    """
    seconds = [recording.seconds for recording in recordings]
    known = [second for second in seconds if second is not None]
    if len(known) == len(seconds):
        return known, "s"
    return [float(len(recording)) for recording in recordings], "frames"
