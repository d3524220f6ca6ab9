"""A followed person: the track, and what the search in the next frame needs to know beside it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gymskel.body_geometry import torso_lean
from gymskel.tracking.appearance import Appearance
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.prediction import Prediction, predict_pose
from gymskel.tracking.search import Match, Target
from gymskel.tracking.track import Track


@dataclass(eq=False)
class Person:
    """A followed person."""

    track: Track
    params: TrackingParams
    appearance: Appearance = field(init=False)  # from the poses that were found as predicted
    second_first: bool = False  # the crop that usually comes second found the person lately
    tolerated_cost: float = 0.0  # torso lengths that further crops lately did not reduce
    confirmations: int = 0  # frames in which the person was found as predicted, going forward
    last_search: int = -1  # last frame that was searched for the person
    missed: set[int] = field(default_factory=set)  # frames that were searched in vain

    def __post_init__(self) -> None:
        self.appearance = Appearance(self.params)

    @property
    def is_confirmed(self) -> bool:
        """True if this is certainly a person, else the track is tentative: pictures are full of false detections."""
        return self.confirmations >= self.params.confirming_frames

    def target(self, number: int, *, backwards: bool = False) -> Target:
        """Return the person as to be found in a frame, from the poses before it, or after it if `backwards`."""
        return Target(predict_pose(self.track, number, self.params, backwards=backwards), self.appearance)

    def target_in(self, number: int) -> Target:
        """Return the person as found in a frame, or as to be found there."""
        seen = self.track.at(number)
        if seen is None:
            return self.target(number)
        lean = float(torso_lean(seen.pose[:, :2]))
        return Target(Prediction(seen.pose, lean, self.track.torso, 1), self.appearance)

    def max_good_cost(self, gap: int) -> float:
        """Return the cost below which a pose `gap` frames after the last is good enough to stop the search."""
        cost = max(self.params.good_cost, self.tolerated_cost)
        return cost * (1 + self.params.good_cost_growth * min(gap - 1, self.params.good_cost_frames))

    def adapt_search(self, match: Match) -> None:
        """Tolerate about this cost if no crop improved on a poor first one; else put the better of two crops first."""
        if match.first_result == "poor" and match.attempt == 0:
            self.tolerated_cost = min(self.params.tolerance * match.cost, self.params.max_tolerated_cost)
        else:
            self.tolerated_cost *= self.params.tolerance_decay
            self.second_first ^= match.attempt == 1
