"""DeepLabCut's CSV files to recordings, of one animal or several: people are animals, too.

scorer,DLC_resnet50_x,DLC_resnet50_x,DLC_resnet50_x, ...
individuals,ann,ann,ann, ...                                (where there are several)
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
from gymskel.recording import Recording, parse_video_name
from gymskel.skeleton import Skeleton

_COORDS = ("x", "y", "likelihood")


def is_deeplabcut(path: str | Path) -> bool:
    """Whether a file begins as DeepLabCut's CSVs do."""
    with Path(path).open("rb") as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").startswith(b"scorer,")


def read_deeplabcut(
    path: str | Path,
    *,
    fps: float | None = None,
    person: int | None = None,
    skeleton: Skeleton | None = None,
) -> list[Recording]:
    """Everybody in a CSV of DeepLabCut, a Recording each, in the order of the columns.

    Body parts that are the joints of a known layout become that layout, in its order; others a layout of their own
    names, where `RKnee` and `LKnee`, or `right_knee` and `left_knee` are mirror images. DeepLabCut gives a place however
    unlikely it is; `preprocess.drop_uncertain` drops the unlikely ones. Labelled data, which have no likelihood, get a
    confidence of 1. An individual without a place anywhere is left out, unless nobody has one.

    Args:
        path: the file, `<video>DLC_<network ...>.csv`; the name of the video is what stands before the scorer.
        fps: frames a second; the file does not say.
        person: take this individual, counted from 0 in the order of the columns.
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
    except UnicodeDecodeError as fault:
        raise ValueError(f"{path} is no text in UTF-8: {fault}") from None
    scorer, columns, lines = _header(path, text)
    frames, values = _values(path, text, columns, lines)
    names = list(dict.fromkeys(who for who, _, _ in columns))
    if person is not None and not 0 <= person < len(names):
        raise ValueError(f"{path} holds no person {person}; it has {len(names)}: {', '.join(names)}.")
    first, last = int(frames.min()), int(frames.max())
    check_frame_numbers(str(path), first, last, len(frames))
    facts = {"fps": fps, "first_frame": first, "estimator": f"DeepLabCut {scorer}"}
    facts["history"] = ({"step": "read_deeplabcut"},)
    facts |= {**parse_video_name(_video(path, scorer)), "video": f"{_video(path, scorer)}.mp4"}
    recordings = []
    for k, who in enumerate(names):
        own = [column for column, (name, _, _) in enumerate(columns) if name == who]
        parts = list(dict.fromkeys(columns[column][1] for column in own))
        layout = find_layout(parts, skeleton, label=f"{path}, {who or 'bodyparts'}")
        keypoints = np.full((last - first + 1, len(layout), 3), np.nan)
        for column in own:
            _, part, coord = columns[column]
            keypoints[frames - first, layout.index(part), _COORDS.index(coord)] = values[:, column]
        confidence = keypoints[..., 2] if any(columns[column][2] == "likelihood" for column in own) else None
        label = f"{path}, {who}" if who else str(path)
        points = join_points(
            keypoints[..., :2], confidence, label=label, joints=layout.joints, first_frame=first
        )
        recordings.append(Recording(points, skeleton=layout, person=k, **facts))
    if person is not None:
        return [recordings[person]]
    return [one for one in recordings if one.seen.any()] or recordings[:1]


def _header(path: Path, text: str) -> tuple[str, list[tuple[str, str, str]], int]:
    """The scorer, (individual, body part, coordinate) of each column, and the number of lines this took."""
    rows = list(zip(range(4), csv.reader(io.StringIO(text)), strict=False))
    told = {
        row[0]: row[1:]
        for _, row in rows
        if row and row[0] in ("scorer", "individuals", "bodyparts", "coords")
    }
    wanted = ["scorer", *(["individuals"] if "individuals" in told else []), "bodyparts", "coords"]
    if list(told) != wanted:
        raise ValueError(
            f"{path}: its first lines begin with {[row[0] for _, row in rows if row]}; expected DeepLabCut's scorer, "
            "(individuals,) bodyparts, coords."
        )
    if told["coords"] and told["coords"][0] == "":  # folder, video and picture stand in three columns
        raise ValueError(f"{path} holds labelled pictures, not the frames of a video.")
    people = told.get("individuals", [""] * len(told["coords"]))
    if not len(told["scorer"]) == len(people) == len(told["bodyparts"]) == len(told["coords"]) > 0:
        counts = {name: len(row) for name, row in told.items()}
        raise ValueError(f"{path}: the lines of its header have different numbers of columns: {counts}.")
    columns = list(zip(people, told["bodyparts"], told["coords"], strict=True))
    if odd := [coord for _, _, coord in columns if coord not in _COORDS]:
        raise ValueError(f"{path}, line {len(wanted)}: coordinate {odd[0]!r}; expected x, y, likelihood.")
    if len(set(columns)) != len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise ValueError(f"{path}: the column {' '.join(filter(None, twice))} is there twice.")
    lacking = [
        f"{part} {coord}" for who, part, _ in columns for coord in "xy" if (who, part, coord) not in columns
    ]
    if lacking:
        raise ValueError(f"{path}: no column {lacking[0]}; each body part needs x and y.")
    return told["scorer"][0], columns, len(wanted)


def _values(path: Path, text: str, columns: list, lines: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) numbers of frames and (rows, columns) values below the header; an empty cell is NaN."""
    body = text.splitlines()[lines:]
    if not any(line.strip() for line in body):
        raise ValueError(f"{path} holds no frames below its header of {lines} lines.")
    cells = len(columns) + 1
    for number, line in enumerate(body, lines + 1):
        if line.strip() and line.count(",") != cells - 1:
            found = line.count(",") + 1
            raise ValueError(
                f"{path}, line {number}: {found} columns, expected {cells} as in the header; cut off?"
            )
    try:
        values = pd.read_csv(io.StringIO("\n".join(body)), header=None, dtype=np.float64).to_numpy()
    except ValueError:
        raise _cell_fault(path, body, lines) from None
    frames = values[:, 0]
    if not (np.isfinite(frames) & (frames % 1 == 0)).all() or len(set(frames)) != len(frames):
        raise ValueError(f"{path}: its first column must be whole numbers of frames, each once.")
    return frames.astype(int), values[:, 1:]


def _cell_fault(path: Path, body: list[str], lines: int) -> ValueError:
    """The error that names the first cell that is no number, found by a slower second look."""
    for number, line in enumerate(body, lines + 1):
        for cell in line.split(","):
            try:
                float(cell or "nan")
            except ValueError:
                return ValueError(f"{path}, line {number}: {cell!r} is no number.")
    return ValueError(f"{path}: numbers that cannot be read below line {lines}.")


def _video(path: Path, scorer: str) -> str:
    """The name of the video, which stands before the scorer in the file's name."""
    before = path.stem.partition(scorer)[0] if scorer else path.stem
    return re.sub(r"DLC(?:_.*)?$", "", before) or path.stem
