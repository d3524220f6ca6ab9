"""Tracklets: runs of poses of one person, split from tracks, joined into chains, merged into gaps of others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy import ndarray as Array

from gymskel.tracking.association import compare_poses
from gymskel.tracking.body_states import predict_joints, unknown_bodies, update_bodies
from gymskel.tracking.geometry import body_centers, estimate_torso_lengths
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.track import Observation


@dataclass(eq=False)
class Tracklet:
    """Observations of one person."""

    frames: list[int]  # numbers, strictly rising
    observations: list[Observation]  # one for each frame

    @property
    def track_numbers(self) -> set[int]:
        """Numbers of the tracks it was in while frames came; -1 stands for none."""
        return {observation.track_number for observation in self.observations}

    def xy(self, at: slice = slice(None)) -> Array:
        """Return the poses (frames, 25, 2) of a slice, in pixels."""
        return np.array([observation.pose[:, :2] for observation in self.observations[at]], float)

    def part(self, start: int | None, end: int | None) -> Tracklet:
        """Return the tracklet from one index to another, as in a slice."""
        return Tracklet(self.frames[start:end], self.observations[start:end])

    def merge(self, other: Tracklet) -> Tracklet:
        """Return both together, in the order of frames."""
        frames, observations = self.frames + other.frames, self.observations + other.observations
        order = np.argsort(frames, kind="stable")
        return Tracklet([frames[at] for at in order], [observations[at] for at in order])


def split_at_gaps(frames: list[int], observations: list[Observation], track_number: int) -> list[Tracklet]:
    """Return the runs of consecutive frames of a track, each as a tracklet."""
    whole = Tracklet(frames, [seen._replace(track_number=track_number) for seen in observations])
    ends = [0, *(np.flatnonzero(np.diff(frames) > 1) + 1), len(frames)]
    return [whole.part(a, b) for a, b in pairwise(ends)]


def chain_tracklets(tracklets: list[Tracklet], links: dict[int, int]) -> list[Tracklet]:
    """Return the tracklets, with linked ones merged; `links` maps the index of one to the index of the next."""
    chains = []
    for n in sorted(set(range(len(tracklets))) - set(links.values())):
        chain = tracklets[n]
        while n in links:
            n = links[n]
            chain = chain.merge(tracklets[n])
        chains.append(chain)
    return chains


def end_states(tracklets: list[Tracklet], fps: float, params: TrackingParams, *, reverse: bool) -> Array:
    """Return the state of each body at the tracklet's end, or in reverse at its beginning; that moment is second 0."""
    most = int(params.state_seconds * fps) + 1
    bodies = unknown_bodies(len(tracklets))
    poses_ago: list[dict[int, Array]] = []  # frames from the end -> pose
    for tracklet in tracklets:
        near = tracklet.part(None, most) if reverse else tracklet.part(-most, None)
        end = near.frames[0 if reverse else -1]
        poses_ago.append({abs(frame - end): xy for frame, xy in zip(near.frames, near.xy(), strict=True)})
    for ago in range(most - 1, -1, -1):
        at = np.array([n for n, known in enumerate(poses_ago) if ago in known], int)
        if len(at):
            xy = np.array([poses_ago[n][ago] for n in at])
            bodies[at] = update_bodies(bodies[at], -ago / fps, xy, params)
    return bodies


# --- short tracklets in gaps of longer ones -------------------------------------------------------------------------


