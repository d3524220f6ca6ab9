"""The torso: its ends, length, lean and middle, on poses whose answer is plain."""

import numpy as np
import pytest

from gymskel.body_geometry import (
    as_body_25,
    mean_of_seen,
    median_distance,
    torso_ends,
    torso_lean,
    torso_length,
    torso_middle,
)
from gymskel.skeleton import BODY_25, COCO_17


def pose_of(**places):
    """(25, 3) float32 BODY_25 with these joints at (x, y), the others unseen."""
    pose = np.full((25, 3), (np.nan, np.nan, 0), np.float32)
    for joint, place in places.items():
        pose[BODY_25.index(joint)] = *place, 1
    return pose


@pytest.mark.parametrize(
    ("neck", "lean"), [((0, -9), 0), ((9, 0), 90), ((0, 9), 180), ((-9, 0), -90), ((9, -9), 45)]
)
def test_lean(neck, lean):
    pose = pose_of(MidHip=(50, 50), Neck=np.add(neck, 50))
    assert float(torso_lean(pose[:, :2], BODY_25)) == pytest.approx(lean)


def test_lean_is_unknown_without_a_torso_or_its_length():
    assert np.isnan(torso_lean(pose_of(MidHip=(50, 50))[:, :2]))
    assert np.isnan(torso_lean(pose_of(MidHip=(50, 50), Neck=(50, 50))[:, :2]))


def test_other_layouts():
    pose = pose_of(RHip=(40, 50), LHip=(60, 50), RShoulder=(90, 40), LShoulder=(90, 60))
    coco = BODY_25.convert(pose, COCO_17)[:, :2]
    assert float(torso_lean(coco, COCO_17)) == pytest.approx(90)
    assert float(torso_length(coco, COCO_17)) == 40
    np.testing.assert_array_equal(torso_ends(coco, COCO_17), [(90, 50), (50, 50)])
    feet = BODY_25.select(["RAnkle", "LAnkle"])
    assert np.isnan(torso_lean(np.zeros((4, 2, 2)), feet)).all()
    np.testing.assert_array_equal(as_body_25(pose[:, :2], BODY_25), pose[:, :2])


def test_length_and_middle_of_many_frames():
    poses = np.stack([pose_of(MidHip=(0, 0), Neck=(3, 4)), pose_of(MidHip=(0, 0)), pose_of(Neck=(1, 1))])
    np.testing.assert_array_equal(torso_length(poses[..., :2]), [5, np.nan, np.nan])
    assert median_distance(*torso_ends(poses[..., :2])) == 5
    assert np.isnan(median_distance(*torso_ends(poses[1:, :, :2])))


def test_middle_of_the_torso_or_else_of_the_body():
    np.testing.assert_array_equal(torso_middle(pose_of(MidHip=(0, 0), Neck=(3, 4), Nose=(99, 99))), (1.5, 2))
    np.testing.assert_array_equal(torso_middle(pose_of(Neck=(0, 0), Nose=(1, 2), RKnee=(50, 50))), (1, 2))


def test_mean_of_seen_joints():
    np.testing.assert_array_equal(mean_of_seen(pose_of(Neck=(0, 0), Nose=(1, 2))[:, :2]), (0.5, 1))
    assert np.isnan(mean_of_seen(pose_of()[:, :2])).all()
