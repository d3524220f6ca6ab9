"""Colours along a body, and the cost that they are a person's."""

import cv2
import numpy as np
import pytest
from helpers.clothes import BLUE, GREEN, GREY, RED, SKIN, dressed
from helpers.dots import stand

from gymskel.skeleton import BODY_25
from gymskel.tracking.appearance import PARTS, Appearance, bgr_to_lab, body_colors
from gymskel.tracking.params import TrackingParams

PARAMS = TrackingParams()


def lab(color):
    return bgr_to_lab(np.uint8([[color]]))[0, 0]


@pytest.mark.parametrize("torso", [25, 60, 90])
@pytest.mark.parametrize("lean", [0, 100, 180])
def test_colours_are_read_along_the_body(torso, lean):
    pose = stand(320, 230, torso=torso, lean=lean)
    found = body_colors(dressed(pose, RED, BLUE, torso), pose, torso, PARAMS)
    assert found.shape == (PARTS, 3)
    for part, color in ((0, RED), (2, BLUE), (3, SKIN)):
        np.testing.assert_allclose(found[part], lab(color), atol=12)


def test_what_is_not_seen_has_no_colour():
    pose = stand(320, 230)
    pose[BODY_25.indices(["RAnkle", "LAnkle", "LElbow", "RElbow"])] = np.nan, np.nan, 0
    found = body_colors(dressed(stand(320, 230), RED, BLUE), pose, 60, PARAMS)
    assert np.isnan(found[[3, 4]]).all() and np.isfinite(found[:3]).all()
    pose[:] = np.nan, np.nan, 0
    assert np.isnan(body_colors(dressed(stand(), RED, BLUE), pose, 60, PARAMS)).all()


@pytest.mark.parametrize("x", [2, 638])
def test_a_body_at_the_edge_of_the_picture(x):
    pose = stand(x, 230)
    outside = (pose[:, 0] < 0) | (pose[:, 0] > 640)
    pose[outside] = np.nan, np.nan, 0
    np.testing.assert_allclose(
        body_colors(dressed(stand(x, 230), RED, BLUE), pose, 60, PARAMS)[0], lab(RED), atol=12
    )


def test_a_body_pressed_to_the_last_pixel():
    pose = stand(320, 230)
    pose[:, 0] = 640
    assert np.isfinite(body_colors(dressed(stand(320, 230), RED, BLUE), pose, 60, PARAMS)[0]).all()


def seen(shirt, trousers, frames=8, **noise):
    known = Appearance(PARAMS)
    for n in range(frames):
        pose = stand(300 + 3 * n, 230, lean=20 * n)
        known.update(body_colors(dressed(pose, shirt, trousers, **noise), pose, 60, PARAMS))
    return known


def test_the_same_clothes_cost_nothing():
    known, pose = seen(RED, BLUE), stand(200, 250, lean=-40)
    mine, light, other = (
        known.cost(body_colors(frame, pose, 60, PARAMS))
        for frame in (
            dressed(pose, RED, BLUE),
            cv2.convertScaleAbs(dressed(pose, RED, BLUE), alpha=0.85),
            dressed(pose, GREEN, GREY),
        )
    )
    assert mine == 0 and light < 0.1 and 0.3 < other <= 0.6


def test_an_unknown_appearance_costs_nothing():
    pose = stand(200, 250)
    stranger = body_colors(dressed(pose, GREEN, GREY), pose, 60, PARAMS)
    assert Appearance(PARAMS).cost(stranger) == 0 == seen(RED, BLUE, 4).cost(stranger)
    assert seen(RED, BLUE).cost(np.full((PARTS, 3), np.nan)) == 0


def test_colours_that_vary_cost_less():
    """A striped shirt, or a bad fit: what usually differs says little."""
    known, pose = Appearance(PARAMS), stand(200, 250)
    for n in range(40):
        known.update(body_colors(dressed(pose, RED if n % 2 else GREEN, BLUE), pose, 60, PARAMS))
    mixed = body_colors(dressed(pose, GREEN, BLUE), pose, 60, PARAMS)
    assert known.cost(mixed) < 0.05
