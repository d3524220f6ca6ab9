"""Short tracklets, often single poses, merged into gaps of longer ones."""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.tracking.association import compare_poses
from gymskel.tracking.geometry import body_centers, estimate_torso_lengths
from gymskel.tracking.tracklets import BRIEF_FRAMES, MEDIUM_GAP, STATE_SECONDS, Tracklet, end_states

Gap = tuple[Tracklet, Tracklet, Tracklet]  # a short tracklet, and those before and after a gap it may fill

_FILL_GATE = 1.0  # torso lengths; largest cost at which a tracklet fills a gap
_MAX_FILL_FRAMES = 5  # of a tracklet that fills a gap


def fill_gaps(tracklets: list[Tracklet], fps: float) -> list[Tracklet]:
    """Return the tracklets, short ones merged into gaps of others; what gains most comes first."""
    pairs = _find_gaps(tracklets, fps)
    if not pairs:
        return tracklets
    most = int(STATE_SECONDS * fps) + 1
    gaps = [
        (tracklets[s], tracklets[c].part(max(0, at - most), at), tracklets[c].part(at, at + most))
        for s, c, at in pairs
    ]
    long_tracks = {
        number
        for tracklet in tracklets
        if len(tracklet.frames) > _MAX_FILL_FRAMES
        for number in tracklet.track_numbers
    } - {-1}
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
    torsos = {
        n: np.median(estimate_torso_lengths(np.array(tracklets[n].poses[-20:], float)[..., :2]))
        for n in chains
    }
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


def _gap_costs(gaps: list[Gap], fps: float) -> Array:
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
