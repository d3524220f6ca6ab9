"""OpenPose's `--write_json` files to recordings::

    {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, c, x, y, c, ...], ...}, ...]}

Names of the files: openpose_files.py; meaning of the numbers: openpose_points.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import DAMAGED_ERRORS
from gymskel.formats.openpose_files import JsonClip, UnusablePath, find_clips
from gymskel.formats.openpose_points import (
    MODELS,
    FoundPeople,
    check_scale,
    find_model,
    parse_files,
    to_pixels,
)
from gymskel.messages import join_lines, join_names
from gymskel.recording import MissingFramesWarning, Recording, parse_video_name, write_recording
from gymskel.recording.folders import DiskFolder
from gymskel.recording.metadata import read_people_metadata
from gymskel.skeleton import BODY_25
from gymskel.tracking.selection import select_tracks
from gymskel.tracking.track import Observation, Track
from gymskel.tracking.tracker import Tracker

People = str | int | tuple[float, float]


def read_openpose_json(
    paths: str | Path | Iterable[str | Path],
    *,
    keypoint_scale: int = 0,
    image_size: tuple[int, int] | None = None,
    written_size: tuple[int, int] | None = None,
    model_pose: str | None = None,
    fps: float | None = None,
    people: People = "athlete",
) -> list[Recording]:
    """Return the people in files of OpenPose's `--write_json`, in BODY_25 and pixels, sorted by folder, stem and person.

    Every stem in every folder is a clip of its own; its frames keep their numbers in the file names. A joint with
    confidence 0 was not found and is NaN, NaN, 0. Frames without a file (a `MissingFramesWarning` lists them) or without
    the person are NaN. A clip without people gives one Recording that is all NaN, with a `MissingFramesWarning`.

    Layouts: 25 points are BODY_25. 18 (COCO) lack MidHip, which becomes the middle of the hips, and the feet, which stay
    unseen; 15 (MPI) lack the face too. Of 135 (BODY_135) Neck and MidHip become the middles of shoulders and hips;
    UpperNeck, HeadTop, hands and face are dropped. 137 are BODY_25, face and hands in a row. Face and hands in arrays of
    their own are not read, nor are points in 3-D.

    Args:
        paths: a folder (searched with its sub-folders), a .zip of one, a file, or several of these.
        keypoint_scale: OpenPose's option of that name: 0 = pixels of the video, 1 = of the network's input, 2 = of the
            output, 3 = 0 to 1, 4 = -1 to 1. Files that evidently have another scale are refused.
        image_size: (width, height) of the video in pixels; required unless `keypoint_scale` is 0.
        written_size: (width, height) that scales 1 and 2 refer to: net_resolution, output_resolution.
        model_pose: OpenPose's option of that name, if the number of points does not tell: BODY_25B has 25 points too,
            in the order of BODY_135.
        fps: frames a second of the video; the files do not contain it.
        people: as in `tracking.selection.select_tracks`. OpenPose's `person_id` (`--identification`) joins a person's frames if
            everybody has one, else a `Tracker` does. `Recording.person` is the person's number for "all" or a number,
            and 0 otherwise.

    Raises:
        FileNotFoundError: no such path.
        ValueError: no such files, or files that are broken, of several lengths, or of another scale, listed together;
            an argument out of its range.

    >>> import json, tempfile
    >>> body = [100, 200, .9] * 25
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "backflip-1-s07_000000000012_keypoints.json")
    ...     _ = file.write_text(json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": body}]}))
    ...     one = read_openpose_json(folder, fps=60)[0]
    >>> one.name, len(one), one.first_frame
    ('backflip-1-s07', 1, 12)
    """
    settings = _Settings(keypoint_scale, image_size, written_size, model_pose, fps, people)
    clips = [_read_clip(clip, settings) for clip in find_clips(paths)]
    if errors := [clip for clip in clips if isinstance(clip, str)]:
        raise ValueError(join_lines(f"{len(errors)} of {len(clips)} clips cannot be read:", errors))
    return [recording for clip in clips if not isinstance(clip, str) for recording in clip]


@dataclass(frozen=True)
class ImportedClip:
    """Result of importing one clip.

    Its name (the stem of its files), the folder of its CSVs, the number of frames, person -> number of frames with that
    person, and the error message. `folder` is None if it failed, else `error` is.
    """

    name: str
    folder: Path | None = None
    frames: int = 0
    seen: Mapping[int, int] = field(default_factory=dict)
    error: str | None = None


def import_openpose_json(
    paths: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    keypoint_scale: int = 0,
    image_size: tuple[int, int] | None = None,
    written_size: tuple[int, int] | None = None,
    model_pose: str | None = None,
    fps: float | None = None,
    people: People = "athlete",
    on_clip: Callable[[ImportedClip], None] | None = None,
) -> list[ImportedClip]:
    """Write each clip as per-frame CSVs to `out/<stem>`, and return one result per clip.

    A clip that cannot be read or written does not stop the others. Only one clip is in memory at a time. Arguments and
    errors are those of `read_openpose_json`, and:

    Args:
        out: the folder of all recordings; made if it does not exist.
        on_clip: called with each result as soon as it is there, to show progress.
    """
    settings = _Settings(keypoint_scale, image_size, written_size, model_pose, fps, people)
    results: list[ImportedClip] = []
    written: set[str] = set()
    for clip in find_clips(paths):
        read = _read_clip(clip, settings)
        results.append(_write_clip(clip.name, read, Path(out), written))
        if on_clip is not None:
            on_clip(results[-1])
    return results


def _write_clip(name: str, read: list[Recording] | str, out: Path, written: set[str]) -> ImportedClip:
    """Write the people of a clip, add its name to those of the clips written before, and return the result."""
    if isinstance(read, str):
        return ImportedClip(name, error=read)
    folder = out / name
    try:
        if name.casefold() in written:  # some file systems do not tell A from a
            raise ValueError(f"another clip {name} was imported to {out} just now. Fix: rename one of them.")
        before = set(read_people_metadata(DiskFolder(folder))) if folder.is_dir() else set()
        if others := before - {recording.person for recording in read}:
            shown = f"people {sorted(others)} of an earlier import"
            raise ValueError(f"{folder} holds {shown}. Fix: remove it, or give another folder.")
        for recording in read:
            folder = write_recording(recording, out)
    except (ValueError, OSError) as error:
        return ImportedClip(name, error=str(error))
    written.add(name.casefold())
    seen = {one.person: int(one.seen.any(axis=1).sum()) for one in read}
    return ImportedClip(name, folder, len(read[0]), seen)


@dataclass(frozen=True)
class _Settings:
    """Arguments of `read_openpose_json`, checked once."""

    keypoint_scale: int
    image_size: tuple[int, int] | None
    written_size: tuple[int, int] | None
    model_pose: str | None
    fps: float | None
    people: People

    def __post_init__(self) -> None:
        scale = self.keypoint_scale
        if scale not in range(5):
            raise ValueError(
                f"`keypoint_scale` must be 0, 1, 2, 3 or 4, got {scale!r}. Scales 5 and 6 cannot be read. "
                "Fix: let OpenPose write the files again with --keypoint_scale 0."
            )
        if self.model_pose is not None and self.model_pose not in MODELS:
            raise ValueError(f"`model_pose` must be one of {', '.join(MODELS)}, got {self.model_pose!r}.")
        for name in ("image_size", "written_size"):
            size = getattr(self, name)
            if size is not None and (np.shape(size) != (2,) or not min(size) > 1):
                raise ValueError(f"`{name}` must be (width, height) in pixels, got {size!r}.")
        if scale and self.image_size is None:
            raise ValueError(
                f"keypoint_scale={scale} needs image_size=(width, height) of the video to become pixels "
                "(--image-size 1920x1080)."
            )
        if (scale in (1, 2)) != (self.written_size is not None):
            raise ValueError(
                "`written_size`, the (width, height) of OpenPose's net_resolution or output_resolution, is needed "
                f"for keypoint_scale 1 and 2 and for no other; got {self.written_size} for {scale}."
            )
        if not isinstance(self.people, int):  # a number is checked against the people of each clip
            select_tracks([], self.people, self.fps, self.image_size)

    def history_entry(self) -> dict[str, Any]:
        """Return the first entry of a recording's history."""
        return {
            "step": "import_openpose_json",
            "keypoint_scale": self.keypoint_scale,
            "written_size": None if self.written_size is None else list(self.written_size),
            "people": list(self.people) if isinstance(self.people, tuple) else self.people,
        }


def _read_clip(clip: JsonClip | UnusablePath, settings: _Settings) -> list[Recording] | str:
    """Return the selected people of one clip, or the error message."""
    if isinstance(clip, UnusablePath):
        return clip.error
    try:
        return _recordings_of(clip, settings)
    except (ValueError, OSError) as error:
        return str(error)
    except DAMAGED_ERRORS as error:
        return f"{clip.label} is damaged, or locked with a password: {error}"


def _recordings_of(clip: JsonClip, settings: _Settings) -> list[Recording]:
    files = clip.frames()
    first, length = min(files), max(files) - min(files) + 1
    found = parse_files(clip.label, clip.folder, files)
    model, layout = find_model(clip.label, found, settings.model_pose)
    points, scale = found.points[:, : len(layout)], settings.keypoint_scale
    check_scale(clip.label, points, [files[frame] for frame in found.frames], scale)
    points = to_pixels(clip.label, points, scale, settings.image_size, settings.written_size)
    points[points[..., 2] == 0, :2] = np.nan
    poses = layout.convert(points.astype(np.float32), BODY_25)
    missing = [frame for frame in range(first, first + length) if frame not in files]
    if missing:
        shown = f"{len(missing)} of {length} frames ({join_names(missing)})"
        _warn(f"{clip.label} has no file for {shown}; they are NaN.")
    tracks = _make_tracks(found, poses, first, length, settings)
    if not tracks:
        _warn(f"{clip.label}: no person in {len(files)} files.")
    selected = select_tracks(tracks, settings.people, settings.fps, settings.image_size) if tracks else []
    keeps_numbers = settings.people == "all" or isinstance(settings.people, int)
    people = [(track.number if keeps_numbers else 0, track.frames, track.poses) for track in selected]
    recordings = []
    for person, frames, person_poses in people or [(0, [], [])]:
        keypoints = np.full((length, len(BODY_25), 3), (np.nan, np.nan, 0), np.float32)
        if frames:
            keypoints[frames] = person_poses
        recordings.append(
            Recording(
                keypoints,
                **parse_video_name(clip.name),
                fps=settings.fps,
                image_size=settings.image_size,
                first_frame=first,
                estimator=f"OpenPose {model}",
                person=person,
                history=(settings.history_entry(),),
            )
        )
    return recordings


def _make_tracks(
    found: FoundPeople, poses: np.ndarray, first: int, length: int, settings: _Settings
) -> list[Track]:
    """Return a track of each person, frames counted from `first`; unique ids join the poses, else a tracker."""
    frames = found.frames - first
    has_ids = len(frames) > 0 and (found.ids >= 0).all()
    if has_ids and len(set(zip(frames, found.ids, strict=True))) == len(frames):
        tracks: dict[int, Track] = {}
        for frame, person, pose in zip(frames, found.ids, poses, strict=True):
            track = tracks.setdefault(int(person), Track(len(tracks), settings.fps))
            track.add(int(frame), Observation(pose))
        return list(tracks.values())
    tracker = Tracker(settings.fps, image_size=settings.image_size)
    ends = np.searchsorted(frames, np.arange(length + 1))
    for frame in range(length):
        tracker.update(frame, poses[ends[frame] : ends[frame + 1]])
    return tracker.finish()


def _warn(message: str) -> None:
    warnings.warn(message, MissingFramesWarning, stacklevel=3)
