"""OpenPose's JSON files on disk or in a .zip, found and sorted into clips by their names (wPeopleJsonSaver.hpp).

A file for each frame: `<stem of the video>_<frame, 12 digits>_keypoints.json`. Programs that push frames through its API
write `<frame>_keypoints.json`, and a folder of pictures gives `<stem of the picture>_keypoints.json`.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gymskel.archive import DAMAGED_ERRORS, open_zip
from gymskel.formats.coordinates import check_frame_numbers
from gymskel.messages import join_names
from gymskel.recording.folders import DiskFolder, Folder, ZipFolder, folders_in_zip, walk_folders

JSON_NAME_PATTERN = re.compile(r"(?P<stem>.*?)[ ._-]?(?P<frame>\d+)_keypoints(?:_(?P<camera>\d+))?\.json")
_EXPECTED = "files like backflip-1-s07_000000000012_keypoints.json, as OpenPose writes with --write_json"


@dataclass(frozen=True)
class JsonClip:
    """Files of one stem in one folder, found but not read."""

    name: str  # the stem
    folder: Folder
    files: list[tuple[int, str]]  # frame, file name

    @property
    def label(self) -> str:
        """Folder and stem, for messages."""
        return f"{self.folder.label.rstrip('/')}/{self.name}"

    def frames(self) -> dict[int, str]:
        """Return frame number -> file name, sorted; raise ValueError if the numbers are no frame numbers or repeated."""
        frames: dict[int, str] = {}
        for frame, name in sorted(self.files):
            if frame in frames:
                raise ValueError(f"{self.label}: frame {frame} is there twice, {frames[frame]} and {name}.")
            frames[frame] = name
        check_frame_numbers(self.label, min(frames), max(frames), len(frames), "files")
        return frames


@dataclass(frozen=True)
class UnusablePath:
    """A path without readable clips, with the reason."""

    name: str
    error: str


def find_clips(paths: str | Path | Iterable[str | Path]) -> Iterator[JsonClip | UnusablePath]:
    """Return the clips of folders, .zip files and single files; a .zip stays open until its last clip.

    Raises:
        FileNotFoundError: no path is given, or one does not exist.
    """
    given = [Path(path) for path in ([paths] if isinstance(paths, (str, Path)) else paths)]
    if missing := [path for path in given if not path.exists()]:
        raise FileNotFoundError(f"No folder or file {join_names(missing)}.")
    if not given:
        raise FileNotFoundError("No file given: `paths` is empty.")
    single_files: dict[Path, list[str]] = {}
    for path in dict.fromkeys(given):
        if path.is_dir():
            yield from _clips_in(walk_folders(path), path)
        elif zipfile.is_zipfile(path):
            yield from _clips_in_zip(path)
        else:
            single_files.setdefault(path.parent, []).append(path.name)
    for folder, names in single_files.items():
        if odd := [name for name in names if not JSON_NAME_PATTERN.fullmatch(name)]:
            yield UnusablePath(odd[0], f"{folder}: {join_names(odd)}: expected {_EXPECTED}.")
        if len(odd) < len(names):
            yield from _clips_in([DiskFolder(folder, names)], folder)


def _clips_in_zip(path: Path) -> Iterator[JsonClip | UnusablePath]:
    try:
        with open_zip(path) as archive:
            folders = (ZipFolder(archive, *item) for item in folders_in_zip(archive).items())
            yield from _clips_in(folders, path)
    except OSError:
        raise
    except DAMAGED_ERRORS as error:
        yield UnusablePath(path.stem, f"{path} is damaged: {error}")
    except ValueError as error:
        yield UnusablePath(path.stem, str(error))


def _clips_in(folders: Iterable[Folder], root: Path) -> Iterator[JsonClip | UnusablePath]:
    clips = (clip for folder in folders for clip in _clips_of_folder(folder))
    first = next(clips, None)
    yield first or UnusablePath(root.name, f"{root} holds no OpenPose JSON: expected {_EXPECTED}.")
    yield from clips


def _clips_of_folder(folder: Folder) -> list[JsonClip]:
    """Return the clips of one folder, sorted by stem; files without a stem get the name of the folder."""
    stems: dict[str, list[tuple[int, str]]] = {}
    for name in folder.names:
        match = JSON_NAME_PATTERN.fullmatch(name)
        if match and not name.startswith("._"):  # macOS leaves these on sticks
            stem = match["stem"] or Path(folder.label).resolve().name.removesuffix(".zip")
            camera = f"-camera{match['camera']}" if match["camera"] else ""
            stems.setdefault(stem + camera, []).append((int(match["frame"]), name))
    return [JsonClip(stem, folder, files) for stem, files in sorted(stems.items())]
