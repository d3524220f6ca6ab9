"""Clips -> a trained model."""

from __future__ import annotations

import time
import warnings
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from gymskel.clips import Clips
from gymskel.messages import join_names
from gymskel.splits import hold_out_groups
from gymskel.training.batches import ClipsInMemory
from gymskel.training.checkpoint import Checkpoint, read_seed, training_identity
from gymskel.training.compile_cache import borrow_network
from gymskel.training.recipes import Recipe, get_recipe, mirrored_classes
from gymskel.training.training_data import TrainingData


@dataclass(frozen=True)
class Run:
    """Record of one training.

    Attributes:
        history: name of a metric -> its value after each epoch.
        seconds: wall time.
        seed: the seed; None if none was given.
        note: number of epochs and the reason for it, in words.
    """

    history: dict[str, list[float]]
    seconds: float
    seed: int | None
    note: str

    @property
    def epochs(self) -> int:
        """Number of epochs trained."""
        return len(self.history["loss"])


def fit(
    model: keras.Model,
    clips: Clips | TrainingData,
    recipe: str | Recipe = "default",
    *,
    seed: int | None = None,
    progress: bool = False,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    checkpoint: str | Path | None = None,
) -> Run:
    """Train a model on labelled clips, in place.

    If the recipe wants a validation part, it is taken from the clips before anything is augmented. With too few athletes
    to hold any out (some class would keep fewer than two), all clips are trained on for the recipe's number of epochs,
    and the note says so.

    To log every epoch, with its validation part, to a table and to TensorBoard::

        callbacks=[keras.callbacks.CSVLogger("epochs.csv"), keras.callbacks.TensorBoard("logs")]

    Args:
        model: from a builder of gymskel.models. A model that was built under
            `keras.mixed_precision.set_global_policy("mixed_float16")` is trained in that precision.
        clips: with labels `y`; or `training.streaming.StreamedClips`, for a data set larger than memory.
        recipe: a name of RECIPES, or a Recipe.
        seed: for augmentation, validation part and order of clips; weights were drawn when the model was built.
        progress: show a bar over the epochs.
        callbacks: passed on to keras.
        checkpoint: a file that saves the training after every epoch of keras. If it exists, training resumes there and
            ends as if it had never been interrupted; a finished training returns at once. Delete the file when the model
            is saved. If no seed is given, one is drawn and saved there. A file of other data or settings is refused.

    Returns:
        A Run.

    Raises:
        ValueError: no clips, no labels, `deterministic` without a seed; a checkpoint that is damaged, or of other clips,
            another model, recipe or seed.
    """
    return fit_cached(model, clips, recipe, None, seed, progress, callbacks, checkpoint)


def fit_cached(
    model: keras.Model,
    clips: Clips | TrainingData,
    recipe: str | Recipe,
    cache_key: Hashable,
    seed: int | None = None,
    progress: bool = False,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    checkpoint: str | Path | None = None,
) -> Run:
    """Train as `fit` does, through the compiled network of `cache_key` (see `borrow_network`).

    With `callbacks` the model itself is trained, because they see it.
    """
    start, recipe = time.perf_counter(), get_recipe(recipe)
    data = ClipsInMemory(clips) if isinstance(clips, Clips) else clips
    _check_data(data, recipe)
    if checkpoint is not None and seed is None:
        seed = read_seed(checkpoint)
    training, validation, note = _hold_out(data, recipe, seed)
    batches, epochs, passes = training.training_batches(recipe, seed)
    callbacks, stop, saved = list(callbacks), None, None
    cache_key = None if callbacks else cache_key
    if validation is not None:
        patience = -(-recipe.patience // passes)
        stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience, restore_best_weights=True)
        callbacks.append(stop)
    try:
        if checkpoint is not None:
            saved = Checkpoint(checkpoint, training_identity(model, data, recipe, seed), batches, stop)
            callbacks.append(saved)
        if progress:
            from tqdm.keras import TqdmCallback

            callbacks.append(TqdmCallback(epochs, verbose=0, leave=False))
        steps = len(batches)
        with borrow_network(model, recipe, epochs * steps, steps / passes, cache_key) as network:
            _set_seed(recipe, seed)
            history = network.fit(
                batches,
                epochs=epochs,
                initial_epoch=0 if saved is None else epochs if saved.stopped else saved.epochs,
                validation_data=None if validation is None else validation.validation_batches(recipe),
                class_weight=training.class_weight(recipe),
                callbacks=callbacks,
                verbose=0,
            ).history
    finally:
        batches.close()
    history = {name: [float(value) for value in values] for name, values in history.items()}
    seconds = time.perf_counter() - start
    if saved is not None:
        history, seconds = saved.history, seconds + saved.seconds
    if passes > 1:
        note += f"; an epoch is {passes} passes over the clips"
    if validation is None:
        return Run(history, seconds, seed, f"{epochs} epochs{note}")
    losses = history["val_loss"]
    return Run(history, seconds, seed, f"{note}; best of {len(losses)} epochs: {int(np.argmin(losses)) + 1}")


def _check_data(data: TrainingData, recipe: Recipe) -> None:
    """Raise ValueError without clips or labels; warn of classes that mirrored copies would confuse."""
    if not len(data):
        raise ValueError("`clips` is empty: training needs at least one clip.")
    _ = data.y  # raises if there are no labels
    for left, right in mirrored_classes(data.classes, recipe):
        warnings.warn(
            f"{recipe.augmentation.mirror:.0%} of the training copies are mirrored and keep their label: if {left} and {right} "
            "are mirror images of each other, the model cannot learn to separate them. Fix: train with "
            "training.without_mirror(recipe) (--no-mirror).",
            stacklevel=4,
        )


def _hold_out(
    data: TrainingData, recipe: Recipe, seed: int | None
) -> tuple[TrainingData, TrainingData | None, str]:
    """Return (training part, validation part or None, how it was chosen or why there is none)."""
    if not recipe.validation:
        return data, None, ""
    if recipe.validation_by == "random":
        order = np.random.default_rng(seed).permutation(len(data))
        count = max(1, int(len(data) * (1 - recipe.validation)))  # rounded as by keras: 271 -> 181 and 90
        if count == len(data):
            return data, None, ": too few clips to hold some out for validation"
        return data[order[:count]], data[order[count:]], "validation part drawn at random"
    parts = hold_out_groups(data, recipe.validation, seed)
    if parts is None:
        return data, None, ": too few athletes to hold some out for validation"
    training, validation = (data[rows] for rows in parts)
    return training, validation, f"validation on {join_names(sorted(set(validation.groups)))}"


def _set_seed(recipe: Recipe, seed: int | None) -> None:
    if seed is not None:
        keras.utils.set_random_seed(seed)
    if recipe.deterministic:
        if seed is None:
            raise ValueError("`deterministic` needs a seed. Fix: give `seed` (a classifier: `random_state`).")
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
