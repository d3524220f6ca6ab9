"""Units that differ between the classes: by how much, for which of them, and when in the move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from gymskel.clips import Clips


def rank_units(states: np.ndarray, clips: Clips, *, phases: int = 10) -> pd.DataFrame:
    """Return a table of the units of a layer; the unit that tells the classes apart best comes first.

    Each clip is cut into phases of equal length, and a unit's state is averaged over each phase. So clips of different
    lengths compare. The effect is eta squared (Fisher 1925): the share of a unit's variation between clips that the
    class explains, over all phases together; 0 = none, 1 = all. Labels drawn by lot give (classes - 1) / (clips - 1) on
    average, in the column `by_chance`. On clips that the model was trained on the effect is too good.

    Args:
        states: (clips, frames, units) or (clips, steps, units), NaN behind the mask, as `layer_outputs` gives them.
        clips: the clips they come from, with labels.
        phases: number of phases; a frame on the border of two counts in both.

    Returns:
        One row for each unit: `unit` (counted from 0), `effect`, `by_chance`, `high` and `low` (the classes with the
        highest and the lowest mean in the phase where the unit differs most), `from` and `to` (that phase, as shares of
        the clip), `effect_there`, `mean_high`, `mean_low`, and `auc`: the probability that in this phase a clip of `high`
        has a higher state than a clip of `low` (0.5 = no difference).

    Raises:
        ValueError: no labels, fewer than two classes or three clips, or states of other clips.
    """
    import pandas as pd

    states = np.asarray(states, float)
    if clips.y is None:
        raise ValueError("`clips` has no labels `y`; units are ranked by how they differ between classes.")
    if states.ndim != 3 or len(states) != len(clips):
        raise ValueError(
            f"`states` must be (clips, frames, units) of these {len(clips)} clips, got {states.shape}."
        )
    present = np.unique(clips.y)
    if len(present) < 2 or len(clips) < 3:
        raise ValueError(f"Ranking needs two classes and three clips, got {len(present)} and {len(clips)}.")
    if phases < 1:
        raise ValueError(f"`phases` must be at least 1, got {phases}.")
    means = np.stack([_phase_means(clip, phases) for clip in states])  # (clips, phases, units)
    centres = np.stack([means[clips.y == label].mean(axis=0) for label in present])
    sizes = np.array([(clips.y == label).sum() for label in present])[:, None, None]
    between = (sizes * (centres - means.mean(axis=0)) ** 2).sum(axis=0)  # (phases, units)
    total = ((means - means.mean(axis=0)) ** 2).sum(axis=0)
    effect = _share(between.sum(axis=0), total.sum(axis=0))
    rows = []
    for unit in range(states.shape[-1]):
        there = _share(between[:, unit], total[:, unit])
        phase = int(between[:, unit].argmax())  # of the largest difference, not of the least variation
        high, low = centres[:, phase, unit].argmax(), centres[:, phase, unit].argmin()
        above, below = (means[clips.y == present[k], phase, unit] for k in (high, low))
        rows.append(
            {
                "unit": unit,
                "effect": effect[unit],
                "by_chance": (len(present) - 1) / (len(clips) - 1),
                "high": clips.classes[present[high]],
                "low": clips.classes[present[low]],
                "from": phase / phases,
                "to": (phase + 1) / phases,
                "effect_there": there[phase],
                "mean_high": above.mean(),
                "mean_low": below.mean(),
                "auc": _auc(above, below),
            }
        )
    table = pd.DataFrame(rows).sort_values("effect", ascending=False, kind="stable")
    return table.reset_index(drop=True)


def choose_units(states: np.ndarray, clips: Clips, count: int = 8) -> list[int]:
    """Return the numbers of the units worth a look, the best first; at most `count`.

    With labels of two classes and at least three clips these are the first of `rank_units`: they tell the classes apart
    best. Otherwise they are those whose state changes most within the clips (mean standard deviation over time).

    Args:
        states: (clips, frames, units) or (clips, steps, units), NaN behind the mask.
        clips: the clips they come from.
        count: largest number of units.

    Raises:
        ValueError: `count` below 1, or what `rank_units` refuses.
    """
    if count < 1:
        raise ValueError(f"`count` must be at least 1, got {count}.")
    if clips.y is not None and len(np.unique(clips.y)) > 1 and len(clips) > 2:
        return rank_units(states, clips)["unit"].tolist()[:count]
    change = np.nanstd(states, axis=1).mean(axis=0)
    return np.argsort(-change, kind="stable")[:count].tolist()


def _phase_means(states: np.ndarray, phases: int) -> np.ndarray:
    """Return the mean state of one clip in each phase, (phases, units). Frames of NaN at the end do not count."""
    length = int((~np.isnan(states).all(axis=1)).sum())
    edges = np.linspace(0, length, phases + 1)
    starts = np.minimum(np.floor(edges[:-1] + 1e-9).astype(int), length - 1)
    ends = np.maximum(np.ceil(edges[1:] - 1e-9).astype(int), starts + 1)
    return np.stack([states[start:end].mean(axis=0) for start, end in zip(starts, ends, strict=True)])


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole; 0 where nothing varies."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 1e-12)


def _auc(above: np.ndarray, below: np.ndarray) -> float:
    """Return the share of pairs in which `above` is larger; ties count half (Mann and Whitney 1947).

    >>> _auc(np.array([1.0, 2.0]), np.array([0.0, 1.0]))
    0.875
    """
    differences = above[:, None] - below[None, :]
    return float((differences > 0).mean() + 0.5 * (differences == 0).mean())
