"""Evaluation: answers on recordings that were not trained on, and the tables that tell them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from gymskel.evaluation.metrics import calibration_error, compute_metrics, reliability_table

_FEW = 10  # athletes: intervals of fewer are too narrow


@dataclass(frozen=True)
class Evaluation:
    """Answers on recordings that the model was not trained on, pooled over folds.

    Attributes:
        model: name of the model.
        protocol: "athletes" or "thesis".
        predictions: a row for each test recording and run: run, fold, recording, athlete, truth, checksum (of the
            keypoints; Clips have none), predicted, doubt, and p(class) for each class.
        classes: names, sorted.
        floors: name of a simple rule -> its share of right answers.
        seconds: wall time of each run.
        notes: what the numbers do not say.
        floor_predictions: a row for each rule and test recording: floor, recording, athlete, truth, predicted.
    """

    model: str
    protocol: str
    predictions: pd.DataFrame
    classes: tuple[str, ...]
    floors: dict[str, float]
    seconds: list[float]
    notes: list[str] = field(default_factory=list)
    floor_predictions: pd.DataFrame | None = None

    @property
    def accuracies(self) -> np.ndarray:
        """(runs,) share of right answers, pooled over the folds of a run."""
        right = self.predictions["truth"] == self.predictions["predicted"]
        return right.groupby(self.predictions["run"]).mean().to_numpy()

    @property
    def accuracy(self) -> float:
        """Mean over runs."""
        return float(self.accuracies.mean())

    def metrics(self) -> pd.DataFrame:
        """Accuracy, mean-class accuracy and macro F1 over all runs, with 95 % intervals by athletes: value, low, high.

        An interval says how the measure would vary with other athletes of this kind (see `measures.measure`).
        """
        return compute_metrics(self.predictions, self.classes)

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

    def reliability(self, bins: int = 10) -> pd.DataFrame:
        """How often answers are right, by how sure they were: from, to, answers, probability, accuracy."""
        return reliability_table(self.predictions, self.classes, bins=bins)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error over ten bins; NaN where the answers have no probabilities."""
        return calibration_error(self.reliability())

    def with_floor(self, name: str, predictions: pd.DataFrame) -> Evaluation:
        """The same with another rule or peer beside the model.

        Args:
            name: what the table calls it.
            predictions: an answer for every test recording, in the same folds: columns recording, predicted.

        Raises:
            ValueError: other recordings than those that were tested.
        """
        tested = self.predictions.drop_duplicates("recording")[["recording", "athlete", "truth"]]
        if sorted(predictions["recording"]) != sorted(tested["recording"]):
            odd = sorted(set(predictions["recording"]) ^ set(tested["recording"]))
            raise ValueError(
                f"`predictions` of {name} must have one row for each of {len(tested)} test recordings, got "
                f"{len(predictions)}{'; not in both: ' + ', '.join(odd[:8]) if odd else ''}."
            )
        more = tested.merge(predictions[["recording", "predicted"]], on="recording").assign(floor=name)
        share = float((more["truth"] == more["predicted"]).mean())
        known = [] if self.floor_predictions is None else [self.floor_predictions]
        beside = pd.concat([*known, more], ignore_index=True)
        return replace(self, floors={**self.floors, name: share}, floor_predictions=beside)

    def table(self) -> pd.DataFrame:
        """The model and the floors: accuracy with its 95 % interval, mean-class accuracy, macro F1.

        For the model also the standard deviation of the accuracy over runs, the calibration error, and the wall
        time of a run.
        """
        a = self.accuracies
        rows = [{"": self.model, **_row(self.predictions, self.classes)}]
        rows[0] |= {"accuracy": a.mean(), "sd": a.std(ddof=1) if len(a) > 1 else np.nan}
        rows[0] |= {"calibration error": self.calibration_error, "seconds": np.mean(self.seconds)}
        for name, share in self.floors.items():
            row = {"": f"floor: {name}", "accuracy": share}
            if self.floor_predictions is not None:
                told = self.floor_predictions[self.floor_predictions["floor"] == name]
                row = {**row, **_row(told, self.classes)}
            rows.append(row)
        return pd.DataFrame(rows).set_index("")

    def __str__(self) -> str:
        what = {
            "athletes": "athletes left out, answers pooled",
            "thesis": "as published: augmented copies, then a random split",
        }[self.protocol]
        runs = len(self.seconds)
        text = [
            f"{self.model}: {what}; {runs} run{'s' * (runs > 1)}",
            _show(self.table().dropna(axis="columns", how="all")),
            self._interval(),
            "",
            _show(self.per_class()),
        ]
        if self.protocol == "athletes":
            text += ["", _show(self.by_athlete())]
        text += ["", "rows: truth, columns: answer", _show(self.confusion())]
        sure = self.reliability()
        if sure["answers"].any():
            sure = sure[sure["answers"] > 0].set_index(["from", "to"])
            text += ["", "how sure an answer was, how often it was right", _show(sure)]
        return "\n".join([*text, *(f"! {note}" for note in self.notes)])

    def _interval(self) -> str:
        """What low and high are, and when not to trust them."""
        athletes = self.predictions["athlete"].nunique()
        unnamed = self.predictions["athlete"].str.startswith("source ").any()
        if self.accuracy == 1:
            why = "; without a single mistake it says nothing"
        else:
            why = "; of so few athletes it is too narrow" if athletes < _FEW else ""
        whom = "athletes, each unnamed video taken for one" if unnamed else "athletes"
        return f"low, high: 95 % interval by {athletes} {whom}{why}"


def _row(answers: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, float]:
    found = compute_metrics(answers, classes)
    return {
        "accuracy": found.loc["accuracy", "value"],
        "sd": np.nan,
        "low": found.loc["accuracy", "low"],
        "high": found.loc["accuracy", "high"],
        "mean class": found.loc["mean class", "value"],
        "macro F1": found.loc["macro F1", "value"],
    }


def _show(table: pd.DataFrame) -> str:
    formats = {
        name: "{:.1f}".format if name == "seconds" else "{:.3f}".format
        for name in table.select_dtypes("floating")
    }
    return table.to_string(formatters=formats, na_rep="")
