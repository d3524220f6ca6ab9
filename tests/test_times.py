"""Times and frame rate of a recording: one answer for every stage."""

from dataclasses import replace

import numpy as np
import pytest

from gymskel.recording import Recording
from gymskel.recording.times import (
    durations,
    frame_rate,
    frame_seconds,
    frame_times,
    same_rate,
    times_from_start,
)

TIMED = Recording(np.zeros((3, 25, 3)), fps=60, timestamps=np.array([2, 2.1, 2.2]))
STEADY = replace(TIMED, timestamps=None)
UNKNOWN = replace(STEADY, fps=None)


def test_the_frame_rate_prefers_timestamps():
    assert frame_rate(TIMED) == pytest.approx(10)
    assert frame_rate(STEADY) == 60
    with pytest.raises(ValueError, match=r"^1: frame rate unknown.*fps="):
        frame_rate(UNKNOWN)


def test_one_frame_has_the_frame_rate_of_its_header():
    assert frame_rate(Recording(np.zeros((1, 25, 3)), fps=30, timestamps=np.array([5.0]))) == 30


def test_seconds_prefer_timestamps_too():
    assert frame_seconds(TIMED).tolist() == [2, 2.1, 2.2]
    assert frame_seconds(STEADY).tolist() == [0, 1 / 60, 2 / 60]
    assert np.isnan(frame_seconds(UNKNOWN)).all()


@pytest.mark.parametrize(("recording", "unit"), [(TIMED, "s"), (STEADY, "s"), (UNKNOWN, "frame")])
def test_times_have_a_unit(recording, unit):
    times, found = frame_times(recording)
    assert found == unit
    assert times_from_start(recording).tolist() == (times - times[0]).tolist()
    assert times_from_start(recording).dtype == np.float64


def test_durations_are_in_frames_if_one_rate_is_unknown():
    assert durations([TIMED, STEADY]) == ([0.05, 0.05], "s")
    assert durations([STEADY, UNKNOWN]) == ([3, 3], "frames")


@pytest.mark.parametrize(
    ("rate", "same"), [(60, True), (60.9, True), (61.5, False), (59.94, True), (58, False)]
)
def test_frame_rates_within_two_percent_are_the_same(rate, same):
    assert same_rate(rate, 60) is same
