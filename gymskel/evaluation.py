"""Is it any good? Whole athletes left out, floors beside the model, and the published protocol with its leak."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips, leave_groups_out
from gymskel.models import PUBLISHED
from gymskel.preprocess import Preprocessor, is_recognizable
from gymskel.preprocess.augment import rotated_copies
from gymskel.recording import Recording
from gymskel.skeleton import GYMNASTICS_15
from gymskel.training import RECIPES

PUBLISHED_RESULTS = {
    "simple_rnn": (83.8, 92.6, 69.1, 98.5, 100.0),
    "lstm": (80.9, 100.0, 95.6, 100.0, 97.1),
    "hierarchical_rnn": (80.9, 100.0, 97.1, 92.6, 86.8),
}
"""Test accuracy in per cent of the five runs in the thesis, on 68 test samples."""


@dataclass(frozen=True)
class Evaluation:
    """Answers on recordings that the model was not trained on, pooled over folds.

    Attributes:
        model: name of the model.
        protocol: "athletes" or "thesis".
        predictions: a row for each test recording and run: run, fold, recording, athlete, truth, predicted, doubt.
        classes: names, sorted.
        floors: name of a simple rule -> its share of right answers (see `_floors`).
        seconds: wall time of each run.
        notes: what the numbers do not say.
    """

    model: str
    protocol: str
    predictions: pd.DataFrame
    classes: tuple[str, ...]
    floors: dict[str, float]
    seconds: list[float]
    notes: list[str] = field(default_factory=list)

    @property
    def accuracies(self) -> np.ndarray:
        """(runs,) share of right answers, pooled over the folds of a run."""
        right = self.predictions["truth"] == self.predictions["predicted"]
        return right.groupby(self.predictions["run"]).mean().to_numpy()

    @property
    def accuracy(self) -> float:
        """Mean over runs."""
        return float(self.accuracies.mean())

    def per_class(self) -> pd.DataFrame:
        """Precision, recall and F1 of each class over all runs, and the number of test recordings in one."""
        precision, recall, f1, support = precision_recall_fscore_support(
            self.predictions["truth"], self.predictions["predicted"], labels=self.classes, zero_division=0
        )
        runs = self.predictions["run"].nunique()
        columns = {"recordings": support // runs, "precision": precision, "recall": recall, "F1": f1}
        return pd.DataFrame(columns, index=pd.Index(self.classes, name="class"))

    def by_athlete(self) -> pd.DataFrame:
        """Recordings and accuracy of each athlete while left out."""
        table = self.predictions.assign(right=self.predictions["truth"] == self.predictions["predicted"])
        grouped = table.groupby("athlete")
        return pd.DataFrame(
            {"recordings": grouped["recording"].nunique(), "accuracy": grouped["right"].mean()}
        )

    def confusion(self) -> pd.DataFrame:
        """Counts over all runs; rows are the truth, columns the answer."""
        counts = confusion_matrix(
            self.predictions["truth"], self.predictions["predicted"], labels=self.classes
        )
        return pd.DataFrame(counts, index=pd.Index(self.classes, name="truth"), columns=self.classes)

    def table(self) -> pd.DataFrame:
        """The model and the floors: accuracy (mean and standard deviation over runs) and wall time of a run."""
        a = self.accuracies
        rows = [
            {
                "": self.model,
                "accuracy": a.mean(),
                "sd": a.std(ddof=1) if len(a) > 1 else np.nan,
                "seconds": np.mean(self.seconds),
            }
        ]
        rows += [{"": f"floor: {name}", "accuracy": share} for name, share in self.floors.items()]
        return pd.DataFrame(rows).set_index("")

    def __str__(self) -> str:
        what = {
            "athletes": "athletes left out, answers pooled",
            "thesis": "as published: augmented copies, then a random split",
        }[self.protocol]
        runs = len(self.seconds)
        text = [
            f"{self.model}: {what}; {runs} run{'s' * (runs > 1)}",
            _show(self.table()),
            "",
            _show(self.per_class()),
        ]
        if self.protocol == "athletes":
            text += ["", _show(self.by_athlete())]
        text += ["", "rows: truth, columns: answer", _show(self.confusion())]
        return "\n".join([*text, *(f"! {note}" for note in self.notes)])


def _show(table: pd.DataFrame) -> str:
    formats = {
        name: "{:.1f}".format if name == "seconds" else "{:.3f}".format
        for name in table.select_dtypes("floating")
    }
    return table.to_string(formatters=formats, na_rep="")


def evaluate(
    classifier: SkeletonClassifier,
    recordings: Sequence[Recording],
    *,
    protocol: str = "athletes",
    runs: int = 1,
    folds: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """How well a classifier does on recordings it was not trained on.

    Args:
        classifier: with the settings to test; it is cloned, not fitted.
        recordings: with activity, and athlete where known.
        protocol: "athletes" trains without one athlete at a time and pools the answers; where nobody said who
            the athletes are, single recordings are left out and a note says so. "thesis" is the published
            experiment, which puts copies of one recording on both sides of the split: for comparison only. It uses
            the published sizes and recipe whatever the classifier says, and the preset "thesis" in place of
            "default"; for the published recordings, which are filled and smoothed, take "thesis_cleaned".
        runs: independent repetitions with seeds seed, seed + 1, ...
        folds: for "athletes": leave several athletes out at once, in this many folds. By default one each.
        seed: of the first run.
        progress: show a bar.

    Raises:
        ValueError: unlabelled recordings, one class, one athlete.
    """
    if protocol == "thesis":
        return _thesis(classifier, recordings, runs, seed, progress)
    if protocol != "athletes":
        raise ValueError(f"`protocol` must be 'athletes' or 'thesis', got {protocol!r}.")
    recordings = list(recordings)
    if unknown := [r.name for r in recordings if r.activity is None]:
        raise ValueError(
            f"No activity is known for {', '.join(unknown[:8])}; label them first (read_recordings(labels=...))."
        )
    truth = np.array([r.activity for r in recordings])
    if len(set(truth)) < 2:
        raise ValueError(f"A test needs at least two classes, got {', '.join(sorted(set(truth))) or 'none'}.")
    classifier = _of_one_length(classifier, recordings)
    good = np.array([is_recognizable(r) for r in recordings])
    athletes = np.array([r.athlete or f"source {r.source}" for r in recordings])
    splits = leave_groups_out(athletes, folds)
    notes = _notes(recordings, truth, athletes, splits, good)
    rows, seconds = [], []
    bar = tqdm(total=runs * len(splits), unit="fold", disable=not progress, leave=False)
    for run in range(runs):
        start = time.perf_counter()
        for fold, (train, test) in enumerate(splits):
            part = [recordings[i] for i in train if good[i]]
            left = sorted({r.activity for r in part})
            if len(left) < 2:  # nothing to train: answer the only class there is, if any
                predicted, doubts = np.full(len(test), left[0] if left else ""), [""] * len(test)
            else:
                fitted = clone(classifier).set_params(random_state=seed + run).fit(part)
                table = fitted.predict_table([recordings[i] for i in test])
                predicted, doubts = table["move"].to_numpy(), list(table["doubt"])
                if "too few athletes" in fitted.run_.note:
                    notes.append(f"Fold {_named(athletes, test)}: trained for {fitted.run_.note}.")
            for i, answer, doubt in zip(test, predicted, doubts, strict=True):
                rows.append((run, fold, recordings[i].source, athletes[i], truth[i], str(answer), doubt))
            bar.update()
        seconds.append(time.perf_counter() - start)
    bar.close()
    columns = ["run", "fold", "recording", "athlete", "truth", "predicted", "doubt"]
    if silent := sum(row[5] == "" for row in rows):
        notes.append(
            f"{silent} recordings got no answer and count as wrong; they are not in the confusion table."
        )
    floors = _floors(recordings, truth, splits)
    if "logistic regression" not in floors:
        notes.append(
            "No logistic regression floor: it needs the 15 joints of GYMNASTICS_15 and known frame rates."
        )
    return Evaluation(
        model=classifier.model
        if isinstance(classifier.model, str)
        else getattr(classifier.model, "__name__", "model"),
        protocol="athletes",
        predictions=pd.DataFrame(rows, columns=columns),
        classes=tuple(sorted(set(truth))),
        floors=floors,
        seconds=seconds,
        notes=list(dict.fromkeys(notes)),
    )


def _named(athletes: np.ndarray, test: np.ndarray) -> str:
    return ", ".join(sorted(set(athletes[test]))) + " out"


def _of_one_length(classifier: SkeletonClassifier, recordings: list[Recording]) -> SkeletonClassifier:
    """The published head is tied to one length, which then has to be the longest of all folds."""
    params = classifier.model_params or {}
    if params.get("head") != "flatten" or "frames" in params:
        return classifier
    frames = max(
        len(clip.x[0]) for clip in _each(Preprocessor(classifier.preprocess), recordings) if clip is not None
    )
    return clone(classifier).set_params(model_params={**params, "frames": frames})


def _notes(
    recordings: list[Recording], truth: np.ndarray, athletes: np.ndarray, splits: list, good: np.ndarray
) -> list[str]:
    """What makes these folds say less than they seem to; the grave ones are warnings too."""
    notes = []
    if nobody := sum(r.athlete is None for r in recordings):
        notes.append(
            f"{nobody} recordings name no athlete and were left out one by one; if others show the same person, the result flatters."
        )
    for name in sorted(set(truth)):
        doers = sorted(set(athletes[truth == name]))
        if len(doers) == 1:
            notes.append(
                f"Only {doers[0]} performs {name}: no fold can learn it from others and be tested on it."
            )
            warnings.warn(notes[-1], stacklevel=3)
    for train, test in splits:
        if lacking := sorted(set(truth) - set(truth[train][good[train]])):
            wrong = int(np.isin(truth[test], lacking).sum())
            notes.append(
                f"Fold {_named(athletes, test)}: nobody left to learn {', '.join(lacking)} from; {wrong} test recordings cannot be right."
            )
    return notes


def _floors(recordings: list[Recording], truth: np.ndarray, splits: list) -> dict[str, float]:
    """Share of right answers of three rules that no recurrent model should lose to.

    "majority" always answers the commonest move; "length only" goes by the three recordings nearest in duration;
    "logistic regression" sees 16 frames of each preprocessed recording. The last two in the folds of the model.
    """
    rules = {"length only": (np.array([[r.seconds or len(r)] for r in recordings]), KNeighborsClassifier(3))}
    if all(r.fps and set(GYMNASTICS_15.joints) <= set(r.skeleton.joints) for r in recordings):
        features = np.stack([resampled(clip) for clip in _each(Preprocessor("default"), recordings)])
        rules["logistic regression"] = (
            features,
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
        )
    floors = {"majority": float(np.unique(truth, return_counts=True)[1].max() / len(truth))}
    for name, (x, rule) in rules.items():
        right = 0
        for train, test in splits:
            if len(set(truth[train])) < 2 or len(train) < 3:
                right += int((truth[test] == truth[train][0]).sum())
            else:
                right += int((clone(rule).fit(x[train], truth[train]).predict(x[test]) == truth[test]).sum())
        floors[name] = right / len(truth)
    return floors


def _each(preprocessor: Preprocessor, recordings: list[Recording]) -> list[Clips | None]:
    clips = []
    for recording in recordings:
        try:
            clips.append(preprocessor.transform([recording]))
        except ValueError:
            clips.append(None)
    return clips


def resampled(clip: Clips | None, frames: int = 16) -> np.ndarray:
    """(frames * joints * channels,) one clip at `frames` instants from its first to its last frame."""
    if clip is None:
        return np.zeros(frames * 30, np.float32)
    x = clip.x[0, : clip.lengths[0]].reshape(clip.lengths[0], -1)
    at = np.linspace(0, len(x) - 1, frames)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(x) - 1)
    return (x[low] + (at - low)[:, None] * (x[high] - x[low])).ravel()


def _thesis(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], runs: int, seed: int, progress: bool
) -> Evaluation:
    """The published experiment: three rotated copies of each recording, a random fifth of them as the test part."""
    if classifier.model not in PUBLISHED:
        raise ValueError(
            f"`protocol='thesis'` knows the models {', '.join(PUBLISHED)}, got {classifier.model!r}."
        )
    steps = "thesis" if classifier.preprocess == "default" else classifier.preprocess
    clips = (steps if isinstance(steps, Preprocessor) else Preprocessor(steps)).fit_transform(recordings)
    if clips.y is None:
        raise ValueError("Some recordings have no activity; label them first.")
    recipe = replace(RECIPES["thesis"], augment=None, copies=0)
    rows, seconds, shares = [], [], []
    for run in tqdm(range(runs), unit="run", disable=not progress, leave=False):
        start = time.perf_counter()
        copies = rotated_copies(clips, 3, seed=seed + run)
        order = np.random.default_rng(seed + run).permutation(len(copies))
        test, train = order[: round(0.2 * len(order))], order[round(0.2 * len(order)) :]
        tested = SkeletonClassifier(
            classifier.model, PUBLISHED[classifier.model], recipe=recipe, random_state=seed + run
        )
        predicted = tested.fit(copies[train]).predict(copies[test])
        seconds.append(time.perf_counter() - start)
        shares.append(np.isin(np.array(copies.sources)[test], np.array(copies.sources)[train]).mean())
        rows += [
            (run, 0, copies.sources[i], copies.athletes[i], copies.classes[copies.y[i]], str(answer), "")
            for i, answer in zip(test, predicted, strict=True)
        ]
    columns = ["run", "fold", "recording", "athlete", "truth", "predicted", "doubt"]
    published = PUBLISHED_RESULTS[classifier.model]
    return Evaluation(
        model=f"{classifier.model} (published size)",
        protocol="thesis",
        predictions=pd.DataFrame(rows, columns=columns),
        classes=clips.classes,
        floors={"majority": float(np.bincount(clips.y).max() / len(clips))},
        seconds=seconds,
        notes=[
            f"This protocol leaks: {np.mean(shares):.0%} of the test samples are copies of a recording that was trained on.",
            f"Published: {' '.join(map(str, published))} % (mean {np.mean(published):.1f}).",
        ],
    )
