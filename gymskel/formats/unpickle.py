"""Pickles of numpy arrays and plain containers, read without running what is in them.

A pickle is a program: opened by `pickle.load`, it may call whatever it names. Here every name it asks for is looked up in
one short table, whose entries build arrays from bytes and do nothing else; numpy's own reconstruction is not called.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

_KINDS = "biufSU"
_FAULTS = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
    RecursionError,
)


def load_plain(path: str | Path) -> Any:
    """What a pickle holds, if it is made of numbers, texts, lists, tuples, sets, dicts and numpy arrays.

    Arrays come back as `Stored`; `plain` turns one into numpy's.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the pickle asks for anything else, which is named and not run; it is damaged or cut off.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "some.pkl")
    ...     _ = path.write_bytes(pickle.dumps({"x": np.arange(3)}))
    ...     plain(load_plain(path)["x"])
    array([0, 1, 2])
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No pickle {path}.")
    try:  # from memory: a length that is not there takes none
        return _Plain(io.BytesIO(path.read_bytes())).load()
    except _Refused as fault:
        raise ValueError(
            f"{path} wants to run {fault}: a pickle can run any code, so that only numpy arrays and plain containers "
            "are read. Refused."
        ) from None
    except _FAULTS as fault:
        raise ValueError(f"{path} is no pickle of arrays, damaged or cut off: {fault!r:.200}") from None


def plain(value: Any) -> Any:
    """The numpy array of a `Stored` one; anything else as it is."""
    return value.array if isinstance(value, Stored) else value


class Stored:
    """An array in a pickle: built from its bytes, or refused with what is wrong about it."""

    array: np.ndarray

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, by_column, raw = state
        self.array = _from_bytes(raw, kind, shape, "F" if by_column else "C")


class _Kind:
    """A dtype in a pickle."""

    def __init__(self, text: str, *_: Any) -> None:
        self.dtype = np.dtype(text)
        if self.dtype.kind not in _KINDS or self.dtype.names or self.dtype.subdtype:
            raise pickle.UnpicklingError(f"an array of {text!r}; only numbers and texts are read")

    def __setstate__(self, state: tuple) -> None:
        self.dtype = self.dtype.newbyteorder({"|": "="}.get(state[1], state[1]))


class _Refused(Exception):
    """A name that is not in the table."""


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        # numpy.core before numpy 2, __builtin__ in pickles as Python 2 wrote them
        place = re.sub(r"^numpy\._?core\.", "numpy.", module).replace("__builtin__", "builtins")
        if (place, name) not in _NAMES:
            raise _Refused(f"{module}.{name}")
        return _NAMES[place, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"a loader of its own ({pid!r:.80})")


def _from_bytes(raw: Any, kind: _Kind, shape: Any, order: str) -> np.ndarray:
    dtype = kind.dtype
    raw = raw.encode("latin1") if isinstance(raw, str) else raw
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(raw, (bytes, bytearray)) or len(raw) != math.prod(shape) * dtype.itemsize:
        raise pickle.UnpicklingError(f"an array {shape} of {dtype} does not have its bytes")
    return np.frombuffer(raw, dtype).reshape(shape, order=order).copy()


def _reconstruct(*_: Any) -> Stored:
    return Stored()


def _frombuffer(raw: Any, kind: _Kind, shape: tuple, order: str) -> Stored:
    made = Stored()
    made.array = _from_bytes(raw, kind, shape, order)
    return made


def _scalar(kind: _Kind, raw: Any) -> Any:
    return _from_bytes(raw, kind, (), "C").item()


def _encode(text: str, encoding: str) -> bytes:
    """What protocol 2 makes of bytes."""
    if encoding != "latin1":
        raise _Refused(f"_codecs.encode with {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """What protocol 2 makes of empty ones."""
    return b""


def _bytearray(raw: bytes | str = b"", encoding: str = "latin-1") -> bytearray:
    """Of bytes that are there; `bytearray(10**12)` would take memory for nothing."""
    return bytearray(raw.encode("latin1") if isinstance(raw, str) else bytes(memoryview(raw)))


_NAMES: dict[tuple[str, str], Any] = {
    ("numpy.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.multiarray", "scalar"): _scalar,
    ("numpy.numeric", "_frombuffer"): _frombuffer,
    ("numpy", "ndarray"): "numpy.ndarray",  # only ever an argument of _reconstruct: no class to be called
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "bytes"): _no_bytes,
    ("builtins", "bytearray"): _bytearray,
}
