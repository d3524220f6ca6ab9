"""Two people swapped where they met, and told apart by their clothes."""

import numpy as np
import pytest
from helpers.dots import stand

from gymskel.tracking.appearance import PARTS
from gymskel.tracking.identity_swaps import find_swaps
from gymskel.tracking.track import Track

RED, BLUE = (45, 60, 40), (40, 20, -50)
LENGTH = 60


def found(tracks, worn):
    return list(find_swaps(tracks, worn))


def crossing(swapped=(), *, colors=(RED, BLUE), apart=0, unseen=()):
    """Two tracks that cross in the middle, and their colours; in frames `swapped` each has the other's pose."""
    rng, worn = np.random.default_rng(0), {0: {}, 1: {}}
    tracks = [Track(0, 30), Track(1, 30)]
    for frame in range(LENGTH):
        people = [(stand(100 + 8 * frame, 200), colors[0]), (stand(580 - 8 * frame, 200 + apart), colors[1])]
        for track, (pose, color) in zip(tracks, people[:: -1 if frame in swapped else 1], strict=True):
            if (track.number, frame) in unseen:
                continue
            track.add(frame, pose)
            worn[track.number][frame] = np.array(color) + rng.normal(0, 4, (PARTS, 3))
    return tracks, worn


@pytest.mark.parametrize("swapped", [range(30, 60), range(28, 34), [*range(26, 29), *range(33, 60)]])
def test_who_was_swapped_is_told_apart(swapped):
    ((one, other, frames),) = found(*crossing(swapped))
    assert (one.number, other.number) == (0, 1) and set(frames) == set(swapped)


def test_whoever_was_told_apart_stays():
    assert found(*crossing()) == []


def test_out_of_sight_when_they_met():
    """One is hidden behind the other, and goes on as the other."""
    hidden = {(1, frame) for frame in range(26, 34)}
    ((_, _, frames),) = found(*crossing(range(34, 60), unseen=hidden))
    assert set(range(34, 60)) <= set(frames) <= set(range(26, 60))


def test_one_who_goes_on_as_the_other():
    """The first is lost when they meet, and the other's track goes on with the first."""
    gone = {(0, frame) for frame in range(30, 60)}
    ((_, _, frames),) = found(*crossing(range(30, 60), unseen=gone))
    assert set(frames) == set(range(30, 60))


@pytest.mark.parametrize(
    "options",
    [{"colors": (RED, RED)}, {"apart": 300}],
    ids=["alike", "never near"],
)
def test_nothing_is_swapped_without_reason(options):
    assert found(*crossing(range(30, 60), **options)) == []


def test_the_light_changes_for_both():
    tracks, worn = crossing()
    for colors in worn.values():
        for frame in range(30, 60):
            colors[frame] -= (15, 0, 0)
    assert found(tracks, worn) == []


def test_whoever_is_hardly_known_before():
    tracks, worn = crossing(range(30, 60), unseen={(1, frame) for frame in range(22)})
    assert found(tracks, worn) == []


def test_a_third_person_who_met_nobody_stays():
    tracks, worn = crossing(range(30, 60))
    third, other = Track(2, 30), np.array((60, 0, 0))
    for frame in range(LENGTH):
        third.add(frame, stand(320, 330))
    worn[2] = {frame: np.tile(other, (PARTS, 1)).astype(float) for frame in range(LENGTH)}
    ((one, two, frames),) = found([*tracks, third], worn)
    assert (one.number, two.number, set(frames)) == (0, 1, set(range(30, 60)))
