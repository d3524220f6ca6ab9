"""Networks compiled once and trained many times: each fold and each seed of an evaluation has the same one.

TensorFlow takes seconds to trace a training step and keeps what it made of it until the process ends. So it is not the
model that is trained but a twin of it, which lends its step to every model of the same kind and recipe.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from gymskel.training.recipes import Recipe

_KEPT = 8  # twins, with their weights and twice the two moments of each
_IN_THE_STEP = ("learning_rate", "schedule", "weight_decay", "label_smoothing", "deterministic")
_twins: dict[Hashable, Twin] = {}


@contextmanager
def twin_of(
    model: keras.Model, recipe: Recipe, steps: int, a_pass: float, kind: Hashable
) -> Iterator[keras.Model]:
    """What is trained in place of a model, compiled; however the block ends, the model has its weights then.

    Args:
        model: the twin of the first of a kind is cloned from it.
        recipe: its loss, optimizer and schedule.
        steps: of the whole training.
        a_pass: those of a pass over the clips.
        kind: what says, with the shapes of its weights, all of the architecture; None = the model itself is compiled and trained.
    """
    if kind is None:
        _compile(model, recipe).draw_out(steps, a_pass)
        yield model
        return
    shapes = [model.input_shape, *(tuple(weight.shape) for weight in model.weights)]
    policy, fixed = keras.config.dtype_policy().name, [getattr(recipe, name) for name in _IN_THE_STEP]
    key = kind, str(shapes), policy, *fixed
    twin = _twins.pop(key, None)  # not there for another thread
    if twin is None:
        network = keras.models.clone_model(model)
        schedule = _compile(network, recipe)
        first = [np.array(keras.ops.convert_to_numpy(one)) for one in network.optimizer.variables]
        twin = Twin(network, schedule, first)
    for variable, value in zip(twin.network.optimizer.variables, twin.first, strict=True):
        variable.assign(value)
    twin.schedule.draw_out(steps, a_pass)
    twin.network.stop_training = False
    _copy(model, twin.network)
    try:
        yield twin.network
    finally:
        _copy(twin.network, model)
        twin.network.history = None
        _twins[key] = twin
        while len(_twins) > _KEPT:
            _twins.pop(next(iter(_twins)), None)


def _compile(model: keras.Model, recipe: Recipe) -> Schedule:
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
    # as the metric above, it has its variables before `fit`: or the step is traced a second time, for several seconds
    if model.trainable_variables:
        model.optimizer.build(model.trainable_variables)
    return schedule


@keras.saving.register_keras_serializable(package="gymskel")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step, by the schedule of a recipe.

    How long it is are variables: keras' own schedules hold it as a number, and the traced step then holds for that only.
    """

    def __init__(self, recipe: Recipe, count: float = 1.0, warm: float = 0.0) -> None:
        self._recipe = recipe
        self._count, self._warm = (keras.Variable(value, trainable=False) for value in (count, warm))

    def draw_out(self, steps: int, a_pass: float) -> None:
        """Sets its length, of which five passes over the clips (of so many steps), or 50 steps, are warming up."""
        self._count.assign(max(steps, 1))
        self._warm.assign(min(max(50, 5 * a_pass), steps // 4))

    def __call__(self, step: Any) -> Any:
        """The rate of a step, counted from 0."""
        ops, peak, step = keras.ops, self._recipe.learning_rate, keras.ops.cast(step, "float32")
        if self._recipe.schedule == "exponential":
            return peak * ops.power(0.01, step / self._count)
        rising = 0.1 + 0.9 * step / ops.maximum(self._warm, 1.0)
        gone = ops.clip((step - self._warm) / ops.maximum(self._count - self._warm, 1.0), 0.0, 1.0)
        return peak * ops.where(step < self._warm, rising, (1 + ops.cos(np.pi * gone)) / 2)

    def get_config(self) -> dict[str, Any]:
        """Recipe and length, as keras keeps them of a network that a callback saves."""
        length = {"count": float(self._count), "warm": float(self._warm)}
        return {"recipe": asdict(self._recipe), **length}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Schedule:
        """The same schedule again."""
        return cls(Recipe(**config["recipe"]), config["count"], config["warm"])


@dataclass
class Twin:
    """A compiled network, its schedule, and the first values of its optimizer's variables."""

    network: keras.Model
    schedule: Schedule
    first: list[np.ndarray]


def _copy(one: keras.Model, other: keras.Model) -> None:
    """Weights, and the seeds of dropout."""
    for source, target in zip(one.variables, other.variables, strict=True):
        target.assign(source)
