"""Networks compiled once and trained many times: each fold and each seed of an evaluation has the same one.

TensorFlow takes seconds to trace a training step and keeps what it made of it until the process ends. So it is not the
model that is trained but a twin of it, which lends its step to every model of the same architecture and recipe.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from gymskel.training.recipes import Recipe

_KEPT = 8  # twins, with their weights and the two moments of each
_IN_THE_STEP = ("learning_rate", "schedule", "weight_decay", "label_smoothing", "deterministic")
_twins: dict[
    str, tuple[keras.Model, list[np.ndarray]]
] = {}  # each with the first values of its optimizer's variables


@contextmanager
def twin_of(model: keras.Model, recipe: Recipe, steps: int) -> Iterator[keras.Model]:
    """What is trained in place of a model, compiled; however the block ends, the model has its weights then.

    Another kind of model than keras' own of layers, which may be trained in ways of its own, is compiled itself.

    Args:
        model: any; not changed before the end of the block.
        recipe: its loss, optimizer and schedule.
        steps: that the schedule is drawn out over.
    """
    if not (hasattr(model, "operations") and type(model).__module__.startswith("keras.")):
        _compile(model, recipe).draw_out(steps, recipe)
        yield model
        return
    key = _key(model, recipe)
    twin = _twins.pop(key, None)  # not there for another thread
    if twin is None:
        network = keras.models.clone_model(model)
        schedule = _compile(network, recipe)
        first = [np.array(keras.ops.convert_to_numpy(one)) for one in network.optimizer.variables]
        twin = Twin(network, schedule, first)
    for variable, value in zip(twin.network.optimizer.variables, twin.first, strict=True):
        variable.assign(value)
    twin.schedule.draw_out(steps, recipe)
    twin.network.stop_training = False
    _copy(model, twin.network)
    try:
        yield twin.network
    finally:
        _copy(twin.network, model)
        twin.network.history = None
        _twins[key] = twin
        while len(_twins) > _KEPT:
            _twins.pop(next(iter(_twins)))


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
    model.optimizer.build(model.trainable_variables)
    return schedule


@keras.saving.register_keras_serializable(package="gymskel")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step, by the schedule of a recipe.

    How long it is are variables: keras' own schedules hold it as a number, and the traced step then holds for that only.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._count, self._warm = (keras.Variable(1.0, trainable=False) for _ in range(2))

    def draw_out(self, steps: int, recipe: Recipe) -> None:
        """Sets its length, for a recipe that differs in `epochs` at most."""
        self._count.assign(max(steps, 1))
        self._warm.assign(min(5, recipe.epochs // 4) * steps / recipe.epochs)

    def __call__(self, step: Any) -> Any:
        """The rate of a step; the first is 0."""
        ops, peak, step = keras.ops, self._recipe.learning_rate, keras.ops.cast(step, "float32")
        if self._recipe.schedule == "exponential":
            return peak * ops.power(0.01, step / self._count)
        rising = 0.1 + 0.9 * step / ops.maximum(self._warm, 1.0)
        gone = (step - self._warm) / ops.maximum(self._count - self._warm, 1.0)
        return peak * ops.where(step < self._warm, rising, (1 + ops.cos(np.pi * gone)) / 2)

    def get_config(self) -> dict[str, Any]:
        """What it was made with; its length is not kept, as nobody goes on from there (see `Checkpoint`)."""
        return {"recipe": asdict(self._recipe)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Schedule:
        """As keras.models.load_model makes it, of a network that a callback saved."""
        return cls(Recipe(**config["recipe"]))


@dataclass
class Twin:
    """A compiled network, its schedule, and the first values of its optimizer's variables."""

    network: keras.Model
    schedule: Schedule
    first: list[np.ndarray]


def _key(model: keras.Model, recipe: Recipe) -> str:
    """Layers, their arguments and how they are joined, without the names, which keras numbers through the process."""
    told = json.loads(model.to_json())
    numbers = {layer.name: number for number, layer in enumerate([model, *model.layers])}
    told = _renamed(told, numbers)
    apart = [[one.name for one in model.inputs], [layer.trainable for layer in model.layers]]
    fixed = [getattr(recipe, name) for name in _IN_THE_STEP]
    return json.dumps([told, apart, *fixed])


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
