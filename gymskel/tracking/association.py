"""Cost that a pose continues a body: by going on from frame to frame, or by re-entering the picture.

Costs and places are in torso lengths, times in seconds. Pairs (b, p) are two index arrays: bodies and poses.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import mean_of_seen
from gymskel.tracking.body_states import BodyStates
from gymskel.tracking.geometry import (
    MIRROR,
    alignment_angles,
    body_centers,
    bone_lengths,
    nan_median,
    rotate_about,
)

GATE = 0.9  # torso lengths; largest cost at which a pose may continue a body
FORBIDDEN = 1e6  # cost of an assignment that is not allowed; finite, as the solver wants it

Edges = tuple[float, float]  # x of the left and the right edge of the picture, pixels


def continuation_costs(bodies: BodyStates, now: float, xy: Array, edges: Edges) -> Array:
    """Return the cost (bodies, people) that each pose of (people, 25, 2) at the second `now` continues each body."""
    costs = np.full((len(bodies.last_seen), len(xy)), FORBIDDEN)
    b, p = (at.ravel() for at in np.indices(costs.shape))
    predicted, reentry = bodies.predict(now), reentry_costs(bodies, now, xy, b, p, edges)
    near = is_near(bodies, predicted, now, xy, b, p) | np.isfinite(reentry)
    b, p = b[near], p[near]
    costs[b, p] = pair_costs(bodies, predicted, now, xy, b, p, reentry[near])
    return costs


def pair_costs(
    bodies: BodyStates,
    predicted: Array,
    now: float | Array,
    xy: Array,
    b: Array,
    p: Array,
    reentry: float | Array,
) -> Array:
    """Return the cost (pairs,) that pose p continues body b; the longer unseen, the less the place counts.

    Args:
        bodies: n bodies, whose `predicted` joints are (n, 25, 2).
        now: second of the poses `xy` (m, 25, 2), or (n,) seconds.
        reentry: (pairs,) `reentry_costs`, or inf for all.
    """
    gaps, young = now - bodies.last_seen, bodies.frame_counts < 3
    place, build, size = compare_poses(bodies, predicted, now, xy, b, p)
    late = np.minimum(gaps, 1)[b]
    stay = place * GATE / _search_radius(bodies, now)[b] + build * (1 + late) + 0.2 * late
    stay += np.minimum(4 * late, 1) * np.clip(2 * (abs(size) - 0.08), 0, np.where(size > 0, 0.4, 0.8))
    stay += 0.3 * np.minimum(5 * late, 1) * (bodies.frame_counts[b] < 6)  # perhaps a false detection
    return np.fmin(np.fmin(stay, reentry + 2.5 * abs(size) + build) + 0.05 * young[b], FORBIDDEN)


def reentry_costs(
    bodies: BodyStates, now: float | Array, xy: Array, b: Array, p: Array, edges: Edges
) -> Array:
    """Return the cost (pairs,) that p is body b re-entering the picture, without the size term; inf where impossible."""
    gaps, centers = now - bodies.last_seen, body_centers(bodies.joints)
    torso, gap = bodies.torso[b], gaps[b]
    left = is_leaving(bodies, gap, b, edges)
    travel = np.linalg.norm(centers[b] - body_centers(xy)[p], axis=-1) / torso
    cost = np.where(left, 0.25, np.where(travel < 1 + 5 * gap, 0.4, np.inf))
    at_edge = _edge_distances(xy, edges)[p] < 1.5 * torso
    possible = (gap > 0.2) & (bodies.frame_counts[b] > 5) & at_edge & np.isfinite(cost)
    rise = np.zeros(len(b))
    rise[possible] = _height_changes(bodies.joints[b[possible]], xy[p[possible]], torso[possible])
    return np.where(possible, cost + 1.5 * np.clip(rise - 0.12, 0, 0.4), np.inf)


def _height_changes(xy: Array, others: Array, torso: Array) -> Array:
    """Return the mean change (pairs,) of the joints' heights, each at most 1 torso; the floor is where it was."""
    change = np.minimum(abs(xy[..., 1] - others[..., 1]) / torso[:, None], 1)
    seen = np.isfinite(change)
    return np.where(seen, change, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)


def is_near(bodies: BodyStates, predicted: Array, now: float | Array, xy: Array, b: Array, p: Array) -> Array:
    """Return (pairs,) True where pose p is near enough to body b to be compared with it; False where no joint is seen.

    The limit is 1.5 torso lengths beyond the search radius. `predicted` (n, 25, 2) and `xy` (m, 25, 2) are in pixels.
    """
    away = np.linalg.norm(body_centers(predicted)[b] - body_centers(xy)[p], axis=-1) / bodies.torso[b]
    return away < _search_radius(bodies, now)[b] + 1.5


