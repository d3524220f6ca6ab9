"""Recordings <-> pandas DataFrames.

Wide, a row per frame, as in Parquet files:      recording frame seconds fps activity sample athlete video person
                                                 Nose_x Nose_y Nose_confidence Neck_x ...
Long and tidy, a row per joint and frame:        recording ... person joint x y confidence

`recording` counts recordings, `frame` counts as in the video, `seconds` begin at the recording's first frame unless it has
timestamps. Unseen is NaN, NaN, 0. A table lacks history, image size, estimator and space; `write_pack` keeps them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gymskel.formats.coordinates import check_frame_numbers, find_layout, join_points
from gymskel.messages import join_names
from gymskel.recording import MissingFramesWarning, Recording, parse_video_name
from gymskel.recording.times import frame_seconds
from gymskel.skeleton import Skeleton

TEXT_COLUMNS = ("activity", "sample", "athlete", "video")
_CHANNELS = ("x", "y", "confidence")
_SAME_TIME = 1e-6  # seconds between a timestamp and an even frame rate that count as equal
_ROUNDED_TIME = 6e-4  # seconds: timestamps are often written with three digits


def to_dataframe(recordings: Recording | Iterable[Recording], *, wide: bool = False) -> pd.DataFrame:
    """Return recordings as a table with a row per joint, or `wide` per frame; see the module for its columns.

    Raises:
        ValueError: no recordings, or several layouts.

    >>> to_dataframe(Recording(np.ones((2, 25, 3)), fps=2), wide=True)[["frame", "seconds", "Nose_x", "Nose_confidence"]]
       frame  seconds  Nose_x  Nose_confidence
    0      0      0.0     1.0              1.0
    1      1      0.5     1.0              1.0
    """
    recordings = [recordings] if isinstance(recordings, Recording) else list(recordings)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to put into a table.")
    layout = recordings[0].skeleton
    if odd := [one.name for one in recordings if one.skeleton != layout]:
        raise ValueError(
            f"{odd[0]} has another layout than {recordings[0].name}. Fix: make a table for each layout."
        )
    number = np.repeat(np.arange(len(recordings)), [len(one) for one in recordings])
    columns = {
        "recording": number,
        "frame": np.concatenate([one.first_frame + np.arange(len(one)) for one in recordings]),
        "seconds": np.concatenate([frame_seconds(one) for one in recordings]),
        "fps": np.array([one.fps or np.nan for one in recordings], float)[number],
        **{
            name: np.array([getattr(one, name) for one in recordings], object)[number]
            for name in TEXT_COLUMNS
        },
        "person": np.array([one.person for one in recordings])[number],
    }
    points = np.concatenate([one.keypoints for one in recordings])
    if wide:
        coordinates = pd.DataFrame(points.reshape(len(points), -1), columns=coordinate_columns(layout))
        return pd.concat([pd.DataFrame(columns), coordinates], axis=1)
    columns = {name: np.repeat(column, len(layout)) for name, column in columns.items()}
    columns["joint"] = np.tile(np.array(layout.joints, object), len(points))
    columns |= {name: points[..., k].ravel() for k, name in enumerate(_CHANNELS)}
    return pd.DataFrame(columns)


def coordinate_columns(layout: Skeleton) -> list[str]:
    """Return the names of the columns with keypoints in a wide table, in the order of a Recording's numbers."""
    return [f"{joint}_{channel}" for joint in layout.joints for channel in _CHANNELS]


def from_dataframe(
    frame: pd.DataFrame,
    *,
    fps: float | None = None,
    skeleton: Skeleton | None = None,
    label: str = "the table",
) -> list[Recording]:
    """Return the recordings in a table, wide or long; only the places are required.

    - Without `recording`, rows of one video, activity, sample, athlete and person belong together. A `recording` that is
      a text like backflip-1-ann gives activity, sample and athlete.
    - Without `confidence`, it is 1 for each place.
    - Without `fps`, even `seconds` give the frame rate; uneven ones become timestamps.
    - Without `frame` (wide), the rows are the frames in order.
    - A frame without a row is NaN, with a `MissingFramesWarning`. Other columns are ignored.

    Args:
        frame: the table; `label` is its name in messages.
        fps: frames a second; overrides the table.
        skeleton: layout of the joints; by default the known layout of these names, else a new one.

    Raises:
        ValueError: no rows or places; a frame or joint twice; several frame rates, videos or athletes in one recording;
            an invalid place or confidence.
    """
    if not len(frame):
        raise ValueError(f"{label} has no rows: no recording in it.")
    is_long = {"joint", "x", "y"} <= set(frame.columns)
    joints = _joint_names(frame, is_long, label)
    layout = find_layout(joints, skeleton, label=label)
    keys = ["recording"] if "recording" in frame else [*TEXT_COLUMNS, "person"]
    keys = [key for key in keys if key in frame]
    recordings = []
    for key, rows in frame.groupby(keys, sort=False, dropna=False) if keys else [((), frame)]:
        parts = key if isinstance(key, tuple) else (key,)
        shown = "-".join(str(part) for part in parts if not pd.isna(part))
        name = f"{label}, recording {shown}" if keys else label
        recordings.append(_make_recording(rows, parts, name, layout, is_long, fps))
    return recordings


