"""Models for the tests of RTMPose: inputs and outputs as the real ones have, in a kilobyte, without `onnx`.

An ONNX file is a protobuf message; the numbers of the fields are those of onnx.proto (ONNX 1.8, opset 13).
The detector finds what is brightest in the picture, the pose model puts every joint on its upper left corner.
"""

from __future__ import annotations

import struct
from pathlib import Path

FLOAT, INT64 = 1, 7


def number(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def field(key: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return number(key << 3) + number(value)
    value = value.encode() if isinstance(value, str) else value
    return number(key << 3 | 2) + number(len(value)) + value


def attribute(name: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, item) for item in value) + field(20, 7)


def node(kind: str, inputs: str, output: str, **attributes: int | list[int]) -> bytes:
    parts = [field(1, name) for name in inputs.split()] + [field(2, output), field(4, kind)]
    return b"".join(parts + [field(5, attribute(*item)) for item in attributes.items()])


def constant(name: str, values: list[int] | list[float]) -> bytes:
    whole = isinstance(values[0], int)
    raw = struct.pack(f"<{len(values)}{'q' if whole else 'f'}", *values)
    return field(1, len(values)) + field(2, INT64 if whole else FLOAT) + field(8, name) + field(9, raw)


def described(name: str, shape: tuple[int, ...]) -> bytes:
    size = b"".join(field(1, field(1, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, size)))


def write(path: Path, nodes: list[bytes], constants: dict, inputs: dict, outputs: dict) -> Path:
    graph = [field(1, item) for item in nodes] + [field(2, path.stem)]
    graph += [field(5, constant(*item)) for item in constants.items()]
    graph += [field(11, described(*item)) for item in inputs.items()]
    graph += [field(12, described(*item)) for item in outputs.items()]
    opset = field(1, "") + field(2, 13)
    path.write_bytes(field(1, 7) + field(7, b"".join(graph)) + field(8, opset))
    return path


def write_detector(path: Path, size: int = 64) -> Path:
    """(1, 3, size, size) -> (1, 1, 5): box of the brightest and score, 1 for 255 and under 0 for 114."""
    nodes = [
        node("ReduceMax", "x", "columns", axes=[1, 2], keepdims=0),
        node("ReduceMax", "x", "rows", axes=[1, 3], keepdims=0),
        *[
            node("ArgMax", side, f"{side}{last}", axis=1, keepdims=1, select_last_index=last)
            for side in ("columns", "rows")
            for last in (0, 1)
        ],
        node("Concat", "columns0 rows0 columns1 rows1", "corners", axis=1),
        node("Cast", "corners", "box", to=FLOAT),
        node("ReduceMax", "rows", "brightest", axes=[1], keepdims=1),
        node("Sub", "brightest dark", "above"),
        node("Div", "above range", "score"),
        node("Concat", "box score", "flat", axis=1),
        node("Reshape", "flat shape", "dets"),
    ]
    constants = {"dark": [150.0], "range": [105.0], "shape": [1, 1, 5]}
    return write(path, nodes, constants, {"x": (1, 3, size, size)}, {"dets": (1, 1, 5)})


def write_pose(path: Path, width: int = 192, height: int = 256, joints: int = 26) -> Path:
    """(1, 3, height, width) -> (1, joints, 2 width), (1, joints, 2 height): brightness along x, along y."""
    nodes, constants, outputs = [], {"twice": [1, 1, 2], "joints": [1, joints, 1]}, {}
    for axis, size, others in (("x", width, [1, 2]), ("y", height, [1, 3])):
        name = f"simcc_{axis}"
        nodes += [
            node("ReduceMax", "picture", f"{name}0", axes=others, keepdims=0),
            node("Reshape", f"{name}0 {name}column", f"{name}1"),
            node("Tile", f"{name}1 twice", f"{name}2"),
            node("Reshape", f"{name}2 {name}row", f"{name}3"),
            node("Tile", f"{name}3 joints", name),
        ]
        constants |= {f"{name}column": [1, size, 1], f"{name}row": [1, 1, 2 * size]}
        outputs[name] = (1, joints, 2 * size)
    return write(path, nodes, constants, {"picture": (1, 3, height, width)}, outputs)
