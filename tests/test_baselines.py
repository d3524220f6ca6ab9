"""Baselines: simple rules with known answers, tested in the folds of the model."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.classifiers import blind
from helpers.evaluations import Fake, meet, stand, start_afresh

from gymskel.clips import Clips
from gymskel.evaluation import evaluate, sample_frames
from gymskel.skeleton import BODY_25


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    start_afresh(monkeypatch)


def test_floor_majority():
    floors = evaluate(Fake(), meet(flip=3, jump=1)).floors
    assert floors["majority"] == 0.75
    assert list(floors) == ["majority", "length only", "logistic regression", "random forest"]


def test_floor_length_only():
    """Length in seconds, whatever the frame rate."""
    recordings = []
    for n, who in enumerate("abcd"):
        fps = 30.0 if n % 2 else 60.0
        recordings += [
            stand("flip", who, frames=int(fps), fps=fps),
            stand("jump", who, frames=int(2 * fps), fps=fps),
        ]
    floors = evaluate(Fake(), recordings).floors
    assert floors["length only"] == 1
    assert floors["majority"] == 0.5
    same = [replace(r, keypoints=r.keypoints[: int(r.fps)]) for r in recordings]
    assert evaluate(Fake(), same).floors["length only"] == 0.5


def test_floors_do_not_go_by_the_order_of_the_recordings():
    """Two moves of the same lengths: the nearest three are among many as near."""
    rng = np.random.default_rng(0)
    recordings = [
        stand(move, who, sample, frames=30 + sample % 3, arm=rng.uniform(0, 9))
        for who in "abcd"
        for sample, move in enumerate(["flip", "jump", "jump", "flip", "flip", "jump"])
    ]
    told = [evaluate(Fake(), [recordings[i] for i in rng.permutation(24)]).floors for _ in range(4)]
    assert all(one == told[0] for one in told)


def test_floor_logistic_regression():
    """What a pose alone tells: an arm that is up or down."""
    recordings = []
    for n, who in enumerate("abcd"):
        recordings += [stand("down", who, frames=20 + n), stand("up", who, arm=90, frames=20 + n)]
    floors = evaluate(Fake(), recordings).floors
    assert floors["logistic regression"] == floors["random forest"] == 1
    assert floors["length only"] == 0.5


def test_floors_are_left_out_by_athlete_too():
    """Each athlete's own arm gives the move away, and nobody else's does: by athlete the floor fails."""
    arms = {("a", "up"): 0, ("a", "down"): 80, ("b", "up"): 80, ("b", "down"): 0}
    recordings = [stand(move, who, k, arm=arm) for (who, move), arm in arms.items() for k in range(2)]
    floors = evaluate(Fake(), recordings).floors
    assert floors["logistic regression"] == floors["random forest"] == 0


def test_floors_without_a_frame_rate():
    """Then lengths are frames, and nothing can be sample_frames for the regression."""
    recordings = [replace(r, fps=None) for r in meet(flip=2, jump=1)]
    assert set(evaluate(Fake(), recordings).floors) == {"majority", "length only"}


def test_floors_of_another_layout():
    """Without the 15 joints there is no regression, rather than one on zeros."""
    arms = BODY_25.select(["Neck", "RShoulder", "RElbow"])
    recordings = [replace(r, keypoints=r.keypoints[:, :3], skeleton=arms) for r in meet()]
    assert set(evaluate(Fake(), recordings).floors) == {"majority", "length only"}


def test_floors_with_a_blind_recording():
    recordings = meet()
    recordings[4] = blind(recordings[4])
    floors = evaluate(Fake(), recordings).floors
    assert all(0 <= share <= 1 for share in floors.values())
    assert len(floors) == 4


def test_sample_frames():
    x = np.arange(5, dtype=np.float32)[None, :, None, None] * np.ones((1, 5, 15, 2), np.float32)
    clip = Clips.from_arrays(np.pad(x, [(0, 0), (0, 3), (0, 0), (0, 0)]), lengths=[5])
    values = sample_frames(clip, 9).reshape(9, 30)
    np.testing.assert_allclose(values, np.linspace(0, 4, 9)[:, None] * np.ones(30), atol=1e-6)
    one = Clips.from_arrays(x[:, 3:4], lengths=[1])
    assert (sample_frames(one, 4) == 3).all()
    assert sample_frames(one).shape == (16 * 30,)
    assert (sample_frames(None) == np.zeros(480)).all()
