"""velocity, acceleration, bones, joint_angles: what physics and plain geometry know."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.preprocess import acceleration, bones, joint_angles, mirror, turn, velocity
from gymskel.preprocess.motion import JOINT_ANGLES
from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, COCO_17, Skeleton

POINT = Skeleton("point", ("p",))
seeds = st.integers(0, 2**32 - 1)


def path(x, y=None, **given):
    """A recording of one joint along the path; NaN = unseen."""
    x = np.asarray(x, float)
    y = np.zeros_like(x) if y is None else np.asarray(y, float)
    keypoints = np.stack([x, np.where(np.isnan(x), np.nan, y), np.where(np.isnan(x), 0, 1)], -1)[:, None]
    return Recording(keypoints, skeleton=POINT, **{"fps": 60.0, **given})


@given(st.integers(-500, 500), st.integers(-20, 20), st.integers(2, 30), st.sampled_from([10, 30, 60]))
def test_uniform_motion(start, step, frames, fps):
    one = path(start + step * np.arange(frames), fps=fps)
    speed = velocity(one)[:, 0]
    np.testing.assert_allclose(speed, np.full((frames, 2), (step * fps, 0)), rtol=1e-12, atol=1e-9)
    if frames > 2:
        np.testing.assert_allclose(acceleration(one), 0, atol=1e-7)
    else:
        assert np.isnan(acceleration(one)).all()


@settings(deadline=None)
@given(seeds, st.integers(3, 40))
def test_a_body_in_free_fall_gives_g_back(seed, frames):
    rng = np.random.default_rng(seed)
    fps, up, along = 50.0, rng.uniform(2, 6), rng.uniform(-3, 3)
    t = np.arange(frames) / fps
    one = path(along * t, -up * t + 9.81 * t**2 / 2, fps=fps)  # metres, y down
    np.testing.assert_allclose(acceleration(one)[:, 0], np.full((frames, 2), (0, 9.81)), atol=0.01)
    np.testing.assert_allclose(velocity(one)[:, 0, 1], -up + 9.81 * t, atol=1e-4)


def test_frames_that_are_not_evenly_spaced():
    t = np.array([0, 0.1, 0.15, 0.4, 0.5, 0.9])
    one = path(3 * t, 2 * t**2, fps=None, timestamps=t + 7)
    np.testing.assert_allclose(velocity(one)[:, 0], np.stack([0 * t + 3, 4 * t], 1), atol=1e-4)
    np.testing.assert_allclose(acceleration(one)[:, 0], np.full((6, 2), (0, 4)), atol=1e-3)


def test_nothing_is_known_across_a_hole():
    """Each run of seen frames stands for itself; one frame alone has no velocity."""
    nan = np.nan
    one = path([0, 1, 4, nan, 100, nan, 7, 9], fps=1)
    speed, bend = velocity(one)[:, 0, 0], acceleration(one)[:, 0, 0]
    np.testing.assert_allclose(speed, [0, 2, 4, nan, nan, nan, 2, 2])
    np.testing.assert_allclose(bend, [2, 2, 2, nan, nan, nan, nan, nan])
    parts = velocity(path([0, 1, 4], fps=1))[:, 0, 0]
    np.testing.assert_array_equal(parts, speed[:3])


def test_one_frame_and_no_frame_rate():
    assert np.isnan(velocity(path([5]))).all() and np.isnan(acceleration(path([5]))).all()
    np.testing.assert_array_equal(velocity(path([0, 2, 4], fps=None))[:, 0, 0], [2, 2, 2])  # a frame's


def test_a_turning_limb_turns_at_its_rate():
    """A point on a circle, 360 degrees a second: speed 2 pi r, acceleration (2 pi)^2 r towards the middle."""
    angle = 2 * np.pi * np.arange(120) / 120
    one = path(np.cos(angle), np.sin(angle), fps=120)
    np.testing.assert_allclose(np.linalg.norm(velocity(one)[:, 0], axis=-1), 2 * np.pi, rtol=2e-3)
    inwards = -(acceleration(one)[1:-1, 0] * one.xy[1:-1, 0]).sum(axis=-1)
    np.testing.assert_allclose(inwards, (2 * np.pi) ** 2, rtol=0.02)


def body(seed, frames=4):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 1, (frames, 25, 3)) * (800, 600, 1)
    keypoints[rng.random((frames, 25)) < 0.1] = np.nan, np.nan, 0
    return Recording(keypoints, fps=30)


def test_bones_add_up_to_the_way_from_the_root():
    one = body(0, 12)
    made = bones(one)
    chain = BODY_25.indices(["Neck", "RShoulder", "RElbow", "RWrist"])
    root, wrist = BODY_25.indices(["MidHip", "RWrist"])
    seen = one.seen[:, [*chain, root]].all(axis=1)
    assert seen.any()
    way = (one.xy[:, wrist] - one.xy[:, root])[seen]
    np.testing.assert_allclose(made[:, chain].sum(axis=1)[seen], way, atol=1e-3)
    whole = one.seen[:, root]
    np.testing.assert_array_equal(made[whole, root], 0)
    assert np.isnan(made[~whole, root]).all()


def test_bones_need_a_root_and_reach_only_what_hangs_on_it():
    with pytest.raises(ValueError, match="has no root"):
        bones(path([1, 2]))
    loose = Skeleton("loose", ("hip", "knee", "ball"), (("hip", "knee"),), root="hip")
    made = bones(Recording(np.ones((1, 3, 3)), skeleton=loose))
    assert np.isnan(made[0, 2]).all() and np.isfinite(made[0, :2]).all()


@settings(max_examples=15, deadline=None)
@given(seeds, st.floats(-180, 180), st.floats(0.2, 5))
def test_angles_do_not_know_where_and_how_big_a_body_is(seed, degrees, size):
    one = body(seed)
    two = turn(one, degrees)
    two = Recording(two.keypoints * np.float32([size, size, 1]), fps=30)
    np.testing.assert_allclose(joint_angles(one), joint_angles(two), atol=0.15)


def test_a_mirror_exchanges_the_angles_of_the_sides():
    one = body(5)
    left, right = joint_angles(mirror(one)), joint_angles(one)
    np.testing.assert_allclose(left["LKnee"], right["RKnee"], atol=0.05)


def test_angles_of_a_layout_that_has_less():
    assert list(joint_angles(body(0)).columns) == list(JOINT_ANGLES)
    one = Recording(np.random.default_rng(0).uniform(0, 1, (2, 17, 3)), skeleton=COCO_17)
    assert "RKnee" in joint_angles(one) and "RAnkle" not in joint_angles(one)  # no toes there
    with pytest.raises(ValueError, match="no joint RBigToe"):
        joint_angles(one, ["RAnkle"])
    with pytest.raises(ValueError, match="Unknown angles RThumb"):
        joint_angles(one, ["RThumb"])


def test_an_angle_that_is_not_there():
    one = Recording(np.ones((2, 25, 3)))
    one.keypoints[1] = np.nan, np.nan, 0
    assert joint_angles(one).isna().all().all()
