"""What a classifier is given: recordings, clips or plain arrays, told apart, checked, and refused with a reason."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d, validate_data

from gymskel.classifier.training_facts import TrainingFacts, measure_bodies
from gymskel.clips import Clips, concatenate
from gymskel.preprocess import Preprocessor, faults_of, is_recognizable
from gymskel.recording import Recording
from gymskel.recording.times import same_rate

_LIKE = 5.0  # clips are like those trained on if bodies are at most so many times larger or smaller


def as_given(X: Any) -> list[Recording] | Clips | Any:
    """Recordings as a list; Clips as they are, put together again where scikit-learn took them apart; an array or table.

    Raises:
        TypeError: strings, or recordings among other things.
    """
    if isinstance(X, Clips):
        return X
    if isinstance(X, Recording):
        return [X]
    array = hasattr(X, "__array__") or hasattr(X, "shape")
    if array and str(getattr(X, "dtype", "")) != "object":
        return X
    items = list(X)
    if items and all(isinstance(item, Clips) for item in items):
        return concatenate(items)
    ours = [isinstance(item, Recording) for item in items]
    if all(ours):
        return items
    if any(ours) or isinstance(items[0], str | bytes):
        wrong = items[ours.index(False)]
        raise TypeError(
            f"`X` must be Recordings or Clips, got {type(wrong).__name__}. Read files with gymskel.read_recordings; "
            "arrays are numbers (clips, frames, joints, channels)."
        )
    return np.asarray(X)


def clips_to_train_on(estimator: Any, X: Any, y: Sequence[Any] | None) -> tuple[Clips, np.ndarray]:
    """(labelled clips, their classes in the type of `y`); sets the estimator's preprocessor_, n_features_in_ and training_facts_."""
    X = as_given(X)
    recordings = X if isinstance(X, list) else None
    estimator.preprocessor_, clips = None, X
    if recordings is not None:
        if not recordings:
            raise ValueError("`X` is empty: nothing to train on.")
        if y is not None:
            known, numbers = known_labels(y)
            if len(numbers) != len(recordings):
                raise ValueError(
                    f"`y` must have one name for each of {len(recordings)} recordings, got {len(numbers)}."
                )
        recordings = trainable(labelled(recordings, None if y is None else [str(known[k]) for k in numbers]))
        estimator.preprocessor_ = _own(estimator.preprocess)
        clips = estimator.preprocessor_.fit_transform(recordings)
    elif not isinstance(X, Clips):
        clips = clips_of_array(estimator, X, y, training=True)
    if recordings is not None or isinstance(X, Clips):
        forget_features(estimator, clips.x.shape[2] * clips.x.shape[3])
    classes = np.array(clips.classes)
    if y is not None and recordings is not None:  # those left out are gone, and names are text so far
        kinds = {str(label): label for label in known.tolist()}
        classes = np.unique([kinds[name] for name in clips.classes])
        order = [classes.tolist().index(kinds[name]) for name in clips.classes]
        clips = replace(clips, y=np.array(order)[clips.y], classes=tuple(map(str, classes.tolist())))
    elif y is not None:
        classes, labels = known_labels(y)
        clips = replace(clips, y=labels, classes=tuple(map(str, classes.tolist())))
    if clips.y is None:
        raise ValueError("The clips have no labels: give `y`.")
    estimator.training_facts_ = TrainingFacts.from_data(clips, recordings or [])
    return clips, classes


def clips_of_array(estimator: Any, X: Any, y: Any = None, *, training: bool = False) -> Clips:
    """Clips of a plain array, without labels.

    Args:
        estimator: keeps `n_features_in_`, and `feature_names_in_` of a table.
        X: (clips, frames, joints, channels); (clips, frames, values), each value a joint of one channel; or
            (clips, values), as scikit-learn has them: clips of a single frame. Finite.
        y: labels, for training.
        training: whether the estimator learns what X looks like, or X is checked against that.
    """
    depth = X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim
    if depth not in (3, 4):
        if training:
            X, _ = validate_data(estimator, X, y, dtype=np.float32)
        else:
            X = validate_data(estimator, X, reset=False, dtype=np.float32)
        return Clips.from_arrays(X[:, None, :, None], channels=("value",))
    X = check_array(X, allow_nd=True, dtype=np.float32, input_name="X")
    if training:
        check_consistent_length(X, y)
        forget_features(estimator, int(np.prod(X.shape[2:])))
    return Clips.from_arrays(X[..., None], channels=("value",)) if depth == 3 else Clips.from_arrays(X)


def forget_features(estimator: Any, values: int) -> None:
    """Sets `n_features_in_`, the numbers in a frame, and drops the names of a table trained on before."""
    estimator.n_features_in_ = values
    vars(estimator).pop("feature_names_in_", None)


def known_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """(classes in the caller's type, sorted; the number of each label's class).

    Raises:
        ValueError: labels missing, continuous, or several for a clip; of types that cannot be sorted.
    """
    if isinstance(getattr(y, "dtype", None), pd.api.extensions.ExtensionDtype):  # Int64, boolean, category
        y = np.array(y.tolist()) if not pd.isna(y).any() else np.array(y.tolist(), object)
    y = column_or_1d(y, warn=True)
    if missing := np.flatnonzero(pd.isna(y)).tolist():
        raise ValueError(f"`y` has no label (None or NaN) at {missing[:8]}: leave these out or name them.")
    try:
        found = np.unique(y, return_inverse=True)
    except TypeError as fault:
        raise ValueError(f"`y` mixes labels of several types: {fault}.") from fault
    check_classification_targets(y)
    return found


