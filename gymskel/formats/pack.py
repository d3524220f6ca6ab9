"""Recordings as one .npz file, for data sets too large for a small file per frame. There is no pickle in it.

numpy alone opens a pack, too: `np.load("moves.npz")` holds

    lengths       (recordings,) int64: frames of each recording, in order
    keypoints_0   (frames of all recordings of the first layout, joints, 3) float32, one recording after the other;
                  keypoints_1 ... for further layouts
    timestamps    (frames of the recordings that have them,) float64 seconds
    facts         UTF-8 JSON as uint8: all metadata, column by column, see formats/columns.py
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import DAMAGED_ERRORS, MAX_RATIO, RAISE_MAX_RATIO, open_zip, read_array
from gymskel.files import replace_file
from gymskel.formats.columns import columns_to_json, fields_from_json, make_columns, make_recordings
from gymskel.messages import join_names
from gymskel.recording import Recording


def write_pack(recordings: Iterable[Recording], path: str | Path, *, compress: bool = False) -> Path:
    """Write recordings as one .npz file and return its path; `read_pack` returns them bit for bit.

    The file appears complete or not at all. JSON changes only `history`: its tuples and arrays come back as lists.

    Args:
        recordings: any, at least one; layouts, frame rates and spaces may differ.
        path: the file; an existing one is replaced.
        compress: deflate. The published 113 recordings then take 16 % less room and 5 times as long to read
            (benchmarks/packs.py): coordinates are noise to a packer, so the default is not to.

    Raises:
        ValueError: no recordings; a value that breaks the rule of its field.
        TypeError: an object that is no Recording, or that JSON cannot hold.
    """
    recordings, path = list(recordings), Path(path)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to pack.")
    columns = make_columns(recordings)
    layouts = columns["skeleton"]
    times = [r.timestamps for r in recordings if r.timestamps is not None]
    arrays = {
        "facts": np.frombuffer(columns_to_json(columns), np.uint8),
        "lengths": np.array([len(r) for r in recordings], np.int64),
        "timestamps": np.concatenate([np.zeros(0), *times]),
    }
    for number in range(len(layouts["values"])):
        parts = [
            r.keypoints for r, layout in zip(recordings, layouts["rows"], strict=True) if layout == number
        ]
        arrays[f"keypoints_{number}"] = np.concatenate(parts)
    with replace_file(path) as part, part.open("wb") as file:
        (np.savez_compressed if compress else np.savez)(file, **arrays)
    return path


def read_pack(path: str | Path, *, max_ratio: float = MAX_RATIO) -> list[Recording]:
    """Return the recordings in a file by `write_pack`, in order.

    Their keypoints are parts of one array, which stays in memory as long as one of them is in use.

    Args:
        max_ratio: a file is refused if it unpacks to more than 64 MB and to more than this many times its own size.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is no pack, of a newer gymskel, damaged, or holds an invalid recording.

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
        with open_zip(path, max_ratio=max_ratio, hint=RAISE_MAX_RATIO) as archive:
            fields, arrays = _load(archive, path)
    except DAMAGED_ERRORS as error:
        raise ValueError(f"{path} is no pack, damaged or cut off: {error}") from error
    lengths = arrays["lengths"].tolist()
    ends: dict[str, int] = dict.fromkeys(arrays, 0)

    def take(name: str, length: int) -> np.ndarray:
        ends[name] += length
        return arrays[name][ends[name] - length : ends[name]]

    keypoints = [take(name, length) for name, length in zip(fields["array"], lengths, strict=True)]
    timestamps = [
        take("timestamps", length) if timed else None
        for timed, length in zip(fields["timed"], lengths, strict=True)
    ]
    return make_recordings(str(path), fields, keypoints, timestamps, range(len(lengths)))


def _load(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, list[Any]], dict[str, np.ndarray]]:
    """Return metadata and arrays of an open pack, checked against each other.

    The metadata has a further field, `array`: the name of the array that holds the recording's keypoints.
    """
    members = archive.namelist()
    if "facts.npy" not in members:
        raise ValueError(f"{path} is no pack: expected facts.npy, found {join_names(sorted(members))}.")

    def load(name: str, dtype: str, *shape: int) -> np.ndarray:
        return read_array(archive, f"{name}.npy", dtype, (None, *shape), label=f"{path}/{name}.npy")

    fields, _ = fields_from_json(f"{path}/facts.npy", load("facts", "|u1").tobytes())
    layouts = {id(layout): layout for layout in fields["skeleton"]}  # in the order of their arrays
    names = {key: f"keypoints_{number}" for number, key in enumerate(layouts)}
    fields["array"] = [names[id(layout)] for layout in fields["skeleton"]]
    joints = {names[key]: len(layout) for key, layout in layouts.items()}
    expected = {f"{name}.npy" for name in ("facts", "lengths", "timestamps", *joints)}
    if set(members) != expected:
        raise ValueError(f"{path}: expected {sorted(expected)}, found {join_names(sorted(members))}.")
    arrays = {name: load(name, "<f4", count, 3) for name, count in joints.items()}
    arrays |= {"lengths": load("lengths", "<i8"), "timestamps": load("timestamps", "<f8")}
    _check_lengths(path, fields, arrays)
    return fields, arrays


def _check_lengths(path: Path, fields: dict[str, list[Any]], arrays: dict[str, np.ndarray]) -> None:
    """Raise ValueError if the lengths of recordings do not fit the metadata and the arrays."""
    lengths, timed, array = arrays["lengths"], np.array(fields["timed"], bool), np.array(fields["array"])
    if lengths.shape != timed.shape or not timed.size:
        raise ValueError(f"{path}/lengths.npy: {len(lengths)} lengths for {timed.size} recordings.")
    names = [name for name in arrays if name.startswith("keypoints")]
    longest = max(len(arrays[name]) for name in names)
    if (bad := np.flatnonzero((lengths < 1) | (lengths > longest))).size:
        raise ValueError(f"{path}/lengths.npy: recording {bad[0]} cannot have {lengths[bad[0]]} frames.")
    totals = {name: int(lengths[array == name].sum()) for name in names}
    for name, total in {**totals, "timestamps": int(lengths[timed].sum())}.items():
        if len(arrays[name]) != total:
            raise ValueError(f"{path}/{name}.npy: {len(arrays[name])} frames, the lengths add up to {total}.")
