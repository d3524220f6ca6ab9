"""The learning curve: accuracy against the number of athletes trained on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.evaluation.labelled_set import LabelledSet
from gymskel.evaluation.metrics import compute_metrics
from gymskel.evaluation.trials import Trial, run_trials, with_fixed_length
from gymskel.messages import join_names
from gymskel.recording import Recording

_MAX_GROUPS = 2000  # groups of athletes that are looked at for one size


def learning_curve(
    classifier: SkeletonClassifier,
    recordings: Sequence[Recording] | Clips,
    *,
    athletes: int | Sequence[int] | None = None,
    draws: int = 5,
    seed: int = 0,
    progress: bool = False,
    workers: int = 1,
    checkpoint: str | Path | None = None,
) -> pd.DataFrame:
    """Train on groups of a few athletes and test on all others; each group together performs every move.

    Args:
        classifier, progress, workers, checkpoint: as in `evaluate`.
        recordings: with activity and athlete; or Clips with labels and athletes.
        athletes: number of athletes to train on, or several numbers; by default 2, 4, 8 ... and all but one.
        draws: different groups of athletes for each number; fewer where fewer exist.
        seed: of the draws; draw k is trained with seed + k.

    Returns:
        One row for each training: athletes, draw, names (of the athletes), trained_on and tested (numbers of recordings),
        accuracy, mean_class (mean over the classes that were tested). `visualize.plot_learning_curve` draws it.

    Raises:
        ValueError: recordings without activity or athlete, one class, one athlete; a number of athletes that leaves none
            to train on or to test, or for which no group performs every move.
    """
    labelled = LabelledSet.of(recordings)
    sizes = _check_sizes(labelled, athletes, draws)
    classifier = with_fixed_length(classifier, labelled)
    drawn = [(size, _draw_groups(labelled, size, draws, seed)) for size in sizes]
    groups = [(size, draw, names) for size, some in drawn for draw, names in enumerate(some)]
    parts = [np.isin(labelled.athletes, names) for _, _, names in groups]
    trials = [
        Trial(np.flatnonzero(part), np.flatnonzero(~part), seed + draw)
        for part, (_, draw, _) in zip(parts, groups, strict=True)
    ]
    rows = []
    results = run_trials(classifier, labelled, trials, workers, "training" if progress else None, checkpoint)
    for (size, draw, names), part, (table, _, _) in zip(groups, parts, results, strict=True):
        values = compute_metrics(table, labelled.classes, draws=1)["value"]
        row = {"athletes": size, "draw": draw, "names": ", ".join(names)}
        row |= {"trained_on": int((part & labelled.trainable).sum()), "tested": len(table)}
        rows.append({**row, "accuracy": values["accuracy"], "mean_class": values["mean class"]})
    return pd.DataFrame(rows)


def _check_sizes(labelled: LabelledSet, athletes: int | Sequence[int] | None, draws: int) -> list[int]:
    """Return the sizes of the groups; raise ValueError for impossible ones."""
    if not labelled.athlete_known.all():
        unnamed = join_names(labelled.names[~labelled.athlete_known])
        raise ValueError(f"No athlete is known for {unnamed}. Fix: name all athletes, or leave these out.")
    names = np.unique(labelled.athletes)
    if len(names) < 2:
        raise ValueError(f"Only one athlete ({names[0]}): none is left to test. Fix: add others.")
    doubling = [2**k for k in range(1, len(names).bit_length()) if 2**k < len(names) - 1]
    sizes = [*doubling, len(names) - 1] if athletes is None else np.atleast_1d(athletes).tolist()
    if not sizes or draws < 1:
        raise ValueError(f"`athletes` and `draws` must ask for a training, got {sizes} and {draws}.")
    if wrong := [size for size in sizes if not 1 <= size < len(names)]:
        raise ValueError(f"`athletes` must be from 1 to {len(names) - 1}, got {wrong[0]}: others are tested.")
    return list(dict.fromkeys(sizes))


def _draw_groups(labelled: LabelledSet, size: int, draws: int, seed: int) -> list[tuple[str, ...]]:
    """Return different groups of `size` athletes, each with every class among its trainable recordings."""
    rng = np.random.default_rng([seed, size])
    names = np.unique(labelled.athletes)
    moves = {name: set(labelled.truth[(labelled.athletes == name) & labelled.trainable]) for name in names}
    if comb(len(names), size) <= _MAX_GROUPS:
        every = list(combinations(names.tolist(), size))
        groups = [every[i] for i in rng.permutation(len(every))]
    else:
        groups = [tuple(sorted(rng.choice(names, size, replace=False).tolist())) for _ in range(_MAX_GROUPS)]
    classes = set(labelled.classes)
    complete = [
        group for group in dict.fromkeys(groups) if set().union(*(moves[name] for name in group)) == classes
    ]
    if not complete:
        raise ValueError(
            f"No {size} of the {len(names)} athletes perform all of {', '.join(labelled.classes)}. Fix: take more `athletes`."
        )
    return complete[:draws]
