"""SkeletonClassifier: preprocessing, model and class names as one scikit-learn estimator and one saved file."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d

from gymskel.classifier.inference import check_network, run_network
from gymskel.classifier.inputs import (
    as_given,
    check_like,
    clips_of_array,
    clips_to_train_on,
    labelled,
    told_apart,
)
from gymskel.classifier.reliability import doubt_below, doubt_of
from gymskel.classifier.saving import OWN, read_artefact, write_artefact
from gymskel.clips import Clips
from gymskel.models import BUILDERS
from gymskel.recording import Recording, UnseenError
from gymskel.training import Recipe, fit, get_recipe


class SkeletonClassifier(ClassifierMixin, BaseEstimator):
    """Names the move in a recording.

    It is fitted on Recordings, on Clips, or on plain arrays as scikit-learn's other estimators are: (clips, frames,
    joints, channels), (clips, frames, values), or (clips, values), where a clip is a single frame. What it predicts
    has to be of the same kind.

    Args:
        model: a name of gymskel.models.BUILDERS, or a builder of your own with the same arguments.
        model_params: arguments for the builder, e.g. {"units": 32}.
        preprocess: a preset's name, a list of steps, or a Preprocessor; not used when fitted on Clips.
        recipe: a name of gymskel.training.RECIPES, or a Recipe.
        random_state: a number makes training repeatable.

    Attributes:
        classes_: (classes,) names, or labels of whatever type `y` had; sorted.
        model_: the trained keras.Model; compile it before you train or `evaluate` it further.
        preprocessor_: the fitted Preprocessor, None when fitted on Clips.
        run_: what happened in training (a `training.Run`).
        training_facts_: the data it was trained on (`TrainingFacts`).
        n_features_in_: numbers in a frame.
        out_of_fold_: the answers given while each recording was left out, None where nobody kept them
            (`keep_out_of_fold`).
        doubt_below_: answers less probable than this are doubted in `predict_table`; None = none are.
        doubt_keeps_: share of the right answers that are not.
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
        X: Any,
        y: Sequence[Any] | None = None,
        *,
        progress: bool = False,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        checkpoint: str | Path | None = None,
    ) -> SkeletonClassifier:
        """Trains on recordings, clips or arrays.

        Args:
            X: a list of Recordings, Clips, or an array of finite numbers. Recordings too poor to recognise
                (`is_recognizable`) are left out, with a warning that names them. Arrays whose values are not x and
                y are not augmented.
            y: labels of any type that sorts; by default each recording's activity, or the clips' own labels.
            progress: show a bar over the epochs.
            callbacks: passed on to keras, see `training.fit`.
            checkpoint: a file that keeps the training after every epoch, so that the same call goes on where it was
                interrupted, see `training.fit`.

        Raises:
            ValueError: no label for some recordings, fewer than two classes, several people of one video, a recording of
                one frame, NaN or infinity in an array, a builder whose model gives no probabilities, a checkpoint of another training.

        Refused or interrupted, the classifier stays what it was before: fitted as it was, or not at all.
        """
        fresh = type(self)(**self.get_params(deep=False))
        fresh._train(X, y, progress, tuple(callbacks), checkpoint)
        for name in _fitted(self):
            delattr(self, name)
        vars(self).update(_fitted(fresh))
        return self

    def set_params(self, **params: Any) -> SkeletonClassifier:
        """As every scikit-learn estimator's; a search also reaches what is in `model_params` and in the recipe.

        >>> SkeletonClassifier().set_params(model_params__units=8, recipe__epochs=5).model_params
        {'units': 8}
        """
        inner: dict[str, dict[str, Any]] = {"model_params": {}, "recipe": {}}
        for name in [name for name in params if name.partition("__")[0] in inner and "__" in name]:
            whose, _, field = name.partition("__")
            inner[whose][field] = params.pop(name)
        super().set_params(**params)
        if inner["model_params"]:
            self.model_params = {**(self.model_params or {}), **inner["model_params"]}
        if inner["recipe"]:
            self.recipe = replace(get_recipe(self.recipe), **inner["recipe"])
        return self

    def _train(
        self,
        X: Any,
        y: Sequence[Any] | None,
        progress: bool,
        callbacks: tuple[keras.callbacks.Callback, ...],
        checkpoint: str | Path | None,
    ) -> None:
        """What `fit` does, in a classifier that nobody has seen yet."""
        recipe, note = get_recipe(self.recipe), ""
        clips, classes = clips_to_train_on(self, X, y)
        if len(np.unique(clips.y)) < 2:
            told = ", ".join(clips.classes[k] for k in np.unique(clips.y)) or "none"
            raise ValueError(f"Training needs at least two classes, got {told} (1 class).")
        seed = (
            None
            if self.random_state is None
            else int(check_random_state(self.random_state).randint(2**31 - 1))
        )
        if seed is not None:
            keras.utils.set_random_seed(seed)
        self.model_ = self._build(clips)
        if recipe.augment and clips.channels[:2] != ("x", "y"):
            recipe, note = replace(recipe, augment=None), "; not augmented, the values are not x and y"
        run = fit(
            self.model_,
            self._fitting(clips),
            recipe,
            seed=seed,
            progress=progress,
            callbacks=callbacks,
            checkpoint=checkpoint,
            kind=None if callbacks else self._kind(clips),
        )
        self.run_ = replace(run, note=run.note + note)
        self.classes_ = classes
        self.out_of_fold_ = self.doubt_below_ = self.doubt_keeps_ = None

    def keep_out_of_fold(self, predictions: Any, *, keep: float = 0.95) -> SkeletonClassifier:
        """Keeps the answers given while each recording was left out, and learns from them which answers to doubt.

        Args:
            predictions: an `Evaluation` of the same settings on the same recordings, or its table: recording, truth,
                predicted and p(class) for each class.
            keep: share of the right answers that `predict_table` is not to doubt: an answer less probable than all of
                these may show a move that was never trained on.

        Returns:
            Itself.

        Raises:
            ValueError: columns are lacking, or other classes.
        """
        check_is_fitted(self, "model_")
        predictions = getattr(predictions, "predictions", predictions)
        if lacking := [name for name in ("recording", "truth", "predicted") if name not in predictions]:
            raise ValueError(
                f"`predictions` lacks the column {', '.join(lacking)}; it has {', '.join(predictions)}."
            )
        if odd := sorted({str(name) for name in predictions["truth"]} - set(self._names)):
            raise ValueError(
                f"`predictions` shows {', '.join(odd)}, the classifier knows {', '.join(self._names)}."
            )
        told = [f"p({name})" for name in self._names if f"p({name})" in predictions]
        right = predictions[predictions["truth"] == predictions["predicted"]]
        below = doubt_below(right[told].max(axis=1).dropna(), keep) if told else None
        self.out_of_fold_ = predictions.reset_index(drop=True)
        self.doubt_below_, self.doubt_keeps_ = below, keep if told else None
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
        X = as_given(X)
        probabilities, doubts = self._answers(X)
        table = pd.DataFrame({"recording": self._sources(X, len(doubts))})
        table["move"] = [self._names[k] for k in probabilities.argmax(axis=1)]
        table["probability"] = probabilities.max(axis=1, initial=0)
        table["doubt"] = doubts
        if self.doubt_below_ is not None:
            why = f"less sure than {self.doubt_keeps_:.0%} of the right answers, perhaps a move never trained on"
            table.loc[(table["doubt"] == "") & (table["probability"] < self.doubt_below_), "doubt"] = why
        table.loc[[doubt.startswith("no answer") for doubt in doubts], "move"] = ""
        for k, name in enumerate(self._names):
            table[f"p({name})"] = probabilities[:, k]
        return table

    def score(self, X: Any, y: Sequence[Any] | None = None) -> float:
        """Share of right answers; without `y` against each recording's activity or the clips' labels.

        Raises:
            ValueError: a label that was not trained on: no answer for it could be right.
        """
        check_is_fitted(self, "model_")
        X = as_given(X)
        told, known = self.predict(X), self.classes_.tolist()
        if y is None:
            y, told, known = self._own_labels(X), told.astype(str), self._names
        y = column_or_1d(y)
        if len(y) != len(told):
            raise ValueError(f"`y` must have a label for each of {len(told)} answers, got {len(y)}.")
        if odd := sorted(map(str, set(y.tolist()) - set(known))):
            raise ValueError(
                f"Labels never seen in training: {', '.join(odd[:8])}; the classifier knows {', '.join(self._names)}."
            )
        return float(np.mean(told == y))

    def clips(self, X: Any) -> Clips:
        """The clips that the model sees of these recordings: for activations and pictures."""
        check_is_fitted(self, "model_")
        X = as_given(X)
        if isinstance(X, Clips):
            check_like(X, self.training_facts_)
            return self._fitting(X)
        if not isinstance(X, list):
            clips = clips_of_array(self, X)
            check_like(clips, replace(self.training_facts_, body=None))
            return self._fitting(clips)
        if self.preprocessor_ is None:
            raise ValueError("This classifier was fitted on Clips and knows no preprocessing: give it Clips.")
        wanted = self.training_facts_.skeleton_in
        for r in X:
            if r.skeleton.joints != wanted.joints:
                raise ValueError(
                    f"{r.name} has the layout {r.skeleton.name} ({len(r.skeleton)} joints), the classifier was trained on "
                    f"{wanted.name} ({len(wanted)}). Convert it with Skeleton.convert."
                )
        clips = self.preprocessor_.transform(X, frames=self._fixed_frames, classes=self._names)
        return self._fitting(clips)

    # --- one artefact ------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Writes one .gymskel file: a zip of the Keras model and JSON, without pickle.

        The file holds all that prediction needs and what it was trained on. Written whole or not at all.
        """
        check_is_fitted(self, "model_")
        return write_artefact(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> SkeletonClassifier:
        """What `save` wrote, ready to predict. The model is loaded in Keras' safe mode.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not a .gymskel file, or one from a newer gymskel.
        """
        return read_artefact(cls, Path(path))

    # --- inside ------------------------------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    @property
    def _names(self) -> tuple[str, ...]:
        """The classes as text, as Clips and tables name them."""
        return tuple(map(str, self.classes_.tolist()))

    def _build(self, clips: Clips) -> keras.Model:
        params = {  # a search over np.arange leaves numbers of numpy, which not every layer takes
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in dict(self.model_params or {}).items()
        }
        if isinstance(self.model, str) and self.model not in BUILDERS:
            own = "; it was trained with a builder of your own: set `model` to that" * self.model.startswith(
                OWN
            )
            raise ValueError(
                f"`model` must be one of {', '.join(BUILDERS)} or a builder, got {self.model!r}{own}."
            )
        build = BUILDERS[self.model] if isinstance(self.model, str) else self.model
        if params.get("head") == "flatten":
            params.setdefault("frames", clips.x.shape[1])
        made = build(len(clips.classes), skeleton=clips.skeleton, channels=len(clips.channels), **params)
        if not isinstance(self.model, str):
            check_network(made, clips)
        return made

    def _kind(self, clips: Clips) -> Hashable:
        """What says all of the network that a builder of gymskel's made; None for anybody else's, which might do anything."""
        if not isinstance(self.model, str):
            return None
        return self.model, repr(sorted((self.model_params or {}).items())), clips.skeleton

    @property
    def _fixed_frames(self) -> int | None:
        """The one length a model with the published head takes, else None."""
        return self.model_.get_layer("keypoints").batch_shape[1]

    def _fitting(self, clips: Clips) -> Clips:
        """The clips, at the length that the model is tied to if it is."""
        fixed, frames = self._fixed_frames, clips.x.shape[1]
        if fixed is None:
            return clips
        if frames > fixed:
            raise ValueError(
                f"The clips have {frames} frames, the model is tied to {fixed} (head='flatten'). Give more `frames` in "
                "model_params, or use a head that takes any length."
            )
        return clips.padded_to(fixed)

    def _answers(self, X: Any) -> tuple[np.ndarray, list[str]]:
        """Probabilities and doubts, one for each recording."""
        check_is_fitted(self, "model_")
        recordings = as_given(X)
        if not isinstance(recordings, list):
            clips = self.clips(recordings)
            return self._run_model(clips), [""] * len(clips)
        doubts = [doubt_of(recording, self.training_facts_) for recording in recordings]
        probabilities = np.full((len(recordings), len(self.classes_)), 1 / len(self.classes_), np.float32)
        there = [i for i, recording in enumerate(recordings) if len(recording) > 1]
        try:
            if there:
                probabilities[there] = self._run_model(self.clips([recordings[i] for i in there]))
        except UnseenError:
            for i in there:
                recording = recordings[i]
                try:
                    probabilities[i] = self._run_model(self.clips([recording]))[0]
                except UnseenError as fault:
                    doubts[i] = (
                        f"no answer: {str(fault).splitlines()[-1].removeprefix(recording.name + ': ')}"
                    )
        return probabilities, doubts

    def _own_labels(self, X: Any) -> list[str]:
        """What recordings or clips say they show."""
        if isinstance(X, Clips):
            if X.y is None:
                raise ValueError("The clips have no labels: give `y`.")
            return [X.classes[k] for k in X.y]
        if not isinstance(X, list):
            raise ValueError("An array has no labels: give `y`.")
        return [r.activity for r in labelled(X, None)]

    @staticmethod
    def _sources(X: Any, count: int) -> list[str]:
        """What the table calls each."""
        if isinstance(X, Clips):
            return list(X.sources)
        return told_apart(X) if isinstance(X, list) else [f"clip-{i}" for i in range(count)]

    def _run_model(self, clips: Clips) -> np.ndarray:
        return run_network(self.model_, clips)


def _fitted(classifier: SkeletonClassifier) -> dict[str, Any]:
    """What it learned: the attributes whose names end in an underscore."""
    return {name: value for name, value in vars(classifier).items() if name.endswith("_")}
