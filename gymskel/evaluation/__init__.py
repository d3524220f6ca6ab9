"""Is it any good? Whole athletes left out, floors beside the model, and the published protocol with its leak.

- `evaluate` leaves athletes out and gives an `Evaluation`: measures with intervals, confusion, calibration, floors.
- `learning_curve`: how accuracy grows with the number of athletes trained on.
- `unknown_moves`: how well a move that was never trained on is told from known ones.
"""

from gymskel.evaluation.baselines import sample_frames
from gymskel.evaluation.cross_validation import evaluate
from gymskel.evaluation.curve import learning_curve
from gymskel.evaluation.published_protocol import PUBLISHED_RESULTS, evaluate_published
from gymskel.evaluation.result import Evaluation
from gymskel.evaluation.unknown import unknown_moves

__all__ = [
    "PUBLISHED_RESULTS",
    "Evaluation",
    "evaluate",
    "evaluate_published",
    "learning_curve",
    "sample_frames",
    "unknown_moves",
]
