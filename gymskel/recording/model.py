"""Recording: one person in one video."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from gymskel.skeleton import BODY_25, Skeleton

MAX_CONFIDENCE = 1.2
"""OpenPose's confidence is the peak of an interpolated heat map and overshoots 1: 1.023 in the published recordings."""
MAX_FPS = 100_000
"""Frames a second that no camera reaches; a larger frame rate is an error."""

_VIDEO_NAME = re.compile(r"(?P<activity>.*[^\W\d_].*)-(?P<sample>\d{1,5})-(?P<athlete>[^-]+)")
_CAMERA_NAME = re.compile(
    r"(19|20)\d\d[-_. ]?[01]\d[-_. ]?[0-3]\d(?!\d)|(?<!\d)\d\d[-_. ]\d\d[-_. ](19|20)\d\d(?!\d)|^(IMG|VID|DSCN?|MVI|MOV|PXL)[-_ ]?\d"
    r"|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)  # a date, a camera's own number, a UUID
_COPY_ENDING = re.compile(r"((\s+|\s+-\s+)copy(\s+\d+)?|\s*\(\d+\))+$", re.IGNORECASE)


class UnseenError(ValueError):
    """A joint that a step needs is unseen in every frame of a recording."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One person in one video.

    Attributes:
        keypoints: (frames, joints, 3) float32. x and y in pixels (origin top left, y down) as long as `space`
            is "image"; confidence in [0, 1]. Unseen = NaN, NaN, 0. Finite x, y with confidence 0 is a place
            that was filled in, not seen.
        fps: frames a second, or None if unknown.
        activity: the move, or None if unknown.
        sample: number of the athlete's try, or the video's name if it says nothing else.
        athlete: name of the athlete, or None if unknown.
        skeleton: the layout of the joints.
        history: the steps applied so far, each a dict with `step` and its arguments.
        video: file name of the video, or None if unknown.
        person: index of the person in that video.
        first_frame: number of the first frame (OpenPose counts from 1, the published cleaned sets from 0).
        image_size: (width, height) in pixels, or None if unknown.
        estimator: name of the pose estimator, or None if unknown.
        timestamps: (frames,) seconds, for videos whose frame rate varies, or None.
        space: "image" = pixels from the picture's top left corner; "body" = relative to a joint.

    Raises:
        ValueError: an attribute of another shape or outside its range; the message names the recording.
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
        object.__setattr__(self, "sample", str(self.sample))  # first, as errors contain the name
        for name in ("activity", "athlete", "estimator"):
            object.__setattr__(self, name, name_or_none(getattr(self, name)))
        object.__setattr__(self, "keypoints", np.asarray(self.keypoints, np.float32))
        self._check_shape()
        self._check_values()
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
            expected = f"(frames, {len(self.skeleton)}, 3) for {self.skeleton.name} with at least a frame"
            raise ValueError(f"{self.name}: `keypoints` must be {expected}, got {shape}.")

    def _check_values(self) -> None:
        x, y, confidence = self.keypoints[..., 0], self.keypoints[..., 1], self.keypoints[..., 2]
        is_finite = bool(np.isfinite(self.keypoints).all())  # most recordings; saves the checks of NaN
        if not is_finite and (np.isinf(x) | np.isinf(y) | (np.isnan(x) != np.isnan(y))).any():
            raise ValueError(f"{self.name}: x and y must both be finite or both be NaN (unseen).")
        if not (confidence.min() >= 0 and confidence.max() <= MAX_CONFIDENCE):  # refuses NaN too
            raise ValueError(
                f"{self.name}: confidence must lie in [0, 1] (a peak may overshoot to {MAX_CONFIDENCE}), "
                f"got {np.min(confidence):.3g} to {np.max(confidence):.3g}."
            )
        if not is_finite and (np.isnan(x) & (confidence > 0)).any():
            raise ValueError(f"{self.name}: an unseen joint (NaN) must have confidence 0.")
        if self.fps is not None and not 0 < self.fps < MAX_FPS:
            raise ValueError(
                f"{self.name}: `fps` must be frames a second above 0 and below {MAX_FPS}, got {self.fps}."
            )
        if self.timestamps is None:
            return
        if (shape := np.shape(self.timestamps)) != (len(self),):
            raise ValueError(f"{self.name}: `timestamps` must be ({len(self)},), got {shape}.")
        if not (np.diff(self.timestamps, prepend=-np.inf) > 0).all():
            raise ValueError(f"{self.name}: `timestamps` must be seconds that rise from frame to frame.")

    def __len__(self) -> int:
        return len(self.keypoints)

    def __repr__(self) -> str:
        rate = f" at {self.fps:g} fps" if self.fps else ""
        steps = "".join(f" > {entry['step']}" for entry in self.history)
        return f"<Recording {self.name}: {len(self)} frames{rate}, {self.skeleton.name}{steps}>"

    @property
    def name(self) -> str:
        """`activity-sample-athlete`, without the parts that are unknown."""
        return "-".join(part for part in (self.activity, self.sample, self.athlete) if part)

    @property
    def source(self) -> str:
        """Name of the recording of origin: the video's name without extension, else `name`. Copies keep it."""
        return Path(self.video).stem if self.video else self.name

    @property
    def xy(self) -> np.ndarray:
        """(frames, joints, 2) coordinates."""
        return self.keypoints[..., :2]

    @property
    def confidence(self) -> np.ndarray:
        """(frames, joints) confidence in [0, 1]."""
        return self.keypoints[..., 2]

    @property
    def seen(self) -> np.ndarray:
        """(frames, joints) bool: the joint has a place, found by the estimator or filled in."""
        return ~np.isnan(self.keypoints[..., 0])

    @property
    def seconds(self) -> float | None:
        """Duration: frames / `fps`; None if `fps` is unknown."""
        return len(self) / self.fps if self.fps else None

    def after(
        self, step: str, keypoints: np.ndarray, *, changes: Mapping[str, Any] | None = None, **arguments: Any
    ) -> Recording:
        """Return a copy with the keypoints that a step made, and with that step in the history.

        Only the shape of the keypoints is checked: steps keep what holds, and in a stream they run in every frame.

        Args:
            step, arguments: name and arguments of the step, for the history.
            keypoints: (frames, joints, 3), or (frames, joints, 2) to keep the confidence.
            changes: other attributes that changed, e.g. `fps`.

        Raises:
            ValueError: `keypoints` do not fit the layout.
        """
        if keypoints.shape[-1] == 2:
            keypoints = np.concatenate([keypoints, self.keypoints[..., 2:]], axis=-1)
        copy, history = object.__new__(type(self)), (*self.history, {"step": step, **arguments})
        keypoints = np.asarray(keypoints, np.float32)
        vars(copy).update(vars(self) | dict(changes or {}), keypoints=keypoints, history=history)
        copy._check_shape()
        return copy


def name_or_none(name: Any) -> str | None:
    """Return a name as text (athlete 0 too), and None for None, NaN or an empty text.

    >>> name_or_none(7), name_or_none(float("nan")), name_or_none("")
    ('7', None, None)
    """
    return None if pd.isna(name) or name == "" else str(name)


class VideoName(TypedDict):
    """Parts of a video's name; activity and athlete are None if it does not contain them."""

    activity: str | None
    sample: str
    athlete: str | None


def parse_video_name(stem: str) -> VideoName:
    """Return activity, sample and athlete of a published video name, read from the right: activities contain dashes.

    A name by a phone, camera or messenger gives no activity and no athlete (`VID-20240512-WA0003`, `IMG-1234-edited`,
    `WhatsApp Video 2024-05-12 at 10.30.15`, a UUID); a date or a camera's number shows it. The ending of a copy,
    ` (1)`, does not count.

    >>> parse_video_name("back-handspring-24-s09")
    {'activity': 'back-handspring', 'sample': '24', 'athlete': 's09'}
    >>> parse_video_name("backflip-1-anna (1)")
    {'activity': 'backflip', 'sample': '1', 'athlete': 'anna'}
    >>> parse_video_name("IMG_1234")
    {'activity': None, 'sample': 'IMG_1234', 'athlete': None}
    """
    match = _VIDEO_NAME.fullmatch(_COPY_ENDING.sub("", stem))
    if match is None or _CAMERA_NAME.search(stem):
        return {"activity": None, "sample": stem, "athlete": None}
    return {"activity": match["activity"], "sample": match["sample"], "athlete": match["athlete"]}
