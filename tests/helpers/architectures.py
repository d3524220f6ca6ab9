"""Every architecture whole, but narrow, with weights as if it were trained."""

import copy
import functools

import keras
import numpy as np
import pytest

from gymskel.classifier import SkeletonClassifier
from gymskel.models import BUILDERS, PUBLISHED

SMALL = {
    "simple_rnn": {"units": 4},
    "lstm": {"units": 3},
    "hierarchical_rnn": {"units": 2},
    "lstm_attention": {"units": 3, "attention_units": 4},
    "conv_gru": {"units": 3, "filters": (3, 4, 5), "attention_units": 4},
    "dd_net": {"filters": 3},
}
assert SMALL.keys() == BUILDERS.keys()


def new_model(name: str, **params) -> keras.Model:
    """Build a network for two classes; no weight has its first value."""
    keras.utils.set_random_seed(0)
    model, rng = BUILDERS[name](2, **SMALL[name] | params), np.random.default_rng(0)
    model.set_weights(
        [w * rng.uniform(0.8, 1.2, w.shape) + rng.normal(0, 0.01, w.shape) for w in model.get_weights()]
    )
    return model


made_model = functools.cache(new_model)
"""The same network for all tests that do not change it."""


def with_model(classifier: SkeletonClassifier, name: str, **params) -> SkeletonClassifier:
    """Return a copy of the classifier with another network in it."""
    other = copy.copy(classifier)
    other.model_ = made_model(name, **params)
    return other


def architectures(frames: int, fast: set[str] | None = None) -> list:
    """Return (name, arguments) of every network, and of the published ones tied to a length, as parameters of a test.

    Those not in `fast`, if it is given, are marked slow.
    """
    published = {
        f"{name}-published": (name, {**params, "frames": frames}) for name, params in PUBLISHED.items()
    }
    every = {**{name: (name, {}) for name in BUILDERS}, **published}
    marks = {key: [pytest.mark.slow] if fast is not None and key not in fast else [] for key in every}
    return [pytest.param(*given, id=key, marks=marks[key]) for key, given in every.items()]
