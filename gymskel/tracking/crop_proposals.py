"""What is shown to an estimator to find somebody who should be about a place: the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gymskel.tracking.crops import Crop
from gymskel.tracking.prediction import CORE, Expectation

TURNS = (-45.0, 45.0, -90.0, 90.0, 180.0)  # degrees beside the expected lean
MARGIN = 1.9  # side of a view, in extents of the expected body: detectors want some picture around it
REACH = 5.5  # ... but at least this many torso lengths: a tucked body opens within a few frames
CLOSER = 0.65  # of that side


def views_of(
    expected: Expectation, others: list[Expectation], *, second: bool
) -> Iterator[tuple[Crop, list[Expectation]]]:
    """Squares to show, and who is to be painted out of each.

    The whole body as it leans; the same without others, if there are any about; closer; turned. With `second`, what
    usually comes second comes first.
    """
    xy = expected.pose[CORE, :2]
    low, high = np.nanmin(xy, axis=0), np.nanmax(xy, axis=0)
    center = tuple((low + high) / 2)
    side = max(MARGIN * float((high - low).max()), REACH * expected.torso)
    side *= min(1 + 0.1 * (expected.gap - 1), 2)
    about = [other for other in others if _is_within(other.pose, center, side)]
    plain, close = Crop(center, side, expected.lean), Crop(center, CLOSER * side, expected.lean)
    first = [(plain, []), (plain, about)] if about else [(plain, []), (close, [])]
    yield from reversed(first) if second else first
    if about:
        yield close, about
    for turn in TURNS:
        yield Crop(center, side if about or not second else close.side, expected.lean + turn), about


def _is_within(pose: np.ndarray, center: tuple[float, float], side: float) -> bool:
    """Whether a pose (25, 3) reaches into a square about a place, however it is turned."""
    return bool((np.linalg.norm(pose[CORE, :2] - center, axis=1) < 0.7 * side).any())
