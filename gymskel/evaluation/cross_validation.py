"""Evaluation by athlete: each athlete is tested by a model that was trained without them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.evaluation.baselines import FEATURE_BASELINES, predict_baselines
from gymskel.evaluation.labelled_set import LabelledSet
from gymskel.evaluation.result import Evaluation
from gymskel.evaluation.trials import Trial, pool_predictions, run_trials, with_fixed_length
from gymskel.recording import Recording
from gymskel.splits import Indices, leave_groups_out


def evaluate(
    classifier: SkeletonClassifier,
    recordings: Sequence[Recording] | Clips,
    *,
    runs: int = 1,
    folds: int | None = None,
    seed: int = 0,
    progress: bool = False,
    workers: int = 1,
    checkpoint: str | Path | None = None,
) -> Evaluation:
    """Train without one athlete at a time, test on that athlete, and pool the predictions.

    Recordings without an athlete are left out by the name of their video, and a note says so.

    Args:
        classifier: with the settings to test; it is cloned, not fitted.
        recordings: with activity, and athlete where known; or Clips with labels.
        runs: independent repetitions with seeds seed, seed + 1, ...
        folds: leave several athletes out at once, in this many folds that hold about as much of every class. They are
            the same in every run, so runs differ by their training alone. By default each athlete is a fold.
        seed: of the first run.
        progress: show a bar over the folds.
        workers: processes of this computer, each training one model at a time. The number changes predictions by rounding
            only. A process takes about 1 GB; on a GPU leave it at 1.
        checkpoint: a folder that keeps every finished training, and the one in progress after every epoch of keras. If it
            exists, the evaluation resumes there, and its table is the same as if it had never been interrupted. A finished
            evaluation returns after computing the floors. Delete the folder when you have the table. A folder of other
            data, settings, seeds or folds is refused.

    Raises:
        ValueError: unlabelled recordings, one class, one athlete, no runs; a checkpoint of another evaluation, or one that
            another process works on.
        TypeError: neither Recordings nor Clips.
    """
    if runs < 1:
        raise ValueError(f"`runs` must be a number from 1, got {runs}.")
    labelled, model = LabelledSet.of(recordings), classifier.model
    splits = leave_groups_out(labelled.athletes.tolist(), folds, labels=labelled.truth.tolist())
    notes = _notes(labelled, splits)
    classifier = with_fixed_length(classifier, labelled)
    trials = [Trial(train, test, seed + run) for run in range(runs) for train, test in splits]
    results = run_trials(classifier, labelled, trials, workers, "fold" if progress else None, checkpoint)
    tables, seconds = [], np.zeros(runs)
    for number, result in enumerate(results):
        run, fold = divmod(number, len(splits))
        result.table.insert(0, "run", run)
        result.table.insert(1, "fold", fold)
        tables.append(result.table)
        seconds[run] += result.seconds
        if "too few athletes" in result.note:
            notes.append(f"Fold {_fold_name(result.table['athlete'])}: trained for {result.note}.")
    predictions = pool_predictions(tables, labelled.classes)
    if unanswered := int((predictions["predicted"] == "").sum()):
        notes.append(f"{unanswered} recordings got no answer: wrong, and left out of the confusion table.")
    floor_predictions = predict_baselines(labelled, splits)
    right = floor_predictions["truth"] == floor_predictions["predicted"]
    floors = right.groupby(floor_predictions["floor"], sort=False).mean().to_dict()
    if not set(FEATURE_BASELINES) <= set(floors):
        notes.append(
            f"No floor of {' or '.join(FEATURE_BASELINES)}: they need the 15 joints of GYMNASTICS_15 and known frame rates."
        )
    return Evaluation(
        model=model if isinstance(model, str) else getattr(model, "__name__", "model"),
        protocol="athletes",
        predictions=predictions,
        classes=labelled.classes,
        floors=floors,
        seconds=seconds.tolist(),
        notes=list(dict.fromkeys(notes)),
        floor_predictions=floor_predictions,
    )


def _fold_name(athletes: Iterable[str]) -> str:
    return ", ".join(sorted(set(athletes))) + " out"


def _notes(labelled: LabelledSet, splits: list[Indices]) -> list[str]:
    """Return limits of these folds, in words; warn of classes that one athlete performs."""
    notes, truth, athletes = [], labelled.truth, labelled.athletes
    if unnamed := int((~labelled.athlete_known).sum()):
        notes.append(
            f"{unnamed} recordings name no athlete and were left out by the name of their video; if others show the same person, "
            "the result is too good."
        )
    for name in labelled.classes:
        performers = sorted(set(athletes[truth == name]))
        if len(performers) == 1:
            notes.append(f"Only {performers[0]} performs {name}: no fold can both learn and test it.")
            warnings.warn(notes[-1], stacklevel=3)
    for train, test in splits:
        trained = set(truth[train][labelled.trainable[train]])
        if missing := sorted(set(truth) - trained):
            wrong = int(np.isin(truth[test], missing).sum())
            notes.append(
                f"Fold {_fold_name(athletes[test])}: nobody left to learn {', '.join(missing)} from; {wrong} test recordings cannot be right."
            )
    return notes
