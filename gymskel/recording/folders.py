"""Folders of per-frame CSVs, on disk or inside a .zip: found and listed by the names of their files."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from gymskel.messages import join_names

CSV_NAME_PATTERN = re.compile(r"(?P<video>.+)-(?P<frame>\d+)-(?P<person>\d+)\.(?i:csv)")
METADATA_NAME = "recording.json"
MAX_FRAMES_PER_FILE = 1000
"""Frames that one file or row may stand for; numbers further apart are no frame numbers."""

_CHUNK = 1 << 14  # bytes read at once; a CSV has 1,900
_EXPECTED = "files like backflip-1-s07.mov-0-0.csv (video-frame-person.csv)"


class DiskFolder:
    """Files of a folder on disk. `label` is its path, for messages; `names` are the file names, sorted."""

    def __init__(self, path: str | Path, names: Iterable[str] | None = None) -> None:
        self.label = str(path)
        self.names = sorted(os.listdir(path) if names is None else names)  # noqa: PTH208 (faster)
        self._path = str(path)

    def read(self, name: str) -> bytes:
        """Return the bytes of one file."""
        file = os.open(f"{self._path}{os.sep}{name}", os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:  # half the time of open(), and there are 10,000 of them
            text = more = os.read(file, _CHUNK)
            while len(more) == _CHUNK:
                more = os.read(file, _CHUNK)
                text += more
            return text
        finally:
            os.close(file)


class ZipFolder:
    """Files of a folder inside an open .zip, as a `DiskFolder`."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, names: Iterable[str]) -> None:
        self.label = f"{archive.filename}/{folder}"
        self.names = sorted(names)
        self._archive, self._folder = archive, folder

    def read(self, name: str) -> bytes:
        """Return the bytes of one file."""
        return self._archive.read(f"{self._folder}/{name}" if self._folder else name)


Folder = DiskFolder | ZipFolder


def folders_in_zip(archive: zipfile.ZipFile) -> dict[str, list[str]]:
    """Return the folders in a .zip, sorted: path inside it ("" = its root) -> file names."""
    files: dict[str, list[str]] = {}
    for name in archive.namelist():
        path = PurePosixPath(name)
        if not name.endswith("/") and not name.startswith("__MACOSX"):  # which macOS adds
            files.setdefault("" if str(path.parent) == "." else str(path.parent), []).append(path.name)
    return dict(sorted(files.items()))


def walk_folders(root: Path) -> Iterator[DiskFolder]:
    """Yield `root` and each folder below it, sorted, without the hidden ones."""
    for at, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield DiskFolder(at, files)


def csv_folders(root: Path, only: Collection[Path] | None = None) -> Iterator[tuple[str | None, Folder]]:
    """Yield each folder with per-frame CSVs below `root`, or of `only`, after the top folder between the two or None."""
    for folder in walk_folders(root):
        path = Path(folder.label)
        if (only is None or path in only) and _holds_recording(folder.names):
            yield next(iter(path.relative_to(root).parts[:-1]), None), folder


def zip_folders(archive: zipfile.ZipFile) -> Iterator[tuple[str | None, Folder]]:
    """Yield the folders of a .zip as `csv_folders` does; a single top folder counts as the root."""
    files = folders_in_zip(archive)
    tops = {folder.split("/")[0] for folder in files if folder}  # files beside the top folder do not count
    for folder, names in files.items():
        if _holds_recording(names):
            between = PurePosixPath(folder).parts[len(tops) == 1 : -1]
            yield next(iter(between), None), ZipFolder(archive, folder, names)


def _holds_recording(names: Collection[str]) -> bool:
    """Return True if one of the file names is that of a per-frame CSV or of the metadata."""
    return METADATA_NAME in names or any(CSV_NAME_PATTERN.fullmatch(name) for name in names)


def frame_files(folder: Folder) -> dict[tuple[int, int], str]:
    """Return (frame, person) -> name of the CSV, for a folder with the files of one video."""
    files: dict[tuple[int, int], str] = {}
    videos = set()
    for name in folder.names:
        match = CSV_NAME_PATTERN.fullmatch(name)
        if name.startswith("._"):  # macOS leaves these on sticks
            continue
        if match:
            place = int(match["frame"]), int(match["person"])
            if place in files and match["video"] in videos:
                raise ValueError(f"{folder.label} holds one frame twice: {files[place]} and {name}.")
            files[place] = name
            videos.add(match["video"])
        elif name.endswith(".csv"):
            raise ValueError(f"{folder.label}/{name}: expected {_EXPECTED}. Fix: rename or move it.")
    if len(videos) > 1:
        shown = join_names(sorted(videos))
        raise ValueError(
            f"{folder.label} holds several videos ({shown}). Fix: give each a folder of its own."
        )
    if not files and METADATA_NAME not in folder.names:
        raise FileNotFoundError(f"No per-frame CSV in {folder.label}: expected {_EXPECTED}.")
    return files
