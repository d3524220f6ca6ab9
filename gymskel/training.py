"""Clips -> a trained model: recipes, fit, repeated runs. Augmentation happens here, after the split."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gymskel.checkpoint import Checkpoint, identity, seed_of
from gymskel.clips import Clips, class_weight, grouped_part
from gymskel.preprocess.augment import AS_FILMED_AGAIN, OTHER_CROPS, Augmentation, augmented, rotated_copies
from gymskel.streamed import Streamed


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        name: what it is called.
        epochs: passes over the training part at the most.
        min_steps: a small training part is gone over more often, until there are this many batches in all.
        batch_size: clips in a step.
        learning_rate: peak of the schedule.
        schedule: "constant"; "cosine": five epochs of warming up, then down to 0 along a cosine; "exponential": down to
            a hundredth, by the same factor in each step.
        weight_decay: of AdamW; 0 = plain Adam.
        label_smoothing: share of the label's weight spread over all classes.
        augment: "fly" = a fresh copy of every clip each epoch; "copies" = `copies` rotated copies of each clip
            in place of the originals (thesis sec. 4.2.5); None.
        augmentation: how much a fresh copy may differ.
        copies: for augment="copies".
        balance: all classes weigh the same: True takes clips of rarer classes more often, each time as a fresh copy;
            "weights" takes each once and weighs its loss, so that an epoch does not grow; False = neither.
        validation: share of the clips held out to watch the loss; 0 = none.
        validation_by: "athlete" holds out whole athletes, "random" any clips (as published: it leaks).
        patience: epochs without a better validation loss before training stops; the best weights are restored.
        deterministic: a seed gives the same weights bit for bit, on a GPU too. Slower, and it holds for all that
            TensorFlow does in this process from then on.
    """

    name: str
    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augment: str | None = None
    copies: int = 0
    balance: bool | str = False
    validation: float = 0.0
    validation_by: str = "athlete"
    patience: int = 0
    min_steps: int = 0
    augmentation: Augmentation = AS_FILMED_AGAIN
    deterministic: bool = False

    def __post_init__(self) -> None:
        known = {
            "schedule": ("constant", "cosine", "exponential"),
            "augment": ("fly", "copies", None),
            "balance": (False, True, "weights"),
            "validation_by": ("athlete", "random"),
        }
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise ValueError(f"`{name}` must be one of {values}, got {getattr(self, name)!r}.")
        if isinstance(self.augmentation, dict):  # as a saved classifier holds it
            object.__setattr__(self, "augmentation", Augmentation(**self.augmentation))


RECIPES = {
    "default": Recipe(
        "default",
        epochs=240,
        batch_size=32,
        learning_rate=2e-3,
        schedule="cosine",
        weight_decay=0.02,
        label_smoothing=0.1,
        augment="fly",
        balance=True,
        min_steps=1000,
    ),
    "thesis": Recipe(
        "thesis",
        epochs=5,
        batch_size=1,
        learning_rate=1e-3,
        augment="copies",
        copies=10,
        validation=0.33,
        validation_by="random",
        patience=3,
    ),
    # Zhang et al. (exercise quality) for windows of `preprocess.windows(recording, 10, every=6)` and the preset of the same
    # name: batches of 128, Adam from 1e-4 with exponential decay, cross-entropy, random crops of the picture, 9:1. How
    # fast the rate falls, how large the crops are and how long to train are ours (they converge after 2,000 batches); so is
    # the validation part by athlete: at random, windows of one recording would lie on both sides.
    "exercise_quality": Recipe(
        "exercise_quality",
        epochs=100,
        batch_size=128,
        learning_rate=1e-4,
        schedule="exponential",
        augment="fly",
        augmentation=OTHER_CROPS,
        validation=0.1,
        patience=100,
        min_steps=4000,
    ),
}


@dataclass(frozen=True)
class Run:
    """What happened in one training.

    Attributes:
        history: name of a measure -> its value after each epoch.
        seconds: wall time.
        seed: the seed.
        note: how the number of epochs came about, in words.
    """

    history: dict[str, list[float]]
    seconds: float
    seed: int | None
    note: str

    @property
    def epochs(self) -> int:
        """Epochs run."""
        return len(self.history["loss"])


