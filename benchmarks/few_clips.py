"""A handful of clips to learn from, as a coach has them: variants of the default model and recipe beside each other.

python benchmarks/few_clips.py PATH_TO/jhmdb.npz base,long 12 2     # variants (VARIANTS below), subsets, seeds, first subset

Four classes of JHMDB's first training part at a time, 1, 3, 5 and 7 clips of them to learn from, the rest of those classes to
ask about but the 15 % nearest to a clip that was learned from. Test parts are not touched. The subsets and seeds are
the same for every variant; differences are given with their standard error over subsets.
"""

import os
import sys
import time
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from jhmdb import STEPS, recordings_of
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gymskel import SkeletonClassifier, training
from gymskel.evaluation.baselines import sample_frames
from gymskel.preprocess import Preprocessor, mirror
from gymskel.preprocess.augmentation import Augmentation

DEFAULT = training.RECIPES["default"]
VARIANTS = {
    "base": DEFAULT,
    "short": replace(DEFAULT, min_steps=300),
    "gaps": replace(DEFAULT, augmentation=Augmentation(gaps=0.1, warp=0.3)),
    "crop": replace(DEFAULT, augmentation=Augmentation(crop=0.5)),
}


def subset(data: dict[str, np.ndarray], number: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and to ask about."""
    x, lengths, y = (data[f"split1_{kind}_train"] for kind in ("x", "len", "y"))
    rng = np.random.default_rng(number)
    learned, asked = [], []
    for count, label in zip((1, 3, 5, 7), rng.permutation(len(data["class_names"]))[:4], strict=True):
        rows = rng.permutation(np.flatnonzero(y == label))
        learned += list(rows[:count])
        asked += list(rows[count:])
    poses = np.stack(
        [c[np.linspace(0, n - 1, 16).round().astype(int)] for c, n in zip(x, lengths, strict=True)]
    )
    poses = (poses - poses.mean(axis=(1, 2), keepdims=True)).reshape(len(x), -1)
    apart = np.linalg.norm(poses[asked][:, None] - poses[learned], axis=-1).min(axis=1)
    return np.array(learned), np.array(asked)[apart > np.quantile(apart, 0.15)]


def cut_elsewhere(recordings: list, seed: int) -> list:
    """The recordings as somebody else would have cut them: half to all of each, from anywhere."""
    rng, made = np.random.default_rng(seed), []
    for recording in recordings:
        keep = max(2, round(len(recording) * rng.uniform(0.5, 1)))
        start = rng.integers(len(recording) - keep + 1)
        made.append(replace(recording, keypoints=recording.keypoints[start : start + keep]))
    return made


def compare(path: str, variants: str = "base", subsets: int = 12, seeds: int = 2, first: int = 0) -> None:
    with np.load(path) as file:
        data = dict(file)
    x, lengths, y = (data[f"split1_{kind}_train"] for kind in ("x", "len", "y"))
    recordings = recordings_of(x, lengths, y, data["class_names"])
    told: dict[str, list[float]] = {}
    for number in range(first, first + subsets):
        learned, asked = subset(data, number)
        train, test = [recordings[i] for i in learned], [recordings[i] for i in asked]
        clips = Preprocessor(STEPS).fit_transform(train)
        ours, flipped, cut = (
            Preprocessor(STEPS).transform(some, classes=clips.classes)
            for some in (test, map(mirror, test), cut_elsewhere(test, number))
        )
        regression = make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced")
        )
        known, unknown = (np.stack([sample_frames(c[i]) for i in range(len(c))]) for c in (clips, ours))
        linear = regression.fit(known, clips.y).predict_proba(unknown)
        row = {"regression": np.array([(linear.argmax(1) == ours.y).mean()])}
        for name in variants.split(","):
            answers, start = [], time.process_time()
            for seed in range(seeds):
                fitted = SkeletonClassifier(preprocess=STEPS, recipe=VARIANTS[name], random_state=seed).fit(
                    train
                )
                answers.append([fitted.predict_proba(some) for some in (ours, flipped, cut)])
            spent = (time.process_time() - start) / seeds
            answers = np.array(answers)  # seed, (as it is, mirrored, cut elsewhere), clip, class
            for how, told_so in {
                "": answers[:, 0],
                ", mirrored too": answers[:, :2].mean(axis=1),
                ", cut elsewhere": answers[:, 2],
                f", {seeds} together": answers[:, :1].mean(axis=0),
                f", {seeds} together, mirrored too": answers[:, :2].mean(axis=(0, 1))[None],
                " and regression": answers[:, 0] + linear,
            }.items():
                row[name + how] = (told_so.argmax(-1) == ours.y).mean(axis=-1)
            print(f"# {number} {name} {spent:.0f} s", flush=True)
        for name, values in row.items():
            told.setdefault(name, []).append(values.mean())
        print(number, {name: round(float(v.mean()), 3) for name, v in row.items()}, flush=True)
    base = np.array(told[variants.split(",")[0]])
    for name, values in told.items():
        difference = np.array(values) - base
        error = difference.std(ddof=1) / np.sqrt(len(difference)) if subsets > 1 else np.nan
        print(f"{name:45} {np.mean(values):.3f}  {difference.mean():+.3f} +- {error:.3f}")


if __name__ == "__main__":
    path, *rest = sys.argv[1:]
    compare(path, *(kind(value) for kind, value in zip((str, int, int, int), rest, strict=False)))
