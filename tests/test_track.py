"""Tracks and body states: prediction of the joints, the order of frames, and the cost of other poses."""

import numpy as np
import pytest
from helpers.dots import UNSEEN, stand, track_of

from gymskel.skeleton import BODY_25
from gymskel.tracking.association import compare_poses
from gymskel.tracking.body_states import predict_joints, recent_motion
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.track import Observation

HIPS = BODY_25.index("MidHip")


def test_uniform_motion_goes_on():
    track = track_of([stand(100 + 6 * k, 200) for k in range(10)])
    (predicted,) = predict_joints(track.body, 10 / 30, TrackingParams())
    np.testing.assert_allclose(predicted[HIPS], (160, 200), atol=2)
    assert np.isnan(predicted[BODY_25.index("LEye")]).all()  # never seen
    assert track.torso == pytest.approx(60, rel=0.15)


def test_frames_stay_in_order_whatever_comes_when():
    track = track_of([stand(100 + 6 * k, 200) for k in range(4)])
    track.add(8, Observation(stand(148, 200)))
    track.add(6, Observation(stand(136, 200)))
    track.add(2, Observation(stand(999, 200)))
    assert track.frames == [0, 1, 2, 3, 6, 8]
    assert [pose[HIPS, 0] for pose in track.poses] == [100, 106, 999, 118, 136, 148]


def test_the_poses_around_a_frame():
    track = track_of([stand(100 + 6 * k, 200) for k in range(6)])
    frames, poses, body = track.nearest(4, 2)
    assert frames == [2, 3] and [pose[HIPS, 0] for pose in poses] == [112, 118]
    np.testing.assert_allclose(
        recent_motion(body, 1.0)[0], (180, 0, 0), atol=1
    )  # pixels and radians a second
    frames, poses, body = track.nearest(2, 3, backwards=True)
    assert frames == [4, 3, 2] and [pose[HIPS, 0] for pose in poses] == [124, 118, 112]
    np.testing.assert_allclose(recent_motion(body, 1.0)[0], (180, 0, 0), atol=1)
    assert track.nearest(9, 2)[2] is track.body


def test_the_same_person_costs_least():
    params, body = TrackingParams(), track_of([stand(100 + 6 * k, 200) for k in range(10)]).body
    same, turned = stand(160, 200), stand(160, 200, lean=20)
    beside, taller = stand(220, 200), stand(160, 200, torso=110)
    poses = np.array([same, turned, beside, taller, np.full((25, 3), UNSEEN)], float)[..., :2]
    now, only = 10 / 30, np.zeros(5, int)
    predicted = predict_joints(body, now, params)
    place, build, size = compare_poses(body[only], predicted[only], now, poses, params)
    costs = place + build
    assert costs[0] < costs[1] < 0.4 < min(costs[2:4])
    assert size[3] > 0.3 > abs(size[0])
    assert costs[4] == np.inf
