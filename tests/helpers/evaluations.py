"""Stand-ins for a classifier, and a meet of athletes who stand still, for tests of evaluations."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier

from gymskel.evaluation import baselines
from gymskel.recording import Recording
from gymskel.skeleton import BODY_25
from helpers.networks import quick

BODY = np.random.default_rng(0).uniform(50, 250, (25, 2)).astype(np.float32)
TRAINED: list[tuple[int, list[Recording]]] = []


def stand(activity, athlete, sample=1, *, frames=30, fps=30.0, arm=0) -> Recording:
    """Return a recording of an athlete standing still, the right wrist `arm` pixels higher than usual."""
    keypoints = np.ones((frames, 25, 3), np.float32)
    keypoints[..., :2] = BODY
    keypoints[:, BODY_25.index("RWrist"), 1] -= arm
    return Recording(keypoints, fps, activity, str(sample), athlete)


class Fake(BaseEstimator):
    """Predicts `answer(recording, random_state)` in no time, and keeps its training parts in TRAINED."""

    model_params, preprocess, recipe = None, "default", "default"

    def __init__(self, answer=None, note="3 epochs", random_state=None, model="fake"):
        self.answer, self.note, self.random_state, self.model = answer, note, random_state, model

    def build_model(self, clips):
        return quick(len(clips.classes))

    def fit(self, recordings, *, checkpoint=None):
        TRAINED.append((self.random_state, list(recordings)))
        self.run_ = SimpleNamespace(note=self.note)
        return self

    def predict_table(self, recordings):
        moves = [self.answer(r, self.random_state) if self.answer else r.activity for r in recordings]
        return pd.DataFrame({"move": moves, "doubt": ["" if r.seen.all() else "poor" for r in recordings]})


def start_afresh(monkeypatch) -> None:
    """Forget the trainings of other tests, and make the random forest small."""
    TRAINED.clear()
    monkeypatch.setitem(
        baselines.FEATURE_BASELINES, "random forest", RandomForestClassifier(3, random_state=0)
    )


def meet(athletes="abc", **times) -> list[Recording]:
    """Return recordings in which every athlete performs every move so many times."""
    times = times or {"flip": 2, "jump": 1}
    return [stand(move, who, k) for who in athletes for move, count in times.items() for k in range(count)]


class Sure(Fake):
    """Answers with the probabilities that `chances(activity, athlete, classes)` gives."""

    def __init__(self, chances=None, random_state=None):
        super().__init__(random_state=random_state)
        self.chances = chances

    def fit(self, given, *, checkpoint=None):
        self.classes_ = sorted({r.activity for r in given})
        return super().fit(given)

    def predict_table(self, recordings):
        chances = np.array([self.chances(r.activity, r.athlete, self.classes_) for r in recordings])
        moves = [self.classes_[k] for k in chances.argmax(axis=1)]
        made = pd.DataFrame({"move": moves, "doubt": ""})
        return made.assign(**{f"p({name})": chances[:, k] for k, name in enumerate(self.classes_)})


def chances(activity, athlete, classes):
    """0.9 for the truth, 0.6 for something else where c performs; an unknown move is the first class with 0.4."""
    right = 0.4 if activity not in classes else 0.9
    first = classes.index(activity) if activity in classes else 0
    if athlete == "c":
        right, first = 0.6, (first + 1) % len(classes)
    rest = (1 - right) / (len(classes) - 1)
    return [right if k == first else rest for k in range(len(classes))]
