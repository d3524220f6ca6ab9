"""Sanity checks of an attribution: agreement with occlusion, and the effect of shuffled weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gymskel.attribution.gradients import Attribution, integrated_gradients
from gymskel.attribution.occlusions import Occlusion


def rank_agreement(
    attribution: Attribution, occluded: Occlusion, parts: Mapping[str, Sequence[str]] | None = None
) -> np.ndarray:
    """Return Spearman's correlation of attributions by part and phase with the drops by occlusion, (clips,).

    1 = the same order of parts and phases, 0 = nothing in common; NaN where one of the two is the same everywhere. The
    two ask different questions (the sum of small changes, one large change), so do not expect 1.

    Args:
        attribution: from `integrated_gradients`.
        occluded: from `occlusion`, of the same clips and targets.
        parts: the same as for `occlusion`.

    Raises:
        ValueError: other clips or targets, or other parts.
    """
    if attribution.clips.sources != occluded.clips.sources or (attribution.target != occluded.target).any():
        raise ValueError(
            "`attribution` and `occluded` are of different clips or ask about different classes."
        )
    sums = attribution.by_part_and_phase(parts, phases=occluded.drop.shape[1])
    if sums.shape != occluded.drop.shape:
        raise ValueError(
            f"`occluded` has the parts {', '.join(occluded.parts)}. Fix: give the same `parts` here."
        )
    return np.array([_spearman(a.ravel(), b.ravel()) for a, b in zip(sums, occluded.drop, strict=True)])


def randomization_check(
    model: Any, attribution: Attribution, *, shuffles: int = 3, seed: int = 0, steps: int = 32
) -> np.ndarray:
    """Return the correlation of an attribution with those after shuffling the model's weights (Adebayo et al. 2018).

    Each array of weights is shuffled within itself: the sizes stay, the meaning goes. Then the same clips are asked about
    the same classes. A high correlation says that the attribution shows the clip, not the model. The model gets its
    weights back.

    Args:
        model: the model of the attribution, or its SkeletonClassifier.
        attribution: from `integrated_gradients`.
        shuffles: number of shuffles.
        seed: of the shuffles.
        steps: steps of the integral at the start.

    Returns:
        (shuffles, clips) Spearman's correlation over the joints and frames in which one of the two is not 0.
    """
    model = getattr(model, "model_", model)
    rng = np.random.default_rng(seed)
    learned = model.get_weights()
    correlations: list[list[float]] = []
    try:
        for _ in range(shuffles):
            model.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in learned])
            same: dict[str, Any] = {"target": attribution.target, "baseline": attribution.baseline}
            shuffled = integrated_gradients(model, attribution.clips, **same, steps=steps, tolerance=0.05)
            pairs = zip(attribution.by_joint, shuffled.by_joint, strict=True)
            used = [(a, b, np.isfinite(a) & ((a != 0) | (b != 0))) for a, b in pairs]
            correlations.append([_spearman(a[rows], b[rows]) for a, b, rows in used])
    finally:
        model.set_weights(learned)
    return np.array(correlations)


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of the ranks, or NaN where one side is the same everywhere."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(first), rankdata(second)])
    if first.size < 2 or (np.ptp(ranks, axis=1) == 0).any():
        return np.nan
    return float(np.corrcoef(ranks)[0, 1])
