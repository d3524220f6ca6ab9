"""Splits that keep groups together: no athlete stands in both the training and the test part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

Indices = tuple[np.ndarray, np.ndarray]


class Grouped(Protocol):
    """Labelled clips, in memory or not."""

    @property
    def y(self) -> np.ndarray | None:
        """(clips,) int labels."""

    @property
    def groups(self) -> np.ndarray:
        """(clips,) names of the groups."""

    def __len__(self) -> int: ...


def leave_groups_out(
    groups: Sequence[str] | np.ndarray, folds: int | None = None, *, labels: Sequence[Any] | None = None
) -> list[Indices]:
    """Return (train, test) index arrays; every group is in exactly one test part and never in both parts.

    Args:
        groups: (clips,) group of each clip, e.g. `clips.groups`.
        folds: number of folds, 2 or more; by default one for each group.
        labels: (clips,) class of each clip. Each fold then holds about the same share of every class, as far as whole
            groups allow.

    Raises:
        ValueError: fewer than two groups or folds.

    >>> [test.tolist() for train, test in leave_groups_out(["ann", "bo", "ann"])]
    [[0, 2], [1]]
    """
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"Only one group ({', '.join(map(str, names))}): leaving it out leaves nothing to train on."
        )
    folds = len(names) if folds is None else min(folds, len(names))
    if folds < 2:
        raise ValueError(f"`folds` must be at least 2, got {folds}.")
    fold_of_group = np.arange(len(names)) if folds == len(names) else _balance(group, folds, labels)
    fold = fold_of_group[group]
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds)]


def _balance(group: np.ndarray, folds: int, labels: Sequence[Any] | None) -> np.ndarray:
    """Assign each group to a fold: the largest group first, each to the fold that keeps classes and sizes most even."""
    label = np.zeros(len(group), int) if labels is None else np.unique(labels, return_inverse=True)[1]
    counts = np.zeros((group.max() + 1, label.max() + 1))
    np.add.at(counts, (group, label), 1)
    shares = np.column_stack([counts / counts.sum(axis=0), counts.sum(axis=1) / counts.sum()])
    load, fold_of_group = np.zeros((folds, shares.shape[1])), np.zeros(len(counts), int)
    for k in np.argsort(-counts.sum(axis=1), kind="stable"):
        growth = ((load + shares[k]) ** 2 - load**2).sum(axis=1)  # of the unevenness, for each fold
        empty = ~load.any(axis=1)
        fold_of_group[k] = np.flatnonzero(empty)[0] if empty.any() else growth.round(12).argmin()
        load[fold_of_group[k]] += shares[k]
    return fold_of_group


def hold_out_groups(clips: Grouped, fraction: float, seed: int | None = None) -> Indices | None:
    """Return (training, held-out) index arrays, or None where no split is possible.

    The held-out part has whole groups with about `fraction` of the clips. Every class is in both parts, and in the
    training part with at least two groups. The best of 64 random orders of the groups is taken.

    Args:
        clips: with labels `y`.
        fraction: share of the clips to hold out, above 0 and below 1.
        seed: of the random orders.

    Raises:
        ValueError: the clips have no labels.
    """
    groups, y = clips.groups, clips.y
    if y is None:
        raise ValueError(
            "`clips` has no labels `y`. Fix: Clips.from_arrays(x, y=...), or recordings with an activity."
        )
    rng = np.random.default_rng(seed)
    classes = np.unique(y)
    best: tuple[float, np.ndarray] | None = None
    names = np.unique(groups)
    for _ in range(64):
        held_out = np.zeros(len(clips), bool)
        for name in rng.permutation(names):
            if held_out.sum() >= fraction * len(clips) and len(np.unique(y[held_out])) == len(classes):
                break
            held_out |= groups == name
        enough = all(len(np.unique(groups[(y == label) & ~held_out])) >= 2 for label in classes)
        complete = len(np.unique(y[held_out])) == len(classes)
        miss = abs(held_out.mean() - fraction)
        if enough and complete and miss < fraction and (best is None or miss < best[0]):
            best = miss, held_out
    return None if best is None else (np.flatnonzero(~best[1]), np.flatnonzero(best[1]))
