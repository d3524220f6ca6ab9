"""Floors: rules so simple that no recurrent model should lose to them, answered in the model's own folds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gymskel.clips import Clips
from gymskel.evaluation.labelled_set import LabelledSet, Splits, one_by_one
from gymskel.preprocess import Preprocessor
from gymskel.recording.times import durations
from gymskel.skeleton import GYMNASTICS_15

FEATURE_BASELINES = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
    "random forest": RandomForestClassifier(50, random_state=0),
}
"""Rules that see 16 frames of each clip."""


def predict_baselines(cases: LabelledSet, splits: Splits) -> pd.DataFrame:
    """What simple rules answer: a row for each rule and case, with floor, recording, athlete, truth, predicted.

    "majority" always answers the commonest move; "length only" goes by the three recordings nearest in duration;
    "logistic regression" and "random forest" see 16 frames of each preprocessed recording, where recordings have
    the 15 joints of GYMNASTICS_15 and a frame rate. All but the first are fitted in the folds of the model.
    """
    counts = Counter(cases.truth.tolist())
    answers = {"majority": np.full(len(cases), max(sorted(counts), key=counts.get))}
    answers["length only"] = _by_folds(KNeighborsClassifier(3), _lengths(cases), cases.truth, splits)
    if (features := _features(cases)) is not None:
        for name, rule in FEATURE_BASELINES.items():
            answers[name] = _by_folds(rule, features, cases.truth, splits)
    facts = {"recording": cases.names, "athlete": cases.athletes, "truth": cases.truth}
    return pd.concat(
        [pd.DataFrame({"floor": name, **facts, "predicted": told}) for name, told in answers.items()],
        ignore_index=True,
    )


def sample_frames(clip: Clips | None, frames: int = 16) -> np.ndarray:
    """(frames * joints * channels,) one clip at `frames` instants from its first to its last frame."""
    if clip is None:
        return np.zeros(frames * 30, np.float32)
    x = clip.x[0, : clip.lengths[0]].reshape(clip.lengths[0], -1)
    at = np.linspace(0, len(x) - 1, frames)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(x) - 1)
    return (x[low] + (at - low)[:, None] * (x[high] - x[low])).ravel()


def _lengths(cases: LabelledSet) -> np.ndarray:
    """(cases, 1) seconds, or frames where a rate is not known."""
    if isinstance(cases.given, Clips):
        return cases.given.lengths[:, None] / (cases.given.fps or 1.0)
    return np.array(durations(cases.given)[0])[:, None]


def _features(cases: LabelledSet) -> np.ndarray | None:
    """(cases, values) of 16 frames each; None where recordings cannot be brought to one form."""
    if isinstance(cases.given, Clips):
        return np.stack([sample_frames(cases.given[i]) for i in range(len(cases))])
    if not all(r.fps and set(GYMNASTICS_15.joints) <= set(r.skeleton.joints) for r in cases.given):
        return None
    return np.stack([sample_frames(clip) for clip in one_by_one(Preprocessor("default"), cases.given)])


def _by_folds(rule: Any, x: np.ndarray, truth: np.ndarray, splits: Splits) -> np.ndarray:
    """The answers; neighbours as near as each other, and trees, must not go by the order of the recordings."""
    answers, order = truth.copy(), np.lexsort((truth, *x.T))
    for train, test in splits:
        train = order[np.isin(order, train)]
        if len(set(truth[train])) < 2 or len(train) < 3:
            answers[test] = truth[train][0]
        else:
            answers[test] = clone(rule).fit(x[train], truth[train]).predict(x[test])
    return answers
