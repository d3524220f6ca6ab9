"""Cost that a pose continues a body: by going on from frame to frame, or by coming back into the picture.

Bodies and poses are compared in pairs: row n of each array belongs to pair n. Costs are in torso lengths, times in
seconds, places in pixels.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import mean_of_seen
from gymskel.tracking.body_states import predict_joints, recent_motion
from gymskel.tracking.geometry import (
    MIRROR,
    alignment_angles,
    body_centers,
    bone_lengths,
    nan_median,
    rotate_about,
)
from gymskel.tracking.params import MIN_BONE, TrackingParams

FORBIDDEN = 1e6  # cost of an assignment that is not allowed; finite, as the solver wants it

Edges = tuple[float, float]  # x of the left and the right edge of the picture, pixels


def assignment_losses(costs: Array | float, params: TrackingParams) -> Array:
    """Return what an assignment of these costs loses: from some cost on little more than of less (Cauchy's loss).

    So one body that is half hidden does not drag others along.
    """
    return np.log1p((np.clip(costs, 0, params.gate) / params.usual_cost) ** 2)


def continuation_costs(bodies: Array, now: float, xy: Array, edges: Edges, params: TrackingParams) -> Array:
    """Return the cost (bodies, people) that each pose of (people, 25, 2) at the second `now` continues each body."""
    costs = np.full((len(bodies), len(xy)), FORBIDDEN)
    predicted = predict_joints(bodies, now, params)
    away = np.linalg.norm(body_centers(predicted)[:, None] - body_centers(xy), axis=-1)
    near = away < reach(bodies, now, params)[:, None]
    absent = now - bodies["last_seen"] > params.reentry_seconds
    b, p = np.nonzero(near | absent[:, None])
    reentry = reentry_costs(bodies[b], now, xy[p], edges, params)
    kept = near[b, p] | np.isfinite(reentry)
    b, p = b[kept], p[kept]
    costs[b, p] = pair_costs(bodies[b], predicted[b], now, xy[p], reentry[kept], params)
    return costs


def pair_costs(
    bodies: Array,
    predicted: Array,
    now: float | Array,
    xy: Array,
    reentry: float | Array,
    params: TrackingParams,
) -> Array:
    """Return the cost (n,) that a pose continues a body; the longer unseen, the less the place counts.

    Args:
        bodies: (n,) bodies, whose `predicted` joints are (n, 25, 2).
        now: second of the poses `xy` (n, 25, 2), or (n,) seconds.
        reentry: (n,) `reentry_costs`, or inf for all.
    """
    late = np.minimum(now - bodies["last_seen"], 1)
    place, build, size = compare_poses(bodies, predicted, now, xy, params)
    cost = place * params.gate / _search_radius(bodies, now, params)
    cost += build * (1 + late) + params.gap_cost * late
    limit = np.where(size > 0, params.max_larger_cost, params.max_smaller_cost)
    size_cost = np.clip(params.size_cost * (abs(size) - params.free_size), 0, limit)
    cost += np.minimum(late / params.size_seconds, 1) * size_cost
    again = reentry + params.reentry_size_cost * abs(size) + build
    return np.fmin(np.fmin(cost, again), FORBIDDEN)


def reentry_costs(bodies: Array, now: float, xy: Array, edges: Edges, params: TrackingParams) -> Array:
    """Return the cost (n,) that a pose is a body coming back into the picture, without that of its size.

    inf where it cannot be.
    """
    gaps, torso, joints = now - bodies["last_seen"], bodies["torso"], bodies["joints"]
    travel = np.linalg.norm(body_centers(joints) - body_centers(xy), axis=-1) / torso
    here = travel < params.reentry_reach + params.reentry_speed * gaps
    left = is_leaving(bodies, gaps, edges, params)
    cost = np.where(left, params.reentry_cost, np.where(here, params.edge_reentry_cost, np.inf))
    at_edge = _edge_distances(xy, edges) < params.reentry_edge * torso
    possible = (gaps > params.reentry_seconds) & (bodies["frame_count"] > params.brief_frames) & at_edge
    # the floor is where it was
    rise = np.minimum(abs(joints[..., 1] - xy[..., 1]) / torso[:, None], 1)
    seen = np.isfinite(rise)
    mean_rise = np.where(seen, rise, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    height_cost = params.height_cost * np.clip(mean_rise - params.free_height, 0, params.max_height)
    return np.where(possible, cost + height_cost, np.inf)


def reach(bodies: Array, now: float | Array, params: TrackingParams) -> Array:
    """Return pixels (n,) from the predicted center of each body, within which a pose is compared with it."""
    return (_search_radius(bodies, now, params) + params.near_margin) * bodies["torso"]


def is_leaving(bodies: Array, gaps: Array, edges: Edges, params: TrackingParams) -> Array:
    """Return (n,) True where a body was at the edge of the picture, or reaches it within (n,) seconds."""
    left, right = edges
    joints = bodies["joints"]
    x = body_centers(joints)[:, 0] + recent_motion(bodies, params.motion_window)[:, 0] * gaps
    to_edge = np.fmin(np.fmin(x - left, right - x), _edge_distances(joints, edges))
    return to_edge < params.edge_reach * bodies["torso"]


def _edge_distances(xy: Array, edges: Edges) -> Array:
    """Return pixels (n,) from each pose's joint nearest to the left or right edge; negative outside the picture."""
    left, right = edges
    return np.fmin.reduce(np.fmin(xy[..., 0] - left, right - xy[..., 0]), axis=1)


def _search_radius(bodies: Array, now: float | Array, params: TrackingParams) -> Array:
    """Return torso lengths (n,) in which each body may be: more if long unseen, or fast."""
    late = np.minimum(now - bodies["last_seen"], 1)
    speed = np.linalg.norm(recent_motion(bodies, params.motion_window)[:, :2], axis=1) / bodies["torso"]
    return params.gate + (params.radius_growth + params.radius_speed * speed) * late


def compare_poses(
    bodies: Array, predicted: Array, now: float | Array, xy: Array, params: TrackingParams
) -> tuple[Array, Array, Array]:
    """Compare poses with the `predicted` joints of bodies.

    Returns:
        Three arrays (n,): distance of the joints from their predicted places, inf without a common joint; cost of bones
        of other lengths; logarithm of pose size over body size.
    """
    gaps = abs(now - bodies["last_seen"])
    turn_limits = np.minimum(np.radians(params.free_turn + params.free_turn_rate * gaps), np.pi)
    # where a joint is that was not seen lately is not known well
    unseen = abs(bodies["last_seen"][:, None] - bodies["joint_times"])
    weights = np.exp(-unseen / params.joint_memory)
    plain, mirrored = (
        _place_distances(predicted, poses, weights, turn_limits, bodies["torso"], params)
        for poses in (xy, xy[:, MIRROR])
    )
    # left and right may be taken for each other, at some cost
    place = np.minimum(plain, mirrored + params.mirror_cost)
    build, size = _compare_bones(bodies, bone_lengths(xy), gaps, params)
    return place, build, size


def _compare_bones(bodies: Array, lengths: Array, gaps: Array, params: TrackingParams) -> tuple[Array, Array]:
    """Return the cost (n,) of bones of these lengths (n, bones), and the logarithm of pose size over body size.

    Bones turned away from the camera look short, so a body is known by how long they are at most, and how long lately.
    """
    known = np.stack([bodies["full_bones"], bodies["recent_bones"]])
    longer = np.log(np.maximum(lengths, MIN_BONE) / np.maximum(known, MIN_BONE))  # (2, n, bones)
    count = np.isfinite(longer[0]).sum(axis=1)
    sizes = np.nan_to_num(nan_median(longer, axis=2))  # the median bone, as some may be another person's
    sizes[0] += params.size_bias * (count > 0)
    change = sizes[np.argmin(abs(sizes), axis=0), np.arange(len(count))]
    change *= np.clip((count - 1) / params.sure_bones, 0, 1)
    limit = np.where(change > 0, params.max_longer_cost, params.max_shorter_cost)
    beyond = abs(change) - params.build_change - params.build_change_rate * gaps
    stretch = np.nan_to_num(np.clip(longer[0] - params.free_stretch, 0, 1)).sum(axis=1) / np.maximum(count, 1)
    stretch_cost = np.minimum(params.stretch_cost * stretch, params.max_longer_cost)
    cost = np.maximum(stretch_cost, np.clip(params.build_cost * beyond, 0, limit))
    return cost, sizes[0] * np.minimum((count + 1) / (params.sure_bones + 1), 1)


def _place_distances(
    predicted: Array, xy: Array, weights: Array, turn_limits: Array, torso: Array, params: TrackingParams
) -> Array:
    """Return the mean distance (n,) of joints, turned by up to `turn_limits` radians; inf without a common joint."""
    both = np.isfinite(predicted[..., 0] + xy[..., 0])
    weights = np.where(both, weights, 0)
    turn = np.clip(alignment_angles(predicted, xy), -turn_limits, turn_limits)
    about = mean_of_seen(np.where(both[..., None], predicted, np.nan))
    as_predicted, turned = (
        _trimmed_means(np.linalg.norm(xy - joints, axis=-1) / torso[:, None], weights, params.kept_share)
        for joints in (predicted, rotate_about(predicted, turn, about))
    )
    few = params.few_joints_cost / np.maximum(weights.sum(axis=1), params.few_joints_cost)
    turned += params.turn_cost * abs(turn)
    return np.where(both.any(axis=1), np.fmin(as_predicted, turned) + few, np.inf)


def _trimmed_means(distances: Array, weights: Array, kept_share: float) -> Array:
    """Return the weighted mean (n,) of the distances (n, joints), only the smallest `kept_share` of them."""
    order = np.argsort(distances, axis=1)  # NaN last
    distances, weights = (np.take_along_axis(values, order, axis=1) for values in (distances, weights))
    share = kept_share * weights.sum(axis=1, keepdims=True)
    kept = np.clip(share - (np.cumsum(weights, axis=1) - weights), 0, weights)
    return np.where(kept > 0, kept * distances, 0).sum(axis=1) / np.maximum(share[:, 0], np.finfo(float).tiny)
