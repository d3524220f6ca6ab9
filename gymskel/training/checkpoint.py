"""A training saved in one file after every epoch, so that it can be resumed after an interruption."""

from __future__ import annotations

import hashlib
import json
import random
import time
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gymskel.files import replace_file
from gymskel.training.recipes import Recipe
from gymskel.training.training_data import Batches, TrainingData

_FORMAT = 1  # version of the file

Arrays = dict[str, list[np.ndarray]]  # "model", "optimizer", "best" -> values of the variables


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimizer, random state, history and the best weights after every epoch of keras.

    keras.callbacks.BackupAndRestore saves weights and optimizer only: order of batches, copies, patience and best weights
    would start anew. Place it after EarlyStopping in the list of callbacks, because it restores that callback's state.

    Args:
        path: the file. It is replaced whole, so an interrupted write leaves the previous one.
        identity: from `training_identity`; a file of another training is refused.
        batches, stop: the training part, and the EarlyStopping of the training or None.

    Attributes:
        epochs: number of finished epochs.
        history: name of a metric -> its value after each of them.
        seconds: wall time of the earlier runs of this training.
        stopped: True if training ended before its last epoch.

    Raises:
        ValueError: the file is damaged, from a newer gymskel, or of another training.
    """

    def __init__(
        self,
        path: str | Path,
        identity: dict[str, Any],
        batches: Batches,
        stop: keras.callbacks.EarlyStopping | None,
    ) -> None:
        super().__init__()
        self.path, self._batches, self._stop = Path(path), batches, stop
        self._identity = json.loads(json.dumps(identity))
        self._arrays: Arrays = {}
        self._saved_batches: list[Any] | None = None
        self.epochs, self.seconds, self.stopped = 0, 0.0, False
        self.history: dict[str, list[float]] = {}
        if not self.path.exists():
            return
        saved, self._arrays = _read(self.path)
        if changed := [name for name, value in self._identity.items() if saved["asked"].get(name) != value]:
            raise ValueError(
                f"{self.path} belongs to another training: not the same {', '.join(changed)}. Fix: delete it to start "
                "again, or save this training in another file."
            )
        self.epochs, self.history = saved["epochs"], saved["history"]
        self.seconds, self.stopped = saved["seconds"], saved["stopped"]
        self._patience, self._saved_batches = saved["patience"], saved["batches"]

    def on_train_begin(self, logs: Any = None) -> None:
        """Restore the variables of model and optimizer, and the state of early stopping."""
        self._start = time.perf_counter()
        if not self._arrays:
            return
        for name, variables in self._variables().items():
            for variable, value in zip(variables, self._arrays[name], strict=True):
                variable.assign(value)
        if self._stop is not None:
            self._stop.wait, self._stop.best, self._stop.best_epoch = self._patience
            self._stop.best_weights = self._arrays["best"] or None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Restore the batches, before keras asks for the first."""
        if self._saved_batches is not None:
            batches_epoch, state, (version, words, gauss) = self._saved_batches
            self._batches.resume(batches_epoch, state)
            random.setstate((version, tuple(words), gauss))  # keras shuffles the batches with this generator
            self._saved_batches = None
        self._batches_epoch = self._batches.epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Replace the file."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.epochs, self.stopped = epoch + 1, bool(self.model.stop_training)
        stop, arrays = self._stop, Arrays(best=[])
        for name, variables in self._variables().items():
            arrays[name] = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables]
        patience = None
        if stop is not None:
            patience = stop.wait, None if stop.best is None else float(stop.best), stop.best_epoch
            arrays["best"] = stop.best_weights or []
        following = self._batches_epoch + 1
        values = {
            "format": _FORMAT,
            "asked": self._identity,
            "epochs": self.epochs,
            "stopped": self.stopped,
            "history": self.history,
            "seconds": self.seconds + time.perf_counter() - self._start,
            "patience": patience,
            "batches": (following, self._batches.random_state(following), random.getstate()),
        }
        named = {f"{name}/{k}": array for name, group in arrays.items() for k, array in enumerate(group)}
        with replace_file(self.path) as part, part.open("wb") as file:
            np.savez(file, facts=np.array(json.dumps(values)), **named)

    def _variables(self) -> dict[str, list[Any]]:
        """Return the variables of the model, with the seeds of its dropout, and those of its optimizer."""
        optimizer = self.model.optimizer
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        return {"model": self.model.variables, "optimizer": optimizer.variables}


def training_identity(
    model: keras.Model, data: TrainingData, recipe: Recipe, seed: int | None
) -> dict[str, Any]:
    """Return data, model, recipe and seed of a training, as plain values or their hashes."""
    return {"data": data.fingerprint(), "model": hash_model(model), "recipe": asdict(recipe), "seed": seed}


def hash_model(model: keras.Model) -> str:
    """Return the SHA-256 of the architecture: of the layers' settings and the shapes of the weights, without names."""
    # keras numbers the names of the layers through the process
    layers = [(type(layer).__name__, _without_names(layer.get_config())) for layer in model.layers]
    described = [layers, [list(weight.shape) for weight in model.weights]]
    return hashlib.sha256(json.dumps(described, default=str, sort_keys=True).encode()).hexdigest()


def read_seed(path: str | Path) -> int:
    """Return the seed of the training saved in this file; a new random one if there is no file."""
    if Path(path).exists():
        return _read(Path(path))[0]["asked"]["seed"]
    return int(np.random.default_rng().integers(2**31))


def read_seconds(path: str | Path | None) -> float:
    """Return the wall time of the training saved in this file so far; 0 if there is no file."""
    return _read(Path(path))[0]["seconds"] if path is not None and Path(path).exists() else 0.0


def _without_names(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _without_names(value) for key, value in config.items() if key != "name"}
    return [_without_names(value) for value in config] if isinstance(config, list | tuple) else config


def _read(path: Path) -> tuple[dict[str, Any], Arrays]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            values = json.loads(str(saved["facts"]))
            arrays: Arrays = {"model": [], "optimizer": [], "best": []}
            if values["format"] <= _FORMAT:
                for key in saved.files[1:]:
                    arrays[key.split("/")[0]].append(saved[key])
                recipe = Recipe(**values["asked"]["recipe"])  # of an older gymskel: with its values of today
                values["asked"]["recipe"] = json.loads(json.dumps(asdict(recipe)))
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is no checkpoint of a training, or damaged: {error}. Fix: delete it to start again."
        ) from error
    if values["format"] > _FORMAT:
        raise ValueError(f"{path} was written by a newer gymskel. Fix: update gymskel.")
    return values, arrays
