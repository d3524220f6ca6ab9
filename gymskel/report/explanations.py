"""Explain answers by attribution and occlusion: weights for the player, and a paragraph for the reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import pandas as pd

from gymskel.attribution import Attribution, Occlusion, integrated_gradients, occlusion
from gymskel.classifier import SkeletonClassifier
from gymskel.recording import Recording
from gymskel.report.html_parts import percent
from gymskel.skeleton import Skeleton

_SIXTHS = ("first", "second", "third", "fourth", "fifth", "last")
_MIN_DROP = 0.01  # of probability; a smaller drop is not mentioned


class Explanation(NamedTuple):
    """Reasons for one answer: attributions (steps, joints), or None where `html` says why they cannot be computed."""

    weights: np.ndarray | None
    html: str


def explain_clips(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], moves: Sequence[str]
) -> list[Explanation]:
    """Return for each recording the reasons for its move, by integrated gradients and occlusion of the classifier.

    The weight of the root joint is that of the travel of the whole body.
    """
    if not recordings:
        return []
    try:
        attribution = integrated_gradients(classifier, list(recordings), target=list(moves))
        occluded = occlusion(classifier, list(recordings), target=list(moves))
    except ValueError as error:  # not converged, or channels that are no positions
        if len(recordings) > 1:  # one at a time, to find the recording at fault
            return [
                explain_clips(classifier, [r], [move])[0] for r, move in zip(recordings, moves, strict=True)
            ]
        reason = escape(str(error).splitlines()[0])
        return [Explanation(None, f"<p>The importance of the joints cannot be computed here: {reason}</p>")]
    table = attribution.table()
    return [
        Explanation(
            _joint_weights(attribution, i, recording.skeleton),
            _render_explanation(attribution, occluded, table.iloc[i], i, move),
        )
        for i, (recording, move) in enumerate(zip(recordings, moves, strict=True))
    ]


def _joint_weights(attribution: Attribution, clip: int, skeleton: Skeleton) -> np.ndarray:
    """Return the attributions (steps, joints) of a clip in the joint order of `skeleton`; NaN for joints without one."""
    joints = attribution.by_joint[clip, : attribution.clips.lengths[clip]]
    weights = np.full((len(joints), len(skeleton)), np.nan)
    for row, joint in enumerate(attribution.clips.skeleton.joints):
        if joint in skeleton:
            weights[:, skeleton.index(joint)] = joints[:, row]
    return weights


def _render_explanation(
    attribution: Attribution, occluded: Occlusion, line: pd.Series, clip: int, move: str
) -> str:
    text = (
        f"The finished classifier is {percent(float(attribution.probability[clip]))} certain of {escape(move)}; for the same body "
        f"standing still it is {percent(float(attribution.baseline_probability[clip]))} certain."
    )
    if line["joint_share"] > 0:
        sixth = _SIXTHS[int(line["phase"].split("/")[0]) - 1]
        joint = joint_label(line["joint"], attribution.clips.skeleton)
        text += f" The {joint} and the {sixth} sixth of the clip count most for this answer."
    drops = occluded.part_drop[clip]
    largest = int(drops.argmax())
    if drops[largest] > _MIN_DROP:
        part = escape(occluded.parts[largest].replace("_", " "))
        remaining = float(occluded.probability[clip] - drops[largest])
        text += f" If the {part} stood still, it would be {percent(remaining)} certain."
    return f"<p>{text}</p>"


def joint_label(joint: str, skeleton: Skeleton) -> str:
    """Return the everyday name of a joint; any other text is the travel of the whole body.

    >>> from gymskel.skeleton import BODY_25
    >>> [joint_label(joint, BODY_25) for joint in ("RWrist", "LBigToe", "Neck", "travel")]
    ['right wrist', 'left big toe', 'neck', 'travel of the whole body']
    """
    if joint not in skeleton:
        return "travel of the whole body"
    side = skeleton.sides[skeleton.index(joint)]
    name = joint[1:] if side != "middle" and re.match(r"[RL][A-Z]", joint) else joint
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()
    return words if side == "middle" or words.startswith(side) else f"{side} {words}"
