"""Poses drawn over made pictures, where it is known what lies where."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.overlays import grey, pixels, pose_of, rgb

from gymskel.overlay import draw_pose
from gymskel.overlay.drawing import (
    DARK,
    LIGHT,
    PERSON_COLOURS,
    SIDE_COLOURS,
    box_around,
    draw_text,
    text_mask,
)
from gymskel.skeleton import BODY_25, Skeleton

cv2 = pytest.importorskip("cv2")


def test_draw_pose_leaves_the_picture_alone():
    frame = grey()
    drawn = draw_pose(frame, pose_of(MidHip=(100, 150), Neck=(100, 80)))
    assert drawn.shape == frame.shape and drawn.dtype == np.uint8
    assert (frame == 90).all() and (drawn != 90).any()
    np.testing.assert_array_equal(draw_pose(frame, pose_of()), frame)


def test_sides_have_their_colours():
    pose = pose_of(
        RShoulder=(60, 60),
        RElbow=(60, 120),
        LShoulder=(200, 60),
        LElbow=(200, 120),
        Neck=(130, 60),
        MidHip=(130, 150),
    )
    drawn = draw_pose(grey(), pose, box=False)
    for side, x in (("right", 60), ("left", 200), ("middle", 130)):
        beside = pixels(drawn[80:100], SIDE_COLOURS[side])[:, 0]  # at the height of arms and trunk
        assert set(beside) >= {x - 1, x, x + 1} and np.abs(beside - x).max() <= 3, side


def test_sides_of_other_layouts():
    """Left first in the pairs, and names like left_knee."""
    mine = Skeleton(
        "mine",
        ("left_hip", "left_foot", "right_hip", "right_foot"),
        (("left_hip", "left_foot"), ("right_hip", "right_foot")),
    )
    pose = np.array([[50, 50, 1], [50, 150, 1], [150, 50, 1], [150, 150, 1.0]])
    drawn = draw_pose(grey(), pose, mine, box=False)
    assert [50, 100] in pixels(drawn, SIDE_COLOURS["left"]).tolist()
    assert [150, 100] in pixels(drawn, SIDE_COLOURS["right"]).tolist()
    turned_round = replace(mine, mirror=tuple(pair[::-1] for pair in mine.mirror))
    np.testing.assert_array_equal(draw_pose(grey(), pose, turned_round, box=False), drawn)


def test_confidence_makes_joints_larger_and_clearer():
    size = {}
    for confidence in (0.2, 0.5, 1.0):
        drawn = draw_pose(grey(), pose_of(RKnee=(100, 100, confidence)), box=False, size=300)
        size[confidence] = (drawn != 90).any(axis=-1).sum()
        clear = np.abs(drawn[100, 100, ::-1].astype(int) - rgb(SIDE_COLOURS["right"])).max()
        assert (clear <= 2) == (confidence == 1)
    assert size[0.2] < size[0.5] < size[1.0]


def test_filled_in_joints_are_hollow():
    found = draw_pose(grey(), pose_of(RKnee=(100, 100, 0.9)), box=False, size=600)
    filled = draw_pose(grey(), pose_of(RKnee=(100, 100, 0)), box=False, size=600)
    assert [100, 100] in pixels(found, SIDE_COLOURS["right"]).tolist()
    assert [100, 100] in pixels(filled, DARK).tolist()
    assert len(pixels(filled, SIDE_COLOURS["right"]))


def test_the_box_goes_round_and_turns():
    xy = np.array([[0, 0], [24.0, 12]])
    for turned in (0, 30, -90, 180):
        corners = box_around(xy, turned)
        angle = np.radians(turned)
        right, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx((corners[1] - corners[0]) @ right)
        assert np.linalg.norm(corners[3] - corners[0]) == pytest.approx((corners[3] - corners[0]) @ down)
        for point in xy:  # inside
            assert 0 < (point - corners[0]) @ right < (corners[1] - corners[0]) @ right
            assert 0 < (point - corners[0]) @ down < (corners[3] - corners[0]) @ down


def test_people_have_colours_of_their_own():
    pose = pose_of(RKnee=(100, 100), LKnee=(200, 180))
    assert len(pixels(draw_pose(grey(), pose, colour=PERSON_COLOURS[0]), PERSON_COLOURS[0], off=60)) > 200
    assert not len(pixels(draw_pose(grey(), pose), PERSON_COLOURS[0], off=60))
    assert not len(pixels(draw_pose(grey(), pose, colour=PERSON_COLOURS[0], box=False), LIGHT))


@pytest.mark.parametrize("size", [(320, 240), (1920, 1080), (3840, 2160)])
def test_widths_follow_the_picture(size):
    width, height = size
    pose = pose_of(RHip=(0.5 * width, 0.2 * height), RKnee=(0.5 * width, 0.8 * height))
    drawn = draw_pose(np.full((height, width, 3), 90, np.uint8), pose, box=False)
    thick = (
        np.abs(drawn[height // 2, :, ::-1].astype(int) - rgb(SIDE_COLOURS["right"])).max(axis=-1) < 12
    ).sum()
    assert 0.005 * height < thick < 0.02 * height


def test_nothing_outside_the_picture_breaks_it():
    inside = pose_of(MidHip=(100, 150), Neck=(100, 80))
    for far in (-500, 5e4, 3e38):
        pose = inside.copy()
        pose[BODY_25.index("RAnkle")] = far, far, 1
        drawn = draw_pose(grey(), pose, tag="far", box_angle=20)
        assert [100, 115] in pixels(drawn, LIGHT).tolist()
    away = draw_pose(grey(), inside + np.array([1000, 1000, 0]))
    np.testing.assert_array_equal(away, grey())


def test_tags_stay_inside():
    for place in ((-50, -50), (1e6, 1e6), (300, 10)):
        frame = grey()
        draw_text(frame, "confidence 0.87\n3 estimates: lost", place, height=14)
        changed = np.argwhere((frame != 90).any(axis=-1))
        np.testing.assert_array_equal(
            np.ptp(changed, axis=0) + 1, text_mask("confidence 0.87\n3 estimates: lost", 14).shape
        )
    tiny = np.full((8, 8, 3), 90, np.uint8)
    draw_text(tiny, "wider than the picture", (0, 0), height=14)
    assert (tiny != 90).any()


def test_letters_have_accents_and_degrees():
    """A font that lacks a letter draws the same box for all of them."""
    masks = [text_mask(letter, 40) for letter in "é°ßжλ"]
    assert len({mask.tobytes() for mask in masks}) == len(masks)


def test_draw_pose_refuses():
    with pytest.raises(ValueError, match=r"`pose`.*\(17, 3\)"):
        draw_pose(grey(), np.zeros((17, 3)))
    for frame in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3))):
        with pytest.raises(ValueError, match=r"`frame`.*cvtColor"):
            draw_pose(frame, pose_of())


def test_a_pose_without_a_torso_is_drawn():
    feet = BODY_25.select(["RAnkle", "LAnkle"])
    drawn = draw_pose(grey(), np.array([[50, 50, 1], [90, 50, 1.0]]), feet)
    assert (drawn != 90).any()
