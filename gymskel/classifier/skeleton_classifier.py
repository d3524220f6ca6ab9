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
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from gymskel.classifier.inference import check_network, fixed_frames, pad_for_model, run_network
from gymskel.classifier.inputs import (
    check_layouts,
    check_like_training,
    clips_from_array,
    own_labels,
    prepare_training,
    unify_input,
    unique_names,
)
from gymskel.classifier.reliability import doubt_threshold, reason_to_doubt
from gymskel.classifier.saving import OWN_BUILDER, read_classifier, write_classifier
from gymskel.clips import Clips
from gymskel.messages import join_names
from gymskel.models import BUILDERS
from gymskel.recording import Recording
from gymskel.training import Recipe, get_recipe
from gymskel.training.fitting import fit_cached


class SkeletonClassifier(ClassifierMixin, BaseEstimator):
    """Estimator that names the move in a recording.

    It is fitted on Recordings, on Clips, or on plain arrays as scikit-learn's other estimators are: (clips, frames,
    joints, channels), (clips, frames, values), or (clips, values), where a clip is a single frame. It predicts for
    input of the same type.

    Args:
        model: a name of gymskel.models.BUILDERS, or a builder of your own with the same arguments.
        model_params: arguments for the builder, e.g. {"units": 32}.
        preprocess: a preset's name, a list of steps, or a Preprocessor; not used when fitted on Clips.
        recipe: a name of gymskel.training.RECIPES, or a Recipe.
        random_state: a number makes training repeatable.

    Attributes:
        classes_: (classes,) names, or labels in the type of `y`; sorted.
        model_: the trained keras.Model, compiled as its recipe says. A file keeps no optimizer: compile a loaded one
            before you train or `evaluate` it further.
        preprocessor_: the fitted Preprocessor, None when fitted on Clips.
        run_: the record of the training (a `training.Run`).
        training_facts_: the data it was trained on (`TrainingFacts`).
        n_features_in_: number of values in a frame.
        out_of_fold_: predictions for recordings left out of training (`keep_out_of_fold`); None = not kept.
        doubt_below_: `predict_table` doubts predictions less probable than this; None = doubts none for that reason.
        doubt_keeps_: share of the correct predictions at or above `doubt_below_`.
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
        """Train on recordings, clips or arrays, and return the classifier itself.

        An error or an interruption leaves the classifier as it was: fitted as before, or not at all.

        Args:
            X: a list of Recordings, Clips, or an array of finite numbers. Recordings too poor to recognise
                (`is_recognizable`) are left out, with a warning that names them. Arrays whose values are not x and
                y are not augmented.
            y: labels of any type that sorts; by default each recording's activity, or the clips' own labels.
            progress: show a bar over the epochs.
            callbacks: passed on to keras, see `training.fit`.
            checkpoint: a file from which the same call goes on after an interruption, see `training.fit`.

        Raises:
            ValueError: no label for some recordings, fewer than two classes, several people of one video, a recording of
                one frame, NaN or infinity in an array, a builder whose model gives no probabilities, a checkpoint of another training.
        """
        fresh = type(self)(**self.get_params(deep=False))
        fresh._train(X, y, progress=progress, callbacks=tuple(callbacks), checkpoint=checkpoint)
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        self.__dict__.update(vars(fresh))
        return self

    def _train(self, X: Any, y: Sequence[Any] | None, **options: Any) -> None:
        """Train in place; `fit` calls this on a new classifier. The options are those of `training.fit`."""
        recipe, note, seed = get_recipe(self.recipe), "", None
        X = unify_input(X)
        if not isinstance(X, list | Clips):
            X = self._clips_of_array(X, y, training=True)
        clips, self.classes_, self.preprocessor_, facts = prepare_training(X, y, self.preprocess)
        labels: np.ndarray = np.unique(clips.y if clips.y is not None else ())
        if len(labels) < 2:
            names = ", ".join(clips.classes[k] for k in labels) or "none"
            raise ValueError(f"Training needs at least two classes, got {names} (1 class).")
        self.training_facts_, self.n_features_in_ = facts, facts.values_per_frame
        if self.random_state is not None:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            keras.utils.set_random_seed(seed)
        self.model_ = self.build_model(clips)
        if recipe.augment and clips.channels[:2] != ("x", "y"):
            recipe, note = replace(recipe, augment=None), "; not augmented, the values are not x and y"
        cache_key, clips = self._cache_key(clips), pad_for_model(clips, self.model_)
        run = fit_cached(self.model_, clips, recipe, seed=seed, cache_key=cache_key, **options)
        self.run_ = replace(run, note=run.note + note)
        self.out_of_fold_: pd.DataFrame | None = None
        self.doubt_below_: float | None = None
        self.doubt_keeps_: float | None = None

    def set_params(self, **params: Any) -> SkeletonClassifier:
        """Set parameters, as in scikit-learn; `model_params__name` and `recipe__name` set one entry of these two.

        >>> SkeletonClassifier().set_params(model_params__units=8, recipe__epochs=5).model_params
        {'units': 8}
        """
        inner: dict[str, dict[str, Any]] = {"model_params": {}, "recipe": {}}
        for name in list(params):
            outer, separator, field = name.partition("__")
            if separator and outer in inner:
                inner[outer][field] = params.pop(name)
        super().set_params(**params)
        if inner["model_params"]:
            self.model_params = {**(self.model_params or {}), **inner["model_params"]}
        if inner["recipe"]:
            self.recipe = replace(get_recipe(self.recipe), **inner["recipe"])
        return self

    def keep_out_of_fold(self, predictions: Any, *, keep: float = 0.95) -> SkeletonClassifier:
        """Keep predictions for recordings left out of training, set the probability below which to doubt, and return itself.

        Args:
            predictions: an `Evaluation` of the same settings on the same recordings, or its table: recording, truth,
                predicted and p(class) for each class.
            keep: share of the correct predictions that stay above the threshold.

        Raises:
            ValueError: a column is missing, or there are other classes.
        """
        check_is_fitted(self, "model_")
        predictions = getattr(predictions, "predictions", predictions)
        if missing := [name for name in ("recording", "truth", "predicted") if name not in predictions]:
            raise ValueError(f"`predictions` lacks {', '.join(missing)}; it has {join_names(predictions)}.")
        if unknown := sorted({str(name) for name in predictions["truth"]} - set(self._class_names)):
            names = join_names(self._class_names)
            raise ValueError(f"`predictions` shows {join_names(unknown)}, the classifier knows {names}.")
        columns = [f"p({name})" for name in self._class_names if f"p({name})" in predictions]
        correct = predictions[predictions["truth"] == predictions["predicted"]]
        self.doubt_below_ = doubt_threshold(correct[columns].max(axis=1).dropna(), keep) if columns else None
        self.doubt_keeps_ = keep if columns else None
        self.out_of_fold_ = predictions.reset_index(drop=True)
        return self

    def predict_proba(self, X: Sequence[Recording] | Clips) -> np.ndarray:
        """Return (recordings, classes) float32 probabilities in the order of `classes_`.

        They are equal if a joint that preprocessing needs is never seen, or if there is a single frame; `predict_table`
        then says "no answer".
        """
        return self._answer(self._unify(X))[0]

    def predict(self, X: Sequence[Recording] | Clips) -> np.ndarray:
        """Return (recordings,) the most probable class of each."""
        best = self.predict_proba(X).argmax(axis=1)  # raises if not fitted, before `classes_` is asked for
        return self.classes_[best]

    def predict_table(self, X: Sequence[Recording] | Clips) -> pd.DataFrame:
        """Return a table with one row per recording: its move, the probability, and a reason to doubt it.

        Returns:
            Columns `recording`, `move` (empty = no answer), `probability`, `doubt` (empty = no doubt) and `p(class)` for
            each class.
        """
        X = self._unify(X)
        probabilities, doubts = self._answer(X)
        table = pd.DataFrame({"recording": list(X.sources) if isinstance(X, Clips) else unique_names(X)})
        table["move"] = [self._class_names[k] for k in probabilities.argmax(axis=1)]
        table["probability"] = probabilities.max(axis=1, initial=0)
        table["doubt"] = doubts
        if self.doubt_below_ is not None:
            low = (table["doubt"] == "") & (table["probability"] < self.doubt_below_)
            table.loc[low, "doubt"] = (
                f"less sure than {self.doubt_keeps_:.0%} of the right answers, perhaps a move never trained on"
            )
        table.loc[[doubt.startswith("no answer") for doubt in doubts], "move"] = ""
        for k, name in enumerate(self._class_names):
            table[f"p({name})"] = probabilities[:, k]
        return table

    def score(self, X: Any, y: Any = None) -> float:
        """Return the share of correct predictions; `y` as for `fit`.

        Raises:
            ValueError: a label that was not trained on: no prediction could be correct.
        """
        X = self._unify(X)
        predicted, known = self.classes_[self._answer(X)[0].argmax(axis=1)], self.classes_.tolist()
        if y is None:
            y, predicted, known = own_labels(X), predicted.astype(str), self._class_names
        y = column_or_1d(y)
        if len(y) != len(predicted):
            raise ValueError(f"`y` must have a label for each of {len(predicted)} answers, got {len(y)}.")
        if unknown := sorted(map(str, set(y.tolist()) - set(known))):
            names = join_names(self._class_names)
            raise ValueError(
                f"Labels never seen in training: {join_names(unknown)}; the classifier knows {names}."
            )
        return float(np.mean(predicted == y))

    def clips(self, X: Any) -> Clips:
        """Return the clips that the model takes for these recordings, clips or arrays, e.g. to draw activations.

        Raises:
            ValueError: the input does not fit what the classifier was trained on.
        """
        X = self._unify(X)
        if isinstance(X, Clips):
            return X
        preprocessor: Any = self.preprocessor_
        return preprocessor.transform(X, frames=fixed_frames(self.model_), classes=self._class_names)

    def build_model(self, clips: Clips) -> keras.Model:
        """Return a new, untrained model for clips of this skeleton, these channels and this number of classes."""
        params = {  # a search over np.arange leaves NumPy numbers, which not every layer takes
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in (self.model_params or {}).items()
        }
        if params.get("head") == "flatten":
            params.setdefault("frames", clips.x.shape[1])
        arguments = {"skeleton": clips.skeleton, "channels": len(clips.channels), **params}
        if not isinstance(self.model, str):
            model = self.model(len(clips.classes), **arguments)
            check_network(model, clips)
            return model
        if self.model not in BUILDERS:
            own = ". Fix: set it to that builder of your own" if self.model.startswith(OWN_BUILDER) else ""
            raise ValueError(
                f"`model` must be one of {', '.join(BUILDERS)} or a builder, got {self.model!r}{own}."
            )
        return BUILDERS[self.model](len(clips.classes), **arguments)

    def save(self, path: str | Path) -> Path:
        """Write one .gymskel file, whole or not at all, and return its path: a zip of the Keras model and JSON."""
        check_is_fitted(self, "model_")
        return write_classifier(Path(path), self.get_params(deep=False), vars(self))

    @classmethod
    def load(cls, path: str | Path) -> SkeletonClassifier:
        """Return the classifier in a file of `save`, ready to predict. The model is loaded in Keras' safe mode.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not a .gymskel file, a damaged one, or one from a newer gymskel.
        """
        params, fitted = read_classifier(Path(path))
        loaded = cls(**params)
        loaded.__dict__.update(fitted)
        return loaded

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    @property
    def _class_names(self) -> tuple[str, ...]:
        """Return the classes as text, as Clips and tables name them."""
        return tuple(map(str, self.classes_.tolist()))

    def _cache_key(self, clips: Clips) -> Hashable:
        """Return a key of the architecture, by which models share a compiled training step; None for an own builder."""
        if not isinstance(self.model, str):
            return None
        return BUILDERS[self.model], repr(sorted((self.model_params or {}).items())), clips.skeleton

    def _unify(self, X: Any) -> list[Recording] | Clips:
        """Return recordings, or clips as the model takes them: checked once for all, whatever predictions are asked for."""
        check_is_fitted(self, "model_")
        X, facts = unify_input(X), self.training_facts_
        if isinstance(X, list):
            if self.preprocessor_ is None:
                raise ValueError(
                    "The classifier was fitted on Clips, without preprocessing. Fix: give it Clips."
                )
            check_layouts(X, facts.skeleton_in)
            return X
        if not isinstance(X, Clips):
            X, facts = self._clips_of_array(X), replace(facts, body=None)
        check_like_training(X, facts)
        return pad_for_model(X, self.model_)

    def _clips_of_array(self, X: Any, y: Any = None, *, training: bool = False) -> Clips:
        """Return the clips of a numeric array or table after scikit-learn's checks, without labels.

        In training the number and names of a table's columns are kept in `n_features_in_` and `feature_names_in_`, and
        `y` is checked; later tables must have the same columns.

        Raises:
            ValueError: NaN or infinity, other dimensions, another number of labels than clips, or a table with other
                columns than in training.
        """
        # np.ndim asks the array for a function of its own, which not every array has
        if (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) in (3, 4):
            X = check_array(X, allow_nd=True, dtype=np.float32, input_name="X")
            check_consistent_length(X, y)
        elif training:
            X, _ = validate_data(self, X, y, dtype=np.float32)
        else:
            X = validate_data(self, X, reset=False, dtype=np.float32)
        return clips_from_array(X)

    def _answer(self, X: list[Recording] | Clips) -> tuple[np.ndarray, list[str]]:
        """Return (recordings, classes) probabilities, and a reason to doubt each or an empty string."""
        if isinstance(X, Clips):
            return run_network(self.model_, X), [""] * len(X)
        doubts = [reason_to_doubt(recording, self.training_facts_) for recording in X]
        probabilities = np.full((len(X), len(self.classes_)), 1 / len(self.classes_), np.float32)
        rows = [row for row, recording in enumerate(X) if len(recording) > 1]
        preprocessor: Any = self.preprocessor_
        clips, unseen = preprocessor.transform_seen(
            [X[row] for row in rows], frames=fixed_frames(self.model_)
        )
        for number, error in unseen.items():
            doubts[rows[number]] = f"no answer: {str(error).removeprefix(f'{X[rows[number]].name}: ')}"
        if clips is not None:
            answered = [row for number, row in enumerate(rows) if number not in unseen]
            probabilities[answered] = run_network(self.model_, clips)
        return probabilities, doubts
