"""What counted for a clip: attribution and occlusion, as weights for the player and as one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from gymskel.attribution import Attribution, Occlusion, integrated_gradients, occlusion
from gymskel.classifier import SkeletonClassifier
from gymskel.recording import Recording
from gymskel.report.html import percent
from gymskel.skeleton import Skeleton

_SIXTHS = ("first", "second", "third", "fourth", "fifth", "last")
_LITTLE = 0.01  # of probability: not worth a sentence


def reasons_of(
    classifier: SkeletonClassifier, recordings: Sequence[Recording], moves: Sequence[str]
) -> list[tuple[np.ndarray | None, str]]:
    """For each recording what spoke for a move: (steps, joints) weights in the order of its joints, and a sentence as HTML.

    The finished classifier is asked. The root's weight is that of the whole body's travel; joints that the classifier does not see are
    NaN. None, and a sentence that says why, where it cannot be worked out.
    """
    if not recordings:
        return []
    try:
        found = integrated_gradients(classifier, list(recordings), target=list(moves))
        hidden = occlusion(classifier, list(recordings), target=list(moves))
    except ValueError as fault:  # not complete after the most steps, or channels that are no places
        if len(recordings) > 1:  # whose fault it is shows one by one
            return [reasons_of(classifier, [r], [move])[0] for r, move in zip(recordings, moves, strict=True)]
        return [
            (None, f"<p>What counted here cannot be worked out: {escape(str(fault).splitlines()[0])}</p>")
        ]
    table = found.table()
    return [
        (_of_joints(found, i, one.skeleton), _sentence(found, hidden, table.iloc[i], i, move))
        for i, (one, move) in enumerate(zip(recordings, moves, strict=True))
    ]


def _of_joints(found: Attribution, clip: int, skeleton: Skeleton) -> np.ndarray:
    """(steps, joints) the attributions of a clip in the order of another skeleton's joints; NaN where it has others."""
    joints = found.by_joint[clip, : found.clips.lengths[clip]]
    weights = np.full((len(joints), len(skeleton)), np.nan)
    for row, joint in enumerate(found.clips.skeleton.joints):
        if joint in skeleton:
            weights[:, skeleton.index(joint)] = joints[:, row]
    return weights


def _sentence(found: Attribution, hidden: Occlusion, line: pd.Series, clip: int, move: str) -> str:
    text = (
        f"The finished classifier is {percent(float(found.probability[clip]))} sure of {escape(move)}; of the same body standing still it "
        f"would be {percent(float(found.baseline_probability[clip]))}."
    )
    if line["joint_share"] > 0:
        sixth = _SIXTHS[int(line["phase"].split("/")[0]) - 1]
        joint = in_words(line["joint"], found.clips.skeleton)
        text += f" What spoke for it most was the {joint}, and the {sixth} sixth of the clip."
    drops = hidden.part_drop[clip]
    most = int(drops.argmax())
    if drops[most] > _LITTLE:
        part, left = hidden.parts[most].replace("_", " "), float(hidden.probability[clip] - drops[most])
        text += f" Had the {escape(part)} kept still, it would be {percent(left)} sure."
    return f"<p>{text}</p>"


def in_words(joint: str, skeleton: Skeleton) -> str:
    """A joint as people call it.

    >>> from gymskel.skeleton import BODY_25
    >>> [in_words(joint, BODY_25) for joint in ("RWrist", "LBigToe", "Neck", "travel")]
    ['right wrist', 'left big toe', 'neck', 'travel of the whole body']
    """
    if joint not in skeleton:
        return "travel of the whole body"
    side = skeleton.sides[skeleton.index(joint)]
    name = joint[1:] if side != "middle" and re.match(r"[RL][A-Z]", joint) else joint
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()
    return words if side == "middle" or words.startswith(side) else f"{side} {words}"
