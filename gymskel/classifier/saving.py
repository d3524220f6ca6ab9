"""The .gymskel file: a zip of model.keras and classifier.json, all that prediction needs. No pickle."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from numbers import Integral
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

import gymskel
from gymskel.archive import DAMAGED_ERRORS, open_zip
from gymskel.classifier.training_facts import TrainingFacts
from gymskel.files import replace_file
from gymskel.models import BUILDERS
from gymskel.preprocess import Preprocessor
from gymskel.training import Recipe, Run

FORMAT = 1
"""Version of classifier.json; a file of a newer one is not read."""

OWN_BUILDER = "own: "
"""Prefix of the name of a builder from outside gymskel: the file holds its network, not how it is built."""


def write_classifier(path: Path, params: Mapping[str, Any], fitted: Mapping[str, Any]) -> Path:
    """Write the parameters and fitted attributes of a SkeletonClassifier; TypeError if JSON cannot hold a parameter."""
    model, recipe, kept = params["model"], params["recipe"], fitted["out_of_fold_"]
    state, preprocessor = params["random_state"], fitted["preprocessor_"]
    content = {
        "format": FORMAT,
        "gymskel": gymskel.__version__,
        "keras": keras.__version__,
        "model": model if isinstance(model, str) else _builder_name(model),
        "model_params": dict(params["model_params"] or {}),
        "recipe": recipe if isinstance(recipe, str) else asdict(recipe),
        "random_state": state if isinstance(state, Integral) else None,
        "classes": fitted["classes_"].tolist(),
        "preprocessor": preprocessor.to_dict() if preprocessor else None,
        "run": vars(fitted["run_"]),
        "facts": fitted["training_facts_"].to_dict(),
        "out_of_fold": None
        if kept is None
        else kept.astype(object).where(kept.notna(), None).to_dict("list"),
        "doubt_below": fitted["doubt_below_"],
        "doubt_keeps": fitted["doubt_keeps_"],
    }
    text = json.dumps(content, indent=1, default=_plain_number)
    with tempfile.TemporaryDirectory() as folder, replace_file(path) as part:
        with _hidden_optimizer(fitted["model_"]) as trained:
            trained.save(Path(folder) / "model.keras")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("classifier.json", text)
            archive.write(Path(folder) / "model.keras", "model.keras")
    return path


@contextmanager
def _hidden_optimizer(model: keras.Model) -> Iterator[keras.Model]:
    """Yield the model as if it was not compiled: its optimizer is twice as large as the weights, and no prediction needs it."""
    if not model.compiled:
        yield model
        return
    optimizer = model.optimizer
    model.optimizer, model.compiled = None, False
    try:
        yield model
    finally:
        model.optimizer, model.compiled = optimizer, True


def read_classifier(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters and fitted attributes in a file of `write_classifier`; errors as `SkeletonClassifier.load`."""
    if not path.is_file():
        raise FileNotFoundError(f"No classifier {path}. Fix: `gymskel train` makes one.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a .gymskel file (a zip of model.keras and classifier.json).")
    try:
        with open_zip(path, hint="No classifier is.") as archive:
            return _read_members(path, archive)
    except DAMAGED_ERRORS as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _read_members(path: Path, archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return parameters and fitted attributes in an open file; `path` is for messages."""
    if not {"classifier.json", "model.keras"} <= set(archive.namelist()):
        raise ValueError(f"{path} is not a .gymskel file: it lacks classifier.json or model.keras.")
    content: Any = None
    try:
        content = json.loads(archive.read("classifier.json"))
        if content["format"] <= FORMAT:
            return _read_params(content), _read_fitted(content, _load_model(archive))
    except (ValueError, TypeError, KeyError, *DAMAGED_ERRORS) as error:
        version = content.get("gymskel", "?") if isinstance(content, dict) else "?"
        raise ValueError(
            f"{path} is damaged, or its model has layers of your own that are not imported: {error} "
            f"(written by gymskel {version}, this is {gymskel.__version__})"
        ) from error
    raise ValueError(
        f"{path} was written by gymskel {content.get('gymskel', '?')} (format {content['format']}), this is "
        f"{gymskel.__version__} (format {FORMAT}). Fix: update gymskel."
    )


def _load_model(archive: zipfile.ZipFile) -> keras.Model:
    """Return the model in an open .gymskel file, loaded in Keras' safe mode; model.keras is a zip of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(archive.extract("model.keras", folder))
        with open_zip(file, hint="No model is."):  # refuses bombs and names that lead out of the folder
            pass
        return keras.saving.load_model(file, safe_mode=True, compile=False)


def _read_params(content: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters in a parsed classifier.json."""
    recipe, steps = content["recipe"], content["preprocessor"]
    params = {name: content[name] for name in ("model", "model_params")}
    params |= {"recipe": recipe if isinstance(recipe, str) else Recipe(**recipe)}
    params |= {"preprocess": [(name, arguments) for name, arguments in steps["steps"]]} if steps else {}
    return {**params, "random_state": content.get("random_state")}


def _read_fitted(content: dict[str, Any], model: keras.Model) -> dict[str, Any]:
    """Return the fitted attributes in a parsed classifier.json, with the trained model."""
    facts, steps = TrainingFacts.from_dict(content["facts"]), content["preprocessor"]
    kept = content.get("out_of_fold")  # older files have none
    if kept is not None:
        kept = pd.DataFrame(kept).astype({name: float for name in kept if name.startswith("p(")})
    return {
        "model_": model,
        "classes_": np.array(content["classes"]),
        "preprocessor_": Preprocessor.from_dict(steps) if steps else None,
        "run_": Run(**content["run"]),
        "training_facts_": facts,
        "n_features_in_": facts.values_per_frame,
        "out_of_fold_": kept,
        "doubt_below_": content.get("doubt_below"),
        "doubt_keeps_": content.get("doubt_keeps"),
    }


def _builder_name(build: Any) -> str:
    """Return a name of BUILDERS; for a builder from outside gymskel its own name behind `OWN_BUILDER`."""
    name = getattr(build, "__name__", type(build).__name__)
    return name if BUILDERS.get(name) is build else f"{OWN_BUILDER}{name}"


def _plain_number(value: Any) -> Any:
    """Return a NumPy number, as a search over np.arange leaves it, as a Python number; TypeError for other values."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"A .gymskel file holds numbers, texts and lists of them; `model_params` or `recipe` hold {value!r:.80}."
    )
