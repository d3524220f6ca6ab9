"""What each layer of a model did in every frame: arrays first, then the pictures that show them.

Layers are known by what they are (`keras.layers.LSTM`, `Bidirectional` ...), never by their names. A layer of your own
joins by saying for itself what it did, in any of these ways, always in the order of the frames:

- `return_sequences = True`: it has a state in every frame, so `recurrent_layers` lists it.
- `gates_of(sequence, mask)`, a method -> dict of (clips, frames, units): its gates, and its state as "state".
- `unit_parts`, the name of the part of the body for each unit: `body_levels` takes its states apart by them.
- `columns`, on a layer after it that takes some of its units, such as `TakeFeatures`: the taker's name is the part's.
- `weights_of(states, mask)`, a method -> (clips, frames) or (clips, frames, heads): how much each frame counts.
"""

from gymskel.activations.body_strips import draw_strips_with_skeleton
from gymskel.activations.levels import body_levels
from gymskel.activations.ranking import choose_units, rank_units
from gymskel.activations.recurrent_gates import gates
from gymskel.activations.states import (
    attention_weights,
    convolution_layers,
    frames_per_step,
    last_layer_states,
    layer_outputs,
    recurrent_layers,
)
from gymskel.activations.strips import draw_class_strips, draw_strips

__all__ = [
    "attention_weights",
    "body_levels",
    "choose_units",
    "convolution_layers",
    "draw_class_strips",
    "draw_strips",
    "draw_strips_with_skeleton",
    "frames_per_step",
    "gates",
    "layer_outputs",
    "rank_units",
    "recurrent_layers",
    "last_layer_states",
]
