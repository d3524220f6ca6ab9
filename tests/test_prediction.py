"""Prediction of the next pose, and the cost of poses that continue it more or less."""

import numpy as np
import pytest
from helpers.dots import stand, track_of

from gymskel.body_geometry import torso_lean
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.prediction import pose_cost, predict_pose

PARAMS = TrackingParams()


@pytest.mark.parametrize("step", [0, 12, -30])
def test_flying_and_turning_goes_on(step):
    """Uniform motion is expected exactly, both ways in time."""
    poses = [stand(200 + 5 * k, 200 - 3 * k, lean=step * k) for k in range(8)]
    track = track_of(poses[:5])
    ahead = predict_pose(track, 5, PARAMS)
    np.testing.assert_allclose(ahead.pose[:, :2], poses[5][:, :2], atol=14)
    assert abs((ahead.lean - torso_lean(poses[5][:, :2]) + 180) % 360 - 180) < 2
    assert pose_cost(poses[5], ahead, PARAMS) < 0.2 < pose_cost(stand(200, 200, lean=90), ahead, PARAMS)
    behind = predict_pose(track_of(poses[3:], first=3), 2, PARAMS, backwards=True)
    np.testing.assert_allclose(behind.pose[:, :2], poses[2][:, :2], atol=14)


def test_a_turn_over_the_top_is_no_turn_back():
    poses = [stand(200, 200, lean=lean) for lean in (150, 170, 190)]
    lean = predict_pose(track_of(poses), 3, PARAMS).lean
    assert abs((lean - 210 + 180) % 360 - 180) < 2


def test_pose_cost():
    predicted = predict_pose(track_of([stand(200, 200)] * 3), 3, PARAMS)
    assert pose_cost(stand(200, 200), predicted, PARAMS) == pytest.approx(0, abs=0.01)
    assert pose_cost(stand(230, 200), predicted, PARAMS) == pytest.approx(0.5, abs=0.05)  # half a torso
    assert pose_cost(stand(900, 200), predicted, PARAMS) == pytest.approx(1.5)
    assert (
        pose_cost(stand(200, 200, torso=135), predicted, PARAMS) > 0.8
    )  # somebody else, nearer to the camera
    few = np.full((25, 3), (np.nan, np.nan, 0), np.float32)
    few[:3] = stand(200, 200)[:3]
    assert pose_cost(few, predicted, PARAMS) == np.inf
