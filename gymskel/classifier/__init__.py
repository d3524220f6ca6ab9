"""Recordings -> a named move: preprocessing, network and class names as one estimator and one file.

skeleton_classifier.py  `SkeletonClassifier`, a scikit-learn estimator
inputs.py               checks of its input: recordings, clips or arrays
training_facts.py       `TrainingFacts`, the data it was trained on
reliability.py          reasons to doubt a prediction
inference.py            the trained network as a compiled function
saving.py               the .gymskel file
"""

from gymskel.classifier.skeleton_classifier import SkeletonClassifier
from gymskel.classifier.training_facts import BodyRange, TrainingFacts

__all__ = ["BodyRange", "SkeletonClassifier", "TrainingFacts"]
