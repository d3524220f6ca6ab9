"""Reliability of a prediction: reasons to distrust it, and the probability below which it is doubted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gymskel.classifier.training_facts import TrainingFacts
from gymskel.preprocess import visibility_problems
from gymskel.recording import Recording

MAX_DURATION_RATIO = 2
"""A recording more than this many times shorter or longer than all recordings trained on is doubted."""


def reason_to_doubt(recording: Recording, facts: TrainingFacts) -> str:
    """Return the reason to distrust a prediction for this recording, or an empty string; `facts` are the classifier's."""
    if len(recording) < 2:
        return "no answer: a single frame shows no move"
    if faults := visibility_problems(recording):
        return f"few joints were seen: {' '.join(faults)}"
    if facts.estimators and recording.estimator and recording.estimator not in facts.estimators:
        return f"found with {recording.estimator}, trained on {', '.join(facts.estimators)}"
    if facts.fps and not recording.fps:
        return f"frame rate unknown, trained at {facts.fps:g} frames a second: give fps (--fps)"
    duration = recording.seconds if facts.unit == "s" else len(recording)
    shortest, longest = facts.durations or (0, np.inf)
    if duration and not shortest / MAX_DURATION_RATIO <= duration <= longest * MAX_DURATION_RATIO:
        return (
            f"lasts {duration:.3g} {facts.unit}, trained on {shortest:.3g} to {longest:.3g} {facts.unit}: "
            "cut the move out (preprocess.trim)"
        )
    return ""


def doubt_threshold(probabilities: Sequence[float], keep: float = 0.95) -> float:
    """Return the largest threshold that leaves at most 1 - `keep` of these probabilities below it.

    Args:
        probabilities: of correct predictions. If there are none, the threshold is 1: only certainty is not doubted.
        keep: share of them that is not to be doubted, above 0 and at most 1.

    >>> doubt_threshold([0.5, 0.7, 0.8, 0.9], keep=0.75)
    0.7
    """
    if not 0 < keep <= 1:
        raise ValueError(f"`keep` must be above 0 and at most 1, got {keep}.")
    values = np.sort(np.asarray(probabilities, float))
    return float(values[int(round((1 - keep) * len(values), 9))]) if len(values) else 1.0
