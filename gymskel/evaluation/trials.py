"""Trainings of an evaluation, each with the predictions for its test part."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from tqdm.auto import tqdm

from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.inputs import keypoints_checksum
from gymskel.clips import Clips
from gymskel.evaluation.labelled_set import LabelledSet
from gymskel.parallel import map_in_order
from gymskel.preprocess import Preprocessor
from gymskel.recording import Recording


class Trial(NamedTuple):
    """One training and its test: rows of a LabelledSet, and the seed."""

    train: np.ndarray
    test: np.ndarray
    seed: int


class TrialResult(NamedTuple):
    """Predictions for the test rows of a trial, one row each.

    The table has the columns recording, athlete, truth, predicted, doubt, p(class) for each class trained on, and for
    recordings checksum. The seconds are those of training and prediction.
    """

    table: pd.DataFrame
    note: str
    seconds: float


def run_trials(
    classifier: SkeletonClassifier,
    labelled: LabelledSet,
    trials: Sequence[Trial],
    workers: int,
    unit: str | None = None,
) -> Iterable[TrialResult]:
    """Return an iterable over the results of the trials in turn, from `workers` processes; with a unit a progress bar counts the trials."""
    results = map_in_order(partial(_run_trial, classifier, labelled), trials, workers)
    return tqdm(results, total=len(trials), unit=unit or "", disable=unit is None, leave=False)


def _run_trial(classifier: SkeletonClassifier, labelled: LabelledSet, trial: Trial) -> TrialResult:
    """Train a clone and predict; where one class is left to train on, predict it without probabilities."""
    start, test = time.perf_counter(), trial.test
    train = trial.train[labelled.trainable[trial.train]]
    classes = sorted(set(labelled.truth[train]))
    columns = {"recording": labelled.names[test], "athlete": labelled.athletes[test]}
    columns["truth"] = labelled.truth[test]
    if not isinstance(labelled.data, Clips):
        columns["checksum"] = [keypoints_checksum(labelled.data[i]) for i in test]
    if len(classes) < 2:  # nothing to train
        only = classes[0] if classes else ""
        return TrialResult(pd.DataFrame({**columns, "predicted": only, "doubt": ""}), "", 0.0)
    fitted = clone(classifier).set_params(random_state=trial.seed).fit(labelled.part(train))
    answers = fitted.predict_table(labelled.part(test))
    columns |= {"predicted": answers["move"].astype(str).to_numpy(), "doubt": answers["doubt"].to_numpy()}
    columns |= {name: answers[name].to_numpy(float) for name in answers if name.startswith("p(")}
    return TrialResult(pd.DataFrame(columns), fitted.run_.note, time.perf_counter() - start)


def pool_predictions(tables: Sequence[pd.DataFrame], classes: Sequence[str]) -> pd.DataFrame:
    """Join the tables of several trials, with the probabilities in the order of `classes`.

    A class that a trial was not trained on has probability 0 there; where no model was trained all are NaN. If no table
    has probabilities, the result has none.
    """
    table = pd.concat(tables, ignore_index=True)
    names = [f"p({name})" for name in classes]
    present = [name for name in names if name in table]
    if not present:
        return table
    answered = table[present].notna().any(axis=1)
    for name in names:
        known = table.pop(name) if name in table else pd.Series(np.nan, table.index)
        table[name] = known.where(~answered | known.notna(), 0.0)
    return table


def with_fixed_length(classifier: SkeletonClassifier, labelled: LabelledSet) -> SkeletonClassifier:
    """Return the classifier; with the published head, which takes one length, a clone for the longest clip of all folds."""
    params = classifier.model_params or {}
    if params.get("head") != "flatten" or "frames" in params:
        return classifier
    if isinstance(labelled.data, Clips):
        frames = labelled.data.x.shape[1]
    else:
        clips = preprocess_each(Preprocessor(classifier.preprocess), labelled.data)
        frames = max(clip.x.shape[1] for clip in clips if clip is not None)
    return clone(classifier).set_params(model_params={**params, "frames": frames})


def preprocess_each(preprocessor: Preprocessor, recordings: Sequence[Recording]) -> list[Clips | None]:
    """Return each recording as Clips of one, None where it cannot be preprocessed."""
    clips: list[Clips | None] = []
    for recording in recordings:
        try:
            clips.append(preprocessor.transform([recording]))
        except ValueError:
            clips.append(None)
    return clips
