"""Occlusion: what a model answers when a part of the body, or a phase of the move, is taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gymskel.attribution.baselines import (
    PLACES,
    back_from_root,
    check_places,
    opened,
    probabilities_of,
    relative_to_root,
    rows_of_parts,
    spans_of_phases,
    targets_of,
)
from gymskel.clips import Clips


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What `occlusion` found: drops of the target's probability, positive where what was taken away spoke for it.

    Attributes:
        drop: (clips, phases, parts) a part taken away in one phase.
        part_drop: (clips, parts) a part taken away all the time.
        phase_drop: (clips, phases) the whole body taken away in one phase.
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
    """How far the probability of a class drops without a part of the body, without a phase, and without a part in a phase.

    Taken away means: as if it had not been seen there. Within a phase the joints go in a straight line, relative to
    the root, from where they were before it to where they are after it, as `preprocess.fill` closes a gap; at
    an end of the clip they stay where they are next seen. A part that is taken away all the time keeps the pose of the first
    frame and is carried along by the body. "travel", the root's own path, is treated alike: the body does all it did, but not
    away from its place. Nothing jumps, so that a model is not asked about bodies that fall apart.

    Args:
        model: a keras.Model that gives probabilities, or a fitted SkeletonClassifier.
        clips: Clips of places and confidence; for a classifier Recordings too.
        target: class name or number, or one for each clip; by default each clip's most probable class.
        parts: name -> joints; by default the parts of the skeleton, or each joint where it has none.
        phases: number of equal shares of each clip, from its first frame to its last.
        batch_size: clips at a time.

    Raises:
        ValueError: no clips, unknown target or joints, `phases` below 1, channels that follow from the places.
    """
    if phases < 1:
        raise ValueError(f"`phases` must be at least 1, got {phases}.")
    model, clips = opened(model, clips)
    check_places(clips)
    answers = probabilities_of(model, clips.x, clips.mask, batch_size)
    target = targets_of(target, clips, answers)
    each = np.arange(len(clips))
    rows = rows_of_parts(clips.skeleton, parts)
    body = list(range(len(clips.skeleton)))
    questions = [(some, phase) for phase in range(phases) for some in rows.values()]
    questions += [(some, None) for some in rows.values()] + [(body, phase) for phase in range(phases)]
    hidden = np.concatenate([_without(clips, joints, phase, phases) for joints, phase in questions])
    without = probabilities_of(model, hidden, np.tile(clips.mask, (len(questions), 1)), batch_size)
    drops = (answers - without.reshape(len(questions), *answers.shape))[
        :, each, target
    ].T  # (clips, questions)
    grid, by_part, by_phase = np.split(drops, np.cumsum([phases * len(rows), len(rows)]), axis=1)
    return Occlusion(
        drop=grid.reshape(len(clips), phases, len(rows)),
        part_drop=by_part,
        phase_drop=by_phase,
        parts=tuple(rows),
        clips=clips,
        target=target,
        probability=answers[each, target],
    )


def _without(clips: Clips, joints: list[int], phase: int | None, phases: int) -> np.ndarray:
    """(clips, frames, joints, channels) with some joints taken away in one phase, or all the time (None)."""
    relative = relative_to_root(clips.x, clips)
    hidden = relative.copy()
    for i, length in enumerate(clips.lengths):
        start, end = (0, length) if phase is None else spans_of_phases(length, phases)[phase]
        hidden[i, start:end, joints] = _line(relative[i, :length, joints], start, end)
    changed = clips.mask[..., None, None] & np.isin(clips.channels, PLACES)
    return np.where(changed, back_from_root(hidden, clips), clips.x)


def _line(paths: np.ndarray, start: int, end: int) -> np.ndarray:
    """(joints, end - start, channels): straight from the frame before to the frame after; held at the ends of a clip.

    >>> _line(np.array([[[0.0], [5.0], [9.0], [3.0]]]), 1, 3).ravel().tolist()
    [1.0, 2.0]
    """
    length = paths.shape[1]
    before, after = start - 1, end
    if before < 0:
        before = 0 if after >= length else after  # never seen: as in the first frame
    if after >= length:
        after = before
    share = (np.arange(start, end) - before) / max(after - before, 1)
    return paths[:, [before]] + share[:, None] * (paths[:, [after]] - paths[:, [before]])
