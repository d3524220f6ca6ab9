"""Whether an attribution deserves belief: does occlusion agree, and does it go when the model forgets what it learned?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gymskel.attribution.gradients import Attribution, integrated_gradients
from gymskel.attribution.occlusions import Occlusion


def rank_agreement(
    attribution: Attribution, occluded: Occlusion, parts: Mapping[str, Sequence[str]] | None = None
) -> np.ndarray:
    """(clips,) Spearman's correlation between attributions added up by part and phase, and the drops by occlusion.

    1 = the same order of parts and phases, 0 = none in common; NaN where one of the two is the same everywhere. They
    ask different questions (the sum of small changes, one large change), so 1 is not to be expected.

    Args:
        attribution: from `integrated_gradients`.
        occluded: from `occlusion`, of the same clips and targets.
        parts: as they were given to `occlusion`.

    Raises:
        ValueError: other clips or targets, or other parts.
    """
    if attribution.clips.sources != occluded.clips.sources or (attribution.target != occluded.target).any():
        raise ValueError(
            "`attribution` and `occluded` are of different clips or ask about different classes."
        )
    cells = attribution.by_part_and_phase(parts, phases=occluded.drop.shape[1])
    if cells.shape != occluded.drop.shape:
        raise ValueError(f"`occluded` has the parts {', '.join(occluded.parts)}; give the same `parts` here.")
    return np.array([_spearman(a.ravel(), b.ravel()) for a, b in zip(cells, occluded.drop, strict=True)])


def randomization_check(
    model: Any, attribution: Attribution, *, shuffles: int = 3, seed: int = 0, steps: int = 32
) -> np.ndarray:
    """How alike the maps stay when the model loses what it learned (Adebayo et al. 2018).

    All weights of the model are shuffled, each array within itself, so that their sizes stay and their meaning goes; then
    the same clips are asked about the same classes. A map that stays alike shows the clip, not the model. The model gets its
    weights back.

    Args:
        model: the one the attribution is of.
        attribution: from `integrated_gradients`.
        shuffles: how many times.
        seed: another seed, other shuffles.
        steps: of the integral, to begin with.

    Returns:
        (shuffles, clips) Spearman's correlation over all joints and frames in which the clip differs from its baseline.
    """
    model = getattr(model, "model_", model)
    rng = np.random.default_rng(seed)
    learned = model.get_weights()
    alike = []
    try:
        for _ in range(shuffles):
            model.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in learned])
            other = integrated_gradients(
                model,
                attribution.clips,
                target=attribution.target,
                baseline=attribution.baselines,
                steps=steps,
                tolerance=0.05,
            )
            alike.append(
                [_same_place(a, b) for a, b in zip(attribution.by_joint, other.by_joint, strict=True)]
            )
    finally:
        model.set_weights(learned)
    return np.array(alike)


def _same_place(one: np.ndarray, other: np.ndarray) -> float:
    used = np.isfinite(one) & ((one != 0) | (other != 0))
    return _spearman(one[used], other[used])


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(one), rankdata(other)])
    if one.size < 2 or (np.ptp(ranks, axis=1) == 0).any():
        return np.nan
    return float(np.corrcoef(ranks)[0, 1])
