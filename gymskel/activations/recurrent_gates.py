"""Gates and cell states, recomputed from a layer's weights frame by frame and checked against the layer itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.activations.states import inputs_of, layer_named, nan_behind_mask, what_it_got

if TYPE_CHECKING:
    import keras

    from gymskel.clips import Clips

_AGREEMENT = 1e-3
"""How far a state recomputed here may lie from the layer's own: float32, over some hundred frames."""


def gates(
    model: keras.Model,
    clips: Clips | Mapping[str, np.ndarray],
    layer: str,
    *,
    padding: bool = False,
    batch_size: int = 256,
) -> dict[str, np.ndarray]:
    """The gates of a recurrent layer in every frame, with the state they led to.

    - LSTM (Hochreiter and Schmidhuber 1997, with forget gate): "input", "forget", "output", "candidate", "cell",
      "state"; cell = forget * cell before + input * candidate, state = output * tanh(cell).
    - GRU (Cho et al. 2014): "update", "reset", "candidate", "state"; state = update * state before
      + (1 - update) * candidate.
    - SimpleRNN: "state".
    - `keras.layers.RNN` around one of their cells: the same. Bidirectional: the units that run forwards
      first, then those that run backwards. A layer of your own: what its `gates_of` says.

    Gates lie in [0, 1], candidates and states in [-1, 1] with the usual activations; a cell has no bounds.
    A layer that gives out its last state alone (`return_sequences=False`) is shown in every frame all the same.

    Args:
        model: a functional model with named layers.
        clips: Clips, or a dict of the model's inputs.
        layer: name of the layer.
        padding: keep what is behind the mask (the last state is held there). By default it is NaN there.
        batch_size: clips at a time.

    Returns:
        Name -> (clips, frames, units) float32, or (clips, steps, units) where the model has pooled its frames
        before; in the order of the frames, for a layer with `go_backwards` too.

    Raises:
        ValueError: no such layer, one without gates, one with an initial state or a kept state, or one whose own
            output differs from what its weights give (a cell of another kind).
    """
    found = layer_named(model, layer)
    inputs = inputs_of(model, clips)
    if not (hasattr(found, "gates_of") or _rnns(found)):
        raise ValueError(
            f"Layer {layer!r} ({type(found).__name__}) has no gates; expected SimpleRNN, LSTM, GRU, Bidirectional of "
            "these, or a layer with a method `gates_of`."
        )
    sequence, mask = what_it_got(model, inputs, found, batch_size)
    if hasattr(found, "gates_of"):
        shown = {name: np.asarray(v, np.float32) for name, v in found.gates_of(sequence, mask).items()}
    else:
        each = [_gates_of(rnn, sequence, mask, layer) for rnn in _rnns(found)]
        shown = {name: np.concatenate([one[name] for one in each], axis=-1) for name in each[0]}
    return shown if padding else {n: nan_behind_mask(v, inputs, layer, model) for n, v in shown.items()}


def _rnns(layer: Any) -> list[Any]:
    """The one recurrent layer, or the two of a Bidirectional; none where its cell is not known."""
    import keras

    both = isinstance(layer, keras.layers.Bidirectional)
    rnns = [layer.forward_layer, layer.backward_layer] if both else [layer]
    return rnns if all(_kind(rnn) for rnn in rnns) else []


def _kind(rnn: Any) -> Callable | None:
    import keras

    kinds = {
        keras.layers.LSTMCell: _lstm_frame,
        keras.layers.GRUCell: _gru_frame,
        keras.layers.SimpleRNNCell: _simple_frame,
    }
    return next(
        (frame for kind, frame in kinds.items() if isinstance(getattr(rnn, "cell", None), kind)), None
    )


def _gates_of(rnn: Any, sequence: np.ndarray, mask: np.ndarray | None, name: str) -> dict[str, np.ndarray]:
    """One direction, frame by frame; a frame behind the mask leaves the state as it was."""
    import keras

    if rnn.stateful:
        raise ValueError(
            f"Layer {name!r} keeps its state between batches (stateful=True); its gates depend on them."
        )
    cell, frame_of = rnn.cell, _kind(rnn)
    clips, frames = sequence.shape[:2]
    given = sequence.astype(np.float32) @ _weight(cell.kernel)
    real = np.ones((clips, frames), bool) if mask is None else mask
    now = {"state": np.zeros((clips, cell.units), np.float32)}
    shown: dict[str, np.ndarray] = {}
    for frame in range(frames)[:: -1 if rnn.go_backwards else 1]:
        new = frame_of(cell, given[:, frame], now)
        before = {**{gate: np.zeros_like(value) for gate, value in new.items()}, **now}
        now = {gate: np.where(real[:, frame, None], value, before[gate]) for gate, value in new.items()}
        for gate, value in now.items():
            shown.setdefault(gate, np.empty((clips, frames, cell.units), np.float32))[:, frame] = value
    own = rnn(sequence, mask=mask, training=False)
    own = keras.ops.convert_to_numpy(own[0] if isinstance(own, (list, tuple)) else own)
    if rnn.return_sequences:
        own = own[:, ::-1] if rnn.go_backwards else own
        off = np.abs(own - shown["state"])[real]
    else:
        off = np.abs(own - shown["state"][:, 0 if rnn.go_backwards else -1])
    if off.max() > _AGREEMENT:
        raise ValueError(
            f"Layer {name!r} ({type(rnn).__name__} of {type(cell).__name__}) gives other states than its weights, by up to "
            f"{off.max():.2g}: a cell of another kind. Give the layer a method `gates_of(sequence, mask)`."
        )
    return shown


def _lstm_frame(cell: Any, given: np.ndarray, before: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = given + before["state"] @ _weight(cell.recurrent_kernel) + _bias(cell)
    i, f, c, o = np.split(values, 4, axis=-1)
    i, f, o = (_activated(cell.recurrent_activation, gate) for gate in (i, f, o))
    candidate = _activated(cell.activation, c)
    carry = f * before.get("cell", np.float32(0)) + i * candidate
    state = o * _activated(cell.activation, carry)
    return {"input": i, "forget": f, "output": o, "candidate": candidate, "cell": carry, "state": state}


def _gru_frame(cell: Any, given: np.ndarray, before: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    state, recurrent, units = before["state"], _weight(cell.recurrent_kernel), cell.units
    bias = np.broadcast_to(_bias(cell), (2, 3 * units) if cell.reset_after else (3 * units,))
    values = given + (bias[0] if cell.reset_after else bias)
    inner = state @ recurrent[:, : 2 * units] + (bias[1, : 2 * units] if cell.reset_after else 0)
    update, reset = np.split(
        _activated(cell.recurrent_activation, values[:, : 2 * units] + inner), 2, axis=-1
    )
    if cell.reset_after:  # as cuDNN has it: the reset gate comes after the matrix
        remembered = reset * (state @ recurrent[:, 2 * units :] + bias[1, 2 * units :])
    else:
        remembered = (reset * state) @ recurrent[:, 2 * units :]
    candidate = _activated(cell.activation, values[:, 2 * units :] + remembered)
    state = update * state + (1 - update) * candidate
    return {"update": update, "reset": reset, "candidate": candidate, "state": state}


def _simple_frame(cell: Any, given: np.ndarray, before: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = given + before["state"] @ _weight(cell.recurrent_kernel) + _bias(cell)
    return {"state": _activated(cell.activation, values)}


def _weight(variable: Any) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(variable).astype(np.float32)


def _bias(cell: Any) -> np.ndarray:
    return np.zeros(1, np.float32) if cell.bias is None else _weight(cell.bias)


def _activated(function: Any, values: np.ndarray) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(values)))
