"""Kernels of one layer for several parts of the body, in which no part sees the values of another.

A recurrent layer takes about the same time for one part as for five, so the parts of a level share one plain Keras layer.
Its kernels are block-diagonal: an initializer draws them so, and a constraint keeps them so after every training step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def block_mask(rows: Sequence[int], columns: Sequence[int], repeats: int = 1) -> np.ndarray:
    """Return (sum(rows), repeats * sum(columns)) float32, 1 where the rows of a block meet its own columns.

    >>> block_mask([2, 1], [1, 1]).tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    row, column = np.repeat(np.arange(len(rows)), rows), np.repeat(np.arange(len(columns)), columns)
    return np.tile(np.float32(row[:, None] == column), repeats)


class _Blocks:
    """Arguments of the initializer and the constraint.

    Args:
        rows: number of inputs of each block.
        columns: number of outputs of each block.
        repeats: number of kernels side by side: 4 for the gates of an LSTM, 3 for those of a GRU.
    """

    def __init__(self, rows: Sequence[int], columns: Sequence[int], repeats: int = 1) -> None:
        self.rows, self.columns, self.repeats = list(map(int, rows)), list(map(int, columns)), int(repeats)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as plain values."""
        return {"rows": self.rows, "columns": self.columns, "repeats": self.repeats}


@keras.saving.register_keras_serializable(package="gymskel")
class KeepBlocks(_Blocks, keras.constraints.Constraint):
    """Sets a kernel (..., sum(rows), repeats * sum(columns)) to 0 outside its blocks."""

    def __call__(self, kernel: Any) -> Any:
        """Return the kernel with 0 outside its blocks."""
        return kernel * ops.cast(block_mask(self.rows, self.columns, self.repeats), kernel.dtype)


@keras.saving.register_keras_serializable(package="gymskel")
class DrawBlocks(_Blocks, keras.initializers.Initializer):
    """Draws each block as a separate layer would; 0 outside the blocks.

    Args:
        base: "glorot_uniform" or "orthogonal".
    """

    def __init__(
        self, rows: Sequence[int], columns: Sequence[int], repeats: int = 1, base: str = "glorot_uniform"
    ) -> None:
        super().__init__(rows, columns, repeats)
        self.base = base

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return a kernel of this shape."""
        kernel = np.zeros(shape, np.float32)
        for repeat in range(self.repeats):
            row, column = 0, repeat * sum(self.columns)
            for height, width in zip(self.rows, self.columns, strict=True):
                if height:  # a new initializer for each block: one initializer draws the same values again
                    block = keras.initializers.get(self.base)((*shape[:-2], height, width))
                    kernel[..., row : row + height, column : column + width] = ops.convert_to_numpy(block)
                row, column = row + height, column + width
        return ops.convert_to_tensor(kernel, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as plain values."""
        return {**super().get_config(), "base": self.base}


def block_arguments(rows: Sequence[int], columns: Sequence[int], repeats: int = 1) -> dict[str, Any]:
    """Return arguments that keep parts apart in the kernel of a Dense, convolution or recurrent layer; {} for one part."""
    if len(rows) == 1:
        return {}
    return {
        "kernel_initializer": DrawBlocks(rows, columns, repeats),
        "kernel_constraint": KeepBlocks(rows, columns, repeats),
    }
