"""OpenPose's `--write_json` files to recordings.

OpenPose writes a file for each frame, `<stem of the video>_<frame, 12 digits>_keypoints.json`; programs that push
frames through its API write `<frame>_keypoints.json`, a folder of pictures gives `<stem of the picture>_keypoints.json`::

    {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, c, x, y, c, ...], ...}, ...]}

The names are those of OpenPose's wPeopleJsonSaver.hpp; what the numbers mean is in openpose_points.py.
"""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gymskel.archive import DAMAGED_ERRORS, open_zip
from gymskel.formats.openpose_points import (
    MODELS,
    SHOWN,
    Found,
    check_scale,
    find_layout,
    list_faults,
    parse_files,
    to_pixels,
)
from gymskel.recording import MissingFramesWarning, Recording, parse_video_name, write_recording
from gymskel.recording.folders import DiskFolder, ZipFolder
from gymskel.recording.metadata import read_people_metadata
from gymskel.skeleton import BODY_25
from gymskel.tracking.selection import select_tracks
from gymskel.tracking.track import Track
from gymskel.tracking.tracker import Tracker

JSON_NAME_PATTERN = re.compile(r"(?P<stem>.*?)[ ._-]?(?P<frame>\d+)_keypoints(?:_(?P<camera>\d+))?\.json")
_EXPECTED = "files like backflip-1-s07_000000000012_keypoints.json, as OpenPose writes with --write_json"

_SPARSE = 1000  # frames a file, beyond which a number is no frame number


@dataclass(frozen=True)
class ImportedClip:
    """What became of one clip.

    Attributes:
        name: the stem of its files.
        recordings: the people in it.
        folder: where they were written, or None.
        fault: what went wrong, or None.
    """

    name: str
    recordings: tuple[Recording, ...] = ()
    folder: Path | None = None
    fault: str | None = None


