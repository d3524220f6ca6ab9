"""recording.json: what the CSVs of a recording cannot say, read and checked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

JSON_NAME = "recording.json"
JSON_FORMAT = 1


def saved_people(folder: Any) -> dict[int, dict[str, Any]]:
    """What recording.json says of each person; nothing where there is none.

    Raises:
        ValueError: it is damaged, of a newer gymskel, or a field of a person is not what it should be.
    """
    if JSON_NAME not in folder.names:
        return {}
    where = f"{folder.label}/{JSON_NAME}"
    try:
        facts = json.loads(folder.read(JSON_NAME))
        newer = facts["format"] > JSON_FORMAT
        people = {} if newer else {int(index): dict(saved) for index, saved in facts["people"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise ValueError(
            f"{where} is damaged ({fault}). Without it the CSVs can be read, if fps is given."
        ) from None
    if newer:
        raise ValueError(f"{where}: written by a newer gymskel (format {facts['format']}). Update gymskel.")
    for person, saved in people.items():
        for name, (fits, wanted) in _FIELDS.items():
            if name in saved and not fits(saved[name]):
                told = f"`{name}` of person {person} must be {wanted}, got {saved[name]!r:.80}"
                raise ValueError(f"{where}: {told}. Without it the CSVs can be read, if fps is given.")
    return people


def refuse_mixed_rates(label: str, people: Mapping[int, Mapping[str, Any]]) -> None:
    """Raises ValueError where the people of one video are said to have been filmed at several frame rates."""
    rates = {saved.get("fps"): person for person, saved in people.items()}
    if len(rates) > 1:
        told = ", ".join(f"person {person}: {rate}" for rate, person in rates.items())
        raise ValueError(
            f"{label}/{JSON_NAME}: one video at several frame rates ({told}). Give fps=, or one person=."
        )


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_numbers(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(map(_is_number, value)))


def _is_history(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) and "step" in entry for entry in value)


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "video": (_is_text, "a text or null"),
    "activity": (_is_text, "a text or null"),
    "sample": (lambda value: isinstance(value, str), "a text"),
    "athlete": (_is_text, "a text or null"),
    "fps": (lambda value: value is None or _is_number(value), "a number or null"),
    "image_size": (lambda value: _is_numbers(value) and len(value or [0, 0]) == 2, "two numbers or null"),
    "first_frame": (_is_count, "a whole number from 0"),
    "frames": (lambda value: _is_count(value) and value > 0, "a whole number from 1"),
    "files": (_is_count, "a whole number from 0"),
    "estimator": (_is_text, "a text or null"),
    "history": (_is_history, "a list of steps"),
    "timestamps": (_is_numbers, "a list of seconds or null"),
    "skeleton": (lambda value: isinstance(value, dict), "a layout"),
}
