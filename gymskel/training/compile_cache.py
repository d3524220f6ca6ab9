"""Networks compiled once and trained many times: the folds and seeds of an evaluation train the same architecture.

TensorFlow takes seconds to trace a training step and keeps the trace until the process ends. So a compiled network is
trained in place of each model: it takes the model's weights, is trained, and gives the weights back.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from gymskel.training.recipes import Recipe

_MAX_ENTRIES = 8  # compiled networks, each with its weights and the two moments of its optimizer
# fields of a recipe that are constants of the traced step
_COMPILED_FIELDS = ("learning_rate", "schedule", "weight_decay", "label_smoothing", "deterministic")
_cache: dict[Hashable, CacheEntry] = {}


@dataclass
class CacheEntry:
    """A compiled network, its schedule, and the first values of its optimizer's variables."""

    network: keras.Model
    schedule: Schedule
    optimizer_start: list[np.ndarray]


@contextmanager
def borrow_network(
    model: keras.Model, recipe: Recipe, steps: int, steps_per_pass: float, cache_key: Hashable
) -> Iterator[keras.Model]:
    """Yield a compiled network to train in place of `model`; after the block, also after an error, the model has its weights.

    Args:
        model, recipe: first weights; loss, optimizer and schedule.
        steps, steps_per_pass: steps of the whole training and of one pass over the clips.
        cache_key: hashable description of the architecture; models with equal keys and equal shapes of weights share one
            compiled training step. None = compile and yield the model itself.
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
        network = keras.models.clone_model(model)
        schedule = _compile(network, recipe)
        start = [np.array(keras.ops.convert_to_numpy(variable)) for variable in network.optimizer.variables]
        entry = CacheEntry(network, schedule, start)
    for variable, value in zip(entry.network.optimizer.variables, entry.optimizer_start, strict=True):
        variable.assign(value)
    entry.schedule.set_length(steps, steps_per_pass)
    entry.network.stop_training = False
    _copy_variables(model, entry.network)
    try:
        yield entry.network
    finally:
        _copy_variables(entry.network, model)
        entry.network.history = None
        _cache[key] = entry
        while len(_cache) > _MAX_ENTRIES:
            _cache.pop(next(iter(_cache)), None)


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


def _copy_variables(source: keras.Model, target: keras.Model) -> None:
    for value, variable in zip(source.variables, target.variables, strict=True):
        variable.assign(value)
