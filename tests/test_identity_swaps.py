"""Two people swapped where they met, and told apart by their clothes."""

import numpy as np
import pytest
from helpers.dots import stand

from gymskel.tracking.appearance import PARTS
from gymskel.tracking.identity_swaps import undo_swaps
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.track import Observation, Track

RED, BLUE = (45, 60, 40), (40, 20, -50)
LENGTH = 60


def exchanged(tracks):
    """Pairs of track numbers, with the frames in which the first had the pose of the second afterwards."""
    owner = {
        (frame, seen.pose.tobytes()): track.number
        for track in tracks
        for frame, seen in zip(track.frames, track.observations, strict=True)
    }
    moved = {}
    for track in undo_swaps(tracks, TrackingParams()):
        for frame, seen in zip(track.frames, track.observations, strict=True):
            pair = tuple(sorted({track.number, owner[frame, seen.pose.tobytes()]}))
            if len(pair) == 2:
                moved.setdefault(pair, set()).add(frame)
    return moved


def crossing(swapped=(), *, colors=(RED, BLUE), apart=0, unseen=()):
    """Two tracks that cross in the middle; in frames `swapped` each has the other's pose and colours."""
    rng = np.random.default_rng(0)
    tracks = [Track(0, 30), Track(1, 30)]
    for frame in range(LENGTH):
        people = [(stand(100 + 8 * frame, 200), colors[0]), (stand(580 - 8 * frame, 201 + apart), colors[1])]
        for track, (pose, color) in zip(tracks, people[:: -1 if frame in swapped else 1], strict=True):
            if (track.number, frame) in unseen:
                continue
            track.add(frame, Observation(pose, np.array(color) + rng.normal(0, 4, (PARTS, 3))))
    return tracks


@pytest.mark.parametrize("swapped", [range(30, 60), range(28, 34), [*range(26, 29), *range(33, 60)]])
def test_who_was_swapped_is_told_apart(swapped):
    assert exchanged(crossing(swapped)) == {(0, 1): set(swapped)}


def test_whoever_was_told_apart_stays():
    assert exchanged(crossing()) == {}


def test_out_of_sight_when_they_met():
    """One is hidden behind the other, and goes on as the other."""
    hidden = {(1, frame) for frame in range(26, 34)}
    ((pair, frames),) = exchanged(crossing(range(34, 60), unseen=hidden)).items()
    assert pair == (0, 1) and set(range(34, 60)) <= frames <= set(range(26, 60))


def test_one_who_goes_on_as_the_other():
    """The first is lost when they meet, and the other's track goes on with the first."""
    gone = {(0, frame) for frame in range(30, 60)}
    tracks = crossing(range(30, 60), unseen=gone)
    assert exchanged(tracks) == {(0, 1): set(range(30, 60))}
    first, second = undo_swaps(tracks, TrackingParams())
    assert first.frames == list(range(60)) and second.frames == list(range(30))


@pytest.mark.parametrize(
    "options",
    [{"colors": (RED, RED)}, {"apart": 300}],
    ids=["alike", "never near"],
)
def test_nothing_is_swapped_without_reason(options):
    assert exchanged(crossing(range(30, 60), **options)) == {}


def test_the_light_changes_for_both():
    tracks = crossing()
    for track in tracks:
        for seen in track.observations[30:]:
            seen.colors[:] -= (15, 0, 0)
    assert exchanged(tracks) == {}


def test_whoever_is_hardly_known_before():
    assert exchanged(crossing(range(30, 60), unseen={(1, frame) for frame in range(22)})) == {}


def test_a_third_person_who_met_nobody_stays():
    third = Track(2, 30)
    for frame in range(LENGTH):
        third.add(frame, Observation(stand(320 + 0.01 * frame, 330), np.tile((60.0, 0, 0), (PARTS, 1))))
    assert exchanged([*crossing(range(30, 60)), third]) == {(0, 1): set(range(30, 60))}
