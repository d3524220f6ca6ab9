"""Layers that Keras does not have. All of them respect the mask and can be loaded in safe mode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops


class _Layer(keras.layers.Layer):
    """Layer that takes a mask and keeps the shape of its input, unless it overrides that."""

    settings: tuple[str, ...] = ()  # arguments, which are attributes too and stand in the file of a model

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in self.settings}}


@keras.saving.register_keras_serializable(package="gymskel")
class TakeJoints(_Layer):
    """(clips, frames, joints, channels) -> (clips, frames, len(joints) * channels): joints by index, flattened."""

    settings = ("joints",)

    def __init__(self, joints: Iterable[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.joints = [int(joint) for joint in joints]

    def call(self, keypoints: Any) -> Any:
        taken = ops.take(keypoints, self.joints, axis=2)
        frames, channels = ops.shape(keypoints)[1], keypoints.shape[-1]
        return ops.reshape(taken, (-1, frames, len(self.joints) * channels))

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:2], len(self.joints) * shape[-1])


@keras.saving.register_keras_serializable(package="gymskel")
class TakeFeatures(_Layer):
    """(clips, frames, values) -> (clips, frames, len(columns)): values by index, in this order."""

    settings = ("columns",)

    def __init__(self, columns: Iterable[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = [int(column) for column in columns]

    def call(self, values: Any) -> Any:
        return ops.take(values, self.columns, axis=-1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:-1], len(self.columns))


@keras.saving.register_keras_serializable(package="gymskel")
class RelativeToRoot(_Layer):
    """(clips, frames, joints, channels) -> the same: joints relative to the root in each frame.

    The root itself, which would be 0, keeps its position times `travel`. So pose and travel of the body are separate,
    and no information is lost. Channels other than x and y stay as they are.

    Args:
        root: index of the root.
        travel: factor on the position of the root, whose values are larger than those of the pose.
    """

    settings = ("root", "travel")

    def __init__(self, root: int, travel: float = 0.2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.root, self.travel = int(root), float(travel)

    def call(self, keypoints: Any) -> Any:
        root = self.root
        position = keypoints[:, :, root : root + 1, :2]
        pose = keypoints[..., :2] - position
        pose = ops.concatenate([pose[:, :, :root], self.travel * position, pose[:, :, root + 1 :]], axis=2)
        return ops.concatenate([pose, keypoints[..., 2:]], axis=-1)


def _change(features: Any, step: int, gain: float) -> Any:
    """Return `gain` times the mean change per frame over the last `step` frames; 0 in the first `step` frames."""
    before = ops.pad(features, [[0, 0], [step, 0], [0, 0]])[:, :-step]
    known = ops.arange(ops.shape(features)[1])[:, None] >= step
    return ops.where(known, (gain / step) * (features - before), ops.zeros_like(features))


@keras.saving.register_keras_serializable(package="gymskel")
class Change(_Layer):
    """(clips, frames, features) -> the same: mean change per frame over the last `step` frames; 0 in the first `step` frames.

    Args:
        step: frames over which the change is taken: 1 = fast motion, 4 = slow.
        gain: factor on the change, whose values are smaller than those of the positions.
    """

    settings = ("step", "gain")

    def __init__(self, step: int = 1, gain: float = 10.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step, self.gain = int(step), float(gain)

    def call(self, features: Any) -> Any:
        return _change(features, self.step, self.gain)


@keras.saving.register_keras_serializable(package="gymskel")
class WithVelocity(_Layer):
    """(clips, frames, features) -> (clips, frames, (1 + len(steps)) * features): with their mean change per frame.

    The change over each number of frames in `steps` is appended; it is 0 in the first frames, where it is unknown.
    No frame behind a right-padded mask changes a frame before it.

    Args:
        gain: factor on the change, whose values are smaller than those of the positions.
        steps: frames over which the change is taken, e.g. (1, 4): fast and slow.
    """

    settings = ("gain", "steps")

    def __init__(self, gain: float = 10.0, steps: Iterable[int] = (1,), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gain, self.steps = float(gain), [int(step) for step in steps]

    def call(self, features: Any) -> Any:
        changes = (_change(features, step, self.gain) for step in self.steps)
        return ops.concatenate([features, *changes], axis=-1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:-1], (1 + len(self.steps)) * shape[-1])


@keras.saving.register_keras_serializable(package="gymskel")
class Bones(_Layer):
    """(clips, frames, joints, channels) -> (clips, frames, 2 * bones): x and y from joint `inner` to joint `outer` of each bone."""

    settings = ("inner", "outer")

    def __init__(self, inner: Iterable[int], outer: Iterable[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner, self.outer = [int(row) for row in inner], [int(row) for row in outer]

    def call(self, keypoints: Any) -> Any:
        xy = keypoints[..., :2]
        bones = ops.take(xy, self.outer, axis=2) - ops.take(xy, self.inner, axis=2)
        return ops.reshape(bones, (-1, ops.shape(keypoints)[1], 2 * len(self.inner)))

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:2], 2 * len(self.inner))


@keras.saving.register_keras_serializable(package="gymskel")
class Distances(_Layer):
    """(clips, frames, joints, channels) -> (clips, frames, pairs): distance between each pair of joints, from x and y.

    Yang et al. 2019, eq. 1. The distances do not change when the body turns or moves.
    """

    def call(self, keypoints: Any) -> Any:
        first, second = np.triu_indices(keypoints.shape[2], 1)
        xy = keypoints[..., :2]
        difference = ops.take(xy, second, axis=2) - ops.take(xy, first, axis=2)
        epsilon = 1e-7 if self.compute_dtype == "float16" else 1e-12  # the square root has no gradient at 0
        return ops.sqrt(ops.sum(difference**2, axis=-1) + epsilon)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:2], shape[2] * (shape[2] - 1) // 2)


@keras.saving.register_keras_serializable(package="gymskel")
class PoolFrames(_Layer):
    """(clips, frames, values) -> (clips, frames / size rounded up, values): the largest value of each `size` frames.

    Frames behind the mask never count; if all of them lie behind it, the result is 0. The mask of the result is that of
    each first frame, see `EveryNth`.
    """

    settings = ("size",)

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = int(size)

    def call(self, values: Any, mask: Any = None) -> Any:
        least = -1e4  # finite in float16 too
        if mask is not None:
            values = ops.where(mask[..., None], values, least)
        frames, width = ops.shape(values)[1], values.shape[-1]
        missing = (self.size - frames % self.size) % self.size  # no negative number: ONNX rounds towards 0
        values = ops.pad(values, [[0, 0], [0, missing], [0, 0]], constant_values=least)
        pooled = ops.max(ops.reshape(values, (-1, (frames + missing) // self.size, self.size, width)), axis=2)
        return ops.where(pooled <= least, 0.0, pooled)

    def compute_mask(self, values: Any, mask: Any = None) -> Any:
        return None if mask is None else mask[:, :: self.size]

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], None if shape[1] is None else -(-shape[1] // self.size), shape[2])


@keras.saving.register_keras_serializable(package="gymskel")
class LargestOfFrames(_Layer):
    """(clips, frames, values) -> (clips, values): the largest value over the frames of the mask."""

    def call(self, values: Any, mask: Any = None) -> Any:
        if mask is not None:
            values = ops.where(mask[..., None], values, -1e4)  # finite in float16 too
        return ops.max(values, axis=1)

    def compute_mask(self, values: Any, mask: Any = None) -> None:
        return None

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], shape[2])


@keras.saving.register_keras_serializable(package="gymskel")
class EveryNth(keras.layers.Layer):
    """(clips, frames ...) -> (clips, frames / size rounded up ...): the first of each `size` frames.

    Applied to a mask, it gives the mask of the frames that `PoolFrames` makes.
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = int(size)

    def call(self, real: Any) -> Any:
        return real[:, :: self.size]

    def compute_output_spec(self, real: Any) -> Any:
        clips, frames, *rest = real.shape
        frames = None if frames is None else -(-frames // self.size)
        return keras.KerasTensor((clips, frames, *rest), dtype=real.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="gymskel")
class ZeroBehindMask(_Layer):
    """(clips, frames, values) -> the same, 0 behind the mask.

    Used before a convolution over the frames, so that the padding never changes a frame of the clip.
    """

    def call(self, values: Any, mask: Any = None) -> Any:
        return values if mask is None else ops.where(mask[..., None], values, ops.zeros_like(values))

    def compute_mask(self, values: Any, mask: Any = None) -> None:
        return None


@keras.saving.register_keras_serializable(package="gymskel")
class AttentionPooling(_Layer):
    """(clips, frames, units) -> (clips, heads * units): mean over the frames, weighted by additive attention.

    Zhang et al., eq. 9-11: b_i = V^T tanh(W h' + U h_i + b), a = softmax(b), v = sum_i a_i h_i, with a learned
    h'. Because W h' + b is one learned vector, the layer stores that vector, `query`, instead of W, h' and b.
    Frames behind the mask get weight 0. Several heads share U and the query and differ in V.

    Args:
        units: size of the space in which the query is added to the frames.
        heads: number of means, each with weights of its own.
    """

    settings = ("units", "heads")

    def __init__(self, units: int = 32, heads: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.heads = int(units), int(heads)

    def build(self, shape: tuple) -> None:
        self.kernel = self.add_weight((shape[-1], self.units), "glorot_uniform", name="kernel")
        self.query = self.add_weight((self.units,), "zeros", name="query")
        self.score = self.add_weight((self.units, self.heads), "glorot_uniform", name="score")

    def weights_of(self, states: Any, mask: Any = None) -> Any:
        """Return the attention (clips, frames), which sums to 1 over the frames; for several heads (clips, frames, heads)."""
        weights = self._weights(states, mask)
        return weights[..., 0] if self.heads == 1 else weights

    def _weights(self, states: Any, mask: Any) -> Any:
        score = ops.matmul(ops.tanh(ops.matmul(states, self.kernel) + self.query), self.score)
        if mask is not None:
            score = ops.where(mask[..., None], score, -30_000.0)  # also finite in float16
        weights = ops.exp(
            score - ops.max(score, axis=1, keepdims=True)
        )  # softmax warns for clips of one frame
        return weights / ops.sum(weights, axis=1, keepdims=True)

    def call(self, states: Any, mask: Any = None) -> Any:
        means = ops.matmul(ops.swapaxes(self._weights(states, mask), 1, 2), states)
        return ops.reshape(means, (-1, self.heads * states.shape[-1]))

    def compute_mask(self, states: Any, mask: Any = None) -> None:
        return None

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], self.heads * shape[-1])
