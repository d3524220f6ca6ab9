"""Input of a classifier: recordings, clips or arrays are checked, and made into clips to train on."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from gymskel.classifier.training_facts import TrainingFacts, measure_bodies
from gymskel.clips import Clips, concatenate
from gymskel.messages import join_names
from gymskel.preprocess import Preprocessor, visibility_problems
from gymskel.recording import Recording
from gymskel.recording.times import same_rate
from gymskel.skeleton import Skeleton

MAX_SIZE_RATIO = 5.0
"""A body more than this many times larger or smaller than all bodies trained on was scaled otherwise."""


class TrainingSet(NamedTuple):
    """Labelled clips, their classes in the type of `y`, and the fitted preprocessor (None for clips and arrays)."""

    clips: Clips
    classes: np.ndarray
    preprocessor: Preprocessor | None
    facts: TrainingFacts


def unify_input(X: Any) -> list[Recording] | Clips | Any:
    """Return a list of recordings, Clips, or a numeric array or table; TypeError for strings or a mixed list.

    A single Recording becomes a list of one. A list of Clips, as scikit-learn's splits leave it, becomes one Clips.
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
    are_recordings = [isinstance(item, Recording) for item in items]
    if all(are_recordings):
        return items
    if any(are_recordings) or isinstance(items[0], str | bytes):
        wrong = items[are_recordings.index(False)]
        raise TypeError(
            f"`X` must be Recordings or Clips, got {type(wrong).__name__}. Fix: read files with "
            "gymskel.read_recordings; arrays are numbers (clips, frames, joints, channels)."
        )
    return np.asarray(X)


def clips_from_array(values: np.ndarray) -> Clips:
    """Return clips without labels, of finite numbers.

    (clips, frames, joints, channels) are taken as they are. In (clips, frames, values) each value becomes a joint with
    one channel. (clips, values) become clips of one frame.
    """
    if values.ndim == 4:
        return Clips.from_arrays(values)
    frames = values if values.ndim == 3 else values[:, None]
    return Clips.from_arrays(frames[..., None], channels=("value",))


def prepare_training(X: list[Recording] | Clips, y: Sequence[Any] | None, steps: Any) -> TrainingSet:
    """Return labelled clips of recordings or clips, with the errors of `SkeletonClassifier.fit`; `steps` are its `preprocess`."""
    if not isinstance(X, Clips):
        return _prepare_recordings(X, y, steps)
    clips, classes = X, np.array(X.classes)
    if y is not None:
        classes, numbers = encode_labels(y)
        clips = replace(clips, y=numbers, classes=tuple(map(str, classes.tolist())))
    if clips.y is None:
        raise ValueError("The clips have no labels. Fix: give `y`.")
    return TrainingSet(clips, classes, None, TrainingFacts.from_data(clips))


def _prepare_recordings(recordings: list[Recording], y: Sequence[Any] | None, steps: Any) -> TrainingSet:
    """Return the recognizable recordings as clips; `steps` are those of a new Preprocessor."""
    if not recordings:
        raise ValueError("`X` is empty: nothing to train on.")
    labels: dict[str, Any] = {}
    if y is not None:
        classes, numbers = encode_labels(y)
        if len(numbers) != len(recordings):
            raise ValueError(f"`y` must name each of {len(recordings)} recordings, got {len(numbers)}.")
        labels = {str(label): label for label in classes.tolist()}
        recordings = [replace(r, activity=str(classes[k])) for r, k in zip(recordings, numbers, strict=True)]
    check_activities(recordings)
    recordings = _drop_unrecognizable(recordings)
    preprocessor = Preprocessor(steps.steps if isinstance(steps, Preprocessor) else steps)
    clips = preprocessor.fit_transform(recordings)
    classes = np.array(clips.classes)
    if labels and clips.y is not None:  # of the kept recordings, back from text to the type of `y`
        classes, numbers = np.unique([labels[clips.classes[k]] for k in clips.y], return_inverse=True)
        clips = replace(clips, y=numbers, classes=tuple(map(str, classes.tolist())))
    return TrainingSet(clips, classes, preprocessor, TrainingFacts.from_data(clips, recordings))


