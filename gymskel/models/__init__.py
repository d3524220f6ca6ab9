"""Clips -> class probabilities: builders of plain keras.Models, named after their architecture."""

from gymskel.models.builders import PUBLISHED, conv_gru, hierarchical_rnn, lstm, lstm_attention, simple_rnn
from gymskel.models.layers import (
    AttentionPooling,
    Bones,
    Change,
    EveryNth,
    PoolFrames,
    RelativeToRoot,
    TakeJoints,
    WithVelocity,
    ZeroBehindMask,
)

BUILDERS = {
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "hierarchical_rnn": hierarchical_rnn,
    "lstm_attention": lstm_attention,
    "conv_gru": conv_gru,
}

__all__ = [
    "BUILDERS",
    "PUBLISHED",
    "AttentionPooling",
    "Bones",
    "Change",
    "EveryNth",
    "PoolFrames",
    "RelativeToRoot",
    "TakeJoints",
    "WithVelocity",
    "ZeroBehindMask",
    "conv_gru",
    "hierarchical_rnn",
    "lstm",
    "lstm_attention",
    "simple_rnn",
]
