"""Per-frame CSV files to recordings; this file, folders.py and write.py are the only ones that know them.

A recording lies in a folder of its own, one small file for each frame and person::

    keypoints/backflip-1-s07/backflip-1-s07.mov-1-0.csv      activity-sample-athlete.mov-frame-person.csv
                             recording.json                  fps, image size, estimator ...: what CSVs cannot say

Each CSV has the header `x,y,c` and a row for each joint; 0,0,0 = not found, which is NaN, NaN, 0 in a Recording.
A frame in which nobody was found has no file.
"""

from __future__ import annotations

import io
import itertools
import warnings
import zipfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gymskel.archive import DAMAGED, open_zip
from gymskel.recording.folders import FILE_NAME, Folder, ZipFolder, csv_folders, frame_files, zip_folders
from gymskel.recording.labels import label_recordings
from gymskel.recording.metadata import JSON_NAME, refuse_mixed_rates, saved_people
from gymskel.recording.model import MAX_CONFIDENCE, Recording, parse_name
from gymskel.skeleton import BODY_25, Skeleton

_HEADER = b"x,y,c"
_AT_ONCE = 32  # folders parsed together
_SPARSE = 1000  # frames a file, beyond which a number is no frame number


class HoleWarning(UserWarning):
    """Frames without a file became frames of NaN."""


def read_recording(
    folder: str | Path,
    *,
    person: int | None = None,
    fps: float | None = None,
    skeleton: Skeleton | None = None,
) -> Recording:
    """The recording in a folder of per-frame CSVs.

    Args:
        folder: a folder of files `activity-sample-athlete.mov-frame-person.csv`; any extension will do for
            the video, and names that say less are fine (`IMG_1234.MOV-0-0.csv`).
        person: which one, where the files hold several people.
        fps: frames a second; overrides what `recording.json` says.
        skeleton: layout of the rows; by default what `recording.json` says, else BODY_25.

    Returns:
        A Recording; a frame without a file is a frame of NaN, and a `HoleWarning` says which.

    Raises:
        FileNotFoundError: no such folder, or no such CSV in it.
        ValueError: several people and no `person`; a CSV that is not 25 rows of three numbers.
    """
    path = Path(folder)
    if not path.is_dir():
        raise FileNotFoundError(
            f"No folder {path}. Give the folder of one recording's CSVs, or use read_recordings for a tree or .zip."
        )
    people = _people(Folder(path), person, fps, skeleton)
    if len(people) > 1:
        told = "; ".join(f"person={one.index}: {len(one.files)} frames" for one in people)
        raise ValueError(
            f"{path} holds {len(people)} people ({told}). Say which with person=, or read all of them with read_recordings."
        )
    keypoints = _parse(people)[0]
    if isinstance(keypoints, ValueError):
        raise keypoints
    return people[0].recording(keypoints)


def read_recordings(
    root: str | Path,
    *,
    person: int | None = None,
    fps: float | None = None,
    labels: str | Path | pd.DataFrame | None = None,
    skeleton: Skeleton | None = None,
    only: Collection[Path] | None = None,
) -> list[Recording]:
    """Every recording in a tree of folders, or in a .zip of one, sorted by folder.

    Args:
        root: folder or .zip; each folder that holds CSVs directly is a recording. Where a name says no
            activity (`IMG_1234`), the folder right below `root` does: one folder per activity.
        person: take this person from every recording; by default every person is a Recording of their own.
        fps: frames a second; overrides what the files say.
        labels: a CSV file or DataFrame with columns file, activity and (optionally) athlete that says who
            does what in which video; it overrides names and folders.
        skeleton: as in `read_recording`.
        only: of a tree, these folders alone, as `extract_videos` names them in its result.

    Raises:
        FileNotFoundError: no such path, or no recording in it.
        ValueError: faulty files, all of them listed; a recording that `labels` do not name.
    """
    path = Path(root)
    if path.is_dir():
        recordings, faults = _read_all(csv_folders(path, only), person, fps, skeleton)
    elif path.is_file() and zipfile.is_zipfile(path):
        try:
            with open_zip(path) as archive:
                recordings, faults = _read_all(zip_folders(archive), person, fps, skeleton)
        except DAMAGED as fault:
            raise ValueError(f"{path} is damaged, or locked with a password: {fault}") from fault
    elif path.exists():
        raise ValueError(f"{path} is neither a folder nor a .zip of per-frame CSVs.")
    else:
        raise FileNotFoundError(f"No folder or .zip {path}.")
    if faults:
        more = [f"... and {len(faults) - 8} more"] if len(faults) > 8 else []
        raise ValueError(
            "\n".join([f"{len(faults)} recordings in {path} cannot be read:", *faults[:8], *more])
        )
    if not recordings:
        raise FileNotFoundError(
            f"No recording in {path}: expected folders of files like backflip-1-s07.mov-0-0.csv. "
            "Videos become such folders with `gymskel extract`; a .zip of them is named itself."
        )
    return recordings if labels is None else label_recordings(recordings, labels)


