"""The training part in batches: fresh copies each epoch, rarer classes more often, small parts several times an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from gymskel.clips import Clips, class_weight
from gymskel.preprocess.augmentation import augment_clips, rotated_copies
from gymskel.training.recipes import Recipe
from gymskel.training.training_data import hash_content

_BATCHES_PER_EPOCH = 50  # about, where `min_steps` repeats a small training part


def labels_of(clips: Clips) -> np.ndarray:
    """Return the (clips,) labels; raise ValueError if the clips have none."""
    if clips.y is None:
        raise ValueError(
            "`clips` has no labels `y`. Fix: make it from recordings with an activity, or give `y`."
        )
    return clips.y


def one_hot(clips: Clips) -> np.ndarray:
    """Return (clips, classes) float32 with 1 at the label of each clip."""
    return np.eye(len(clips.classes), dtype=np.float32)[clips.y]


@dataclass(frozen=True, eq=False)
class ClipsInMemory:
    """Clips as the data of a training, see `TrainingData`; without labels `y` raises ValueError."""

    clips: Clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, rows: Any) -> ClipsInMemory:
        return ClipsInMemory(self.clips[rows])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.clips.classes

    @property
    def y(self) -> np.ndarray:
        """(clips,) int labels."""
        return labels_of(self.clips)

    @property
    def groups(self) -> np.ndarray:
        """(clips,) athletes, or sources where unknown."""
        return self.clips.groups

    def training_batches(self, recipe: Recipe, seed: int | None) -> tuple[ClipBatches, int, int]:
        """Return the batches, the number of epochs of keras, and the passes over the clips in each."""
        clips = self.clips
        if recipe.augment == "copies":
            clips = rotated_copies(clips, recipe.copies, seed=seed)
        epochs, passes = _count_epochs(len(_balanced_rows(clips, recipe)), recipe)
        return ClipBatches(clips, recipe, seed, passes), epochs, passes

    def validation_batches(self, recipe: Recipe) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return all inputs and one-hot labels; keras cuts them into batches of its own size."""
        return self.clips.inputs, one_hot(self.clips)

    def class_weight(self, recipe: Recipe) -> dict[int, float] | None:
        """Return label -> weight of its clips in the loss; None unless balance="weights"."""
        return class_weight(self.y, len(self.classes)) if recipe.balance == "weights" else None

    def fingerprint(self) -> str:
        """Return a hash of the clips."""
        clips = self.clips
        described = [list(clips.classes), clips.groups.tolist()]
        described += [list(clips.channels), list(clips.skeleton.joints), clips.fps]
        return hash_content(described, [self.y, clips.x, clips.mask, clips.seen])


def _count_epochs(count: int, recipe: Recipe) -> tuple[int, int]:
    """Return (epochs of keras, passes over `count` clips in each).

    An epoch costs keras as much time as five to ten batches. So where `min_steps` repeats a small training part, an
    epoch holds as many passes as give about `_BATCHES_PER_EPOCH` batches.
    """
    if not recipe.min_steps:
        return recipe.epochs, 1
    passes = max(recipe.epochs, -(-recipe.min_steps * recipe.batch_size // count))
    epochs = -(-passes // max(1, _BATCHES_PER_EPOCH * recipe.batch_size // count))
    per_epoch = -(-passes // epochs)
    return -(-passes // per_epoch), per_epoch


class ClipBatches(keras.utils.PyDataset):
    """The training part in batches, in a new order and with fresh augmented copies each epoch.

    A thread draws the next epoch while this one trains, so that two cores are busy. It draws the epochs one after the
    other, so a seed gives the same epochs on any machine. An epoch holds `passes` passes over the clips; `epoch` is the
    number of the current one, from 0.
    """

    def __init__(self, clips: Clips, recipe: Recipe, seed: int | None, passes: int = 1) -> None:
        super().__init__()
        self._clips: Any = clips
        self._recipe, self._passes = recipe, passes
        self._rng = np.random.default_rng(seed)
        self._thread = ThreadPoolExecutor(1)
        self._start_at(0)

    def _start_at(self, epoch: int) -> None:
        self.epoch = epoch
        self._current: Any
        self._current, self._state = self._draw()
        self._next: Any = self._thread.submit(self._draw)

    def __len__(self) -> int:
        return -(-len(self._current) // self._recipe.batch_size)

    def __getitem__(self, step: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        rows = slice(step * self._recipe.batch_size, (step + 1) * self._recipe.batch_size)
        inputs = {name: array[rows] for name, array in self._current.inputs.items()}
        return inputs, one_hot(self._current)[rows]

    def on_epoch_end(self) -> None:
        """Go on to the next epoch."""
        self.epoch += 1
        self._current, self._state = self._next.result()
        self._next = self._thread.submit(self._draw)

    def random_state(self, epoch: int) -> Mapping[str, Any]:
        """Return the state of the random generator before it drew this epoch: the current one, or the next."""
        return self._state if epoch == self.epoch else self._next.result()[1]

    def resume(self, epoch: int, state: Mapping[str, Any]) -> None:
        """Draw this epoch again, from the state that `random_state` returned for it."""
        self._next.result()  # else the thread would go on drawing from the same generator
        self._rng.bit_generator.state = state
        self._start_at(epoch)

    def close(self) -> None:
        """End the thread and drop the clips, because TensorFlow keeps this object until the process ends."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._next = self._current = self._clips = None

    def _draw(self) -> tuple[Clips, Mapping[str, Any]]:
        """Return the clips of an epoch and the state of the generator before they were drawn."""
        state = self._rng.bit_generator.state
        rows = [
            self._rng.permutation(_balanced_rows(self._clips, self._recipe, self._rng))
            for _ in range(self._passes)
        ]
        epoch = self._clips[np.concatenate(rows)]
        if self._recipe.augment != "fly":
            return epoch, state
        return augment_clips(epoch, self._rng, self._recipe.augmentation), state


def _balanced_rows(clips: Clips, recipe: Recipe, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return every row once; with balance="oversample" rows of rarer classes again, until all classes are as frequent."""
    if recipe.balance != "oversample":
        return np.arange(len(clips))
    rng = np.random.default_rng(0) if rng is None else rng
    y = labels_of(clips)
    most = np.bincount(y).max()
    of_class = (rng.permutation(np.flatnonzero(y == label)) for label in np.unique(y))
    return np.concatenate([np.resize(rows, most) for rows in of_class])
