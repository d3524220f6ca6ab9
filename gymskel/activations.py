"""What a named layer did in each frame: hidden states as arrays, and the strips that show them.

The strips are those of the gymnastics thesis (TalTech 2020, section 5.2 and appendix A.1): a row for each
neuron, a cell for each frame, pink through grey to green for states from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras
    from PIL import Image, ImageFont

    from gymskel.clips import Clips

_GREY, _WHITE, _BLACK = (128, 128, 128), (255, 255, 255), (0, 0, 0)
_ROUNDING = 1e-6
"""How far a float32 state may overshoot [-1, 1]."""


# --- states -----------------------------------------------------------------------------------------------


def recurrent_layers(model: keras.Model) -> list[str]:
    """Names of the layers whose state can be looked at in every frame, in the model's order.

    These are the recurrent layers (SimpleRNN, LSTM, GRU, Bidirectional ...) with `return_sequences=True`.
    """
    return [layer.name for layer in model.layers if getattr(layer, "return_sequences", False)]


def layer_outputs(
    model: keras.Model,
    clips: Clips | Mapping[str, np.ndarray],
    layer: str,
    *,
    padding: bool = False,
    batch_size: int = 256,
) -> np.ndarray:
    """What a layer gave out in every frame of every clip: the hidden states of a recurrent layer.

    The layer runs as in prediction (no dropout), once over each batch and without tracing a graph.

    Args:
        model: a functional model with named layers.
        clips: Clips, or a dict of the model's inputs, `keypoints` (clips, frames, joints, channels) and
            `mask` (clips, frames) bool.
        layer: name of the layer; `recurrent_layers` lists those that make sense.
        padding: keep what the layer gives out behind the mask. By default it is NaN there.
        batch_size: clips at a time.

    Returns:
        (clips, frames, units) float32, or (clips, steps, units) where the model has pooled its frames before (see
        `frames_a_step`); a Bidirectional layer has the units that run forwards first, then
        those that run backwards, both in the order of the frames. Of a layer that the model uses several
        times, the first use.

    Raises:
        ValueError: no such layer, one that gives out something else than (clips, frames, units), or an input
            is missing.
    """
    import keras

    inputs = clips if isinstance(clips, Mapping) else clips.inputs
    wanted = [tensor.name for tensor in model.inputs]
    missing = [name for name in wanted if name not in inputs]
    if missing:
        raise ValueError(
            f"`clips` lacks the inputs {missing} of model {model.name!r}; it has {list(inputs)}."
        )
    probe = keras.Model(model.inputs, _sequence(model, layer))
    arrays = [np.asarray(inputs[name]) for name in wanted]
    parts = [
        keras.ops.convert_to_numpy(probe([array[at : at + batch_size] for array in arrays], training=False))
        for at in range(0, len(arrays[0]), batch_size)
    ]
    if not parts:
        raise ValueError("`clips` holds no clip; expected at least one.")
    states = np.concatenate(parts).astype(np.float32)
    if "mask" in inputs:
        mask = np.asarray(inputs["mask"], bool)
        mask = mask[:, :: frames_a_step(mask.shape[1], states.shape[1])]
        if states.shape[:2] != mask.shape:
            raise ValueError(
                f"Layer {layer!r} gives out {states.shape[1]} steps for {inputs['mask'].shape[1]} frames; expected a "
                f"state in every frame, or every so many frames. {_looked_at(model)}"
            )
        if not padding:
            states[~mask] = np.nan
    return states


def frames_a_step(frames: int, steps: int) -> int:
    """How many frames of a clip are behind one step of a layer that pools them: 4 where 32 frames become 8 steps.

    Frames are pooled in pairs, and pairs of pairs; where that does not give so many steps the answer is 1.

    >>> frames_a_step(32, 8), frames_a_step(9, 3), frames_a_step(30, 30), frames_a_step(12, 10)
    (4, 4, 1, 1)
    """
    return next((size for size in (1, 2, 4, 8, 16) if -(-frames // size) == steps), 1)


def attention_weights(
    model: keras.Model, clips: Clips | Mapping[str, np.ndarray], layer: str = "attention"
) -> np.ndarray:
    """(clips, frames) float32: how much each frame counts in the pooled state of an `AttentionPooling` layer.

    The weights of a clip sum to 1; frames behind the mask are NaN. See `visualize.plot_attention`.

    Raises:
        ValueError: the model has no such layer.
    """
    found = {one.name: one for one in model.layers if hasattr(one, "weights_of")}
    if layer not in found:
        raise ValueError(
            f"{model.name} has no attention layer `{layer}`; it has {', '.join(found) or 'none'}."
        )
    inputs = clips if isinstance(clips, Mapping) else clips.inputs
    states = layer_outputs(model, clips, _before(found[layer]), padding=True)
    mask = np.asarray(inputs["mask"], bool)
    mask = mask[:, :: frames_a_step(mask.shape[1], states.shape[1])]
    weights = np.asarray(found[layer].weights_of(states, mask), np.float32)
    return np.where(mask, weights, np.nan).astype(np.float32)


def _before(layer: Any) -> str:
    """Name of the layer whose output a layer takes."""
    taken = layer.input[0] if isinstance(layer.input, list) else layer.input
    return taken._keras_history.operation.name


def _sequence(model: keras.Model, name: str) -> Any:
    """The symbolic (clips, frames, units) output of a layer."""
    layers = {layer.name: layer for layer in model.layers}
    if name not in layers:
        raise ValueError(f"Model {model.name!r} has no layer {name!r}. {_looked_at(model)}")
    try:
        output = layers[name].output
    except AttributeError:
        raise ValueError(
            f"Layer {name!r} of model {model.name!r} has no symbolic output; expected a functional model."
        ) from None
    if isinstance(output, (list, tuple)):  # return_state=True: the sequence comes first
        output = output[0]
    if len(output.shape) != 3:
        shape = ", ".join("?" if size is None else str(size) for size in output.shape)
        hint = " Build it with return_sequences=True." if hasattr(layers[name], "return_sequences") else ""
        raise ValueError(
            f"Layer {name!r} gives out ({shape}); expected (clips, frames, units).{hint} {_looked_at(model)}"
        )
    return output


def _looked_at(model: keras.Model) -> str:
    names = recurrent_layers(model)
    return (
        f"Its recurrent layers: {', '.join(names)}."
        if names
        else "It has no recurrent layer with return_sequences."
    )


# --- strips -----------------------------------------------------------------------------------------------


def draw_strips(states: np.ndarray, *, steps_per_line: int = 30, cell: int = 25, gap: int = 5) -> Image.Image:
    """One clip's states as an image: a row a neuron, a cell a frame, the frames' numbers above.

    The published rule (thesis, appendix A.1): s = (v + 1) / 2 for a state v; red 255 (1 - s), green 255 s,
    blue 128, each cut to a whole number. So -1 is pink, 0 grey and 1 green, and green is also the lighter
    end. The grey row above the neurons numbers the frames from 0; 30 of them make a line, half a second
    at 60 fps.

    Args:
        states: (frames, units) in [-1, 1]. Frames of NaN at the end are behind the mask: the strip
            ends before them.
        steps_per_line: frames before a new line starts.
        cell: side of a cell in pixels; nearest neighbour, nothing is blended. Numbers that do not fit into
            the cell are thinned out.
        gap: white pixels between lines; a neuron near 0 is grey too and would run into the next numbers.

    Returns:
        RGB image, min(frames, steps_per_line) cells wide; line k starts `k * ((units + 1) * cell + gap)`
        pixels down. Behind the end of the last line it is white.

    Raises:
        ValueError: states of another shape, outside [-1, 1] (a ReLU layer: scale them first), or NaN before
            the end.

    >>> image = draw_strips(np.array([[-1.0], [0.0], [1.0]]))
    >>> image.size, [image.getpixel((25 * frame + 12, 37)) for frame in range(3)]
    ((75, 50), [(255, 0, 128), (127, 127, 128), (0, 255, 128)])
    """
    from PIL import Image, ImageDraw

    _check_sizes(gap, steps_per_line=steps_per_line, cell=cell)
    colours = _colours(_before_end(states, "`states`"))
    frames, units = colours.shape[:2]
    starts = range(0, frames, steps_per_line)
    height = (units + 1) * cell
    image = Image.new("RGB", (min(frames, steps_per_line) * cell, len(starts) * (height + gap) - gap), _WHITE)
    pen = ImageDraw.Draw(image)
    font, every = _number_font(frames - 1, cell)
    for line, start in enumerate(starts):
        steps = colours[start : start + steps_per_line]
        top = line * (height + gap)
        pen.rectangle((0, top, len(steps) * cell - 1, top + cell - 1), fill=_GREY)
        image.paste(_cells(steps, cell, cell), (0, top + cell))
        for step in range(0, len(steps), every):
            number = str(start + step)
            if step * cell + font.getlength(number) <= len(steps) * cell:
                pen.text((step * cell, top), number, font=font, fill=_WHITE)
    return image


def draw_class_strips(
    states: np.ndarray | Sequence[np.ndarray],
    *,
    titles: Iterable[str] | None = None,
    cell: int = 10,
    steps_per_tick: int = 30,
    gap: int = 4,
) -> Image.Image:
    """The strips of many clips below each other, for instance all of one class (thesis, fig. 5.11).

    Time runs to the right and starts for all clips at the same place; in each clip the neurons come in
    the same order. A clip ends where it ends: behind it the image is white.

    Args:
        states: (clips, frames, units), or a list of (frames, units); in [-1, 1], NaN behind the mask.
        titles: a name for each clip, written to its left, e.g. `clips.sources`.
        cell: side of a cell in pixels.
        steps_per_tick: frames between the numbers of the grey row on top.
        gap: white pixels between clips.

    Returns:
        RGB image; the colours are those of `draw_strips`.

    Raises:
        ValueError: no clips, clips that differ in units, more or fewer titles than clips, or states that
            `draw_strips` would refuse.
    """
    from PIL import Image, ImageDraw

    _check_sizes(gap, cell=cell, steps_per_tick=steps_per_tick)
    clips = [_colours(_before_end(clip, f"clip {i}"), f"clip {i}") for i, clip in enumerate(states)]
    units = sorted({clip.shape[1] for clip in clips})
    if not clips:
        raise ValueError("`states` holds no clip; expected at least one (frames, units).")
    if len(units) != 1:
        raise ValueError(f"`states` must be clips of one layer, with as many units each; got units {units}.")
    names = [""] * len(clips) if titles is None else [str(title) for title in titles]
    if len(names) != len(clips):
        raise ValueError(f"`titles` must name {len(clips)} clips, got {len(names)}.")
    height, frames = units[0] * cell, max(map(len, clips))
    font = _font(max(10, min(14, height)))
    row_height = height if titles is None else max(height, _text_height(font))
    left = 0 if titles is None else max(round(font.getlength(name)) for name in names) + 8
    top = _text_height(font) + 4
    size = (left + frames * cell, top + len(clips) * (row_height + gap))
    image = Image.new("RGB", size, _WHITE)
    pen = ImageDraw.Draw(image)
    pen.rectangle((left, 0, size[0] - 1, top - 1), fill=_GREY)
    for step in range(0, frames, steps_per_tick):
        at = left + step * cell
        pen.line((at, 0, at, top - 1), fill=_WHITE)
        if at + 3 + font.getlength(str(step)) <= size[0]:
            pen.text((at + 3, top // 2), str(step), font=font, fill=_WHITE, anchor="lm")
    for row, (colours, name) in enumerate(zip(clips, names, strict=True)):
        middle = top + gap + row * (row_height + gap) + row_height // 2
        image.paste(_cells(colours, cell, cell), (left, middle - height // 2))
        pen.text((left - 6, middle), name, font=font, fill=_BLACK, anchor="rm")
    return image


def _before_end(states: np.ndarray, which: str) -> np.ndarray:
    """(frames, units) up to the first of the trailing frames of NaN."""
    states = np.asarray(states)
    if states.ndim != 2 or not states.shape[1]:
        raise ValueError(f"{which} must be (frames, units) of one clip, got {states.shape}.")
    if not np.issubdtype(states.dtype, np.floating):
        states = states.astype(np.float64)
    real = np.flatnonzero(~np.isnan(states).all(axis=1))
    if not len(real):
        raise ValueError(f"{which} has no frame that is not NaN; expected states in [-1, 1].")
    return states[: real[-1] + 1]


def _colours(states: np.ndarray, which: str = "`states`") -> np.ndarray:
    """(frames, units, 3) uint8 by the rule of the thesis, in the precision of the states."""
    if np.isnan(states).any():
        frame, unit = np.argwhere(np.isnan(states))[0]
        raise ValueError(
            f"{which}: unit {unit} is NaN in frame {frame}, before the end; only padding is NaN."
        )
    if np.abs(states).max() > 1 + _ROUNDING:
        raise ValueError(
            f"{which} must lie in [-1, 1], got {states.min():.3g} to {states.max():.3g}. States of "
            "another range (ReLU, merged layers) are drawn as states / np.nanmax(np.abs(states))."
        )
    scores = (np.clip(states, -1, 1) + 1) / 2
    colours = np.full((*states.shape, 3), 128, np.uint8)
    colours[..., 0] = 255 * (1 - scores)
    colours[..., 1] = 255 * scores
    return colours


def _cells(colours: np.ndarray, width: int, height: int) -> Image.Image:
    """An image with a neuron a row and a frame a column, each cell of one colour."""
    from PIL import Image

    return Image.fromarray(np.kron(colours.swapaxes(0, 1), np.ones((height, width, 1), np.uint8)))


def _number_font(largest: int, cell: int) -> tuple[Any, int]:
    """A font whose numbers fit into a cell, and how many steps apart they must be written if none does."""
    widest = "0" * len(str(largest))
    for size in range(min(15, cell), 8, -1):
        font = _font(size)
        if font.getlength(widest) <= cell - 2 and _text_height(font) <= cell:
            return font, 1
    font = _font(min(9, max(cell, 1)))
    return font, -(-int(font.getlength(widest) + 2) // cell)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _text_height(font: Any) -> int:
    return round(font.getbbox("0y")[3])


def _check_sizes(gap: int, **sizes: int) -> None:
    for name, size, least in (("gap", gap, 0), *((name, size, 1) for name, size in sizes.items())):
        if not isinstance(size, (int, np.integer)) or size < least:
            raise ValueError(f"`{name}` must be a whole number of at least {least}, got {size!r}.")
