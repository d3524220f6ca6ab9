"""Tracks mended in the end: pieces joined, single poses put where somebody is missing, doubles and strangers left out."""

import numpy as np
import pytest
from helpers.dots import stand

from gymskel.tracking.body_states import predict_joints
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.stitching import stitch_tracks
from gymskel.tracking.track import Observation, Track
from gymskel.tracking.tracker import Tracker

EDGES = (0.0, 640.0)
PARAMS = TrackingParams()


def walk(first, last, x=100.0, speed=6.0, torso=60.0):
    """Frames and poses of somebody who passes x in frame 0."""
    frames = list(range(first, last))
    return frames, [stand(x + speed * frame, 240, torso=torso) for frame in frames]


def tracks_of(*pieces):
    tracks = []
    for number, (frames, poses) in enumerate(pieces):
        tracks.append(Track(number, 30))
        for frame, pose in zip(frames, poses, strict=True):
            tracks[-1].add(frame, Observation(pose))
    return tracks


def mended(*pieces, unassigned=(), edges=EDGES):
    """The frames of each person."""
    runs = [(frames, [Observation(pose) for pose in poses]) for frames, poses in unassigned]
    return [track.frames for track in stitch_tracks(tracks_of(*pieces), runs, 30, edges, PARAMS)]


def test_what_is_whole_stays():
    one, other = walk(0, 40), walk(0, 40, x=600, speed=-5)
    tracks = tracks_of(one, other)
    for before, after in zip(tracks, stitch_tracks(tracks, [], 30, EDGES, PARAMS), strict=True):
        assert (after.number, after.frames) == (before.number, before.frames)
        np.testing.assert_array_equal(after.poses, before.poses)
        assert after.torso == pytest.approx(before.torso, rel=0.05)
        places = [predict_joints(track.body, 1.5, PARAMS) for track in (before, after)]
        np.testing.assert_allclose(*places, atol=3)


def test_nobody():
    assert stitch_tracks([], [], 30, EDGES, PARAMS) == [] == Tracker(30).finish()


@pytest.mark.parametrize("gap", [1, 4, 9])
def test_two_pieces_of_one_walk_are_one_person(gap):
    assert mended(walk(0, 20), walk(20 + gap, 50)) == [[*range(20), *range(20 + gap, 50)]]


def test_a_stranger_in_the_gap_is_let_go():
    """A track that took two wrong poses far off, while the person went on as another track."""
    frames, poses = walk(0, 20)
    wrong = [22, 23], [stand(500, 100, lean=70), stand(505, 102, lean=80)]
    tracks = [(frames + wrong[0], poses + wrong[1]), walk(24, 50)]
    assert mended(*tracks) == [[*range(20), *range(24, 50)], wrong[0]]


def test_who_crosses_in_a_gap_keeps_going():
    """The tracks were exchanged while neither was seen; the motion before and after tells."""
    right, left = walk(0, 50), walk(0, 50, x=400, speed=-6, torso=56)
    swapped = [
        (one[0][:22] + other[0][28:], one[1][:22] + other[1][28:])
        for one, other in ((right, left), (left, right))
    ]
    first, second = stitch_tracks(tracks_of(*swapped), [], 30, EDGES, PARAMS)
    np.testing.assert_array_equal(first.poses, right[1][:22] + right[1][28:])
    np.testing.assert_array_equal(second.poses, left[1][:22] + left[1][28:])


def test_a_single_pose_goes_where_somebody_is_missing():
    frames, poses = walk(0, 40)
    without = frames[:20] + frames[24:], poses[:20] + poses[24:]
    assert mended(without, unassigned=[([22], [poses[22]])]) == [[*range(20), 22, *range(24, 40)]]
    assert mended(without, unassigned=[([22], [stand(500, 100)])]) == [without[0]]  # nobody is missing there
    assert mended(without, ([22], [poses[22]])) == [[*range(20), 22, *range(24, 40)]]


def test_somebody_found_twice_is_nobody_else():
    frames, poses = walk(0, 40)
    twice = [10], [poses[10] + np.array([2, 1, 0], np.float32)]
    assert mended((frames, poses), twice) == [frames]


@pytest.mark.parametrize(("torso", "people"), [(60, 1), (61, 1), (68, 2), (53, 2)])
def test_who_is_back_is_known_by_their_size(torso, people):
    gone = walk(0, 44, x=360, speed=6)
    back = walk(120, 170, x=1350, speed=-6, torso=torso)
    assert len(mended(gone, back)) == people


def test_who_stands_in_the_middle_is_not_back():
    assert len(mended(walk(0, 44, x=360), walk(120, 170, x=330, speed=0))) == 2


def test_neither_the_order_of_tracks_nor_the_place_matters():
    pieces = [
        walk(0, 20),
        walk(24, 50),
        walk(0, 30, x=500, speed=-3, torso=45),
        walk(33, 60, x=500, speed=-3, torso=45),
    ]
    once = mended(*pieces)
    assert len(once) == 2
    assert sorted(mended(*pieces[::-1])) == sorted(once)
    moved = [
        (frames, [pose + np.array([50, 90, 0], np.float32) for pose in poses]) for frames, poses in pieces
    ]
    assert mended(*moved, edges=(50.0, 690.0)) == once


def test_what_the_tracker_dropped_is_kept_for_the_end():
    tracker = Tracker(30, image_size=(640, 480))
    for frame in range(30):
        tracker.update(frame, np.array([stand(100 + 6 * frame, 240)], np.float32))
    (whole,) = tracker.finish()
    assert whole.frames == list(range(30)) and whole.number == 0
