"""Clips -> class probabilities: builders of plain keras.Models, named after their architecture.

features.py      input of the recurrent layers: keypoints, their motion, or convolutions over four views of it
recurrent.py     simple_rnn, lstm, lstm_attention, conv_gru
hierarchical.py  hierarchical_rnn: parts of the body, joined level by level
dd_net.py        dd_net: a network without recurrent layers, for comparison
heads.py         from states to probabilities
layers.py        the few layers Keras lacks
blocks.py        kernels in which no part of the body sees the values of another
"""

from collections.abc import Callable
from typing import Any

import keras

from gymskel.models.dd_net import dd_net
from gymskel.models.hierarchical import hierarchical_rnn
from gymskel.models.recurrent import conv_gru, lstm, lstm_attention, simple_rnn

BUILDERS: dict[str, Callable[..., keras.Model]] = {
    build.__name__: build for build in (simple_rnn, lstm, hierarchical_rnn, lstm_attention, conv_gru, dd_net)
}

_AS_PUBLISHED: dict[str, Any] = {"units": 2, "bidirectional": False, "features": "raw", "head": "flatten"}

PUBLISHED: dict[str, dict[str, Any]] = {
    "simple_rnn": {**_AS_PUBLISHED, "dropout": 0.5},
    "lstm": {**_AS_PUBLISHED, "dropout": 0.5},
    "hierarchical_rnn": {**_AS_PUBLISHED, "dropout": 0.8, "fusion": "concatenate"},
}
"""Model -> arguments that build the network of the thesis; `frames` comes from the data (110 there)."""

__all__ = [
    "BUILDERS",
    "PUBLISHED",
    "conv_gru",
    "dd_net",
    "hierarchical_rnn",
    "lstm",
    "lstm_attention",
    "simple_rnn",
]
