"""What it costs that a pose continues somebody: who went on from frame to frame, or left the picture and is back."""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.tracking.geometry import centers
from gymskel.tracking.track import Bodies, distances

GATE = 0.9
"""What continuing somebody may cost at most."""

NEVER = 1e6
"""The cost of what is not allowed; finite, as the solver wants it."""

Edges = tuple[float, float]  # x of the left and the right edge of the picture


def continuation_costs(bodies: Bodies, now: float, xy: Array, edges: Edges) -> Array:
    """(bodies, people) what each continuation costs at the second `now` by poses (people, 25, 2)."""
    costs = np.full((len(bodies.last), len(xy)), NEVER)
    b, p = (at.ravel() for at in np.indices(costs.shape))
    expected, back = bodies.expect(now), return_costs(bodies, now, xy, b, p, edges)
    near = nearby(bodies, expected, now, xy, b, p) | np.isfinite(back)
    b, p = b[near], p[near]
    costs[b, p] = pair_costs(bodies, expected, now, xy, b, p, back[near])
    return costs


def pair_costs(
    bodies: Bodies, expected: Array, now: float | Array, xy: Array, b: Array, p: Array, back: Array
) -> Array:
    """(pairs,) what it costs that pose p continues body b; the longer unseen, the less the place says.

    Args:
        bodies: of n people.
        expected: (n, 25, 2) where their joints are expected.
        now: second of the poses, or (n,) of them.
        xy: (m, 25, 2) poses.
        b: (pairs,) of n.
        p: (pairs,) of m.
        back: (pairs,) `return_costs`.
    """
    gaps, young = now - bodies.last, bodies.seen < 3
    place, build, size = distances(bodies, expected, now, xy, b, p)
    late = np.minimum(gaps, 1)[b]
    stay = place * GATE / _tolerance(bodies, now)[b] + build * (1 + late) + 0.2 * late
    stay += np.minimum(4 * late, 1) * np.clip(2 * (abs(size) - 0.08), 0, np.where(size > 0, 0.4, 0.8))
    stay += 0.3 * np.minimum(5 * late, 1) * (bodies.seen[b] < 6)  # perhaps nobody ever was there
    return np.fmin(np.fmin(stay, back + 2.5 * abs(size) + build) + 0.05 * young[b], NEVER)


def return_costs(bodies: Bodies, now: float | Array, xy: Array, b: Array, p: Array, edges: Edges) -> Array:
    """(pairs,) what it costs, but for the build, that body b left the picture and pose p is them back; or inf."""
    gaps, middles = now - bodies.last, centers(bodies.joints)
    sizes, gap = bodies.size[b], gaps[b]
    left = heads_out(bodies, gap, b, edges)
    way = np.linalg.norm(middles[b] - centers(xy)[p], axis=-1) / sizes
    cost = np.where(left, 0.25, np.where(way < 1 + 5 * gap, 0.4, np.inf))
    here = (gap > 0.2) & (bodies.seen[b] > 5) & (_inside(xy, edges)[p] < 1.5 * sizes) & np.isfinite(cost)
    rise = np.zeros(len(b))
    rise[here] = _rise(bodies.joints[b[here]], xy[p[here]], sizes[here])
    return np.where(here, cost + 1.5 * np.clip(rise - 0.12, 0, 0.4), np.inf)


def _rise(one: Array, other: Array, sizes: Array) -> Array:
    """(pairs,) torso lengths by which the joints are higher or lower than they were, as the floor is where it was."""
    rise = np.minimum(abs(one[..., 1] - other[..., 1]) / sizes[:, None], 1)
    seen = np.isfinite(rise)
    return np.where(seen, rise, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)


def nearby(bodies: Bodies, expected: Array, now: float | Array, xy: Array, b: Array, p: Array) -> Array:
    """(pairs,) whether pose p is near enough to where body b is expected to be worth a closer look."""
    away = np.linalg.norm(centers(expected)[b] - centers(xy)[p], axis=-1) / bodies.size[b]
    return away < _tolerance(bodies, now)[b] + 1.5


def heads_out(bodies: Bodies, gaps: Array, at: Array, edges: Edges) -> Array:
    """(pairs,) whether body `at` was at the edge of the picture, or is after (pairs,) seconds if it went on."""
    left, right = edges
    x = centers(bodies.joints)[at, 0] + bodies.motion[at, 0] * gaps
    return np.fmin(np.fmin(x - left, right - x), _inside(bodies.joints, edges)[at]) < 0.5 * bodies.size[at]


def _tolerance(bodies: Bodies, now: float | Array) -> Array:
    """(n,) torso lengths within which each may be: more, the longer unseen, the faster, the less known."""
    gaps, young = now - bodies.last, bodies.seen < 3
    speed = np.linalg.norm(bodies.motion[:, :2], axis=1) / bodies.size
    return GATE + (3 + 0.6 * speed) * np.minimum(gaps, 1) + young * np.minimum(12 * gaps, 1)


def _inside(xy: Array, edges: Edges) -> Array:
    """(n,) pixels from the joint of (n, joints, 2) nearest to the left or right edge; negative outside."""
    left, right = edges
    return np.fmin.reduce(np.fmin(xy[..., 0] - left, right - xy[..., 0]), axis=1)
