"""The .gymskel file: a classifier's network and all that prediction needs, as a zip of model.keras and classifier.json."""

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
from gymskel.models import BUILDERS
from gymskel.preprocess import Preprocessor
from gymskel.training import Recipe, Run

_FORMAT = 1
OWN = "own: "
"""Before the name of a model whose builder is none of gymskel's: the file holds the network, not how it is built."""


def write_artefact(classifier: Any, path: Path) -> Path:
    """Writes a fitted SkeletonClassifier, whole or not at all."""
    model, recipe, kept = classifier.model, classifier.recipe, classifier.out_of_fold_
    facts = {
        "format": _FORMAT,
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
        "out_of_fold": None if kept is None else _plain(kept),
        "doubt_below": classifier.doubt_below_,
        "doubt_keeps": classifier.doubt_keeps_,
    }
    text = json.dumps(facts, indent=1, default=_as_json)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with tempfile.TemporaryDirectory() as folder:
        classifier.model_.save(Path(folder) / "model.keras")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("classifier.json", text)
            archive.write(Path(folder) / "model.keras", "model.keras")
    part.replace(path)
    return path


def read_artefact(kind: type, path: Path) -> Any:
    """A classifier of this class, as `write_artefact` wrote it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a .gymskel file, a damaged one, or one from a newer gymskel.
    """
    if not path.is_file():
        raise FileNotFoundError(f"No classifier {path}. `gymskel train` makes one.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a .gymskel file (a zip of model.keras and classifier.json).")
    try:
        with open_zip(path, hint="No classifier is.") as archive:
            return _read(kind, path, archive)
    except DAMAGED_ERRORS as fault:
        raise ValueError(f"{path} is damaged: {fault}") from fault


def _read(kind: type, path: Path, archive: zipfile.ZipFile) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        if not {"classifier.json", "model.keras"} <= set(archive.namelist()):
            raise ValueError(f"{path} is not a .gymskel file: it lacks classifier.json or model.keras.")
        facts = None
        try:
            facts = json.loads(archive.read("classifier.json"))
            if facts["format"] <= _FORMAT:
                weights = Path(archive.extract("model.keras", folder))
                with open_zip(weights, hint="No model is."):  # a zip in the zip
                    pass
                model = keras.saving.load_model(weights, safe_mode=True, compile=False)
                return _restored(kind, facts, model)
        except (ValueError, TypeError, KeyError, *DAMAGED_ERRORS) as fault:
            written = facts.get("gymskel") if isinstance(facts, dict) else None
            other = f" It was written by gymskel {written}, this is {gymskel.__version__}." * (
                written not in (None, gymskel.__version__)
            )
            raise ValueError(
                f"{path} is damaged, or its model has layers of your own that are not imported: {fault}{other}"
            ) from fault
    raise ValueError(
        f"{path} was written by gymskel {facts.get('gymskel', '?')} (format {facts['format']}), this is {gymskel.__version__} (format {_FORMAT}). Update gymskel."
    )


def _restored(kind: type, facts: dict[str, Any], model: keras.Model) -> Any:
    recipe = facts["recipe"] if isinstance(facts["recipe"], str) else Recipe(**facts["recipe"])
    settings = {"model": facts["model"], "model_params": facts["model_params"], "recipe": recipe}
    loaded = kind(**settings, random_state=facts.get("random_state"))
    loaded.model_, loaded.classes_ = model, np.array(facts["classes"])
    loaded.preprocessor_ = Preprocessor.from_dict(facts["preprocessor"]) if facts["preprocessor"] else None
    if loaded.preprocessor_:
        loaded.preprocess = [tuple(step) for step in loaded.preprocessor_.steps]
    loaded.run_ = Run(**facts["run"])
    loaded.training_facts_ = trained = TrainingFacts.from_dict(facts["facts"])
    loaded.n_features_in_ = len(trained.skeleton) * len(trained.channels)
    kept = facts.get("out_of_fold")  # files of before have none
    if kept is not None:
        kept = pd.DataFrame(kept).astype({name: float for name in kept if name.startswith("p(")})
    loaded.out_of_fold_ = kept
    loaded.doubt_below_, loaded.doubt_keeps_ = facts.get("doubt_below"), facts.get("doubt_keeps")
    return loaded


def _builder_name(build: Any) -> str:
    """A name of BUILDERS, or that of somebody's own builder."""
    name = getattr(build, "__name__", type(build).__name__)
    return name if BUILDERS.get(name) is build else f"{OWN}{name}"


def _as_json(value: Any) -> Any:
    """Numbers of numpy, as a search over np.arange leaves them, as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"A .gymskel file holds numbers, texts and lists of them; `model_params` or `recipe` hold {value!r:.80}."
    )


def _plain(table: pd.DataFrame) -> dict[str, list]:
    """Columns as JSON knows them: NaN is None."""
    return {str(name): [None if pd.isna(v) else v for v in table[name].tolist()] for name in table}
