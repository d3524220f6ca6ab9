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
from pathlib import Path

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

    Body parts of a known layout become that layout; others become a new one, with mirror images by name (`RKnee`, `LKnee`
    or `right_knee`, `left_knee`). DeepLabCut gives every body part a place; `preprocess.drop_uncertain` drops the unlikely
    ones. Data without a likelihood get a confidence of 1. An individual without any place is left out, unless all are.

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
    scorer, columns, lines = _read_header(path, text)
    frames, values = _read_rows(path, text, len(columns) + 1, lines)
    names = list(dict.fromkeys(individual for individual, _, _ in columns))
    if person is not None and not 0 <= person < len(names):
        raise ValueError(f"{path} holds no person {person}; it has {len(names)}: {join_names(names)}.")
    first, last = int(frames.min()), int(frames.max())
    check_frame_numbers(str(path), first, last, len(frames))
    video = re.sub(r"DLC(?:_.*)?$", "", path.stem.partition(scorer)[0] if scorer else path.stem) or path.stem
    recordings = []
    for k, name in enumerate(names):
        own = [
            (row, part, coord) for row, (individual, part, coord) in enumerate(columns) if individual == name
        ]
        parts = list(dict.fromkeys(part for _, part, _ in own))
        layout = find_layout(parts, skeleton, label=f"{path}, {name or 'bodyparts'}")
        points = np.full((last - first + 1, len(layout), 3), np.nan)
        for row, part, coord in own:
            points[frames - first, layout.index(part), _COORDS.index(coord)] = values[:, row]
        keypoints = join_points(
            points[..., :2],
            points[..., 2] if any(coord == "likelihood" for *_, coord in own) else None,
            label=f"{path}, {name}" if name else str(path),
            joints=layout.joints,
            first_frame=first,
        )
        recordings.append(
            Recording(
                keypoints,
                skeleton=layout,
                person=k,
                **parse_video_name(video),
                video=f"{video}.mp4",
                fps=fps,
                first_frame=first,
                estimator=f"DeepLabCut {scorer}",
                history=({"step": "read_deeplabcut"},),
            )
        )
    if person is not None:
        return [recordings[person]]
    return [recording for recording in recordings if recording.seen.any()] or recordings[:1]


def _read_header(path: Path, text: str) -> tuple[str, list[tuple[str, str, str]], int]:
    """Return the scorer, (individual, body part, coordinate) of each column, and the number of lines."""
    rows = [row for _, row in zip(range(4), csv.reader(io.StringIO(text)), strict=False) if row]
    header = {row[0]: row[1:] for row in rows if row[0] in _HEADER_LINES}
    expected = [name for name in _HEADER_LINES if name != "individuals" or name in header]
    if list(header) != expected:
        shown = join_names(row[0] for row in rows)
        raise ValueError(
            f"{path}: its first lines begin with {shown}; expected DeepLabCut's {join_names(_HEADER_LINES)}."
        )
    coords = header["coords"]
    if coords and coords[0] == "":  # folder, video and picture are three columns
        raise ValueError(f"{path} holds labelled pictures, not the frames of a video.")
    individuals = header.get("individuals", [""] * len(coords))
    counts = {name: len(row) for name, row in header.items()}
    if len(set(counts.values())) > 1 or not coords:
        raise ValueError(f"{path}: the lines of its header have different numbers of columns: {counts}.")
    columns = list(zip(individuals, header["bodyparts"], coords, strict=True))
    if unknown := set(coords) - set(_COORDS):
        raise ValueError(
            f"{path}, line {len(expected)}: coordinate {min(unknown)!r}; expected {join_names(_COORDS)}."
        )
    if len(set(columns)) != len(columns):
        repeated = next(column for column in columns if columns.count(column) > 1)
        raise ValueError(f"{path}: the column {' '.join(filter(None, repeated))} is there twice.")
    wanted = [(individual, part, coord) for individual, part, _ in columns for coord in "xy"]
    if missing := [column for column in wanted if column not in columns]:
        raise ValueError(f"{path}: no column {missing[0][1]} {missing[0][2]}; each body part needs x and y.")
    return header["scorer"][0], columns, len(expected)


def _read_rows(path: Path, text: str, cells: int, lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows,) frame numbers and (rows, cells - 1) values below the header of so many lines; empty is NaN."""
    body = text.splitlines()[lines:]
    if not any(line.strip() for line in body):
        raise ValueError(f"{path} holds no frames below its header of {lines} lines.")
    for number, line in enumerate(body, lines + 1):
        if line.strip() and line.count(",") != cells - 1:
            found = line.count(",") + 1
            raise ValueError(f"{path}, line {number}: {found} columns, expected {cells}; cut off?")
    try:
        values = pd.read_csv(io.StringIO("\n".join(body)), header=None, dtype=np.float64).to_numpy()
    except ValueError:
        raise _cell_error(path, body, lines) from None
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
