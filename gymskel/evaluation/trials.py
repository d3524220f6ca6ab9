"""Trainings of an evaluation, each with the predictions for its test part."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone

from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.inputs import keypoints_checksum
from gymskel.clips import Clips
from gymskel.evaluation.checkpoint import TrialResult, hash_data, run_resumable
from gymskel.evaluation.labelled_set import LabelledSet
from gymskel.preprocess import Preprocessor
from gymskel.recording import Recording
from gymskel.training import get_recipe
from gymskel.training.checkpoint import hash_model, read_seconds


class Trial(NamedTuple):
    """One training and its test: rows of a LabelledSet, and the seed."""

    train: np.ndarray
    test: np.ndarray
    seed: int


def run_trials(
    classifier: SkeletonClassifier,
    labelled: LabelledSet,
    trials: Sequence[Trial],
    workers: int,
    unit: str | None,
    checkpoint: str | Path | None,
) -> list[TrialResult]:
    """Return the results of the trials in turn; the other arguments are those of `run_resumable`."""
    function = partial(_run_trial, classifier, labelled)
    identify = partial(_identify, classifier, labelled, trials)
    return run_resumable(function, trials, checkpoint, identify, workers=workers, unit=unit)


def _run_trial(
    classifier: SkeletonClassifier, labelled: LabelledSet, trial: Trial, checkpoint: Path | None
) -> TrialResult:
    """Train a clone and predict; where one class is left to train on, predict it without probabilities."""
    start, test = time.perf_counter() - read_seconds(checkpoint), trial.test
    train = trial.train[labelled.trainable[trial.train]]
    classes = sorted(set(labelled.truth[train]))
    columns = {"recording": labelled.names[test], "athlete": labelled.athletes[test]}
    columns["truth"] = labelled.truth[test]
    if not isinstance(labelled.data, Clips):
        columns["checksum"] = [keypoints_checksum(labelled.data[i]) for i in test]
    if len(classes) < 2:  # nothing to train
        only = classes[0] if classes else ""
        return TrialResult(pd.DataFrame({**columns, "predicted": only, "doubt": ""}), "", 0.0)
    fitted = clone(classifier).set_params(random_state=trial.seed)
    # an estimator of another class need not resume
    fitted.fit(labelled.part(train), **({} if checkpoint is None else {"checkpoint": checkpoint}))
    answers = fitted.predict_table(labelled.part(test))
    columns |= {"predicted": answers["move"].astype(str).to_numpy(), "doubt": answers["doubt"].to_numpy()}
    columns |= {name: answers[name].to_numpy(float) for name in answers if name.startswith("p(")}
    return TrialResult(pd.DataFrame(columns), fitted.run_.note, time.perf_counter() - start)


def _identify(
    classifier: SkeletonClassifier, labelled: LabelledSet, trials: Sequence[Trial]
) -> dict[str, Any]:
    """Return everything the predictions depend on, as plain values by name.

    The model is built once for these data, because a builder may give another network under the same name.
    """
    data, preprocess = labelled.data, None
    if isinstance(data, Clips):
        sample = data[:1]
    else:
        preprocessor = Preprocessor(classifier.preprocess)
        preprocess = preprocessor.to_dict()["steps"]
        made = (clip for recording in data for clip in preprocess_each(preprocessor, [recording]))
        sample = next(clip for clip in made if clip is not None)
    sample = replace(sample, classes=labelled.classes, y=np.zeros(1, int))
    splits = hashlib.sha256()
    for trial in trials:
        splits.update(repr((trial.train.tolist(), trial.test.tolist())).encode())
    return {
        "data": hash_data(data),
        "model": hash_model(classifier.build_model(sample)),
        "preprocess": preprocess,
        "recipe": asdict(get_recipe(classifier.recipe)),
        "seeds": list(dict.fromkeys(trial.seed for trial in trials)),
        "splits": splits.hexdigest(),
    }


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
