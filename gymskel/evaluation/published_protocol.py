"""The published protocol: augmented copies first, then a random split; with the share of test samples that leaks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.evaluation.result import Evaluation
from gymskel.models import PUBLISHED
from gymskel.preprocess import Preprocessor
from gymskel.preprocess.augmentation import rotated_copies
from gymskel.recording import Recording
from gymskel.training import RECIPES
from gymskel.training.batches import labels_of

PUBLISHED_RESULTS = {
    "simple_rnn": (83.8, 92.6, 69.1, 98.5, 100.0),
    "lstm": (80.9, 100.0, 95.6, 100.0, 97.1),
    "hierarchical_rnn": (80.9, 100.0, 97.1, 92.6, 86.8),
}
"""Model -> test accuracy in per cent of the five runs in the thesis, on 68 test samples."""


def evaluate_published(
    model: str,
    recordings: Sequence[Recording],
    *,
    preprocess: Any = "thesis",
    runs: int = 1,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Repeat the published experiment, which puts copies of one recording on both sides of the split.

    Three rotated copies replace each recording; a random fifth of the copies is the test part. The network has its
    published size and is trained with the published recipe. Compare with published numbers only: the result is too good.

    Args:
        model: one of `models.PUBLISHED`.
        recordings: with activity.
        preprocess: a preset, a list of steps or a Preprocessor. For the published recordings, which are filled and
            smoothed already, take "thesis_cleaned".
        runs, seed, progress: as in `evaluate`.

    Raises:
        ValueError: a model that was not published, unlabelled recordings, no runs.
    """
    if model not in PUBLISHED:
        raise ValueError(f"`model` must be one of {', '.join(PUBLISHED)}, got {model!r}.")
    if isinstance(recordings, Clips):
        raise TypeError("`recordings` must be Recordings, not Clips: this protocol preprocesses them itself.")
    if runs < 1:
        raise ValueError(f"`runs` must be at least 1, got {runs}.")
    preprocessor = preprocess if isinstance(preprocess, Preprocessor) else Preprocessor(preprocess)
    clips = preprocessor.fit_transform(recordings)
    majority = float(np.bincount(labels_of(clips)).max() / len(clips))
    recipe = replace(RECIPES["thesis"], augment=None, copies=0)
    tables, seconds, leaked = [], [], []
    for run in tqdm(range(runs), unit="run", disable=not progress, leave=False):
        start = time.perf_counter()
        copies = rotated_copies(clips, 3, seed=seed + run)
        order = np.random.default_rng(seed + run).permutation(len(copies))
        test, train = np.split(order, [round(0.2 * len(order))])
        classifier = SkeletonClassifier(model, PUBLISHED[model], recipe=recipe, random_state=seed + run)
        predicted = classifier.fit(copies[train]).predict(copies[test]).astype(str)
        seconds.append(time.perf_counter() - start)
        truth = np.array(copies.classes)[labels_of(copies)[test]]
        table = {"recording": copies[test].sources, "athlete": copies[test].athletes, "truth": truth}
        tables.append(pd.DataFrame({"run": run, "fold": 0, **table, "predicted": predicted, "doubt": ""}))
        sources = np.array(copies.sources)
        leaked.append(np.isin(sources[test], sources[train]).mean())
    published = PUBLISHED_RESULTS[model]
    return Evaluation(
        model=f"{model} (published size)",
        protocol="thesis",
        predictions=pd.concat(tables, ignore_index=True),
        classes=clips.classes,
        floors={"majority": majority},
        seconds=seconds,
        notes=[
            f"This protocol leaks: {np.mean(leaked):.0%} of the test samples are copies of a recording that was trained on.",
            f"Published: {' '.join(map(str, published))} % (mean {np.mean(published):.1f}).",
        ],
    )
