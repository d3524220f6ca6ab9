"""One door for every file that holds recordings: what it is, its suffix and its content say."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd

from gymskel.archive import DAMAGED, open_zip
from gymskel.formats.deeplabcut import is_deeplabcut, read_deeplabcut
from gymskel.formats.frames import read_table
from gymskel.formats.openpose_json import FILE_NAME as OPENPOSE_NAME
from gymskel.formats.openpose_json import read_openpose_json
from gymskel.formats.pack import read_pack
from gymskel.formats.parquet import read_parquet
from gymskel.formats.pose_format import read_pose
from gymskel.formats.pyskl import read_pyskl
from gymskel.recording import FILE_NAME, JSON_NAME, Recording, label_recordings, read_recordings

_SUFFIXES = {".npz": "pack", ".pose": "pose", ".pkl": "pyskl", ".pickle": "pyskl"}


def read_keypoints(
    path: str | Path,
    *,
    fps: float | None = None,
    person: int | None = None,
    labels: str | Path | pd.DataFrame | None = None,
) -> list[Recording]:
    """The recordings in any file or folder that this package can read; each format's own reader can do more.

    Folders and .zip files: per-frame CSVs, OpenPose's JSON; folders: Parquet, several .pose or DeepLabCut files. Files: .npz
    packs, .pose, .pkl of PYSKL, .csv of DeepLabCut or as a table with a row a frame or a row a joint.

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
        names = (
            Path(at, name) for at, _, files in os.walk(path) for name in files if not name.startswith(".")
        )
        return _of_many(path, names)
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
                return _of_many(path, map(PurePosixPath, archive.namelist()))
        except DAMAGED as fault:
            raise ValueError(f"{path} is damaged: {fault}") from fault
    raise ValueError(
        f"{path} is no file that holds recordings. Known are folders and .zip of per-frame CSVs or OpenPose's JSON, folders of "
        "Parquet, .npz packs, .pose, .pkl of PYSKL, .csv of DeepLabCut or with a row a frame."
    )


def _of_many(path: Path, names: Iterable[PurePosixPath]) -> str:
    """The one format among the names in a folder or .zip."""
    found: dict[str, PurePosixPath] = {}
    for name in names:
        if name.name == JSON_NAME or FILE_NAME.fullmatch(name.name):
            return "csv"
        if OPENPOSE_NAME.fullmatch(name.name):
            found.setdefault("openpose", name)
        elif name.suffix == ".parquet":
            found.setdefault("parquet", name)
        elif name.suffix == ".pose":
            found.setdefault("pose", name)
        elif name.suffix == ".csv" and path.is_dir() and is_deeplabcut(Path(name)):
            found.setdefault("deeplabcut", name)
    if len(found) > 1:
        told = ", ".join(f"{kind} ({name.name})" for kind, name in found.items())
        raise ValueError(f"{path} holds files of several formats: {told}. Give each a folder of its own.")
    return next(iter(found), "csv")  # whose reader tells what it expects


def _files(path: Path, kind: str) -> list[Path]:
    """The files to be read one by one; a Parquet data set is a folder."""
    if path.is_file() or kind == "parquet":
        return [path]
    suffix = ".pose" if kind == "pose" else ".csv"
    files = [file for file in sorted(path.rglob(f"*{suffix}")) if not file.name.startswith(".")]
    return [file for file in files if kind == "pose" or is_deeplabcut(file)]


_READERS = {
    "pack": read_pack,
    "parquet": read_parquet,
    "pose": read_pose,
    "pyskl": read_pyskl,
    "deeplabcut": read_deeplabcut,
    "table": read_table,
}
