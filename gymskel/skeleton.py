"""Skeletons: the joints of a layout and how they are connected. Names are the truth, indices are derived."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from gymskel.messages import join_names

Pair = tuple[str, str]

MIDPOINTS: Mapping[str, Pair] = MappingProxyType(
    {"Neck": ("RShoulder", "LShoulder"), "MidHip": ("RHip", "LHip")}
)
"""Joint -> the two joints in whose middle it lies, for layouts without that joint."""


def _mirror_pairs(joints: Iterable[str]) -> tuple[Pair, ...]:
    """Return the (right, left) pairs that names imply: `RKnee` with `LKnee`, `right_knee` with `left_knee`."""
    names = tuple(joints)
    pairs = []
    for name in names:
        for right, left in (("R", "L"), ("Right", "Left"), ("right", "left")):
            tail = re.fullmatch(rf"{right}([A-Z_\d].*)", name)
            if tail and left + tail[1] in names:
                pairs.append((name, left + tail[1]))
                break
    return tuple(pairs)


@dataclass(frozen=True, init=False)
class Skeleton:
    """Layout of a body: joints, limbs, parts, mirror pairs, root.

    A layout of your own takes five lines. Mirror pairs are read from the names unless given:

    >>> stick = Skeleton(
    ...     name="stick",
    ...     joints=("Head", "MidHip", "RFoot", "LFoot"),
    ...     limbs=(("MidHip", "Head"), ("MidHip", "RFoot"), ("MidHip", "LFoot")),
    ...     root="MidHip")
    >>> stick.mirror
    (('RFoot', 'LFoot'),)
    >>> stick.indices(["LFoot", "Head"])
    [3, 0]

    Attributes:
        name: name of the layout, e.g. `BODY_25`.
        joints: names of the joints, in the order of the arrays.
        limbs: pairs of joints that a bone connects.
        parts: body part -> its joints; the hierarchical model reads `right_arm`, `left_arm`, `trunk`,
            `right_leg` and `left_leg`. A joint may be in no part.
        mirror: pairs of joints that change places when the picture is mirrored.
        root: joint from which the tree of bones starts, or None.

    Raises:
        ValueError: joint names are missing or not unique, or another argument names a joint that is not there.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[Pair, ...]
    parts: Mapping[str, tuple[str, ...]] = field(hash=False)
    mirror: tuple[Pair, ...]
    root: str | None

    def __init__(
        self,
        name: str,
        joints: Iterable[str],
        limbs: Iterable[Iterable[str]] = (),
        parts: Mapping[str, Iterable[str]] = MappingProxyType({}),
        mirror: Iterable[Iterable[str]] | None = None,
        root: str | None = None,
    ) -> None:
        joints = tuple(joints)
        fields = {
            "name": name,
            "joints": joints,
            "limbs": tuple((a, b) for a, b in limbs),
            "parts": MappingProxyType({part: tuple(names) for part, names in parts.items()}),
            "mirror": _mirror_pairs(joints) if mirror is None else tuple((a, b) for a, b in mirror),
            "root": root,
        }
        for field_name, value in fields.items():
            object.__setattr__(self, field_name, value)
        if len(set(joints)) != len(joints) or not joints:
            raise ValueError(f"Skeleton {name}: `joints` must be unique names, got {joints}.")
        named = [joint for pair in self.limbs + self.mirror for joint in pair]
        named += [joint for part in self.parts.values() for joint in part] + ([root] if root else [])
        self.indices(named)

    def __len__(self) -> int:
        return len(self.joints)

    def __contains__(self, joint: object) -> bool:
        return joint in self.joints

    def __reduce__(self) -> tuple[Any, ...]:  # a mappingproxy does not pickle, and joblib pickles
        return Skeleton, (self.name, self.joints, self.limbs, dict(self.parts), self.mirror, self.root)

    def index(self, joint: str) -> int:
        """Return the row of one joint. Raises ValueError if the layout lacks it."""
        return self.indices([joint])[0]

    def indices(self, joints: Iterable[str]) -> list[int]:
        """Return the rows of several joints. Raises ValueError that names every joint the layout lacks."""
        rows, joints = self._rows, list(joints)
        missing = [joint for joint in dict.fromkeys(joints) if joint not in rows]
        if missing:
            raise ValueError(
                f"Skeleton {self.name} has no joint {join_names(missing)}; it has {', '.join(self.joints)}."
            )
        return [rows[joint] for joint in joints]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.joints)}

    @property
    def mirror_order(self) -> list[int]:
        """Row of the mirror image of each joint; joints in the middle are their own mirror image."""
        order = list(range(len(self)))
        for right, left in self.mirror:
            a, b = self.indices((right, left))
            order[a], order[b] = b, a
        return order

    @property
    def sides(self) -> tuple[str, ...]:
        """Side of each joint: "right", "left" or "middle".

        Read from the mirror pairs: the right joint comes first, unless the names say otherwise.

        >>> Skeleton("s", ("Hip", "LFoot", "RFoot")).sides
        ('middle', 'left', 'right')
        """
        sides = ["middle"] * len(self)
        for pair in self.mirror:
            right, left = self.indices(pair[::-1] if re.match(r"L([A-Z_\d]|eft)|left", pair[0]) else pair)
            sides[right], sides[left] = "right", "left"
        return tuple(sides)

    def bones_outwards(self) -> list[Pair]:
        """Return [(inner joint, outer joint), ...] along the limbs from the root outwards, breadth first.

        Raises:
            ValueError: there is no root.

        >>> Skeleton("s", ("Hand", "Hip", "Head"), (("Head", "Hand"), ("Head", "Hip")), root="Hip").bones_outwards()
        [('Hip', 'Head'), ('Head', 'Hand')]
        """
        if self.root is None:
            raise ValueError(
                f"Skeleton {self.name} has no root, so its limbs form no tree. Fix: give it `root`, or use method='thesis'."
            )
        bones, reached = [], [self.root]
        for joint in reached:  # the list grows during the loop: breadth first from the root
            for a, b in self.limbs:
                for inner, outer in ((a, b), (b, a)):
                    if inner == joint and outer not in reached:
                        reached.append(outer)
                        bones.append((inner, outer))
        return bones

    def select(self, joints: Iterable[str], name: str | None = None) -> Skeleton:
        """Return the layout of these joints alone, in this order.

        Limbs, parts and mirror pairs that lose a joint are left out, and so is a root that is not selected.

        >>> BODY_25.select(["Neck", "RShoulder", "RElbow"]).limbs
        (('Neck', 'RShoulder'), ('RShoulder', 'RElbow'))
        """
        keep = tuple(joints)
        self.indices(keep)
        name = name or f"{self.name}/{len(keep)}"
        return Skeleton(
            name=name,
            joints=keep,
            limbs=tuple(pair for pair in self.limbs if set(pair) <= set(keep)),
            parts={part: names for part, names in self.parts.items() if set(names) <= set(keep)},
            mirror=tuple(pair for pair in self.mirror if set(pair) <= set(keep)),
            root=self.root if self.root in keep else None,
        )

    def convert(self, keypoints: np.ndarray, to: Skeleton) -> np.ndarray:
        """Return the same keypoints in another layout, matched by joint name.

        A joint that this layout lacks is the middle of two others where `MIDPOINTS` has it. It then gets the smaller of
        the two confidences, and is unseen if either is unseen. All other missing joints are unseen.

        Args:
            keypoints: (..., joints, 3), x, y and confidence; unseen = NaN, NaN, 0.
            to: the layout of the result.

        Returns:
            (..., len(to), 3) in the dtype of `keypoints`.

        >>> coco = np.zeros((17, 3)); coco[6] = 10, 20, .9; coco[5] = 20, 40, .5
        >>> COCO_17.convert(coco, BODY_25)[1]
        array([15. , 30. ,  0.5])
        """
        keypoints = np.asarray(keypoints)
        if keypoints.shape[-2:] != (len(self), 3):
            raise ValueError(
                f"`keypoints` must be (..., {len(self)}, 3) for {self.name}, got {keypoints.shape}."
            )
        converted = np.full((*keypoints.shape[:-2], len(to), 3), (np.nan, np.nan, 0), keypoints.dtype)
        for row, joint in enumerate(to.joints):
            if joint in self:
                converted[..., row, :] = keypoints[..., self.index(joint), :]
            elif joint in MIDPOINTS and set(MIDPOINTS[joint]) <= set(self.joints):
                a, b = (keypoints[..., i, :] for i in self.indices(MIDPOINTS[joint]))
                seen = ~np.isnan(a[..., :1] + b[..., :1])
                converted[..., row, :2] = (a[..., :2] + b[..., :2]) / 2
                converted[..., row, 2:] = np.where(seen, np.minimum(a[..., 2:], b[..., 2:]), 0)
        return converted

    def to_dict(self) -> dict[str, Any]:
        """Return the layout as plain lists and strings, for JSON."""
        return {
            "name": self.name,
            "joints": list(self.joints),
            "limbs": [list(pair) for pair in self.limbs],
            "parts": {part: list(joints) for part, joints in self.parts.items()},
            "mirror": [list(pair) for pair in self.mirror],
            "root": self.root,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Skeleton:
        """Return the layout that `to_dict` described."""
        return cls(**values)


def parse_pairs(*texts: str) -> tuple[Pair, ...]:
    """Return the pairs of texts such as "A-B C-D"."""
    return tuple((a, b) for a, _, b in (pair.partition("-") for pair in " ".join(texts).split()))


_PARTS = {
    "right_arm": ("RShoulder", "RElbow", "RWrist"),
    "left_arm": ("LShoulder", "LElbow", "LWrist"),
    "trunk": ("Nose", "Neck", "MidHip"),
    "right_leg": ("RHip", "RKnee", "RAnkle"),
    "left_leg": ("LHip", "LKnee", "LAnkle"),
}

_LIMB_PARTS = {part: joints for part, joints in _PARTS.items() if part != "trunk"}
_ARMS = "RShoulder-RElbow RElbow-RWrist LShoulder-LElbow LElbow-LWrist"
_ARMS_AND_LEGS = f"{_ARMS} RHip-RKnee RKnee-RAnkle LHip-LKnee LKnee-LAnkle"
_FACE = "Nose-REye REye-REar Nose-LEye LEye-LEar"
_BOX = "RShoulder-LShoulder RShoulder-RHip LShoulder-LHip RHip-LHip"

BODY_25 = Skeleton(
    name="BODY_25",
    joints=tuple(
        "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle LHip LKnee "
        "LAnkle REye LEye REar LEar LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel".split()
    ),
    limbs=parse_pairs(
        f"Neck-MidHip Neck-RShoulder Neck-LShoulder {_ARMS} MidHip-RHip RHip-RKnee RKnee-RAnkle",
        f"MidHip-LHip LHip-LKnee LKnee-LAnkle Neck-Nose {_FACE} LAnkle-LBigToe LBigToe-LSmallToe",
        "LAnkle-LHeel RAnkle-RBigToe RBigToe-RSmallToe RAnkle-RHeel",
    ),
    parts=_PARTS,
    root="MidHip",
)
"""OpenPose's BODY_25 (poseParameters.cpp): the layout of every file that gymskel writes."""

GYMNASTICS_15 = BODY_25.select(BODY_25.joints[:15], name="GYMNASTICS_15")
"""The 15 joints the thesis classifies by: BODY_25 without face and feet."""

COCO_17 = Skeleton(
    name="COCO_17",
    joints=tuple(
        "Nose LEye REye LEar REar LShoulder RShoulder LElbow RElbow LWrist RWrist LHip RHip LKnee RKnee "
        "LAnkle RAnkle".split()
    ),
    limbs=parse_pairs(_BOX, _ARMS_AND_LEGS, _FACE),
    parts=_LIMB_PARTS,
)

COCO_18 = Skeleton(
    name="COCO_18",
    joints=tuple(
        "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle "
        "REye LEye REar LEar".split()
    ),
    limbs=parse_pairs("Neck-RShoulder Neck-LShoulder Neck-RHip Neck-LHip Neck-Nose", _ARMS_AND_LEGS, _FACE),
    parts=_LIMB_PARTS,
    root="Neck",
)

HALPE_26 = Skeleton(
    name="HALPE_26",
    joints=(*COCO_17.joints, *"Head Neck MidHip LBigToe RBigToe LSmallToe RSmallToe LHeel RHeel".split()),
    limbs=(*BODY_25.limbs, ("Nose", "Head")),
    parts=_PARTS,
    root="MidHip",
)

MEDIAPIPE_33 = Skeleton(
    name="MEDIAPIPE_33",
    joints=tuple(
        "Nose LEyeInner LEye LEyeOuter REyeInner REye REyeOuter LEar REar LMouth RMouth LShoulder "
        "RShoulder LElbow RElbow LWrist RWrist LPinky RPinky LIndex RIndex LThumb RThumb LHip RHip LKnee "
        "RKnee LAnkle RAnkle LHeel RHeel LBigToe RBigToe".split()
    ),
    limbs=parse_pairs(_BOX, _ARMS_AND_LEGS, _FACE, "LAnkle-LBigToe LAnkle-LHeel RAnkle-RBigToe RAnkle-RHeel"),
    parts=_LIMB_PARTS,
)
"""MediaPipe's pose landmarks; its foot index is the big toe of BODY_25."""