def fill_gaps(tracklets: list[Tracklet], fps: float, params: TrackingParams) -> list[Tracklet]:
    """Return the tracklets, short ones merged into gaps of others; what gains most comes first."""
    pairs = _find_gaps(tracklets, fps, params)
    if not pairs:
        return tracklets
    most = int(params.state_seconds * fps) + 1
    gaps = [
        (tracklets[s], tracklets[c].part(max(0, at - most), at), tracklets[c].part(at, at + most))
        for s, c, at in pairs
    ]
    long = [tracklet for tracklet in tracklets if len(tracklet.frames) > params.brief_frames]
    long_tracks = {number for tracklet in long for number in tracklet.track_numbers} - {-1}
    costs = _gap_costs(gaps, fps, params)
    costs += [_track_change_cost(*gap, long_tracks, params) for gap in gaps]
    gains = (params.fill_gate - costs) * [len(filler.frames) for filler, _, _ in gaps]
    tracklets = list(tracklets)
    used: set[int] = set()
    grown: set[int] = set()
    for n in np.argsort(-gains, kind="stable"):
        s, c, _ = pairs[n]
        free = not {s, c} & used and s not in grown
        if gains[n] > 0 and free and not set(tracklets[s].frames) & set(tracklets[c].frames):
            tracklets[c] = tracklets[c].merge(tracklets[s])
            used.add(s)
            grown.add(c)
    return [tracklet for n, tracklet in enumerate(tracklets) if n not in used]


def _find_gaps(tracklets: list[Tracklet], fps: float, params: TrackingParams) -> list[tuple[int, int, int]]:
    """Return indices: a short tracklet, a longer one with a gap around it, its first frame after the gap."""
    chains = [n for n, tracklet in enumerate(tracklets) if len(tracklet.frames) >= params.brief_frames]
    xy = {n: tracklets[n].xy() for n in chains}
    centers = {n: body_centers(xy[n]) for n in chains}
    torsos = {
        n: np.median(estimate_torso_lengths(xy[n][-round(params.state_seconds * fps) :])) for n in chains
    }
    found = []
    for s, tracklet in enumerate(tracklets):
        if len(tracklet.frames) > params.brief_frames:
            continue
        center = body_centers(tracklet.xy(slice(1)))[0]
        for c in chains:
            frames = tracklets[c].frames
            at = int(np.searchsorted(frames, tracklet.frames[0]))
            if not 0 < at < len(frames) or frames[at] <= tracklet.frames[-1]:
                continue
            away = np.linalg.norm(centers[c][at - 1 : at + 1] - center, axis=1).min()
            if away < params.fill_reach * torsos[c] and frames[at] - frames[at - 1] < params.medium_gap * fps:
                found.append((s, c, at))
    return found


def _track_change_cost(
    filler: Tracklet, before: Tracklet, after: Tracklet, long_tracks: set[int], params: TrackingParams
) -> float:
    """Return the cost that a tracklet was in another long track while frames came; negative if in this one."""
    number = filler.observations[0].track_number
    if number not in long_tracks:
        return 0.0
    own = {before.observations[-1].track_number, after.observations[0].track_number}
    return -params.same_track_gain if number in own else params.other_track_cost


def _gap_costs(gaps: list[tuple[Tracklet, Tracklet, Tracklet]], fps: float, params: TrackingParams) -> Array:
    """Return torso lengths (n,) of fillers from the place predicted from both sides; more, the longer the gap."""
    ends = end_states([before for _, before, _ in gaps], fps, params, reverse=False)
    starts = end_states([after for _, _, after in gaps], fps, params, reverse=True)
    since = np.array([filler.frames[0] - before.frames[-1] for filler, before, _ in gaps]) / fps
    until = np.array([after.frames[0] - filler.frames[0] for filler, _, after in gaps]) / fps
    share = (since / (since + until))[:, None, None]
    first, last = predict_joints(ends, since, params), predict_joints(starts, until, params)
    between = first * (1 - share) + last * share
    predicted = np.where(np.isnan(first), last, np.where(np.isnan(last), first, between))
    xy = np.array([filler.xy(slice(1))[0] for filler, _, _ in gaps])
    place, _, _ = compare_poses(ends, predicted, since, xy, params)
    torso = ends["torso"]
    away = np.linalg.norm(body_centers(predicted) - body_centers(xy), axis=1) / torso
    away = np.where(abs(np.log(estimate_torso_lengths(xy) / torso)) < 1, away, np.inf)  # of another size
    return np.fmin(place, away + params.center_only_cost) + params.fill_gap_cost * np.minimum(since, until)
