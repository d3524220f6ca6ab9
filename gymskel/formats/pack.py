"""Recordings as one .npz file, for data sets too large for a small file a frame. There is no pickle in it.

numpy alone opens a pack, too: `np.load("moves.npz")` holds

    lengths       (recordings,) int64: frames of each recording, in order
    keypoints_0   (frames of all recordings of the first layout, joints, 3) float32, one recording after the other;
                  keypoints_1 ... for further layouts
    timestamps    (frames of the recordings that have them,) float64 seconds
    facts         UTF-8 JSON as uint8: everything else, column by column, see `columns_of`
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import DAMAGED_ERRORS, MAX_RATIO, open_zip, read_array
from gymskel.recording import Recording
from gymskel.skeleton import Skeleton

FORMAT = 1

Columns = Mapping[str, tuple[list[Any], list[int]]]
"""Field -> the values there are, and which of them each recording has."""


def write_pack(recordings: Iterable[Recording], path: str | Path, *, compress: bool = False) -> Path:
    """Writes recordings as one .npz file and returns its path; `read_pack` gives them back bit for bit.

    The file is complete or not there: it is written beside and moved. Only what JSON does not know changes in
    `history`: its tuples come back as lists, its arrays as lists.

    Args:
        recordings: any, at least one; layouts, frame rates and spaces may differ.
        path: the file; another one there is replaced.
        compress: deflate. The published 113 recordings then take 16 % less room and 5 times as long to read
            (benchmarks/packs.py): coordinates are noise to a packer, so the default is not to.

    Raises:
        ValueError: no recordings; a field that a file cannot hold.
    """
    recordings, path = list(recordings), Path(path)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to pack.")
    columns = columns_of(recordings)
    layouts, layout_of = columns["skeleton"]
    arrays = {
        "facts": np.frombuffer(facts_text({"columns": columns}), np.uint8),
        "lengths": np.array([len(r) for r in recordings], np.int64),
        "timestamps": np.concatenate(
            [np.zeros(0), *(r.timestamps for r in recordings if r.timestamps is not None)]
        ),
    }
    for number in range(len(layouts)):
        own = [r.keypoints for r, layout in zip(recordings, layout_of, strict=True) if layout == number]
        arrays[f"keypoints_{number}"] = np.concatenate(own)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            (np.savez_compressed if compress else np.savez)(file, **arrays)
        os.replace(part, path)  # noqa: PTH105 (says what it does)
    finally:
        part.unlink(missing_ok=True)
    return path


def read_pack(path: str | Path, *, max_ratio: float = MAX_RATIO) -> list[Recording]:
    """The recordings in a file of `write_pack`, in order.

    Their keypoints are parts of one array, which stays in memory as long as one of them is in use.

    Args:
        path: the file.
        max_ratio: a file that unpacks to more than 64 MB and to more than this many times its own size is
            refused: it is rather a decompression bomb than keypoints.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is no pack, of a newer gymskel, damaged, or holds what is no recording; the
            message says where.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_pack([Recording(np.ones((2, 25, 3)), 60, "backflip", athlete="ann")], f"{folder}/one.npz")
    ...     read_pack(path)
    [<Recording backflip-1-ann: 2 frames at 60 fps, BODY_25>]
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No pack {path}.")
    try:
        with open_zip(path, max_ratio=max_ratio, hint="If you trust it, raise max_ratio=.") as archive:
            fields, arrays = _load(archive, path)
    except DAMAGED_ERRORS as fault:
        raise ValueError(f"{path} is no pack, damaged or cut off: {fault}") from fault
    lengths = arrays["lengths"].tolist()
    ends: dict[str, int] = dict.fromkeys(arrays, 0)

    def take(name: str, length: int) -> np.ndarray:
        ends[name] += length
        return arrays[name][ends[name] - length : ends[name]]

    keypoints = [take(name, length) for name, length in zip(fields["layout"], lengths, strict=True)]
    times = [
        take("timestamps", length) if timed else None
        for timed, length in zip(fields["timed"], lengths, strict=True)
    ]
    return recordings_of(str(path), fields, keypoints, times, range(len(lengths)))


