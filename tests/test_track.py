"""Tracks and body states: prediction of the joints, the order of frames, and the cost of other poses."""

import numpy as np
import pytest
from helpers.dots import UNSEEN, stand, track_of

from gymskel.skeleton import BODY_25
from gymskel.tracking.association import compare_poses

HIPS = BODY_25.index("MidHip")


def test_uniform_motion_goes_on():
    track = track_of([stand(100 + 6 * k, 200) for k in range(10)])
    (predicted,) = track.body.predict(10 / 30)
    np.testing.assert_allclose(predicted[HIPS], (160, 200), atol=2)
    assert np.isnan(predicted[BODY_25.index("LEye")]).all()  # never seen
    assert track.torso == pytest.approx(60, rel=0.15)


def test_frames_stay_in_order_whatever_comes_when():
    track = track_of([stand(100 + 6 * k, 200) for k in range(4)])
    track.add(8, stand(148, 200))
    track.add(6, stand(136, 200))
    track.add(2, stand(999, 200))
    assert track.frames == [0, 1, 2, 3, 6, 8]
    assert [pose[HIPS, 0] for pose in track.poses] == [100, 106, 999, 118, 136, 148]


def test_frames_are_cut_off():
    track = track_of([stand(100 + 6 * k, 200) for k in range(4)])
    before = track_of([stand(100 + 6 * k, 200) for k in range(2)]).body
    frames, poses = track.cut_from(2, before)
    assert frames == [2, 3] and [pose[HIPS, 0] for pose in poses] == [112, 118]
    assert track.frames == [0, 1] and len(track.poses) == 2 and track.body is before


def test_the_same_person_costs_least():
    body = track_of([stand(100 + 6 * k, 200) for k in range(10)]).body
    same, turned = stand(160, 200), stand(160, 200, lean=20)
    beside, taller = stand(220, 200), stand(160, 200, torso=110)
    poses = np.array([same, turned, beside, taller, np.full((25, 3), UNSEEN)], float)[..., :2]
    now, only = 10 / 30, np.zeros(5, int)
    place, build, size = compare_poses(body, body.predict(now), now, poses, only, np.arange(5))
    costs = place + build
    assert costs[0] < costs[1] < 0.4 < min(costs[2:4])
    assert size[3] > 0.3 > abs(size[0])
    assert costs[4] == np.inf
