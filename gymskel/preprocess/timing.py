"""How often the body is seen: frame rates, numbers of frames, windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from gymskel.clips import Clips
from gymskel.recording import Recording
from gymskel.recording.times import times_from_start


def resample(recording: Recording, *, fps: float | None = None, frames: int | None = None) -> Recording:
    """The recording at another frame rate, or with another number of frames, interpolated on straight lines in time.

    A new frame between a seen and an unseen place is unseen. Uses `timestamps` where there are any.

    Args:
        recording: any.
        fps: frames a second wanted; the recording's own must be known.
        frames: instead of `fps`: so many frames, evenly spaced in time from the first to the last. The frame
            rate of the result is then unknown (None), as each recording gets one of its own.

    Raises:
        ValueError: neither or both are given; the recording's own frame rate is unknown and `fps` is wanted.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=2); one.keypoints[:, :, 0] = np.array([0, 4, 8])[:, None]
    >>> resample(one, fps=4).xy[:, 0, 0].tolist(), resample(one, frames=2).xy[:, 0, 0].tolist()
    ([0.0, 2.0, 4.0, 6.0, 8.0], [0.0, 8.0])
    """
    if (fps is None) == (frames is None):
        raise ValueError("resample needs either `fps` or `frames`.")
    if fps is not None and not fps > 0:
        raise ValueError(f"`fps` must be frames a second above 0, got {fps}.")
    if frames is not None and not frames >= 1:
        raise ValueError(f"`frames` must be a number of frames from 1, got {frames}.")
    if fps is not None and recording.timestamps is None and not recording.fps:
        raise ValueError(
            f"{recording.name}: frame rate unknown, so it cannot be brought to {fps:g} fps. Read it with fps=."
        )
    if recording.timestamps is None:
        places = _even_places(len(recording), recording.fps, fps, frames)
    else:
        places = _places(times_from_start(recording), fps, frames)
    changes = {"fps": None if fps is None else float(fps), "timestamps": None, "first_frame": 0}
    told = {"frames": int(frames)} if fps is None else {"fps": float(fps)}
    return recording.after("resample", _between(recording.keypoints, *places), changes=changes, **told)


def _places(
    times: np.ndarray, fps: float | None, frames: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The frames wanted: (frame before, frame after, share of the way) of each."""
    wanted = (
        np.linspace(0, times[-1], frames) if fps is None else np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
    )
    after = np.clip(np.searchsorted(times, wanted - 1e-9), 1, max(len(times) - 1, 1))
    before, after = after - 1, np.minimum(after, len(times) - 1)
    span = np.where(after > before, times[after] - times[before], 1.0)
    return before, after, np.clip((wanted - times[before]) / span, 0, 1).round(9)


@lru_cache(maxsize=64)
def _even_places(
    length: int, rate: float | None, fps: float | None, frames: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same in every frame of a stream, and in every recording of this length."""
    return _places(np.arange(length) / (rate or 1.0), fps, frames)


def _between(keypoints: np.ndarray, before: np.ndarray, after: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(len(share), joints, 3) keypoints on straight lines between two frames each."""
    a, b = keypoints[before], keypoints[after]
    between = (a + share[:, None, None] * (b - a)).astype(np.float32)
    for end, there in ((a, share == 0), (b, share == 1)):  # whatever is unseen at the other end
        between[there] = end[there]
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
    """The recording cut into windows of so many frames; what is left over at the end is dropped.

    Zhang et al. (exercise quality) take one frame in 6 and 10 frames a window: `windows(r, 10, every=6)`.

    Args:
        recording: any; windows keep its athlete and `source`, so that a split can keep them together.
        frames: length of a window, counted after `every`.
        stride: frames from one window's start to the next, counted after `every`; by default windows adjoin.
        every: one frame in so many is taken.
        labels: (frames of the recording,) the activity in each frame; a window gets the commonest one among its
            frames (the earlier one where two are as common). By default the recording's own.

    Returns:
        Recordings whose `sample` ends in the number of their first frame, `3@120`; none if it is too short.

    Raises:
        ValueError: numbers below 1, or as many labels as the recording has not frames.

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
            f"{recording.name}: `labels` must be {len(recording)}, one for each frame, got {len(labels)}."
        )
    rows = np.arange(0, len(recording), every)
    return [
        _window(recording, rows[at : at + frames], every, labels)
        for at in range(0, len(rows) - frames + 1, stride)
    ]


def _window(
    recording: Recording, rows: np.ndarray, every: int, labels: Sequence[str | None] | None
) -> Recording:
    start, times = int(rows[0]), recording.timestamps
    changes = {
        "sample": f"{recording.sample}@{recording.first_frame + start}",
        "first_frame": recording.first_frame + start,
        "fps": recording.fps / every if recording.fps else None,
        "timestamps": None if times is None else times[rows],
        "video": recording.video or f"{recording.name}.mov",  # windows of one recording share their source
    }
    if labels is not None:
        inside = [labels[row] for row in rows]
        changes["activity"] = max(inside, key=inside.count)
    return recording.after(
        "window", recording.keypoints[rows], changes=changes, start=start, frames=len(rows), every=every
    )


def clip_windows(clips: Clips, frames: int, *, stride: int | None = None) -> Clips:
    """Every clip cut into windows of so many frames, all of them real ones; label, athlete and source go along.

    Raises:
        ValueError: no clip is as long as a window.
    """
    stride = frames if stride is None else stride
    if frames < 1 or stride < 1:
        raise ValueError(f"`frames` and `stride` must be at least 1, got {frames} and {stride}.")
    pairs = [
        (clip, at)
        for clip, length in enumerate(clips.lengths)
        for at in range(0, length - frames + 1, stride)
    ]
    if not pairs:
        raise ValueError(
            f"No clip has the {frames} frames of a window; the longest has {clips.lengths.max(initial=0)}."
        )
    clip, at = np.transpose(pairs)
    rows = at[:, None] + np.arange(frames)
    taken = clips[clip]
    number = np.arange(len(clip))[:, None]
    return replace(
        taken, x=taken.x[number, rows], mask=taken.mask[number, rows], seen=taken.seen[number, rows]
    )
