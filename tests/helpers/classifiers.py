"""Classifiers that train in no time, and recordings in which too little is seen."""

from dataclasses import replace

import numpy as np

from gymskel.classifier import SkeletonClassifier
from gymskel.recording import Recording
from helpers.networks import PLAIN, quick

SHORT = replace(PLAIN, epochs=1)


def short(**arguments) -> SkeletonClassifier:
    """Return a classifier of the model `quick` that trains for one epoch."""
    return SkeletonClassifier(**{"model": quick, "recipe": SHORT, "random_state": 0, **arguments})


def blind(recording: Recording) -> Recording:
    """Return the recording with every joint unseen in every frame."""
    return replace(recording, keypoints=np.full(recording.keypoints.shape, (np.nan, np.nan, 0)))


def poor(recording: Recording) -> Recording:
    """Return the recording with three frames of four lost."""
    keypoints = recording.keypoints.copy()
    keypoints[np.arange(len(recording)) % 4 != 1] = np.nan, np.nan, 0
    return replace(recording, keypoints=keypoints)