def get_recipe(recipe: str | Recipe) -> Recipe:
    """The recipe of this name, or itself."""
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in RECIPES:
        raise ValueError(f"`recipe` must be one of {sorted(RECIPES)} or a Recipe, got {recipe!r}.")
    return RECIPES[recipe]


def fit(
    model: keras.Model,
    clips: Clips | Streamed,
    recipe: str | Recipe = "default",
    *,
    seed: int | None = None,
    progress: bool = False,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    checkpoint: str | Path | None = None,
) -> Run:
    """Trains a model on labelled clips, in place.

    The validation part, if the recipe wants one, is taken from the clips before anything is augmented. Where
    there are too few athletes to hold any out (some class would be left with fewer than two), all clips are
    trained on for the recipe's number of epochs, and the note says so.

    A table and TensorBoard's curves of the epochs, each with the validation part's::

        callbacks=[keras.callbacks.CSVLogger("epochs.csv"), keras.callbacks.TensorBoard("logs")]

    Args:
        model: from a builder of gymskel.models. One that was built under
            `keras.mixed_precision.set_global_policy("mixed_float16")` is trained so.
        clips: with labels `y`; or Streamed, for a data set larger than memory.
        recipe: a name of RECIPES, or a Recipe.
        seed: for augmentation, validation part and order of clips; weights were drawn when the model was built.
        progress: show a bar over the epochs.
        callbacks: passed on to keras.
        checkpoint: a file that keeps the training after every epoch of keras. If it exists, training goes on from
            there and ends as if it had never been interrupted; a finished one gives its result at once. Delete it when
            the model is saved. A seed that is not given is drawn once and kept there. What is changed is refused.

    Returns:
        A Run.

    Raises:
        ValueError: no labels; a checkpoint that is damaged, or of other clips, another model, recipe or seed.
    """
    recipe = get_recipe(recipe)
    if clips.y is None or not len(clips):
        raise ValueError(
            "`clips` needs labels `y` and at least one clip. Recordings get theirs from activity."
        )
    start = time.perf_counter()
    if checkpoint is not None and seed is None:
        seed = seed_of(checkpoint)
    training, validation, note = _validation_part(clips, recipe, seed)
    _set_chance(recipe, seed)
    batches, passes, together = _batches(training, recipe, seed)
    asked = recipe
    recipe = replace(recipe, epochs=-(-passes // together), patience=-(-recipe.patience // together))
    model.compile(
        optimizer=_optimizer(model, recipe, len(batches)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy("accuracy")],
        jit_compile=False,
    )
    # as the metric above, it has its variables before `fit`: or the step is traced a second time, for several seconds
    model.optimizer.build(model.trainable_variables)
    callbacks, stop, kept = list(callbacks), None, None
    if validation is not None:
        stop = keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=recipe.patience, restore_best_weights=True
        )
        callbacks.append(stop)
    try:
        if checkpoint is not None:
            kept = Checkpoint(checkpoint, identity(model, clips, asked, seed), batches, stop)
            callbacks.append(kept)
        if progress:
            callbacks.append(_Bar(recipe.epochs))
        history = model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=0 if kept is None else kept.epochs if not kept.stopped else recipe.epochs,
            validation_data=_watched(validation, recipe),
            class_weight=_weights(training, recipe),
            callbacks=callbacks,
            verbose=0,
        ).history
    finally:
        batches.close()
    history = {name: [float(v) for v in values] for name, values in history.items()}
    seconds = time.perf_counter() - start
    if kept is not None:
        history, seconds = kept.history, seconds + kept.seconds
    if together > 1:
        note += f"; an epoch is {together} passes over the clips"
    if validation is None:
        note = f"{recipe.epochs} epochs{note}"
    else:
        best = int(np.argmin(history["val_loss"])) + 1
        note += f"; best of {len(history['val_loss'])} epochs: {best}"
    return Run(history=history, seconds=seconds, seed=seed, note=note)


def repeat(
    build: Callable[[], keras.Model],
    clips: Clips,
    runs: int = 5,
    recipe: str | Recipe = "default",
    *,
    seed: int = 0,
    progress: bool = False,
) -> list[tuple[keras.Model, Run]]:
    """Independent trainings from new weights, with seeds seed, seed + 1, ...; each with its model.

    Args:
        build: makes a new model, e.g. `lambda: models.lstm(2)`.
    """
    trained = []
    for k in range(runs):
        keras.utils.set_random_seed(seed + k)
        model = build()
        trained.append((model, fit(model, clips, recipe, seed=seed + k, progress=progress)))
    return trained


