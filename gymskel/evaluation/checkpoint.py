"""The trainings of an evaluation, kept in a folder, so that it can be resumed after an interruption.

::

    evaluation.json       the identity of the evaluation: data, model, preprocessing, recipe, seeds and splits
    trial-0000.json       the result of a finished training
    trial-0001.checkpoint a training in progress, saved after every epoch (see training.checkpoint)
    trial-0001.lock       locked by the process that trains it
    lock                  locked by the process that evaluates

Every file is replaced whole, so a process may be killed at any moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from gymskel.clips import Clips
from gymskel.files import acquire_lock, replace_file
from gymskel.messages import join_names
from gymskel.parallel import map_in_order
from gymskel.recording import Recording
from gymskel.training import Recipe

_FORMAT = 1  # version of the files

Item = TypeVar("Item")


class TrialResult(NamedTuple):
    """Predictions for the test rows of a trial, one row each.

    The table has the columns recording, athlete, truth, predicted, doubt, p(class) for each class trained on, and for
    recordings checksum. The seconds are those of training and prediction, in all runs of the trial.
    """

    table: pd.DataFrame
    note: str
    seconds: float


def run_resumable(
    function: Callable[[Item, Path | None], TrialResult],
    items: Sequence[Item],
    checkpoint: str | Path | None,
    identify: Callable[[], dict[str, Any]],
    *,
    workers: int = 1,
    unit: str | None = None,
) -> list[TrialResult]:
    """Return `function(item, file)` of each item in turn; what the folder `checkpoint` holds is not trained again.

    Args:
        function: trains and tests; it saves its training in `file`, or nowhere if that is None.
        items: one for each training.
        checkpoint: a folder, made if it is missing; None = keep nothing.
        identify: returns everything the results depend on, as plain values by name.
        workers: processes.
        unit: of the progress bar, "fold" or "run"; None = no bar.

    Raises:
        ValueError: a folder of another evaluation, with other files, or in use by another process; a damaged file in it.
    """
    folder = None if checkpoint is None else Path(checkpoint)
    with contextlib.nullcontext() if folder is None else _claim(folder, identify()):
        results = {} if folder is None else _read_results(folder, len(items))
        if results and unit is not None:
            tqdm.write(f"{folder}: {len(results)} of {len(items)} {unit}s were finished before.", sys.stderr)
        waiting = [(number, item) for number, item in enumerate(items) if number not in results]
        made = map_in_order(partial(_run_one, function, folder), waiting, workers)
        bar = tqdm(
            made, unit=unit or "", total=len(items), initial=len(results), disable=unit is None, leave=False
        )
        results |= zip((number for number, _ in waiting), bar, strict=True)
        if folder is not None:
            _remove_leftovers(folder)
    return [results[number] for number in range(len(items))]


def hash_data(data: Sequence[Recording] | Clips) -> str:
    """Return the SHA-256 of recordings or clips: of every array and attribute, in their order."""
    digest = hashlib.sha256()
    for item in [data] if isinstance(data, Clips) else data:
        for name in (field.name for field in fields(item)):
            value = getattr(item, name)
            if isinstance(value, np.ndarray):
                digest.update(np.ascontiguousarray(value).tobytes())
                value = value.shape, str(value.dtype)
            digest.update(f"{name}={value!r};".encode())
    return digest.hexdigest()


@contextlib.contextmanager
def _claim(folder: Path, identity: dict[str, Any]) -> Iterator[None]:
    """Lock the folder for the block; it belongs to the evaluation of this identity, or else ValueError is raised."""
    if folder.is_file():
        raise ValueError(f"`checkpoint` must be a folder, but {folder} is a file. Fix: give another name.")
    folder.mkdir(parents=True, exist_ok=True)
    identity_file = folder / "evaluation.json"
    others = sorted(p.name for p in folder.iterdir() if p.name != "lock" and p.name[0] != ".")
    if others and not identity_file.exists():
        raise ValueError(
            f"{folder} is no checkpoint of an evaluation: it holds {join_names(others)}. Fix: give a new folder, such as "
            f"{folder / 'checkpoint'}."
        )
    lock = acquire_lock(folder / "lock", wait=False)
    if lock is None:
        raise ValueError(
            f"{folder}: another process works on this evaluation now. Fix: wait until it ends, or give another folder."
        )
    try:
        _check_identity(identity_file, json.loads(json.dumps(identity)))
        yield
    finally:
        os.close(lock)


def _check_identity(file: Path, identity: dict[str, Any]) -> None:
    """Write the identity; or compare it with the file's and raise ValueError if they differ."""
    if not file.exists():
        _write_json(file, {"identity": identity})
        return
    with _damage(file, f"delete the folder {file.parent} to start again"):
        saved = _read_json(file)["identity"]
        # of an older gymskel: with its values of today
        saved["recipe"] = json.loads(json.dumps(asdict(Recipe(**saved["recipe"]))))
    if changed := [name for name, value in identity.items() if saved.get(name) != value]:
        raise ValueError(
            f"{file.parent} belongs to another evaluation: not the same {', '.join(changed)}. Fix: delete this folder to "
            "start again, or give another one."
        )


