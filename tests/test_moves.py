"""Where the move is in a longer recording: simulated ones whose truth is known, and the published ones."""

from dataclasses import replace

import numpy as np
import pytest

from gymskel.preprocess.moves import cut_moves, find_moves, motion_signal, trim
from gymskel.recording import Recording, UnseenError
from gymskel.simulate import ACTIVITIES
from gymskel.simulate.session import simulate_session
from gymskel.skeleton import BODY_25, COCO_17, GYMNASTICS_15

METHODS = ("markers", "motion")


@pytest.fixture(scope="module")
def sessions():
    rng = np.random.default_rng(7)
    return [
        simulate_session(a, athlete=f"m{n}", before=rng.uniform(1, 3), after=rng.uniform(1, 3))
        for a in ACTIVITIES
        for n in range(20)
    ]


def one_session(**options):
    return simulate_session("backflip", before=1.2, after=1.2, noise=0, lost=0, **options)


def offsets(sessions, method, begin, end):
    off = []
    for session in sessions:
        [(a, b)] = find_moves(session.recording, method=method)
        off.append((a - getattr(session, begin), b - getattr(session, end)))
    return np.abs(off)


def join(*recordings):
    keypoints = np.concatenate([one.keypoints for one in recordings])
    return replace(recordings[0], keypoints=keypoints)


# --- what it finds


def test_markers_within_three_frames_of_the_truth(sessions):
    assert (offsets(sessions, "markers", "start", "end") <= 3).all(axis=1).mean() >= 0.95


def test_motion_from_rest_to_rest(sessions):
    off = offsets(sessions, "motion", "onset", "rest") <= 3
    assert off[:, 0].mean() >= 0.95  # the end is where the body is upright again: vaguer
    assert off[:, 1].mean() >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_published_recordings_are_trimmed_already(tumbling, method):
    kept, frames, fine = 0, 0, 0
    for one in tumbling:
        moves = find_moves(one, method=method)
        length = moves[0][1] - moves[0][0] if len(moves) == 1 else 0
        kept, frames, fine = kept + length, frames + len(one), fine + (length >= 0.9 * len(one))
    assert kept >= 0.95 * frames
    assert fine >= 0.98 * len(tumbling)


def test_untrimmed_real_recordings(raw):
    """By eye: held overhead, the arms pass at 34 to 38; the heels are down at 116 to 121; upright again at 156."""
    [flip] = [one for one in raw if one.source == "backflip-101-s07" and len(one) > 100]
    [(start, end)] = find_moves(flip)
    assert 33 <= start <= 39 and 115 <= end <= 122
    [(onset, rest)] = find_moves(flip, method="motion")
    assert 20 <= onset <= start and 145 <= rest <= 165
    [spring] = [one for one in raw if one.source == "back-handspring-101-s02" and len(one) > 100]
    [(start, end)] = find_moves(spring)  # begins with the arms down; the heels are down at 119 to 124
    assert start == 0 and 118 <= end <= 126


