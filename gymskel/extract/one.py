"""One video to the Recordings of the people in it."""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.extract.estimators import Estimator, choose_estimator, find_people, reset
from gymskel.extract.telling import bar, tell, tqdm_or_none
from gymskel.recording import Recording, parse_name
from gymskel.skeleton import BODY_25
from gymskel.video import read_frames


class ExtractionWarning(UserWarning):
    """A video in which nobody was found, or videos of a batch that could not be extracted."""


@dataclass(frozen=True)
class Wanted:
    """How videos are to be extracted: the arguments of `extract_video`, checked once."""

    estimator: Estimator
    people: str | int | tuple[float, float] = "athlete"
    follow: bool = True
    fps: float | None = None


def extract_video(
    path: str | Path,
    *,
    estimator: str | Estimator = "auto",
    people: str | int | tuple[float, float] = "athlete",
    follow: bool = True,
    fps: float | None = None,
    progress: bool = True,
) -> list[Recording]:
    """The people in a video, a Recording each, in BODY_25.

    Args:
        path: a video file. `backflip-1-s07.mov` says activity, sample and athlete.
        estimator: what finds the people; by default `MediaPipe()` where installed, else `OpenPose()`.
        fps: frames a second; overrides the header of the file.
        progress: show how far it is.

    Returns:
        A Recording for each index in what the estimator returns, as long as the video, its first frame
        numbered 0. The index is the estimator's: the identity of a person over time is not looked into. A
        frame in which that index is missing is NaN. Nobody in the whole video: one Recording that is all NaN,
        with an `ExtractionWarning`. `timestamps` are kept where the frame rate really varies and `fps` is not
        given.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a video that can be read; the estimator returned something else than promised.
        TypeError: `estimator` is not one.
        ImportError: no `estimator` given and none installed; no OpenCV.
    """
    wanted = Wanted(choose_estimator(estimator), people, follow, fps)
    recordings = extract_people(Path(path), wanted, progress)
    if progress and tqdm_or_none() is None:
        print(tell(recordings))
    return recordings


def extract_people(video: Path, wanted: Wanted, progress: bool) -> list[Recording]:
    """What `extract_video` returns."""
    estimator, fps = wanted.estimator, wanted.fps
    with read_frames(video, fps=fps) as frames:
        reset(estimator)
        try:
            shown = bar(frames, progress, total=frames.count, desc=video.name, unit="frame", leave=False)
            found = [find_people(frame, number, estimator, video) for number, frame in enumerate(shown)]
        finally:
            reset(estimator)
    most = max(map(len, found))
    if not most:
        warnings.warn(f"{video}: {estimator.name} found nobody.", ExtractionWarning, stacklevel=3)
    keypoints = np.full((max(most, 1), len(found), len(BODY_25), 3), (np.nan, np.nan, 0), np.float32)
    for number, people in enumerate(found):
        keypoints[: len(people), number] = people
    keep_times = fps is None and frames.varying
    made = made_from(video, wanted)
    return [
        Recording(
            keypoints[person],
            **{**parse_name(video.stem), "fps": frames.fps},
            video=video.name,
            person=person,
            image_size=frames.image_size,
            estimator=estimator.name,
            history=(made,),
            timestamps=frames.timestamps if keep_times else None,
        )
        for person in range(len(keypoints))
    ]


def made_from(video: Path, wanted: Wanted) -> dict[str, Any]:
    """The first entry of a history: what was wanted, and which file it was, told by its size and first megabyte."""
    with video.open("rb") as file:
        crc32 = zlib.crc32(file.read(1 << 20))
    people = list(wanted.people) if isinstance(wanted.people, tuple) else wanted.people
    facts = {"bytes": video.stat().st_size, "crc32": crc32, "people": people, "follow": wanted.follow}
    return {"step": "extract", **facts}
