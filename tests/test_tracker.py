"""The tracker: identity through crossing and absence."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from helpers.dots import UNSEEN, stand

from gymskel.skeleton import BODY_25
from gymskel.tracking.tracker import Tracker

SIZE = (640, 480)
FAST_SEEDS = (1002, 1003, 1007)  # a crossing, a large bystander, leaving; the shortest
HIPS = BODY_25.index("MidHip")


def numbers_of(frames, tracker=None, **options):
    """The number that each of the people in each frame got; a frame is a list of poses."""
    tracker = tracker or Tracker(30, image_size=SIZE)
    given = [
        tracker.update(t, np.array(people, np.float32).reshape(-1, 25, 3), **options)
        for t, people in enumerate(frames)
    ]
    return given, tracker


def test_two_people_cross():
    """Each keeps the number, whatever the order of the lists, also where one hides the other."""
    frames = []
    for k in range(40):
        a, b = stand(100 + 10 * k, 240), stand(500 - 10 * k, 236, torso=56)
        both = [a] if 18 <= k <= 22 else [a, b]
        frames.append(both[:: -1 if k % 2 else 1])
    given, tracker = numbers_of(frames)
    assert len(tracker.tracks) == 2
    for k, (people, numbers) in enumerate(zip(frames, given, strict=True)):
        for pose, number in zip(people, numbers, strict=True):
            assert number == given[0][0 if abs(pose[HIPS, 0] - (100 + 10 * k)) < 1 else 1], k


def test_whoever_leaves_and_comes_back():
    way = [*range(300, 660, 12), *[None] * 20, *range(648, 300, -12)]
    frames = [[stand(120, 240, torso=45)] + ([] if x is None else [stand(x, 240)]) for x in way]
    given, tracker = numbers_of(frames)
    assert len(tracker.tracks) == 2
    assert {numbers[0] for numbers in given} == {0}
    assert {numbers[1] for numbers in given if len(numbers) > 1} == {1}


def test_doubles_and_scraps_start_nobody():
    scrap = np.full((25, 3), UNSEEN, np.float32)
    scrap[:3] = stand(500, 200)[:3]
    frames = [[stand(200, 240), stand(203, 241), scrap]] * 10
    given, tracker = numbers_of(frames)
    assert len(tracker.tracks) == 1 and all(sorted(numbers)[:2] == [-1, -1] for numbers in given)


def test_nobody_new_unless_wanted():
    given, tracker = numbers_of([[stand(200, 240)]] * 3, start=False)
    assert given == [[-1]] * 3 and tracker.tracks == []


@pytest.fixture(scope="module")
def scenes():
    """The benchmark of simulated scenes."""
    path = Path(__file__).parents[1] / "benchmarks" / "people.py"
    spec = importlib.util.spec_from_file_location("scenes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", FAST_SEEDS)
def test_a_simulated_scene(scenes, seed):
    assert scenes.faults(scenes.scene(seed)) == []


@pytest.mark.slow
def test_simulated_scenes(scenes):
    """Crossings, a large bystander, leaving and coming back; benchmarks/people.py judges two hundred."""
    assert {seed for seed in range(1000, 1012) if scenes.faults(scenes.scene(seed))} == set()