# --- the facts of recordings as columns: what a pack and a Parquet file say beside the numbers -------------------


def columns_of(recordings: Sequence[Recording], first: int = 0) -> Columns:
    """Every field but the numbers: each value once, and for each recording which one it has.

    `first` is the number of the first recording in errors.

    Raises:
        TypeError: something that is no Recording.
        ValueError: a field that is not what it should be, with the recording's number.
    """
    for place, one in enumerate(recordings):
        if not isinstance(one, Recording):
            raise TypeError(f"`recordings` must be Recordings, got a {type(one).__name__} at {place}.")
    columns = {}
    layouts = {
        r.skeleton: json.dumps(r.skeleton.to_dict()) for r in {r.skeleton: r for r in recordings}.values()
    }
    for name, (fits, wanted) in _FIELDS.items():
        known: dict[str, int] = {}  # by their text, as 60, 60.0 and True are equal to Python
        rows = []
        for one in recordings:
            text = (
                layouts[one.skeleton] if name == "skeleton" else json.dumps(_field(one, name), default=_plain)
            )
            if text not in known and not fits(json.loads(text)):
                raise ValueError(
                    f"recording {first + len(rows)}: `{name}` must be {wanted}, got {text[:80]}."
                )
            rows.append(known.setdefault(text, len(known)))
        columns[name] = [json.loads(text) for text in known], rows
    return columns


def facts_text(facts: Mapping[str, Any]) -> bytes:
    """The facts as JSON, columns included, with the format's number."""
    columns = {name: {"values": values, "rows": rows} for name, (values, rows) in facts["columns"].items()}
    return json.dumps({"format": FORMAT, **facts, "columns": columns}).encode()


def read_facts(label: str, text: bytes) -> dict[str, Any]:
    """What `facts_text` wrote, checked; `label` says in errors where it stood."""
    damaged = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
    try:
        facts = json.loads(text)
        version = int(facts["format"])
    except damaged as fault:
        raise ValueError(f"{label}: its facts are damaged ({fault!r:.200}).") from None
    if version > FORMAT:
        raise ValueError(f"{label} was written by a newer gymskel (format {version}). Update gymskel.")
    try:
        columns = {name: (column["values"], column["rows"]) for name, column in facts["columns"].items()}
    except damaged as fault:
        raise ValueError(f"{label}: its facts are damaged ({fault!r:.200}).") from None
    if set(columns) != set(_FIELDS):
        raise ValueError(f"{label}: facts on {sorted(columns)}, expected {sorted(_FIELDS)}.")
    count = len(columns["person"][1]) if isinstance(columns["person"][1], list) else -1
    for name, (values, rows) in columns.items():
        fits, wanted = _FIELDS[name]
        if not isinstance(rows, list) or len(rows) != count or not isinstance(values, list):
            raise ValueError(f"{label}: `{name}` must have a row for each of {count} recordings.")
        if not all(type(row) is int and 0 <= row < len(values) for row in rows):
            raise ValueError(f"{label}: rows of `{name}` must be numbers from 0 to {len(values) - 1}.")
        if wrong := [value for value in values if not fits(value)]:
            raise ValueError(f"{label}: `{name}` must be {wanted}, got {wrong[0]!r:.80}.")
    return {**facts, "columns": columns}


def fields_of(label: str, columns: Columns) -> dict[str, list[Any]]:
    """Field -> a value for each recording, as a Recording has it; equal values are one object."""
    try:
        layouts = [Skeleton.from_dict(facts) for facts in columns["skeleton"][0]]
    except (TypeError, ValueError, AttributeError, KeyError) as fault:
        raise ValueError(f"{label}: a damaged skeleton ({fault}).") from None
    live = {name: values for name, (values, _) in columns.items()}
    live["skeleton"] = layouts
    live["history"] = [tuple(steps) for steps in live["history"]]
    live["image_size"] = [size and tuple(size) for size in live["image_size"]]
    return {name: [live[name][row] for row in rows] for name, (_, rows) in columns.items()}


