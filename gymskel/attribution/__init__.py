"""Reasons for an answer: the part of each joint and frame in it, by integrated gradients and by occlusion.

Both look at joints relative to the skeleton's root. The root's own row stands for the travel of the whole body: a wrist
that a jump carries along has not moved itself. Both compare with a body that does not make the move: by default one
that stands still as in its first frame. Both take a keras.Model with Clips, or a SkeletonClassifier with Clips or
Recordings.

gradients.py      integrated gradients; path_integral.py does the sum, baselines.py the body to compare with
occlusions.py     the same question, answered by taking parts away
sanity_checks.py  tests whether an attribution can be believed
plots.py          the pictures
bodies.py         joints relative to the root, parts, phases
probabilities.py  answers of a model
"""

from gymskel.attribution.baselines import make_baseline
from gymskel.attribution.gradients import Attribution, integrated_gradients
from gymskel.attribution.occlusions import Occlusion, occlusion
from gymskel.attribution.plots import plot_attribution_bodies, plot_attribution_map
from gymskel.attribution.sanity_checks import randomization_check, rank_agreement

__all__ = [
    "Attribution",
    "Occlusion",
    "make_baseline",
    "integrated_gradients",
    "occlusion",
    "plot_attribution_bodies",
    "plot_attribution_map",
    "randomization_check",
    "rank_agreement",
]
