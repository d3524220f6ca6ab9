"""Open-set test: how well the probability of a prediction reveals a move that was never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score

from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.reliability import doubt_threshold
from gymskel.clips import Clips
from gymskel.evaluation.labelled_set import LabelledSet
from gymskel.evaluation.metrics import answer_probabilities
from gymskel.evaluation.trials import Trial, pool_predictions, run_trials, with_fixed_length
from gymskel.messages import join_names
from gymskel.recording import Recording
from gymskel.splits import leave_groups_out


def unknown_moves(
    classifier: SkeletonClassifier,
    recordings: Sequence[Recording] | Clips,
    *,
    unknown: str | Sequence[str] | None = None,
    folds: int | None = None,
    keep: float = 0.95,
    seed: int = 0,
    progress: bool = False,
    workers: int = 1,
    checkpoint: str | Path | None = None,
) -> pd.DataFrame:
    """Train without one class at a time and compare the probabilities of answers for it with those for known classes.

    Athletes are left out fold by fold, and in each fold the unknown class is not trained on. All answers, for the unknown
    class and for known ones, come from athletes left out. The threshold of each fold is chosen on the known classes of the
    other folds, as `SkeletonClassifier.keep_out_of_fold` chooses it.

    Args:
        classifier, recordings, folds, seed, progress, workers, checkpoint: as in `evaluate`.
        unknown: a class to leave out, or several in turn; by default each.
        keep: share of the right answers that the threshold lets pass.

    Returns:
        One row for each class left out. recordings: number of its recordings. rejected: share of these under the threshold.
        kept: share of the right answers for known classes above it. auc: chance that a known recording with a right answer
        has a higher probability than an unknown one (0.5 = a guess; Hendrycks and Gimpel 2017).

    Raises:
        ValueError: fewer than three classes, an unknown class that does not occur, or of which no fold tests a recording.
    """
    labelled = LabelledSet.of(recordings)
    if len(labelled.classes) < 3:
        raise ValueError(f"The test needs at least three classes, got {', '.join(labelled.classes)}.")
    chosen = labelled.classes if unknown is None else [unknown] if isinstance(unknown, str) else unknown
    wrong = sorted(set(chosen) - set(labelled.classes))
    if wrong or not chosen:
        known = ", ".join(labelled.classes)
        raise ValueError(f"`unknown` must name classes among {known}, got {join_names(wrong) or 'none'}.")
    splits = leave_groups_out(labelled.athletes.tolist(), folds, labels=labelled.truth.tolist())
    classifier = with_fixed_length(classifier, labelled)
    trials = [
        Trial(train[labelled.truth[train] != name], test, seed) for name in chosen for train, test in splits
    ]
    results = run_trials(classifier, labelled, trials, workers, "training" if progress else None, checkpoint)
    rows = []
    for number, name in enumerate(chosen):
        tables = [result.table for result in results[number * len(splits) : (number + 1) * len(splits)]]
        rows.append({"unknown": name, **_compare(tables, name, labelled.classes, keep)})
    return pd.DataFrame(rows).set_index("unknown")


def _compare(
    tables: list[pd.DataFrame], unknown: str, classes: Sequence[str], keep: float
) -> dict[str, float]:
    """Return recordings, rejected, kept and auc of one class left out, over the tables of its folds."""
    known = [name for name in classes if name != unknown]
    folds = [
        answer_probabilities(pool_predictions([table], known), known).assign(fold=fold)
        for fold, table in enumerate(tables)
    ]
    answers = pd.concat(folds, ignore_index=True)
    new, right = answers["truth"] == unknown, answers["right"]
    if not new.any():
        raise ValueError(f"No fold leaves two classes to learn beside {unknown}. Fix: take other `folds`.")
    thresholds = {
        fold: doubt_threshold(answers[right & (answers["fold"] != fold)]["probability"], keep)
        for fold in answers["fold"].unique()
    }
    passed = answers["probability"] >= answers["fold"].map(thresholds)
    compared = answers[new | right]
    return {
        "recordings": int(new.sum()),
        "rejected": float(1 - passed[new].mean()),
        "kept": float(passed[right].mean()),
        "auc": float(roc_auc_score(compared["right"], compared["probability"])),
    }
