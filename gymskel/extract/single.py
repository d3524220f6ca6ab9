"""One video to the Recordings of the people in it."""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.estimators.estimator import Estimator, choose_estimator, find_people, is_stateless, reset
from gymskel.extract.progress import bar, tell, tqdm_or_none
from gymskel.recording import Recording, parse_name
from gymskel.skeleton import BODY_25
from gymskel.tracking.follower import Follower, Note
from gymskel.tracking.tracker import Track, Tracker, choose
from gymskel.video import Frames, read_frames

People = str | int | tuple[float, float]
_CHOICES = ("athlete", "largest", "longest", "all")


class ExtractionWarning(UserWarning):
    """A video in which nobody was found, or videos of a batch that could not be extracted."""


@dataclass(frozen=True)
class Wanted:
    """How videos are to be extracted: the arguments of `extract_video`, checked once."""

    estimator: Estimator
    people: People = "athlete"
    follow: bool = True
    fps: float | None = None

    def __post_init__(self) -> None:
        point = isinstance(self.people, tuple) and len(self.people) == 2 and np.isfinite(self.people).all()
        number = isinstance(self.people, int) and not isinstance(self.people, bool) and self.people >= 0
        if not (point or number or self.people in _CHOICES):
            raise ValueError(
                f"`people` must be {', '.join(_CHOICES)}, a person's number from 0, or a point (x, y) in pixels, "
                f"got {self.people!r}."
            )
        if self.follow and not is_stateless(self.estimator):
            raise ValueError(
                f"{self.estimator.name} remembers earlier frames, so it cannot be shown crops of a frame. Ways "
                "out: follow=False, or the estimator's stateless form, such as MediaPipe()."
            )


def extract_video(
    path: str | Path,
    *,
    estimator: str | Estimator = "auto",
    people: People = "athlete",
    follow: bool = True,
    fps: float | None = None,
    progress: bool = True,
) -> list[Recording]:
    """The athlete in a video, or everybody, a Recording each, in BODY_25.

    Args:
        path: a video file. `backflip-1-s07.mov` says activity, sample and athlete.
        estimator: what finds people in a frame: "auto" (the best one installed), "openpose", "rtmpose",
            "mediapipe", or any callable as `Estimator` describes.
        people: whose Recording is wanted. "athlete": who moves most in themselves, not who travels most;
            "largest" or "longest" in the picture; a point (x, y) in pixels: who is nearest to it in their
            first frames; a number: this one of "all"; "all": everybody who is there for more than a moment.
        follow: show the estimator a square around each person, turned so that the torso stands upright, and
            search on where a result does not continue the person (see `gymskel.tracking.follower`). Off, it sees
            each frame once, whole, as it is.
        fps: frames a second; overrides the header of the file.
        progress: show how far it is.

    Returns:
        A list of one Recording, person 0; for "all" one for each person, numbered in the order of appearance
        (a number that is missing was there too briefly), the same person throughout. Each is as long as the
        video, its first frame numbered 0; a joint or a whole frame that was not found is NaN. Nobody in the
        whole video: one Recording that is all NaN, with an `ExtractionWarning`. `timestamps` are kept where
        the frame rate really varies and `fps` is not given.
        With `follow` the history's entry "follow" tells of each frame: `angle`, degrees clockwise by which
        the square was turned (None where it was not); `estimates`, how often the estimator was asked, for
        everybody; `why`, where it took more than one look or nothing was found.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a video that can be read; no such person; the estimator returned something else than
            promised, or remembers earlier frames and is to follow.
        TypeError: `estimator` is not one.
        ImportError: no estimator installed; no OpenCV.
    """
    wanted = Wanted(choose_estimator(estimator), people, follow, fps)
    recordings = extract_people(Path(path), wanted, progress)
    if progress and tqdm_or_none() is None:
        print(tell(recordings))
    return recordings


def extract_people(video: Path, wanted: Wanted, progress: bool) -> list[Recording]:
    """What `extract_video` returns."""
    with read_frames(video, fps=wanted.fps) as frames:
        reset(wanted.estimator)
        try:
            tracks, notes, length = _track(frames, wanted, video, progress)
        finally:
            reset(wanted.estimator)
    chosen = choose(tracks, wanted.people, frames.fps, frames.image_size) if tracks else []
    if not chosen:
        name = wanted.estimator.name
        warnings.warn(f"{video}: {name} found nobody.", ExtractionWarning, stacklevel=3)
    facts = {
        **parse_name(video.stem),
        "fps": frames.fps,
        "video": video.name,
        "image_size": frames.image_size,
    }
    facts["estimator"] = wanted.estimator.name
    facts["timestamps"] = frames.timestamps if wanted.fps is None and frames.varying else None
    made = made_from(video, wanted)
    several = wanted.people == "all" or isinstance(wanted.people, int)  # numbers tell them apart
    return [
        Recording(
            _keypoints(track, length),
            **facts,
            person=track.number if track and several else 0,
            history=(made, *_notes(notes, track, length)),
        )
        for track in chosen or [None]
    ]


def _track(
    frames: Frames, wanted: Wanted, video: Path, progress: bool
) -> tuple[list[Track], Follower | None, int]:
    """Everybody's tracks, the follower that made them, if one did, and the number of frames."""

    def find(image: np.ndarray) -> np.ndarray:
        return find_people(image, number, wanted.estimator, video)

    everybody = wanted.people == "all" or not isinstance(wanted.people, str)  # it may be anybody
    follower = Follower(find, frames.fps, frames.image_size, everybody=everybody) if wanted.follow else None
    tracker = follower.tracker if follower else Tracker(frames.fps, image_size=frames.image_size)
    number = -1
    shown = bar(frames, progress, total=frames.count, desc=video.name, unit="frame", leave=False)
    for number, frame in enumerate(shown):
        if follower:
            follower.step(number, frame)
        else:
            tracker.update(number, find(frame))
    return (follower or tracker).finished(), follower, number + 1


def _keypoints(track: Track | None, length: int) -> np.ndarray:
    """(frames, 25, 3) of a track, NaN where the person was not found."""
    keypoints = np.full((length, len(BODY_25), 3), (np.nan, np.nan, 0), np.float32)
    if track is not None:
        keypoints[track.frames] = track.poses
    return keypoints


def _notes(follower: Follower | None, track: Track | None, length: int) -> list[dict[str, Any]]:
    """The history's entry of the follower: what it did in each frame."""
    if follower is None:
        return []
    note = follower.notes[track.number] if track else Note()
    found = set(track.frames) if track else set()
    angle = [round(note.lean[number], 1) if number in found else None for number in range(length)]
    reasons = [note.why.get(number, "not looked for") for number in range(length)]
    return [{"step": "follow", "angle": angle, "estimates": follower.estimates, "why": reasons}]


def made_from(video: Path, wanted: Wanted) -> dict[str, Any]:
    """The first entry of a history: what was wanted, and which file it was."""
    people = list(wanted.people) if isinstance(wanted.people, tuple) else wanted.people
    return {"step": "extract", **file_facts(video), "people": people, "follow": wanted.follow}


def file_facts(video: Path) -> dict[str, int]:
    """What tells a file from others of its name: its size, and the checksum of its first megabyte."""
    with video.open("rb") as file:
        return {"bytes": video.stat().st_size, "crc32": zlib.crc32(file.read(1 << 20))}
