"""The published protocol: augmented copies first, then a random split; with the share of test samples that leaks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gymskel.classifier import SkeletonClassifier
from gymskel.clips import Clips
from gymskel.evaluation.checkpoint import TrialResult, hash_data, run_resumable
from gymskel.evaluation.result import Evaluation
from gymskel.models import PUBLISHED
from gymskel.preprocess import Preprocessor
from gymskel.preprocess.augmentation import rotated_copies
from gymskel.recording import Recording
from gymskel.training import RECIPES
from gymskel.training.batches import labels_of
from gymskel.training.checkpoint import hash_model, read_seconds

PUBLISHED_RESULTS = {
    "simple_rnn": (83.8, 92.6, 69.1, 98.5, 100.0),
    "lstm": (80.9, 100.0, 95.6, 100.0, 97.1),
    "hierarchical_rnn": (80.9, 100.0, 97.1, 92.6, 86.8),
}
"""Model -> test accuracy in per cent of the five runs in the thesis, on 68 test samples."""

_RECIPE = replace(RECIPES["thesis"], augment=None, copies=0)  # the copies are made before the split


def evaluate_published(
    model: str,
    recordings: Sequence[Recording],
    *,
    preprocess: Any = "thesis",
    runs: int = 1,
    seed: int = 0,
    progress: bool = False,
    checkpoint: str | Path | None = None,
) -> Evaluation:
    """Repeat the published experiment, which puts copies of one recording on both sides of the split.

    Three rotated copies replace each recording; a random fifth of the copies is the test part. The network has its
    published size and is trained with the published recipe. Compare with published numbers only: the result is too good.

    Args:
        model: one of `models.PUBLISHED`.
        recordings: with activity.
        preprocess: a preset, a list of steps or a Preprocessor. For the published recordings, which are filled and
            smoothed already, take "thesis_cleaned".
        runs, seed, progress, checkpoint: as in `evaluate`.

    Raises:
        ValueError: a model that was not published, unlabelled recordings, no runs; a checkpoint as in `evaluate`.
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
    seeds = [seed + run for run in range(runs)]
    identify = partial(_identify, model, recordings, preprocessor, clips, seeds)
    unit = "run" if progress else None
    results = run_resumable(partial(_run_split, model, clips), seeds, checkpoint, identify, unit=unit)
    for run, result in enumerate(results):
        result.table.insert(0, "run", run)
        result.table.insert(1, "fold", 0)
    splits = [_split_copies(clips, one) for one in seeds]
    leaked = [np.isin(test.sources, train.sources).mean() for train, test in splits]
    published = PUBLISHED_RESULTS[model]
    return Evaluation(
        model=f"{model} (published size)",
        protocol="thesis",
        predictions=pd.concat([result.table for result in results], ignore_index=True),
        classes=clips.classes,
        floors={"majority": majority},
        seconds=[result.seconds for result in results],
        notes=[
            f"This protocol leaks: {np.mean(leaked):.0%} of the test samples are copies of a recording that was trained on.",
            f"Published: {' '.join(map(str, published))} % (mean {np.mean(published):.1f}).",
        ],
    )


def _identify(
    model: str, recordings: Sequence[Recording], preprocessor: Preprocessor, clips: Clips, seeds: list[int]
) -> dict[str, Any]:
    """Return everything the predictions depend on, as plain values by name."""
    network = SkeletonClassifier(model, PUBLISHED[model], recipe=_RECIPE).build_model(clips)
    return {
        "data": hash_data(recordings),
        "model": hash_model(network),
        "preprocess": preprocessor.to_dict()["steps"],
        "recipe": asdict(_RECIPE),
        "seeds": seeds,
        "splits": "published",
    }


def _split_copies(clips: Clips, seed: int) -> tuple[Clips, Clips]:
    """Return (training part, test part): a random fifth of three rotated copies of each clip is tested."""
    copies = rotated_copies(clips, 3, seed=seed)
    order = np.random.default_rng(seed).permutation(len(copies))
    test, train = np.split(order, [round(0.2 * len(order))])
    return copies[train], copies[test]


def _run_split(model: str, clips: Clips, seed: int, checkpoint: Path | None) -> TrialResult:
    """Train on the copies of one seed and predict those held out."""
    start = time.perf_counter() - read_seconds(checkpoint)
    train, test = _split_copies(clips, seed)
    classifier = SkeletonClassifier(model, PUBLISHED[model], recipe=_RECIPE, random_state=seed)
    predicted = classifier.fit(train, checkpoint=checkpoint).predict(test).astype(str)
    columns = {"recording": test.sources, "athlete": test.athletes}
    columns["truth"] = np.array(test.classes)[labels_of(test)]
    table = pd.DataFrame({**columns, "predicted": predicted, "doubt": ""})
    return TrialResult(table, "", time.perf_counter() - start)
