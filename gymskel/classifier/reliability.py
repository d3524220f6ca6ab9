"""Why not to trust an answer: what speaks against a recording, and from which probability on an answer is believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gymskel.classifier.training_facts import TrainingFacts
from gymskel.preprocess import faults_of
from gymskel.recording import Recording

_LASTS = 2  # a recording this many times shorter or longer than any trained on is doubted


def doubt_of(recording: Recording, facts: TrainingFacts) -> str:
    """Return the reason to distrust a prediction for this recording, or an empty string.

    Args:
        recording: the input of the prediction.
        facts: the `training_facts_` of the classifier.
    """
    known, durations, unit = facts.estimators, facts.durations, facts.unit
    if len(recording) < 2:
        return "no answer: a single frame shows no move"
    if faults := faults_of(recording):
        return f"few joints were seen: {' '.join(faults)}"
    if known and recording.estimator and recording.estimator not in known:
        return f"found with {recording.estimator}, trained on {', '.join(known)}"
    if facts.fps and not recording.fps:
        return f"frame rate unknown, trained at {facts.fps:g} frames a second: give fps (--fps)"
    lasts = recording.seconds if unit == "s" else len(recording)
    if durations and lasts is not None and not durations[0] / _LASTS <= lasts <= durations[1] * _LASTS:
        return (
            f"lasts {lasts:.3g} {unit}, trained on {durations[0]:.3g} to {durations[1]:.3g} {unit}: "
            "cut the move out (preprocess.trim)"
        )
    return ""


def doubt_below(probabilities: Sequence[float], keep: float = 0.95) -> float:
    """The largest threshold under which at most 1 - keep of these probabilities of right answers lie.

    1 where there is none: then only certainty is not doubted.

    >>> doubt_below([0.5, 0.7, 0.8, 0.9], keep=0.75)
    0.7
    """
    if not 0 < keep <= 1:
        raise ValueError(f"`keep` must be above 0 and at most 1, got {keep}.")
    values = np.sort(np.asarray(probabilities, float))
    return float(values[int(round((1 - keep) * len(values), 9))]) if len(values) else 1.0
