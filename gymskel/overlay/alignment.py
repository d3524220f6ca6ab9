"""What a recording says beside its joints: how the torso leans, how it was followed, where the video begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, Skeleton
from gymskel.video import Frames

_BEYOND = 2  # frames that another decoder may have found after the last one
_ANY_FPS = 25.0  # where neither the recordings nor the file say
_STRANGE = 0.5  # share of the joints outside the picture


def torso_of(xy: np.ndarray, skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """The middles of hips and shoulders, two arrays (..., 2); NaN where unseen or not in the layout."""
    points = np.concatenate([xy, np.zeros_like(xy[..., :1])], axis=-1)
    body = skeleton.convert(points, BODY_25)
    hips, neck = BODY_25.indices(("MidHip", "Neck"))
    return body[..., hips, :2], body[..., neck, :2]


def lean_of(xy: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Degrees (...) clockwise on screen by which the torso leans, in (-180, 180]; NaN where it is unseen.

    0 is upright, 90 head to the right, 180 upside down.

    >>> pose = np.full((25, 2), np.nan); pose[8], pose[1] = (10, 10), (20, 10)
    >>> float(lean_of(pose, BODY_25))
    90.0
    """
    hips, neck = torso_of(xy, skeleton)
    x, y = np.moveaxis(neck - hips, -1, 0)
    lean = np.degrees(np.arctan2(x, -y))
    return np.where((x == 0) & (y == 0), np.nan, np.where(lean == -180, 180, lean))


def unwrapped(lean: np.ndarray) -> np.ndarray:
    """The same angles (frames,) in degrees without jumps of a turn; NaN stays, and is passed over.

    >>> unwrapped(np.array([170, np.nan, -170.]))
    array([170.,  nan, 190.])
    """
    smooth, seen = np.array(lean, float), np.isfinite(lean)
    smooth[seen] = np.unwrap(smooth[seen], period=360)
    return smooth


def mean_confidence(recording: Recording) -> np.ndarray:
    """(frames,) mean confidence of the joints that were found; NaN where none was."""
    found = recording.confidence > 0
    count = found.sum(axis=1)
    total = np.where(found, recording.confidence, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def body_size(recording: Recording) -> float:
    """The usual diagonal in pixels of the box around the body: the median over the frames; NaN if unseen."""
    xy = recording.xy[recording.seen.any(axis=1)]
    if not len(xy):
        return float("nan")
    spans = np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1)
    return float(np.median(np.linalg.norm(spans, axis=1)))


@dataclass(frozen=True)
class Followed:
    """How each frame came about: what the step `follow` left in a recording's history.

    Attributes:
        angle: degrees clockwise by which the crop was turned, None where there was none.
        estimates: how many times the estimator was asked.
        why: why more than once; empty = all went as predicted.
    """

    angle: Sequence[float | None]
    estimates: Sequence[int]
    why: Sequence[str]


def followed(recording: Recording) -> Followed | None:
    """The record of the last step `follow`, or None where there is none that fits frame by frame."""
    for entry in reversed(recording.history):
        if entry["step"] == "follow":
            lists = [entry.get(key) for key in ("angle", "estimates", "why")]
            if all(isinstance(one, (list, tuple)) and len(one) == len(recording) for one in lists):
                return Followed(*lists)
    return None


def first_number(recordings: Sequence[Recording], counts_from: int | None) -> int:
    """What the video's first frame is called: 0 by gymskel and published sets, 1 by OpenPose.

    A recording that says how it was made counts from 0; one that says nothing counts from 1, unless it
    has a frame 0.
    """
    if counts_from is not None:
        return counts_from
    told = any(r.estimator or r.image_size or r.history for r in recordings)
    return 0 if told or min(r.first_frame for r in recordings) == 0 else 1


def frame_rate(recordings: Sequence[Recording], frames: Frames, fps: float | None) -> float:
    """Frames a second: as given, as the recordings were told, or as the file says."""
    known = next((r.fps for r in recordings if r.fps), None)
    return float(fps or known or frames.fps or _ANY_FPS)


def seconds_of(
    recordings: Sequence[Recording], number: int, first: int, rate: float, *, constant: bool
) -> float:
    """When a frame of the video was filmed: by the clock of a recording that kept it, else by the frame rate."""
    for recording in recordings:
        row = number - (recording.first_frame - first)
        if not constant and recording.timestamps is not None and 0 <= row < len(recording):
            return float(recording.timestamps[row])
    return number / rate


def check_fit(recordings: Sequence[Recording], frames: Frames) -> None:
    """Raises ValueError where recordings cannot be of this video: other coordinates, or another picture size."""
    if not recordings:
        raise ValueError(f"{frames.path}: no recording given to draw.")
    wide, high = frames.image_size
    for recording in recordings:
        who = f"{recording.name}, person {recording.person}"
        resampled = any(entry["step"] == "resample" for entry in recording.history)
        if recording.space != "image" or resampled:
            raise ValueError(
                f"{who}: {'resampled' if resampled else 'centred or scaled'} keypoints no longer lie on the video's "
                "frames. Draw the recording as extracted, filled or smoothed."
            )
        if recording.image_size not in (None, frames.image_size):
            raise ValueError(
                f"{who} was made from a video of {recording.image_size[0]} x {recording.image_size[1]} pixels, "
                f"{frames.path} has {wide} x {high}. Name the video it was extracted from, or extract this one."
            )
        x, y = recording.xy[recording.seen].T
        outside = (x < 0) | (y < 0) | (x > wide) | (y > high)
        if outside.size and outside.mean() > _STRANGE:
            raise ValueError(
                f"{who}: {outside.mean():.0%} of its joints lie outside the {wide} x {high} pixels of {frames.path}. "
                "Name the video it was extracted from."
            )


def check_length(recordings: Sequence[Recording], count: int | None, first: int, video: object) -> None:
    """Raises ValueError where a recording goes on after the video has ended (`count` frames, None = unknown)."""
    longest = max(recordings, key=lambda r: r.first_frame + len(r))
    end = longest.first_frame - first + len(longest)
    if count is not None and end > count + _BEYOND:
        raise ValueError(
            f"{longest.name}, person {longest.person}: its last frame is number {end - 1} from the start, {video} "
            f"has {count} frames. Name the video it was extracted from, or extract this one."
        )
