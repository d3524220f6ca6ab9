"""Do the attributions add up, agree with occlusion, and go when the model forgets?

    python benchmarks/attribution.py [KEYPOINTS] [MODEL]
    python benchmarks/attribution.py wrist [MODEL]

KEYPOINTS: a folder or .zip of recordings with labels; without it, simulated gymnasts. A third of the athletes is left out
of training and explained. `wrist`: bodies that differ between two classes in the right wrist alone, and only in the middle
third of the clip (those of tests/test_attribution.py); in how many clips never seen does it come out on top?
"""

import sys
from pathlib import Path

import numpy as np

from gymskel import SkeletonClassifier, read_recordings, simulate
from gymskel.attribution import integrated_gradients, occlusion, randomization_check, rank_agreement
from gymskel.skeleton import GYMNASTICS_15


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
            f"{baseline}: probability {found.probability.mean():.3f}, for the baseline {found.baseline_probability.mean():.3f}; "
            f"largest error {np.abs(found.error).max():.4f}, steps {found.steps.min()} to {found.steps.max()}; "
            f"agreement {agreement.mean():.2f} (sd {agreement.std(ddof=1):.2f}); "
            f"shuffled weights {alike.mean():.2f} (sd {alike.std(ddof=1):.2f}, absolute mean {np.abs(alike).mean():.2f})"
        )


def wrist(model="conv_gru", seeds=3):
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from test_attribution import WRIST, wrist_clips

    parts = {"wrist": [GYMNASTICS_15.joints[WRIST]], "rest": list(np.delete(GYMNASTICS_15.joints, WRIST))}
    asked = wrist_clips(48, seed=1)
    for seed in range(seeds):
        classifier = SkeletonClassifier(model, random_state=seed).fit(wrist_clips())
        right = classifier.score(asked, np.array(asked.classes)[asked.y])
        for baseline in ("still", "others"):
            found = integrated_gradients(classifier, asked, baseline=baseline)
            first = np.nansum(found.by_joint, axis=1).argmax(axis=1) == WRIST
            middle = found.by_part_and_phase(parts, phases=3)[:, :, 0].argmax(axis=1) == 1
            print(
                f"{model} seed {seed}, {right:.0%} right, {baseline}: the wrist comes first in {first.mean():.0%}, its third in "
                f"{middle.mean():.0%} of {len(asked)} clips",
                flush=True,
            )


if sys.argv[1:2] == ["wrist"]:
    wrist(*sys.argv[2:])
else:
    main(*sys.argv[1:])
