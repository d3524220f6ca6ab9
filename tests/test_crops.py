"""Crops of the picture: turned upright, and the way back."""

import numpy as np
import pytest
from helpers.dots import Dots, draw, stand

from gymskel.body_geometry import torso_lean
from gymskel.skeleton import BODY_25
from gymskel.tracking.crops import Crop


@pytest.mark.parametrize("lean", [0, 30, -77.5, 90, 180, 400])
@pytest.mark.parametrize("side", [150.0, 384.0, 1100.0])
def test_a_crop_maps_there_and_back(lean, side):
    crop = Crop((211.5, 140.25), side, lean)
    pose = stand(200, 150)
    shown = pose.copy()
    shown[:, :2] = pose[:, :2] @ crop.matrix[:, :2].T + crop.matrix[:, 2]
    np.testing.assert_allclose(crop.to_picture(shown[None])[0], pose, atol=1e-3)


@pytest.mark.parametrize("lean", [0, 45, 90, -120, 180])
def test_a_crop_shows_who_leans_upright(lean):
    crop = Crop((300, 220), 260, lean)
    (found,) = Dots()(crop.cut(draw([stand(300, 220, lean=lean)])))
    assert abs(torso_lean(found[:, :2])) < 2
    np.testing.assert_allclose(
        crop.to_picture(found[None])[0, :, :2], stand(300, 220, lean=lean)[:, :2], atol=2
    )


def test_a_crop_far_larger_than_shown_keeps_places():
    """4K pictures are averaged before they are shown small: places must not shift by it."""
    import cv2

    pose = stand(800, 900, torso=300)
    frame = np.zeros((2000, 1700, 3), np.uint8)
    at = pose[BODY_25.index("Nose"), :2]
    cv2.circle(frame, tuple(int(v) for v in np.round((at - 0.5) * 16)), 40 * 16, (255, 255, 255), -1, shift=4)
    crop = Crop((800, 900), 1900.0, 25.0)
    ys, xs = np.nonzero(crop.cut(frame)[..., 0] > 128)
    center = np.array([[[xs.mean() + 0.5, ys.mean() + 0.5, 1]]])
    np.testing.assert_allclose(crop.to_picture(center)[0, 0, :2], at, atol=1.0)


def test_beyond_the_edge_is_black():
    shown = Crop((0, 0), 100).cut(np.full((80, 80, 3), 255, np.uint8))
    assert shown.shape == (384, 384, 3) and shown[:150, :150].max() == 0 and shown[250:, 250:].min() == 255
