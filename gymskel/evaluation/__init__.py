"""Test a classifier on athletes it was not trained on, with baselines beside it; and the published protocol with its leak.

- `evaluate` leaves athletes out and returns an `Evaluation`: metrics with intervals, confusion, calibration, floors.
- `evaluate_published` repeats the published experiment, which leaks.
- `learning_curve`: accuracy against the number of athletes trained on.
- `unknown_moves`: how well low probabilities reveal a move that was never trained on.

All four take `checkpoint=`, a folder from which the same call goes on after an interruption.
"""

from gymskel.evaluation.baselines import sample_frames
from gymskel.evaluation.cross_validation import evaluate
from gymskel.evaluation.curve import learning_curve
from gymskel.evaluation.open_set import unknown_moves
from gymskel.evaluation.published_protocol import PUBLISHED_RESULTS, evaluate_published
from gymskel.evaluation.result import Evaluation

__all__ = [
    "PUBLISHED_RESULTS",
    "Evaluation",
    "evaluate",
    "evaluate_published",
    "learning_curve",
    "sample_frames",
    "unknown_moves",
]
