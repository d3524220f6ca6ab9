"""The training part in batches: fresh copies each epoch, rarer classes more often, small parts gone over more often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import keras
import numpy as np

from gymskel.clips import Clips
from gymskel.preprocess.augment import augmented, rotated_copies
from gymskel.training.recipes import Recipe
from gymskel.training.streaming import Streamed

_AN_EPOCH = 50  # batches, about, in an epoch of keras


def one_hot(clips: Clips) -> np.ndarray:
    """(clips, classes) float32 with 1 at the label."""
    return np.eye(len(clips.classes), dtype=np.float32)[clips.y]


def batches_of(
    training: Clips | Streamed, recipe: Recipe, seed: int | None
) -> tuple[keras.utils.PyDataset, int, int]:
    """(batches, passes over the clips, passes that make an epoch of keras)."""
    if isinstance(training, Streamed):
        if recipe.augment == "copies":
            raise ValueError("augment='copies' holds all clips in memory; Streamed takes 'fly' or None.")
        augment = partial(augmented, how=recipe.augmentation) if recipe.augment == "fly" else None
        batches = training.batches(recipe.batch_size, augment=augment, seed=seed)
        return batches, max(recipe.epochs, -(-recipe.min_steps // len(batches))), 1
    if recipe.augment == "copies":
        training = rotated_copies(training, recipe.copies, seed=seed)
    passes, together = _passes(training, recipe)
    return Batches(training, recipe, seed, together), passes, together


def _passes(clips: Clips, recipe: Recipe) -> tuple[int, int]:
    """(passes over the clips, passes that make an epoch of keras).

    An epoch costs keras as much as five to ten batches. Where `min_steps` lets a small training part be gone over more
    often, so many passes are put together that an epoch has about `_AN_EPOCH` batches.
    """
    count = len(_rows(clips, recipe))
    if not recipe.min_steps:
        return recipe.epochs, 1
    passes = max(recipe.epochs, -(-recipe.min_steps * recipe.batch_size // count))
    epochs = -(-passes // max(1, _AN_EPOCH * recipe.batch_size // count))
    return passes, -(-passes // epochs)


class Batches(keras.utils.PyDataset):
    """The training part in batches, in a new order and with fresh augmented copies each epoch.

    The next epoch is drawn in a thread of its own while this one trains, so that both cores have work. One thread
    draws them one after the other, so a seed gives the same epochs on any machine.
    """

    def __init__(self, clips: Clips, recipe: Recipe, seed: int | None, together: int = 1) -> None:
        super().__init__()
        self._clips, self._recipe, self._together = clips, recipe, together
        self._rng = np.random.default_rng(seed)
        self._drawer = ThreadPoolExecutor(1)
        self._begin(0)

    def _begin(self, number: int) -> None:
        self.number = number
        self._epoch, self._state = self._draw()
        self._next = self._drawer.submit(self._draw)

    def __len__(self) -> int:
        return -(-len(self._epoch) // self._recipe.batch_size)

    def __getitem__(self, step: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        rows = slice(step * self._recipe.batch_size, (step + 1) * self._recipe.batch_size)
        return {name: array[rows] for name, array in self._epoch.inputs.items()}, one_hot(self._epoch)[rows]

    def on_epoch_end(self) -> None:
        """Goes on to the next epoch."""
        self.number += 1
        self._epoch, self._state = self._next.result()
        self._next = self._drawer.submit(self._draw)

    def state_before(self, number: int) -> dict[str, Any]:
        """Where chance stood before this epoch was drawn: the one that is drawn, or the next."""
        return self._state if number == self.number else self._next.result()[1]

    def go_to(self, number: int, state: dict[str, Any]) -> None:
        """Draws this epoch, with chance as it stood then."""
        self._next.result()  # else it would go on drawing beside us
        self._rng.bit_generator.state = state
        self._begin(number)

    def close(self) -> None:
        """Ends the thread; clips and epochs are let go, as TensorFlow keeps the batches until the process ends."""
        self._drawer.shutdown(wait=False, cancel_futures=True)
        self._next = self._epoch = self._clips = None

    def _draw(self) -> tuple[Clips, dict[str, Any]]:
        """The clips of an epoch, and where chance stood before."""
        state = self._rng.bit_generator.state
        rows = (
            self._rng.permutation(_rows(self._clips, self._recipe, self._rng)) for _ in range(self._together)
        )
        epoch = self._clips[np.concatenate(list(rows))]
        if self._recipe.augment != "fly":
            return epoch, state
        return augmented(epoch, self._rng, self._recipe.augmentation), state


def _rows(clips: Clips, recipe: Recipe, rng: np.random.Generator | None = None) -> np.ndarray:
    """Every clip once; with `balance` clips of rarer classes again, until all classes are as frequent."""
    if recipe.balance is not True:
        return np.arange(len(clips))
    rng = np.random.default_rng(0) if rng is None else rng
    most = np.bincount(clips.y).max()
    own = (rng.permutation(np.flatnonzero(clips.y == label)) for label in np.unique(clips.y))
    return np.concatenate([np.resize(rows, most) for rows in own])
