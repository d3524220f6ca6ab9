"""Clips -> class probabilities: builders of plain keras.Models, named after their architecture."""

from gymskel.models.builders import PUBLISHED, hierarchical_rnn, lstm, lstm_attention, simple_rnn
from gymskel.models.layers import AttentionPooling, RelativeToRoot, TakeJoints, WithVelocity, ZeroBehindMask

BUILDERS = {
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "hierarchical_rnn": hierarchical_rnn,
    "lstm_attention": lstm_attention,
}

__all__ = [
    "BUILDERS",
    "PUBLISHED",
    "AttentionPooling",
    "RelativeToRoot",
    "TakeJoints",
    "WithVelocity",
    "ZeroBehindMask",
    "hierarchical_rnn",
    "lstm",
    "lstm_attention",
    "simple_rnn",
]
