"""Clips -> a trained model: fit, repeated runs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gymskel.clips import Clips, class_weight, grouped_part
from gymskel.training.batches import batches_of, one_hot
from gymskel.training.checkpoint import Checkpoint, identity, seed_of
from gymskel.training.compile_cache import twin_of
from gymskel.training.recipes import Recipe, get_recipe, mirrored_classes
from gymskel.training.streaming import Streamed


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


def fit(
    model: keras.Model,
    clips: Clips | Streamed,
    recipe: str | Recipe = "default",
    *,
    seed: int | None = None,
    progress: bool = False,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    checkpoint: str | Path | None = None,
    kind: Hashable = None,
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
        kind: what says all of the architecture, as `SkeletonClassifier` gives it: models of one kind are trained through
            one compiled network (`training/twin.py`), whose step is traced once, and are left without an optimizer.

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
    for one, other in mirrored_classes(clips.classes, recipe):
        warnings.warn(
            f"{recipe.augmentation.mirror:.0%} of the copies trained on are mirrored and keep their label: if {one} and {other} are each "
            "other's mirror image, they cannot be told apart. Train with training.without_mirror(recipe) (--no-mirror).",
            stacklevel=2,
        )
    start = time.perf_counter()
    if checkpoint is not None and seed is None:
        seed = seed_of(checkpoint)
    training, validation, note = _validation_part(clips, recipe, seed)
    batches, passes, together = batches_of(training, recipe, seed)
    asked = recipe
    recipe = replace(recipe, epochs=-(-passes // together), patience=-(-recipe.patience // together))
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
        steps = len(batches)
        with twin_of(model, recipe, recipe.epochs * steps, steps / together, kind) as network:
            _set_chance(recipe, seed)
            history = network.fit(
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
