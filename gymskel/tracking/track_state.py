"""Records of a followed person, beside the track: how each pose was found, and the colours of the clothes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from gymskel.tracking.appearance import Appearance
from gymskel.tracking.crops import Crop
from gymskel.tracking.prediction import Prediction, pose_cost

CONFIRMING_FRAMES = 3  # found as predicted, which confirm a person: pictures are full of false detections
_GOOD_COST = 0.4  # torso lengths, below which a pose is taken without trying further crops
_MAX_TOLERATED_COST = 0.6  # torso lengths; the most that `TrackState.tolerated_cost` becomes

Value = TypeVar("Value")


@dataclass
class TrackState:
    """The record of a followed person.

    `status` is "" for found as predicted; "nobody" or "poor", the result of the first crop, where it took more than one;
    "lost", no pose continued the person; "backwards", found going back; "found" and "found again", in a crop of the whole
    picture.
    """

    leans: dict[int, float] = field(default_factory=dict)  # frame -> degrees by which the crop was turned
    status: dict[int, str] = field(default_factory=dict)  # by frame
    second_first: bool = False  # the crop that usually comes second found the person lately
    tolerated_cost: float = 0.0  # torso lengths that further crops lately did not reduce
    confirmations: int = 0  # frames in which the person was found as predicted, going forward
    last_search: int = -1  # last frame that was searched for the person
    appearance: Appearance = field(default_factory=Appearance)
    colors: dict[int, np.ndarray] = field(default_factory=dict)  # frame -> (PARTS, 3) `body_colors`

    @property
    def is_confirmed(self) -> bool:
        """True if this is certainly a person; else the track is tentative."""
        return self.confirmations >= CONFIRMING_FRAMES

    def max_good_cost(self, gap: int) -> float:
        """Return the cost below which a pose `gap` frames after the last is good enough to stop the search."""
        return max(_GOOD_COST, self.tolerated_cost) * (1 + 0.2 * min(gap - 1, 5))

    def adapt_search(self, match: Match, first_result: str) -> None:
        """Tolerate about this cost if no crop improved on a poor first one; else put the better of two crops first."""
        if first_result == "poor" and match.attempt == 0:
            self.tolerated_cost = min(1.1 * match.cost, _MAX_TOLERATED_COST)
        else:
            self.tolerated_cost *= 0.95
            self.second_first ^= match.attempt == 1


def swap_entries(first: dict[int, Value], second: dict[int, Value], numbers: set[int]) -> None:
    """Exchange the entries of these keys between two dicts, in place; a key of one alone moves to the other."""
    from_first = {number: first.pop(number) for number in numbers & first.keys()}
    from_second = {number: second.pop(number) for number in numbers & second.keys()}
    first |= from_second
    second |= from_first


@dataclass(frozen=True)
class Target:
    """A person to find: the predicted pose and the known appearance."""

    predicted: Prediction
    appearance: Appearance

    def cost(self, pose: np.ndarray, colors: np.ndarray) -> float:
        """Return the cost that a pose (25, 3) with these colours is this person, in torso lengths."""
        return pose_cost(pose, self.predicted) + self.appearance.cost(colors)


@dataclass(frozen=True)
class Match:
    """The pose that continues a person best."""

    pose: np.ndarray  # (25, 3), pixels of the picture
    cost: float  # `Target.cost`, torso lengths
    crop: Crop  # in which it was found
    attempt: int  # index of that crop among those tried
    colors: np.ndarray  # (PARTS, 3) `body_colors`