def _run_one(
    function: Callable[[Item, Path | None], TrialResult], folder: Path | None, numbered: tuple[int, Item]
) -> TrialResult:
    """Return the result of one training, and write it into the folder first."""
    number, item = numbered
    if folder is None:
        return function(item, None)
    file, lock = _result_file(folder, number), None
    while lock is None:  # on Windows a wait ends after seconds
        lock = acquire_lock(file.with_suffix(".lock"), wait=True)
    try:
        # a worker outlives an evaluation that is killed, until its training ends
        if not file.exists():
            for part in folder.glob(f".{file.stem}.*"):  # of a write that was killed
                part.unlink()
            training = file.with_suffix(".checkpoint")
            table, note, seconds = function(item, training)
            columns = {name: column.tolist() for name, column in table.items()}
            _write_json(file, {"table": columns, "note": note, "seconds": seconds})
            training.unlink(missing_ok=True)
    finally:
        os.close(lock)
    return _read_result(file)  # so that a table is the same, interrupted or not


def _result_file(folder: Path, number: int) -> Path:
    return folder / f"trial-{number:04}.json"


def _read_results(folder: Path, count: int) -> dict[int, TrialResult]:
    """Return number -> result of the finished trainings."""
    files = {number: _result_file(folder, number) for number in range(count)}
    return {number: _read_result(file) for number, file in files.items() if file.exists()}


def _read_result(file: Path) -> TrialResult:
    with _damage(file, "delete it; this training is repeated then"):
        saved = _read_json(file)
        return TrialResult(pd.DataFrame(saved["table"]), saved["note"], saved["seconds"])


def _remove_leftovers(folder: Path) -> None:
    """Remove checkpoints and locks of the trainings, which are all finished."""
    for file in folder.glob("trial-*"):
        if file.suffix != ".json":
            with contextlib.suppress(PermissionError):  # Windows: a worker of a killed evaluation has it open
                file.unlink(missing_ok=True)


def _write_json(file: Path, values: dict[str, Any]) -> None:
    with replace_file(file) as part:
        part.write_text(json.dumps({"format": _FORMAT, **values}), encoding="utf-8")


def _read_json(file: Path) -> dict[str, Any]:
    values = json.loads(file.read_text(encoding="utf-8"))
    if values["format"] > _FORMAT:
        raise ValueError(f"{file} was written by a newer gymskel. Fix: update gymskel.")
    return values


@contextlib.contextmanager
def _damage(file: Path, fix: str) -> Iterator[None]:
    """Turn the errors of reading a damaged file into one that names it, and the fix."""
    try:
        yield
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is damaged: {error!r}. Fix: {fix}.") from error
