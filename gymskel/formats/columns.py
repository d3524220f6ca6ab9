"""Metadata of many recordings as columns of JSON, for packs, Parquet files and xarray.

A column holds each value once, and for each recording the index of its value. For the fields see `recording.metadata`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gymskel.recording import Recording
from gymskel.recording.metadata import (
    DAMAGED_JSON_ERRORS,
    RECORDING_FIELDS,
    check_field,
    field_text,
    parse_field,
)

COLUMNS_FORMAT = 1
"""Version of the JSON text."""

_NAMES = (*RECORDING_FIELDS, "timed")


Columns = dict[str, dict[str, list[Any]]]
"""Field name -> "values": distinct, as in JSON; "rows": for each recording the index of its value."""


def make_columns(recordings: Sequence[Recording], first: int = 0) -> Columns:
    """Return the metadata of recordings as columns; `first` is the number of the first one in messages.

    Raises:
        TypeError: an object that is no Recording, or that JSON cannot hold.
        ValueError: a value that breaks the rule of its field, with the recording's number.
    """
    for place, recording in enumerate(recordings):
        if not isinstance(recording, Recording):
            raise TypeError(f"`recordings` must be Recordings, got a {type(recording).__name__} at {place}.")
    layout_texts = {
        r.skeleton: field_text(r, "skeleton") for r in {r.skeleton: r for r in recordings}.values()
    }
    columns: Columns = {}
    for name in _NAMES:
        indices: dict[str, int] = {}  # by JSON text, as 60, 60.0 and True are equal to Python
        columns[name] = {"values": [], "rows": []}
        for number, recording in enumerate(recordings, first):
            text = layout_texts[recording.skeleton] if name == "skeleton" else field_text(recording, name)
            if text not in indices:
                value = json.loads(text)
                check_field(f"recording {number}", name, value)
                columns[name]["values"].append(value)
            columns[name]["rows"].append(indices.setdefault(text, len(indices)))
    return columns


def columns_to_json(columns: Columns, entries: Mapping[str, Any] | None = None) -> bytes:
    """Return columns as a JSON text, with the format's number and other entries."""
    return json.dumps({"format": COLUMNS_FORMAT, **(entries or {}), "columns": columns}).encode()


def fields_from_json(label: str, text: bytes) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return field name -> the attribute of each recording in a text by `columns_to_json`, and the whole content.

    Recordings with one value in the text share one object.

    Raises:
        ValueError: the text is damaged, of a newer gymskel, or a value breaks the rule of its field; the message
            starts with `label`.
    """
    try:
        content = json.loads(text)
        version = int(content["format"])
        stored = content["columns"] if version <= COLUMNS_FORMAT else {}
        columns = {name: {key: column[key] for key in ("values", "rows")} for name, column in stored.items()}
    except DAMAGED_JSON_ERRORS as error:
        raise ValueError(f"{label}: its metadata is damaged ({error!r:.200}).") from None
    if version > COLUMNS_FORMAT:
        raise ValueError(f"{label} was written by a newer gymskel (format {version}). Fix: update gymskel.")
    if set(columns) != set(_NAMES):
        raise ValueError(f"{label}: metadata on {sorted(columns)}, expected {sorted(_NAMES)}.")
    _check_columns(label, columns)
    fields = {}
    for name, column in columns.items():
        attributes = [parse_field(label, name, value) for value in column["values"]]
        fields[name] = [attributes[row] for row in column["rows"]]
    return fields, content


def _check_columns(label: str, columns: Columns) -> None:
    """Raise ValueError if columns have several lengths, or rows or values that are not valid."""
    first = columns["person"]["rows"]
    count = len(first) if isinstance(first, list) else -1
    for name, column in columns.items():
        values, rows = column["values"], column["rows"]
        if not isinstance(rows, list) or len(rows) != count or not isinstance(values, list):
            raise ValueError(f"{label}: `{name}` must have a row for each of {count} recordings.")
        if not all(type(row) is int and 0 <= row < len(values) for row in rows):
            raise ValueError(f"{label}: rows of `{name}` must be numbers from 0 to {len(values) - 1}.")
        for value in values:
            check_field(label, name, value)


def make_recordings(
    label: str,
    fields: Mapping[str, list[Any]],
    keypoints: Sequence[np.ndarray],
    timestamps: Sequence[np.ndarray | None],
    numbers: Iterable[int],
) -> list[Recording]:
    """Return recordings of metadata, keypoints and timestamps; errors start with `label` and one of `numbers`."""
    rows = zip(numbers, keypoints, timestamps, *(fields[name] for name in RECORDING_FIELDS), strict=True)
    recordings = []
    for number, points, times, *values in rows:
        attributes = dict(zip(RECORDING_FIELDS, values, strict=True))
        try:
            recordings.append(Recording(points, timestamps=times, **attributes))
        except ValueError as error:
            raise ValueError(f"{label}: recording {number}: {error}") from None
    return recordings
