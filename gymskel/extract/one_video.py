"""One video to the Recordings of the people in it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.estimators.estimator import Estimator, choose_estimator, find_people, reset
from gymskel.extract.progress import describe_people, import_tqdm
from gymskel.extract.settings import ExtractionSettings, People, extraction_entry
from gymskel.recording import Recording, parse_video_name
from gymskel.skeleton import BODY_25
from gymskel.tracking.follower import Follower
from gymskel.tracking.params import DEFAULT_PARAMS, TrackingParams
from gymskel.tracking.selection import select_tracks
from gymskel.tracking.track import Track
from gymskel.tracking.tracker import Tracker
from gymskel.video import Frames, read_frames


class ExtractionWarning(UserWarning):
    """No person was found in a video, or videos of a batch were not extracted as asked for."""


def extract_video(
    path: str | Path,
    *,
    estimator: str | Estimator = "auto",
    people: People = "athlete",
    follow: bool = True,
    fps: float | None = None,
    tracking: TrackingParams = DEFAULT_PARAMS,
    progress: bool = True,
) -> list[Recording]:
    """Return the Recording of the athlete in a video, or one of each person, in BODY_25.

    Args:
        path: a video file. A name such as `backflip-1-s07.mov` gives activity, sample and athlete.
        estimator: finds people in a frame: "auto" (the best one installed), "openpose", "rtmpose", "mediapipe", or any
            callable as `Estimator` describes.
        people: the person to return. "athlete": the one whose limbs move most, not the one who travels most;
            "largest" or "longest" in the picture; a point (x, y) in pixels: the person nearest to it in their first
            frames; a number: that person of "all"; "all": each person who is in view for more than a moment.
        follow: show the estimator a square around each person, turned so that the torso is upright, and search again
            where a result does not continue the person (see `gymskel.tracking.follower`). False: the estimator sees
            each frame once, whole, as it is.
        fps: frames a second; overrides the header of the file.
        tracking: the numbers that steer tracking, such as `TrackingParams(max_followed=5)`; the defaults suit any video.
        progress: show the progress.

    Returns:
        A list of one Recording, person 0. For "all": one for each person, numbered in the order of appearance; numbers of
        people who were in view too briefly are left out. Each Recording is as long as the video, and its first frame
        has number 0. A joint or a whole frame that was not found is NaN. If no person is found in the whole video, the
        list holds one Recording of NaN, and there is an `ExtractionWarning`. `timestamps` are kept where the frame
        rate varies and `fps` is not given.
        With `follow` the history has an entry "follow" with one value for each frame: `angle`, degrees clockwise by
        which the square was turned (None where the person was not found); `estimates`, number of calls of the
        estimator for all people; `why`, the reason where it took more than one call or the person was not found.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a readable video; no such person; the estimator returned something else than promised, or
            remembers earlier frames and `follow` is True.
        TypeError: `estimator` is not one.
        ImportError: no estimator is installed; no OpenCV.
    """
    settings = ExtractionSettings(choose_estimator(estimator), people, follow, fps, tracking)
    recordings = extract_recordings(Path(path), settings, progress)
    if progress and import_tqdm() is None:
        print(describe_people(recordings))
    return recordings


def extract_recordings(video: Path, settings: ExtractionSettings, progress: bool) -> list[Recording]:
    """Return the recordings of a video, as `extract_video` does with these settings."""
    with read_frames(video, fps=settings.fps) as frames:
        reset(settings.estimator)
        try:
            tracks, follower, length = _track(frames, settings, progress)
        finally:
            reset(settings.estimator)
    chosen = []
    if tracks:
        chosen = select_tracks(tracks, settings.people, frames.fps, frames.image_size, settings.tracking)
    if not chosen:
        message = f"{video}: {settings.estimator.name} found nobody. Fix: check the video, or try another estimator."
        warnings.warn(message, ExtractionWarning, stacklevel=3)
    entry = extraction_entry(video, settings)
    keeps_numbers = settings.people == "all" or isinstance(settings.people, int)
    return [
        Recording(
            _keypoints(track, length),
            fps=frames.fps,
            **parse_video_name(video.stem),
            history=(entry, *_follow_entries(follower, track, length)),
            video=video.name,
            person=track.number if track and keeps_numbers else 0,
            image_size=frames.image_size,
            estimator=settings.estimator.name,
            timestamps=frames.timestamps if settings.fps is None and frames.has_variable_rate else None,
        )
        for track in chosen or (None,)
    ]


def _track(
    frames: Frames, settings: ExtractionSettings, progress: bool
) -> tuple[list[Track], Follower | None, int]:
    """Return the tracks of all people, the follower that made them (None without `follow`), and the number of frames."""

    def find(image: np.ndarray) -> np.ndarray:
        return find_people(image, number, settings.estimator, frames.path)

    number, follower = -1, None
    tracker = Tracker(frames.fps, image_size=frames.image_size, params=settings.tracking)
    if settings.follow:
        may_be_anyone = settings.people == "all" or not isinstance(settings.people, str)
        follower = Follower(find, frames.fps, frames.image_size, settings.tracking, follow_all=may_be_anyone)
    tqdm = import_tqdm() if progress else None
    options = {"total": frames.count, "desc": frames.path.name, "unit": "frame", "leave": False}
    for number, frame in enumerate(tqdm(frames, **options) if tqdm else frames):
        if follower:
            follower.step(number, frame)
        else:
            tracker.update(number, find(frame))
    return (follower or tracker).finish(), follower, number + 1


def _keypoints(track: Track | None, length: int) -> np.ndarray:
    """Return the keypoints (frames, 25, 3) of a track; NaN, NaN, 0 where the person was not found."""
    keypoints = np.full((length, len(BODY_25), 3), (np.nan, np.nan, 0), np.float32)
    if track is not None:
        keypoints[track.frames] = track.poses
    return keypoints


def _follow_entries(follower: Follower | None, track: Track | None, length: int) -> list[dict[str, Any]]:
    """Return the history's entry on following, in a list; an empty list without a follower."""
    if follower is None:
        return []
    missed = follower.people[track.number].missed if track else set()
    why = dict.fromkeys(missed, "lost")
    angle: list[float | None] = [None] * length
    for number, seen in zip(track.frames, track.observations, strict=True) if track else ():
        angle[number], why[number] = round(seen.lean, 1), seen.status
    reasons = [why.get(number, "not looked for") for number in range(length)]
    return [{"step": "follow", "angle": angle, "estimates": follower.estimates, "why": reasons}]
