"""Sampling in time: other frame rates, other numbers of frames, windows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from gymskel.recording import Recording
from gymskel.recording.times import times_from_start


def resample(recording: Recording, *, fps: float | None = None, frames: int | None = None) -> Recording:
    """Resample to another frame rate or number of frames, by linear interpolation in time.

    A joint of a new frame between a seen and an unseen position is unseen. Uses `timestamps` if there are any.

    Args:
        fps: frames a second of the result; the frame rate or timestamps of the recording must be known.
        frames: number of frames of the result, evenly spaced in time from the first to the last; instead of `fps`.
            The frame rate of the result is then None, because it differs between recordings.

    Raises:
        ValueError: neither or both of `fps` and `frames`; one of them out of range; `fps` for a recording of unknown
            frame rate.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=2); one.keypoints[:, :, 0] = np.array([0, 4, 8])[:, None]
    >>> resample(one, fps=4).xy[:, 0, 0].tolist(), resample(one, frames=2).xy[:, 0, 0].tolist()
    ([0.0, 2.0, 4.0, 6.0, 8.0], [0.0, 8.0])
    """
    if fps is not None and frames is None:
        if not fps > 0:
            raise ValueError(f"`fps` must be frames a second above 0, got {fps}.")
        if recording.timestamps is None and not recording.fps:
            raise ValueError(
                f"{recording.name}: frame rate unknown, so it cannot be brought to {fps:g} fps. Fix: read it with fps=."
            )
        target: dict[str, float] = {"fps": float(fps)}
    elif frames is not None and fps is None:
        if not frames >= 1:
            raise ValueError(f"`frames` must be a number of frames from 1, got {frames}.")
        target = {"frames": int(frames)}
    else:
        raise ValueError("resample needs either `fps` or `frames`.")
    if recording.timestamps is None:
        samples = _even_samples(len(recording), recording.fps, fps, frames)
    else:
        samples = _samples(times_from_start(recording), fps, frames)
    changes = {"fps": target.get("fps"), "timestamps": None, "first_frame": 0}
    return recording.after("resample", _between(recording.keypoints, *samples), changes=changes, **target)


Samples = tuple[np.ndarray, np.ndarray, np.ndarray]  # new frames: frame before, frame after, share of the way


def _samples(times: np.ndarray, fps: float | None, frames: int | None) -> Samples:
    """Samples at `fps` or, if that is None, at `frames` even times."""
    if fps is not None:
        new_times = np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
    else:
        new_times = np.linspace(0, times[-1], frames or 0)
    after = np.clip(np.searchsorted(times, new_times - 1e-9), 1, max(len(times) - 1, 1))
    before, after = after - 1, np.minimum(after, len(times) - 1)
    span = np.where(after > before, times[after] - times[before], 1.0)
    return before, after, np.clip((new_times - times[before]) / span, 0, 1).round(9)


@lru_cache(maxsize=64)
def _even_samples(length: int, rate: float | None, fps: float | None, frames: int | None) -> Samples:
    """Samples of a recording of even frame rate; cached, because every frame of a stream asks for the same ones."""
    return _samples(np.arange(length) / (rate or 1.0), fps, frames)


def _between(keypoints: np.ndarray, before: np.ndarray, after: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Interpolate keypoints linearly between two frames each; returns (samples, joints, 3)."""
    a, b = keypoints[before], keypoints[after]
    between = (a + share[:, None, None] * (b - a)).astype(np.float32)
    for end, exact in ((a, share == 0), (b, share == 1)):  # even if a joint is unseen at the other end
        between[exact] = end[exact]
    between[np.isnan(between[..., 0]), 2] = 0
    return between


def windows(
    recording: Recording,
    frames: int,
    *,
    stride: int | None = None,
    every: int = 1,
    labels: Sequence[str | None] | None = None,
) -> list[Recording]:
    """Cut the recording into windows of `frames` frames; an incomplete window at the end is dropped.

    Zhang et al. (exercise quality) take one frame in 6 and 10 frames a window: `windows(r, 10, every=6)`.

    Args:
        recording: any; windows keep its athlete and `source`, so that a split can keep them together.
        frames: length of a window, counted after `every`.
        stride: frames from the start of one window to that of the next, counted after `every`; by default `frames`.
        every: take one frame in `every` frames.
        labels: (frames of the recording,) the activity in each frame; a window gets the most frequent one among its
            frames, and the earlier one of a tie. By default windows keep the recording's activity.

    Returns:
        Recordings whose `sample` ends in the number of their first frame, `3@120`; an empty list if the recording is
        too short.

    Raises:
        ValueError: a number below 1, or not one label for each frame.

    >>> one = Recording(np.zeros((7, 25, 3)), fps=30)
    >>> [(w.sample, len(w), w.fps) for w in windows(one, 2, every=2)]
    [('1@0', 2, 15.0), ('1@4', 2, 15.0)]
    """
    stride = frames if stride is None else stride
    for name, value in (("frames", frames), ("stride", stride), ("every", every)):
        if not value >= 1:
            raise ValueError(f"`{name}` must be a number of frames from 1, got {value}.")
    if labels is not None and len(labels) != len(recording):
        raise ValueError(
            f"{recording.name}: `labels` must have {len(recording)} entries, one for each frame, got {len(labels)}."
        )
    rows = np.arange(0, len(recording), every)
    return [
        _window(recording, rows[at : at + frames], every, labels)
        for at in range(0, len(rows) - frames + 1, stride)
    ]


def _window(
    recording: Recording, rows: np.ndarray, every: int, labels: Sequence[str | None] | None
) -> Recording:
    """Return the window that has these frames of the recording."""
    start, times = int(rows[0]), recording.timestamps
    changes = {
        "sample": f"{recording.sample}@{recording.first_frame + start}",
        "first_frame": recording.first_frame + start,
        "fps": recording.fps / every if recording.fps else None,
        "timestamps": None if times is None else times[rows],
        "video": recording.video or f"{recording.name}.mov",  # all windows keep the source
    }
    if labels is not None:
        inside = [labels[row] for row in rows]
        changes["activity"] = max(inside, key=inside.count)
    return recording.after(
        "window", recording.keypoints[rows], changes=changes, start=start, frames=len(rows), every=every
    )
