"""Per-frame CSV files to recordings. Only this file, folders.py and write.py know their form.

A recording lies in a folder of its own, one small file for each frame and person::

    keypoints/backflip-1-s07/backflip-1-s07.mov-1-0.csv      activity-sample-athlete.mov-frame-person.csv
                             recording.json                  fps, image size, estimator ...: metadata

Each CSV has the header `x,y,c` and a row for each joint; 0,0,0 = not found. A frame without a person has no file.
"""

from __future__ import annotations

import io
import itertools
import warnings
import zipfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gymskel.archive import DAMAGED_ERRORS, open_zip
from gymskel.messages import join_lines, join_names
from gymskel.recording.folders import (
    CSV_NAME_PATTERN,
    MAX_FRAMES_PER_FILE,
    METADATA_NAME,
    DiskFolder,
    Folder,
    csv_folders,
    frame_files,
    zip_folders,
)
from gymskel.recording.labels import LabelTable, label_recordings
from gymskel.recording.metadata import Metadata, parse_field, read_people_metadata, refuse_mixed_rates
from gymskel.recording.model import MAX_CONFIDENCE, Recording, parse_video_name
from gymskel.skeleton import BODY_25, Skeleton

_HEADER = b"x,y,c"
_FOLDERS_AT_ONCE = 32  # folders parsed together, as the start of a parser costs most of its time
_MANY_FRAMES = 1_000_000  # frames that a recording may have however few files it has
_FROM_METADATA = ("activity", "sample", "athlete", "fps", "estimator", "history", "image_size", "timestamps")


class MissingFramesWarning(UserWarning):
    """Frames without a file, a row or a person became frames of NaN."""


def read_recording(
    folder: str | Path,
    *,
    person: int | None = None,
    fps: float | None = None,
    skeleton: Skeleton | None = None,
) -> Recording:
    """Return the recording in a folder of per-frame CSVs.

    A frame without a file is a frame of NaN, and a `MissingFramesWarning` lists these frames.

    Args:
        folder: a folder of files `activity-sample-athlete.mov-frame-person.csv`; the video may have any extension,
            and names that say less are fine (`IMG_1234.MOV-0-0.csv`).
        person: index of the person, if the files hold several people.
        fps: frames a second; overrides `recording.json`.
        skeleton: layout of the rows; by default that of `recording.json`, else BODY_25.

    Raises:
        FileNotFoundError: no such folder, or no such CSV in it.
        ValueError: several people and no `person`; a CSV that is not 25 rows of three numbers.
    """
    path = Path(folder)
    if not path.is_dir():
        raise FileNotFoundError(
            f"No folder {path}. Fix: give the folder of one recording's CSVs; read_recordings reads a tree or .zip."
        )
    people = _people(DiskFolder(path), person, fps, skeleton)
    if len(people) > 1:
        shown = join_names(f"person={one.index}: {len(one.files)} frames" for one in people)
        raise ValueError(
            f"{path} holds {len(people)} people ({shown}). Fix: give person=, or use read_recordings."
        )
    return people[0].recording(_parse(people)[0])


def read_recordings(
    root: str | Path,
    *,
    person: int | None = None,
    fps: float | None = None,
    labels: str | Path | pd.DataFrame | LabelTable | None = None,
    skeleton: Skeleton | None = None,
    only: Collection[Path] | None = None,
) -> list[Recording]:
    """Return every recording in a tree of folders, or in a .zip of one, sorted by folder.

    Args:
        root: folder or .zip; each folder that holds CSVs directly is a recording. If a name contains no activity
            (`IMG_1234`), the name of the folder directly below `root` is the activity: one folder per activity.
        person: read only this person of every recording; by default every person is a Recording of their own.
        fps, skeleton: as in `read_recording`.
        labels: as in `label_recordings`; they override names and folders.
        only: of a tree, these folders alone, as `extract_videos` returns them.

    Raises:
        FileNotFoundError: no such path, or no recording in it.
        ValueError: faulty files, all of them listed; a recording that `labels` do not name.
    """
    path = Path(root)
    if path.is_dir():
        recordings, errors = _read_all(csv_folders(path, only), person, fps, skeleton)
    elif path.is_file() and zipfile.is_zipfile(path):
        try:
            with open_zip(path) as archive:
                recordings, errors = _read_all(zip_folders(archive), person, fps, skeleton)
        except DAMAGED_ERRORS as error:
            raise ValueError(f"{path} is damaged, or locked with a password: {error}") from error
    elif path.exists():
        raise ValueError(
            f"{path} is neither a folder nor a .zip of per-frame CSVs. Fix: other formats are read by formats.read_keypoints."
        )
    else:
        raise FileNotFoundError(f"No folder or .zip {path}.")
    if errors:
        raise ValueError(join_lines(f"{len(errors)} recordings in {path} cannot be read:", errors))
    if not recordings:
        raise FileNotFoundError(
            f"No recording in {path}: expected folders of files like backflip-1-s07.mov-0-0.csv. "
            "Fix: make such folders from videos with `gymskel extract`; give a .zip of them itself."
        )
    return recordings if labels is None else label_recordings(recordings, labels)


