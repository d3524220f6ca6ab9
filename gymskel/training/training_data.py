"""The data of a training, in memory or streamed: one protocol, so that no other module asks for its kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from gymskel.training.recipes import Recipe


class Batches(Protocol):
    """Batches of a training part, as a keras.utils.PyDataset; `epoch` is the number of the current epoch, from 0."""

    epoch: int

    def __len__(self) -> int: ...

    def random_state(self, epoch: int) -> Mapping[str, Any] | None:
        """Return the state from which `resume` draws this epoch again: the current epoch, or the next."""

    def resume(self, epoch: int, state: Any) -> None:
        """Draw this epoch again, from the state that `random_state` returned for it."""

    def close(self) -> None:
        """Drop the clips in memory."""


class TrainingData(Protocol):
    """Labelled clips: `ClipsInMemory`, or `StreamedClips` that are read batch by batch.

    `data[rows]` takes some of them. Clips of one of the `groups` never stand in both training and validation part.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the labels."""

    @property
    def y(self) -> np.ndarray:
        """(clips,) int labels."""

    @property
    def groups(self) -> np.ndarray:
        """(clips,) names of the groups."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any) -> TrainingData: ...

    def training_batches(self, recipe: Recipe, seed: int | None) -> tuple[Batches, int, int]:
        """Return the batches, the number of epochs of keras, and the passes over the clips in each."""

    def validation_batches(self, recipe: Recipe) -> Any:
        """Return what keras takes as `validation_data`: every clip once, not augmented."""

    def class_weight(self, recipe: Recipe) -> dict[int, float] | None:
        """Return label -> weight of its clips in the loss; None where they are not weighted."""

    def fingerprint(self) -> str:
        """Return a hash of all that a training depends on; a checkpoint of other data is refused by it."""


def hash_content(described: Any, arrays: Iterable[np.ndarray]) -> str:
    """Return the SHA-256 of plain values and arrays."""
    digest = hashlib.sha256(json.dumps(described).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
