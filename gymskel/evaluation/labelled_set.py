"""The data of an evaluation in one form, for recordings and for clips: truth, athletes, rows that can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gymskel.classifier.inputs import check_activities, unify_input, unique_names
from gymskel.clips import Clips
from gymskel.messages import join_names
from gymskel.preprocess import is_recognizable
from gymskel.recording import Recording


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """Labelled recordings or clips.

    Attributes:
        data: the recordings, or the clips.
        names: (rows,) a name for each: its source, numbered where recordings share a source.
        truth: (rows,) name of the move.
        athletes: (rows,) athlete, or "source NAME" where unknown.
        athlete_known: (rows,) bool.
        trainable: (rows,) bool, False = too little of the body is seen to train on it.
    """

    data: list[Recording] | Clips
    names: np.ndarray
    truth: np.ndarray
    athletes: np.ndarray
    athlete_known: np.ndarray
    trainable: np.ndarray

    @classmethod
    def of(cls, data: Sequence[Recording] | Clips) -> LabelledSet:
        """Describe recordings or clips; raise ValueError if labels are missing or of one class, TypeError for arrays."""
        if isinstance(data, Clips):
            if data.y is None:
                raise ValueError("The clips have no labels `y`. Fix: Clips.from_arrays(x, y=...).")
            truth = np.array(data.classes)[data.y]
            names, sources, athletes = list(data.sources), list(data.sources), list(data.athletes)
            trainable = np.ones(len(data), bool)
        else:
            data = unify_input(data)
            if not isinstance(data, list):
                raise TypeError("Arrays are no Recordings. Fix: give Clips.from_arrays(x, y=, athletes=).")
            check_activities(data)
            truth = np.array([recording.activity for recording in data])
            names, sources = unique_names(data), [recording.source for recording in data]
            athletes = [recording.athlete for recording in data]
            trainable = np.array([is_recognizable(recording) for recording in data], bool)
        if len(set(truth)) < 2:
            raise ValueError(f"A test needs at least two classes, got {join_names(set(truth)) or 'none'}.")
        known = np.array([bool(athlete) for athlete in athletes])
        groups = [athlete or f"source {name}" for athlete, name in zip(athletes, sources, strict=True)]
        return cls(data, np.array(names), truth, np.array(groups), known, trainable)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the moves, sorted."""
        return tuple(sorted(set(self.truth)))

    def part(self, rows: np.ndarray) -> list[Recording] | Clips:
        """Return some of the recordings or clips; clips with only those classes that are among them."""
        if not isinstance(self.data, Clips):
            return [self.data[i] for i in rows]
        classes, y = np.unique(self.truth[rows], return_inverse=True)
        return replace(self.data[rows], y=y, classes=tuple(map(str, classes)))
