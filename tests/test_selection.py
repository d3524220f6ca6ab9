"""Selection of the wanted person: by movement, size, presence, number or place."""

import numpy as np
import pytest
from helpers.dots import stand, track_of

from gymskel.skeleton import BODY_25
from gymskel.tracking.selection import limb_speed, select_tracks

SIZE = (640, 480)


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
    walk, flip, poster, _ = (limb_speed(track, 30) for track in a_scene())
    assert poster == 0 and 0 < walk < 0.7 * flip
    shaking = [stand(200, 200) for _ in range(60)]
    for pose in shaking:
        pose[:, :2] += np.random.default_rng(int(pose[0, 0])).normal(0, 1.5, (25, 2))
    assert limb_speed(track_of(shaking), 30) < 0.3 * flip


def test_who_is_upside_down_is_the_athlete():
    """A handstand that is held, beside a walker; a few poses that an estimator turned round are none."""
    walk = a_scene()[0]
    sway = [stand(400, 200, torso=30, lean=180 + 2 * np.sin(k / 3)) for k in range(60)]
    handstand = track_of(sway, number=1)
    turned = track_of([stand(400, 200, torso=30, lean=180 * (k % 30 == 9)) for k in range(60)], number=1)
    assert 0.15 < limb_speed(handstand, 30) < limb_speed(walk, 30)
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
        (7, "No person 7.*0, 1, 2, 3"),
        ("best", "`people`.*athlete, largest, longest, all.*best"),
        ((1, 2, 3), "`people`.*1, 2, 3"),
        ((900, 100), r"\(900, 100\).*outside"),
    ],
)
def test_who_cannot_be_chosen(people, message):
    with pytest.raises(ValueError, match=message):
        select_tracks(a_scene(), people, 30, SIZE)
