"""gymskel: videos of gymnastic moves -> a trained, explained classifier of those moves.

One module a stage, in the order in which the data travels::

    video -> frames -> keypoints -> Recording -> per-frame CSVs            gymskel.extract
    CSVs  -> Recording -> filled, smoothed, centred, reduced -> Clips      gymskel.preprocess
    Recording -> jump height, rotation speed, take-off angle ...           gymskel.kinematics
    Clips -> Keras model -> class probabilities                            gymskel.models, gymskel.training
    all of it after extraction, as one object and one file                 gymskel.classifier
    frames as they come -> class probabilities                             gymskel.stream
    a classifier -> ONNX, LiteRT                                           gymskel.export
    is it any good?                                                        gymskel.evaluation
    model + Clips -> what each unit did in each frame -> pictures          gymskel.activations, gymskel.visualize
    which joints, when, made it answer so; are they to be believed?        gymskel.attribution
    pictures and tables of both for each recording, in a folder            gymskel.explain
    a recording to play, a page for a coach                                gymskel.viewer, gymskel.report

`from gymskel import extract, preprocess, models` gives the stages; the nouns (Skeleton, Recording, Clips,
SkeletonClassifier) are here as well. Everything is loaded on first use, so that a machine that only extracts
never loads TensorFlow.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_STAGES = (
    "skeleton", "recording", "clips", "splits", "video", "extract", "formats", "preprocess", "kinematics", "models", "training",
    "classifier", "stream", "export", "evaluation", "activations", "attribution", "visualize", "explain", "overlay",
    "viewer", "report", "simulate", "datasets",
)  # fmt: skip
_NOUNS = {
    "Skeleton": "skeleton",
    "BODY_25": "skeleton",
    "GYMNASTICS_15": "skeleton",
    "Recording": "recording",
    "read_recording": "recording",
    "read_recordings": "recording",
    "write_recording": "recording",
    "Clips": "clips",
    "SkeletonClassifier": "classifier",
    "Stream": "stream",
}

__all__ = [*_NOUNS, *_STAGES]


def __getattr__(name: str) -> Any:
    if name in _STAGES:
        return import_module(f"gymskel.{name}")
    if name in _NOUNS:
        return getattr(import_module(f"gymskel.{_NOUNS[name]}"), name)
    raise AttributeError(f"module 'gymskel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
