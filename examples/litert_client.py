"""Name the move in a recording with an exported network, numpy and LiteRT; without gymskel and TensorFlow.

    gymskel export moves.gymskel -o moves.tflite
    python examples/litert_client.py moves.tflite keypoints/backflip-1-anna.mov 30

The folder holds one recording's per-frame CSVs, 30 is its frame rate. moves.tflite.json describes the preprocessing.
"""

import sys

import prepare
from ai_edge_litert.interpreter import Interpreter


def main(model, folder, fps):
    keypoints, metadata = prepare.read(model, folder)
    x, mask = prepare.inputs(keypoints, float(fps), metadata)
    network = Interpreter(model_path=model).get_signature_runner("serving_default")
    probabilities = network(keypoints=x, mask=mask)["probabilities"]
    for name, probability in zip(metadata["classes"], probabilities[0], strict=True):
        print(f"{name},{probability:.6f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
