"""One layer for several parts of the body: kernels that let no part see another's values.

A scan over the frames costs much the same for one part as for five, so the parts of a level share one. Their kernels are
block-diagonal: drawn so, and brought back to it after every step of the optimizer. The layers stay plain Keras layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def block_mask(rows: Sequence[int], columns: Sequence[int], repeats: int = 1) -> np.ndarray:
    """(sum(rows), repeats * sum(columns)) float32, 1 where a block's rows meet its own columns.

    >>> block_mask([2, 1], [1, 1]).tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    row, column = np.repeat(np.arange(len(rows)), rows), np.repeat(np.arange(len(columns)), columns)
    return np.tile(np.float32(row[:, None] == column), repeats)


class _Blocks:
    """What initializer and constraint have in common.

    Args:
        rows: values that each block takes.
        columns: values that each block gives.
        repeats: how often all columns stand beside each other: 4 for the gates of an LSTM, 3 for a GRU's.
    """

    def __init__(self, rows: Sequence[int], columns: Sequence[int], repeats: int = 1) -> None:
        self.rows, self.columns, self.repeats = list(map(int, rows)), list(map(int, columns)), int(repeats)

    def get_config(self) -> dict[str, Any]:
        """Plain values."""
        return {"rows": self.rows, "columns": self.columns, "repeats": self.repeats}


@keras.saving.register_keras_serializable(package="gymskel")
class KeepBlocks(_Blocks, keras.constraints.Constraint):
    """Sets a kernel (..., sum(rows), repeats * sum(columns)) to 0 outside its blocks."""

    def __call__(self, kernel: Any) -> Any:
        """The kernel with 0 outside its blocks."""
        return kernel * ops.cast(block_mask(self.rows, self.columns, self.repeats), kernel.dtype)


@keras.saving.register_keras_serializable(package="gymskel")
class DrawBlocks(_Blocks, keras.initializers.Initializer):
    """Draws each block as a layer of its own would; 0 outside the blocks.

    Args:
        base: "glorot_uniform" or "orthogonal".
    """

    def __init__(
        self, rows: Sequence[int], columns: Sequence[int], repeats: int = 1, base: str = "glorot_uniform"
    ) -> None:
        super().__init__(rows, columns, repeats)
        self.base = base

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A kernel of this shape, each of its blocks drawn by itself."""
        kernel = np.zeros(shape, np.float32)
        for repeat in range(self.repeats):
            row, column = 0, repeat * sum(self.columns)
            for high, wide in zip(self.rows, self.columns, strict=True):
                if high:  # a fresh initializer each: one that was asked before answers the same
                    block = keras.initializers.get(self.base)((*shape[:-2], high, wide))
                    kernel[..., row : row + high, column : column + wide] = ops.convert_to_numpy(block)
                row, column = row + high, column + wide
        return ops.convert_to_tensor(kernel, dtype)

    def get_config(self) -> dict[str, Any]:
        """Plain values."""
        return {**super().get_config(), "base": self.base}
