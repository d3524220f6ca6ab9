"""The published protocol: augmented copies first, then a random split; and how much of it leaks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.evaluation.result import Evaluation
from gymskel.models import PUBLISHED
from gymskel.preprocess import Preprocessor
from gymskel.preprocess.augment import rotated_copies
from gymskel.recording import Recording
from gymskel.training import RECIPES

PUBLISHED_RESULTS = {
    "simple_rnn": (83.8, 92.6, 69.1, 98.5, 100.0),
    "lstm": (80.9, 100.0, 95.6, 100.0, 97.1),
    "hierarchical_rnn": (80.9, 100.0, 97.1, 92.6, 86.8),
}
"""Test accuracy in per cent of the five runs in the thesis, on 68 test samples."""


def evaluate_as_published(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], runs: int, seed: int, progress: bool
) -> Evaluation:
    """The published experiment: three rotated copies of each recording, a random fifth of them as the test part."""
    if classifier.model not in PUBLISHED:
        raise ValueError(
            f"`protocol='thesis'` knows the models {', '.join(PUBLISHED)}, got {classifier.model!r}."
        )
    if isinstance(recordings, Clips):
        raise TypeError("`protocol='thesis'` preprocesses recordings itself; give it Recordings, not Clips.")
    steps = "thesis" if classifier.preprocess == "default" else classifier.preprocess
    clips = (steps if isinstance(steps, Preprocessor) else Preprocessor(steps)).fit_transform(recordings)
    if clips.y is None:
        raise ValueError("Some recordings have no activity; label them first.")
    recipe = replace(RECIPES["thesis"], augment=None, copies=0)
    rows, seconds, shares = [], [], []
    for run in tqdm(range(runs), unit="run", disable=not progress, leave=False):
        start = time.perf_counter()
        copies = rotated_copies(clips, 3, seed=seed + run)
        order = np.random.default_rng(seed + run).permutation(len(copies))
        test, train = order[: round(0.2 * len(order))], order[round(0.2 * len(order)) :]
        tested = SkeletonClassifier(
            classifier.model, PUBLISHED[classifier.model], recipe=recipe, random_state=seed + run
        )
        predicted = tested.fit(copies[train]).predict(copies[test])
        seconds.append(time.perf_counter() - start)
        shares.append(np.isin(np.array(copies.sources)[test], np.array(copies.sources)[train]).mean())
        rows += [
            (run, 0, copies.sources[i], copies.athletes[i], copies.classes[copies.y[i]], str(answer), "")
            for i, answer in zip(test, predicted, strict=True)
        ]
    columns = ["run", "fold", "recording", "athlete", "truth", "predicted", "doubt"]
    published = PUBLISHED_RESULTS[classifier.model]
    return Evaluation(
        model=f"{classifier.model} (published size)",
        protocol="thesis",
        predictions=pd.DataFrame(rows, columns=columns),
        classes=clips.classes,
        floors={"majority": float(np.bincount(clips.y).max() / len(clips))},
        seconds=seconds,
        notes=[
            f"This protocol leaks: {np.mean(shares):.0%} of the test samples are copies of a recording that was trained on.",
            f"Published: {' '.join(map(str, published))} % (mean {np.mean(published):.1f}).",
        ],
    )