def _read_all(
    folders: Iterable[tuple[str | None, Folder]],
    person: int | None,
    fps: float | None,
    skeleton: Skeleton | None,
) -> tuple[list[Recording], list[str]]:
    """Return recordings and error messages."""
    recordings, errors = [], []
    folders = iter(folders)
    while batch := list(itertools.islice(folders, _FOLDERS_AT_ONCE)):
        people: list[_Person] = []
        for activity, folder in batch:
            try:
                people += _people(folder, person, fps, skeleton, activity)
            except (ValueError, FileNotFoundError) as error:
                errors.append(str(error))
        for one, parsed in zip(people, _parse(people), strict=True):
            try:
                recordings.append(one.recording(parsed))
            except ValueError as error:
                errors.append(str(error))
    return recordings, errors


@dataclass(frozen=True)
class _Person:
    """Files of one person in a folder, found but not read; fps is the caller's, activity that of the folder."""

    folder: Folder
    index: int
    files: dict[int, str]  # frame -> file name
    video: str | None
    skeleton: Skeleton
    saved: Metadata  # in recording.json, empty without it
    fps: float | None
    activity: str | None

    @property
    def label(self) -> str:
        """Folder and person, for messages."""
        return f"{self.folder.label}: person {self.index}"

    def recording(self, parsed: np.ndarray | ValueError) -> Recording:
        """Return the Recording with the parsed files at their frames, or raise the error in them."""
        if isinstance(parsed, ValueError):
            raise parsed
        first, frames = self._frame_range()
        numbers = np.array(list(self.files), int)
        keypoints = np.full((frames, len(self.skeleton), 3), (np.nan, np.nan, 0), np.float32)
        keypoints[numbers - first] = parsed
        expected = self.saved.get("files", 0)
        if expected > len(self.files):
            found = f"{len(self.files)} of the {expected} files that {METADATA_NAME} counts"
            _warn(f"{self.label} has {found}; frames without one are NaN. Was it copied completely?")
        if len(self.files) < frames and not self.saved:  # with recording.json a frame without a file is meant
            missing = sorted(set(range(first, first + frames)) - set(self.files))
            shown = f"{len(missing)} of {frames} frames ({join_names(missing)})"
            _warn(f"{self.label} has no file for {shown}; they are NaN.")
        label = f"{self.folder.label}/{METADATA_NAME}"
        fields = {
            name: parse_field(label, name, self.saved[name]) for name in _FROM_METADATA if name in self.saved
        }
        fields = {**parse_video_name(Path(self.video or "").stem), **fields}
        if fields["activity"] is None:
            fields["activity"] = self.activity
        if self.fps is not None:
            fields |= {"fps": self.fps, "timestamps": None}
        fields |= {"skeleton": self.skeleton, "video": self.video, "person": self.index, "first_frame": first}
        return Recording(keypoints, **fields)

    def _frame_range(self) -> tuple[int, int]:
        """Return number of the first frame and number of frames, by recording.json or by the files."""
        low, high = min(self.files, default=0), max(self.files, default=0)
        first = self.saved.get("first_frame", low)
        frames = self.saved.get("frames", max(self.files, default=first) - first + 1)
        if self.files and not first <= low <= high < first + frames:
            raise ValueError(
                f"{self.label} has files of frames {low} to {high}, but {METADATA_NAME} says {first} to "
                f"{first + frames - 1}. Fix: delete {METADATA_NAME}; the CSVs can be read without it."
            )
        if frames > max(MAX_FRAMES_PER_FILE * len(self.files), _MANY_FRAMES):
            found = f"{len(self.files)} files for {frames} frames"
            raise ValueError(
                f"{self.label} has {found}; such numbers are no frame numbers. Fix: number them anew."
            )
        return first, frames


def _warn(message: str) -> None:
    warnings.warn(message, MissingFramesWarning, stacklevel=5)  # the caller of read_recordings


