"""Integral of gradients on the way from the baseline to the clip, with small steps where they change quickly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Evaluate = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, ...]]
"""(clip, share of the way), both (n,), -> (n,) answers, (n,) slopes along the way, (n, ...) gradients."""


def mean_gradients(
    evaluate: Evaluate, clips: int, *, steps: int, max_steps: int, tolerance: float, at_once: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean gradient on the way of each clip, by the trapezoidal rule with adaptive steps.

    The integral over a step is known: the answer at its end minus the answer at its start. Steps in which the trapezoid
    differs from it are halved, until the differences of a clip add up to no more than `tolerance`. A recurrent model may
    change on a small part of the way; with equal steps all of them would have to be tiny.

    `clips` is their number; the gradients of `at_once` of them are held in memory together. The rest is as in
    `integrated_gradients`.

    Returns:
        (clips, ...) mean gradients, (clips,) errors of the sum, (clips,) steps taken. An error above `tolerance` means
        that `max_steps` were not enough.
    """
    parts = [
        _integrate_batch(evaluate, np.arange(first, min(first + at_once, clips)), steps, max_steps, tolerance)
        for first in range(0, clips, at_once)
    ]
    mean, error, used = (np.concatenate(part) for part in zip(*parts, strict=True))
    return mean, error, used


def _integrate_batch(
    evaluate: Evaluate, clips: np.ndarray, steps: int, max_steps: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the same as `mean_gradients` for clips whose gradients are held in memory together."""
    clip = np.repeat(np.arange(len(clips)), steps + 1)
    share = np.tile(np.linspace(0, 1, steps + 1), len(clips))
    known = evaluate(clips[clip], share)  # answers, slopes, gradients
    while True:
        order = np.lexsort((share, clip))
        clip, share, known = clip[order], share[order], tuple(values[order] for values in known)
        answers, slopes, gradients = known
        owner, inside = clip[:-1], clip[1:] == clip[:-1]
        wide = np.where(inside, np.diff(share), 0)
        off = np.where(inside, (slopes[1:] + slopes[:-1]) / 2 * wide - np.diff(answers), 0)
        error = np.bincount(owner, off, len(clips))
        used = np.bincount(clip, minlength=len(clips)) - 1
        split = (np.abs(error) > tolerance)[owner] & (np.abs(off) > tolerance / used[owner])
        split &= (used + np.bincount(owner, split, len(clips)) <= max_steps)[owner]
        if not split.any():
            break
        new_clip, new_share = owner[split], (share[:-1] + share[1:])[split] / 2
        new = evaluate(clips[new_clip], new_share)
        clip, share = np.r_[clip, new_clip], np.r_[share, new_share]
        known = tuple(np.concatenate(both) for both in zip(known, new, strict=True))
    weights = (np.r_[wide, 0] + np.r_[0, wide]) / 2
    mean = np.zeros((len(clips), *gradients.shape[1:]))
    np.add.at(mean, clip, weights.reshape(-1, *[1] * (gradients.ndim - 1)) * gradients)
    return mean, error, used