def one_hot(clips: Clips) -> np.ndarray:
    """(clips, classes) float32 with 1 at the label."""
    return np.eye(len(clips.classes), dtype=np.float32)[clips.y]


def _validation_part(clips: Any, recipe: Recipe, seed: int | None) -> tuple[Any, Any, str]:
    """(training, validation or None, how it was done or why not)."""
    if not recipe.validation:
        return clips, None, ""
    if recipe.validation_by == "random":
        order = np.random.default_rng(seed).permutation(len(clips))
        split = max(1, int(len(clips) * (1 - recipe.validation)))  # as keras parts them: 271 -> 181 and 90
        if split == len(clips):
            return clips, None, ": too few clips to hold some out for validation"
        return clips[order[:split]], clips[order[split:]], "validation part drawn at random"
    split = grouped_part(clips, recipe.validation, seed)
    if split is None:
        return clips, None, ": too few athletes to hold some out for validation"
    held = sorted(set(clips.groups[split[1]]))
    return (
        clips[split[0]],
        clips[split[1]],
        f"validation on {', '.join(held[:6])}{' ...' if len(held) > 6 else ''}",
    )


def _batches(
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
    return _Batches(training, recipe, seed, together), passes, together


def _passes(clips: Clips, recipe: Recipe) -> tuple[int, int]:
    """(passes over the clips, passes that make an epoch of keras).

    An epoch costs keras 0.2 seconds beside its batches. Where `min_steps` makes many short ones of a small training
    part, so many are put together that each has about `_BATCHES` batches.
    """
    count = len(_rows(clips, recipe))
    if not recipe.min_steps:
        return recipe.epochs, 1
    passes = max(recipe.epochs, -(-recipe.min_steps * recipe.batch_size // count))
    epochs = -(-passes // max(1, _BATCHES * recipe.batch_size // count))
    return passes, -(-passes // epochs)


_BATCHES = 10


def _watched(validation: Any, recipe: Recipe) -> Any:
    """The validation part as keras takes it."""
    if isinstance(validation, Streamed):
        return validation.batches(recipe.batch_size, shuffle=False)
    return None if validation is None else (validation.inputs, one_hot(validation))


def _weights(training: Clips | Streamed, recipe: Recipe) -> dict[int, float] | None:
    """What clips of each label weigh, where they are not drawn more often instead."""
    weighed = bool(recipe.balance) if isinstance(training, Streamed) else recipe.balance == "weights"
    return class_weight(training.y, len(training.classes)) if weighed else None


def _set_chance(recipe: Recipe, seed: int | None) -> None:
    if seed is not None:
        keras.utils.set_random_seed(seed)
    if recipe.deterministic:
        if seed is None:
            raise ValueError("`deterministic` needs a seed: give `seed`, or `random_state` to a classifier.")
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _optimizer(model: keras.Model, recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        warm = min(5, recipe.epochs // 4) * steps
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 10, max(recipe.epochs * steps - warm, 1), warmup_target=rate, warmup_steps=warm
        )
    if recipe.schedule == "exponential":
        rate = keras.optimizers.schedules.ExponentialDecay(rate, max(recipe.epochs * steps, 1), 0.01)
    if not recipe.weight_decay:
        return keras.optimizers.Adam(rate)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


class _Batches(keras.utils.PyDataset):
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
        """Ends the thread; an epoch that is being drawn is thrown away."""
        self._drawer.shutdown(wait=False, cancel_futures=True)

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


class _Bar(keras.callbacks.Callback):
    """One progress bar over the epochs."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs

    def on_train_begin(self, logs: Any = None) -> None:
        from tqdm.auto import tqdm

        self._bar = tqdm(total=self._epochs, unit="epoch", leave=False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._bar.set_postfix({k: f"{v:.3f}" for k, v in (logs or {}).items()})
        self._bar.update(epoch + 1 - self._bar.n)

    def on_train_end(self, logs: Any = None) -> None:
        self._bar.close()