def encode_labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, sorted, in the type of `y`, and (clips,) the number of each label's class.

    Raises:
        ValueError: labels missing, continuous, or several for a clip; of types that cannot be sorted.

    >>> classes, numbers = encode_labels(["b", "a", "b"])
    >>> classes.tolist(), numbers.tolist()
    (['a', 'b'], [1, 0, 1])
    """
    if isinstance(getattr(y, "dtype", None), pd.api.extensions.ExtensionDtype):  # Int64, boolean, category
        y = np.array(y.tolist()) if not pd.isna(y).any() else np.array(y.tolist(), object)
    y = column_or_1d(y, warn=True)
    if missing := np.flatnonzero(pd.isna(y)).tolist():
        raise ValueError(f"`y` has no label at [{join_names(missing)}]. Fix: leave these out or name them.")
    try:
        classes, numbers = np.unique(y, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"`y` mixes labels of several types: {error}.") from error
    check_classification_targets(y)
    return classes, numbers


def check_activities(recordings: Sequence[Recording]) -> None:
    """Raise ValueError if a recording has no activity, or if a video has several people.

    Parts of one video with different activities are fine. Two people with the same activity, or one without, are not.
    """
    counts = Counter((r.source, r.activity) for r in recordings)
    named = {r.source for r in recordings if r.activity is not None}
    crowded = {
        r.source
        for r in recordings
        if r.person and (counts[r.source, r.activity] > 1 or (r.activity is None and r.source in named))
    }
    if crowded:
        raise ValueError(
            f"Several people in {join_names(sorted(crowded))}: a bystander would be trained on. Fix: choose one with "
            "person= (--person) when reading."
        )
    if nameless := [r.name for r in recordings if r.activity is None]:
        raise nameless_error(nameless)


def nameless_error(names: Sequence[str]) -> ValueError:
    """Return the error for videos or recordings without an activity, with the ways to give one."""
    return ValueError(
        f"No activity is known for {join_names(names)}. Fix: name files activity-number-athlete (no dash in the "
        "athlete), put them into one folder per activity, or give a labels CSV (file, activity, athlete)."
    )


def _drop_unrecognizable(recordings: list[Recording]) -> list[Recording]:
    """Return the recognizable recordings, and warn of the others; ValueError for one of one frame, or if none is left."""
    if short := [r.name for r in recordings if len(r) < 2]:
        raise ValueError(
            f"{join_names(short)}: a single frame shows no move. Fix: leave out recordings of fewer than 2 frames."
        )
    problems = [" ".join(visibility_problems(r)) for r in recordings]
    good = [r for r, problem in zip(recordings, problems, strict=True) if not problem]
    if not good:
        raise ValueError("In none of the recordings is enough of the body seen (preprocess.is_recognizable).")
    poor = [f"{r.name} ({problem})" for r, problem in zip(recordings, problems, strict=True) if problem]
    if poor:
        warnings.warn(f"Left out of training, too little is seen: {', '.join(poor)}", stacklevel=6)
    return good


def unique_names(recordings: Sequence[Recording]) -> list[str]:
    """Return the source of each, with the person if a video has several, and a number if two videos have one name.

    Windows and moves cut out of one recording keep the same name, so that their predictions can be joined by it.
    """
    people: dict[str, set[int]] = {}
    for r in recordings:
        people.setdefault(r.source, set()).add(r.person)
    names: list[str] = []
    counts: Counter[tuple[str, str, int]] = Counter()
    for r in recordings:
        name = f"{r.source} person {r.person}" if len(people[r.source]) > 1 else r.source
        counts[name, r.sample, r.first_frame] += 1
        number = counts[name, r.sample, r.first_frame]
        names.append(name if number == 1 else f"{name} ({number})")
    return names


def own_labels(X: list[Recording] | Clips) -> list[str]:
    """Return the activities of recordings, or the labels of clips."""
    if not isinstance(X, Clips):
        check_activities(X)
        return [str(recording.activity) for recording in X]
    if X.y is None:
        raise ValueError("`X` is an array or clips without labels. Fix: give `y`.")
    return [X.classes[k] for k in X.y]


def keypoints_checksum(recording: Recording) -> int:
    """Return the CRC-32 of the keypoints as float32, unseen = 0; it identifies a recording under any name."""
    return crc32(np.nan_to_num(recording.keypoints).astype(np.float32).tobytes())


def check_layouts(recordings: Sequence[Recording], expected: Skeleton) -> None:
    """Raise ValueError for a recording of other joints than those trained on."""
    for r in recordings:
        if r.skeleton.joints != expected.joints:
            raise ValueError(
                f"{r.name} has the layout {r.skeleton.name} ({len(r.skeleton)} joints), the classifier was trained on "
                f"{expected.name} ({len(expected)}). Fix: convert it with Skeleton.convert."
            )


def check_like_training(clips: Clips, facts: TrainingFacts) -> None:
    """Raise ValueError for other joints, channels or frame rate, or a body of a very different size or place."""
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
    (low, high), start = facts.body.size, facts.body.start
    misscaled = (sizes > 0) & ((sizes * MAX_SIZE_RATIO < low) | (sizes > MAX_SIZE_RATIO * high))
    displaced = (sizes > 0) & (starts > start + MAX_SIZE_RATIO * high)
    for wrong, values, expected, prepared in (
        (misscaled, sizes, f"a size of {low:.3g} to {high:.3g}", "scaled"),
        (displaced, starts, f"a start of at most {start:.3g} from the origin", "centred"),
    ):
        if wrong.any():
            raise ValueError(
                f"The body in {join_names(np.array(clips.sources)[wrong])} was {prepared} otherwise than in training: "
                f"expected {expected}, got {values[wrong][0]:.3g}. Fix: preprocess both with the same steps."
            )
