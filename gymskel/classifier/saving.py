"""The .gymskel file: a zip of model.keras and classifier.json, all that prediction needs. No pickle."""

from __future__ import annotations

import json
import tempfile
import zipfile
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


def write_classifier(classifier: Any, path: Path) -> Path:
    """Write a fitted SkeletonClassifier; TypeError if `model_params` or `recipe` hold what JSON cannot."""
    model, recipe, kept = classifier.model, classifier.recipe, classifier.out_of_fold_
    content = {
        "format": FORMAT,
        "gymskel": gymskel.__version__,
        "keras": keras.__version__,
        "model": model if isinstance(model, str) else _builder_name(model),
        "model_params": dict(classifier.model_params or {}),
        "recipe": recipe if isinstance(recipe, str) else asdict(recipe),
        "random_state": classifier.random_state if isinstance(classifier.random_state, Integral) else None,
        "classes": classifier.classes_.tolist(),
        "preprocessor": classifier.preprocessor_.to_dict() if classifier.preprocessor_ else None,
        "run": vars(classifier.run_),
        "facts": classifier.training_facts_.to_dict(),
        "out_of_fold": None
        if kept is None
        else kept.astype(object).where(kept.notna(), None).to_dict("list"),
        "doubt_below": classifier.doubt_below_,
        "doubt_keeps": classifier.doubt_keeps_,
    }
    text = json.dumps(content, indent=1, default=_plain_number)
    with tempfile.TemporaryDirectory() as folder, replace_file(path) as part:
        classifier.model_.save(Path(folder) / "model.keras")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("classifier.json", text)
            archive.write(Path(folder) / "model.keras", "model.keras")
    return path


def read_classifier(cls: type, path: Path) -> Any:
    """Return a classifier of the class `cls` from a file of `write_classifier`; errors as `SkeletonClassifier.load`."""
    if not path.is_file():
        raise FileNotFoundError(f"No classifier {path}. Fix: `gymskel train` makes one.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a .gymskel file (a zip of model.keras and classifier.json).")
    try:
        with open_zip(path, hint="No classifier is.") as archive:
            return _read_members(cls, path, archive)
    except DAMAGED_ERRORS as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _read_members(cls: type, path: Path, archive: zipfile.ZipFile) -> Any:
    """Return the classifier in an open file; `path` is for messages."""
    if not {"classifier.json", "model.keras"} <= set(archive.namelist()):
        raise ValueError(f"{path} is not a .gymskel file: it lacks classifier.json or model.keras.")
    content: Any = None
    try:
        content = json.loads(archive.read("classifier.json"))
        if content["format"] <= FORMAT:
            return _restore(cls, content, _load_model(archive))
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


def _restore(cls: type, content: dict[str, Any], model: keras.Model) -> Any:
    """Return the classifier of a parsed classifier.json, with the trained model."""
    recipe = content["recipe"] if isinstance(content["recipe"], str) else Recipe(**content["recipe"])
    settings = {name: content[name] for name in ("model", "model_params")}
    loaded = cls(**settings, recipe=recipe, random_state=content.get("random_state"))
    loaded.model_, loaded.classes_ = model, np.array(content["classes"])
    steps = content["preprocessor"]
    loaded.preprocessor_ = Preprocessor.from_dict(steps) if steps else None
    if loaded.preprocessor_:
        loaded.preprocess = [tuple(step) for step in loaded.preprocessor_.steps]
    loaded.run_, loaded.training_facts_ = Run(**content["run"]), TrainingFacts.from_dict(content["facts"])
    loaded.n_features_in_ = loaded.training_facts_.values_per_frame
    kept = content.get("out_of_fold")  # older files have none
    if kept is not None:
        kept = pd.DataFrame(kept).astype({name: float for name in kept if name.startswith("p(")})
    loaded.out_of_fold_ = kept
    loaded.doubt_below_, loaded.doubt_keeps_ = content.get("doubt_below"), content.get("doubt_keeps")
    return loaded


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
