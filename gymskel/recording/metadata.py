"""Metadata of a recording as JSON: everything but its numbers, with one set of rules for all file formats."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gymskel.messages import join_names
from gymskel.recording.folders import METADATA_NAME, Folder
from gymskel.recording.model import Recording
from gymskel.skeleton import Skeleton

METADATA_FORMAT = 1
"""Version of recording.json."""

DAMAGED_JSON_ERRORS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""Raised by parsing JSON that is cut off, damaged or of another form."""

Metadata = dict[str, Any]
"""Field name -> JSON value; a file of an earlier version may lack a field."""


@dataclass(frozen=True)
class Field:
    """One field of the metadata; null and None need no conversion."""

    expected: str  # description of a valid JSON value, for messages
    is_valid: Callable[[Any], bool]  # the rule for a JSON value
    to_json: Callable[[Any], Any] = lambda value: value  # from the attribute of a Recording
    from_json: Callable[[Any], Any] = lambda value: value  # from a valid JSON value to the attribute


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_steps(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) and "step" in entry for entry in value)


def _is_numbers(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(map(_is_number, value)))


_TEXT_OR_NULL = Field("a text or null", lambda value: value is None or isinstance(value, str))
_COUNT = Field("a whole number from 0", _is_count)

RECORDING_FIELDS: dict[str, Field] = {
    "fps": Field("a number or null", lambda value: value is None or _is_number(value)),
    "activity": _TEXT_OR_NULL,
    "sample": Field("a text", lambda value: isinstance(value, str)),
    "athlete": _TEXT_OR_NULL,
    "skeleton": Field("a layout", lambda data: isinstance(data, dict), Skeleton.to_dict, Skeleton.from_dict),
    "history": Field("a list of steps", _is_steps, lambda steps: [dict(step) for step in steps], tuple),
    "video": _TEXT_OR_NULL,
    "person": _COUNT,
    "first_frame": _COUNT,
    "image_size": Field(
        "two numbers or null",
        lambda value: value is None or (_is_numbers(value) and len(value) == 2),
        list,
        tuple,
    ),
    "estimator": _TEXT_OR_NULL,
    "space": Field("a text", lambda value: isinstance(value, str)),
}
"""Attributes of a Recording that are no arrays."""

FIELDS: dict[str, Field] = RECORDING_FIELDS | {
    "timed": Field("true or false", lambda value: isinstance(value, bool)),
    "timestamps": Field(
        "a list of seconds or null",
        _is_numbers,
        lambda times: np.asarray(times, float).tolist(),
        lambda times: np.asarray(times, float),
    ),
    "frames": Field("a whole number from 1", lambda value: _is_count(value) and value > 0),
    "files": _COUNT,
}
"""All fields. `timed`: it has timestamps, stored elsewhere; `frames` and `files`: numbers of frames and of CSVs."""


def field_text(recording: Recording, name: str) -> str:
    """Return the JSON text of one field of a recording; TypeError for an object that JSON cannot hold."""
    if name == "timed":
        return json.dumps(recording.timestamps is not None)
    value = getattr(recording, name)
    return json.dumps(None if value is None else FIELDS[name].to_json(value), default=_to_plain)


def check_field(label: str, name: str, value: Any, fix: str = "") -> None:
    """Raise ValueError if a JSON value breaks the rule of its field; the message starts with `label`."""
    if not FIELDS[name].is_valid(value):
        raise ValueError(f"{label}: `{name}` must be {FIELDS[name].expected}, got {value!r:.80}.{fix}")


def to_metadata(recording: Recording, names: Iterable[str]) -> Metadata:
    """Return these fields of a recording as JSON values, checked."""
    metadata = {name: json.loads(field_text(recording, name)) for name in names}
    for name, value in metadata.items():
        check_field(recording.name, name, value)
    return metadata


def parse_field(label: str, name: str, value: Any, fix: str = "") -> Any:
    """Return the attribute of a Recording for a valid JSON value; ValueError for a layout that is damaged inside."""
    try:
        return None if value is None else FIELDS[name].from_json(value)
    except DAMAGED_JSON_ERRORS as error:
        raise ValueError(f"{label}: `{name}` is damaged ({error}).{fix}") from None


def read_people_metadata(folder: Folder) -> dict[int, Metadata]:
    """Return the metadata of each person in a folder's recording.json; empty without that file.

    Raises:
        ValueError: it is damaged, of a newer gymskel, or a value breaks the rule of its field.
    """
    if METADATA_NAME not in folder.names:
        return {}
    label = f"{folder.label}/{METADATA_NAME}"
    fix = " Fix: delete it and give fps=; the CSVs can be read without it."
    try:
        content = json.loads(folder.read(METADATA_NAME))
        version = content["format"]
        known = content["people"] if version <= METADATA_FORMAT else {}
        people = {int(index): dict(saved) for index, saved in known.items()}
    except DAMAGED_JSON_ERRORS as error:
        raise ValueError(f"{label} is damaged ({error}).{fix}") from None
    if version > METADATA_FORMAT:
        raise ValueError(f"{label}: written by a newer gymskel (format {version}). Fix: update gymskel.")
    for person, saved in people.items():
        for name in FIELDS:
            if name in saved:
                check_field(f"{label}, person {person}", name, saved[name], fix)
    return people


def refuse_mixed_rates(label: str, people: Mapping[int, Metadata]) -> None:
    """Raise ValueError if the people of one video have several frame rates."""
    rates = {saved.get("fps"): person for person, saved in people.items()}
    if len(rates) > 1:
        shown = join_names(f"person {person}: {rate}" for rate, person in rates.items())
        raise ValueError(
            f"{label}/{METADATA_NAME}: several frame rates ({shown}). Fix: give fps= or person=."
        )


def _to_plain(value: Any) -> Any:
    """Return numpy's numbers and arrays as Python's, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a recording's fields or history cannot be stored as JSON.")