def _read_all(
    folders: Iterable[tuple[str | None, Folder | ZipFolder]],
    person: int | None,
    fps: float | None,
    skeleton: Skeleton | None,
) -> tuple[list[Recording], list[str]]:
    """Recordings and faults; `_AT_ONCE` folders are parsed together, as a parser's start costs most of its time."""
    recordings, faults = [], []
    folders = iter(folders)
    while batch := list(itertools.islice(folders, _AT_ONCE)):
        people: list[_Person] = []
        for activity, folder in batch:
            try:
                people += _people(folder, person, fps, skeleton, activity)
            except (ValueError, FileNotFoundError) as fault:
                faults.append(str(fault))
        for one, keypoints in zip(people, _parse(people), strict=True):
            if isinstance(keypoints, ValueError):
                faults.append(str(keypoints))
            else:
                try:
                    recordings.append(one.recording(keypoints))
                except ValueError as fault:
                    faults.append(str(fault))
    return recordings, faults


@dataclass(frozen=True)
class _Person:
    """One person's files in a folder, found but not read."""

    folder: Folder | ZipFolder
    index: int
    files: dict[int, str]
    video: str | None
    layout: Skeleton
    saved: Mapping[str, Any]
    fps: float | None
    activity: str | None

    def recording(self, parsed: np.ndarray) -> Recording:
        """The Recording with the parsed files at their frames; warns of holes that nobody meant."""
        numbers, saved = list(self.files), self.saved
        first = saved.get("first_frame", min(numbers, default=0))
        frames = saved.get("frames", max(numbers, default=first) - first + 1)
        if numbers and not first <= min(numbers) <= max(numbers) < first + frames:
            raise ValueError(
                f"{self.folder.label}: person {self.index} has files of frames {min(numbers)} to {max(numbers)}, "
                f"but {JSON_NAME} says {first} to {first + frames - 1}. Without it the CSVs can be read."
            )
        if frames > _SPARSE * max(len(numbers), _SPARSE):
            raise ValueError(
                f"{self.folder.label}: person {self.index} has {len(numbers)} files for {frames} frames; such "
                "numbers are no frame numbers. Number the files anew."
            )
        keypoints = np.full((frames, len(self.layout), 3), (np.nan, np.nan, 0), np.float32)
        keypoints[np.subtract(numbers, first).astype(int)] = parsed
        lacking = saved.get("files", 0) - len(numbers)
        if lacking > 0:
            warnings.warn(
                f"{self.folder.label}: person {self.index} has {len(numbers)} of the {saved['files']} files that {JSON_NAME} "
                "tells of; frames without one are NaN. Was it copied completely?",
                HoleWarning,
                stacklevel=4,
            )
        if len(numbers) < frames and not saved:  # recording.json tells that they are meant
            missing = sorted(set(range(first, first + frames)) - set(numbers))
            shown = ", ".join(map(str, missing[:8])) + (" ..." if len(missing) > 8 else "")
            warnings.warn(
                f"{self.folder.label}: person {self.index} has no file for {len(missing)} of {frames} frames "
                f"({shown}); they are NaN.",
                HoleWarning,
                stacklevel=4,
            )
        fields = {
            **parse_name(Path(self.video or "").stem),
            **{key: saved[key] for key in _SAVED if key in saved},
        }
        if fields["activity"] is None:
            fields["activity"] = self.activity
        size, times = saved.get("image_size"), saved.get("timestamps")
        return Recording(
            keypoints,
            skeleton=self.layout,
            video=self.video,
            person=self.index,
            first_frame=first,
            image_size=tuple(size) if size else None,
            timestamps=None if times is None or self.fps else np.asarray(times, float),
            **{**fields, "fps": self.fps or fields.get("fps")},
        )


