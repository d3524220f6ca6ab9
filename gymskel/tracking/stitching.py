"""Stitching: when all frames are known, tracks are split at their gaps and joined again.

At the end a gap, a crossing or a wrong pose is judged from both sides: ends of tracklets are assigned to beginnings so
that the total cost is least, first over short gaps, then over long ones, of which more is known by then. Tracklets of a
frame or two, often false detections, come second: they fill gaps of longer ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gymskel.body_geometry import torso_ends
from gymskel.skeleton import BODY_25
from gymskel.tracking.association import GATE, Edges, is_leaving, is_near, pair_costs
from gymskel.tracking.body_states import BodyStates
from gymskel.tracking.geometry import body_centers, nan_median, pose_distances
from gymskel.tracking.track import Track
from gymskel.tracking.tracklets import (
    BRIEF_FRAMES,
    MEDIUM_GAP,
    Tracklet,
    chain_tracklets,
    end_states,
    fill_gaps,
    split_at_gaps,
)

_SHORT_GAP, _LONG_GAP = 0.5, 10.0  # seconds; MEDIUM_GAP lies between
_ONLINE_LINK_COST = 0.5  # largest cost of a link between tracklets of one track
_BRIEF_GATE = 0.65  # largest cost of a link to a brief tracklet
_COMPARED_POSES = 3  # of the other tracklet
_BRIEF_DUPLICATE_DISTANCE = 0.1  # torso lengths to a longer tracklet, at which a brief one is a duplicate

# of joining two tracks, by their numbers, that keypoints do not show; torso lengths
LinkCost = Callable[[int, int], float]


def stitch_tracks(
    tracks: list[Track], unassigned: list[tuple[list[int], list[Array]]], fps: float, edges: Edges
) -> list[Track]:
    """Return the people of a video, in order of first appearance, from the tracks made frame after frame.

    `unassigned` are frames and poses that are in no track; they only fill gaps.
    """
    tracklets = _remove_brief_duplicates(
        [piece for track in tracks for piece in split_at_gaps(track.frames, track.poses, track.number)]
        + [piece for frames, poses in unassigned for piece in split_at_gaps(frames, poses, -1)]
    )
    long = [tracklet for tracklet in tracklets if len(tracklet.frames) >= BRIEF_FRAMES]
    brief = [tracklet for tracklet in tracklets if len(tracklet.frames) < BRIEF_FRAMES]
    long = _join_over_gaps(_join_over_gaps(long, fps, _SHORT_GAP, edges), fps, MEDIUM_GAP, edges)
    tracklets = long + brief
    for seconds in (_SHORT_GAP, _SHORT_GAP, _LONG_GAP):
        tracklets = _join_over_gaps(fill_gaps(tracklets, fps), fps, seconds, edges)
    tracklets = [tracklet for tracklet in tracklets if max(tracklet.track_numbers) >= 0]
    return _to_tracks(sorted(tracklets, key=lambda tracklet: tracklet.frames[0]), fps)


def join_tracks(
    tracks: list[Track], fps: float, edges: Edges, link_cost: LinkCost
) -> tuple[list[Track], list[list[int]]]:
    """Join tracks of one person over gaps; no track is split, as each was confirmed by following.

    Returns:
        The tracks in order of first appearance, each with the number of its first part; and for each the track numbers
        that its frames had.
    """
    tracklets = [Tracklet(track.frames, track.poses, [track.number] * len(track.frames)) for track in tracks]
    for seconds in (_SHORT_GAP, MEDIUM_GAP, _LONG_GAP):
        tracklets = _join_over_gaps(tracklets, fps, seconds, edges, link_cost)
    tracklets.sort(key=lambda tracklet: tracklet.frames[0])
    joined = _to_tracks(tracklets, fps)
    for track, tracklet in zip(joined, tracklets, strict=True):
        track.number = tracklet.track_numbers[0]
    return joined, [tracklet.track_numbers for tracklet in tracklets]


def _to_tracks(tracklets: list[Tracklet], fps: float) -> list[Track]:
    """Return a track for each tracklet, numbered from 0."""
    if not tracklets:
        return []
    ends = np.array([tracklet.frames[-1] / fps for tracklet in tracklets])
    bodies = end_states(tracklets, fps, reverse=False).delayed(ends).split()
    return [
        Track(number, fps, tracklet.frames, tracklet.poses, body)
        for number, (tracklet, body) in enumerate(zip(tracklets, bodies, strict=True))
    ]


def _remove_brief_duplicates(tracklets: list[Tracklet]) -> list[Tracklet]:
    """Return the tracklets, longest first, without brief ones that are a person found twice."""
    poses_in: dict[int, list[Array]] = {}
    kept = []
    for tracklet in sorted(tracklets, key=lambda tracklet: -len(tracklet.frames)):
        poses = [pose[:, :2].astype(float) for pose in tracklet.poses]
        if len(poses) < BRIEF_FRAMES and any(
            (pose_distances(pose[None], np.array(poses_in[frame])) < _BRIEF_DUPLICATE_DISTANCE).any()
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
    tracklets: list[Tracklet], fps: float, seconds: float, edges: Edges, link_cost: LinkCost | None = None
) -> list[Tracklet]:
    """Return the tracklets, joined over gaps up to `seconds` where that costs least in all."""
    if not tracklets:
        return []
    ends, starts = end_states(tracklets, fps, reverse=False), end_states(tracklets, fps, reverse=True)
    pairs = _find_candidates(tracklets, ends, starts, fps, seconds, edges)
    if not len(pairs.a):
        return tracklets
    costs = _link_costs(tracklets, ends, starts, pairs, fps)
    if link_cost:
        links = zip(pairs.a, pairs.b, strict=True)
        costs += [link_cost(tracklets[a].track_numbers[-1], tracklets[b].track_numbers[0]) for a, b in links]
    counts = np.minimum([len(tracklet.frames) for tracklet in tracklets], BRIEF_FRAMES)
    # near misses gain little more than outliers
    gains = np.log1p((GATE / 0.12) ** 2) - np.log1p((np.maximum(costs, 0) / 0.12) ** 2)
    gains *= np.minimum(counts[pairs.a], counts[pairs.b])
    good = costs < np.where(pairs.both_long, GATE, _BRIEF_GATE)
    return chain_tracklets(tracklets, _best_links(pairs.a[good], pairs.b[good], gains[good], len(tracklets)))


def _find_candidates(
    tracklets: list[Tracklet], ends: BodyStates, starts: BodyStates, fps: float, seconds: float, edges: Edges
) -> LinkCandidates:
    """Return the pairs worth a closer look: near enough to each other, or both on the way out of the picture."""
    a, b = _successive_pairs(tracklets, fps * seconds)
    first, last = (np.array([tracklet.frames[at] for tracklet in tracklets], int) for at in (0, -1))
    before, after = (np.array([tracklet.track_numbers[at] for tracklet in tracklets], int) for at in (-1, 0))
    brief = np.array([len(tracklet.frames) < BRIEF_FRAMES for tracklet in tracklets], bool)
    gaps, both_long = (first[b] - last[a]) / fps, ~(brief[a] | brief[b])
    same = (before[a] == after[b]) & (before[a] >= 0)
    left = is_leaving(ends, gaps, a, edges) & is_leaving(starts, gaps, b, edges) & (gaps > 0.2) & both_long
    speed = np.linalg.norm(ends.motion[:, :2], axis=1) / ends.torso
    reach = (6 + 3 * speed[a]) * np.fmax(ends.torso[a], starts.torso[b])
    travel = np.linalg.norm(body_centers(ends.joints)[a] - body_centers(starts.joints)[b], axis=1)
    kept = left | (travel < reach) & (both_long | same | (gaps < _SHORT_GAP))
    return LinkCandidates(*(column[kept] for column in (a, b, gaps, both_long, same, left)))


def _link_costs(
    tracklets: list[Tracklet], ends: BodyStates, starts: BodyStates, pairs: LinkCandidates, fps: float
) -> Array:
    """Return the cost (pairs,) of each link, judged from both sides; the longer side counts more."""
    a, b, gaps = pairs.a, pairs.b, pairs.gaps
    forward = _successor_costs(ends.select(a), tracklets, b, gaps, fps, reverse=False)
    backward = _successor_costs(starts.select(b), tracklets, a, gaps, fps, reverse=True)
    counts = np.minimum([len(tracklet.frames) for tracklet in tracklets], BRIEF_FRAMES)
    costs = (counts[a] * forward + counts[b] * backward) / (counts[a] + counts[b])
    # the tracker linked tracklets of one track already: it seemed right then
    online = np.where(pairs.both_long, np.minimum(costs - 0.15, _ONLINE_LINK_COST), costs - 0.15)
    costs = np.where(pairs.same_track & (gaps < MEDIUM_GAP), online, costs)
    end_sizes = _size_and_height(tracklets, fps, reverse=False)[:, a]
    sizes, heights = abs(end_sizes - _size_and_height(tracklets, fps, reverse=True)[:, b])
    bones = abs(nan_median(np.log(ends.full_bones[a] / starts.full_bones[b]), axis=1))
    size_change = np.fmax(np.fmax(sizes - 0.04, bones - 0.12), 0)
    height_change = np.clip(np.nan_to_num(heights) / ends.torso[a] - 0.1, 0, 1)
    reentry = 0.25 + 1.5 * height_change + np.clip(10 * size_change, 0, 1)
    stay = costs + np.clip(8 * (np.nan_to_num(sizes) - 0.1), 0, 1)
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
    bodies: BodyStates, tracklets: list[Tracklet], at: Array, gaps: Array, fps: float, *, reverse: bool
) -> Array:
    """Return the mean cost (pairs,) that the first 3 poses of tracklets `at` (in reverse: last 3) continue `bodies`."""
    total, count, pairs = np.zeros(len(at)), np.zeros(len(at)), np.arange(len(at))
    for look in range(_COMPARED_POSES):
        xy, offset = np.full((len(tracklets), len(BODY_25), 2), np.nan), np.zeros(len(tracklets))
        for n, tracklet in enumerate(tracklets):
            if look < len(tracklet.frames):
                index, end = (-1 - look, -1) if reverse else (look, 0)
                xy[n] = tracklet.poses[index][:, :2]
                offset[n] = abs(tracklet.frames[index] - tracklet.frames[end]) / fps
        poses, now = xy[at], gaps + offset[at]
        predicted, seen = bodies.predict(now), np.isfinite(poses[..., 0]).any(axis=1)
        costs = pair_costs(bodies, predicted, now, poses, pairs, pairs, np.inf)
        near = is_near(bodies, predicted, now, poses, pairs, pairs)
        costs = np.where(near, np.minimum(costs, 3 * GATE), 3 * GATE)
        total += np.where(seen, costs, 0)
        count += seen
    return total / count


def _size_and_height(tracklets: list[Tracklet], fps: float, *, reverse: bool) -> Array:
    """Return (2, n): logarithm of the torso length, and y, in the last 1.5 s (in reverse: the first).

    NaN unless 10 upright poses of steady length are seen.
    """
    most, measures = round(1.5 * fps), np.full((2, len(tracklets)), np.nan)
    for n, tracklet in enumerate(tracklets):
        near = tracklet.part(None, most) if reverse else tracklet.part(-most, None)
        torso = np.stack(torso_ends(np.array(near.poses, float)[..., :2]), axis=1)
        x, y = np.moveaxis(torso[:, 1] - torso[:, 0], -1, 0)
        torso = torso[y > 3 * abs(x)]  # upright; not where it is not seen
        lengths = np.linalg.norm(torso[:, 0] - torso[:, 1], axis=1)
        if len(torso) >= 10 and np.median(abs(lengths / np.median(lengths) - 1)) < 0.05:
            measures[:, n] = np.log(np.quantile(lengths, 0.75) + 1e-3), np.median(torso[..., 1])
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
