"""The search for one person in one frame: crops are shown to the estimator until a pose continues the person well."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from gymskel.tracking.appearance import Appearance, body_colors
from gymskel.tracking.crops import Crop, mask_people
from gymskel.tracking.params import MIN_JOINTS, TrackingParams
from gymskel.tracking.prediction import CORE_JOINTS, Prediction, pose_cost
from gymskel.tracking.track import Observation

FindPeople = Callable[[np.ndarray], np.ndarray]
"""An estimator without memory: picture (height, width, 3) uint8 BGR -> people (people, 25, 3), pixels."""


@dataclass(frozen=True)
class Target:
    """A person to find: the predicted pose and the known appearance."""

    predicted: Prediction
    appearance: Appearance

    def cost(self, pose: np.ndarray, colors: np.ndarray, params: TrackingParams) -> float:
        """Return the cost that a pose (25, 3) with these colours is this person, in torso lengths."""
        return pose_cost(pose, self.predicted, params) + self.appearance.cost(colors)


@dataclass(frozen=True)
class Match:
    """The pose that continues a person best."""

    pose: np.ndarray  # (25, 3), pixels of the picture
    cost: float  # `Target.cost`, torso lengths
    crop: Crop  # in which it was found
    attempt: int  # index of that crop among those tried
    colors: np.ndarray  # (PARTS, 3) `body_colors`
    first_result: str = (
        ""  # of the first crop: "" if its pose was good, "poor" if another was, "nobody" if none fitted
    )

    def observation(self, status: str) -> Observation:
        """Return it as the observation of a frame."""
        return Observation(self.pose.astype(np.float32), self.colors, self.crop.lean, status)


def estimate_in_crop(
    find_people: FindPeople,
    frame: np.ndarray,
    crop: Crop,
    masked: list[Prediction],
    params: TrackingParams,
    wanted: Prediction | None = None,
) -> np.ndarray:
    """Return the people (people, 25, 3) found in a crop, in the picture's pixels; unseen outside the picture.

    People with too few core joints are left out. Those in `masked` are painted out; the `wanted` person is spared.
    """
    picture = crop.cut(frame)
    people = find_people(mask_people(picture, crop, masked, params, wanted) if masked else picture)
    people = crop.to_picture(people)
    height, width = frame.shape[:2]
    inside = ((people[..., :2] >= 0) & (people[..., :2] <= (width, height))).all(axis=-1)
    people[~inside] = np.nan, np.nan, 0
    return people[inside[:, CORE_JOINTS].sum(axis=1) >= MIN_JOINTS]


def find_match(
    find_people: FindPeople,
    frame: np.ndarray,
    crops: Iterable[tuple[Crop, list[Prediction]]],
    target: Target,
    others: list[Target],
    good_cost: float,
    params: TrackingParams,
) -> Match | None:
    """Return the cheapest match in the crops, or None if no pose continues the person.

    Crops are tried until a match costs less than `good_cost`, in torso lengths; each comes with the people to paint out
    in it, and counts as one estimate. A pose that costs less for one of the `others` is that person's.
    """
    best: Match | None = None
    first_result = ""
    for attempt, (crop, masked) in enumerate(crops):
        for pose in estimate_in_crop(find_people, frame, crop, masked, params, target.predicted):
            if pose_cost(pose, target.predicted, params) > params.gate:
                continue
            colors = body_colors(frame, pose, target.predicted.torso, params)
            cost = target.cost(pose, colors, params)
            if any(other.cost(pose, colors, params) < cost for other in others):
                continue
            if best is None or cost < best.cost:
                best = Match(pose, cost, crop, attempt, colors)
        if best and best.cost < good_cost:
            break
        first_result = first_result or ("poor" if best else "nobody")
    return replace(best, first_result=first_result) if best and best.cost <= params.gate else None
