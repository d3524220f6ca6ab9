"""One door for every file that holds recordings: what it is, its suffix and its content say."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath

import pandas as pd

from gymskel.archive import DAMAGED_ERRORS, open_zip
from gymskel.formats.dataframe import read_table
from gymskel.formats.deeplabcut import is_deeplabcut, read_deeplabcut
from gymskel.formats.openpose_json import JSON_NAME_PATTERN as OPENPOSE_NAME
from gymskel.formats.openpose_json import read_openpose_json
from gymskel.formats.pack import read_pack
from gymskel.formats.parquet import read_parquet
from gymskel.formats.pose_format import read_pose
from gymskel.formats.pyskl import read_pyskl
from gymskel.recording import CSV_NAME_PATTERN, METADATA_NAME, Recording, label_recordings, read_recordings

_SUFFIXES = {".npz": "pack", ".pose": "pose", ".pkl": "pyskl", ".pickle": "pyskl"}
_PACKED = {"facts.npy", "lengths.npy"}  # in every pack, and in no other .npz of gymskel's


def read_keypoints(
    path: str | Path,
    *,
    fps: float | None = None,
    person: int | None = None,
    labels: str | Path | pd.DataFrame | None = None,
) -> list[Recording]:
    """The recordings in any file or folder that this package can read; each format's own reader can do more.

    Folders and .zip files: per-frame CSVs, OpenPose's JSON; folders: Parquet, or several packs, .pose, .pkl or DeepLabCut files.
    Files: .npz packs, .pose, .pkl of PYSKL, .csv of DeepLabCut or as a table with a row a frame or a row a joint.

    Args:
        path: the file or folder.
        fps: frames a second; overrides what the files say.
        person: this one of each video. By default everybody; of OpenPose's JSON the athlete.
        labels: as in `read_recordings`.

    Raises:
        FileNotFoundError: no such path, or nothing in it.
        ValueError: a format nobody knows, or several in one folder; all that the format's own reader refuses.
    """
    path = Path(path)
    kind = find_format(path)
    if kind == "csv":
        return read_recordings(path, person=person, fps=fps, labels=labels)
    if kind == "openpose":
        people = "athlete" if person is None else person
        recordings = read_openpose_json(path, fps=fps, people=people)
    else:
        recordings = [one for file in _files(path, kind) for one in _READERS[kind](file)]
        if person is not None:
            found = sorted({one.person for one in recordings})
            recordings = [one for one in recordings if one.person == person]
            if not recordings:
                raise ValueError(f"{path} holds no person {person}, only {found}.")
        if fps is not None:
            recordings = [replace(one, fps=fps, timestamps=None) for one in recordings]
    return recordings if labels is None else label_recordings(recordings, labels)


def find_format(path: str | Path) -> str:
    """csv (the per-frame tree), openpose, pack, parquet, pose, pyskl, deeplabcut or table.

    Raises:
        FileNotFoundError: no such path.
        ValueError: none of these, or several in one folder.
    """
    path = Path(path)
    if path.is_dir():
        return _of_many(path, find_keypoint_files(path))
    if not path.exists():
        raise FileNotFoundError(f"No {'file' if path.suffix else 'folder or .zip'} {path}.")
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if suffix == ".csv":
        return "deeplabcut" if is_deeplabcut(path) else "table"
    if zipfile.is_zipfile(path):
        try:
            with open_zip(path) as archive:  # names alone; the reader looks closer
                return _of_many(path, _in_zip(archive.namelist()))
        except DAMAGED_ERRORS as fault:
            raise ValueError(f"{path} is damaged: {fault}") from fault
    raise ValueError(
        f"{path} is no file that holds recordings. Known are folders and .zip of per-frame CSVs or OpenPose's JSON, folders of "
        "Parquet, .npz packs, .pose, .pkl of PYSKL, .csv of DeepLabCut or with a row a frame."
    )


def find_keypoint_files(folder: Path, but: Path | None = None) -> Iterator[tuple[str, Path]]:
    """(format, file) of each file below a folder that holds recordings; not of hidden ones, nor of those below `but`."""
    but = but and but.resolve()
    for at, folders, files in os.walk(folder):
        shown = (name for name in folders if not name.startswith("."))
        folders[:] = sorted(name for name in shown if but is None or Path(at, name).resolve() != but)
        for name in sorted(files):
            if not name.startswith(".") and (kind := _format_in(Path(at, name))):
                yield kind, Path(at, name)


def _in_zip(names: Iterable[str]) -> Iterator[tuple[str, PurePosixPath]]:
    for name in map(PurePosixPath, names):
        if kind := _named(name):
            yield kind, name


def _of_many(path: Path, files: Iterable[tuple[str, PurePath]]) -> str:
    """The one format among those of the files in a folder or .zip."""
    found: dict[str, PurePath] = {}
    for kind, file in files:
        found.setdefault(kind, file)
    if len(found) > 1:
        told = ", ".join(f"{kind} ({file.name})" for kind, file in found.items())
        raise ValueError(f"{path} holds files of several formats: {told}. Give each a folder of its own.")
    return next(iter(set(found) - {"zip"}), "csv")  # whose reader tells what it expects


def _named(name: PurePath) -> str | None:
    """The format of a file in a folder or .zip whose name alone tells it."""
    if name.name == METADATA_NAME or CSV_NAME_PATTERN.fullmatch(name.name):
        return "csv"
    if OPENPOSE_NAME.fullmatch(name.name):
        return "openpose"
    suffix = name.suffix.lower()
    return suffix[1:] if suffix in (".parquet", ".pose") else None


def _format_in(file: Path) -> str | None:
    """The format of a file in a folder; None if it holds no recordings."""
    suffix = file.suffix.lower()
    if (kind := _named(file)) or suffix in (".pkl", ".pickle"):
        return kind or "pyskl"
    if suffix == ".csv":
        return "deeplabcut" if is_deeplabcut(file) else None
    if suffix not in (".npz", ".zip"):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except DAMAGED_ERRORS:
        return _SUFFIXES.get(suffix, "zip")  # nobody knows what is in it; its reader tells
    if suffix == ".npz":
        return "pack" if set(names) >= _PACKED else None
    return "zip" if any(_in_zip(names)) else None


def _files(path: Path, kind: str) -> list[Path]:
    """The files to be read one by one; a Parquet data set is a folder."""
    if path.is_file() or kind == "parquet":
        return [path]
    return [file for _, file in find_keypoint_files(path)]


_READERS = {
    "pack": read_pack,
    "parquet": read_parquet,
    "pose": read_pose,
    "pyskl": read_pyskl,
    "deeplabcut": read_deeplabcut,
    "table": read_table,
}