def recordings_of(
    label: str,
    fields: Mapping[str, list[Any]],
    keypoints: Sequence[np.ndarray],
    times: Sequence[np.ndarray | None],
    numbers: Iterable[int],
) -> list[Recording]:
    """Recordings of fields, keypoints and timestamps; `numbers` are what they are called in errors."""
    names = [name for name in _FIELDS if name != "timed"]
    rows = zip(numbers, keypoints, times, *(fields[name] for name in names), strict=True)
    recordings = []
    for number, points, clock, *values in rows:
        try:
            recordings.append(Recording(points, timestamps=clock, **dict(zip(names, values, strict=True))))
        except ValueError as fault:
            raise ValueError(f"{label}: recording {number}: {fault}") from None
    return recordings


def _field(recording: Recording, name: str) -> Any:
    if name == "timed":
        return recording.timestamps is not None
    value = getattr(recording, name)
    if name == "history":
        return [dict(entry) for entry in value]
    return list(value) if name == "image_size" and value is not None else value


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a recording's fields or history cannot be stored as JSON.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return type(value) is int


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_size(value: Any) -> bool:
    return value is None or (isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)))


def _is_history(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) and "step" in entry for entry in value)


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "fps": (lambda value: value is None or _is_number(value), "a number or null"),
    "activity": (_is_text, "a text or null"),
    "sample": (lambda value: isinstance(value, str), "a text"),
    "athlete": (_is_text, "a text or null"),
    "skeleton": (lambda value: isinstance(value, dict), "a layout"),
    "history": (_is_history, "a list of steps"),
    "video": (_is_text, "a text or null"),
    "person": (_is_count, "a whole number"),
    "first_frame": (_is_count, "a whole number"),
    "image_size": (_is_size, "two numbers or null"),
    "estimator": (_is_text, "a text or null"),
    "space": (_is_text, "a text"),
    "timed": (lambda value: isinstance(value, bool), "true or false"),
}


# --- the arrays in a .npz, looked at before they are made --------------------------------------------------------


def _load(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, list[Any]], dict[str, np.ndarray]]:
    """Fields and arrays, with all that can be wrong between them checked."""
    members = archive.namelist()
    if "facts.npy" not in members:
        raise ValueError(
            f"{path} is no pack: expected facts.npy and each name once, found {sorted(members)[:8]}."
        )

    def load(name: str, dtype: str, *tail: int) -> np.ndarray:
        return read_array(archive, f"{name}.npy", dtype, (None, *tail), label=f"{path}/{name}.npy")

    columns = read_facts(f"{path}/facts.npy", load("facts", "|u1").tobytes())["columns"]
    fields = fields_of(f"{path}/facts.npy", columns)
    fields["layout"] = [f"keypoints_{row}" for row in columns["skeleton"][1]]
    names = {f"keypoints_{row}": len(facts["joints"]) for row, facts in enumerate(columns["skeleton"][0])}
    wanted = {f"{name}.npy" for name in ("facts", "lengths", "timestamps", *names)}
    if set(members) != wanted:
        raise ValueError(f"{path}: expected {sorted(wanted)}, found {sorted(members)[:8]}.")
    arrays = {name: load(name, "<f4", joints, 3) for name, joints in names.items()}
    arrays |= {"lengths": load("lengths", "<i8"), "timestamps": load("timestamps", "<f8")}
    lengths, timed = arrays["lengths"], np.array(fields["timed"], bool)
    if lengths.shape != timed.shape or not timed.size:
        raise ValueError(f"{path}/lengths.npy: {len(lengths)} lengths for {timed.size} recordings.")
    longest = max(len(arrays[name]) for name in names)
    if (bad := np.flatnonzero((lengths < 1) | (lengths > longest))).size:
        raise ValueError(f"{path}/lengths.npy: recording {bad[0]} cannot have {lengths[bad[0]]} frames.")
    layout = np.array(fields["layout"])
    sums = {name: int(lengths[layout == name].sum()) for name in names}
    for name, total in {**sums, "timestamps": int(lengths[timed].sum())}.items():
        if len(arrays[name]) != total:
            raise ValueError(
                f"{path}/{name}.npy: {len(arrays[name])} frames, but the lengths add up to {total}."
            )
    return fields, arrays
