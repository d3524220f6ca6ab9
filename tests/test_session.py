"""A simulated move with walking before and after: it joins without a jolt, and its truth is true."""

import numpy as np
import pytest

from gymskel.simulate import ACTIVITIES, simulate_motion, simulate_recording
from gymskel.simulate.athlete import draw_athlete
from gymskel.simulate.body import place_joints
from gymskel.simulate.session import RESTING_SPEED, read_angles, simulate_session
from gymskel.skeleton import BODY_25

HIP = BODY_25.index("MidHip")
WRISTS, SHOULDERS, HEELS, TOES = (
    BODY_25.indices([f"R{joint}", f"L{joint}"]) for joint in ("Wrist", "Shoulder", "Heel", "BigToe")
)
PEOPLE = ["a01", "a02", "a03", "a07"]


@pytest.fixture(scope="module", params=[(a, who) for a in ACTIVITIES for who in PEOPLE], ids="-".join)
def session(request):
    activity, athlete = request.param
    return simulate_session(activity, athlete=athlete, before=1.5, after=1.8)


def test_the_move_is_that_of_simulate_motion(session):
    one = session.recording
    move = simulate_motion(one.activity, athlete=one.athlete)
    np.testing.assert_array_equal(session.motion.joints[session.first : session.stop], move.joints)
    np.testing.assert_array_equal(session.motion.airborne[session.first : session.stop], move.airborne)
    assert not session.motion.airborne[: session.first].any()
    assert not session.motion.airborne[session.stop :].any()


def test_nothing_jumps_where_the_parts_meet(session):
    """Speeds change from frame to frame no more than within the move itself."""
    jolts = np.linalg.norm(np.diff(session.motion.joints, n=2, axis=0), axis=-1).max(axis=1)
    inside = jolts[session.first : session.stop - 2].max()
    for edge in (session.first, session.stop):
        assert jolts[edge - 3 : edge + 1].max() < inside
    assert jolts[: session.first - 3].max() < inside / 2 and jolts[session.stop :].max() < inside / 2
    assert np.diff(session.motion.lean, prepend=session.motion.lean[0])[: session.first].max() == 0


def test_bones_keep_their_lengths_and_nobody_sinks(session):
    joints = session.motion.joints
    for a, b in BODY_25.limbs:
        bone = joints[:, BODY_25.index(a)] - joints[:, BODY_25.index(b)]
        assert np.ptp(np.linalg.norm(bone, axis=-1)) < 1e-9, (a, b)
    assert joints[: session.first, :, 2].min() > -1e-9 and joints[session.stop :, :, 2].min() > -1e-9


def test_who_stands_has_feet_that_stand(session):
    still = session.motion.joints[session.onset : session.first, TOES]
    assert np.ptp(still, axis=0).max() < 1e-6


def test_they_walk_up_and_away(session):
    hip = session.motion.joints[:, HIP, :2]
    walked = np.linalg.norm(hip[[0, -1]] - hip[[session.first, session.stop]], axis=1)
    assert (walked > 0.3).all()
    speed = np.linalg.norm(np.diff(hip[:30], axis=0), axis=1) * 60
    assert 0.7 < speed.mean() < 1.8  # metres a second


def test_the_markers_are_where_they_should_be(session):
    z, (start, end) = session.motion.joints[..., 2], (session.start, session.end)
    assert session.onset < start < end < session.rest
    assert (z[start, WRISTS] < z[start, SHOULDERS]).all()
    assert not (z[start - 1, WRISTS] < z[start - 1, SHOULDERS]).all()
    assert (z[end - 1, HEELS] < 0.01).all() and (z[end - 2, HEELS] >= 0.01).any()
    assert abs(start - session.first) < 8


def test_onset_and_rest_are_the_ends_of_rests(session):
    joints = session.motion.joints - session.motion.joints[:, [HIP]]
    fastest = np.linalg.norm(np.gradient(joints, 1 / 60, axis=0), axis=-1).max(axis=1)
    assert fastest[session.onset - 1] < RESTING_SPEED <= fastest[session.onset : session.start].min()
    assert fastest[session.rest] < RESTING_SPEED <= fastest[session.end : session.rest].min()


def test_angles_read_from_joints_place_the_same_joints():
    joints = simulate_motion("backflip", athlete="a05").joints
    right, left = read_angles(joints, "R"), read_angles(joints, "L")
    placed = place_joints(right, draw_athlete("a05").height, left)
    np.testing.assert_allclose(placed, joints - joints[:, [HIP]], atol=1e-9)


def test_the_move_loses_about_as_many_joints_as_alone():
    shares = []
    for n in range(12):
        one = simulate_session("backflip", athlete=f"b{n}")
        alone = simulate_recording("backflip", athlete=f"b{n}")
        shares.append((1 - one.recording.seen[one.first : one.stop].mean(), 1 - alone.seen.mean()))
    inside, alone = np.mean(shares, axis=0)
    assert abs(inside - alone) < 0.04


def test_same_arguments_same_bits_and_another_seed_another_walk():
    one, again = (simulate_session(before=1, after=1, seed=3).recording for _ in range(2))
    np.testing.assert_array_equal(one.keypoints, again.keypoints)
    other = simulate_session(before=1, after=1, seed=4).recording
    assert len(other) != len(one) or not np.array_equal(other.keypoints, one.keypoints)


def test_longer_walks_make_longer_recordings():
    short, long = (simulate_session(before=seconds, after=1) for seconds in (1, 3))
    assert long.start - short.start == 120
    assert simulate_session(before=1, after=1, fps=30).start == pytest.approx(short.start / 2, abs=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"before": 0.2}, r"`before` .* got 0.2"),
        ({"after": np.inf}, "must be seconds from 0.5"),
        ({"noise": -1}, "`noise` must be pixels"),
        ({"lost": 1}, "`lost` a share in"),
        ({"activity": "cartwheel"}, "`activity` must be one of backflip"),
        ({"fps": 0}, "`fps` must be"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        simulate_session(**options)
