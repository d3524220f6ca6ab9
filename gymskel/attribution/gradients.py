"""Integrated gradients: how much of an answer each joint accounts for in each frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.attribution.baselines import (
    PLACES,
    TRAVEL,
    given,
    make_baseline,
    opened,
    probabilities_of,
    relative_to_root,
    rows_of_parts,
    spans_of_phases,
    targets_of,
)
from gymskel.attribution.path_integral import mean_gradients
from gymskel.clips import Clips

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Attribution:
    """What `integrated_gradients` found.

    Attributes:
        values: (clips, frames, joints, channels) float32 share of the change in probability, positive = for the
            target; NaN behind the mask. The row of the skeleton's root holds the travel of the whole body.
        clips: the clips as the model saw them.
        baseline: (clips, frames, joints, channels) the body compared with.
        target: (clips,) int, the class asked about.
        probability: (clips,) of the target.
        baseline_probability: (clips,) its probability for the baseline: what needs no explanation.
        error: (clips,) sum of `values` minus (probability - baseline_probability); 0 = complete.
        steps: (clips,) int, steps of the integral that were needed.
        baseline_name: "still", "mean", "others", or "given" for an array: what the baseline is.
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
        """(clips, frames, joints): the channels added up."""
        return self.values.sum(axis=-1)

    @property
    def row_names(self) -> list[str]:
        """What each row stands for: the joints, and "travel" in place of the root."""
        skeleton = self.clips.skeleton
        return [TRAVEL if joint == skeleton.root else joint for joint in skeleton.joints]

    def by_part_and_phase(
        self, parts: Mapping[str, Sequence[str]] | None = None, *, phases: int = 6
    ) -> np.ndarray:
        """(clips, phases, parts): added up over parts of the body and equal shares of each clip, as in `occlusion`."""
        rows = rows_of_parts(self.clips.skeleton, parts)
        sums = np.zeros((len(self), phases, len(rows)), np.float32)
        for i, (joints, length) in enumerate(zip(self.by_joint, self.clips.lengths, strict=True)):
            for phase, (start, end) in enumerate(spans_of_phases(length, phases)):
                sums[i, phase] = [joints[start:end, some].sum() for some in rows.values()]
        return sums

    def table(self) -> pd.DataFrame:
        """A row a clip: class asked about, probabilities, error, and the joint and the sixth of the clip that count most."""
        import pandas as pd

        names = self.clips.classes
        rows = []
        each = zip(self.by_joint, self.clips.lengths, self.clips.sources, self.target, strict=True)
        for i, (joints, length, source, target) in enumerate(each):
            by_joint = joints[:length].sum(axis=0)
            by_phase = [joints[start:end].sum() for start, end in spans_of_phases(length, 6)]
            rows.append(
                {
                    "recording": source,
                    "target": names[target] if names else target,
                    "probability": self.probability[i],
                    "baseline": self.baseline_name,
                    "at_baseline": self.baseline_probability[i],
                    "error": self.error[i],
                    "steps": self.steps[i],
                    "joint": self.row_names[int(by_joint.argmax())],
                    "joint_share": by_joint.max(),
                    "phase": f"{int(np.argmax(by_phase)) + 1}/6",
                    "phase_share": max(by_phase),
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
    """How much each joint in each frame moved the probability of a class (Sundararajan, Taly and Yan 2017, eq. 1).

    The clip is faded in from the baseline in small steps, and each joint gets its way times the mean gradient on it. All values of
    a clip add up to the probability of the target minus its probability for the baseline. That is checked, and where the two
    part on the way there, smaller steps are taken until it holds (see `mean_gradients`).

    With two classes a body that stands still may already be taken for one of them: then `baseline_probability` is high, and there is
    little to explain. "others" as the baseline asks what makes the move this one and not another.

    Args:
        model: a keras.Model that gives probabilities, or a fitted SkeletonClassifier.
        clips: Clips; for a classifier Recordings too.
        target: class name or number, or one for each clip; by default each clip's most probable class.
        baseline: "still", "mean", "others" or an array, see `make_baseline`.
        steps: of the integral, to begin with.
        max_steps: where to give up with a clip.
        tolerance: largest difference between the two sides of the sum, in probability.
        batch_size: clips times steps at a time.

    Raises:
        ValueError: no clips, an unknown target or baseline, or clips whose sum does not come out after `max_steps`.
    """
    if not 1 <= steps <= max_steps:
        raise ValueError(f"`steps` must be from 1 to `max_steps` ({max_steps}), got {steps}.")
    model, clips = opened(model, clips)
    answers = probabilities_of(model, clips.x, clips.mask, batch_size)
    target = targets_of(target, clips, answers)
    start = make_baseline(clips, baseline, target=target)
    rows = np.arange(len(clips))
    probability = answers[rows, target]
    baseline_probability = probabilities_of(model, start, clips.mask, batch_size)[rows, target]
    mean, error, used = mean_gradients(
        _evaluated(model, clips, start, target, batch_size),
        len(clips),
        steps=steps,
        max_steps=max_steps,
        tolerance=tolerance,
        at_once=max(1, batch_size // (steps + 1)),
    )
    todo = np.flatnonzero(np.abs(error) > tolerance)
    if len(todo):
        worst = todo[np.abs(error[todo]).argmax()]
        raise ValueError(
            f"The attributions of {len(todo)} clips, {clips.sources[worst]} worst, differ from the change in probability by up to "
            f"{abs(error[worst]):.3g} after {used[worst]} steps; allowed is {tolerance:g}. Raise `max_steps` or `tolerance`, or take another `baseline`."
        )
    values = _by_joint_and_travel(mean, start, clips)
    values = np.where(clips.mask[..., None, None], values, np.nan).astype(np.float32)
    name = baseline if isinstance(baseline, str) else "given"
    return Attribution(values, clips, start, target, probability, baseline_probability, error, used, name)


def _evaluated(model: Any, clips: Clips, start: np.ndarray, target: np.ndarray, batch_size: int) -> Callable:
    """A function of (clip, share of the way), both (n,), -> answers, slopes along the way, and gradients on the keypoints."""
    import tensorflow as tf

    way = clips.x - start

    def some_at(clip: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        faded = start[clip] + share[:, None, None, None].astype(np.float32) * way[clip]
        keypoints = tf.convert_to_tensor(faded)
        with tf.GradientTape() as tape:
            tape.watch(keypoints)
            answer = model(given(model, keypoints, clips.mask[clip]), training=False)
            chosen = tf.gather(answer, target[clip], axis=1, batch_dims=1)
        gradients = tape.gradient(chosen, keypoints).numpy().astype(float)
        return chosen.numpy().astype(float), (gradients * way[clip]).sum(axis=(1, 2, 3)), gradients

    def all_at(clip: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, ...]:
        batches = [slice(at, at + batch_size) for at in range(0, len(clip), batch_size)]
        parts = [some_at(clip[batch], share[batch]) for batch in batches]
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    return all_at


def _by_joint_and_travel(gradients: np.ndarray, start: np.ndarray, clips: Clips) -> np.ndarray:
    """Gradient times way, each joint's way relative to the root; the root's own way moves all joints."""
    way = relative_to_root(clips.x.astype(float), clips) - relative_to_root(start.astype(float), clips)
    values = gradients * way
    if (root := clips.skeleton.root) is not None:
        row, place = clips.skeleton.index(root), np.isin(clips.channels, PLACES)
        all_joints = np.where(place, gradients.sum(axis=2), gradients[:, :, row])
        values[:, :, row] = all_joints * way[:, :, row]
    return values
