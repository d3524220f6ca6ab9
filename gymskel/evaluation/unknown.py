"""A move that was never trained on: how well it is told from known ones by how sure the answer is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sklearn.metrics import roc_auc_score
from tqdm.auto import tqdm

from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.reliability import doubt_threshold
from gymskel.clips import Clips
from gymskel.evaluation.labelled_set import LabelledSet, Trial, answer, of_one_length, together
from gymskel.evaluation.metrics import surest
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
) -> pd.DataFrame:
    """Trains without one class at a time: is an answer for it less sure than for the others?

    Athletes are left out fold by fold, and in each fold the class that is to be unknown is not trained on; the
    answers for it come from the athletes left out, as those for known classes do. The threshold for each fold is
    chosen on the known classes of the other folds, as `SkeletonClassifier.keep_out_of_fold` chooses it.

    Args:
        classifier: with the settings to test; it is cloned, not fitted.
        recordings: with activity, and athlete where known; or Clips with labels.
        unknown: a class to leave out, or several in turn; by default each.
        folds: leave several athletes out at once, in this many folds. By default one each.
        keep: share of the right answers that the threshold lets pass.
        seed: of the trainings.
        progress: show a bar.
        workers: processes, as in `evaluate`.

    Returns:
        A row for each class left out: recordings of it; rejected, the share of them under the threshold; kept, the share of right
        answers for known classes that passed; auc, the chance that a known recording answered rightly has a higher
        probability than an unknown one (0.5 = no better than a guess; Hendrycks and Gimpel 2017).

    Raises:
        ValueError: fewer than three classes, a class that is not there, or of which no fold tests a recording.
    """
    cases = LabelledSet.of(recordings)
    if len(cases.classes) < 3:
        raise ValueError(f"Leaving a class out needs at least three classes, got {', '.join(cases.classes)}.")
    chosen = list(cases.classes if unknown is None else [unknown] if isinstance(unknown, str) else unknown)
    if not chosen:
        raise ValueError(
            f"`unknown` is empty: name classes among {', '.join(cases.classes)}, or leave it out."
        )
    if wrong := sorted(set(chosen) - set(cases.classes)):
        raise ValueError(
            f"`unknown` names {', '.join(wrong)}, not among the classes {', '.join(cases.classes)}."
        )
    splits = leave_groups_out(cases.athletes, folds, labels=cases.truth)
    classifier = of_one_length(classifier, cases)
    rows = []
    for name in tqdm(chosen, unit="class", disable=not progress, leave=False):
        without = [Trial(train[cases.truth[train] != name], test, seed) for train, test in splits]
        tables = [table for table, _, _ in answer(classifier, cases, without, workers)]
        rows.append({"unknown": name, **_told_apart(tables, name, cases.classes, keep)})
    return pd.DataFrame(rows).set_index("unknown")


def _told_apart(
    tables: list[pd.DataFrame], name: str, classes: Sequence[str], keep: float
) -> dict[str, float]:
    """Rejected, kept and auc of one class left out, over its folds."""
    known = [other for other in classes if other != name]
    sure = [surest(together([table], known), known).assign(fold=k) for k, table in enumerate(tables)]
    answers = pd.concat(sure, ignore_index=True)
    new, right = answers["truth"] == name, answers["right"]
    if not new.any():
        raise ValueError(f"No fold leaves two classes to learn beside {name}: take other `folds`.")
    below = {
        fold: doubt_threshold(answers[right & (answers["fold"] != fold)]["probability"], keep)
        for fold in answers["fold"].unique()
    }
    passed = answers["probability"] >= answers["fold"].map(below)
    judged = answers[new | right]
    return {
        "recordings": int(new.sum()),
        "rejected": float(1 - passed[new].mean()),
        "kept": float(passed[right].mean()),
        "auc": float(roc_auc_score(judged["right"], judged["probability"])),
    }