def labelled(recordings: list[Recording], y: Sequence[str] | None) -> list[Recording]:
    """The recordings with the names `y` as their activity, refused where one has none or a video shows several people."""
    if y is not None:
        recordings = [replace(r, activity=name) for r, name in zip(recordings, y, strict=True)]
    counts = Counter((r.source, r.activity) for r in recordings)
    named = {r.source for r in recordings if r.activity is not None}
    twice = [
        counts[r.source, r.activity] > 1 or (r.activity is None and r.source in named) for r in recordings
    ]
    people = {r.source for r, again in zip(recordings, twice, strict=True) if again and r.person}
    if people:
        raise ValueError(
            f"Several people in {_some(sorted(people))}: say which with person= (--person) when reading, so that no bystander is trained on."
        )
    refuse_nameless([r.name for r in recordings if r.activity is None])
    return recordings


def refuse_nameless(names: Sequence[str]) -> None:
    """Raises ValueError with what to do for those whose activity nobody knows."""
    if names:
        raise ValueError(
            f"No activity is known for {_some(names)}. Name files activity-number-athlete (no dash in the athlete), "
            "put them into one folder per activity, or give a labels CSV (file, activity, athlete)."
        )


def trainable(recordings: list[Recording]) -> list[Recording]:
    """Those in which enough is seen, with a warning that names the others; refused where none or one frame is left."""
    if short := [r.name for r in recordings if len(r) < 2]:
        raise ValueError(
            f"{_some(short)}: a single frame shows no move. Leave out recordings of fewer than 2 frames."
        )
    good = [r for r in recordings if is_recognizable(r)]
    if not good:
        raise ValueError(
            "In none of the recordings is enough of the body seen to train on (see preprocess.is_recognizable)."
        )
    if len(good) < len(recordings):
        poor = [f"{r.name} ({' '.join(faults_of(r))})" for r in recordings if not is_recognizable(r)]
        warnings.warn(f"Left out of training, too little is seen: {', '.join(poor)}", stacklevel=5)
    return good


def told_apart(recordings: list[Recording]) -> list[str]:
    """The source of each, with the person where a video shows several, and a number where two videos have one name.

    Windows and moves cut out of one recording share its name, so that their answers can be put together by it.
    """
    people: dict[str, set[int]] = {}
    for r in recordings:
        people.setdefault(r.source, set()).add(r.person)
    names, counts = [], Counter()
    for r in recordings:
        name = f"{r.source} person {r.person}" if len(people[r.source]) > 1 else r.source
        counts[name, r.sample, r.first_frame] += 1
        number = counts[name, r.sample, r.first_frame]
        names.append(name if number == 1 else f"{name} ({number})")
    return names


def checksum_of(recording: Recording) -> int:
    """CRC-32 of the keypoints as float32, unseen = 0: by it a recording is known again, whatever it is called."""
    return crc32(np.nan_to_num(recording.keypoints).astype(np.float32).tobytes())


def check_like(clips: Clips, facts: TrainingFacts) -> None:
    """Raise ValueError if clips were prepared otherwise than the training clips.

    Raises:
        ValueError: other joints or channels, another frame rate, bodies of a very different size or place.
    """
    if clips.skeleton.joints != facts.skeleton.joints or tuple(clips.channels) != facts.channels:
        raise ValueError(
            f"The clips have {clips.skeleton.name} with channels {clips.channels}, the classifier was trained on "
            f"{facts.skeleton.name} with {facts.channels}."
        )
    if clips.fps and facts.fps and not same_rate(clips.fps, facts.fps):
        raise ValueError(f"The clips have {clips.fps:g} fps, the classifier was trained on {facts.fps:g}.")
    if facts.body is None or not len(clips):
        return
    sizes, starts = measure_bodies(clips)
    low, high = facts.body.smallest, facts.body.largest
    wrong = (sizes > 0) & ((sizes * _LIKE < low) | (sizes > _LIKE * high))
    if wrong.any():
        raise ValueError(
            f"The body in {_some(np.array(clips.sources)[wrong])} has a size of {sizes[wrong][0]:.3g}, in the clips trained on {low:.3g} to "
            f"{high:.3g}: these were scaled otherwise. Preprocess both with the same steps."
        )
    wrong = (sizes > 0) & (starts > facts.body.start + _LIKE * high)
    if wrong.any():
        raise ValueError(
            f"The body in {_some(np.array(clips.sources)[wrong])} begins {starts[wrong][0]:.3g} from the origin, in the clips trained on "
            f"{facts.body.start:.3g} at most: these were centred otherwise. Preprocess both with the same steps."
        )


def _own(preprocess: Any) -> Preprocessor:
    """A Preprocessor that belongs to this classifier alone."""
    made = preprocess if isinstance(preprocess, Preprocessor) else Preprocessor(preprocess)
    return Preprocessor(made.steps)


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"
