"""How well the models do: the published experiment, athletes left out, real videos.

python benchmarks/accuracy.py thesis PATH_TO/tumbling.zip      # the published table beside ours, 5 runs each
python benchmarks/accuracy.py athletes PATH_TO/tumbling.zip    # default recipe, each athlete left out, all models
python benchmarks/accuracy.py hard PATH_TO/tumbling.zip 3      # half a clip, two athletes to learn from, joints lost
python benchmarks/accuracy.py videos PATH_TO/parkour           # extract, then each athlete left out, default model
"""

import itertools
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.base import clone

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from gymskel import Recording, SkeletonClassifier, extract, read_recordings
from gymskel.evaluation import PUBLISHED_RESULTS, evaluate, evaluate_published
from gymskel.models import BUILDERS
from gymskel.preprocess.preprocessor import PRESETS


def thesis(archive: str, runs: int = 5) -> None:
    recordings = read_recordings(archive, fps=60)
    for name, published in PUBLISHED_RESULTS.items():
        result = evaluate_published(name, recordings, preprocess="thesis_cleaned", runs=runs)
        ours = " ".join(f"{100 * a:.1f}" for a in result.accuracies)
        print(
            f"{name:17} published {' '.join(map(str, published))} (mean {sum(published) / len(published):.1f})"
        )
        print(
            f"{'':17} ours      {ours} (mean {100 * result.accuracy:.1f}); {sum(result.seconds) / runs:.1f} s a run"
        )
        print("\n".join(f"{'':17} {note}" for note in result.notes[:1]), flush=True)


def athletes(archive: str, runs: int = 1, names: str = ",".join(BUILDERS)) -> None:
    recordings = read_recordings(archive, fps=60)
    for name in names.split(","):
        result = evaluate(SkeletonClassifier(name), recordings, runs=runs)
        print(f"{result}\n", flush=True)


def hard(archive: str, runs: int = 3, model: str = SkeletonClassifier().model) -> None:
    """The published recordings made harder; a line for each run."""
    recordings = read_recordings(archive, fps=60)
    athletes = np.array([r.athlete for r in recordings])
    moves = {who: {r.activity for r in recordings if r.athlete == who} for who in athletes}
    both = [who for who, own in moves.items() if len(own) == 2]
    pairs = [np.isin(athletes, pair) for pair in itertools.combinations(both, 2)]
    one_out = [athletes != who for who in sorted(set(athletes))]
    each = [(name, {"frame": "each"} if name == "center" else args) for name, args in PRESETS["default"]]
    first_half = [replace(r, keypoints=r.keypoints[: len(r) // 2]) for r in recordings]
    for seed in range(runs):
        lossy = [lose_joints(r, np.random.default_rng([seed, i])) for i, r in enumerate(recordings)]
        new = SkeletonClassifier(model, random_state=seed)
        as_filmed = right_of(
            new, recordings, one_out, {"as filmed": recordings, "a third of joints lost": lossy}
        )
        half = right_of(
            clone(new).set_params(preprocess=each), first_half, one_out, {"first half": first_half}
        )
        two = right_of(new, recordings, pairs, {"two athletes": recordings})
        told = {**as_filmed, **half, **two}
        print(model, "seed", seed, {name: round(share, 4) for name, share in told.items()}, flush=True)


def right_of(classifier, recordings, trained, asked) -> dict[str, float]:
    """Name -> share of right answers on what was not trained on, pooled over the parts to train on."""
    right = {name: [] for name in asked}
    for part in trained:
        fitted = clone(classifier).fit([recordings[i] for i in np.flatnonzero(part)])
        for name, others in asked.items():
            rest = [others[i] for i in np.flatnonzero(~part)]
            right[name] += list(fitted.predict(rest) == [r.activity for r in rest])
    return {name: float(np.mean(answers)) for name, answers in right.items()}


def lose_joints(recording: Recording, rng: np.random.Generator) -> Recording:
    """A third of the joints lost, at random, in half of the frames."""
    keypoints = recording.keypoints.copy()
    frames, joints = keypoints.shape[:2]
    for frame in rng.permutation(frames)[: frames // 2]:
        keypoints[frame, rng.permutation(joints)[: joints // 3]] = np.nan, np.nan, 0
    return replace(recording, keypoints=keypoints)


def videos(folder: str, runs: int = 3, fps: float = 25, keep: str = "") -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        keypoints = Path(keep or temporary)
        result = extract.extract_videos(folder, keypoints, fps=fps)
        print(f"extracted {len(result.written) + len(result.skipped)}, failed {len(result.failed)}")
        recordings = read_recordings(keypoints)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            evaluation = evaluate(SkeletonClassifier(), recordings, runs=runs)
        print(evaluation)
        print(
            "right of",
            len(recordings),
            "in each run:",
            (evaluation.accuracies * len(recordings)).round().astype(int).tolist(),
        )
        print("floors:", {name: round(share * len(recordings)) for name, share in evaluation.floors.items()})
        print(
            evaluation.predictions.query("truth != predicted")[
                ["run", "recording", "predicted", "doubt"]
            ].to_string(index=False)
        )
        for warning in {str(w.message) for w in told}:
            print("warning:", warning)


if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    kinds = {"thesis": [int], "athletes": [int, str], "hard": [int, str], "videos": [int, float, str]}[what]
    {"thesis": thesis, "athletes": athletes, "hard": hard, "videos": videos}[what](
        path, *(k(v) for k, v in zip(kinds, rest, strict=False))
    )
