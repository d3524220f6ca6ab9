"""What the report says, as tables: answers given while athletes were left out, simple rules beside them, new recordings."""

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
from gymskel.recording import Recording


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known about a classifier and some recordings.

    Attributes:
        classifier: fitted on recordings.
        recordings: what the page shows.
        table: a row for each of them: recording, athlete, move (what it is said to show), seconds, frames, doubt (why not
            to trust it), tested (whether it was left out once in training), answer and probability (of that answer, and
            p(class) of every class).
        evaluation: the answers given while athletes were left out, None where the artefact keeps none. Its floors were
            answered on the same recordings in the same folds, as far as these are at hand.
        notes: what does not fit, in words.
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
        """Those recordings that no answer of the training's test is about; none where there was no test."""
        return self.table[~self.table["tested"]] if self.evaluation else self.table[:0]


def gather_facts(classifier: SkeletonClassifier, recordings: Sequence[Recording]) -> Facts:
    """The tables of a report.

    A recording is known by its keypoints, in artefacts of before by its name: one that `out_of_fold_` is about was trained on,
    and the only answer told is the one given while it was left out. Only the others are asked about now. Where nobody kept
    such answers, nobody knows which recordings are new, and none is asked about.

    Raises:
        ValueError: no recordings, or a classifier that was fitted on Clips.
    """
    recordings = list(recordings)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to report on.")
    if classifier.preprocessor_ is None:
        raise ValueError("`classifier` was fitted on Clips: a report needs one fitted on recordings.")
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
            "answer": "",
            "probability": np.nan,
            **{f"p({name})": np.nan for name in classifier.classes_.tolist()},
        }
    )
    if kept is None:
        return Facts(classifier, recordings, table, None, [])
    kept = _completed(kept, table)
    table["tested"] = table["recording"].isin(kept["recording"])
    evaluation, notes = _evaluated(classifier, kept, recordings, table)
    first = kept.drop_duplicates("recording").set_index("recording")
    tested = table.loc[table["tested"], "recording"]
    told = [f"p({name})" for name in classifier.classes_.tolist() if f"p({name})" in kept]
    table.loc[table["tested"], "answer"] = first.loc[tested, "predicted"].to_numpy()
    if told:
        table.loc[table["tested"], told] = first.loc[tested, told].to_numpy(float)
    if (new := np.flatnonzero(~table["tested"])).size:
        answers = classifier.predict_table([recordings[i] for i in new])
        every = [name for name in answers if name.startswith("p(")]
        table.loc[new, ["answer", "doubt"]] = answers[["move", "doubt"]].to_numpy()
        table.loc[new, every] = answers[every].to_numpy(float)
    table["probability"] = table[[name for name in table if name.startswith("p(")]].max(axis=1)
    both = table[table["tested"] & (table["move"] != "")]
    truth = first.loc[both["recording"], "truth"].astype(str).to_numpy()
    if odd := both["recording"][both["move"].to_numpy() != truth].tolist():
        notes.append(
            f"Labelled otherwise here than in training: {', '.join(odd[:8])}. The results go by the labels of the training."
        )
    return Facts(classifier, recordings, table, evaluation, notes)


def _names(recordings: list[Recording], kept: pd.DataFrame | None) -> list[str]:
    """A name for each recording: the one it was tested by, another one for whoever else is called so."""
    names = unique_names(recordings)
    if kept is None or "checksum" not in kept:
        return names
    then, taken = dict(zip(kept["checksum"], kept["recording"], strict=True)), set(kept["recording"])
    for i, name in enumerate(names):
        if (known := then.get(keypoints_checksum(recordings[i]))) is not None:
            names[i] = known
        elif name in taken:
            names[i] = next(other for n in count(2) if (other := f"{name} ({n})") not in taken)
            taken.add(names[i])
    return names


def _completed(kept: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The kept answers with run and athlete, where whoever kept them left these out."""
    kept = kept.assign(truth=kept["truth"].astype(str), predicted=kept["predicted"].astype(str))
    if "run" not in kept:
        kept = kept.assign(run=0)
    if "athlete" not in kept:
        who = dict(zip(table["recording"], table["athlete"], strict=True))
        kept = kept.assign(athlete=[who.get(name) or f"source {name}" for name in kept["recording"]])
    return kept


def _evaluated(
    classifier: SkeletonClassifier, kept: pd.DataFrame, recordings: list[Recording], table: pd.DataFrame
) -> tuple[Evaluation, list[str]]:
    """The kept answers as an Evaluation with floors, and what is to be said about the floors."""
    one = kept[kept["run"] == kept["run"].iloc[0]]
    told, notes = None, []
    places = {name: i for i, name in enumerate(table["recording"])}
    here = [places[name] for name in one["recording"] if name in places]
    labelled = [i for i in here if recordings[i].activity is not None]
    if "fold" in one and len(labelled) == len(one):
        cases = LabelledSet.of([recordings[i] for i in labelled])
        fold = one["fold"].to_numpy()
        splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
        told = predict_baselines(cases, splits)
    else:
        commonest = one["truth"].mode().iloc[0]
        told = one[["recording", "athlete", "truth"]].assign(floor="majority", predicted=commonest)
        notes.append(
            f"Of {len(one)} recordings that were tested, {len(labelled)} are among these with a label, so that the other simple rules "
            "cannot be compared. Make the report with all recordings that were trained on."
        )
    right = (told["truth"] == told["predicted"]).groupby(told["floor"], sort=False).mean()
    evaluation = Evaluation(
        model=str(classifier.model),
        protocol="athletes",
        predictions=kept,
        classes=tuple(map(str, classifier.classes_.tolist())),
        floors=right.to_dict(),
        seconds=[np.nan],  # nobody kept them
        floor_predictions=told,
    )
    return evaluation, notes
