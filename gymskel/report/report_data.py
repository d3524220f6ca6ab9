"""Collect the data of a report: answers given while athletes were left out, baselines, and answers about new recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import pandas as pd

from gymskel.classifier import SkeletonClassifier
from gymskel.classifier.inputs import keypoints_checksum, unique_names
from gymskel.classifier.reliability import reason_to_doubt
from gymskel.evaluation import Evaluation
from gymskel.evaluation.baselines import predict_baselines
from gymskel.evaluation.labelled_set import LabelledSet
from gymskel.messages import join_names
from gymskel.recording import Recording


@dataclass(frozen=True, eq=False)
class ReportData:
    """Data of a report about a classifier and some recordings.

    Attributes:
        classifier: fitted on recordings.
        recordings: the recordings that the page shows.
        table: a row for each recording: recording, athlete, move (its label), seconds, frames, doubt (reason to distrust
            an answer), tested (True = left out once in training), truth (label in training, if tested), answer,
            probability (of that answer), and p(class) of every class.
        evaluation: the answers given while athletes were left out, None if the classifier keeps none. Its baselines
            (`floors`) were answered on the same recordings in the same folds, if all of these are given.
        notes: contradictions and gaps in the data, as sentences.
    """

    classifier: SkeletonClassifier
    recordings: list[Recording]
    table: pd.DataFrame
    evaluation: Evaluation | None
    notes: list[str]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the moves, in the order of the probabilities."""
        return tuple(map(str, self.classifier.classes_.tolist()))

    @property
    def new(self) -> pd.DataFrame:
        """Rows of the recordings that the test of the training did not contain; none if there was no test."""
        return self.table[~self.table["tested"]] if self.evaluation else self.table[:0]


def collect_report_data(classifier: SkeletonClassifier, recordings: Sequence[Recording]) -> ReportData:
    """Return the data of a report.

    A recording is recognised by its keypoints; by its name if an older file keeps no checksums. For a recording in
    `out_of_fold_` the answer is the one given while it was left out. The classifier answers only about the others. If it
    keeps no such answers, it is not asked at all, because nobody knows which recordings are new.

    Raises:
        ValueError: no recordings, or a classifier that was fitted on Clips.
    """
    recordings = list(recordings)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to report on.")
    if classifier.preprocessor_ is None:
        raise ValueError("`classifier` was fitted on Clips. Fix: fit it on recordings, then report.")
    kept = classifier.out_of_fold_
    table = pd.DataFrame(
        {
            "recording": _names(recordings, kept),
            "athlete": [r.athlete or "" for r in recordings],
            "move": [r.activity or "" for r in recordings],
            "seconds": [r.seconds or np.nan for r in recordings],
            "frames": [len(r) for r in recordings],
            "doubt": [reason_to_doubt(r, classifier.training_facts_) for r in recordings],
            "tested": False,
            "truth": "",
            "answer": "",
            "probability": np.nan,
            **{f"p({name})": np.nan for name in classifier.classes_.tolist()},
        }
    )
    if kept is None:
        return ReportData(classifier, recordings, table, None, [])
    kept = _with_run_and_athlete(kept, table)
    table["tested"] = tested = table["recording"].isin(kept["recording"])
    evaluation, notes = _evaluate_kept_answers(classifier, kept, recordings, table)
    first = kept.drop_duplicates("recording").set_index("recording")
    first = first.loc[table.loc[tested, "recording"]].rename(columns={"predicted": "answer"})
    _fill(table, tested, first, ["truth", "answer"])
    if not tested.all():
        answers = classifier.predict_table([recordings[i] for i in np.flatnonzero(~tested)])
        _fill(table, ~tested, answers.rename(columns={"move": "answer"}), ["answer", "doubt"])
    table["probability"] = table[[name for name in table if name.startswith("p(")]].max(axis=1)
    changed = table.loc[
        tested & (table["move"] != "") & (table["move"] != table["truth"]), "recording"
    ].tolist()
    if changed:
        notes.append(
            f"Other labels here than in training: {join_names(changed)}. The results use the labels of the training."
        )
    return ReportData(classifier, recordings, table, evaluation, notes)


def _fill(table: pd.DataFrame, rows: pd.Series, answers: pd.DataFrame, texts: list[str]) -> None:
    """Write the columns `texts` and the probabilities of `answers` into these rows of the table."""
    table.loc[rows, texts] = answers[texts].to_numpy()
    probabilities = [name for name in table if name.startswith("p(") and name in answers]
    if probabilities:
        table.loc[rows, probabilities] = answers[probabilities].to_numpy(float)


def _names(recordings: list[Recording], kept: pd.DataFrame | None) -> list[str]:
    """Return a unique name for each recording: the name it was tested under, "name (2)" for another one of that name."""
    names = unique_names(recordings)
    if kept is None or "checksum" not in kept:
        return names
    tested_name = dict(zip(kept["checksum"], kept["recording"], strict=True))
    taken = set(kept["recording"])
    for i, name in enumerate(names):
        if (known := tested_name.get(keypoints_checksum(recordings[i]))) is not None:
            names[i] = known
        elif name in taken:
            names[i] = next(free for n in count(2) if (free := f"{name} ({n})") not in taken)
            taken.add(names[i])
    return names


def _with_run_and_athlete(kept: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the kept answers with the columns run and athlete, added where they are missing."""
    kept = kept.assign(truth=kept["truth"].astype(str), predicted=kept["predicted"].astype(str))
    if "run" not in kept:
        kept = kept.assign(run=0)
    if "athlete" not in kept:
        athletes = dict(zip(table["recording"], table["athlete"], strict=True))
        kept = kept.assign(athlete=[athletes.get(name) or f"source {name}" for name in kept["recording"]])
    return kept


def _evaluate_kept_answers(
    classifier: SkeletonClassifier, kept: pd.DataFrame, recordings: list[Recording], table: pd.DataFrame
) -> tuple[Evaluation, list[str]]:
    """Return the kept answers as an Evaluation with baselines, and notes about the baselines."""
    one_run = kept[kept["run"] == kept["run"].iloc[0]]
    row_of = {name: i for i, name in enumerate(table["recording"])}
    given = [row_of[name] for name in one_run["recording"] if name in row_of]
    labelled = [i for i in given if recordings[i].activity is not None]
    notes = []
    if "fold" in one_run and len(labelled) == len(one_run):
        fold = one_run["fold"].to_numpy()
        splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
        baselines = predict_baselines(LabelledSet.of([recordings[i] for i in labelled]), splits)
    else:
        commonest = one_run["truth"].mode().iloc[0]
        baselines = one_run[["recording", "athlete", "truth"]].assign(floor="majority", predicted=commonest)
        notes.append(
            f"Only {len(labelled)} of the {len(one_run)} tested recordings are given here with a label, so the other simple "
            "rules cannot be compared. Fix: make the report with all recordings of the training."
        )
    right = (baselines["truth"] == baselines["predicted"]).groupby(baselines["floor"], sort=False).mean()
    evaluation = Evaluation(
        model=str(classifier.model),
        protocol="athletes",
        predictions=kept,
        classes=tuple(map(str, classifier.classes_.tolist())),
        floors=right.to_dict(),
        seconds=[np.nan],  # not kept
        floor_predictions=baselines,
    )
    return evaluation, notes
