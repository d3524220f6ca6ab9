"""Evaluation by athlete: whoever is tested was not trained on."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.evaluation.baselines import FEATURE_BASELINES, predict_baselines
from gymskel.evaluation.labelled_set import (
    LabelledSet,
    Splits,
    Trial,
    answer,
    name_of,
    of_one_length,
    together,
)
from gymskel.evaluation.result import Evaluation
from gymskel.recording import Recording
from gymskel.splits import leave_groups_out


def evaluate(
    classifier: SkeletonClassifier,
    recordings: Sequence[Recording] | Clips,
    *,
    runs: int = 1,
    folds: int | None = None,
    seed: int = 0,
    progress: bool = False,
    workers: int = 1,
) -> Evaluation:
    """How well a classifier does on recordings it was not trained on.

    Args:
        classifier: with the settings to test; it is cloned, not fitted.
        recordings: with activity, and athlete where known; or Clips with labels.
        runs: independent repetitions with seeds seed, seed + 1, ...
        folds: leave several athletes out at once, in this many folds that hold about as much of every
            class; the same in every run, so that runs differ by their training alone. By default one athlete each.
        seed: of the first run.
        progress: show a bar.
        workers: so many processes of this computer, each at a training of its own. They change no answer,
            but for rounding. A process takes about 1 GB; on a GPU leave it at 1.

    Raises:
        ValueError: unlabelled recordings, one class, one athlete, no runs.
        TypeError: neither Recordings nor Clips.
    """
    if runs < 1:
        raise ValueError(f"`runs` must be a number from 1, got {runs}.")
    cases = LabelledSet.of(recordings)
    splits = leave_groups_out(cases.athletes, folds, labels=cases.truth)
    notes = _notes(cases, splits)
    classifier = of_one_length(classifier, cases)
    trials = [Trial(train, test, seed + run) for run in range(runs) for train, test in splits]
    tables, seconds = [], np.zeros(runs)
    for n, one in enumerate(answer(classifier, cases, trials, workers, "fold" if progress else None)):
        run, fold = divmod(n, len(splits))
        one.table.insert(0, "run", run)
        one.table.insert(1, "fold", fold)
        tables.append(one.table)
        seconds[run] += one.seconds
        if "too few athletes" in one.note:
            notes.append(f"Fold {_named(one.table['athlete'])}: trained for {one.note}.")
    predictions = together(tables, cases.classes)
    if silent := int((predictions["predicted"] == "").sum()):
        notes.append(
            f"{silent} recordings got no answer and count as wrong; they are not in the confusion table."
        )
    told = predict_baselines(cases, splits)
    right = (told["truth"] == told["predicted"]).groupby(told["floor"], sort=False).mean()
    if not set(FEATURE_BASELINES) <= set(right.index):
        notes.append(
            f"No floor of {' or '.join(FEATURE_BASELINES)}: they need the 15 joints of GYMNASTICS_15 and known frame rates."
        )
    return Evaluation(
        model=name_of(classifier),
        protocol="athletes",
        predictions=predictions,
        classes=cases.classes,
        floors=right.to_dict(),
        seconds=seconds.tolist(),
        notes=list(dict.fromkeys(notes)),
        floor_predictions=told,
    )


def _named(athletes: Iterable[str]) -> str:
    return ", ".join(sorted(set(athletes))) + " out"


def _notes(cases: LabelledSet, splits: Splits) -> list[str]:
    """What makes these folds say less than they seem to; the grave ones are warnings too."""
    notes, truth, athletes = [], cases.truth, cases.athletes
    if nobody := int((~cases.named).sum()):
        notes.append(
            f"{nobody} recordings name no athlete and were left out by the name of their video; if others show the same person, "
            "the result flatters."
        )
    for name in sorted(set(truth)):
        doers = sorted(set(athletes[truth == name]))
        if len(doers) == 1:
            notes.append(
                f"Only {doers[0]} performs {name}: no fold can learn it from others and be tested on it."
            )
            warnings.warn(notes[-1], stacklevel=3)
    for train, test in splits:
        if lacking := sorted(set(truth) - set(truth[train][cases.good[train]])):
            wrong = int(np.isin(truth[test], lacking).sum())
            notes.append(
                f"Fold {_named(athletes[test])}: nobody left to learn {', '.join(lacking)} from; {wrong} test recordings cannot be right."
            )
    return notes
