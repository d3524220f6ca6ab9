"""A training kept in one file after every epoch, so that one that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
import random
import time
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from gymskel.clips import Clips
from gymskel.training.streaming import Streamed

_FORMAT = 1


class Resumable(Protocol):
    """Batches that can be drawn again from any of their epochs on.

    Attributes:
        number: the epoch that is drawn; keras goes on to the next more often than it trains, once before the first.
    """

    number: int

    def state_before(self, number: int) -> Any:
        """Plain values from which this epoch can be drawn again; the one that is drawn, or the next."""

    def go_to(self, number: int, state: Any) -> None:
        """Draws this epoch."""


class Checkpoint(keras.callbacks.Callback):
    """Keeps weights, optimizer, chance, history and the best weights after every epoch of keras.

    keras' BackupAndRestore keeps weights and optimizer; the order of batches, the copies, patience and the best
    weights would begin anew. Comes after EarlyStopping in the list of callbacks, as it takes up its state too.

    Args:
        path: the file; replaced whole, so a kill while it is written leaves the one before.
        asked: what identifies the training, see `identity`; a file of another training is refused.
        batches: the training part.
        stop: the EarlyStopping of the training, if there is one.

    Attributes:
        epochs: epochs that are finished.
        history: name of a measure -> its value after each of them.
        seconds: wall time of the runs before this one.
        stopped: training ended before its last epoch.

    Raises:
        ValueError: the file is damaged, from a newer gymskel, or of another training.
    """

    def __init__(
        self,
        path: str | Path,
        asked: dict[str, Any],
        batches: Resumable,
        stop: keras.callbacks.EarlyStopping | None,
    ) -> None:
        super().__init__()
        self.path, self._batches, self._stop = Path(path), batches, stop
        self._asked = json.loads(json.dumps(asked))
        self._arrays: dict[str, list[np.ndarray]] = {}
        self._next: list[Any] | None = None
        self.epochs, self.history, self.seconds, self.stopped = 0, {}, 0.0, False
        if not self.path.exists():
            return
        facts, self._arrays = _read(self.path)
        if others := [name for name, value in self._asked.items() if facts["asked"].get(name) != value]:
            raise ValueError(
                f"{self.path} belongs to another training: not the same {', '.join(others)}. Delete it to begin anew, or "
                "keep this training in another file."
            )
        self.epochs, self.history = facts["epochs"], facts["history"]
        self.seconds, self.stopped = facts["seconds"], facts["stopped"]
        self._patience, self._next = facts["patience"], facts["batches"]

    def on_train_begin(self, logs: Any = None) -> None:
        """Takes the model up where the file left it."""
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
        """Takes the batches up, before keras asks for the first."""
        if self._next is not None:
            number, state, (version, words, gauss) = self._next
            self._batches.go_to(number, state)
            random.setstate(
                (version, tuple(words), gauss)
            )  # keras takes the batches of an epoch in an order of its own
            self._next = None
        self._running = self._batches.number

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Replaces the file."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.epochs, self.stopped = epoch + 1, bool(self.model.stop_training)
        stop, arrays = self._stop, {"best": []}
        for name, variables in self._variables().items():
            arrays[name] = [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in variables]
        if stop is not None and stop.best_weights is not None:
            arrays["best"] = stop.best_weights
        facts = {
            "format": _FORMAT,
            "asked": self._asked,
            "epochs": self.epochs,
            "stopped": self.stopped,
            "history": self.history,
            "seconds": self.seconds + time.perf_counter() - self._start,
            "patience": None if stop is None else (stop.wait, _plain(stop.best), stop.best_epoch),
            "batches": (
                self._running + 1,
                self._batches.state_before(self._running + 1),
                random.getstate(),
            ),
        }
        _write(self.path, facts, arrays)

    def _variables(self) -> dict[str, list[Any]]:
        """Those of the model, with the seeds of its dropout, and those of its optimizer."""
        optimizer = self.model.optimizer
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        return {"model": self.model.variables, "optimizer": optimizer.variables}


def identity(model: keras.Model, clips: Clips | Streamed, recipe: Any, seed: int) -> dict[str, Any]:
    """What makes a training this one: its data, model, recipe (a dataclass) and seed, as plain values."""
    return {"data": _data(clips), "model": _architecture(model), "recipe": asdict(recipe), "seed": seed}


def seed_of(path: str | Path) -> int:
    """The seed of the training that the file keeps; a new one where there is no file."""
    if Path(path).exists():
        return _read(Path(path))[0]["asked"]["seed"]
    return int(np.random.default_rng().integers(2**31))


def _data(clips: Clips | Streamed) -> str:
    told = [list(clips.classes), clips.groups.tolist()]
    if isinstance(clips, Streamed):
        told += [
            clips.frames,
            clips.preprocessor.to_dict(),
            clips.stored.sources,
            clips.stored.lengths.tolist(),
        ]
    else:
        told += [list(clips.channels), list(clips.skeleton.joints), clips.fps]
    digest = hashlib.sha256(json.dumps(told).encode())
    for array in (clips.y,) if isinstance(clips, Streamed) else (clips.y, clips.x, clips.mask, clips.seen):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _architecture(model: keras.Model) -> str:
    """Kinds, arguments and shapes of the layers; not their names, which keras numbers through the process."""
    layers = [(type(layer).__name__, _unnamed(layer.get_config())) for layer in model.layers]
    told = [layers, [list(weight.shape) for weight in model.weights]]
    return hashlib.sha256(json.dumps(told, default=str, sort_keys=True).encode()).hexdigest()


def _unnamed(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _unnamed(value) for key, value in config.items() if key != "name"}
    return [_unnamed(value) for value in config] if isinstance(config, list | tuple) else config


def _plain(best: Any) -> float | None:
    return None if best is None else float(best)


def _write(path: Path, facts: dict[str, Any], arrays: dict[str, list[np.ndarray]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    named = {f"{name}/{k}": array for name, own in arrays.items() for k, array in enumerate(own)}
    with part.open("wb") as file:
        np.savez(file, facts=np.array(json.dumps(facts)), **named)
    part.replace(path)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    """(facts, name -> its arrays in order)."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            facts = json.loads(str(saved["facts"]))
            arrays: dict[str, list[np.ndarray]] = {"model": [], "optimizer": [], "best": []}
            if facts["format"] <= _FORMAT:
                for key in saved.files[1:]:
                    arrays[key.split("/")[0]].append(saved[key])
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as fault:
        raise ValueError(
            f"{path} is no checkpoint of a training, or damaged: {fault}. Delete it to begin anew."
        ) from fault
    if facts["format"] > _FORMAT:
        raise ValueError(f"{path} was written by a newer gymskel. Update gymskel.")
    return facts, arrays