def is_leaving(bodies: BodyStates, gaps: Array, at: Array, edges: Edges) -> Array:
    """Return (pairs,) True where body `at` was at the edge of the picture, or reaches it within (pairs,) seconds."""
    left, right = edges
    x = body_centers(bodies.joints)[at, 0] + bodies.motion[at, 0] * gaps
    to_edge = np.fmin(np.fmin(x - left, right - x), _edge_distances(bodies.joints, edges)[at])
    return to_edge < 0.5 * bodies.torso[at]


def _search_radius(bodies: BodyStates, now: float | Array) -> Array:
    """Return torso lengths (n,) in which each body may be: more if long unseen, fast, or seen in under 3 frames."""
    gaps, young = now - bodies.last_seen, bodies.frame_counts < 3
    speed = np.linalg.norm(bodies.motion[:, :2], axis=1) / bodies.torso
    return GATE + (3 + 0.6 * speed) * np.minimum(gaps, 1) + young * np.minimum(12 * gaps, 1)


def _edge_distances(xy: Array, edges: Edges) -> Array:
    """Return pixels (n,) from each pose's joint nearest to the left or right edge; negative outside the picture."""
    left, right = edges
    return np.fmin.reduce(np.fmin(xy[..., 0] - left, right - xy[..., 0]), axis=1)


def compare_poses(
    bodies: BodyStates, predicted: Array, now: float | Array, xy: Array, b: Array, p: Array
) -> tuple[Array, Array, Array]:
    """Compare poses p of `xy` with the `predicted` joints of bodies b.

    Returns:
        Three arrays (pairs,): distance of the joints from their predicted places, inf without a common joint; cost of
        bones of other lengths; logarithm of pose size over body size.
    """
    gaps = abs(now - bodies.last_seen)[b]
    turn_limits = np.minimum(np.radians(10 + 500 * gaps), np.pi)  # beyond the turning that is predicted
    unseen = abs(bodies.last_seen[:, None] - bodies.joint_times)
    weights = np.exp(-unseen / 0.15)[b]  # where a joint is that was not seen lately, is not known well
    plain = _place_distances(predicted[b], xy[p], weights, turn_limits, bodies.torso[b])
    mirrored = _place_distances(predicted[b], xy[:, MIRROR][p], weights, turn_limits, bodies.torso[b]) + 0.1
    known = np.stack([bodies.full_bones[b], bodies.recent_bones[b]])
    longer = np.log(np.maximum(bone_lengths(xy)[p], 1e-3) / np.maximum(known, 1e-3))  # (2, pairs, bones)
    count = np.isfinite(longer[0]).sum(axis=1)
    stretch = np.nan_to_num(np.clip(longer[0] - 0.25, 0, 1)).sum(axis=1) / np.maximum(count, 1)
    sizes = np.nan_to_num(nan_median(longer, axis=2))  # the median bone, as some may be another person's
    sizes[0] += 0.08 * (count > 0)  # in a single pose some bones always look shorter
    change = sizes[np.argmin(abs(sizes), axis=0), np.arange(len(b))] * np.clip((count - 1) / 4, 0, 1)
    change = np.clip(2 * (abs(change) - 0.12 - 0.6 * gaps), 0, np.where(change > 0, 0.3, 0.5))
    build = np.maximum(np.minimum(0.5 * stretch, 0.3), change)  # turning away from the camera takes a while
    return np.minimum(plain, mirrored), build, sizes[0] * np.minimum((count + 1) / 5, 1)


def _place_distances(predicted: Array, xy: Array, weights: Array, turn_limits: Array, torso: Array) -> Array:
    """Return the mean distance (n,) of joints, turned by up to `turn_limits` radians; inf without a common joint."""
    both = np.isfinite(predicted[..., 0] + xy[..., 0])
    weights = np.where(both, weights, 0)
    turn = np.clip(alignment_angles(predicted, xy), -turn_limits, turn_limits)
    about = mean_of_seen(np.where(both[..., None], predicted, np.nan))
    as_predicted, turned = (
        _trimmed_means(np.linalg.norm(xy - joints, axis=-1) / torso[:, None], weights)
        for joints in (predicted, rotate_about(predicted, turn, about))
    )
    few = 0.4 / np.maximum(weights.sum(axis=1), 0.4)
    return np.where(both.any(axis=1), np.fmin(as_predicted, turned + 0.05 * abs(turn)) + few, np.inf)


def _trimmed_means(distances: Array, weights: Array) -> Array:
    """Return the weighted mean (n,) of the distances (n, joints), without the largest third."""
    order = np.argsort(distances, axis=1)  # NaN last
    distances, weights = (np.take_along_axis(values, order, axis=1) for values in (distances, weights))
    share = (2 / 3) * weights.sum(axis=1, keepdims=True)
    kept = np.clip(share - (np.cumsum(weights, axis=1) - weights), 0, weights)
    return np.where(kept > 0, kept * distances, 0).sum(axis=1) / np.maximum(share[:, 0], 1e-9)
