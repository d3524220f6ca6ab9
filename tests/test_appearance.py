"""Colours along a body, and who wears them."""

import cv2
import numpy as np
import pytest
from helpers.dots import stand

from gymskel.skeleton import BODY_25
from gymskel.tracking.appearance import PARTS, Clothes, colors_of, to_lab

RED, GREEN, BLUE, SKIN, GREY = (40, 40, 200), (60, 160, 40), (180, 60, 30), (140, 170, 220), (90, 90, 90)
LIMBS = {
    0: [("Neck", "MidHip")],
    2: [("RHip", "RKnee"), ("LHip", "LKnee")],
    3: [("RKnee", "RAnkle"), ("LKnee", "LAnkle")],
    4: [("RShoulder", "RElbow"), ("LShoulder", "LElbow")],
}


def dressed(pose, shirt, trousers, torso=60, back=GREY):
    """A frame with somebody in it: shirt on trunk and upper arms, trousers, shins bare."""
    frame = np.full((480, 640, 3), back, np.uint8)
    for part, color in ((4, shirt), (0, shirt), (2, trousers), (3, SKIN)):
        for limb in LIMBS[part]:
            ends = [tuple(int(v) for v in pose[BODY_25.index(joint), :2]) for joint in limb]
            cv2.line(frame, *ends, color, int(0.3 * torso))
    return frame


def lab(color):
    return to_lab(np.uint8([[color]]))[0, 0]


@pytest.mark.parametrize("torso", [25, 60, 90])
@pytest.mark.parametrize("lean", [0, 100, 180])
def test_colours_are_read_along_the_body(torso, lean):
    pose = stand(320, 230, torso=torso, lean=lean)
    found = colors_of(dressed(pose, RED, BLUE, torso), pose, torso)
    assert found.shape == (PARTS, 3)
    for part, color in ((0, RED), (2, BLUE), (3, SKIN)):
        np.testing.assert_allclose(found[part], lab(color), atol=12)


def test_what_is_not_seen_has_no_colour():
    pose = stand(320, 230)
    pose[BODY_25.indices(["RAnkle", "LAnkle", "LElbow", "RElbow"])] = np.nan, np.nan, 0
    found = colors_of(dressed(stand(320, 230), RED, BLUE), pose, 60)
    assert np.isnan(found[[3, 4]]).all() and np.isfinite(found[:3]).all()
    pose[:] = np.nan, np.nan, 0
    assert np.isnan(colors_of(dressed(stand(), RED, BLUE), pose, 60)).all()


@pytest.mark.parametrize("x", [2, 638])
def test_a_body_at_the_edge_of_the_picture(x):
    pose = stand(x, 230)
    outside = (pose[:, 0] < 0) | (pose[:, 0] > 640)
    pose[outside] = np.nan, np.nan, 0
    np.testing.assert_allclose(colors_of(dressed(stand(x, 230), RED, BLUE), pose, 60)[0], lab(RED), atol=12)


def test_a_body_pressed_to_the_last_pixel():
    pose = stand(320, 230)
    pose[:, 0] = 640
    assert np.isfinite(colors_of(dressed(stand(320, 230), RED, BLUE), pose, 60)[0]).all()


def seen(shirt, trousers, frames=8, **noise):
    clothes = Clothes()
    for n in range(frames):
        pose = stand(300 + 3 * n, 230, lean=20 * n)
        clothes.see(colors_of(dressed(pose, shirt, trousers, **noise), pose, 60))
    return clothes


def test_who_wears_the_same_is_the_same():
    clothes, pose = seen(RED, BLUE), stand(200, 250, lean=-40)
    mine, light, other = (
        clothes.unlikeness(colors_of(frame, pose, 60))
        for frame in (
            dressed(pose, RED, BLUE),
            cv2.convertScaleAbs(dressed(pose, RED, BLUE), alpha=0.85),
            dressed(pose, GREEN, GREY),
        )
    )
    assert mine == 0 and light < 0.1 and 0.3 < other <= 0.6


def test_nothing_is_said_of_whom_little_is_known():
    pose = stand(200, 250)
    stranger = colors_of(dressed(pose, GREEN, GREY), pose, 60)
    assert Clothes().unlikeness(stranger) == 0 == seen(RED, BLUE, 4).unlikeness(stranger)
    assert seen(RED, BLUE).unlikeness(np.full((PARTS, 3), np.nan)) == 0


def test_whose_colours_vary_is_doubted_less():
    """A striped shirt, or a bad fit: what usually differs says little."""
    clothes, pose = Clothes(), stand(200, 250)
    for n in range(40):
        clothes.see(colors_of(dressed(pose, RED if n % 2 else GREEN, BLUE), pose, 60))
    mixed = colors_of(dressed(pose, GREEN, BLUE), pose, 60)
    assert clothes.unlikeness(mixed) < 0.05
