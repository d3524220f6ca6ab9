"""People painted out of a crop."""

import numpy as np
import pytest
from helpers.clothes import BLUE, GREEN, GREY, RED, dressed
from helpers.dots import stand

from gymskel.skeleton import BODY_25
from gymskel.tracking.crops import Crop, mask_people
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.prediction import Prediction

PARAMS = TrackingParams()

CROP = Crop((320, 240), 480, 0.0, 480)  # shows x from 80 to 560 as it is


def predicted(pose, torso=60):
    return Prediction(pose, 0.0, torso, 1)


def place(pose, joint, other):
    """Row and column in the crop, halfway between two joints."""
    x, y = (pose[BODY_25.index(joint), :2] + pose[BODY_25.index(other), :2]) / 2
    return int(y), int(x) - 80


def shown(*people):
    """A crop of people drawn over each other, as (pose, shirt, trousers)."""
    frame = np.full((480, 640, 3), GREY, np.uint8)
    for pose, shirt, trousers in people:
        body = dressed(pose, shirt, trousers)
        frame = np.where((body != GREY).any(axis=2, keepdims=True), body, frame)
    return CROP.cut(frame)


def is_black(pixel):
    return (pixel == 0).all()


@pytest.mark.parametrize("lean", [0, 75, 180])
def test_who_is_known_is_painted_over(lean):
    other, wanted = stand(200, 240, lean=lean), stand(450, 240)
    picture = shown((other, RED, BLUE), (wanted, GREEN, RED))
    after = mask_people(picture, CROP, [predicted(other)], PARAMS, predicted(wanted))
    for limb in (("Neck", "MidHip"), ("RHip", "RKnee"), ("LKnee", "LAnkle"), ("RShoulder", "RElbow")):
        assert is_black(after[place(other, *limb)]) and not is_black(after[place(wanted, *limb)])
    assert (
        not is_black(after[5, 5]) and picture[place(other, "Neck", "MidHip")].any()
    )  # nor was it black before


def test_where_the_wanted_person_should_be_is_spared():
    other, wanted = stand(300, 240), stand(320, 240, lean=90)
    after = mask_people(
        shown((wanted, GREEN, RED), (other, RED, BLUE)), CROP, [predicted(other)], PARAMS, predicted(wanted)
    )
    assert not is_black(after[place(wanted, "Neck", "MidHip")])
    assert is_black(after[place(other, "RKnee", "RAnkle")])


def test_nobody_to_paint_over():
    picture = shown((stand(300, 240), RED, BLUE))
    hidden = predicted(np.full((25, 3), np.nan, np.float32))
    np.testing.assert_array_equal(
        mask_people(picture, CROP, [hidden], PARAMS, predicted(stand(300, 240))), picture
    )
    covered = predicted(stand(300, 240))
    np.testing.assert_array_equal(
        mask_people(picture, CROP, [covered], PARAMS, predicted(stand(300, 240), 90)), picture
    )
