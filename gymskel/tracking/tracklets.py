"""Tracklets: runs of poses of one person, split from tracks, joined into chains, merged into gaps of others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy import ndarray as Array

from gymskel.tracking.association import compare_poses
from gymskel.tracking.body_states import BodyStates
from gymskel.tracking.geometry import body_centers, estimate_torso_lengths

BRIEF_FRAMES = 5  # a tracklet of fewer frames is brief: it may be a false detection
MEDIUM_GAP = 1.5  # seconds; over longer ones the tracker's links count no more, and no short tracklet fits
_STATE_SECONDS = 0.5  # seconds of a tracklet from which the state at its end is computed
_FILL_GATE = 1.0  # torso lengths; largest cost at which a tracklet fills a gap
_MAX_FILL_FRAMES = 5  # of a tracklet that fills a gap


@dataclass(eq=False)
class Tracklet:
    """Poses of one person."""

    frames: list[int]  # numbers, strictly rising
    poses: list[Array]  # (25, 3) for each frame
    track_numbers: list[int]  # for each frame, of the track it was in; -1 if it was in none

    def part(self, start: int | None, end: int | None) -> Tracklet:
        """Return the tracklet from one index to another, as in a slice."""
        at = slice(start, end)
        return Tracklet(self.frames[at], self.poses[at], self.track_numbers[at])

    def merge(self, other: Tracklet) -> Tracklet:
        """Return both together, in the order of frames."""
        frames, poses = self.frames + other.frames, self.poses + other.poses
        numbers = self.track_numbers + other.track_numbers
        order = np.argsort(frames, kind="stable")
        return Tracklet(*([column[at] for at in order] for column in (frames, poses, numbers)))


def split_at_gaps(frames: list[int], poses: list[Array], track_number: int) -> list[Tracklet]:
    """Return the runs of consecutive frames of a track, each as a tracklet."""
    whole = Tracklet(frames, poses, [track_number] * len(frames))
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


def end_states(tracklets: list[Tracklet], fps: float, *, reverse: bool) -> BodyStates:
    """Return the state of each at its end, or in reverse at its beginning; that moment is second 0."""
    most = int(_STATE_SECONDS * fps) + 1
    bodies = BodyStates.concatenate([BodyStates.unknown()] * len(tracklets))
    poses_ago: list[dict[int, Array]] = []  # frames from the end -> pose
    for tracklet in tracklets:
        near = tracklet.part(None, most) if reverse else tracklet.part(-most, None)
        end = near.frames[0 if reverse else -1]
        poses = zip(near.frames, near.poses, strict=True)
        poses_ago.append({abs(frame - end): pose[:, :2] for frame, pose in poses})
    for ago in range(most - 1, -1, -1):
        at = np.array([n for n, known in enumerate(poses_ago) if ago in known], int)
        if len(at):
            xy = np.array([poses_ago[n][ago] for n in at], float)
            bodies.overwrite(at, bodies.select(at).update(-ago / fps, xy))
    return bodies


# --- short tracklets in gaps of longer ones -------------------------------------------------------------------------


def fill_gaps(tracklets: list[Tracklet], fps: float) -> list[Tracklet]:
    """Return the tracklets, short ones merged into gaps of others; what gains most comes first."""
    pairs = _find_gaps(tracklets, fps)
    if not pairs:
        return tracklets
    most = int(_STATE_SECONDS * fps) + 1
    gaps = [
        (tracklets[s], tracklets[c].part(max(0, at - most), at), tracklets[c].part(at, at + most))
        for s, c, at in pairs
    ]
    long = [tracklet for tracklet in tracklets if len(tracklet.frames) > _MAX_FILL_FRAMES]
    long_tracks = {number for tracklet in long for number in tracklet.track_numbers} - {-1}
    costs = _gap_costs(gaps, fps) + np.array([_track_change_cost(*gap, long_tracks) for gap in gaps])
    gains = (_FILL_GATE - costs) * [len(filler.frames) for filler, _, _ in gaps]
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


def _find_gaps(tracklets: list[Tracklet], fps: float) -> list[tuple[int, int, int]]:
    """Return indices: a short tracklet, a longer one with a gap around it, its first frame after the gap."""
    chains = [n for n, tracklet in enumerate(tracklets) if len(tracklet.frames) >= BRIEF_FRAMES]
    centers = {n: body_centers(np.array(tracklets[n].poses, float)[..., :2]) for n in chains}
    latest = {n: np.array(tracklets[n].poses[-20:], float)[..., :2] for n in chains}
    torsos = {n: np.median(estimate_torso_lengths(xy)) for n, xy in latest.items()}
    found = []
    for s, tracklet in enumerate(tracklets):
        if len(tracklet.frames) > _MAX_FILL_FRAMES:
            continue
        center = body_centers(tracklet.poses[0][:, :2].astype(float))
        for c in chains:
            frames = tracklets[c].frames
            at = int(np.searchsorted(frames, tracklet.frames[0]))
            if not 0 < at < len(frames) or frames[at] <= tracklet.frames[-1]:
                continue
            away = np.linalg.norm(centers[c][at - 1 : at + 1] - center, axis=1).min()
            if away < 3 * torsos[c] and frames[at] - frames[at - 1] < MEDIUM_GAP * fps:
                found.append((s, c, at))
    return found


def _track_change_cost(filler: Tracklet, before: Tracklet, after: Tracklet, long_tracks: set[int]) -> float:
    """Return the cost that a tracklet was in another long track while frames came; negative if in this one."""
    number = filler.track_numbers[0]
    if number not in long_tracks:
        return 0.0
    return -0.35 if number in (before.track_numbers[-1], after.track_numbers[0]) else 0.55


def _gap_costs(gaps: list[tuple[Tracklet, Tracklet, Tracklet]], fps: float) -> Array:
    """Return torso lengths (n,) of fillers from the place predicted from both sides; more, the longer the gap."""
    pairs = np.arange(len(gaps))
    ends = end_states([before for _, before, _ in gaps], fps, reverse=False)
    starts = end_states([after for _, _, after in gaps], fps, reverse=True)
    since = np.array([filler.frames[0] - before.frames[-1] for filler, before, _ in gaps]) / fps
    until = np.array([after.frames[0] - filler.frames[0] for filler, _, after in gaps]) / fps
    share = (since / (since + until))[:, None, None]
    first, last = ends.predict(since), starts.predict(until)
    between = first * (1 - share) + last * share
    predicted = np.where(np.isnan(first), last, np.where(np.isnan(last), first, between))
    xy = np.array([filler.poses[0][:, :2] for filler, _, _ in gaps], float)
    place, _, _ = compare_poses(ends, predicted, since, xy, pairs, pairs)
    away = np.linalg.norm(body_centers(predicted) - body_centers(xy), axis=1) / ends.torso
    away = np.where(abs(np.log(estimate_torso_lengths(xy) / ends.torso)) < 1, away, np.inf)  # of another size
    return np.fmin(place, away + 0.15) + 0.3 * np.minimum(since, until)
