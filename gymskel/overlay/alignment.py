"""Recordings beside the frames of their video: frame numbers, times, checks that they belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gymskel.recording import Recording
from gymskel.video import Frames

_EXTRA_FRAMES = 2  # another decoder may have found these after the last one
_DEFAULT_FPS = 25.0  # where neither the recordings nor the file give one
_MAX_SHARE_OUTSIDE = 0.5  # of the seen joints, outside the picture


def first_frame_number(recordings: Sequence[Recording], counts_from: int | None) -> int:
    """Return the number that the recordings give the video's first frame.

    gymskel and the published sets count from 0, OpenPose from 1. A recording with an estimator, image size or history
    counts from 0. Others count from 1, unless one of them has a frame 0. `counts_from` overrides both.
    """
    if counts_from is not None:
        return counts_from
    documented = any(r.estimator or r.image_size or r.history for r in recordings)
    return 0 if documented or min(r.first_frame for r in recordings) == 0 else 1


@dataclass(frozen=True)
class Alignment:
    """Recordings beside the frames of their video; frames of the video are counted from 0.

    Attributes:
        first: `first_frame_number` of the recordings.
        rate: frames a second.
        constant: True = frame times follow from `rate`, False = the timestamps of a recording come first.
    """

    recordings: Sequence[Recording]
    video: Path
    first: int
    rate: float
    constant: bool

    def seconds(self, number: int) -> float:
        """Return the time of a frame of the video, in seconds."""
        for recording in self.recordings:
            row = number - (recording.first_frame - self.first)
            if not self.constant and recording.timestamps is not None and 0 <= row < len(recording):
                return float(recording.timestamps[row])
        return number / self.rate

    def check_length(self, count: int | None) -> None:
        """Raise ValueError if a recording ends more than 2 frames after a video of `count` frames; None = unknown."""
        longest = max(self.recordings, key=lambda r: r.first_frame + len(r))
        end = longest.first_frame - self.first + len(longest)
        if count is not None and end > count + _EXTRA_FRAMES:
            raise ValueError(
                f"{longest.name}, person {longest.person}: its last frame is number {end - 1} from the start, {self.video} "
                f"has {count} frames. Fix: name the video it was extracted from, or extract this one."
            )


def align(
    recordings: Sequence[Recording], frames: Frames, *, counts_from: int | None, fps: float | None
) -> Alignment:
    """Return the recordings beside the frames of their video.

    The frame rate is `fps`, else that of the recordings, else that of the file, else 25.

    Raises:
        ValueError: no recordings, other coordinates than pixels, another picture size, or more frames than the video.
    """
    if not recordings:
        raise ValueError(f"{frames.path}: no recording given to draw.")
    for recording in recordings:
        _check_pixels(recording, frames)
    known = next((r.fps for r in recordings if r.fps), None)
    rate = float(fps or known or frames.fps or _DEFAULT_FPS)
    first = first_frame_number(recordings, counts_from)
    alignment = Alignment(recordings, frames.path, first, rate, constant=fps is not None)
    alignment.check_length(frames.count)
    return alignment


def _check_pixels(recording: Recording, frames: Frames) -> None:
    width, height = frames.image_size
    person = f"{recording.name}, person {recording.person}"
    resampled = any(entry["step"] == "resample" for entry in recording.history)
    if recording.space != "image" or resampled:
        raise ValueError(
            f"{person}: {'resampled' if resampled else 'centred or scaled'} keypoints no longer lie on the video's "
            "frames. Fix: draw the recording as extracted, filled or smoothed."
        )
    if recording.image_size not in (None, frames.image_size):
        raise ValueError(
            f"{person} was made from a video of {recording.image_size[0]} x {recording.image_size[1]} pixels, "
            f"{frames.path} has {width} x {height}. Fix: name the video it was extracted from, or extract this one."
        )
    x, y = recording.xy[recording.seen].T
    outside = (x < 0) | (y < 0) | (x > width) | (y > height)
    if outside.size and outside.mean() > _MAX_SHARE_OUTSIDE:
        raise ValueError(
            f"{person}: {outside.mean():.0%} of its joints lie outside the {width} x {height} pixels of {frames.path}. "
            "Fix: name the video it was extracted from."
        )
