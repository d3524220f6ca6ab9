"""Metrics of a table of predictions: accuracy, mean-class accuracy, macro F1, their intervals, calibration.

A table has one row for each prediction: athlete, truth, predicted, and p(class) for each class where a model was trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def compute_metrics(answers: pd.DataFrame, classes: Sequence[str], *, draws: int = 2000) -> pd.DataFrame:
    """Return accuracy, mean-class accuracy and macro F1 with 95 % intervals: columns value, low, high.

    The intervals come from a bootstrap over athletes (percentiles; Davison and Hinkley 1997, sec. 3.8): whole athletes
    are drawn with replacement, because recordings of one athlete resemble each other. An interval is NaN for a single
    athlete, too narrow for fewer than about ten, and meaningless if no mistake was made.

    Args:
        answers: columns athlete, truth, predicted; an answer that is none of `classes` is wrong.
        classes: names.
        draws: bootstrap samples, the same in every call.

    >>> answers = pd.DataFrame({"athlete": list("abcd"), "truth": list("xxyy"), "predicted": list("xyyy")})
    >>> compute_metrics(answers, ["x", "y"])["value"].round(2).to_dict()
    {'accuracy': 0.75, 'mean class': 0.75, 'macro F1': 0.73}
    """
    counts = _confusions(answers, classes)
    table = pd.Series(_rates(counts.sum(axis=0)), dtype=float).to_frame("value")
    table["low"] = table["high"] = np.nan
    if len(counts) > 1:
        rng = np.random.default_rng(0)
        weights = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), draws)
        drawn = _rates(np.tensordot(weights, counts, 1))
        for name, values in drawn.items():
            table.loc[name, ["low", "high"]] = np.percentile(values, [2.5, 97.5])
    return table


def reliability_table(answers: pd.DataFrame, classes: Sequence[str], *, bins: int = 10) -> pd.DataFrame:
    """Return the accuracy of answers by their probability: Guo et al. 2017, eq. 2 and 3.

    Args:
        answers: columns truth, predicted and p(class). Rows without an answer or without probabilities are left out.
        classes: names.
        bins: equal parts of the probabilities from 0 to 1.

    Returns:
        One row for each part: from, to, answers, probability (mean over the answers), accuracy; the last two are NaN
        where there are no answers.

    >>> answers = pd.DataFrame({"truth": ["x", "y"], "predicted": ["x", "x"], "p(x)": [0.9, 0.7], "p(y)": [0.1, 0.3]})
    >>> reliability_table(answers, ["x", "y"], bins=2)
       from   to  answers  probability  accuracy
    0   0.0  0.5        0          NaN       NaN
    1   0.5  1.0        2          0.8       0.5
    """
    if bins < 1:
        raise ValueError(f"`bins` must be at least 1, got {bins}.")
    given = answer_probabilities(answers, classes)
    probability, right = given["probability"].to_numpy(), given["right"].to_numpy()
    bin_of = np.minimum((probability * bins).astype(int), bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    divisor = np.where(counts, counts, np.nan)
    edges = np.arange(bins + 1) / bins
    return pd.DataFrame(
        {
            "from": edges[:-1],
            "to": edges[1:],
            "answers": counts,
            "probability": np.bincount(bin_of, probability, bins) / divisor,
            "accuracy": np.bincount(bin_of, right, bins) / divisor,
        }
    )


def calibration_error(table: pd.DataFrame) -> float:
    """Return the expected calibration error of a reliability table: Guo et al. 2017, eq. 5.

    It is the mean distance of accuracy and probability, weighted by the number of answers; NaN without answers.
    """
    distance = (table["accuracy"] - table["probability"]).abs()
    count = table["answers"].sum()
    return float((distance * table["answers"]).sum() / count) if count else float("nan")


def answer_probabilities(answers: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Return truth, probability (of the predicted class) and right (bool) of the answers that have probabilities."""
    names = [f"p({name})" for name in classes]
    if not set(names) <= set(answers):
        return pd.DataFrame({"truth": [], "probability": np.zeros(0), "right": np.zeros(0, bool)})
    table = answers[["truth"]].assign(
        probability=answers[names].max(axis=1), right=answers["truth"] == answers["predicted"]
    )
    return table[table["probability"].notna() & (answers["predicted"] != "")]


def _confusions(answers: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Return (athletes, classes, classes + 1) counts of truth and answer; the last column counts all other answers."""
    place = {name: k for k, name in enumerate(classes)}
    athlete, names = pd.factorize(answers["athlete"], use_na_sentinel=False)
    truth = answers["truth"].map(place).to_numpy(int)
    answer = answers["predicted"].map(place).fillna(len(place)).to_numpy(int)
    counts = np.zeros((len(names), len(place), len(place) + 1))
    np.add.at(counts, (athlete, truth, answer), 1)
    return counts


def _rates(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return name of a metric -> (...,) values from (..., classes, classes + 1) counts; means are over classes that occur."""
    known = counts[..., :-1]
    right = np.diagonal(known, axis1=-2, axis2=-1)
    truths, predicted = counts.sum(axis=-1), known.sum(axis=-2)
    occurs = truths > 0
    classes = occurs.sum(axis=-1)
    recall = right / np.where(occurs, truths, 1)
    f1 = 2 * right / np.where(occurs, truths + predicted, 1)
    return {
        "accuracy": right.sum(axis=-1) / truths.sum(axis=-1),
        "mean class": (recall * occurs).sum(axis=-1) / classes,
        "macro F1": (f1 * occurs).sum(axis=-1) / classes,
    }