def _people(
    folder: Folder | ZipFolder,
    wanted: int | None,
    fps: float | None,
    skeleton: Skeleton | None,
    activity: str | None = None,
) -> list[_Person]:
    """The people of one folder, from the names of its files and its recording.json."""
    files = frame_files(folder)
    known = saved_people(folder)
    people = sorted({person for _, person in files} | set(known))
    if not people:
        raise FileNotFoundError(f"No per-frame CSV in {folder.label}, and nobody in its {JSON_NAME}.")
    if wanted is not None:
        if wanted not in people:
            raise ValueError(f"{folder.label} holds no person {wanted}, only {people}.")
        people = [wanted]
    elif fps is None:
        refuse_mixed_rates(folder.label, known)
    found = []
    for person in people:
        saved = known.get(person, {})
        layout = skeleton or _layout(folder, saved)
        own = {frame: name for (frame, index), name in sorted(files.items()) if index == person}
        video = saved["video"] if "video" in saved else FILE_NAME.fullmatch(next(iter(own.values())))["video"]
        found.append(_Person(folder, person, own, video, layout, saved, fps, activity))
    return found


def _layout(folder: Folder | ZipFolder, saved: Mapping[str, Any]) -> Skeleton:
    """The layout that recording.json tells, else BODY_25."""
    if "skeleton" not in saved:
        return BODY_25
    try:
        return Skeleton.from_dict(saved["skeleton"])
    except (TypeError, ValueError, KeyError, AttributeError) as fault:
        raise ValueError(
            f"{folder.label}/{JSON_NAME}: a damaged skeleton ({fault}). Give skeleton=."
        ) from None


_SAVED = ("activity", "sample", "athlete", "fps", "estimator", "history")


def _parse(people: list[_Person]) -> list[np.ndarray | ValueError]:
    """For each person (files, joints, 3) float32, unseen as NaN, NaN, 0; or what is wrong with the files.

    All files are joined and parsed once; only where that fails is each person looked at alone.
    """
    bodies, size = [], len(_HEADER)
    for one in people:
        texts = [one.folder.read(name) for name in one.files.values()]
        own = [text[size:] if text.endswith(b"\n") else text[size:] + b"\n" for text in texts]
        lines = len(one.layout) + 1
        if any(text[:size] != _HEADER for text in texts) or any(body.count(b"\n") != lines for body in own):
            return _parse_alone(people)
        bodies += own
    try:  # a body starts with the header's line end, so that blank lines part the files
        table = pd.read_csv(io.BytesIO(b"".join(bodies)), header=None, dtype=np.float64, na_filter=False)
    except ValueError:
        return _parse_alone(people) if bodies else [np.zeros((0, len(one.layout), 3)) for one in people]
    values = table.to_numpy()
    rows = np.cumsum([len(one.files) * len(one.layout) for one in people])
    if values.shape != (rows[-1], 3):
        return _parse_alone(people)
    if not np.isfinite(values).all() or values[:, 2].min() < 0 or values[:, 2].max() > MAX_CONFIDENCE:
        return _parse_alone(people)
    keypoints = values.astype(np.float32)
    keypoints[~values.any(axis=-1), :2] = np.nan
    return [
        part.reshape(-1, len(one.layout), 3)
        for one, part in zip(people, np.split(keypoints, rows[:-1]), strict=True)
    ]


def _parse_alone(people: list[_Person]) -> list[np.ndarray | ValueError]:
    """As `_parse`, person by person, so that one faulty file costs only its own recording."""
    if len(people) == 1:
        one = people[0]
        names = list(one.files.values())
        return [_csv_fault(one.folder, names, [one.folder.read(name) for name in names], len(one.layout))]
    return [_parse([one])[0] for one in people]


def _csv_fault(folder: Folder | ZipFolder, names: list[str], texts: list[bytes], joints: int) -> ValueError:
    """The error that names the first faulty file, found by a slower second look."""
    for name, text in zip(names, texts, strict=True):
        lines = text.decode("utf-8", "replace").split()
        expected = f"expected the header x,y,c and {joints} rows of three numbers"
        if not lines or lines[0] != "x,y,c":
            return ValueError(f"{folder.label}/{name}: header is {lines[0] if lines else ''!r}; {expected}.")
        if len(lines) != joints + 1:
            return ValueError(
                f"{folder.label}/{name}: {len(lines) - 1} rows; {expected}. Another layout? Give skeleton=."
            )
        for row, line in enumerate(lines[1:]):
            try:
                x, y, c = map(float, line.split(","))
                good = np.isfinite([x, y, c]).all() and 0 <= c <= MAX_CONFIDENCE
            except ValueError:
                good = False
            if not good:
                return ValueError(
                    f"{folder.label}/{name}: row {row} is {line!r}; {expected} (unseen is 0,0,0; c lies in 0..1)."
                )
        if text.count(b"\n") != joints + text.endswith(b"\n"):
            return ValueError(
                f"{folder.label}/{name}: blank lines, or line ends other than \\n and \\r\\n; {expected}."
            )
    return ValueError(f"{folder.label}: its CSVs cannot be read; {expected}.")
