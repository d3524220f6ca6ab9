"""Networks compiled once and trained many times: each fold and each seed of an evaluation has the same one.

TensorFlow takes seconds to trace a training step and keeps what it made of it until the process ends. So it is not the
model that is trained but a twin of it, which lends its step to every model of the same architecture and recipe.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from gymskel.training.recipes import Recipe

_KEPT = 8  # twins, with their weights and the two moments of each
_twins: dict[
    str, tuple[keras.Model, list[np.ndarray]]
] = {}  # each with the first values of its optimizer's variables


@contextmanager
def twin_of(model: keras.Model, recipe: Recipe) -> Iterator[keras.Model]:
    """What is trained in place of a model; however the block ends, the model has its weights then.

    Another kind of model than keras' own of layers, which may be trained in ways of its own, is compiled itself.

    Args:
        model: any; not changed before the end of the block.
        recipe: its loss and optimizer; the rate is set by `Rate`.
    """
    if not (hasattr(model, "operations") and type(model).__module__.startswith("keras.")):
        _compile(model, recipe)
        yield model
        return
    key = _key(model, recipe)
    twin, first = _twins.pop(key, (None, []))  # not there for another thread
    if twin is None:
        twin = keras.models.clone_model(model)
        _compile(twin, recipe)
        first = [np.array(keras.ops.convert_to_numpy(one)) for one in twin.optimizer.variables]
    for variable, value in zip(twin.optimizer.variables, first, strict=True):
        variable.assign(value)
    twin.optimizer.learning_rate = recipe.learning_rate
    twin.stop_training = False
    _copy(model, twin)
    try:
        yield twin
    finally:
        _copy(twin, model)
        twin.history = None
        _twins[key] = twin, first
        while len(_twins) > _KEPT:
            _twins.pop(next(iter(_twins)))


def _compile(model: keras.Model, recipe: Recipe) -> None:
    optimizer = keras.optimizers.Adam(recipe.learning_rate)
    if recipe.weight_decay:
        optimizer = keras.optimizers.AdamW(
            recipe.learning_rate, weight_decay=recipe.weight_decay, clipnorm=1.0
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy("accuracy")],
        jit_compile=False,
    )
    # as the metric above, it has its variables before `fit`: or the step is traced a second time, for several seconds
    model.optimizer.build(model.trainable_variables)


def _key(model: keras.Model, recipe: Recipe) -> str:
    """Layers, their arguments and how they are joined, without the names, which keras numbers through the process."""
    told = json.loads(model.to_json())
    numbers = {layer.name: number for number, layer in enumerate([model, *model.layers])}
    told = _renamed(told, numbers)
    apart = [[one.name for one in model.inputs], [layer.trainable for layer in model.layers]]
    return json.dumps([told, apart, recipe.weight_decay, recipe.label_smoothing, recipe.deterministic])


def _renamed(told: Any, numbers: dict[str, int]) -> Any:
    if isinstance(told, dict):  # the name of a wrapped layer stands for nothing
        return {key: _renamed(value, numbers) for key, value in told.items() if key != "name"}
    if isinstance(told, list):
        return [_renamed(value, numbers) for value in told]
    return numbers.get(told, told) if isinstance(told, str) else told


def _copy(one: keras.Model, other: keras.Model) -> None:
    """Weights, and the seeds of dropout."""
    for source, target in zip(one.variables, other.variables, strict=True):
        target.assign(source)


class Rate(keras.callbacks.Callback):
    """Sets the learning rate of each step: a variable, so that the traced step holds for any number of steps.

    Args:
        recipe: its schedule, and the rate at the peak.
        steps: in an epoch of keras; `recipe.epochs` counts those.
    """

    def __init__(self, recipe: Recipe, steps: int) -> None:
        super().__init__()
        self._steps, self._epoch = steps, 0
        self.rates = rates(recipe, steps)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Sets the rate."""
        self.model.optimizer.learning_rate = float(self.rates[self._epoch * self._steps + batch])


def rates(recipe: Recipe, steps: int) -> np.ndarray:
    """(epochs * steps,) the learning rate of each step."""
    count = recipe.epochs * steps
    step = np.arange(count)
    if recipe.schedule == "constant":
        return np.full(count, recipe.learning_rate)
    if recipe.schedule == "exponential":
        return recipe.learning_rate * 0.01 ** (step / count)
    warm = min(5, recipe.epochs // 4) * steps
    rising = 0.1 + 0.9 * step / max(warm, 1)
    falling = (1 + np.cos(np.pi * (step - warm) / max(count - warm, 1))) / 2
    return recipe.learning_rate * np.where(step < warm, rising, falling)
