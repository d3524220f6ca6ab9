"""Folders of per-frame CSVs, on disk or inside a .zip: what lies in them, by the names of the files."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from gymskel.recording.metadata import JSON_NAME

FILE_NAME = re.compile(r"(?P<video>.+)-(?P<frame>\d+)-(?P<person>\d+)\.(?i:csv)")
_CHUNK = 1 << 14  # bytes; a file has 1,900


class Folder:
    """The files of a folder on disk."""

    def __init__(self, path: str | Path, names: Iterable[str] | None = None) -> None:
        self.label = str(path)
        self.names = sorted(os.listdir(path) if names is None else names)  # noqa: PTH208 (faster)
        self._path = str(path)

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
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
    """The files of a folder inside an open .zip."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, names: list[str]) -> None:
        self.label = f"{archive.filename}/{folder}"
        self.names = sorted(names)
        self._archive, self._folder = archive, folder

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
        return self._archive.read(f"{self._folder}/{name}" if self._folder else name)


def csv_folders(root: Path, only: Collection[Path] | None = None) -> Iterator[tuple[str | None, Folder]]:
    """Each folder with per-frame CSVs below the root, or `only` these, after the folder right below the root that it lies in, if any."""
    for at, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if only is not None and Path(at) not in only:
            continue
        if JSON_NAME in files or any(FILE_NAME.fullmatch(name) for name in files):
            between = Path(at).relative_to(root).parts[:-1]
            yield (between[0] if between else None), Folder(at, files)


def zip_folders(archive: zipfile.ZipFile) -> Iterator[tuple[str | None, ZipFolder]]:
    """As `csv_folders`, of a .zip; where all of it lies in one folder, that is the root."""
    files: dict[str, list[str]] = {}
    for name in archive.namelist():
        path = PurePosixPath(name)
        if not name.endswith("/") and not name.startswith("__MACOSX"):
            files.setdefault("" if str(path.parent) == "." else str(path.parent), []).append(path.name)
    tops = {folder.split("/")[0] for folder in files if folder}  # files beside the top folder do not count
    for folder in sorted(files):
        if JSON_NAME in files[folder] or any(FILE_NAME.fullmatch(name) for name in files[folder]):
            between = PurePosixPath(folder).parts[:-1]
            between = between[1:] if len(tops) == 1 else between
            yield (between[0] if between else None), ZipFolder(archive, folder, files[folder])


def frame_files(folder: Folder | ZipFolder) -> dict[tuple[int, int], str]:
    """(frame, person) -> file name, for the CSVs of one folder, which must be of one video."""
    files: dict[tuple[int, int], str] = {}
    videos = set()
    for name in folder.names:
        match = FILE_NAME.fullmatch(name)
        if name.startswith("._"):  # macOS leaves these on sticks
            continue
        if match:
            place = int(match["frame"]), int(match["person"])
            if place in files and match["video"] in videos:
                raise ValueError(f"{folder.label} holds one frame twice: {files[place]} and {name}.")
            files[place] = name
            videos.add(match["video"])
        elif name.endswith(".csv"):
            raise ValueError(
                f"{folder.label}/{name}: expected a name like backflip-1-s07.mov-0-0.csv (video-frame-person.csv)."
            )
    if len(videos) > 1:
        raise ValueError(
            f"{folder.label} holds files of several videos ({', '.join(sorted(videos)[:4])}); give each a folder of its own."
        )
    if not files and JSON_NAME not in folder.names:
        raise FileNotFoundError(
            f"No per-frame CSV in {folder.label}: expected files like backflip-1-s07.mov-0-0.csv."
        )
    return files
