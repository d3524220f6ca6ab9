"""Pickles of numpy arrays and plain containers, read without running code in them.

A pickle is a program: `pickle.load` calls whatever it names. Here every name is looked up in one short table, whose
entries build arrays from bytes and do nothing else; numpy's own reconstruction is not called.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np

_DTYPE_KINDS = "biufSU"  # numbers and texts, as numpy abbreviates them


def load_plain(path: str | Path) -> Any:
    """Return the content of a pickle of plain values, containers and numpy arrays; for the arrays call `unwrap_array`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the pickle names anything else, which is not run; it is damaged or cut off.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "some.pkl")
    ...     _ = path.write_bytes(pickle.dumps({"x": np.arange(3)}))
    ...     unwrap_array(load_plain(path)["x"])
    array([0, 1, 2])
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No pickle {path}.")
    content = io.BytesIO(path.read_bytes())  # from memory: a false length then takes no memory
    try:
        return _PlainUnpickler(content).load()
    except _RefusedError as error:
        raise ValueError(
            f"{path} wants to run {error}: refused, as a pickle can run any code. "
            "Fix: write it again with numpy arrays and plain containers only."
        ) from None
    except Exception as error:  # a damaged pickle raises any error
        raise ValueError(f"{path} is no pickle of arrays, damaged or cut off: {error!r:.200}") from None


def unwrap_array(value: Any) -> Any:
    """Return the numpy array of a `PickledArray`, and any other value unchanged."""
    return value.array if isinstance(value, PickledArray) else value


class PickledArray:
    """An array in a pickle, built from its bytes."""

    def __init__(self, array: Any = None) -> None:
        self.array = array

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_by_column, raw = state
        self.array = _array_from_bytes(raw, dtype, shape, "F" if is_by_column else "C")


class _PickledDtype:
    """A dtype in a pickle."""

    def __init__(self, text: str, *_: Any) -> None:
        self.dtype: np.dtype[Any] = np.dtype(text)
        if self.dtype.kind not in _DTYPE_KINDS or self.dtype.names or self.dtype.subdtype:
            raise pickle.UnpicklingError(f"an array of {text!r}; only numbers and texts are read")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder({"|": "="}.get(state[1], state[1]))


class _RefusedError(Exception):
    """A name that is not in the table."""


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that only knows the names in `_NAMES`."""

    def find_class(self, module: str, name: str) -> Any:
        # numpy.core before numpy 2, __builtin__ in pickles as Python 2 wrote them
        place = re.sub(r"^numpy\._?core\.", "numpy.", module).replace("__builtin__", "builtins")
        if (place, name) not in _NAMES:
            raise _RefusedError(f"{module}.{name}")
        return _NAMES[place, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _RefusedError(f"a loader of its own ({pid!r:.80})")


def _array_from_bytes(raw: Any, kind: _PickledDtype, shape: Any, order: Literal["C", "F"]) -> np.ndarray:
    """Return an array of its bytes, which are a text in protocol 2."""
    dtype = kind.dtype
    raw = raw.encode("latin1") if isinstance(raw, str) else raw
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(raw, (bytes, bytearray)) or len(raw) != math.prod(shape) * dtype.itemsize:
        raise pickle.UnpicklingError(f"an array {shape} of {dtype} does not have its bytes")
    return np.frombuffer(raw, dtype).reshape(shape, order=order).copy()


def _encode(text: str, encoding: str) -> bytes:
    """Return bytes, which protocol 2 writes as a text."""
    if encoding != "latin1":
        raise _RefusedError(f"_codecs.encode with {encoding!r}")
    return text.encode("latin1")


def _bytearray(raw: bytes | str = b"", encoding: str = "latin-1") -> bytearray:
    """Return a bytearray of given bytes; `bytearray(10**12)` would take memory for nothing."""
    return bytearray(raw.encode("latin1") if isinstance(raw, str) else bytes(memoryview(raw)))


_NAMES: dict[tuple[str, str], Any] = {
    ("numpy.multiarray", "_reconstruct"): lambda *_: PickledArray(),
    ("numpy.multiarray", "scalar"): lambda kind, raw: _array_from_bytes(raw, kind, (), "C").item(),
    ("numpy.numeric", "_frombuffer"): lambda *args: PickledArray(_array_from_bytes(*args)),
    ("numpy", "ndarray"): "numpy.ndarray",  # only ever an argument of _reconstruct: no class to be called
    ("numpy", "dtype"): _PickledDtype,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "bytes"): lambda: b"",  # protocol 2 names `bytes` for empty ones
    ("builtins", "bytearray"): _bytearray,
}