@pytest.mark.parametrize("method", METHODS)
def test_trimming_again_keeps_what_there_is(sessions, method):
    for session in sessions[:3] + sessions[-3:]:
        once = trim(session.recording, method=method)
        assert len(trim(once, method=method)) >= 0.95 * len(once)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_shift_and_scale_change_nothing(method, factor):
    one = one_session().recording
    moved = replace(one, keypoints=one.keypoints * np.float32([factor, factor, 1]) + np.float32([512, 64, 0]))
    assert find_moves(moved, method=method) == find_moves(one, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_the_mirror_image_moves_at_the_same_time(method):
    one = one_session().recording
    flipped = one.keypoints[:, BODY_25.mirror_order] * np.float32([-1, 1, 1]) + np.float32([2048, 0, 0])
    [(a, b)], [(c, d)] = (find_moves(r, method=method) for r in (one, replace(one, keypoints=flipped)))
    assert abs(a - c) <= 1 and abs(b - d) <= 1


@pytest.mark.parametrize("method", METHODS)
def test_another_frame_rate_finds_the_same_seconds(method):
    fast, slow = one_session(fps=120), one_session(fps=30)
    [(a, b)], [(c, d)] = (find_moves(s.recording, method=method) for s in (fast, slow))
    assert (a - fast.start) / 120 == pytest.approx((c - slow.start) / 30, abs=0.1)
    assert (b - fast.end) / 120 == pytest.approx((d - slow.end) / 30, abs=0.1)


def test_layouts_without_heels_go_by_the_ankles():
    session = one_session()
    for layout in (COCO_17, GYMNASTICS_15):
        keypoints = BODY_25.convert(session.recording.keypoints, layout)
        [(a, b)] = find_moves(replace(session.recording, keypoints=keypoints, skeleton=layout))
        assert abs(a - session.start) <= 3 and abs(b - session.end) <= 5


@pytest.mark.parametrize("method", METHODS)
def test_only_walking_is_no_move(method):
    session = simulate_session("backflip", before=3, after=1)
    walking = replace(session.recording, keypoints=session.recording.keypoints[:170])
    assert find_moves(walking, method=method) == []
    with pytest.raises(ValueError, match=r"backflip-1-a01: .* 170 frames.* method="):
        trim(walking, method=method)


def test_bending_down_is_not_a_move():
    """The neck comes below the hip, but the feet stay where they are."""
    one = one_session()
    keypoints = one.recording.keypoints[: one.onset].copy()
    upper = BODY_25.indices(
        ["Neck", "RShoulder", "LShoulder", "RElbow", "LElbow", "RWrist", "LWrist", "Nose"]
    )
    hip = keypoints[20:60, [BODY_25.index("MidHip")], 1]
    keypoints[20:60, upper, 1] = 2 * hip - keypoints[20:60][:, upper, 1]
    assert find_moves(replace(one.recording, keypoints=keypoints)) == []


def test_arms_that_never_pass_are_no_start():
    """Walking right into the flip: where it starts cannot be told, and nobody guesses."""
    one = one_session()
    keypoints = one.recording.keypoints.copy()
    for side in "RL":
        wrist, elbow = BODY_25.indices([f"{side}Wrist", f"{side}Elbow"])
        keypoints[: one.start + 30, wrist, 1] = keypoints[: one.start + 30, elbow, 1] + 60
    before = np.concatenate([keypoints[:1].repeat(150, axis=0), keypoints])
    assert find_moves(replace(one.recording, keypoints=before)) == []


# --- several moves


@pytest.mark.parametrize("method", METHODS)
def test_several_moves_become_several_recordings(method):
    first, second = (
        simulate_session(a, before=1.5, after=1.5, noise=0.5, lost=0.02)
        for a in ("backflip", "back-handspring")
    )
    both = join(first.recording, second.recording)
    moves = find_moves(both, method=method)
    assert len(moves) == 2
    for (a, b), session, offset in zip(moves, (first, second), (0, len(first.recording)), strict=True):
        truth = (session.start, session.end) if method == "markers" else (session.onset, session.rest)
        assert abs(a - offset - truth[0]) <= 4 and abs(b - offset - truth[1]) <= 6
    parts = cut_moves(both, method=method)
    assert [len(part) for part in parts] == [b - a for a, b in moves]
    assert len({part.sample for part in parts}) == len({part.name for part in parts}) == 2
    assert {part.source for part in parts} == {both.source}
    assert [part.sample for part in parts] == [f"1@{1 + a}" for a, _ in moves]
    with pytest.raises(ValueError, match=r"backflip-1-a01: 2 moves .*cut_moves"):
        trim(both, method=method)


def test_moves_of_a_recording_without_a_video_keep_one_source():
    session = one_session()
    [part] = cut_moves(replace(session.recording, video=None))
    assert part.source == "backflip-1-a01" != part.name


# --- what becomes of the recording


def test_trim_keeps_frames_times_and_says_what_it_did():
    session = one_session()
    one = replace(session.recording, timestamps=5 + np.arange(len(session.recording)) / 60)
    [(a, b)] = find_moves(one)
    cut = trim(one)
    np.testing.assert_array_equal(cut.keypoints, one.keypoints[a:b])
    np.testing.assert_array_equal(cut.timestamps, one.timestamps[a:b])
    assert cut.first_frame == one.first_frame + a
    assert dict(cut.history[-1]) == {"step": "trim", "method": "markers", "first": 1 + a, "last": b}
    assert (cut.name, cut.source, cut.fps) == (one.name, one.source, one.fps)


def test_timestamps_alone_are_enough():
    session = one_session()
    times = np.arange(len(session.recording)) / 60
    assert find_moves(replace(session.recording, fps=None, timestamps=times)) == find_moves(session.recording)


# --- the signal


def test_activity_of_a_stretching_body_is_exact():
    """All joints on one line, half of them moving away from the hip at 2 torso lengths a second."""
    keypoints = np.zeros((61, 25, 3), np.float32)
    keypoints[..., 2] = 1
    keypoints[:, BODY_25.index("Neck"), 1] = -100
    nose = BODY_25.index("Nose")
    keypoints[:, nose, 0] = 200 * np.arange(61) / 60
    found = motion_signal(Recording(keypoints, fps=60))
    np.testing.assert_allclose(found[10:-10], 2 / np.sqrt(25), rtol=1e-5)


def test_a_body_that_only_travels_or_is_unseen_does_not_move():
    keypoints = np.ones((40, 25, 3), np.float32)
    keypoints[:, BODY_25.index("Neck"), 1] = -99
    keypoints[:, :, 0] += np.arange(40)[:, None] * 10
    assert motion_signal(Recording(keypoints, fps=60)).max() == pytest.approx(0, abs=1e-4)
    keypoints[5:] = np.nan, np.nan, 0
    assert motion_signal(Recording(keypoints, fps=60)).max() == pytest.approx(0, abs=1e-4)


# --- refusals and short ones


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_very_short_recordings_have_no_move(method, frames):
    one = one_session().recording
    assert find_moves(replace(one, keypoints=one.keypoints[:frames]), method=method) == []


@pytest.mark.parametrize("method", METHODS)
def test_refusals(method):
    one = one_session().recording
    with pytest.raises(ValueError, match=r"backflip-1-a01: frame rate unknown.*fps="):
        find_moves(replace(one, fps=None), method=method)
    unseen = np.full_like(one.keypoints, np.nan)
    unseen[..., 2] = 0
    with pytest.raises(UnseenError, match=r"backflip-1-a01: Neck, MidHip.* never seen"):
        trim(replace(one, keypoints=unseen), method=method)
    apart = one.keypoints.copy()
    apart[::2, BODY_25.index("Neck")] = apart[1::2, BODY_25.index("MidHip")] = np.nan, np.nan, 0
    with pytest.raises(UnseenError, match="never seen together"):
        find_moves(replace(one, keypoints=apart), method=method)


def test_an_unknown_method_is_refused():
    for function in (find_moves, trim, cut_moves):
        with pytest.raises(ValueError, match=r"`method` must .* got 'magic'"):
            function(one_session().recording, method="magic")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"low": 0}, "0 < low <= high, got 0 and 3.0"),
        ({"low": 4}, "0 < low <= high"),
        ({"high": np.nan}, "0 < low <= high"),
        ({"min_move": -1}, r"`min_move` .* got -1"),
        ({"min_pause": np.inf}, r"`min_pause` must"),
    ],
)
def test_limits_out_of_range(limits, message):
    with pytest.raises(ValueError, match=message):
        find_moves(one_session().recording, method="motion", **limits)


def test_limits_decide_what_is_a_move():
    recording = one_session().recording
    for function in (find_moves, cut_moves):
        assert len(function(recording, method="motion")) == 1
        assert function(recording, method="motion", high=1000) == []
    with pytest.raises(ValueError, match="no move"):
        trim(recording, method="motion", high=1000)
    for function in (trim, cut_moves):
        with pytest.raises(TypeError, match="highest"):
            function(recording, method="motion", highest=1000)
