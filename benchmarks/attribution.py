"""Do the attributions add up, agree with occlusion, and go when the model forgets?

    python benchmarks/attribution.py [KEYPOINTS] [MODEL]

KEYPOINTS: a folder or .zip of recordings with labels; without it, simulated gymnasts. A third of the athletes is left out
of training and explained.
"""

import sys

import numpy as np

from gymskel import SkeletonClassifier, read_recordings, simulate
from gymskel.attribution import integrated_gradients, occlusion, randomization_check, rank_agreement


def main(data=None, model="conv_gru"):
    recordings = (
        read_recordings(data, fps=60) if data else simulate.simulate_recordings(athletes=6, per_athlete=3)
    )
    athletes = sorted({r.athlete for r in recordings})
    left = set(athletes[::3])
    classifier = SkeletonClassifier(model, random_state=0).fit(
        [r for r in recordings if r.athlete not in left]
    )
    tested = [r for r in recordings if r.athlete in left]
    clips = classifier.clips(tested)
    print(
        f"{model}, {len(recordings) - len(tested)} trained on, {len(tested)} explained, {classifier.score(tested):.0%} right"
    )
    dropped = occlusion(classifier, clips)
    print(
        "drop by part:",
        {part: round(float(d), 3) for part, d in zip(dropped.parts, dropped.part_drop.mean(0), strict=True)},
    )
    for baseline in ("still", "others"):
        found = integrated_gradients(classifier, clips, target=dropped.target, baseline=baseline)
        alike = randomization_check(classifier, found, shuffles=3)
        agreement = rank_agreement(found, dropped)
        print(
            f"{baseline}: probability {found.probability.mean():.3f}, for the baseline {found.at_baseline.mean():.3f}; "
            f"largest error {np.abs(found.error).max():.4f}, steps {found.steps.min()} to {found.steps.max()}; "
            f"agreement {agreement.mean():.2f} (sd {agreement.std(ddof=1):.2f}); "
            f"shuffled weights {alike.mean():.2f} (sd {alike.std(ddof=1):.2f}, absolute mean {np.abs(alike).mean():.2f})"
        )


main(*sys.argv[1:])
