"""Recording: one person in one video."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gymskel.skeleton import BODY_25, Skeleton

MAX_CONFIDENCE = 1.2
"""OpenPose's confidence is the peak of an interpolated heat map and overshoots 1: 1.023 in the published recordings."""

_VIDEO_NAME = re.compile(r"(?P<activity>.*[^\W\d_].*)-(?P<sample>\d{1,5})-(?P<athlete>[^-]+)")
_OF_A_PHONE = re.compile(
    r"(19|20)\d\d[-_. ]?[01]\d[-_. ]?[0-3]\d(?!\d)|(?<!\d)\d\d[-_. ]\d\d[-_. ](19|20)\d\d(?!\d)|^(IMG|VID|DSCN?|MVI|MOV|PXL)[-_ ]?\d"
    r"|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)  # a date, a camera's own numbers, a UUID
_COPY = re.compile(r"((\s+|\s+-\s+)copy(\s+\d+)?|\s*\(\d+\))+$", re.IGNORECASE)


class UnseenError(ValueError):
    """A joint that a step cannot do without is unseen throughout a recording."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One person in one video.

    Attributes:
        keypoints: (frames, joints, 3) float32. x and y in pixels (origin top left, y down) as long as `space`
            is "image"; confidence in [0, 1]. Unseen = NaN, NaN, 0. Finite x, y with confidence 0 is a place
            that was filled in, not seen.
        fps: frames a second, or None if nobody said.
        activity: the move, or None.
        sample: which try of the athlete, or the video's name where it says nothing else.
        athlete: who, or None.
        skeleton: the layout of the joints.
        history: the steps applied so far, each a dict with `step` and its arguments.
        video: file name of the video it comes from.
        person: index of the person in that video.
        first_frame: number of the first frame (OpenPose counts from 1, the published cleaned sets from 0).
        image_size: (width, height) in pixels, or None.
        estimator: what found the keypoints, or None.
        timestamps: (frames,) seconds, for videos whose frame rate varies, or None.
        space: "image" = pixels from the picture's top left corner; "body" = relative to a joint.
    """

    keypoints: np.ndarray
    fps: float | None = None
    activity: str | None = None
    sample: str = "1"
    athlete: str | None = None
    skeleton: Skeleton = BODY_25
    history: tuple[Mapping[str, Any], ...] = ()
    video: str | None = None
    person: int = 0
    first_frame: int = 0
    image_size: tuple[int, int] | None = None
    estimator: str | None = None
    timestamps: np.ndarray | None = field(default=None, repr=False)
    space: str = "image"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sample", str(self.sample))  # first, as errors tell the name
        for name in ("activity", "athlete", "estimator"):
            object.__setattr__(self, name, said(getattr(self, name)))
        object.__setattr__(self, "keypoints", np.asarray(self.keypoints, np.float32))
        self._check_shape()
        keypoints = self.keypoints
        xy, confidence = keypoints[..., :2], keypoints[..., 2]
        finite = bool(np.isfinite(keypoints).all())  # every step makes a Recording, and most see every joint
        if not finite and (np.isinf(xy).any() or (np.isnan(xy[..., 0]) != np.isnan(xy[..., 1])).any()):
            raise ValueError(f"{self.name}: x and y must both be finite or both be NaN (unseen).")
        if not (confidence.min() >= 0 and confidence.max() <= MAX_CONFIDENCE):  # NaN is neither
            raise ValueError(
                f"{self.name}: confidence must lie in [0, 1] (a peak may overshoot to {MAX_CONFIDENCE}), got {np.min(confidence):.3g} to {np.max(confidence):.3g}."
            )
        if not finite and (np.isnan(xy[..., 0]) & (confidence > 0)).any():
            raise ValueError(f"{self.name}: an unseen joint (NaN) must have confidence 0.")
        if self.fps is not None and not 0 < self.fps < 100_000:
            raise ValueError(f"{self.name}: `fps` must be frames a second above 0, got {self.fps}.")
        if self.timestamps is not None and np.shape(self.timestamps) != (len(keypoints),):
            raise ValueError(
                f"{self.name}: `timestamps` must be ({len(keypoints)},), got {np.shape(self.timestamps)}."
            )
        if self.timestamps is not None and not (np.diff(self.timestamps, prepend=-np.inf) > 0).all():
            raise ValueError(f"{self.name}: `timestamps` must be seconds that rise from frame to frame.")
        if self.person < 0 or self.first_frame < 0:
            raise ValueError(
                f"{self.name}: `person` and `first_frame` must be 0 or more, got {self.person} and {self.first_frame}."
            )
        if self.space not in ("image", "body"):
            raise ValueError(f"{self.name}: `space` must be 'image' or 'body', got {self.space!r}.")
        object.__setattr__(self, "history", tuple(self.history))

    def _check_shape(self) -> None:
        shape = self.keypoints.shape
        if len(shape) != 3 or shape[1:] != (len(self.skeleton), 3) or not shape[0]:
            wanted = f"(frames, {len(self.skeleton)}, 3) for {self.skeleton.name}"
            raise ValueError(f"{self.name}: `keypoints` must be {wanted} with at least a frame, got {shape}.")

    def __len__(self) -> int:
        return len(self.keypoints)

    def __repr__(self) -> str:
        rate = f" at {self.fps:g} fps" if self.fps else ""
        steps = "".join(f" > {entry['step']}" for entry in self.history)
        return f"<Recording {self.name}: {len(self)} frames{rate}, {self.skeleton.name}{steps}>"

    @property
    def name(self) -> str:
        """`activity-sample-athlete`, or the sample alone where the others are unknown."""
        return "-".join(part for part in (self.activity, self.sample, self.athlete) if part)

    @property
    def source(self) -> str:
        """The recording of origin: the video's name without extension where known. Copies keep it."""
        return Path(self.video).stem if self.video else self.name

    @property
    def xy(self) -> np.ndarray:
        """(frames, joints, 2) the coordinates."""
        return self.keypoints[..., :2]

    @property
    def confidence(self) -> np.ndarray:
        """(frames, joints) in [0, 1]."""
        return self.keypoints[..., 2]

    @property
    def seen(self) -> np.ndarray:
        """(frames, joints) bool: the joint has a place, found by the estimator or filled in."""
        return ~np.isnan(self.keypoints[..., 0])

    @property
    def seconds(self) -> float | None:
        """Duration, or None while the frame rate is unknown."""
        return len(self) / self.fps if self.fps else None

    def after(
        self, step: str, keypoints: np.ndarray, *, changes: Mapping[str, Any] | None = None, **arguments: Any
    ) -> Recording:
        """The recording that a step made of this one: new keypoints, and the step in its history.

        Only their shape is checked: a Recording checks itself where it enters, and steps keep what holds. In a stream
        every step runs in every frame.

        Args:
            step: the step's name.
            keypoints: (frames, joints, 3), or (frames, joints, 2) to keep the confidence as it is.
            changes: other fields that changed, e.g. `fps`.
            arguments: what the step was told; goes into the history.
        """
        if keypoints.shape[-1] == 2:
            keypoints = np.concatenate([keypoints, self.keypoints[..., 2:]], axis=-1)
        made, history = object.__new__(type(self)), (*self.history, {"step": step, **arguments})
        keypoints = np.asarray(keypoints, np.float32)
        vars(made).update(vars(self) | dict(changes or {}), keypoints=keypoints, history=history)
        made._check_shape()
        return made


def said(name: Any) -> str | None:
    """A name as text, athlete 0 too; None where nobody said it: None, NaN, an empty text."""
    return None if pd.isna(name) or name == "" else str(name)


def parse_name(stem: str) -> dict[str, str | None]:
    """What a published name says, read from the right because activities contain dashes.

    Names that phones, cameras and messengers give (`VID-20240512-WA0003`, `WhatsApp Video 2024-05-12 at 10.30.15`,
    `IMG-1234-edited`, a UUID), told by a date or a camera's number, say nothing. A copy shows who the video it was made of
    shows.

    >>> parse_name("back-handspring-24-s09")
    {'activity': 'back-handspring', 'sample': '24', 'athlete': 's09'}
    >>> parse_name("backflip-1-anna (1)")
    {'activity': 'backflip', 'sample': '1', 'athlete': 'anna'}
    >>> parse_name("IMG_1234")
    {'activity': None, 'sample': 'IMG_1234', 'athlete': None}
    """
    match = _VIDEO_NAME.fullmatch(_COPY.sub("", stem))
    if match is None or _OF_A_PHONE.search(stem):
        return {"activity": None, "sample": stem, "athlete": None}
    return {key: match[key] for key in ("activity", "sample", "athlete")}
