"""The protocol of a pose estimator, and the choice of one by its name.

Any callable with a `name` and a `skeleton` will do:

>>> class Nobody:
...     name = "nobody"
...     skeleton = BODY_25
...     stateless = True
...     def __call__(self, frame):
...         return np.empty((0, 25, 3), np.float32)
>>> choose_estimator(Nobody()).name
'nobody'
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gymskel.estimators.mediapipe import MediaPipe
from gymskel.estimators.openpose import OpenPose
from gymskel.estimators.rtmpose import RTMPose
from gymskel.skeleton import BODY_25, Skeleton


class Estimator(Protocol):
    """A pose estimator: a callable that finds people in a frame, with a `name`, a `skeleton` and `stateless`.

    An estimator that remembers earlier frames also has `reset()`; it is called before and after each video.

    Attributes:
        name: the model, its version and every option that changes the result; the same name means the same results.
        skeleton: layout of the joints it returns.
        stateless: True if the result depends on the frame alone, not on earlier frames. Only such an estimator can be
            shown crops (`follow`). An estimator without this attribute is stateless unless it has a `reset`.
    """

    name: str
    skeleton: Skeleton
    stateless: bool

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Return (people, joints, 3) float32 for a frame (height, width, 3) uint8, BGR, C-contiguous.

        x, y in pixels and confidence in [0, 1]; an unseen joint is NaN, NaN, 0; nobody is (0, joints, 3).
        """


ESTIMATORS = {"openpose": OpenPose, "rtmpose": RTMPose, "mediapipe": MediaPipe}
"""Estimators that gymskel knows by name, the best first, as "auto" tries them."""


def choose_estimator(estimator: str | Estimator = "auto") -> Estimator:
    """Return an estimator by its name, the best one installed for "auto", or the given one after a check.

    "auto" takes the first of OpenPose, RTMPose and MediaPipe that can start without a download. See the result's `name`.

    Raises:
        ValueError: no such name.
        TypeError: not an estimator.
        ImportError: it is not installed; for "auto", none is.
        FileNotFoundError: its model files are missing.
    """
    if not isinstance(estimator, str):
        return _check_estimator(estimator)
    if estimator in ESTIMATORS:
        return ESTIMATORS[estimator]()
    if estimator != "auto":
        names = ", ".join(ESTIMATORS)
        raise ValueError(f"`estimator` must be auto, {names} or a callable, got {estimator!r}.")
    errors = []
    for name, make in ESTIMATORS.items():
        try:
            return RTMPose(download=False) if make is RTMPose else make()
        except (ImportError, FileNotFoundError) as error:
            errors.append(f"{name}: {error}")
    raise ImportError("\n".join(["No pose estimator is installed.", *errors]))


def is_stateless(estimator: Estimator) -> bool:
    """Return the estimator's `stateless`; without that attribute, True unless it has a `reset`."""
    return bool(getattr(estimator, "stateless", not hasattr(estimator, "reset")))


def _check_estimator(estimator: Any) -> Estimator:
    """Return the estimator; raise TypeError if it is not callable, a class, or without a `name` or a `skeleton`."""
    named = isinstance(getattr(estimator, "name", None), str)
    laid_out = isinstance(getattr(estimator, "skeleton", None), Skeleton)
    if isinstance(estimator, type) or not callable(estimator) or not named or not laid_out:
        raise TypeError(
            "`estimator` must be a callable frame -> (people, joints, 3) with a `name` and a `skeleton`, "
            f"such as MediaPipe(); got {estimator!r}."
        )
    return estimator


def find_people(frame: np.ndarray, number: int, estimator: Estimator, video: Path) -> np.ndarray:
    """Return the people that an estimator finds in a frame, (people, 25, 3) float32 in BODY_25, each with a joint.

    Raises:
        ValueError: the estimator returned another shape, or a joint 0, 0, 0. The message names video and frame.
    """
    people = estimator(frame)
    joints = len(estimator.skeleton)
    where = f"{video}, frame {number}: {estimator.name} returned"
    if not isinstance(people, np.ndarray) or people.ndim != 3 or people.shape[1:] != (joints, 3):
        got = f"shape {people.shape}" if isinstance(people, np.ndarray) else type(people).__name__
        raise ValueError(
            f"{where} {got}; expected (people, {joints}, 3) for {estimator.skeleton.name}, and "
            f"(0, {joints}, 3) for nobody."
        )
    if (people == 0).all(axis=-1).any():
        raise ValueError(f"{where} a joint 0, 0, 0; an unseen joint must be NaN, NaN, 0.")
    people = estimator.skeleton.convert(people.astype(np.float32, copy=False), BODY_25)
    return people[~np.isnan(people[..., 0]).all(axis=1)]


def reset(estimator: Estimator) -> None:
    """Call the estimator's `reset`, if it has one."""
    own_reset = getattr(estimator, "reset", None)
    if own_reset is not None:
        own_reset()
