"""Integrated gradients: the part of each joint and each frame in the probability of a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.attribution.baselines import make_baseline
from gymskel.attribution.bodies import PLACES, TRAVEL, phase_spans, relative_to_root, rows_by_part
from gymskel.attribution.path_integral import Evaluate, mean_gradients
from gymskel.attribution.probabilities import (
    class_probabilities,
    model_and_clips,
    model_tensors,
    target_classes,
)
from gymskel.clips import Clips

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Attribution:
    """Result of `integrated_gradients`.

    Attributes:
        values: (clips, frames, joints, channels) float32 share of the change in probability, positive = for the
            target; NaN behind the mask. The row of the skeleton's root holds the travel of the whole body.
        clips: the clips as the model saw them.
        baseline: (clips, frames, joints, channels) the body that each clip is compared with.
        target: (clips,) int, the class asked about.
        probability: (clips,) of the target.
        baseline_probability: (clips,) of the target for the baseline; this part needs no explanation.
        error: (clips,) sum of `values` minus (probability - baseline_probability); 0 = complete.
        steps: (clips,) int, steps of the integral that were needed.
        baseline_name: "still", "mean", "others", or "given" for an array.
    """

    values: np.ndarray
    clips: Clips
    baseline: np.ndarray
    target: np.ndarray
    probability: np.ndarray
    baseline_probability: np.ndarray
    error: np.ndarray
    steps: np.ndarray
    baseline_name: str

    def __len__(self) -> int:
        return len(self.values)

    @property
    def by_joint(self) -> np.ndarray:
        """(clips, frames, joints) sum of `values` over the channels."""
        return self.values.sum(axis=-1)

    @property
    def row_names(self) -> list[str]:
        """Names of the rows: the joints, with "travel" in place of the root."""
        skeleton = self.clips.skeleton
        return [TRAVEL if joint == skeleton.root else joint for joint in skeleton.joints]

    def by_part_and_phase(
        self, parts: Mapping[str, Sequence[str]] | None = None, *, phases: int = 6
    ) -> np.ndarray:
        """Return the sums over parts of the body and equal shares of each clip, (clips, phases, parts)."""
        rows = rows_by_part(self.clips.skeleton, parts)
        sums = np.zeros((len(self), phases, len(rows)), np.float32)
        for i, (joints, length) in enumerate(zip(self.by_joint, self.clips.lengths, strict=True)):
            for phase, (start, end) in enumerate(phase_spans(length, phases)):
                sums[i, phase] = [joints[start:end, part].sum() for part in rows.values()]
        return sums

    def table(self) -> pd.DataFrame:
        """Return a row for each clip: target, probabilities, error, the joint and the sixth of the clip that count most."""
        import pandas as pd

        names = self.clips.classes
        rows = []
        clips = zip(self.by_joint, self.clips.lengths, self.clips.sources, self.target, strict=True)
        for i, (joints, length, source, target) in enumerate(clips):
            joint_sums = joints[:length].sum(axis=0)
            phase_sums = [joints[start:end].sum() for start, end in phase_spans(length, 6)]
            rows.append(
                {
                    "recording": source,
                    "target": names[target] if names else target,
                    "probability": self.probability[i],
                    "baseline": self.baseline_name,
                    "at_baseline": self.baseline_probability[i],
                    "error": self.error[i],
                    "steps": self.steps[i],
                    "joint": self.row_names[int(joint_sums.argmax())],
                    "joint_share": joint_sums.max(),
                    "phase": f"{int(np.argmax(phase_sums)) + 1}/6",
                    "phase_share": max(phase_sums),
                }
            )
        return pd.DataFrame(rows)


def integrated_gradients(
    model: Any,
    clips: Any,
    *,
    target: Any = None,
    baseline: str | np.ndarray = "still",
    steps: int = 32,
    max_steps: int = 2048,
    tolerance: float = 0.01,
    batch_size: int = 256,
) -> Attribution:
    """Return the part of each joint and frame in a class's probability (Sundararajan, Taly and Yan 2017, eq. 1).

    The clip is faded in from the baseline in small steps. Each joint gets its change times the mean gradient on the way.
    The values of a clip add up to the probability of the target minus its probability for the baseline. This sum is
    checked, and smaller steps are taken until it holds (see `mean_gradients`).

    With two classes, a body that stands still may already count as one of them. Then `baseline_probability` is high and
    there is little to explain. The baseline "others" asks what makes the move this one and no other.

    Args:
        model: a keras.Model that gives probabilities, or a fitted SkeletonClassifier.
        clips: Clips; for a classifier Recordings too.
        target: class name or number, or one for each clip; by default each clip's most probable class.
        baseline: "still", "mean", "others" or an array, see `make_baseline`.
        steps: steps of the integral at the start.
        max_steps: largest number of steps for one clip.
        tolerance: largest difference between the two sides of the sum, in probability.
        batch_size: clips times steps at a time.

    Raises:
        TypeError: no Clips for a keras.Model.
        ValueError: no clips, an unknown target or baseline, or a sum that does not hold after `max_steps`.
    """
    if not 1 <= steps <= max_steps:
        raise ValueError(f"`steps` must be from 1 to `max_steps` ({max_steps}), got {steps}.")
    model, clips = model_and_clips(model, clips)
    probabilities = class_probabilities(model, clips.x, clips.mask, batch_size)
    target = target_classes(target, clips, probabilities)
    start = make_baseline(clips, baseline, target=target)
    rows = np.arange(len(clips))
    probability = probabilities[rows, target]
    baseline_probability = class_probabilities(model, start, clips.mask, batch_size)[rows, target]
    mean, error, used = mean_gradients(
        _evaluator(model, clips, start, target, batch_size),
        len(clips),
        steps=steps,
        max_steps=max_steps,
        tolerance=tolerance,
        at_once=max(1, batch_size // (steps + 1)),
    )
    incomplete = np.flatnonzero(np.abs(error) > tolerance)
    if len(incomplete):
        worst = incomplete[np.abs(error[incomplete]).argmax()]
        raise ValueError(
            f"The attributions of {len(incomplete)} clips, {clips.sources[worst]} worst, differ from the change in probability by up to "
            f"{abs(error[worst]):.3g} after {used[worst]} steps; allowed is {tolerance:g}. "
            "Fix: raise `max_steps` or `tolerance`, or take another `baseline`."
        )
    values = np.where(clips.mask[..., None, None], _attributions(mean, start, clips), np.nan).astype(
        np.float32
    )
    name = baseline if isinstance(baseline, str) else "given"
    return Attribution(values, clips, start, target, probability, baseline_probability, error, used, name)


def _evaluator(model: Any, clips: Clips, start: np.ndarray, target: np.ndarray, batch_size: int) -> Evaluate:
    """Return the function that `mean_gradients` takes: probabilities, slopes and gradients on the way from `start`."""
    import tensorflow as tf

    way = clips.x - start

    def evaluate_batch(clip: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        faded = start[clip] + share[:, None, None, None].astype(np.float32) * way[clip]
        keypoints = tf.convert_to_tensor(faded)
        with tf.GradientTape() as tape:
            tape.watch(keypoints)
            answers = model(model_tensors(model, keypoints, clips.mask[clip]), training=False)
            chosen = tf.gather(answers, target[clip], axis=1, batch_dims=1)
        gradients = tape.gradient(chosen, keypoints).numpy().astype(float)
        return chosen.numpy().astype(float), (gradients * way[clip]).sum(axis=(1, 2, 3)), gradients

    def evaluate(clip: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, ...]:
        batches = [slice(first, first + batch_size) for first in range(0, len(clip), batch_size)]
        parts = [evaluate_batch(clip[batch], share[batch]) for batch in batches]
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    return evaluate


def _attributions(gradients: np.ndarray, start: np.ndarray, clips: Clips) -> np.ndarray:
    """Return gradient times change: a joint changes relative to the root, and the root's change moves all joints."""
    way = relative_to_root(clips.x.astype(float), clips) - relative_to_root(start.astype(float), clips)
    values = gradients * way
    if (root := clips.skeleton.root) is not None:
        row, place = clips.skeleton.index(root), np.isin(clips.channels, PLACES)
        all_joints = np.where(place, gradients.sum(axis=2), gradients[:, :, row])
        values[:, :, row] = all_joints * way[:, :, row]
    return values
