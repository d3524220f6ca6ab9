"""States of each layer in every frame: first as arrays, then as pictures.

Layers are recognised by their class (`keras.layers.LSTM`, `Bidirectional` ...), never by their names. A layer of your
own takes part if it has any of these members; their values are always in the order of the frames:

- `return_sequences = True`: it has a state in every frame, so `recurrent_layers` lists it.
- `gates_of(sequence, mask)`, a method -> dict of (clips, frames, units): its gates, and its state as "state".
- `unit_parts`, the part of the body of each unit: `body_levels` separates its states by them.
- `columns`, on a later layer that takes some of its units, such as `TakeFeatures`: that layer names the part.
- `weights_of(states, mask)`, a method -> (clips, frames) or (clips, frames, heads): the weight of each frame.

states.py           layers of a model, their outputs, attention
recurrent_gates.py  gates and cell states, recomputed from the weights
levels.py           states of a hierarchical model, by level and part of the body
ranking.py          units that differ between classes
strips.py           states as coloured cells
body_strips.py      the same below the moving body, with title, time and legend
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
