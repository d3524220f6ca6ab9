"""resample to a number of frames; windows of recordings and clips. Frame rates are in test_preprocess."""

from dataclasses import replace

import numpy as np
import pytest

from gymskel.preprocess import Preprocessor, pad, resample, windows
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings


def ramp(frames, **given):
    keypoints = np.zeros((frames, 25, 3), np.float32)
    keypoints[..., 0] = np.arange(frames)[:, None]
    keypoints[..., 2] = 1
    return Recording(keypoints, **{"fps": 30.0, "activity": "flip", "athlete": "s01", "sample": "7", **given})


# --- a number of frames ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [1, 2, 5, 9, 30])
def test_so_many_frames_from_the_first_to_the_last(frames):
    two = resample(ramp(9), frames=frames)
    np.testing.assert_allclose(two.xy[:, 0, 0], np.linspace(0, 8, frames), atol=1e-5)
    assert two.fps is None and two.history[-1] == {"step": "resample", "frames": frames}


def test_as_many_frames_as_there_are_change_nothing():
    one = ramp(7)
    one.keypoints[3, 4] = np.nan, np.nan, 0
    np.testing.assert_array_equal(resample(one, frames=7).keypoints, one.keypoints)


def test_time_counts_not_the_number_of_the_frame():
    one = ramp(3, fps=None, timestamps=np.array([0, 1.0, 4.0]))
    np.testing.assert_allclose(resample(one, frames=5).xy[:, 0, 0], [0, 1, 4 / 3, 5 / 3, 2], atol=1e-6)


def test_the_frame_rate_need_not_be_known():
    assert len(resample(ramp(9, fps=None), frames=4)) == 4
    with pytest.raises(ValueError, match="frame rate unknown"):
        resample(ramp(9, fps=None), fps=10)


@pytest.mark.parametrize("given", [{}, {"fps": 10, "frames": 10}])
def test_one_of_the_two(given):
    with pytest.raises(ValueError, match="either `fps` or `frames`"):
        resample(ramp(3), **given)


def test_no_frames_are_refused():
    with pytest.raises(ValueError, match=r"`frames` must .* got 0"):
        resample(ramp(3), frames=0)


def test_recordings_of_any_rate_become_clips_of_one_length():
    recordings = [ramp(9, fps=30), ramp(20, fps=120, sample="8")]
    steps = [("resample", {"frames": 8}), "center", ("select_joints", {"joints": ["Neck", "MidHip"]})]
    clips = Preprocessor(steps).fit_transform(recordings)
    assert clips.x.shape == (2, 8, 2, 2) and clips.mask.all() and clips.fps is None


# --- windows ---------------------------------------------------------------------------------------------------


def test_windows_hold_the_frames_they_say():
    one = ramp(11, first_frame=100, timestamps=np.arange(11) / 30, video="a.mov")
    found = windows(one, 4, stride=3)
    assert [w.xy[0, 0, 0] for w in found] == [0, 3, 6]
    assert all(len(w) == 4 for w in found)
    assert [(w.first_frame, w.sample, w.fps) for w in found] == [
        (100, "7@100", 30),
        (103, "7@103", 30),
        (106, "7@106", 30),
    ]
    np.testing.assert_allclose(found[1].timestamps, np.arange(3, 7) / 30)
    assert {w.source for w in found} == {"a"}


def test_windows_of_one_recording_stay_together():
    """Without a video too: a split by source must not part them."""
    recordings = simulate_recordings(athletes=1, per_athlete=1)
    recordings = [replace(r, video=None, athlete=None) for r in recordings]
    parts = [w for r in recordings for w in windows(r, 20)]
    clips = pad(parts, unseen=0.0)
    assert len(parts) > 4 and len(set(clips.sources)) == len(recordings) == 2
    assert len({w.name for w in parts}) == len(parts)


def test_one_frame_in_six_and_ten_frames_a_window():
    """Zhang et al., exercise quality."""
    found = windows(ramp(130), 10, every=6)
    assert [len(w) for w in found] == [10, 10] and found[0].fps == 5
    assert found[1].xy[:, 0, 0].tolist() == [60.0 + 6 * k for k in range(10)]


def test_a_window_is_named_after_most_of_its_frames():
    labels = ["walk"] * 5 + ["flip"] * 5
    assert [w.activity for w in windows(ramp(10), 4, stride=3, labels=labels)] == ["walk", "walk", "flip"]
    assert [w.activity for w in windows(ramp(10), 4, stride=3)] == ["flip"] * 3


def test_a_recording_shorter_than_a_window_has_none():
    assert windows(ramp(3), 4) == []


@pytest.mark.parametrize("name", ["frames", "stride", "every"])
def test_windows_refuse_numbers_below_one(name):
    with pytest.raises(ValueError, match=rf"`{name}` must .* got 0"):
        windows(ramp(9), **{"frames": 3, name: 0})


def test_a_label_for_each_frame():
    with pytest.raises(ValueError, match=r"`labels` must .* got 9"):
        windows(ramp(10), 4, labels=["x"] * 9)
