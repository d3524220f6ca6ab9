"""How accuracy grows with the number of athletes trained on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.evaluation.labelled_set import LabelledSet, Trial, answer, of_one_length
from gymskel.evaluation.metrics import compute_metrics
from gymskel.recording import Recording

_TRIES = 2000


def learning_curve(
    classifier: SkeletonClassifier,
    recordings: Sequence[Recording] | Clips,
    *,
    athletes: int | Sequence[int] | None = None,
    draws: int = 5,
    seed: int = 0,
    progress: bool = False,
    workers: int = 1,
) -> pd.DataFrame:
    """Accuracy on everybody else after training on a few athletes, who together perform every move.

    Args:
        classifier: with the settings to test; it is cloned, not fitted.
        recordings: with activity and athlete; or Clips with labels and athletes.
        athletes: number of athletes to train on, or several; by default 2, 4, 8 ... and all but one.
        draws: different groups of athletes for each number, or all there are where there are fewer.
        seed: of the draws; draw k is trained with seed + k.
        progress: show a bar.
        workers: processes, as in `evaluate`.

    Returns:
        A row a training: athletes, draw, who (names), trained_on and tested (recordings), accuracy, mean_class (mean
        over the classes that were tested). `visualize.plot_learning_curve` draws it.

    Raises:
        ValueError: recordings without activity or athlete, one class, one athlete, a number that leaves nobody to
            train on or to test, or of which no group performs every move.
    """
    cases = LabelledSet.of(recordings)
    if not cases.named.all():
        told = cases.names[~cases.named]
        raise ValueError(
            f"Nobody says who performs {', '.join(told[:8])}{' ...' if len(told) > 8 else ''}: a curve over athletes needs their names."
        )
    names = np.unique(cases.athletes)
    if len(names) < 2:
        raise ValueError(f"Only one athlete ({names[0]}): nobody is left to be tested.")
    sizes = _doubling(len(names)) if athletes is None else list(np.atleast_1d(athletes))
    if not sizes or draws < 1:
        raise ValueError(f"`athletes` and `draws` must ask for a training at least, got {sizes} and {draws}.")
    if wrong := [size for size in sizes if not 1 <= size < len(names)]:
        raise ValueError(f"`athletes` must be from 1 to {len(names) - 1}, got {wrong[0]}: others are tested.")
    groups = {size: _draw_groups(cases, names, size, draws, seed) for size in sizes}
    classifier = of_one_length(classifier, cases)
    drawn = [(size, draw, who) for size, some in groups.items() for draw, who in enumerate(some)]
    parts = [np.isin(cases.athletes, who) for _, _, who in drawn]
    trials = [
        Trial(np.flatnonzero(part), np.flatnonzero(~part), seed + draw)
        for part, (_, draw, _) in zip(parts, drawn, strict=True)
    ]
    rows = []
    answers = answer(classifier, cases, trials, workers, "fit" if progress else None)
    for (size, draw, who), part, (table, _, _) in zip(drawn, parts, answers, strict=True):
        found = compute_metrics(table, cases.classes, draws=1)["value"]
        counts = {"trained_on": int((part & cases.good).sum()), "tested": len(table)}
        told = {"accuracy": found["accuracy"], "mean_class": found["mean class"]}
        rows.append({"athletes": size, "draw": draw, "who": ", ".join(who), **counts, **told})
    return pd.DataFrame(rows)


def _doubling(count: int) -> list[int]:
    """2, 4, 8 ... and all but one."""
    sizes = [2**k for k in range(1, count.bit_length()) if 2**k < count - 1]
    return [*sizes, count - 1]


def _draw_groups(
    cases: LabelledSet, names: np.ndarray, size: int, draws: int, seed: int
) -> list[tuple[str, ...]]:
    """Different groups of so many athletes, each with every class among what can be trained on."""
    rng = np.random.default_rng([seed, size])
    doers = {name: set(cases.truth[(cases.athletes == name) & cases.good]) for name in names}
    if comb(len(names), size) <= _TRIES:
        every = list(combinations(names.tolist(), size))
        tried = [every[i] for i in rng.permutation(len(every))]
    else:
        tried = [tuple(sorted(rng.choice(names, size, replace=False).tolist())) for _ in range(_TRIES)]
    able = [who for who in dict.fromkeys(tried) if set().union(*map(doers.get, who)) == set(cases.classes)]
    if not able:
        raise ValueError(
            f"No {size} of the {len(names)} athletes perform all of {', '.join(cases.classes)}: take more `athletes`."
        )
    return able[:draws]