def _joint_names(frame: pd.DataFrame, is_long: bool, label: str) -> list[str]:
    """Return the joints' names in their order in the table."""
    if is_long:
        return [str(joint) for joint in pd.unique(frame["joint"])]
    found: dict[str, set[str]] = {}
    for column in map(str, frame.columns):
        if match := re.fullmatch(r"(.+)_(x|y|confidence)", column):
            found.setdefault(match[1], set()).add(match[2])
    if not found:
        raise ValueError(
            f"{label} has the columns {join_names(frame.columns)}; expected joint, x, y (a row per joint) or columns "
            "like Nose_x, Nose_y (a row per frame)."
        )
    has_confidence = any("confidence" in channels for channels in found.values())
    expected = set(_CHANNELS) if has_confidence else {"x", "y"}
    for joint, channels in found.items():
        if channels != expected:
            raise ValueError(
                f"{label}: joint {joint} has the columns {sorted(channels)}, not {sorted(expected)}."
            )
    return list(found)


def _make_recording(
    rows: pd.DataFrame,
    key: tuple[Hashable, ...],
    label: str,
    layout: Skeleton,
    is_long: bool,
    fps: float | None,
) -> Recording:
    """Return the recording of some rows; `key` holds their values in the columns that group them."""
    if is_long and "frame" not in rows:
        raise ValueError(f"{label}: rows of joints need a column `frame`.")
    numbers = _numbers(rows, "frame", label) if "frame" in rows else np.arange(len(rows), dtype=float)
    if not (np.isfinite(numbers) & (numbers % 1 == 0)).all():
        raise ValueError(f"{label}: `frame` must be whole numbers, got {numbers[numbers % 1 != 0][0]:g}.")
    frames = numbers.astype(int)
    first, length = int(frames.min()), int(frames.max() - frames.min()) + 1
    check_frame_numbers(label, first, first + length - 1, len(rows))
    places, points = frames - first, np.full((length, len(layout), 3), np.nan, np.float64)
    has_confidence = "confidence" in rows or f"{layout.joints[0]}_confidence" in rows
    channels = _CHANNELS if has_confidence else _CHANNELS[:2]
    if is_long:
        joints = np.array(layout.indices(rows["joint"].astype(str)))
        _refuse_repeated(places * len(layout) + joints, frames, rows["joint"].to_numpy(), label)
        for k, channel in enumerate(channels):
            points[places, joints, k] = _numbers(rows, channel, label)
    else:
        _refuse_repeated(places, frames, None, label)
        for j, joint in enumerate(layout.joints):
            for k, channel in enumerate(channels):
                points[places, j, k] = _numbers(rows, f"{joint}_{channel}", label)
    missing = np.setdiff1d(np.arange(first, first + length), frames)
    if missing.size:
        warnings.warn(
            f"{label} has no row for {missing.size} of {length} frames ({join_names(missing)}); they are NaN.",
            MissingFramesWarning,
            stacklevel=3,
        )
    confidence = points[..., 2] if has_confidence else None
    keypoints = join_points(points[..., :2], confidence, label=label, joints=layout.joints, first_frame=first)
    rate, timestamps = _clock(rows, places, length, label, fps)
    fields = _metadata(rows, key, label)
    fields |= {"skeleton": layout, "fps": rate, "timestamps": timestamps, "first_frame": first}
    try:
        return Recording(keypoints, **fields)
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from None


