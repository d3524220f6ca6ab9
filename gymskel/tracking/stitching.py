"""Stitching: when all frames are known, tracks are split at their gaps and joined again.

At the end a gap, a crossing or a wrong pose is judged from both sides: ends of tracklets are assigned to beginnings so
that the total cost is least, first over short gaps, then over long ones, of which more is known by then. Tracklets of a
frame or two, often false detections, come second: they fill gaps of longer ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gymskel.body_geometry import torso_ends
from gymskel.skeleton import BODY_25
from gymskel.tracking.appearance import learn_appearance
from gymskel.tracking.association import Edges, assignment_losses, is_leaving, pair_costs, reach
from gymskel.tracking.body_states import delay, predict_joints, recent_motion
from gymskel.tracking.geometry import body_centers, nan_median, pose_distances
from gymskel.tracking.params import BONE_QUANTILE, MIN_BONE, UPRIGHT_SLOPE, TrackingParams
from gymskel.tracking.track import Observation, Track
from gymskel.tracking.tracklets import Tracklet, chain_tracklets, end_states, fill_gaps, split_at_gaps

Run = tuple[list[int], list[Observation]]  # frames and observations that are in no track


def stitch_tracks(
    tracks: list[Track], unassigned: list[Run], fps: float, edges: Edges, params: TrackingParams
) -> list[Track]:
    """Return the people of a video, in order of first appearance, from the tracks made frame after frame.

    `unassigned` runs only fill gaps.
    """
    tracklets = _remove_brief_duplicates(
        [piece for track in tracks for piece in split_at_gaps(track.frames, track.observations, track.number)]
        + [piece for frames, seen in unassigned for piece in split_at_gaps(frames, seen, -1)],
        params,
    )
    long = [tracklet for tracklet in tracklets if len(tracklet.frames) >= params.brief_frames]
    brief = [tracklet for tracklet in tracklets if len(tracklet.frames) < params.brief_frames]
    for seconds in (params.short_gap, params.medium_gap):
        long = _join_over_gaps(long, fps, seconds, edges, params)
    tracklets = long + brief
    for seconds in (params.short_gap, params.short_gap, params.long_gap):
        tracklets = _join_over_gaps(fill_gaps(tracklets, fps, params), fps, seconds, edges, params)
    return _to_tracks([tracklet for tracklet in tracklets if max(tracklet.track_numbers) >= 0], fps, params)


def join_tracks(tracks: list[Track], fps: float, edges: Edges, params: TrackingParams) -> list[Track]:
    """Join tracks of one person over gaps, also by the colours; no track is split, as each was confirmed by following.

    The tracks are in order of first appearance, each with the number of its first part.
    """
    tracklets = [
        Tracklet(track.frames, [seen._replace(track_number=track.number) for seen in track.observations])
        for track in tracks
    ]
    for seconds in (params.short_gap, params.medium_gap, params.long_gap):
        tracklets = _join_over_gaps(tracklets, fps, seconds, edges, params, by_appearance=True)
    joined = _to_tracks(tracklets, fps, params)
    for track in joined:
        track.number = track.observations[0].track_number
    return joined


def _to_tracks(tracklets: list[Tracklet], fps: float, params: TrackingParams) -> list[Track]:
    """Return a track for each tracklet, in order of first appearance, numbered from 0."""
    tracklets = sorted(tracklets, key=lambda tracklet: tracklet.frames[0])
    ends = np.array([tracklet.frames[-1] / fps for tracklet in tracklets])
    bodies = delay(end_states(tracklets, fps, params, reverse=False), ends)
    return [
        Track(n, fps, tracklet.frames, tracklet.observations, bodies[n : n + 1], params)
        for n, tracklet in enumerate(tracklets)
    ]


def _remove_brief_duplicates(tracklets: list[Tracklet], params: TrackingParams) -> list[Tracklet]:
    """Return the tracklets, longest first, without brief ones that are a person found twice."""
    poses_in: dict[int, list[Array]] = {}
    kept = []
    for tracklet in sorted(tracklets, key=lambda tracklet: -len(tracklet.frames)):
        poses = tracklet.xy()
        if len(poses) < params.brief_frames and any(
            (pose_distances(pose[None], np.array(poses_in[frame])) < params.brief_duplicate).any()
            for frame, pose in zip(tracklet.frames, poses, strict=True)
            if frame in poses_in
        ):
            continue
        for frame, pose in zip(tracklet.frames, poses, strict=True):
            poses_in.setdefault(frame, []).append(pose)
        kept.append(tracklet)
    return kept


class LinkCandidates(NamedTuple):
    """Pairs of tracklets of which the first may go on as the second; arrays (pairs,)."""

    a: Array  # index of the earlier tracklet
    b: Array  # index of the later tracklet
    gaps: Array  # seconds between them
    both_long: Array  # bool: neither is brief
    same_track: Array  # bool: they were in one track while frames came
    left_picture: Array  # bool: the person may have left the picture in between


def _join_over_gaps(
    tracklets: list[Tracklet],
    fps: float,
    seconds: float,
    edges: Edges,
    params: TrackingParams,
    *,
    by_appearance: bool = False,
) -> list[Tracklet]:
    """Return the tracklets, joined over gaps up to `seconds` where that costs least in all."""
    if not tracklets:
        return []
    ends, starts = (end_states(tracklets, fps, params, reverse=reverse) for reverse in (False, True))
    pairs = _find_candidates(tracklets, ends, starts, fps, seconds, edges, params)
    if not len(pairs.a):
        return tracklets
    costs = _link_costs(tracklets, ends, starts, pairs, fps, params)
    if by_appearance:
        costs += _appearance_costs(tracklets, pairs, params)
    counts = _capped_counts(tracklets, params)
    gains = assignment_losses(params.gate, params) - assignment_losses(costs, params)
    gains *= np.minimum(counts[pairs.a], counts[pairs.b])
    good = costs < np.where(pairs.both_long, params.gate, params.brief_gate)
    return chain_tracklets(tracklets, _best_links(pairs.a[good], pairs.b[good], gains[good], len(tracklets)))


def _capped_counts(tracklets: list[Tracklet], params: TrackingParams) -> Array:
    """Return the number (n,) of frames of each tracklet, which counts no further once it is long."""
    return np.minimum([len(tracklet.frames) for tracklet in tracklets], params.brief_frames)


def _appearance_costs(tracklets: list[Tracklet], pairs: LinkCandidates, params: TrackingParams) -> Array:
    """Return the cost (pairs,) of joining two tracklets that their colours show."""
    looks = {n: learn_appearance(tracklets[n].observations, params) for n in {*pairs.a, *pairs.b}}
    costs = [
        min(looks[a].cost(looks[b].mean), looks[b].cost(looks[a].mean))
        for a, b in zip(pairs.a, pairs.b, strict=True)
    ]
    return params.appearance_weight * np.array(costs)


def _find_candidates(
    tracklets: list[Tracklet],
    ends: Array,
    starts: Array,
    fps: float,
    seconds: float,
    edges: Edges,
    params: TrackingParams,
) -> LinkCandidates:
    """Return the pairs worth a closer look: near enough to each other, or both on the way out of the picture."""
    a, b = _successive_pairs(tracklets, fps * seconds)
    first, last = (np.array([tracklet.frames[at] for tracklet in tracklets], int) for at in (0, -1))
    after, before = (
        np.array([tracklet.observations[at].track_number for tracklet in tracklets], int) for at in (0, -1)
    )
    brief = np.array([len(tracklet.frames) < params.brief_frames for tracklet in tracklets], bool)
    gaps, both_long = (first[b] - last[a]) / fps, ~(brief[a] | brief[b])
    same = (before[a] == after[b]) & (before[a] >= 0)
    leaving, coming = (is_leaving(bodies, gaps, edges, params) for bodies in (ends[a], starts[b]))
    left = leaving & coming & (gaps > params.reentry_seconds) & both_long
    speed = np.linalg.norm(recent_motion(ends, params.motion_window)[:, :2], axis=1) / ends["torso"]
    most = (params.link_reach + params.link_reach_speed * speed[a]) * np.fmax(
        ends["torso"][a], starts["torso"][b]
    )
    travel = np.linalg.norm(body_centers(ends["joints"])[a] - body_centers(starts["joints"])[b], axis=1)
    kept = left | (travel < most) & (both_long | same | (gaps < params.short_gap))
    return LinkCandidates(*(column[kept] for column in (a, b, gaps, both_long, same, left)))


def _link_costs(
    tracklets: list[Tracklet],
    ends: Array,
    starts: Array,
    pairs: LinkCandidates,
    fps: float,
    params: TrackingParams,
) -> Array:
    """Return the cost (pairs,) of each link, judged from both sides; the longer side counts more."""
    a, b, gaps = pairs.a, pairs.b, pairs.gaps
    forward = _successor_costs(ends[a], tracklets, b, gaps, fps, params, reverse=False)
    backward = _successor_costs(starts[b], tracklets, a, gaps, fps, params, reverse=True)
    counts = _capped_counts(tracklets, params)
    costs = (counts[a] * forward + counts[b] * backward) / (counts[a] + counts[b])
    # the tracker linked tracklets of one track already: it seemed right then
    gain = costs - params.online_gain
    online = np.where(pairs.both_long, np.minimum(gain, params.online_link_cost), gain)
    costs = np.where(pairs.same_track & (gaps < params.medium_gap), online, costs)
    end_sizes = _size_and_height(tracklets, fps, params, reverse=False)[:, a]
    sizes, heights = abs(end_sizes - _size_and_height(tracklets, fps, params, reverse=True)[:, b])
    bones = abs(nan_median(np.log(ends["full_bones"][a] / starts["full_bones"][b]), axis=1))
    size_change = np.fmax(np.fmax(sizes - params.return_free_size, bones - params.return_free_bones), 0)
    height_change = np.clip(np.nan_to_num(heights) / ends["torso"][a] - params.free_height, 0, 1)
    reentry = params.reentry_cost + params.height_cost * height_change
    reentry += np.minimum(params.return_size_cost * size_change, 1)
    stay = costs + np.clip(params.stay_size_cost * (np.nan_to_num(sizes) - params.stay_free_size), 0, 1)
    return np.fmin(stay, np.where(pairs.left_picture, reentry, np.inf))


def _successive_pairs(tracklets: list[Tracklet], max_gap: float) -> tuple[Array, Array]:
    """Return the index pairs (a, b) of tracklets of which b begins after a ends, by at most `max_gap` frames."""
    first = np.array([tracklet.frames[0] for tracklet in tracklets], int)
    last = np.array([tracklet.frames[-1] for tracklet in tracklets], int)
    order = np.argsort(first, kind="stable")
    low, high = (np.searchsorted(first[order], until, side="right") for until in (last, last + max_gap))
    a = np.repeat(np.arange(len(tracklets)), high - low)
    b = [order[i:j] for i, j in zip(low, high, strict=True)]
    return a, np.concatenate([*b, np.zeros(0, int)])


def _successor_costs(
    bodies: Array,
    tracklets: list[Tracklet],
    at: Array,
    gaps: Array,
    fps: float,
    params: TrackingParams,
    *,
    reverse: bool,
) -> Array:
    """Return the mean cost (pairs,) that the first poses of tracklets `at` (in reverse: last) continue `bodies`."""
    total, count = np.zeros(len(at)), np.zeros(len(at))
    for look in range(params.compared_poses):
        xy, offset = np.full((len(tracklets), len(BODY_25), 2), np.nan), np.zeros(len(tracklets))
        for n, tracklet in enumerate(tracklets):
            if look < len(tracklet.frames):
                index, end = (-1 - look, -1) if reverse else (look, 0)
                xy[n] = tracklet.observations[index].pose[:, :2]
                offset[n] = abs(tracklet.frames[index] - tracklet.frames[end]) / fps
        poses, now = xy[at], gaps + offset[at]
        predicted, seen = predict_joints(bodies, now, params), np.isfinite(poses[..., 0]).any(axis=1)
        costs = pair_costs(bodies, predicted, now, poses, np.inf, params)
        away = np.linalg.norm(body_centers(predicted) - body_centers(poses), axis=-1)
        limit = params.far_successor_cost
        costs = np.where(away < reach(bodies, now, params), np.minimum(costs, limit), limit)
        total += np.where(seen, costs, 0)
        count += seen
    return total / count


def _size_and_height(
    tracklets: list[Tracklet], fps: float, params: TrackingParams, *, reverse: bool
) -> Array:
    """Return (2, n): logarithm of the torso length, and y, at the end (in reverse: at the beginning).

    NaN unless enough upright poses of steady length are seen.
    """
    most, measures = round(params.measured_seconds * fps), np.full((2, len(tracklets)), np.nan)
    for n, tracklet in enumerate(tracklets):
        near = tracklet.part(None, most) if reverse else tracklet.part(-most, None)
        torso = np.stack(torso_ends(near.xy()), axis=1)
        x, y = np.moveaxis(torso[:, 1] - torso[:, 0], -1, 0)
        torso = torso[y > UPRIGHT_SLOPE * abs(x)]  # upright; not where it is not seen
        lengths = np.linalg.norm(torso[:, 0] - torso[:, 1], axis=1)
        steady = (
            abs(lengths / np.median(lengths) - 1) if len(torso) >= params.size_frames else np.array(np.inf)
        )
        if np.median(steady) < params.size_spread:
            length = max(np.quantile(lengths, BONE_QUANTILE), MIN_BONE)
            measures[:, n] = np.log(length), np.median(torso[..., 1])
    return measures


def _best_links(a: Array, b: Array, gains: Array, count: int) -> dict[int, int]:
    """Return those of the links a -> b that gain most in all, with each tracklet linked once at either end."""
    graph = coo_array((np.ones(len(a)), (a, b + count)), shape=(2 * count, 2 * count))
    label = connected_components(graph, directed=False)[1][a]
    order = np.argsort(label, kind="stable")
    links: dict[int, int] = {}
    for part in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        ends, row = np.unique(a[part], return_inverse=True)
        starts, column = np.unique(b[part], return_inverse=True)
        matrix = np.zeros((len(ends), len(starts)))
        matrix[row, column] = gains[part]
        rows, columns = linear_sum_assignment(matrix, maximize=True)
        links |= {
            int(ends[i]): int(starts[j]) for i, j in zip(rows, columns, strict=True) if matrix[i, j] > 0
        }
    return links
