"""Who is who: tracks, identity through crossing and absence, and the choice of the athlete."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from helpers.dots import UNSEEN, stand

from gymskel.skeleton import BODY_25
from gymskel.tracking.tracker import Track, Tracker, distance, own_movement, select_tracks

SIZE = (640, 480)
HIPS = BODY_25.index("MidHip")


def track_of(poses, first=0, number=0):
    track = Track(number, 30)
    for frame, pose in enumerate(poses, first):
        track.add(frame, pose)
    return track


def numbers_of(frames, tracker=None, **options):
    """The number that each of the people in each frame got; a frame is a list of poses."""
    tracker = tracker or Tracker(30, image_size=SIZE)
    given = [
        tracker.update(t, np.array(people, np.float32).reshape(-1, 25, 3), **options)
        for t, people in enumerate(frames)
    ]
    return given, tracker


# --- a track -----------------------------------------------------------------------------------------------------


def test_uniform_motion_goes_on():
    track = track_of([stand(100 + 6 * k, 200) for k in range(10)])
    np.testing.assert_allclose(track.predict(10)[HIPS], (160, 200), atol=2)
    assert np.isnan(track.predict(10)[BODY_25.index("LEye")]).all()  # never seen
    assert track.size == pytest.approx(60, rel=0.15)


def test_frames_stay_in_order_whatever_comes_when():
    track = track_of([stand(100 + 6 * k, 200) for k in range(4)])
    track.add(8, stand(148, 200))
    track.add(6, stand(136, 200))
    track.add(2, stand(999, 200))
    assert track.frames == [0, 1, 2, 3, 6, 8]
    assert [pose[HIPS, 0] for pose in track.poses] == [100, 106, 999, 118, 136, 148]


def test_distance_tells_who_goes_on():
    track = track_of([stand(100 + 6 * k, 200) for k in range(10)])
    same, turned = stand(160, 200), stand(160, 200, lean=20)
    beside, taller = stand(220, 200), stand(160, 200, torso=110)
    costs = [distance(track, pose, 10) for pose in (same, turned, beside, taller)]
    assert costs[0] < costs[1] < 0.4 < min(costs[2:])
    assert distance(track, np.full((25, 3), UNSEEN, np.float32), 10) == np.inf


# --- identity ------------------------------------------------------------------------------------------------------


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


def test_simulated_scenes():
    """Crossings, a large bystander, leaving and coming back; benchmarks/people.py judges two hundred."""
    spec = importlib.util.spec_from_file_location(
        "scenes", Path(__file__).parents[1] / "benchmarks" / "people.py"
    )
    scenes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scenes)
    assert {seed for seed in range(1000, 1012) if scenes.faults(scenes.scene(seed))} == set()


# --- choice ----------------------------------------------------------------------------------------------------------


def a_scene():
    """A short flip far away, a long walk near, a poster, a moment's ghost."""
    flip = [stand(400, 200, torso=30, lean=max(0, min(360, 18 * (k - 10)))) for k in range(40)]
    walk = [stand(60 + 8 * k, 300, torso=80) for k in range(60)]
    for k, pose in enumerate(walk):
        pose[BODY_25.indices(["RAnkle", "LWrist"]), 0] += 25 * np.sin(k / 4)
        pose[BODY_25.indices(["LAnkle", "RWrist"]), 0] -= 25 * np.sin(k / 4)
    poster = [stand(600, 100, torso=20)] * 60
    ghost = [stand(100 * (k % 2), 100, lean=90 * k) for k in range(3)]
    return [track_of(poses, number=n) for n, poses in enumerate((walk, flip, poster, ghost))]


def test_the_body_that_moves_most_in_itself():
    walk, flip, poster, _ = (own_movement(track, 30) for track in a_scene())
    assert poster == 0 and 0 < walk < 0.7 * flip
    shaking = [stand(200, 200) for _ in range(60)]
    for pose in shaking:
        pose[:, :2] += np.random.default_rng(int(pose[0, 0])).normal(0, 1.5, (25, 2))
    assert own_movement(track_of(shaking), 30) < 0.3 * flip


def test_who_is_upside_down_is_the_athlete():
    """A handstand that is held, beside a walker; a few poses that an estimator turned round are none."""
    walk = a_scene()[0]
    sway = [stand(400, 200, torso=30, lean=180 + 2 * np.sin(k / 3)) for k in range(60)]
    handstand = track_of(sway, number=1)
    turned = track_of([stand(400, 200, torso=30, lean=180 * (k % 30 == 9)) for k in range(60)], number=1)
    assert 0.15 < own_movement(handstand, 30) < own_movement(walk, 30)
    assert [track.number for track in select_tracks([walk, handstand], "athlete", 30, SIZE)] == [1]
    assert [track.number for track in select_tracks([walk, turned], "athlete", 30, SIZE)] == [0]


@pytest.mark.parametrize(
    ("people", "chosen"),
    [
        *[("athlete", [1]), ("largest", [0]), ("longest", [0]), ("all", [0, 1, 2])],
        *[(0, [0]), (3, [3]), ((400, 210), [1]), ([60, 300], [0])],
    ],
)
def test_who_is_chosen(people, chosen):
    assert [track.number for track in select_tracks(a_scene(), people, 30, SIZE)] == chosen


def test_nobody_to_choose_from():
    assert select_tracks([], "athlete", 30, SIZE) == [] == select_tracks([], "all", 30, SIZE)


@pytest.mark.parametrize(
    ("people", "message"),
    [
        (7, "No person 7 in the video, only 0, 1, 2, 3"),
        ("best", "`people` must be athlete, largest, longest, all, the number of a person or a point"),
        ((1, 2, 3), "`people` must be"),
        ((900, 100), r"The point \(900, 100\) lies outside the picture"),
    ],
)
def test_who_cannot_be_chosen(people, message):
    with pytest.raises(ValueError, match=message):
        select_tracks(a_scene(), people, 30, SIZE)