def _numbers(rows: pd.DataFrame, column: str, label: str) -> np.ndarray:
    """Return a column as float64."""
    try:
        return pd.to_numeric(rows[column]).to_numpy(float, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{label}: `{column}` holds something else than numbers: {error}") from None


def _refuse_repeated(places: np.ndarray, frames: np.ndarray, joints: np.ndarray | None, label: str) -> None:
    """Raise ValueError if two rows have one place in the array; the message names its frame and joint."""
    is_repeated = pd.Series(places).duplicated().to_numpy()
    if is_repeated.any():
        row = int(is_repeated.argmax())
        joint = "" if joints is None else f", {joints[row]}"
        raise ValueError(
            f"{label}: frame {frames[row]}{joint} is there twice. "
            "Fix: add a column `person` or `recording` if there are several people."
        )


def _clock(
    rows: pd.DataFrame, place: np.ndarray, length: int, label: str, fps: float | None
) -> tuple[float | None, np.ndarray | None]:
    """Return the frame rate and the timestamps: `fps` of the caller, else what the columns say."""
    if fps is not None:
        return fps, None
    rate, seconds = _rate_column(rows, label), _seconds_column(rows, place, length, label)
    known = np.flatnonzero(~np.isnan(seconds))
    if not known.size:
        return rate, None
    if rate is not None and (np.abs(seconds - np.arange(length) / rate)[known] <= _SAME_TIME).all():
        return rate, None
    if rate is None and "fps" not in rows and known.size > 1:
        step = (seconds[known[-1]] - seconds[known[0]]) / (known[-1] - known[0])
        even = seconds[known[0]] + step * (known - known[0])
        if step > 0 and (np.abs(seconds[known] - even) <= _ROUNDED_TIME).all():
            return round(1 / step, 3), None
    if known.size < length:
        missing = f"{length - known.size} of {length} frames"
        raise ValueError(f"{label}: `seconds` are missing for {missing}. Fix: give fps=.")
    return rate, seconds


def _rate_column(rows: pd.DataFrame, label: str) -> float | None:
    """Return the one value of the column `fps`; None without one."""
    if "fps" not in rows:
        return None
    rates = sorted(set(_numbers(rows, "fps", label)[pd.notna(rows["fps"]).to_numpy()]))
    if len(rates) > 1:
        raise ValueError(
            f"{label}: several frame rates ({join_names(f'{rate:g}' for rate in rates)}) in one recording. "
            "Fix: give fps=, or split the recording."
        )
    return float(rates[0]) if rates else None


def _seconds_column(rows: pd.DataFrame, place: np.ndarray, length: int, label: str) -> np.ndarray:
    """Return (frames,) the column `seconds` at the rows' frames; NaN where it says nothing."""
    seconds = np.full(length, np.nan)
    if "seconds" in rows:
        given = _numbers(rows, "seconds", label)
        seconds[place] = given
        if not np.array_equal(seconds[place], given, equal_nan=True):
            frame = int(place[(seconds[place] != given) & ~np.isnan(given)][0])
            raise ValueError(f"{label}: row {frame} of its frames has two different times.")
    return seconds


def _metadata(rows: pd.DataFrame, key: tuple[Hashable, ...], label: str) -> dict[str, Any]:
    """Return activity, sample, athlete, video and person; each must be one for a recording."""
    fields: dict[str, Any] = {}
    for name in (*TEXT_COLUMNS, "person"):
        if name in rows:
            values = [value for value in pd.unique(rows[name]) if not pd.isna(value)]
            if len(values) > 1:
                raise ValueError(f"{label}: `{name}` is {values[0]!r} and {values[1]!r} in one recording.")
            if values:
                fields[name] = int(values[0]) if name == "person" else str(values[0])
    if {"activity", "sample", "athlete"} & set(rows.columns):
        return fields
    stem = next((part for part in key if isinstance(part, str)), None)
    stem = Path(fields["video"]).stem if "video" in fields else stem
    return {**parse_video_name(stem), **fields} if stem else fields


def read_table(
    path: str | Path, *, fps: float | None = None, skeleton: Skeleton | None = None
) -> list[Recording]:
    """Return the recordings in a CSV file with a row per frame or per joint; arguments and errors as `from_dataframe`."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}.")
    texts = dict.fromkeys((*TEXT_COLUMNS, "joint"), str)  # "007" may be an athlete
    try:
        table = pd.read_csv(path, dtype=texts, encoding="utf-8-sig")
    except ValueError as error:
        raise ValueError(f"{path} is no CSV with a row per frame or a row per joint: {error}") from None
    return from_dataframe(table, fps=fps, skeleton=skeleton, label=str(path))
