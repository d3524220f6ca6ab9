"""trunk_angle through gaps in which nobody saw the trunk."""

from dataclasses import replace

import numpy as np
import pytest

from gymskel.kinematics import kinematics_table, trunk_angle
from gymskel.recording import Recording
from gymskel.simulate import simulate_recordings
from gymskel.skeleton import BODY_25

NECK = BODY_25.index("Neck")


def turning(degrees, fps=30) -> Recording:
    """A trunk of 100 pixels that leans so many degrees, clockwise; everything else lies at the hip."""
    keypoints = np.tile(np.array([500.0, 500, 1]), (len(degrees), 25, 1))
    radians = np.radians(degrees)
    keypoints[:, NECK, :2] += 100 * np.stack([np.sin(radians), -np.cos(radians)], axis=-1)
    return Recording(keypoints, fps)


@pytest.mark.parametrize("way", [-1, 1])
@pytest.mark.parametrize("lost", [3, 8, 12])
def test_a_somersault_unseen_upside_down_goes_on_turning(way, lost):
    angles = way * np.arange(0, 361, 20.0)
    one = turning(angles)
    middle = slice(9 - lost // 2, 9 - lost // 2 + lost)
    one.keypoints[middle] = np.nan, np.nan, 0
    found = trunk_angle(one)
    assert np.isnan(found[middle]).all()
    seen = ~np.isnan(found)
    assert seen.sum() == len(one) - lost
    np.testing.assert_allclose(found[seen], angles[seen], atol=0.5)


def test_a_body_that_stands_through_a_gap_has_not_turned():
    one = turning(np.r_[np.full(10, 5.0), np.full(20, 0), np.full(10, -5.0)])
    one.keypoints[10:30] = np.nan, np.nan, 0
    found = trunk_angle(one)
    np.testing.assert_allclose(found[[0, -1]], [5, -5], atol=0.1)


def test_a_cartwheel_back_is_no_somersault():
    """It leans over to 100 degrees, is lost, and comes back from there the way it went."""
    angles = np.r_[np.arange(0, 101, 10.0), np.full(8, 100), np.arange(100, -1, -10.0)]
    one = turning(angles)
    one.keypoints[11:19] = np.nan, np.nan, 0
    np.testing.assert_allclose(trunk_angle(one)[[0, -1]], [0, 0], atol=0.5)


@pytest.mark.parametrize("fps", [30, 60])
def test_simulated_moves_turn_once(fps):
    table = kinematics_table(simulate_recordings(athletes=8, per_athlete=1, fps=fps))
    assert table["turn"].between(340, 375).all()


def test_one_frame_and_nobody():
    assert trunk_angle(turning([40.0])).round().tolist() == [40]
    nobody = replace(turning([0.0, 0, 0]), keypoints=np.full((3, 25, 3), (np.nan, np.nan, 0)))
    assert np.isnan(trunk_angle(nobody)).all()
