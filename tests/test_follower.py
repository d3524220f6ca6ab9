"""Following: a body that turns, gaps, others; on pictures of dots, whose answer is known exactly."""

import numpy as np
import pytest
from helpers.dots import Dots, draw, stand

from gymskel.body_geometry import torso_lean
from gymskel.skeleton import BODY_25
from gymskel.tracking.follower import Follower
from gymskel.tracking.selection import select_tracks

RED, BLUE = (40, 30, 150), (150, 40, 30)  # BGR
LEFT, RIGHT = BODY_25.indices(["LWrist", "LAnkle"]), BODY_25.indices(["RWrist", "RAnkle"])


def follow(scenes, find, fps=30, **options):
    """The follower after all scenes; a scene is the list of people in a frame, or a frame."""
    follower = Follower(find, fps, **options)
    for number, scene in enumerate(scenes):
        follower.step(number, scene if isinstance(scene, np.ndarray) else draw(scene))
    return follower


def dressed(people, color):
    """A frame of people who wear one colour, under the dots."""
    frame = draw(people)
    for pose in people:
        low, high = np.nanmin(pose[:, :2], axis=0).astype(int), np.nanmax(pose[:, :2], axis=0).astype(int)
        body = frame[low[1] : high[1], low[0] : high[0]]
        body[~body.any(axis=-1)] = color
    return frame


def errors(track, truths):
    """(frames of the track,) pixels: the worst joint of each."""
    return [
        np.nanmax(np.linalg.norm(pose[:, :2] - truths[frame][:, :2], axis=1))
        for frame, pose in zip(track.frames, track.poses, strict=True)
    ]


