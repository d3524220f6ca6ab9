"""Gates and cell states, recomputed from a layer's weights frame by frame and checked against the layer itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.activations.states import layer_input, layer_named, model_inputs, nan_behind_mask

if TYPE_CHECKING:
    import keras

    from gymskel.clips import Clips

CellStep = Callable[[Any, np.ndarray, dict[str, np.ndarray]], dict[str, np.ndarray]]
"""Cell, (clips, units) input times kernel, values of the frame before -> values of this frame."""
_AGREEMENT = 1e-3
"""Largest difference of a recomputed state from the layer's own: float32 over some hundred frames."""


def gates(
    model: keras.Model,
    clips: Clips | Mapping[str, np.ndarray],
    layer: str,
    *,
    padding: bool = False,
    batch_size: int = 256,
) -> dict[str, np.ndarray]:
    """Return the gates of a recurrent layer in every frame, and the state that follows from them.

    - LSTM (Hochreiter and Schmidhuber 1997, with forget gate): "input", "forget", "output", "candidate", "cell",
      "state"; cell = forget * cell before + input * candidate, state = output * tanh(cell).
    - GRU (Cho et al. 2014): "update", "reset", "candidate", "state"; state = update * state before
      + (1 - update) * candidate.
    - SimpleRNN: "state".
    - `keras.layers.RNN` around one of their cells: the same. Bidirectional: the forward units first, then the
      backward units. A layer of your own: the result of its `gates_of`.

    Gates lie in [0, 1], candidates and states in [-1, 1] with the usual activations; a cell has no bounds. A layer that
    returns its last state alone (`return_sequences=False`) has its gates in every frame as well.

    Args:
        model: a functional model with named layers.
        clips: Clips, or a dict of the model's inputs.
        layer: name of the layer.
        padding: keep the values behind the mask, where the last state is held; by default they are NaN.
        batch_size: clips at a time.

    Returns:
        Name -> (clips, frames, units) float32 in the order of the frames, also for a layer with `go_backwards`;
        (clips, steps, units) where the model pools its frames before the layer.

    Raises:
        ValueError: no such layer, one without gates, one with an initial state or a kept state, or one whose output
            differs from the recomputed states (an unknown cell).
    """
    recurrent = layer_named(model, layer)
    inputs = model_inputs(model, clips)
    directions = _directions(recurrent)
    if not (hasattr(recurrent, "gates_of") or directions):
        raise ValueError(
            f"Layer {layer!r} ({type(recurrent).__name__}) has no gates; expected SimpleRNN, LSTM, GRU, Bidirectional of "
            "these, or a layer with a method `gates_of`."
        )
    sequence, mask = layer_input(model, inputs, recurrent, batch_size)
    if hasattr(recurrent, "gates_of"):
        values = {name: np.asarray(v, np.float32) for name, v in recurrent.gates_of(sequence, mask).items()}
    else:
        by_direction = [_recomputed(rnn, step, sequence, mask, layer) for rnn, step in directions]
        values = {
            name: np.concatenate([one[name] for one in by_direction], axis=-1) for name in by_direction[0]
        }
    return values if padding else {n: nan_behind_mask(v, inputs, layer, model) for n, v in values.items()}


def _directions(layer: Any) -> list[tuple[Any, CellStep]]:
    """Return a recurrent layer, or the two of a Bidirectional, each with the step of its cell; [] for unknown cells."""
    import keras

    layers = keras.layers
    steps = {layers.LSTMCell: _lstm_step, layers.GRUCell: _gru_step, layers.SimpleRNNCell: _simple_step}
    both = isinstance(layer, layers.Bidirectional)
    rnns = [layer.forward_layer, layer.backward_layer] if both else [layer]
    known: list[tuple[Any, CellStep]] = [
        (rnn, s) for rnn in rnns for cell, s in steps.items() if isinstance(getattr(rnn, "cell", None), cell)
    ]
    return known if len(known) == len(rnns) else []


