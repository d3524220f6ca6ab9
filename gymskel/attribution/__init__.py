"""Which joints, when, made a model answer as it did: integrated gradients, occlusion, and whether to believe them.

Both speak of joints relative to the skeleton's root, and of the body's travel, which is the root's own path and stands in the
root's row: a wrist that is carried along by a jump has done nothing itself. Both compare with a body that does not do
what is asked about: by default one that stands still as in its first frame.

Anything that names classes will do: a keras.Model with Clips, or a SkeletonClassifier with Clips or Recordings.
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
