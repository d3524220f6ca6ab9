"""The integral along the way from the baseline to the clip, with small steps where the answer turns quickly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Evaluated = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, ...]]


def mean_gradients(
    evaluate: Evaluated, clips: int, *, steps: int, max_steps: int, tolerance: float, at_once: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean gradient on the way of each clip, by trapezoids.

    What the gradients say of a step is known without them: the answer at its end minus the answer at its beginning. Steps in
    which the two differ are halved until the differences of a clip add up to no more than `tolerance`. A recurrent model
    may turn on a small part of the way, where steps of one size would have to be tiny everywhere.

    Args:
        evaluate: (clip, share of the way), both (n,), -> (n,) answers, (n,) slopes, (n, ...) gradients.
        clips: how many there are.
        steps: equal ones, to begin with.
        max_steps: no more for one clip.
        tolerance: largest error of a clip.
        at_once: clips whose gradients are held at a time.

    Returns:
        (clips, ...) mean gradients, (clips,) errors of the sum, (clips,) steps taken. Of a clip whose error is above
        `tolerance` that is as far as `max_steps` went.
    """
    parts = [
        _of_some(evaluate, np.arange(first, min(first + at_once, clips)), steps, max_steps, tolerance)
        for first in range(0, clips, at_once)
    ]
    mean, error, used = (np.concatenate(part) for part in zip(*parts, strict=True))
    return mean, error, used


def _of_some(
    evaluate: Evaluated, clips: np.ndarray, steps: int, max_steps: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    clip = np.repeat(np.arange(len(clips)), steps + 1)
    share = np.tile(np.linspace(0, 1, steps + 1), len(clips))
    known = evaluate(clips[clip], share)  # answers, slopes, gradients
    while True:
        order = np.lexsort((share, clip))
        clip, share, known = clip[order], share[order], tuple(values[order] for values in known)
        answers, slopes, gradients = known
        one, inside = clip[:-1], clip[1:] == clip[:-1]
        wide = np.where(inside, np.diff(share), 0)
        off = np.where(inside, (slopes[1:] + slopes[:-1]) / 2 * wide - np.diff(answers), 0)
        error = np.bincount(one, off, len(clips))
        used = np.bincount(clip, minlength=len(clips)) - 1
        split = (np.abs(error) > tolerance)[one] & (np.abs(off) > tolerance / used[one])
        split &= (used + np.bincount(one, split, len(clips)) <= max_steps)[one]
        if not split.any():
            break
        new_clip, new_share = one[split], (share[:-1] + share[1:])[split] / 2
        new = evaluate(clips[new_clip], new_share)
        clip, share = np.r_[clip, new_clip], np.r_[share, new_share]
        known = tuple(np.concatenate(both) for both in zip(known, new, strict=True))
    weights = (np.r_[wide, 0] + np.r_[0, wide]) / 2
    mean = np.zeros((len(clips), *gradients.shape[1:]))
    np.add.at(mean, clip, weights.reshape(-1, *[1] * (gradients.ndim - 1)) * gradients)
    return mean, error, used