def _recomputed(
    rnn: Any, step: CellStep, sequence: np.ndarray, mask: np.ndarray | None, name: str
) -> dict[str, np.ndarray]:
    """Return the gates of one direction, computed frame by frame; behind the mask the state is held."""
    if rnn.stateful:
        raise ValueError(
            f"Layer {name!r} keeps its state between batches (stateful=True); its gates depend on them."
        )
    cell = rnn.cell
    clips, frames = sequence.shape[:2]
    driven = sequence.astype(np.float32) @ _weight(cell.kernel)
    real = np.ones((clips, frames), bool) if mask is None else mask
    now = {"state": np.zeros((clips, cell.units), np.float32)}
    gates_by_name: dict[str, np.ndarray] = {}
    for frame in range(frames)[:: -1 if rnn.go_backwards else 1]:
        new = step(cell, driven[:, frame], now)
        before = {**{gate: np.zeros_like(value) for gate, value in new.items()}, **now}
        now = {gate: np.where(real[:, frame, None], value, before[gate]) for gate, value in new.items()}
        for gate, value in now.items():
            values = gates_by_name.setdefault(gate, np.empty((clips, frames, cell.units), np.float32))
            values[:, frame] = value
    _check_agreement(rnn, gates_by_name["state"], sequence, mask, name)
    return gates_by_name


def _check_agreement(
    rnn: Any, states: np.ndarray, sequence: np.ndarray, mask: np.ndarray | None, name: str
) -> None:
    """Raise a ValueError if the layer's own output differs from the recomputed states."""
    import keras

    own = rnn(sequence, mask=mask, training=False)
    own = keras.ops.convert_to_numpy(own[0] if isinstance(own, (list, tuple)) else own)
    if rnn.return_sequences:
        own = own[:, ::-1] if rnn.go_backwards else own
        difference = np.abs(own - states)[... if mask is None else mask]
    else:
        difference = np.abs(own - states[:, 0 if rnn.go_backwards else -1])
    if difference.max() > _AGREEMENT:
        raise ValueError(
            f"Layer {name!r} ({type(rnn).__name__} of {type(rnn.cell).__name__}) gives other states than its weights, by up "
            f"to {difference.max():.2g}: an unknown cell. Fix: give the layer a method `gates_of(sequence, mask)`."
        )


def _lstm_step(cell: Any, driven: np.ndarray, before: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return gates, cell and state of an LSTM in one frame, each (clips, units)."""
    values = driven + before["state"] @ _weight(cell.recurrent_kernel) + _bias(cell)
    i, f, c, o = np.split(values, 4, axis=-1)
    i, f, o = (_activated(cell.recurrent_activation, gate) for gate in (i, f, o))
    candidate = _activated(cell.activation, c)
    carry = f * before.get("cell", np.float32(0)) + i * candidate
    state = o * _activated(cell.activation, carry)
    return {"input": i, "forget": f, "output": o, "candidate": candidate, "cell": carry, "state": state}


def _gru_step(cell: Any, driven: np.ndarray, before: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return gates and state of a GRU in one frame, each (clips, units)."""
    state, recurrent, units = before["state"], _weight(cell.recurrent_kernel), cell.units
    bias = np.broadcast_to(_bias(cell), (2, 3 * units) if cell.reset_after else (3 * units,))
    values = driven + (bias[0] if cell.reset_after else bias)
    inner = state @ recurrent[:, : 2 * units] + (bias[1, : 2 * units] if cell.reset_after else 0)
    update, reset = np.split(
        _activated(cell.recurrent_activation, values[:, : 2 * units] + inner), 2, axis=-1
    )
    if cell.reset_after:  # as in cuDNN: the reset gate follows the matrix product
        remembered = reset * (state @ recurrent[:, 2 * units :] + bias[1, 2 * units :])
    else:
        remembered = (reset * state) @ recurrent[:, 2 * units :]
    candidate = _activated(cell.activation, values[:, 2 * units :] + remembered)
    state = update * state + (1 - update) * candidate
    return {"update": update, "reset": reset, "candidate": candidate, "state": state}


def _simple_step(cell: Any, driven: np.ndarray, before: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the state of a SimpleRNN in one frame, (clips, units)."""
    values = driven + before["state"] @ _weight(cell.recurrent_kernel) + _bias(cell)
    return {"state": _activated(cell.activation, values)}


def _weight(variable: Any) -> np.ndarray:
    """Return a variable as float32."""
    import keras

    return keras.ops.convert_to_numpy(variable).astype(np.float32)


def _bias(cell: Any) -> np.ndarray:
    """Return the bias of a cell, or a single 0 where it has none."""
    return np.zeros(1, np.float32) if cell.bias is None else _weight(cell.bias)


def _activated(function: Any, values: np.ndarray) -> np.ndarray:
    """Return a Keras activation of an array."""
    import keras

    return keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(values)))