@pytest.mark.parametrize("limit", [180, 60])
@pytest.mark.parametrize("step", [15, 30])
def test_a_somersault(step, limit):
    """A full turn, and the estimator sees nothing that leans by more than 60 degrees."""
    truths = [
        stand(200 + 4 * k, 240 - 60 * np.sin(k / 8), lean=step * max(0, k - 3))
        for k in range(3 + 720 // step)
    ]
    find = Dots(limit)
    follower = follow([[truth] for truth in truths], find)
    (track,) = follower.tracker.tracks
    assert track.frames == list(range(len(truths)))
    assert max(errors(track, truths)) < 4  # pixels; dots may hide each other, a torso is 60
    assert sum(follower.estimates) == find.calls < 1.6 * len(truths) + 7
    shown = np.array([follower.people[0].track.at(k).lean for k in range(8, len(truths))])
    real = np.array([torso_lean(truth[:, :2]) for truth in truths[8:]])
    assert np.abs((shown - real + 180) % 360 - 180).max() < 45


@pytest.mark.parametrize("lean", range(0, 360, 30))
def test_whoever_lies_or_hangs_from_the_start(lean):
    truths = [stand(320 + 2 * k, 240, lean=lean) for k in range(6)]
    follower = follow([[truth] for truth in truths], Dots(limit=60))
    assert follower.tracker.tracks[0].frames == list(range(6))


def test_nothing_is_invented_and_the_track_goes_on():
    """Seen by nobody for some frames: no pose; then the same track goes on."""
    truths = [stand(200 + 5 * k, 240) for k in range(20)]
    scenes = [[truth] if not 8 <= k < 13 else [] for k, truth in enumerate(truths)]
    follower = follow(scenes, Dots())
    (track,) = follower.tracker.tracks
    assert track.frames == [*range(8), *range(13, 20)]
    assert 9 in follower.people[0].missed


class Fails:
    """Passes on what another finds, but nothing in the calls that belong to given frames."""

    def __init__(self, find, frames):
        self.find, self.frames, self.number = find, frames, 0

    def __call__(self, frame):
        return self.find(frame)[: 0 if self.number in self.frames else None]


def test_the_backward_pass_fills_what_the_forward_pass_lost():
    truths = [stand(200 + 5 * k, 240, lean=10 * k) for k in range(20)]
    find = Fails(Dots(), range(6, 12))
    follower = Follower(find, 30)
    for number, truth in enumerate(truths):
        find.number = number
        follower.step(number, draw([truth]))
    (track,) = follower.tracker.tracks
    assert track.frames == list(range(20))
    assert max(errors(track, truths)) < 4  # pixels; dots may hide each other, a torso is 60
    assert {track.at(k).status for k in range(6, 12)} == {"backwards"}


class Vague(Fails):
    """Sees who leans by more than 60 degrees about a third of a torso beside where they are."""

    def __call__(self, frame):
        people = super().__call__(frame)
        beside = np.random.default_rng(0).choice([-15, 15], (25, 2))
        for pose in people:
            pose[:, :2] += beside * (abs(torso_lean(pose[:, :2])) > 60)
        return people


def test_the_first_pose_is_found_again_upright():
    """At first nobody knows how to turn the picture, and there is no frame before to go back from."""
    truths = [stand(320 + 2 * k, 240, lean=120) for k in range(8)]
    follower = follow([[truth] for truth in truths], Vague(Dots(), ()))
    (track,) = follower.finish()
    assert track.frames == list(range(8))
    assert max(errors(track, truths)) < 4
    assert [track.at(k).status for k in range(3)] == ["backwards", "", ""]
    assert abs(track.at(0).lean - 120) < 15


def test_the_first_pose_stays_where_no_better_is_found():
    truths, asked, find = [stand(320 + 2 * k, 240, lean=120) for k in range(8)], [], Vague(Dots(), ())

    def first_of_the_fourth_frame(frame):
        """Sure by then, the person is looked for in the first frame by all other calls of the fourth."""
        asked.append(number)
        return find(frame)[: 0 if number == 3 and asked.count(3) > 1 else None]

    follower = Follower(first_of_the_fourth_frame, 30)
    for number, truth in enumerate(truths):
        follower.step(number, draw([truth]))
    (track,) = follower.finish()
    first, *others = errors(track, truths)
    assert track.frames == list(range(8)) and asked.count(3) > 1
    assert first > 15 and max(others) < 4
    assert track.at(0).status == "found" and track.at(0).lean == 0


def test_whoever_comes_late_is_found_and_gone_back_for():
    """The whole picture is looked at twice a second; the frames since are filled."""
    truths = {k: stand(320, 240) for k in range(4, 30)}
    follower = follow([[truths[k]] if k in truths else [] for k in range(30)], Dots())
    assert follower.tracker.tracks[0].frames == list(range(4, 30))


def test_a_passer_by_is_not_taken_for_the_athlete():
    """An estimator that finds one person a frame, the taller one: the crop of each shows both at the crossing."""
    flip = [stand(320, 250, torso=50, lean=max(0, min(360, 20 * (k - 10)))) for k in range(40)]
    walk = [stand(60 + 13 * k, 235, torso=60) for k in range(40)]
    follower = follow([[a, b] for a, b in zip(flip, walk, strict=True)], Dots(alone=True))
    (athlete,) = select_tracks(follower.tracker.tracks, "athlete", 30, (640, 480))
    mine = [
        np.nanmedian(np.linalg.norm(p[:, :2] - flip[f][:, :2], axis=1))
        for f, p in zip(athlete.frames, athlete.poses, strict=True)
    ]
    assert max(mine) < 3 and len(mine) >= 34


def test_whoever_stands_beside_is_painted_out():
    """An estimator of one person prefers who stands taller; so it would see the athlete only without the other."""
    flip = [stand(320, 250, torso=50, lean=max(0, min(360, 20 * (k - 10)))) for k in range(40)]
    beside = stand(400, 235, torso=65)
    follower = follow([[pose, beside] for pose in flip], Dots(alone=True))
    (athlete,) = select_tracks(follower.finish(), "athlete", 30, (640, 480))
    assert len(athlete.frames) >= 38 and np.median(errors(athlete, flip)) < 4


@pytest.mark.slow
def test_the_liveliest_of_many_is_followed():
    """Four larger people, more than are followed at once."""
    larger = [stand(70 + 110 * n, 200, torso=50) for n in (0, 1, 3, 4)]
    flip = [stand(290, 330, torso=35, lean=max(0, min(360, 20 * (k - 15)))) for k in range(45)]
    follower = follow([[*larger, pose] for pose in flip], Dots())
    (athlete,) = select_tracks(follower.finish(), "athlete", 30, (640, 480))
    assert len(athlete.frames) >= 43 and np.median(errors(athlete, flip)) < 4
    assert sum(follower.estimates) / 45 < 6


class Farsighted(Dots):
    """Finds nobody who is under a share of the picture's height."""

    def __call__(self, frame):
        people = super().__call__(frame)
        high = np.nanmax(people[..., 1], axis=1) - np.nanmin(people[..., 1], axis=1) if len(people) else []
        return people[np.array(high) > 0.16 * len(frame)] if len(people) else people


def test_whoever_is_small_in_the_picture_is_found():
    """An eighth of the picture's height, and found only in squares where they are a sixth."""
    truths = {k: stand(900 + 3 * k, 200, torso=40) for k in range(30)}
    follower = follow([draw([pose], size=(1280, 960)) for pose in truths.values()], Farsighted())
    (track,) = follower.finish()
    assert track.frames == list(range(30)) and np.median(errors(track, truths)) < 5
    assert sum(follower.estimates) / 30 < 3


def test_pieces_of_one_person_are_joined():
    """Unseen for longer than anybody is waited for; the notes go along."""
    truths = {k: stand(200 + 2 * k, 240) for k in range(90) if not 30 <= k < 75}
    follower = follow([[truths[k]] if k in truths else [] for k in range(90)], Dots())
    (track,) = follower.finish()
    assert track.frames == sorted(truths)
    assert track.at(29).status == "" and track.at(75).status.startswith("found")


@pytest.mark.parametrize(
    ("colors", "people"), [pytest.param((RED, RED), 1, marks=pytest.mark.slow), ((RED, BLUE), 2)]
)
def test_who_wears_something_else_is_somebody_else(colors, people):
    """One goes behind something, and somebody in other clothes comes out there."""
    truths = {k: stand(200 + 2 * k, 240) for k in range(90) if not 30 <= k < 75}
    frames = [
        dressed([truths[k]], colors[k >= 75]) if k in truths else draw([], size=(640, 480)) for k in range(90)
    ]
    assert len(follow(frames, Dots()).finish()) == people


def test_everybody_is_followed_if_wanted():
    people = [[stand(90 + 110 * n + k, 240, torso=30) for n in range(5)] for k in range(8)]
    follower = follow(people, Dots(), follow_all=True)
    assert [len(track.frames) for track in follower.tracker.tracks] == [8] * 5
    assert len(follower.people) == 5


def test_an_empty_picture():
    find = Dots()
    follower = follow([[]] * 30, find)
    assert follower.tracker.tracks == [] and find.calls <= 2.5 * 30


def test_unseen_outside_the_picture():
    """What an estimator guesses beyond the edge is no keypoint of the picture."""
    half = stand(4, 240)
    (track,) = follow([[half]] * 5, Guesses(half)).tracker.tracks
    assert (track.poses[-1][RIGHT, 2] == 0).all() and np.isnan(track.poses[-1][RIGHT, 0]).all()
    np.testing.assert_allclose(track.poses[-1][LEFT, :2], half[LEFT, :2], atol=1.5)


def test_a_face_at_the_edge_is_nobody_to_follow():
    """Under 4 joints of trunk, arms and legs: no track, and no trouble."""
    face = np.full((25, 3), (np.nan, np.nan, 0), np.float32)
    for k, joint in enumerate(["Nose", "REye", "LEye", "REar", "LEar", "RBigToe", "LBigToe", "RHeel"]):
        face[BODY_25.index(joint)] = 300 + 30 * (k % 3), 200 + 30 * (k // 3), 1
    assert follow([[face]] * 6, Dots()).tracker.tracks == []


class Guesses:
    """Finds what is there of one known person, and guesses the rest."""

    def __init__(self, pose):
        self.pose, self.dots = pose, Dots()

    def __call__(self, frame):
        found = self.dots(frame)
        there = np.isfinite(self.pose[:, 0])
        for pose in found:  # an affine fit of what is seen places what is not
            seen = np.isfinite(pose[:, 0])
            known = np.column_stack([self.pose[:, :2], np.ones(25)])
            fit = np.linalg.lstsq(known[seen], pose[seen, :2], rcond=None)[0]
            pose[there & ~seen, :2], pose[there & ~seen, 2] = (known @ fit)[there & ~seen], 0.5
        return found
