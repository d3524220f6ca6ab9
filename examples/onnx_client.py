"""Name the move in a recording with an exported network, numpy and onnxruntime; without gymskel and TensorFlow.

    gymskel export moves.gymskel -o moves.onnx
    python examples/onnx_client.py moves.onnx keypoints/backflip-1-anna.mov 30

The folder holds one recording's per-frame CSVs, 30 is its frame rate. moves.onnx.json describes the preprocessing.
"""

import sys

import onnxruntime
import prepare


def main(model, folder, fps):
    keypoints, metadata = prepare.read(model, folder)
    x, mask = prepare.inputs(keypoints, float(fps), metadata)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(["probabilities"], {"keypoints": x, "mask": mask})
    for name, probability in zip(metadata["classes"], probabilities[0], strict=True):
        print(f"{name},{probability:.6f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
