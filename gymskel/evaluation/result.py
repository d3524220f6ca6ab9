"""Evaluation: predictions for recordings that were not trained on, and tables of their metrics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from gymskel.evaluation.metrics import calibration_error, compute_metrics, reliability_table
from gymskel.messages import join_names


@dataclass(frozen=True)
class Evaluation:
    """Predictions for recordings that the model was not trained on, pooled over folds.

    Attributes:
        model: name of the model.
        protocol: "athletes" (`evaluate`) or "thesis" (`evaluate_published`).
        predictions: one row for each test recording and run: run, fold, recording, athlete, truth, checksum (of the
            keypoints; Clips have none), predicted, doubt, and p(class) for each class.
        classes: names, sorted.
        floors: name of a baseline -> its accuracy, which the model must beat.
        seconds: wall time of each run.
        notes: limits of the numbers, in words.
        floor_predictions: one row for each baseline and test recording: floor, recording, athlete, truth, predicted.
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
        """(runs,) accuracy, pooled over the folds of a run."""
        right = self.predictions["truth"] == self.predictions["predicted"]
        return right.groupby(self.predictions["run"]).mean().to_numpy()

    @property
    def accuracy(self) -> float:
        """Accuracy, mean over runs."""
        return float(self.accuracies.mean())

    def metrics(self) -> pd.DataFrame:
        """Return accuracy, mean-class accuracy and macro F1 over all runs, with 95 % intervals: value, low, high.

        An interval says how the metric would vary with other athletes of this kind (see `metrics.compute_metrics`).
        """
        return compute_metrics(self.predictions, self.classes)

    def per_class(self) -> pd.DataFrame:
        """Return precision, recall and F1 of each class over all runs, and its number of test recordings in one run."""
        precision, recall, f1, support = precision_recall_fscore_support(
            self.predictions["truth"], self.predictions["predicted"], labels=self.classes, zero_division=0
        )
        runs = self.predictions["run"].nunique()
        columns = {"recordings": support // runs, "precision": precision, "recall": recall, "F1": f1}
        return pd.DataFrame(columns, index=pd.Index(self.classes, name="class"))

    def by_athlete(self) -> pd.DataFrame:
        """Return the number of recordings and the accuracy of each athlete while left out."""
        table = self.predictions.assign(right=self.predictions["truth"] == self.predictions["predicted"])
        return table.groupby("athlete").agg(recordings=("recording", "nunique"), accuracy=("right", "mean"))

    def confusion(self) -> pd.DataFrame:
        """Return counts over all runs; rows are the truth, columns the answer."""
        counts = confusion_matrix(
            self.predictions["truth"], self.predictions["predicted"], labels=self.classes
        )
        return pd.DataFrame(counts, index=pd.Index(self.classes, name="truth"), columns=self.classes)

    def reliability(self, bins: int = 10) -> pd.DataFrame:
        """Return the accuracy of answers by their probability: from, to, answers, probability, accuracy."""
        return reliability_table(self.predictions, self.classes, bins=bins)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error over ten bins; NaN if the answers have no probabilities."""
        return calibration_error(self.reliability())

    def with_floor(self, name: str, predictions: pd.DataFrame) -> Evaluation:
        """Return the evaluation with one more baseline beside the model.

        Args:
            name: of the baseline, in the table.
            predictions: one row for each test recording, from the same folds: columns recording, predicted.

        Raises:
            ValueError: the recordings are not those that were tested.
        """
        tested = self.predictions.drop_duplicates("recording")[["recording", "athlete", "truth"]]
        if sorted(predictions["recording"]) != sorted(tested["recording"]):
            unpaired = sorted(set(predictions["recording"]) ^ set(tested["recording"]))
            raise ValueError(
                f"`predictions` of {name} must have one row for each of {len(tested)} test recordings, got "
                f"{len(predictions)}{'; not in both: ' + join_names(unpaired) if unpaired else ''}."
            )
        added = tested.merge(predictions[["recording", "predicted"]], on="recording").assign(floor=name)
        accuracy = float((added["truth"] == added["predicted"]).mean())
        known = [] if self.floor_predictions is None else [self.floor_predictions]
        joined = pd.concat([*known, added], ignore_index=True)
        return replace(self, floors={**self.floors, name: accuracy}, floor_predictions=joined)

    def table(self) -> pd.DataFrame:
        """Return a row for the model and for each floor: accuracy with its 95 % interval, mean-class accuracy, macro F1.

        The model's row also has the standard deviation of the accuracy over runs, the calibration error, and the wall
        time of a run.
        """
        values = self.accuracies
        row: dict[str, str | float] = {"": self.model, **_metrics_row(self.predictions, self.classes)}
        row |= {"accuracy": values.mean(), "sd": values.std(ddof=1) if len(values) > 1 else np.nan}
        rows = [row | {"calibration error": self.calibration_error, "seconds": float(np.mean(self.seconds))}]
        for name, accuracy in self.floors.items():
            row = {"": f"floor: {name}", "accuracy": accuracy}
            if self.floor_predictions is not None:
                own = self.floor_predictions[self.floor_predictions["floor"] == name]
                row |= _metrics_row(own, self.classes)
            rows.append(row)
        return pd.DataFrame(rows).set_index("")

    def __str__(self) -> str:
        protocol = {
            "athletes": "athletes left out, answers pooled",
            "thesis": "as published: augmented copies, then a random split",
        }[self.protocol]
        runs = len(self.seconds)
        text = [
            f"{self.model}: {protocol}; {runs} run{'s' * (runs > 1)}",
            _show(self.table().dropna(axis="columns", how="all")),
            self._interval_legend(),
            "",
            _show(self.per_class()),
        ]
        if self.protocol == "athletes":
            text += ["", _show(self.by_athlete())]
        text += ["", "rows: truth, columns: answer", _show(self.confusion())]
        bins = self.reliability()
        if bins["answers"].any():
            bins = bins[bins["answers"] > 0].set_index(["from", "to"])
            text += ["", "accuracy of answers by their probability", _show(bins)]
        return "\n".join([*text, *(f"! {note}" for note in self.notes)])

    def _interval_legend(self) -> str:
        """Return the meaning of low and high, with a warning where they mislead."""
        athletes = self.predictions["athlete"].nunique()
        unnamed = self.predictions["athlete"].str.startswith("source ").any()
        limit = "; too narrow with so few athletes" if athletes < 10 else ""
        if self.accuracy == 1:
            limit = " (meaningless here: no mistakes were made)"
        counted = "athletes, each unnamed video counted as one" if unnamed else "athletes"
        return f"low, high: 95 % bootstrap interval over {athletes} {counted}{limit}"


def _metrics_row(answers: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, float]:
    table = compute_metrics(answers, classes)
    row = {"accuracy": table.loc["accuracy", "value"], "sd": np.nan}
    return row | table.loc["accuracy", ["low", "high"]].to_dict() | table["value"].drop("accuracy").to_dict()


def _show(table: pd.DataFrame) -> str:
    formats = {
        name: "{:.1f}".format if name == "seconds" else "{:.3f}".format
        for name in table.select_dtypes("floating")
    }
    return table.to_string(formatters=formats, na_rep="")