@dataclass(frozen=True)
class _Wanted:
    """How files are to be read: the arguments of `read_openpose_json`, checked once."""

    keypoint_scale: int
    image_size: tuple[int, int] | None
    written_size: tuple[int, int] | None
    model_pose: str | None
    fps: float | None
    people: str | int | tuple[float, float]

    def __post_init__(self) -> None:
        scale = self.keypoint_scale
        if scale not in range(5):
            raise ValueError(
                f"`keypoint_scale` must be 0, 1, 2, 3 or 4, as OpenPose was told, got {scale!r}. What was written "
                "with 5 or 6 cannot be read; write it again with --keypoint_scale 0."
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
        if not isinstance(self.people, int):  # whether there is such a number shows later
            select_tracks([], self.people, self.fps, self.image_size)

    def entry(self) -> dict[str, Any]:
        """The first entry of a history."""
        told = {"keypoint_scale": self.keypoint_scale, "written_size": self.written_size}
        told = {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}
        people = list(self.people) if isinstance(self.people, tuple) else self.people
        return {"step": "import_openpose_json", **told, "people": people}


def read_openpose_json(
    paths: str | Path | Iterable[str | Path],
    *,
    keypoint_scale: int = 0,
    image_size: tuple[int, int] | None = None,
    written_size: tuple[int, int] | None = None,
    model_pose: str | None = None,
    fps: float | None = None,
    people: str | int | tuple[float, float] = "athlete",
) -> list[Recording]:
    """The people in what OpenPose wrote with `--write_json`, a Recording each, in BODY_25 and pixels.

    Every stem in every folder is a clip of its own, its frames sorted as numbers and numbered as in the files.
    A joint with confidence 0 was not found and is NaN, NaN, 0. A frame without a file is NaN, and a `MissingFramesWarning`
    says which; so is a frame in which the person was not found.

    What becomes of the points: 25 are BODY_25 as they are. 18 (COCO) lack MidHip, which becomes the middle of the
    hips, and the feet, which stay unseen; 15 (MPI) lack the face too. 135 are BODY_135, whose first 25 are in
    another order: Neck and MidHip become the middles of shoulders and hips (its UpperNeck is another place),
    UpperNeck, HeadTop, hands and face are dropped. 137 in one array are taken for BODY_25, face and hands in a row.
    Face and hands in arrays of their own are not read, nor are points in 3-D.

    Args:
        paths: a folder (searched with its sub-folders), a .zip of one, a file, or several of these.
        keypoint_scale: what OpenPose was told: 0 = pixels of the video, 1 = of the network's input, 2 = of the
            output, 3 = 0 to 1, 4 = -1 to 1. Files that are evidently written otherwise are refused.
        image_size: (width, height) of the video in pixels; a must unless `keypoint_scale` is 0.
        written_size: (width, height) that scales 1 and 2 refer to: net_resolution, output_resolution.
        model_pose: OpenPose's option of that name, where the number of points does not tell: BODY_25B has 25
            points too, in the order of BODY_135.
        fps: frames a second of the video; the files do not say.
        people: whose Recording is wanted: "athlete", "largest", "longest", "all", the number of one of these, or a
            point (x, y) in pixels, as in `gymskel.tracking.selection.select_tracks`. Who is who from frame to frame is told by `person_id` where
            everybody has one (OpenPose's `--identification`), and found by `Tracker` otherwise.

    Returns:
        The recordings, sorted by folder, stem and person. For "all" or a number, `person` is that number, and 0
        otherwise. Nobody in a whole clip: one Recording that is all NaN,
        with a `MissingFramesWarning`.

    Raises:
        FileNotFoundError: no such path.
        ValueError: no such file in a folder; files that are broken, of several lengths, or of another scale than
            said, all clips' faults together; an argument out of its range.

    >>> import json, tempfile
    >>> body = [100, 200, .9] * 25
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "backflip-1-s07_000000000012_keypoints.json")
    ...     _ = file.write_text(json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": body}]}))
    ...     one = read_openpose_json(folder, fps=60)[0]
    >>> one.name, len(one), one.first_frame
    ('backflip-1-s07', 1, 12)
    """
    wanted = _Wanted(keypoint_scale, image_size, written_size, model_pose, fps, people)
    clips = list(_each(paths, wanted))
    faults = [clip.fault for clip in clips if clip.fault is not None]
    if faults:
        raise ValueError(list_faults(f"{len(faults)} of {len(clips)} clips cannot be read:", faults))
    return [recording for clip in clips for recording in clip.recordings]


def import_openpose_json(
    paths: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    keypoint_scale: int = 0,
    image_size: tuple[int, int] | None = None,
    written_size: tuple[int, int] | None = None,
    model_pose: str | None = None,
    fps: float | None = None,
    people: str | int | tuple[float, float] = "athlete",
) -> Iterator[ImportedClip]:
    """What became of each clip, which is written as per-frame CSVs to `out/<stem>` before the next one is read.

    A clip that cannot be read or written does not stop the others.

    Args:
        paths: as the other arguments, see `read_openpose_json`.
        out: the folder of all recordings; made if it is not there.
        keypoint_scale, image_size, written_size, model_pose, fps, people: as in `read_openpose_json`.

    Raises:
        FileNotFoundError: no such path.
        ValueError: an argument out of its range.
    """
    wanted = _Wanted(keypoint_scale, image_size, written_size, model_pose, fps, people)
    return _write_each(_each(paths, wanted), Path(out))


def _write_each(clips: Iterator[ImportedClip], out: Path) -> Iterator[ImportedClip]:
    done = set()
    for clip in clips:
        if clip.fault is None:
            try:
                if clip.name.casefold() in done:  # some file systems take A and a for the same
                    raise ValueError(f"another clip {clip.name} was imported to {out} just now; rename one.")
                done.add(clip.name.casefold())
                clip = ImportedClip(clip.name, clip.recordings, _write(clip, out))
            except (ValueError, OSError) as fault:
                clip = ImportedClip(clip.name, fault=str(fault))
        yield clip


def _write(clip: ImportedClip, out: Path) -> Path:
    """The folder that holds the clip's people now, and nobody else."""
    folder = out / clip.name
    now = {recording.person for recording in clip.recordings}
    if folder.is_dir() and (others := sorted(set(read_people_metadata(DiskFolder(folder))) - now)):
        raise ValueError(
            f"{folder} holds people {others} from before; remove it, or use another folder for the CSVs."
        )
    for recording in clip.recordings:
        folder = write_recording(recording, out)
    return folder


# --- finding the files -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Clip:
    """The files of one stem in one folder, found but not read."""

    name: str
    folder: Any
    files: list[tuple[int, str]]

    @property
    def label(self) -> str:
        return f"{self.folder.label.rstrip('/')}/{self.name}"

    def numbered(self) -> dict[int, str]:
        """Frame number -> file, sorted as numbers."""
        frames: dict[int, str] = {}
        for frame, name in sorted(self.files):
            if frame in frames:
                raise ValueError(f"{self.label}: frame {frame} is there twice, {frames[frame]} and {name}.")
            frames[frame] = name
        first, last = min(frames), max(frames)
        if last - first >= _SPARSE * len(frames):
            raise ValueError(
                f"{self.label}: {len(frames)} files with numbers from {first} to {last}, which are no frame "
                f"numbers; expected {_EXPECTED}."
            )
        return frames


def _each(paths: str | Path | Iterable[str | Path], wanted: _Wanted) -> Iterator[ImportedClip]:
    """Every clip, read or with its fault; wrong paths are refused before the first one."""
    given = [Path(path) for path in ([paths] if isinstance(paths, (str, Path)) else paths)]
    if missing := [str(path) for path in given if not path.exists()]:
        raise FileNotFoundError(f"No folder or file {', '.join(missing)}.")
    if not given:
        raise FileNotFoundError("No file given: `paths` is empty.")
    return _read_each(list(dict.fromkeys(given)), wanted)


def _read_each(paths: list[Path], wanted: _Wanted) -> Iterator[ImportedClip]:
    single: dict[Path, list[str]] = {}
    for path in paths:
        try:
            if path.is_dir():
                yield from _read_clips(_folders(path), path, wanted)
            elif zipfile.is_zipfile(path):
                with open_zip(path) as archive:
                    yield from _read_clips(_zip_folders(archive), path, wanted)
            else:
                single.setdefault(path.parent, []).append(path.name)
        except OSError:
            raise
        except DAMAGED_ERRORS as fault:
            yield ImportedClip(path.stem, fault=f"{path} is damaged: {fault}")
        except ValueError as fault:
            yield ImportedClip(path.stem, fault=str(fault))
    for folder, names in single.items():
        if odd := [name for name in names if not JSON_NAME_PATTERN.fullmatch(name)]:
            yield ImportedClip(odd[0], fault=f"{folder}: {', '.join(odd[:SHOWN])}: expected {_EXPECTED}.")
        if len(odd) < len(names):
            yield from _read_clips([DiskFolder(folder, names)], folder, wanted)


def _folders(root: Path) -> Iterator[DiskFolder]:
    for at, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield DiskFolder(at, files)


def _zip_folders(archive: zipfile.ZipFile) -> Iterator[ZipFolder]:
    files: dict[str, list[str]] = {}
    for name in archive.namelist():
        path = PurePosixPath(name)
        if not name.endswith("/") and not name.startswith("__MACOSX"):
            files.setdefault("" if str(path.parent) == "." else str(path.parent), []).append(path.name)
    for folder in sorted(files):
        yield ZipFolder(archive, folder, files[folder])


def _read_clips(folders: Iterable[Any], root: Path, wanted: _Wanted) -> Iterator[ImportedClip]:
    """The clips in folders, read one by one."""
    empty = True
    for folder in folders:
        for clip in _clips(folder):
            empty = False
            try:
                yield ImportedClip(clip.name, tuple(_recordings(clip, wanted)))
            except (ValueError, OSError) as fault:
                yield ImportedClip(clip.name, fault=str(fault))
            except DAMAGED_ERRORS as fault:
                told = f"{clip.label} is damaged, or locked with a password: {fault}"
                yield ImportedClip(clip.name, fault=told)
    if empty:
        yield ImportedClip(root.name, fault=f"{root} holds no OpenPose JSON: expected {_EXPECTED}.")


def _clips(folder: Any) -> list[_Clip]:
    """The clips of one folder; files without a stem are named after it."""
    stems: dict[str, list[tuple[int, str]]] = {}
    for name in folder.names:
        match = JSON_NAME_PATTERN.fullmatch(name)
        if match and not name.startswith("._"):  # macOS leaves these on sticks
            stem = match["stem"] or Path(folder.label).resolve().name.removesuffix(".zip")
            camera = f"-camera{match['camera']}" if match["camera"] else ""
            stems.setdefault(stem + camera, []).append((int(match["frame"]), name))
    return [_Clip(stem, folder, files) for stem, files in sorted(stems.items())]


# --- reading one clip ------------------------------------------------------------------------------------------


def _recordings(clip: _Clip, wanted: _Wanted) -> list[Recording]:
    """The people wanted of one clip."""
    files = clip.numbered()
    found = parse_files(clip.label, clip.folder, files)
    model, layout = find_layout(clip.label, found, wanted.model_pose)
    points = found.points[:, : len(layout)]
    check_scale(clip.label, points, [files[frame] for frame in found.frames], wanted.keypoint_scale)
    points = to_pixels(clip.label, points, wanted.keypoint_scale, wanted.image_size, wanted.written_size)
    points[points[..., 2] == 0, :2] = np.nan
    poses = layout.convert(points.astype(np.float32), BODY_25)
    first, last = min(files), max(files)
    _warn_of_holes(clip, files)
    tracks = _tracks(found, poses, first, last - first + 1, wanted)
    if not tracks:
        warnings.warn(f"{clip.label}: nobody in {len(files)} files.", MissingFramesWarning, stacklevel=2)
    chosen = select_tracks(tracks, wanted.people, wanted.fps, wanted.image_size) if tracks else []
    facts = {
        **parse_video_name(clip.name),
        "fps": wanted.fps,
        "image_size": wanted.image_size,
        "first_frame": first,
    }
    facts["estimator"] = f"OpenPose {model}"
    recordings = []
    numbered = wanted.people == "all" or isinstance(wanted.people, int)
    for track in chosen or [None]:
        keypoints = np.full((last - first + 1, len(BODY_25), 3), (np.nan, np.nan, 0), np.float32)
        if track is not None:
            keypoints[track.frames] = track.poses
        person = track.number if track is not None and numbered else 0
        recordings.append(Recording(keypoints, **facts, person=person, history=(wanted.entry(),)))
    return recordings


def _tracks(found: Found, poses: np.ndarray, first: int, length: int, wanted: _Wanted) -> list[Track]:
    """Everybody's track, frames counted from `first`: by person_id where everybody has one, else by the tracker."""
    frames = found.frames - first
    named = len(frames) > 0 and (found.ids >= 0).all()
    if named and len(set(zip(frames, found.ids, strict=True))) == len(frames):
        tracks: dict[int, Track] = {}
        for frame, person, pose in zip(frames, found.ids, poses, strict=True):
            tracks.setdefault(int(person), Track(len(tracks), wanted.fps)).add(int(frame), pose)
        return list(tracks.values())
    tracker = Tracker(wanted.fps, image_size=wanted.image_size)
    ends = np.searchsorted(frames, np.arange(length + 1))
    for frame in range(length):
        tracker.update(frame, poses[ends[frame] : ends[frame + 1]])
    return tracker.finish()


def _warn_of_holes(clip: _Clip, files: dict[int, str]) -> None:
    first, last = min(files), max(files)
    missing = [frame for frame in range(first, last + 1) if frame not in files]
    if missing:
        shown = ", ".join(map(str, missing[:SHOWN])) + (" ..." if len(missing) > SHOWN else "")
        warnings.warn(
            f"{clip.label} has no file for {len(missing)} of {last - first + 1} frames ({shown}); they are NaN.",
            MissingFramesWarning,
            stacklevel=2,
        )
