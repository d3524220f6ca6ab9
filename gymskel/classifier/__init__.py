"""Recordings -> a named move: preprocessing, network and class names as one estimator and one file.

skeleton_classifier.py  `SkeletonClassifier`, a scikit-learn estimator
inputs.py               recordings, clips or arrays given to it, checked and refused with a reason
training_facts.py       `TrainingFacts`, the data it was trained on
reliability.py          reasons to distrust an answer
inference.py            the trained network as one compiled function
saving.py               the .gymskel file
"""

from gymskel.classifier.skeleton_classifier import SkeletonClassifier
from gymskel.classifier.training_facts import BodyRange, TrainingFacts

__all__ = ["BodyRange", "SkeletonClassifier", "TrainingFacts"]
