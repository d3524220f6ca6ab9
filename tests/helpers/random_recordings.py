"""Recordings at random positions, and a rope of three joints with given positions."""

from dataclasses import replace

import numpy as np

from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, Skeleton

ROPE = Skeleton("rope", ("End", "Middle", "Root"), (("Root", "Middle"), ("Middle", "End")), root="Root")


def random_recording(frames=12, unseen=0.25, seed=0, **fields):
    """A body of BODY_25 at random positions; the share `unseen` of its joints is NaN."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0.2, 1, (frames, 25, 3)).astype(np.float32)
    keypoints[..., :2] *= 1000
    keypoints[rng.random((frames, 25)) < unseen] = np.nan, np.nan, 0
    names = {"activity": "flip", "athlete": "s01", "sample": str(seed), "video": f"v{seed}.mov"}
    return Recording(keypoints, **{"fps": 60.0, **names, **fields})


def without(*joints, frames=slice(None)):
    """A random recording in which these joints are unseen in these frames."""
    recording = random_recording(unseen=0)
    for joint in joints:
        recording.keypoints[frames, BODY_25.index(joint)] = np.nan, np.nan, 0
    return recording


def rope(values, **fields):
    """A rope whose joints all have x = `values` over the frames, NaN = unseen; y = 2x + 5, confidence 0.5."""
    x = np.asarray(values, float)[:, None] * np.ones(3)
    keypoints = np.stack([x, 2 * x + 5, np.where(np.isnan(x), 0, 0.5)], axis=-1)
    return Recording(keypoints, skeleton=ROPE, **{"fps": 60.0, **fields})


def with_xy(recording, xy):
    """The recording with other coordinates and the same confidence."""
    return replace(recording, keypoints=np.concatenate([xy, recording.keypoints[..., 2:]], axis=-1))
