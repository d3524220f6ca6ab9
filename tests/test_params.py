"""The numbers that steer tracking: all of them in TrackingParams, each used, and given from outside."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

import gymskel.tracking
from gymskel.tracking.params import DEFAULT_PARAMS, TrackingParams

FILES = [
    file for file in Path(gymskel.tracking.__file__).parent.glob("*.py") if file.name not in ("params.py",)
]
COUNTING = {0, 1, 2}  # first, next, half, both, square
FIXED = {  # file -> numbers that nobody could turn
    # where along a limb a colour is sampled, numbers of parts, channels; the ranges of Lab and of a byte
    "appearance.py": {0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 3, 4, 5, 100, 255},
    "association.py": {1e6},  # the cost of what is forbidden
    "body_states.py": {3, 8},  # components of a step, steps that are kept: the shapes of arrays
    "crops.py": {0.5, 1e4},  # the middle of a pixel; coordinates that OpenCV can draw
    "identity_swaps.py": {1e6},  # the cost of what is impossible
    "prediction.py": {90, 180, 360},  # degrees
    "selection.py": {0.6745, 6, 3},  # of statistics: see the comments there; channels, frames of a median
    "tracker.py": {3},  # x, y, confidence
}


def numbers(tree):
    return {
        (node.value, node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }


def test_files_are_read():
    assert len(FILES) > 10 and (1, 1) in numbers(ast.parse("x = 1 + y"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_number_steers_from_elsewhere(file):
    allowed = COUNTING | FIXED.get(file.name, set())
    found = numbers(ast.parse(file.read_text()))
    assert [(value, line) for value, line in sorted(found) if value not in allowed] == []


def test_each_number_is_used():
    used = {
        node.attr
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert {field.name for field in fields(TrackingParams)} - used == set()


def test_changes_are_told_as_json_has_them():
    assert DEFAULT_PARAMS.changes() == {}
    params = TrackingParams(max_followed=5, crop_turns=(90.0, -90.0))
    assert params.changes() == {"max_followed": 5, "crop_turns": [90.0, -90.0]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gate", -1),
        ("gate", float("nan")),
        ("gate", "much"),
        ("gate", (1, 2)),
        ("max_followed", 2.5),
        ("crop_turns", ("left",)),
    ],
)
def test_what_is_no_such_number_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must"):
        TrackingParams(**{name: value})
