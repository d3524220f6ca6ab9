"""Baselines: simple rules that a recurrent model must beat, tested in the model's own folds."""

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
from gymskel.evaluation.labelled_set import LabelledSet
from gymskel.evaluation.trials import preprocess_each
from gymskel.preprocess import Preprocessor
from gymskel.recording.times import durations
from gymskel.skeleton import GYMNASTICS_15
from gymskel.splits import Indices

FEATURE_BASELINES = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
    "random forest": RandomForestClassifier(50, random_state=0),
}
"""Rules that see 16 frames of each clip."""


def predict_baselines(labelled: LabelledSet, splits: list[Indices]) -> pd.DataFrame:
    """Return the predictions of the baselines: columns floor (name of the rule), recording, athlete, truth, predicted.

    "majority" always predicts the most frequent move. "length only" takes the majority of the three training recordings
    nearest in duration. "logistic regression" and "random forest" see 16 frames of each preprocessed recording; they are
    left out unless all recordings have the 15 joints of GYMNASTICS_15 and a frame rate. All rules but the first are
    fitted in the folds of the model.
    """
    truth = labelled.truth
    counts = Counter(truth.tolist())
    predicted = {"majority": np.full(len(labelled), max(sorted(counts), key=lambda name: counts[name]))}
    data = labelled.data  # durations in seconds, or frames where a frame rate is unknown
    known = data.lengths / (data.fps or 1.0) if isinstance(data, Clips) else np.array(durations(data)[0])
    predicted["length only"] = _predict_folds(KNeighborsClassifier(3), known[:, None], truth, splits)
    if (features := _features(labelled)) is not None:
        for name, rule in FEATURE_BASELINES.items():
            predicted[name] = _predict_folds(rule, features, truth, splits)
    columns = {"recording": labelled.names, "athlete": labelled.athletes, "truth": truth}
    tables = [pd.DataFrame({"floor": name, **columns, "predicted": own}) for name, own in predicted.items()]
    return pd.concat(tables, ignore_index=True)


def sample_frames(clip: Clips | None, frames: int = 16) -> np.ndarray:
    """Return (frames * joints * channels,) values of one clip at equal steps from its first to its last frame.

    Without a clip they are 0, as many as 15 joints of two channels have.
    """
    if clip is None:
        return np.zeros(frames * 30, np.float32)
    x = clip.x[0, : clip.lengths[0]].reshape(clip.lengths[0], -1)
    at = np.linspace(0, len(x) - 1, frames)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(x) - 1)
    return (x[low] + (at - low)[:, None] * (x[high] - x[low])).ravel()


def _features(labelled: LabelledSet) -> np.ndarray | None:
    """Return (rows, values) of 16 frames each; None where recordings cannot be preprocessed to one layout."""
    data = labelled.data
    if isinstance(data, Clips):
        return np.stack([sample_frames(data[i]) for i in range(len(data))])
    if not all(r.fps and set(GYMNASTICS_15.joints) <= set(r.skeleton.joints) for r in data):
        return None
    return np.stack([sample_frames(clip) for clip in preprocess_each(Preprocessor("default"), data)])


def _predict_folds(rule: Any, x: np.ndarray, truth: np.ndarray, splits: list[Indices]) -> np.ndarray:
    """Return (rows,) predictions, each from a clone fitted on the training rows of its fold.

    Training rows are sorted by their values, because neighbours at equal distance and trees depend on the order of rows.
    """
    predicted, order = truth.copy(), np.lexsort((truth, *x.T))
    for train, test in splits:
        train = order[np.isin(order, train)]
        if len(set(truth[train])) < 2 or len(train) < 3:
            predicted[test] = truth[train][0]
        else:
            predicted[test] = clone(rule).fit(x[train], truth[train]).predict(x[test])
    return predicted
