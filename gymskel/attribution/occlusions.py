"""Occlusion: the drop of a probability when a part of the body, or a phase of the move, is taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gymskel.attribution.baselines import check_places
from gymskel.attribution.bodies import PLACES, phase_spans, relative_to_root, rows_by_part
from gymskel.attribution.probabilities import class_probabilities, model_and_clips, target_classes
from gymskel.clips import Clips


@dataclass(frozen=True, eq=False)
class Occlusion:
    """Result of `occlusion`: drops of the target's probability, positive where the part taken away speaks for it.

    Attributes:
        drop: (clips, phases, parts) without a part in one phase.
        part_drop: (clips, parts) without a part in the whole clip.
        phase_drop: (clips, phases) without the whole body in one phase.
        parts: names of the parts; "travel" is the path of the whole body.
        clips: the clips as the model saw them.
        target: (clips,) int, the class asked about.
        probability: (clips,) of the target, with nothing taken away.
    """

    drop: np.ndarray
    part_drop: np.ndarray
    phase_drop: np.ndarray
    parts: tuple[str, ...]
    clips: Clips
    target: np.ndarray
    probability: np.ndarray

    def __len__(self) -> int:
        return len(self.drop)


def occlusion(
    model: Any,
    clips: Any,
    *,
    target: Any = None,
    parts: Mapping[str, Sequence[str]] | None = None,
    phases: int = 6,
    batch_size: int = 256,
) -> Occlusion:
    """Return the drop of a class's probability without a part of the body, a phase, or a part in a phase.

    A part is taken away as if it was unseen. Within a phase its joints move in a straight line, relative to the root,
    from their place before the phase to their place after it, as `preprocess.fill` closes a gap. At an end of the clip
    they keep the nearest place outside the phase. A part taken away in the whole clip keeps the pose of the first frame
    and moves along with the body. The part "travel" is the root's own path: without it the body moves on the spot.
    Nothing jumps, so the model never sees a body that falls apart.

    Args:
        model: a keras.Model that gives probabilities, or a fitted SkeletonClassifier.
        clips: Clips of places and confidence; for a classifier Recordings too.
        target: class name or number, or one for each clip; by default each clip's most probable class.
        parts: name -> joints; by default the parts of the skeleton, or the single joints where it has none.
        phases: number of equal shares of each clip.
        batch_size: clips at a time.

    Raises:
        TypeError: no Clips for a keras.Model.
        ValueError: no clips, unknown target or joints, `phases` below 1, or channels that follow from the places.
    """
    if phases < 1:
        raise ValueError(f"`phases` must be at least 1, got {phases}.")
    model, clips = model_and_clips(model, clips)
    check_places(clips)
    probabilities = class_probabilities(model, clips.x, clips.mask, batch_size)
    target = target_classes(target, clips, probabilities)
    each = np.arange(len(clips))
    rows = rows_by_part(clips.skeleton, parts)
    body = list(range(len(clips.skeleton)))
    taken: list[tuple[list[int], int | None]] = []  # joints, phase (None = the whole clip)
    taken += [(part, phase) for phase in range(phases) for part in rows.values()]
    taken += [(part, None) for part in rows.values()]
    taken += [(body, phase) for phase in range(phases)]
    hidden = np.concatenate([_without(clips, joints, phase, phases) for joints, phase in taken])
    without = class_probabilities(model, hidden, np.tile(clips.mask, (len(taken), 1)), batch_size)
    drops = (probabilities - without.reshape(len(taken), *probabilities.shape))[:, each, target].T
    grid, by_part, by_phase = np.split(drops, np.cumsum([phases * len(rows), len(rows)]), axis=1)
    grid = grid.reshape(len(clips), phases, len(rows))
    return Occlusion(grid, by_part, by_phase, tuple(rows), clips, target, probabilities[each, target])


def _without(clips: Clips, joints: list[int], phase: int | None, phases: int) -> np.ndarray:
    """Return the keypoints without some joints in one phase, or in the whole clip (None)."""
    relative = relative_to_root(clips.x, clips)
    hidden = relative.copy()
    for i, length in enumerate(clips.lengths):
        start, end = (0, length) if phase is None else phase_spans(length, phases)[phase]
        hidden[i, start:end, joints] = _straight(relative[i, :length, joints], start, end)
    changed = clips.mask[..., None, None] & np.isin(clips.channels, PLACES)
    return np.where(changed, relative_to_root(hidden, clips, inverse=True), clips.x)


def _straight(paths: np.ndarray, start: int, end: int) -> np.ndarray:
    """Return a straight line from the frame before `start` to the frame `end`, (joints, end - start, channels).

    At an end of the clip the place on the other side is held; for a whole clip that of the first frame.

    >>> _straight(np.array([[[0.0], [5.0], [9.0], [3.0]]]), 1, 3).ravel().tolist()
    [1.0, 2.0]
    """
    length = paths.shape[1]
    before, after = start - 1, end
    if before < 0:
        before = 0 if after >= length else after  # the whole clip: held as in the first frame
    if after >= length:
        after = before
    share = (np.arange(start, end) - before) / max(after - before, 1)
    return paths[:, [before]] + share[:, None] * (paths[:, [after]] - paths[:, [before]])