def _people(
    folder: Folder,
    wanted: int | None,
    fps: float | None,
    skeleton: Skeleton | None,
    activity: str | None = None,
) -> list[_Person]:
    """Return the people of one folder, found by the names of its files and its recording.json."""
    files = frame_files(folder)
    metadata = read_people_metadata(folder)
    people = sorted({person for _, person in files} | set(metadata))
    if not people:
        raise FileNotFoundError(f"No per-frame CSV in {folder.label}, and no person in its {METADATA_NAME}.")
    if wanted is not None:
        if wanted not in people:
            raise ValueError(f"{folder.label} holds no person {wanted}, only {people}.")
        people = [wanted]
    elif fps is None:
        refuse_mixed_rates(folder.label, metadata)
    found = []
    for person in people:
        saved = metadata.get(person, {})
        layout = skeleton or BODY_25
        if skeleton is None and "skeleton" in saved:
            label = f"{folder.label}/{METADATA_NAME}"
            layout = parse_field(label, "skeleton", saved["skeleton"], " Fix: give skeleton=.")
        own = {frame: name for (frame, index), name in sorted(files.items()) if index == person}
        match = CSV_NAME_PATTERN.fullmatch(next(iter(own.values()), ""))
        video = saved["video"] if "video" in saved else match["video"] if match else None
        found.append(_Person(folder, person, own, video, layout, saved, fps, activity))
    return found


def _parse(people: list[_Person]) -> list[np.ndarray | ValueError]:
    """Return for each person (files, joints, 3) float32, unseen as NaN, NaN, 0; or the error in their files.

    All files are joined and parsed once; only if that fails, person by person.
    """
    bodies, size = [], len(_HEADER)
    for one in people:
        texts = [one.folder.read(name) for name in one.files.values()]
        own = [text[size:] if text.endswith(b"\n") else text[size:] + b"\n" for text in texts]
        lines = len(one.skeleton) + 1
        if any(text[:size] != _HEADER for text in texts) or any(body.count(b"\n") != lines for body in own):
            return _parse_alone(people)
        bodies += own
    try:  # a body starts with the header's line end, so that blank lines separate the files
        table = pd.read_csv(io.BytesIO(b"".join(bodies)), header=None, dtype=np.float64, na_filter=False)
    except ValueError:
        return _parse_alone(people) if bodies else [np.zeros((0, len(one.skeleton), 3)) for one in people]
    values = table.to_numpy()
    rows = np.cumsum([len(one.files) * len(one.skeleton) for one in people])
    if values.shape != (rows[-1], 3) or not np.isfinite(values).all():
        return _parse_alone(people)
    if values[:, 2].min() < 0 or values[:, 2].max() > MAX_CONFIDENCE:
        return _parse_alone(people)
    keypoints = values.astype(np.float32)
    keypoints[~values.any(axis=-1), :2] = np.nan
    return [
        part.reshape(-1, len(one.skeleton), 3)
        for one, part in zip(people, np.split(keypoints, rows[:-1]), strict=True)
    ]


def _parse_alone(people: list[_Person]) -> list[np.ndarray | ValueError]:
    """Return the same as `_parse`, person by person, so that a faulty file costs only its own recording."""
    if len(people) > 1:
        return [_parse([one])[0] for one in people]
    folder, joints = people[0].folder, len(people[0].skeleton)
    expected = f"expected the header x,y,c and {joints} rows of three numbers"
    for name in people[0].files.values():  # a slower second look finds the first faulty file
        if problem := _problem_in(folder.read(name), joints, expected):
            return [ValueError(f"{folder.label}/{name}: {problem}")]
    return [ValueError(f"{folder.label}: its CSVs cannot be read; {expected}.")]


def _problem_in(content: bytes, joints: int, expected: str) -> str:
    """Return the first fault of a CSV as text, empty if there is none."""
    lines = content.decode("utf-8", "replace").split()
    if not lines or lines[0] != "x,y,c":
        return f"header is {lines[0] if lines else ''!r}; {expected}."
    if len(lines) != joints + 1:
        return f"{len(lines) - 1} rows; {expected}. Fix: for another layout give skeleton=."
    for row, line in enumerate(lines[1:]):
        try:
            x, y, c = map(float, line.split(","))
            is_valid = bool(np.isfinite([x, y, c]).all()) and 0 <= c <= MAX_CONFIDENCE
        except ValueError:
            is_valid = False
        if not is_valid:
            return f"row {row} is {line!r}; {expected} (unseen is 0,0,0; c lies in 0..1)."
    if content.count(b"\n") != joints + content.endswith(b"\n"):
        return f"blank lines, or line ends other than \\n and \\r\\n; {expected}."
    return ""
