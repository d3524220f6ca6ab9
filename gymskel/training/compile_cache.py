"""Networks compiled once and trained many times: the folds and seeds of an evaluation train the same architecture.

TensorFlow takes seconds to trace a training step. So a compiled network is trained in place of each model. It takes the
model's state, is trained, and gives the state back: nobody sees that it was not the model itself.
"""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import keras
import numpy as np

from gymskel.training.recipes import Recipe

_MAX_ENTRIES = 8  # compiled networks, each with its weights and the two moments of its optimizer
_KEEP_SECONDS = 60.0  # of idleness; a network is traced again in about two seconds, a thirtieth of that
# fields of a recipe that are constants of the traced step
_COMPILED_FIELDS = ("learning_rate", "schedule", "weight_decay", "label_smoothing", "deterministic")
_cache: dict[Hashable, tuple[keras.Model, Schedule]] = {}
_timer: threading.Timer | None = None  # empties the cache


@contextmanager
def borrow_network(
    model: keras.Model, recipe: Recipe, steps: int, steps_per_pass: float, cache_key: Hashable
) -> Iterator[keras.Model]:
    """Compile `model` and yield the network to train in its place; after the block `model` is as if trained itself.

    It is so after an error, too: weights, optimizer, history and `stop_training` are those of the network.

    Args:
        model, recipe: first weights; loss, optimizer and schedule.
        steps, steps_per_pass: steps of the whole training and of one pass over the clips.
        cache_key: hashable description of the architecture; models with equal keys and equal shapes of weights share one
            compiled training step. None = yield the model itself.
    """
    if cache_key is None:
        _compile(model, recipe).set_length(steps, steps_per_pass)
        yield model
        return
    shapes = [model.input_shape, *(tuple(weight.shape) for weight in model.weights)]
    fields = [getattr(recipe, name) for name in _COMPILED_FIELDS]
    key = cache_key, str(shapes), keras.config.dtype_policy().name, *fields
    entry = _cache.pop(key, None)  # no other thread may train it meanwhile
    if entry is None:
        network = _copy_model(model)
        entry = network, _compile(network, recipe)
    network = entry[0]
    for schedule in (entry[1], _compile(model, recipe)):
        schedule.set_length(steps, steps_per_pass)
    _copy_state(model, network)
    try:
        yield network
    finally:
        _copy_state(network, model)
        model.stop_training, history = network.stop_training, getattr(network, "history", None)
        if history is not None:  # keras' fit had begun
            history.set_model(model)
            model.history, network.history = history, None
    _keep(key, entry)  # not after an error, which may leave data of the training behind


def release_networks() -> None:
    """Let all compiled networks go; the next training of each architecture is traced again."""
    _cache.clear()
    gc.collect()  # models of keras are circles of references


def _copy_model(model: keras.Model) -> keras.Model:
    """Return a copy of a model that is not compiled, with weights of its own."""
    state = random.getstate()
    copy = keras.models.clone_model(model)  # draws seeds for weights; nobody shall notice
    random.setstate(state)
    return copy


def _keep(key: Hashable, entry: tuple[keras.Model, Schedule]) -> None:
    """Keep a network for the next model, until no network was given back for `_KEEP_SECONDS`."""
    global _timer
    _cache[key] = entry
    while len(_cache) > _MAX_ENTRIES:
        _cache.pop(next(iter(_cache)), None)
    if _timer is not None:
        _timer.cancel()
    _timer = threading.Timer(_KEEP_SECONDS, release_networks)
    _timer.daemon = True
    _timer.start()


def _compile(model: keras.Model, recipe: Recipe) -> Schedule:
    """Compile the model; return its schedule, whose length is not set yet."""
    schedule = Schedule(recipe)
    rate = recipe.learning_rate if recipe.schedule == "constant" else schedule
    optimizer = keras.optimizers.Adam(rate)
    if recipe.weight_decay:
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, clipnorm=1.0)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy("accuracy")],
        jit_compile=False,
    )
    # the optimizer needs its variables before `fit`, or the step is traced a second time, for several seconds
    if model.trainable_variables:
        model.optimizer.build(model.trainable_variables)
    return schedule


@keras.saving.register_keras_serializable(package="gymskel")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate of each step, by the schedule of a recipe: `count` steps, for "cosine" `warm` of them until the peak.

    Both are variables, so that one traced step serves trainings of any length. Keras' own schedules hold a number, which
    becomes a constant of the traced step.
    """

    def __init__(self, recipe: Recipe, count: float = 1.0, warm: float = 0.0) -> None:
        self._recipe = recipe
        self._count, self._warm = (keras.Variable(value, trainable=False) for value in (count, warm))

    def set_length(self, steps: int, steps_per_pass: float) -> None:
        """Set the number of steps; the rate rises during 5 passes over the clips or 50 steps, but at most a quarter."""
        self._count.assign(max(steps, 1))
        self._warm.assign(min(max(50, 5 * steps_per_pass), steps // 4))

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, counted from 0."""
        ops, peak, step = keras.ops, self._recipe.learning_rate, keras.ops.cast(step, "float32")
        if self._recipe.schedule == "exponential":
            return peak * ops.power(0.01, step / self._count)
        rising = 0.1 + 0.9 * step / ops.maximum(self._warm, 1.0)
        done = ops.clip((step - self._warm) / ops.maximum(self._count - self._warm, 1.0), 0.0, 1.0)
        return peak * ops.where(step < self._warm, rising, (1 + ops.cos(np.pi * done)) / 2)

    def get_config(self) -> dict[str, Any]:
        """Return recipe and length as plain values."""
        return {"recipe": asdict(self._recipe), "count": float(self._count), "warm": float(self._warm)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Schedule:
        """Make the schedule that `get_config` described."""
        return cls(Recipe(**config["recipe"]), config["count"], config["warm"])


def _copy_state(source: keras.Model, target: keras.Model) -> None:
    _copy_variables(source, target)
    _copy_variables(source.optimizer, target.optimizer)


def _copy_variables(source: Any, target: Any) -> None:
    """Copy the values of the variables of a model or an optimizer."""
    for value, variable in zip(source.variables, target.variables, strict=True):
        variable.assign(value)
