"""Reading of any file or folder with recordings; suffix and content give the format."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath

import pandas as pd

from gymskel.archive import DAMAGED_ERRORS, open_zip
from gymskel.formats.dataframe import read_table
from gymskel.formats.deeplabcut import is_deeplabcut, read_deeplabcut
from gymskel.formats.openpose_files import JSON_NAME_PATTERN
from gymskel.formats.openpose_json import read_openpose_json
from gymskel.formats.pack import read_pack
from gymskel.formats.parquet import read_parquet
from gymskel.formats.pose_format import read_pose
from gymskel.formats.pyskl import read_pyskl
from gymskel.messages import join_names
from gymskel.recording import (
    CSV_NAME_PATTERN,
    METADATA_NAME,
    LabelTable,
    Recording,
    label_recordings,
    read_recordings,
)

_SUFFIXES = {".npz": "pack", ".pose": "pose", ".pkl": "pyskl", ".pickle": "pyskl"}
_PACK_MEMBERS = {"facts.npy", "lengths.npy"}  # of every pack, and of no other .npz by gymskel
_READERS: dict[str, Callable[[Path], list[Recording]]] = {
    "pack": read_pack,
    "parquet": read_parquet,
    "pose": read_pose,
    "pyskl": read_pyskl,
    "deeplabcut": read_deeplabcut,
    "table": read_table,
}


def read_keypoints(
    path: str | Path,
    *,
    fps: float | None = None,
    person: int | None = None,
    labels: str | Path | pd.DataFrame | LabelTable | None = None,
) -> list[Recording]:
    """Return the recordings in any file or folder that gymskel can read; each format's own reader has more options.

    Args:
        path: a folder or .zip of per-frame CSVs or OpenPose's JSON; a folder of Parquet, packs, .pose, .pkl or DeepLabCut
            files; a .npz pack, .pose, .pkl of PYSKL, .csv of DeepLabCut or with a row per frame or per joint.
        fps, labels: as in `read_recordings`.
        person: read only this person of each video. By default all people; of OpenPose's JSON the athlete.

    Raises:
        FileNotFoundError: no such path, or no recording in it.
        ValueError: an unknown format, or several in one folder; all errors of the format's own reader.
    """
    path = Path(path)
    file_format = find_format(path)
    if file_format == "csv":
        return read_recordings(path, person=person, fps=fps, labels=labels)
    if file_format == "openpose":
        recordings = read_openpose_json(path, fps=fps, people="athlete" if person is None else person)
    else:
        is_one = path.is_file() or file_format == "parquet"  # a Parquet data set is a folder
        files = [path] if is_one else [file for _, file in find_keypoint_files(path)]
        recordings = [recording for file in files for recording in _READERS[file_format](file)]
        if person is not None:
            found = sorted({recording.person for recording in recordings})
            recordings = [recording for recording in recordings if recording.person == person]
            if not recordings:
                raise ValueError(f"{path} holds no person {person}, only {found}.")
        if fps is not None:
            recordings = [replace(recording, fps=fps, timestamps=None) for recording in recordings]
    return recordings if labels is None else label_recordings(recordings, labels)


def find_format(path: str | Path) -> str:
    """Return the format: csv (the per-frame tree), openpose, pack, parquet, pose, pyskl, deeplabcut or table.

    Raises:
        FileNotFoundError: no such path.
        ValueError: none of these, or several in one folder.
    """
    path = Path(path)
    if path.is_dir():
        return _single_format(path, find_keypoint_files(path))
    if not path.exists():
        raise FileNotFoundError(f"No {'file' if path.suffix else 'folder or .zip'} {path}.")
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if suffix == ".csv":
        return "deeplabcut" if is_deeplabcut(path) else "table"
    if zipfile.is_zipfile(path):
        try:
            with open_zip(path) as archive:  # names alone; the reader opens the members
                return _single_format(path, _formats_in_zip(archive.namelist()))
        except DAMAGED_ERRORS as error:
            raise ValueError(f"{path} is damaged: {error}") from error
    raise ValueError(
        f"{path} is no file with recordings. Known are folders and .zip of per-frame CSVs or OpenPose's JSON, folders of "
        "Parquet, .npz packs, .pose, .pkl of PYSKL, .csv of DeepLabCut or with a row per frame."
    )


def find_keypoint_files(folder: Path, but: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Yield (format, file) of each file with recordings below a folder, without hidden ones and those below `but`."""
    but = but and but.resolve()
    for at, folders, files in os.walk(folder):
        visible = (name for name in folders if not name.startswith("."))
        folders[:] = sorted(name for name in visible if but is None or Path(at, name).resolve() != but)
        for name in sorted(files):
            if not name.startswith(".") and (file_format := _format_of_file(Path(at, name))):
                yield file_format, Path(at, name)


def _formats_in_zip(names: Iterable[str]) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield (format, member) of the members of a .zip whose name alone gives the format."""
    for name in map(PurePosixPath, names):
        if file_format := _format_by_name(name):
            yield file_format, name


def _single_format(path: Path, files: Iterable[tuple[str, PurePath]]) -> str:
    """Return the one format among the files in a folder or .zip; "csv" if there are none."""
    first: dict[str, PurePath] = {}
    for file_format, file in files:
        first.setdefault(file_format, file)
    if len(first) > 1:
        shown = join_names(f"{file_format} ({file.name})" for file_format, file in first.items())
        raise ValueError(f"{path} holds several formats: {shown}. Fix: give each a folder of its own.")
    return next(iter(set(first) - {"zip"}), "csv")  # the reader of CSVs says what it expects


def _format_by_name(name: PurePath) -> str | None:
    """Return the format of a file in a folder or .zip if its name alone gives it."""
    if name.name == METADATA_NAME or CSV_NAME_PATTERN.fullmatch(name.name):
        return "csv"
    if JSON_NAME_PATTERN.fullmatch(name.name):
        return "openpose"
    suffix = name.suffix.lower()
    return suffix[1:] if suffix in (".parquet", ".pose") else None


def _format_of_file(file: Path) -> str | None:
    """Return the format of a file in a folder; None if it holds no recordings."""
    suffix = file.suffix.lower()
    if file_format := _format_by_name(file):
        return file_format
    if suffix in (".pkl", ".pickle"):
        return "pyskl"
    if suffix == ".csv":
        return "deeplabcut" if is_deeplabcut(file) else None
    if suffix not in (".npz", ".zip"):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except DAMAGED_ERRORS:
        return _SUFFIXES.get(suffix, "zip")  # its reader gives the error
    if suffix == ".npz":
        return "pack" if set(names) >= _PACK_MEMBERS else None
    return "zip" if any(_formats_in_zip(names)) else None
