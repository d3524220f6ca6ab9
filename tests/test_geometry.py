"""turn, mirror and relative: there and back, known places, refusals. The older steps are in test_preprocess."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.preprocess import center, mirror, relative, turn
from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, Skeleton

seeds = st.integers(0, 2**32 - 1)


def body(seed, frames=5, unseen=0.2, **given):
    """Random places in a picture of 1920 x 1080, some joints unseen."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0.1, 1, (frames, 25, 3)) * (1919, 1079, 1)
    keypoints[rng.random((frames, 25)) < unseen] = np.nan, np.nan, 0
    return Recording(keypoints, **{"fps": 60, "image_size": (1920, 1080), **given})


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(-720, 720), st.booleans())
def test_turned_there_and_back(seed, degrees, known):
    one = body(seed, image_size=(1920, 1080) if known else None)
    back = turn(turn(one, degrees), -degrees)
    np.testing.assert_allclose(back.xy, one.xy, atol=2e-3)
    np.testing.assert_array_equal(back.confidence, one.confidence)


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from(["known", "unknown", "body"]))
def test_mirrored_twice_is_itself(seed, case):
    one = body(seed, image_size=(1920, 1080) if case == "known" else None)
    if case == "body":
        one = replace(one, space="body")
    twice = mirror(mirror(one))
    np.testing.assert_allclose(twice.keypoints, one.keypoints, atol=2e-3)


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(-180, 180))
def test_turning_keeps_every_distance(seed, degrees):
    one = body(seed, unseen=0)
    two = turn(one, degrees, about=(100, 200))
    apart = [np.linalg.norm(r.xy[:, :1] - r.xy, axis=-1) for r in (one, two)]
    np.testing.assert_allclose(apart[0], apart[1], atol=2e-3)


def test_clockwise_on_screen_about_the_middle_of_the_picture():
    right_of_middle = body(0, 1, image_size=(200, 100))
    right_of_middle = replace(right_of_middle, keypoints=np.full((1, 25, 3), (150.0, 50.0, 1.0)))
    np.testing.assert_allclose(turn(right_of_middle, 90).xy[0, 0], [100, 100], atol=1e-4)  # below it


def test_a_mirror_exchanges_left_and_right():
    one = body(3, unseen=0)
    two = mirror(one)
    right, left, nose = BODY_25.indices(["RKnee", "LKnee", "Nose"])
    np.testing.assert_allclose(two.xy[:, left], one.xy[:, right] * (-1, 1) + (1920, 0), atol=1e-3)
    np.testing.assert_allclose(two.xy[:, nose], one.xy[:, nose] * (-1, 1) + (1920, 0), atol=1e-3)
    np.testing.assert_array_equal(two.confidence[:, left], one.confidence[:, right])


def test_a_mirror_of_nobody_and_of_a_layout_without_sides():
    nobody = Recording(np.full((2, 25, 3), (np.nan, np.nan, 0)))
    assert not mirror(nobody).seen.any()
    stick = Skeleton("stick", ("a", "b"))
    with pytest.raises(ValueError, match="stick names no pairs"):
        mirror(Recording(np.zeros((1, 2, 3)), skeleton=stick))


def test_shares_of_the_picture():
    one = body(1, unseen=0.1)
    two = relative(one)
    np.testing.assert_allclose(two.xy * (1920, 1080), one.xy, rtol=1e-6)
    assert two.space == "body" and two.history[-1] == {"step": "relative", "crop": [0.0, 0.0, 1.0, 1.0]}


def test_a_crop_of_the_picture_moves_the_shares_and_loses_what_is_outside():
    one = body(2, unseen=0)
    left, top, right, bottom = crop = (0.25, 0.0, 0.75, 0.5)
    two = relative(one, crop=crop)
    inside = (relative(one).xy >= (left, top)).all(-1) & (relative(one).xy < (right, bottom)).all(-1)
    np.testing.assert_array_equal(two.seen, inside)
    assert 0 < inside.mean() < 1
    wanted = (relative(one).xy - (left, top)) / (right - left, bottom - top)
    np.testing.assert_allclose(two.xy[inside], wanted[inside], atol=1e-6)
    assert (two.confidence[~inside] == 0).all()


@pytest.mark.parametrize("crop", [(0.5, 0, 0.5, 1), (0, 0.2, 1, 0.1), (-0.1, 0, 1, 1), (0, 0, 1.2, 1)])
def test_a_crop_must_be_a_part_of_the_picture(crop):
    with pytest.raises(ValueError, match="`crop` must be"):
        relative(body(0), crop=crop)


def test_shares_need_pixels_and_the_size_of_the_picture():
    with pytest.raises(ValueError, match="need pixels and `image_size`"):
        relative(body(0, image_size=None))
    with pytest.raises(ValueError, match="need pixels and `image_size`"):
        relative(center(body(0, unseen=0)))
