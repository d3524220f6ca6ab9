"""What is evaluated, seen alike whether it came as recordings or as clips: truth, athletes, parts to train on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from tqdm.auto import tqdm

from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.inputs import check_activities, keypoints_checksum, unify_input, unique_names
from gymskel.clips import Clips
from gymskel.parallel import map_in_order
from gymskel.preprocess import Preprocessor, is_recognizable
from gymskel.recording import Recording

Splits = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """Labelled recordings or clips.

    Attributes:
        given: the recordings, or the clips.
        names: (cases,) a name for each: its source, numbered where sources repeat.
        truth: (cases,) what it shows.
        athletes: (cases,) who, "source NAME" where nobody said.
        named: (cases,) bool, True = somebody said who.
        good: (cases,) bool, True = enough is seen to train on it.
    """

    given: list[Recording] | Clips
    names: np.ndarray
    truth: np.ndarray
    athletes: np.ndarray
    named: np.ndarray
    good: np.ndarray

    @classmethod
    def of(cls, given: Sequence[Recording] | Clips) -> LabelledSet:
        """Raises ValueError where labels are missing, all are of one class, or a video shows several people; TypeError for others."""
        if isinstance(given, Clips):
            if given.y is None:
                raise ValueError("The clips have no labels `y`; give them some (Clips.from_arrays(y=...)).")
            truth = np.array(given.classes)[given.y]
            names, who = np.array(given.sources), given.athletes
            good = np.ones(len(given), bool)
        else:
            given = unify_input(given)
            if not isinstance(given, list):
                raise TypeError(
                    "An evaluation takes Recordings, or Clips with labels; arrays become those by Clips.from_arrays(x, y=, athletes=)."
                )
            check_activities(given)
            truth = np.array([r.activity for r in given])
            names, who = np.array(unique_names(given)), [r.athlete for r in given]
            good = np.array([is_recognizable(r) for r in given], bool)
        if len(set(truth)) < 2:
            raise ValueError(
                f"A test needs at least two classes, got {', '.join(sorted(set(truth))) or 'none'}."
            )
        sources = given.sources if isinstance(given, Clips) else [r.source for r in given]
        athletes = np.array([a or f"source {name}" for a, name in zip(who, sources, strict=True)])
        return cls(given, names, truth, athletes, np.array([bool(a) for a in who]), good)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, sorted."""
        return tuple(sorted(set(self.truth)))

    def part(self, rows: np.ndarray) -> list[Recording] | Clips:
        """Some of the recordings or clips; clips with no other classes than those among them."""
        if not isinstance(self.given, Clips):
            return [self.given[i] for i in rows]
        classes, y = np.unique(self.truth[rows], return_inverse=True)
        return replace(self.given[rows], y=y, classes=tuple(map(str, classes)))


class Trial(NamedTuple):
    """A training and what is asked then: (clips,) rows of LabelledSet, and the seed."""

    train: np.ndarray
    test: np.ndarray
    seed: int


class Answers(NamedTuple):
    """What came of a Trial.

    Attributes:
        table: a row a test case: recording, athlete, truth, predicted, doubt and p(class) for each class trained on.
        note: of its training.
        seconds: for training and answers.
    """

    table: pd.DataFrame
    note: str
    seconds: float


def answer(
    classifier: SkeletonClassifier,
    cases: LabelledSet,
    trials: Sequence[Trial],
    workers: int,
    bar: str | None = None,
) -> Iterator[Answers]:
    """The answers of each trial in turn, made by so many processes; a bar counts them by that name."""
    answers = map_in_order(partial(_answer, classifier, cases), trials, workers)
    return iter(tqdm(answers, total=len(trials), unit=bar or "", disable=bar is None, leave=False))


def _answer(classifier: SkeletonClassifier, cases: LabelledSet, trial: Trial) -> Answers:
    """Where one class is left to train on, that class is the answer, without probabilities."""
    start, test = time.perf_counter(), trial.test
    train = trial.train[cases.good[trial.train]]
    left = sorted(set(cases.truth[train]))
    facts = {"recording": cases.names[test], "athlete": cases.athletes[test], "truth": cases.truth[test]}
    if not isinstance(cases.given, Clips):
        facts["checksum"] = [keypoints_checksum(cases.given[i]) for i in test]
    if len(left) < 2:  # nothing to train: answer the only class there is, if any
        return Answers(pd.DataFrame({**facts, "predicted": left[0] if left else "", "doubt": ""}), "", 0.0)
    fitted = clone(classifier).set_params(random_state=trial.seed).fit(cases.part(train))
    table = fitted.predict_table(cases.part(test))
    told = {"predicted": table["move"].astype(str).to_numpy(), "doubt": table["doubt"].to_numpy()}
    told |= {name: table[name].to_numpy(float) for name in table if name.startswith("p(")}
    return Answers(pd.DataFrame({**facts, **told}), fitted.run_.note, time.perf_counter() - start)


def together(tables: Sequence[pd.DataFrame], classes: Sequence[str]) -> pd.DataFrame:
    """The answers of several folds, the probabilities in the order of `classes`.

    A class that a fold did not know has probability 0 there; where no model answered they are all NaN. Without any
    probabilities there are no such columns.
    """
    table = pd.concat(tables, ignore_index=True)
    names = [f"p({name})" for name in classes]
    told = [name for name in names if name in table]
    if not told:
        return table
    answered = table[told].notna().any(axis=1)
    for name in names:
        known = table.pop(name) if name in table else pd.Series(np.nan, table.index)
        table[name] = known.where(~answered | known.notna(), 0.0)
    return table


def name_of(classifier: SkeletonClassifier) -> str:
    """What the tables call its model."""
    model = classifier.model
    return model if isinstance(model, str) else getattr(model, "__name__", "model")


def of_one_length(classifier: SkeletonClassifier, cases: LabelledSet) -> SkeletonClassifier:
    """The published head is tied to one length, which then has to be the longest of all folds."""
    params = classifier.model_params or {}
    if params.get("head") != "flatten" or "frames" in params:
        return classifier
    if isinstance(cases.given, Clips):
        frames = cases.given.x.shape[1]
    else:
        made = one_by_one(Preprocessor(classifier.preprocess), cases.given)
        frames = max(clip.x.shape[1] for clip in made if clip is not None)
    return clone(classifier).set_params(model_params={**params, "frames": frames})


def one_by_one(preprocessor: Preprocessor, recordings: Sequence[Recording]) -> list[Clips | None]:
    """Each recording as Clips of one, None where it cannot be preprocessed."""
    clips = []
    for recording in recordings:
        try:
            clips.append(preprocessor.transform([recording]))
        except ValueError:
            clips.append(None)
    return clips
