"""DeepLabCut's CSV files to recordings, of one individual or several.

scorer,DLC_resnet50_x,DLC_resnet50_x,DLC_resnet50_x, ...
individuals,ann,ann,ann, ...                                (if there are several)
bodyparts,Nose,Nose,Nose, ...
coords,x,y,likelihood, ...
0,101.5,88.2,0.99, ...
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from gymskel.formats.coordinates import check_frame_numbers, find_layout, join_points
from gymskel.messages import join_names
from gymskel.recording import Recording, parse_video_name
from gymskel.skeleton import Skeleton

_COORDS = ("x", "y", "likelihood")
_HEADER_LINES = ("scorer", "individuals", "bodyparts", "coords")


def is_deeplabcut(path: str | Path) -> bool:
    """Return True if a file begins as DeepLabCut's CSVs do."""
    with Path(path).open("rb") as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").startswith(b"scorer,")


def read_deeplabcut(
    path: str | Path,
    *,
    fps: float | None = None,
    person: int | None = None,
    skeleton: Skeleton | None = None,
) -> list[Recording]:
    """Return the individuals in a CSV of DeepLabCut, a Recording each, in the order of the columns.

    Body parts that are the joints of a known layout become that layout, in its order. Others become a new layout, in
    which `RKnee` and `LKnee`, or `right_knee` and `left_knee`, are mirror images. DeepLabCut gives every body part a
    place; `preprocess.drop_uncertain` drops the unlikely ones. Labelled data have no likelihood and get a confidence
    of 1. An individual without any place is left out, unless all are.

    Args:
        path: the file, `<video>DLC_<network ...>.csv`; the video's name is the part before the scorer.
        fps: frames a second; the file does not contain it.
        person: read only this individual, counted from 0 in the order of the columns.
        skeleton: layout with exactly these body parts.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such header; a row that is cut off or no number; a place without a likelihood; with the line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error}") from None
    header = _read_header(path, text)
    frames, values = _read_rows(path, text, header)
    names = list(dict.fromkeys(column.individual for column in header.columns))
    if person is not None and not 0 <= person < len(names):
        raise ValueError(f"{path} holds no person {person}; it has {len(names)}: {join_names(names)}.")
    check_frame_numbers(str(path), int(frames.min()), int(frames.max()), len(frames))
    video = _video_name(path, header.scorer)
    recordings = []
    for k, name in enumerate(names):
        keypoints, layout = _keypoints_of(path, name, header, frames, values, skeleton)
        recordings.append(
            Recording(
                keypoints,
                skeleton=layout,
                person=k,
                **parse_video_name(video),
                video=f"{video}.mp4",
                fps=fps,
                first_frame=int(frames.min()),
                estimator=f"DeepLabCut {header.scorer}",
                history=({"step": "read_deeplabcut"},),
            )
        )
    if person is not None:
        return [recordings[person]]
    return [recording for recording in recordings if recording.seen.any()] or recordings[:1]


class _Column(NamedTuple):
    """Content of a column; `individual` is empty if there is only one."""

    individual: str
    part: str
    coord: str


@dataclass(frozen=True)
class _Header:
    """First lines of a file: the scorer, the columns, and the number of lines."""

    scorer: str
    columns: list[_Column]
    lines: int


def _keypoints_of(
    path: Path,
    name: str,
    header: _Header,
    frames: np.ndarray,
    values: np.ndarray,
    skeleton: Skeleton | None,
) -> tuple[np.ndarray, Skeleton]:
    """Return (frames, joints, 3) keypoints of one individual, and their layout."""
    own = [(number, column) for number, column in enumerate(header.columns) if column.individual == name]
    parts = list(dict.fromkeys(column.part for _, column in own))
    layout = find_layout(parts, skeleton, label=f"{path}, {name or 'bodyparts'}")
    first, last = int(frames.min()), int(frames.max())
    points = np.full((last - first + 1, len(layout), 3), np.nan)
    for number, column in own:
        points[frames - first, layout.index(column.part), _COORDS.index(column.coord)] = values[:, number]
    has_likelihood = any(column.coord == "likelihood" for _, column in own)
    keypoints = join_points(
        points[..., :2],
        points[..., 2] if has_likelihood else None,
        label=f"{path}, {name}" if name else str(path),
        joints=layout.joints,
        first_frame=first,
    )
    return keypoints, layout


def _read_header(path: Path, text: str) -> _Header:
    """Return the first lines of a file.

    Raises:
        ValueError: they are not those of DeepLabCut, or columns are missing, repeated or unknown.
    """
    rows = [row for _, row in zip(range(4), csv.reader(io.StringIO(text)), strict=False) if row]
    lines = {row[0]: row[1:] for row in rows if row[0] in _HEADER_LINES}
    expected = [name for name in _HEADER_LINES if name != "individuals" or name in lines]
    if list(lines) != expected:
        raise ValueError(
            f"{path}: its first lines begin with {join_names(row[0] for row in rows)}; expected DeepLabCut's scorer, "
            "(individuals,) bodyparts, coords."
        )
    if lines["coords"] and lines["coords"][0] == "":  # folder, video and picture are three columns
        raise ValueError(f"{path} holds labelled pictures, not the frames of a video.")
    individuals = lines.get("individuals", [""] * len(lines["coords"]))
    if not len(lines["scorer"]) == len(individuals) == len(lines["bodyparts"]) == len(lines["coords"]) > 0:
        counts = {name: len(row) for name, row in lines.items()}
        raise ValueError(f"{path}: the lines of its header have different numbers of columns: {counts}.")
    names = zip(individuals, lines["bodyparts"], lines["coords"], strict=True)
    header = _Header(lines["scorer"][0], [_Column(*name) for name in names], len(expected))
    _check_columns(path, header)
    return header


def _check_columns(path: Path, header: _Header) -> None:
    """Raise ValueError if a coordinate is unknown, a column is there twice, or x or y of a body part is missing."""
    columns = header.columns
    if unknown := [column.coord for column in columns if column.coord not in _COORDS]:
        raise ValueError(
            f"{path}, line {header.lines}: coordinate {unknown[0]!r}; expected x, y, likelihood."
        )
    if len(set(columns)) != len(columns):
        repeated = next(column for column in columns if columns.count(column) > 1)
        raise ValueError(f"{path}: the column {' '.join(filter(None, repeated))} is there twice.")
    for column in columns:
        for coord in "xy":
            if column._replace(coord=coord) not in columns:
                raise ValueError(f"{path}: no column {column.part} {coord}; each body part needs x and y.")


def _read_rows(path: Path, text: str, header: _Header) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows,) frame numbers and (rows, columns) values below the header; an empty cell is NaN."""
    body = text.splitlines()[header.lines :]
    if not any(line.strip() for line in body):
        raise ValueError(f"{path} holds no frames below its header of {header.lines} lines.")
    cells = len(header.columns) + 1
    for number, line in enumerate(body, header.lines + 1):
        if line.strip() and line.count(",") != cells - 1:
            raise ValueError(
                f"{path}, line {number}: {line.count(',') + 1} columns, expected {cells} as in the header; cut off?"
            )
    try:
        values = pd.read_csv(io.StringIO("\n".join(body)), header=None, dtype=np.float64).to_numpy()
    except ValueError:
        raise _cell_error(path, body, header.lines) from None
    frames = values[:, 0]
    if not (np.isfinite(frames) & (frames % 1 == 0)).all() or len(set(frames)) != len(frames):
        raise ValueError(f"{path}: its first column must be whole numbers of frames, each once.")
    return frames.astype(int), values[:, 1:]


def _cell_error(path: Path, body: list[str], lines: int) -> ValueError:
    """Return the error that names the first cell that is no number; a slower second look finds it."""
    for number, line in enumerate(body, lines + 1):
        for cell in line.split(","):
            try:
                float(cell or "nan")
            except ValueError:
                return ValueError(f"{path}, line {number}: {cell!r} is no number.")
    return ValueError(f"{path}: numbers that cannot be read below line {lines}.")


def _video_name(path: Path, scorer: str) -> str:
    """Return the name of the video: the part of the file's name before the scorer."""
    before = path.stem.partition(scorer)[0] if scorer else path.stem
    return re.sub(r"DLC(?:_.*)?$", "", before) or path.stem
