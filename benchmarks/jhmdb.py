"""Fourteen everyday moves (JHMDB, 609 clips): choose on grouped validation parts, look at the test parts once.

python benchmarks/jhmdb.py validate PATH_TO/jhmdb.npz conv_gru,lstm 2   # as many folds of each split's training part
python benchmarks/jhmdb.py test PATH_TO/jhmdb.npz conv_gru 3            # 3 splits x 3 seeds, default recipe, last weights

A validation part holds whole groups of clips that look nearly alike: a random part reads 8 points too high.
"""

import os
import sys
import time
from collections.abc import Mapping

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from gymskel import Recording, SkeletonClassifier
from gymskel.datasets import JHMDB_15

STEPS = [("resample", {"frames": 32}), ("center", {"joint": "Belly"})]  # the places are scaled already


def recordings_of(x: np.ndarray, lengths: np.ndarray, y: np.ndarray, names: np.ndarray) -> list[Recording]:
    """Each clip as a Recording, a joint's confidence 1; places are centred and scaled already."""
    return [
        Recording(
            np.concatenate([clip[:n], np.ones((n, len(JHMDB_15), 1))], axis=-1),
            activity=str(names[label]),
            sample=str(i),
            skeleton=JHMDB_15,
            space="body",
        )
        for i, (clip, n, label) in enumerate(zip(x, lengths, y, strict=True))
    ]


def near_duplicates(x: np.ndarray, lengths: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(clips,) number of the group of clips of one class that look nearly alike."""
    poses = np.stack(
        [c[np.linspace(0, n - 1, 16).round().astype(int)] for c, n in zip(x, lengths, strict=True)]
    )
    poses = poses - poses.mean(axis=(1, 2), keepdims=True)
    poses = (poses / np.sqrt((poses**2).mean(axis=(1, 2, 3), keepdims=True))).reshape(len(x), -1)
    poses /= np.sqrt(poses.shape[1])
    groups = np.zeros(len(x), int)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        groups[rows] = label * 1000 + fcluster(linkage(poses[rows], "average"), 0.3, "distance")
    return groups


def folds_of(groups: np.ndarray, y: np.ndarray, folds: int = 4) -> np.ndarray:
    """(clips,) the fold of each; whole groups, each class spread over the folds, the largest group first."""
    fold, total = np.zeros(len(y), int), np.zeros(folds)
    for label in np.unique(y):
        load = np.zeros(folds)
        names, sizes = np.unique(groups[y == label], return_counts=True)
        for k in np.argsort(-sizes, kind="stable"):
            emptiest = np.lexsort((total, load))[0]
            fold[groups == names[k]] = emptiest
            load[emptiest] += sizes[k]
            total[emptiest] += sizes[k]
    return fold


def asked(
    data: Mapping[str, np.ndarray], split: int, seed: int, model: str, fold: int | None
) -> tuple[float, int, float]:
    """(accuracy, parameters, seconds of training) on a fold of a split's training part, or on its test part."""
    x, lengths, y = (data[f"split{split}_{kind}_train"] for kind in ("x", "len", "y"))
    if fold is None:
        train = np.arange(len(x))
        test = tuple(data[f"split{split}_{kind}_test"] for kind in ("x", "len", "y"))
    else:
        folds = folds_of(near_duplicates(x, lengths, y), y)
        train, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        test = x[held], lengths[held], y[held]
    names = data["class_names"]
    start = time.perf_counter()
    classifier = SkeletonClassifier(model, preprocess=STEPS, random_state=seed)
    classifier.fit(recordings_of(x[train], lengths[train], y[train], names))
    seconds = time.perf_counter() - start
    right = classifier.predict(recordings_of(*test, names)) == names[test[2]]
    return float(right.mean()), classifier.model_.count_params(), seconds


def table(what: str, path: str, models: str = "conv_gru", seeds: int = 3) -> None:
    """Prints a row for each training and the mean of each model."""
    with np.load(path) as data:
        data = dict(data)
    for model in models.split(","):
        rows = []
        for seed in range(seeds):
            for split in (1, 2, 3):
                fold = (split + seed) % 4 if what == "validate" else None
                rows.append(asked(data, split, seed, model, fold))
                part = "test part" if fold is None else f"fold {fold}"
                print(
                    f"{model} split {split} {part} seed {seed}: {rows[-1][0]:.4f}, {rows[-1][2]:.0f} s",
                    flush=True,
                )
        accuracy = np.array([row[0] for row in rows]).reshape(seeds, 3)
        print(
            f"{model}: {accuracy.mean():.4f}; seed means {np.round(accuracy.mean(axis=1), 4).tolist()}, "
            f"{rows[0][1]} parameters",
            flush=True,
        )


if __name__ == "__main__":
    what, path, *rest = sys.argv[1:]
    table(what, path, *(kind(value) for kind, value in zip((str, int), rest, strict=False)))
