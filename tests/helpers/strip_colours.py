"""Made states, and the colour that the thesis gives each."""

from __future__ import annotations

import numpy as np


def made_states(frames, units, seed=0):
    """Return (frames, units) states; the first frame has -1 and 1."""
    states = np.random.default_rng(seed).uniform(-1, 1, (frames, units)).astype(np.float32)
    states[0] = -1, *states[0, 1:-1], 1
    return states


def published_colour(v):
    """Return red, green and blue of one state by the rule of appendix A.1."""
    s = (v + 1) / 2
    return np.array([255 * (1 - s), 255 * s, 128]).astype(np.uint8)
