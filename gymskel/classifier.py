"""SkeletonClassifier: preprocessing, model and class names as one scikit-learn estimator and one saved file."""

from __future__ import annotations

import json
import tempfile
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

import gymskel
from gymskel.clips import Clips, concatenate
from gymskel.inference import run_network
from gymskel.models import BUILDERS
from gymskel.preprocess import Preprocessor, faults_of, is_recognizable
from gymskel.preprocess.preprocessor import SAME_RATE
from gymskel.recording import Recording, UnseenError
from gymskel.training import Recipe, Run, fit

_FORMAT = 1
_STEP = 32  # clips are padded to multiples of this, so that few lengths have to be compiled


class SkeletonClassifier(ClassifierMixin, BaseEstimator):
    """Names the move in a recording.

    Args:
        model: a name of gymskel.models.BUILDERS, or a builder of your own with the same arguments.
        model_params: arguments for the builder, e.g. {"units": 32}.
        preprocess: a preset's name, a list of steps, or a Preprocessor; not used when fitted on Clips.
        recipe: a name of gymskel.training.RECIPES, or a Recipe.
        random_state: a number makes training repeatable.

    Attributes:
        classes_: (classes,) names, sorted.
        model_: the trained keras.Model.
        preprocessor_: the fitted Preprocessor, None when fitted on Clips.
        run_: what happened in training (a `training.Run`).
        facts_: what the classifier was trained on: skeleton and fps of recordings and clips, their median seconds, frames, estimators, number of clips, athletes.
    """

    def __init__(
        self,
        model: Any = "conv_gru",
        model_params: Mapping[str, Any] | None = None,
        preprocess: Any = "default",
        recipe: str | Recipe = "default",
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.model_params = model_params
        self.preprocess = preprocess
        self.recipe = recipe
        self.random_state = random_state

    def fit(
        self,
        X: Sequence[Recording] | Clips,
        y: Sequence[str] | None = None,
        *,
        progress: bool = False,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        checkpoint: str | Path | None = None,
    ) -> SkeletonClassifier:
        """Trains on recordings or clips.

        Args:
            X: a list of Recordings, or Clips. Recordings too poor to recognise (`is_recognizable`) are left
                out, with a warning that names them.
            y: class names; by default each recording's activity, or the clips' own labels.
            progress: show a bar over the epochs.
            callbacks: passed on to keras, see `training.fit`.
            checkpoint: a file that keeps the training after every epoch, so that the same call goes on where it was
                interrupted, see `training.fit`.

        Raises:
            ValueError: no label for some recordings, fewer than two classes, several people of one video, a checkpoint of
                another training.
        """
        clips = self._training_clips(X, y)
        if len(np.unique(clips.y)) < 2:
            raise ValueError(
                f"Training needs at least two classes, got {', '.join(clips.classes) or 'none'}."
            )
        seed = (
            None
            if self.random_state is None
            else int(check_random_state(self.random_state).randint(2**31 - 1))
        )
        if seed is not None:
            keras.utils.set_random_seed(seed)
        self.model_ = self._build(clips)
        self.run_ = fit(
            self.model_,
            clips if self._fixed_frames is None else self._fitting(clips),
            self.recipe,
            seed=seed,
            progress=progress,
            callbacks=callbacks,
            checkpoint=checkpoint,
        )
        self.classes_ = np.array(clips.classes)
        return self

    def predict_proba(self, X: Sequence[Recording] | Clips) -> np.ndarray:
        """(recordings, classes) probabilities in the order of `classes_`.

        Every recording gets an answer; one in which the needed joints are never seen gets equal probabilities
        (`predict_table` says so).
        """
        return self._answers(X)[0]

    def predict(self, X: Sequence[Recording] | Clips) -> np.ndarray:
        """(recordings,) the most probable class of each."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_table(self, X: Sequence[Recording] | Clips) -> pd.DataFrame:
        """One row a recording: what it shows, how sure that is, and why not to trust it.

        Returns:
            Columns `recording`, `move` (empty where there is no answer), `probability`, `doubt` (empty where there
            is none) and `p(class)` for each class.
        """
        check_is_fitted(self, "model_")
        X = _as_given(X)
        probabilities, doubts = self._answers(X)
        names = list(X.sources) if isinstance(X, Clips) else _told_apart(X)
        table = pd.DataFrame({"recording": names, "move": self.classes_[probabilities.argmax(axis=1)]})
        table["probability"] = probabilities.max(axis=1, initial=0)
        table["doubt"] = doubts
        table.loc[[doubt.startswith("no answer") for doubt in doubts], "move"] = ""
        for k, name in enumerate(self.classes_):
            table[f"p({name})"] = probabilities[:, k]
        return table

    def score(self, X: Sequence[Recording] | Clips, y: Sequence[str] | None = None) -> float:
        """Share of right answers; without `y` against each recording's activity or the clips' labels."""
        check_is_fitted(self, "model_")
        X = _as_given(X)
        if y is None and isinstance(X, Clips):
            if X.y is None:
                raise ValueError("The clips have no labels: give `y`.")
            y = [X.classes[k] for k in X.y]
        elif y is None:
            y = [r.activity for r in _labelled(X, None)]
        return float(np.mean(self.predict(X) == np.asarray(y, str)))

    def clips(self, X: Sequence[Recording] | Clips) -> Clips:
        """The clips that the model sees of these recordings: for activations and pictures."""
        check_is_fitted(self, "model_")
        X = _as_given(X)
        if isinstance(X, Clips):
            self._check_clips(X)
            return self._fitting(X)
        if self.preprocessor_ is None:
            raise ValueError("This classifier was fitted on Clips and knows no preprocessing: give it Clips.")
        wanted = self.facts_["skeleton_in"]
        for r in X:
            if r.skeleton.joints != tuple(wanted["joints"]):
                raise ValueError(
                    f"{r.name} has the layout {r.skeleton.name} ({len(r.skeleton)} joints), the classifier was trained on "
                    f"{wanted['name']} ({len(wanted['joints'])}). Convert it with Skeleton.convert."
                )
        clips = self.preprocessor_.transform(X, frames=self._fixed_frames, classes=tuple(self.classes_))
        return self._fitting(clips)

    # --- one artefact ------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Writes one .gymskel file: a zip of the Keras model and JSON, without pickle.

        The file holds all that prediction needs and what it was trained on. Written whole or not at all.
        """
        check_is_fitted(self, "model_")
        path = Path(path)
        facts = {
            "format": _FORMAT,
            "gymskel": gymskel.__version__,
            "keras": keras.__version__,
            "model": self.model if isinstance(self.model, str) else getattr(self.model, "__name__", "own"),
            "model_params": dict(self.model_params or {}),
            "recipe": self.recipe if isinstance(self.recipe, str) else asdict(self.recipe),
            "classes": [str(name) for name in self.classes_],
            "preprocessor": self.preprocessor_.to_dict() if self.preprocessor_ else None,
            "run": vars(self.run_),
            "facts": self.facts_,
        }
        text = json.dumps(facts, indent=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        with tempfile.TemporaryDirectory() as folder:
            self.model_.save(Path(folder) / "model.keras")
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("classifier.json", text)
                archive.write(Path(folder) / "model.keras", "model.keras")
        part.replace(path)
        return path

    @classmethod
    def load(cls, path: str | Path) -> SkeletonClassifier:
        """What `save` wrote, ready to predict. The model is loaded in Keras' safe mode.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not a .gymskel file, or one from a newer gymskel.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"No classifier {path}. `gymskel train` makes one.")
        if not zipfile.is_zipfile(path):
            raise ValueError(f"{path} is not a .gymskel file (a zip of model.keras and classifier.json).")
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            if not {"classifier.json", "model.keras"} <= set(archive.namelist()):
                raise ValueError(f"{path} is not a .gymskel file: it lacks classifier.json or model.keras.")
            try:
                facts = json.loads(archive.read("classifier.json"))
                if facts["format"] <= _FORMAT:
                    archive.extract("model.keras", folder)
                    model = keras.saving.load_model(
                        Path(folder) / "model.keras", safe_mode=True, compile=False
                    )
                    return cls._restored(facts, model)
            except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile, zlib.error) as fault:
                raise ValueError(
                    f"{path} is damaged, or its model has layers of your own that are not imported: {fault}"
                ) from fault
        raise ValueError(
            f"{path} was written by gymskel {facts.get('gymskel', '?')} (format {facts['format']}), this is {gymskel.__version__} (format {_FORMAT}). Update gymskel."
        )

    @classmethod
    def _restored(cls, facts: dict[str, Any], model: keras.Model) -> SkeletonClassifier:
        recipe = facts["recipe"] if isinstance(facts["recipe"], str) else Recipe(**facts["recipe"])
        loaded = cls(model=facts["model"], model_params=facts["model_params"], recipe=recipe)
        loaded.model_, loaded.classes_ = model, np.array(facts["classes"])
        loaded.preprocessor_ = (
            Preprocessor.from_dict(facts["preprocessor"]) if facts["preprocessor"] else None
        )
        if loaded.preprocessor_:
            loaded.preprocess = [tuple(step) for step in loaded.preprocessor_.steps]
        loaded.run_, loaded.facts_ = Run(**facts["run"]), facts["facts"]
        return loaded

    # --- inside ------------------------------------------------------------------------------------------------

    def _training_clips(self, X: Any, y: Sequence[str] | None) -> Clips:
        """Labelled clips; sets preprocessor_ and facts_."""
        X = _as_given(X)
        if isinstance(X, Clips):
            self.preprocessor_ = None
            if y is not None:
                classes = tuple(sorted({str(name) for name in y}))
                X = replace(X, y=np.array([classes.index(str(name)) for name in y]), classes=classes)
            if X.y is None:
                raise ValueError("The clips have no labels: give `y`.")
            estimators, rates, seconds, skeleton_in, clips = [], [], [], X.skeleton, X
        else:
            recordings = _labelled(X, y)
            if not recordings:
                raise ValueError("`X` is empty: nothing to train on.")
            self.preprocessor_ = _own(self.preprocess)
            recordings = _recognizable(recordings)
            clips = self.preprocessor_.fit_transform(recordings)
            estimators = sorted({r.estimator for r in recordings if r.estimator})
            rates = sorted({r.fps for r in recordings if r.fps})
            seconds = [r.seconds for r in recordings if r.seconds]
            skeleton_in = recordings[0].skeleton
        self.facts_ = {
            "skeleton_in": skeleton_in.to_dict(),
            "skeleton": clips.skeleton.to_dict(),
            "channels": list(clips.channels),
            "fps": clips.fps,
            "fps_in": rates,
            "seconds": float(np.median(seconds)) if seconds else None,
            "frames": int(clips.x.shape[1]),
            "clips": len(clips),
            "athletes": sorted({a for a in clips.athletes if a}),
            "estimators": estimators,
        }
        return clips

    def _build(self, clips: Clips) -> keras.Model:
        params = dict(self.model_params or {})
        if isinstance(self.model, str) and self.model not in BUILDERS:
            raise ValueError(
                f"`model` must be one of {', '.join(BUILDERS)} or a builder, got {self.model!r}."
            )
        build = BUILDERS[self.model] if isinstance(self.model, str) else self.model
        if params.get("head") == "flatten":
            params.setdefault("frames", clips.x.shape[1])
        return build(len(clips.classes), skeleton=clips.skeleton, channels=len(clips.channels), **params)

    @property
    def _fixed_frames(self) -> int | None:
        """The one length a model with the published head takes, else None."""
        return self.model_.get_layer("keypoints").batch_shape[1]

    def _fitting(self, clips: Clips) -> Clips:
        """The clips at a length that the model takes."""
        fixed, frames = self._fixed_frames, clips.x.shape[1]
        if fixed and frames > fixed:
            raise ValueError(
                f"The clips have {frames} frames, the model is tied to {fixed} (head='flatten'). Give more `frames` in "
                "model_params, or use a head that takes any length."
            )
        return clips.padded_to(fixed or -(-frames // _STEP) * _STEP)

    def _check_clips(self, clips: Clips) -> None:
        facts = self.facts_
        if (
            list(clips.skeleton.joints) != facts["skeleton"]["joints"]
            or list(clips.channels) != facts["channels"]
        ):
            raise ValueError(
                f"The clips have {clips.skeleton.name} with channels {clips.channels}, the classifier was trained on "
                f"{facts['skeleton']['name']} with {tuple(facts['channels'])}."
            )
        if clips.fps and facts["fps"] and abs(clips.fps / facts["fps"] - 1) > SAME_RATE:
            raise ValueError(
                f"The clips have {clips.fps:g} fps, the classifier was trained on {facts['fps']:g}."
            )

    def _answers(self, X: Any) -> tuple[np.ndarray, list[str]]:
        """Probabilities and doubts, one for each recording."""
        check_is_fitted(self, "model_")
        recordings = _as_given(X)
        if isinstance(recordings, Clips):
            clips = self.clips(recordings)
            return self._run_model(clips), [""] * len(clips)
        doubts = [self._doubt(recording) for recording in recordings]
        probabilities = np.full((len(recordings), len(self.classes_)), 1 / len(self.classes_), np.float32)
        try:
            if recordings:
                probabilities[:] = self._run_model(self.clips(recordings))
        except UnseenError:
            for i, recording in enumerate(recordings):
                try:
                    probabilities[i] = self._run_model(self.clips([recording]))[0]
                except UnseenError as fault:
                    doubts[i] = (
                        f"no answer: {str(fault).splitlines()[-1].removeprefix(recording.name + ': ')}"
                    )
        return probabilities, doubts

    def _doubt(self, recording: Recording) -> str:
        """Why an answer for this recording should not be trusted; empty if nothing speaks against it."""
        known = self.facts_["estimators"]
        if faults := faults_of(recording):
            return f"few joints were seen: {' '.join(faults)}"
        if known and recording.estimator and recording.estimator not in known:
            return f"found with {recording.estimator}, trained on {', '.join(known)}"
        return ""

    def _run_model(self, clips: Clips) -> np.ndarray:
        return run_network(self.model_, clips)


def _as_given(X: Any) -> list[Recording] | Clips:
    """Recordings as a list; Clips as they are, put together again where scikit-learn took them apart."""
    if isinstance(X, Clips):
        return X
    items = [X] if isinstance(X, Recording) else list(X)
    if items and all(isinstance(item, Clips) for item in items):
        return concatenate(items)
    if wrong := [item for item in items if not isinstance(item, Recording)]:
        raise TypeError(
            f"`X` must be Recordings or Clips, got {type(wrong[0]).__name__}. Read files with gymskel.read_recordings."
        )
    return items


def _told_apart(recordings: list[Recording]) -> list[str]:
    """The source of each, with the person where several come from one source."""
    counts = Counter(r.source for r in recordings)
    return [f"{r.source} person {r.person}" if counts[r.source] > 1 else r.source for r in recordings]


def _own(preprocess: Any) -> Preprocessor:
    """A Preprocessor that belongs to this classifier alone."""
    made = preprocess if isinstance(preprocess, Preprocessor) else Preprocessor(preprocess)
    return Preprocessor(made.steps)


def _labelled(recordings: list[Recording], y: Sequence[str] | None) -> list[Recording]:
    if y is not None:
        if len(y) != len(recordings):
            raise ValueError(
                f"`y` must have one name for each of {len(recordings)} recordings, got {len(y)}."
            )
        recordings = [
            replace(r, activity=None if pd.isna(name) else str(name))
            for r, name in zip(recordings, y, strict=True)
        ]
    if unknown := [r.name for r in recordings if r.activity is None]:
        raise ValueError(
            f"No activity is known for {', '.join(unknown[:8])}{' ...' if len(unknown) > 8 else ''}. Name files activity-number-athlete (no dash in the athlete), "
            "put them into one folder per activity, or give a labels CSV (file, activity, athlete)."
        )
    counts = Counter((r.source, r.activity) for r in recordings)
    people = {r.source for r in recordings if counts[r.source, r.activity] > 1 and r.person}
    if people:
        raise ValueError(
            f"Several people in {', '.join(sorted(people)[:8])}: say which with person= when reading, so that no bystander is trained on."
        )
    return recordings


def _recognizable(recordings: list[Recording]) -> list[Recording]:
    good = [r for r in recordings if is_recognizable(r)]
    if not good:
        raise ValueError(
            "In none of the recordings is enough of the body seen to train on (see preprocess.is_recognizable)."
        )
    if len(good) < len(recordings):
        poor = [f"{r.name} ({' '.join(faults_of(r))})" for r in recordings if not is_recognizable(r)]
        warnings.warn(f"Left out of training, too little is seen: {', '.join(poor)}", stacklevel=4)
    return good
