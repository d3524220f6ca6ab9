"""Tracks mended when all frames are known: cut where they have gaps, joined again by what comes before and after.

While frames come, a person can only be told by what was before. In the end a gap, a crossing or a wrong pose is judged
from both sides: which piece of a track goes on as which is the assignment of ends to beginnings that costs least in all,
first over short gaps, then over long ones, of which more is known by then. Pieces of a frame or two, which are often
nobody, come second: they go where somebody is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy import ndarray as Array
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gymskel.body_geometry import torso_ends
from gymskel.skeleton import BODY_25
from gymskel.tracking.association import GATE, Edges, heads_out, nearby, pair_costs
from gymskel.tracking.geometry import centers, doubles, median, torsos
from gymskel.tracking.track import Bodies, Track, distances
from gymskel.tracking.tracklets import Piece, chained, cut

_SHORT, _LONGER, _LONGEST = 0.5, 1.5, 10.0  # seconds of gaps
_STAYS = 0.5  # cost of a link that was made while frames came
_CLOSE = 0.65  # what a link may cost of which one side is brief
_MISSING = 1.0  # torso lengths from where somebody is missing
_BRIEF = 5  # frames; a piece of fewer is perhaps nobody
_INSERTED = 5  # frames at most of a piece that is put into a gap
_KNOWN = 0.5  # seconds of a piece that tell how it goes on
_LOOKS = 3  # poses of the other piece that are compared
_SAME = 0.1  # torso lengths between the poses of one person found twice

Unlike = Callable[[int, int], float]


def relink(
    tracks: list[Track], spare: list[tuple[list[int], list[Array]]], fps: float, edges: Edges
) -> list[Track]:
    """The people of a video that is over, in order of first appearance.

    Args:
        tracks: as they were made frame after frame.
        spare: frames and poses of those who got no track; used only where somebody turns out to be missing.
        fps: frames a second.
        edges: x of the left and the right edge of the picture, in pixels.
    """
    pieces = _without_doubles(
        [piece for track in tracks for piece in cut(track.frames, track.poses, track.number)]
        + [piece for frames, poses in spare for piece in cut(frames, poses, -1)]
    )
    long = [piece for piece in pieces if len(piece.frames) >= _BRIEF]
    short = [piece for piece in pieces if len(piece.frames) < _BRIEF]
    long = _join(_join(long, fps, _SHORT, edges), fps, _LONGER, edges)
    pieces = long + short
    for seconds in (_SHORT, _SHORT, _LONGEST):
        pieces = _join(_insert(pieces, fps), fps, seconds, edges)
    pieces = sorted((piece for piece in pieces if max(piece.numbers) >= 0), key=lambda one: one.frames[0])
    return _tracks(pieces, fps)


def _tracks(pieces: list[Piece], fps: float) -> list[Track]:
    """A track of each piece, numbered."""
    if not pieces:
        return []
    bodies = _bodies(pieces, fps, reverse=False).later(np.array([piece.frames[-1] / fps for piece in pieces]))
    return [
        Track.of(number, fps, piece.frames, piece.poses, body)
        for number, (piece, body) in enumerate(zip(pieces, bodies.apart(), strict=True))
    ]


def join_tracks(
    tracks: list[Track], fps: float, edges: Edges, unlike: Unlike
) -> tuple[list[Track], list[list[int]]]:
    """Tracks of which each was followed, so is not doubted, those of one person joined over gaps.

    Args:
        tracks: in order of first appearance.
        fps: frames a second.
        edges: x of the left and the right edge of the picture, in pixels.
        unlike: how little the people of two tracks, by their numbers, look alike; torso lengths.

    Returns:
        The tracks in order of first appearance, each with the number of its first piece; and for each the numbers that
        its frames had.
    """
    pieces = [Piece(track.frames, track.poses, [track.number] * len(track.frames)) for track in tracks]
    for seconds in (_SHORT, _LONGER, _LONGEST):
        pieces = _join(pieces, fps, seconds, edges, unlike)
    pieces.sort(key=lambda one: one.frames[0])
    made = _tracks(pieces, fps)
    for track, piece in zip(made, pieces, strict=True):
        track.number = piece.numbers[0]
    return made, [piece.numbers for piece in pieces]


def _without_doubles(pieces: list[Piece]) -> list[Piece]:
    """Without short pieces that are somebody found twice."""
    there: dict[int, list[Array]] = {}
    kept = []
    for piece in sorted(pieces, key=lambda one: -len(one.frames)):
        poses = [pose[:, :2].astype(float) for pose in piece.poses]
        if len(poses) < _BRIEF and any(
            (doubles(pose[None], np.array(there[frame])) < _SAME).any()
            for frame, pose in zip(piece.frames, poses, strict=True)
            if frame in there
        ):
            continue
        for frame, pose in zip(piece.frames, poses, strict=True):
            there.setdefault(frame, []).append(pose)
        kept.append(piece)
    return kept


# --- ends to beginnings --------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Pairs:
    """Pieces of which one may go on as the other.

    Attributes:
        a: (pairs,) index of the earlier piece.
        b: (pairs,) of the later one.
        gaps: (pairs,) seconds between them.
        known: whether neither is brief.
        same: whether they were one track while frames came.
        out: whether the person may have left the picture in between.
    """

    a: Array
    b: Array
    gaps: Array
    known: Array
    same: Array
    out: Array

    def only(self, where: Array) -> Pairs:
        """Those where (pairs,) is True."""
        return Pairs(*(getattr(self, field.name)[where] for field in fields(self)))


def _join(
    pieces: list[Piece], fps: float, seconds: float, edges: Edges, unlike: Unlike | None = None
) -> list[Piece]:
    """Pieces joined over gaps up to `seconds`."""
    if not pieces:
        return []
    ends, starts = _bodies(pieces, fps, reverse=False), _bodies(pieces, fps, reverse=True)
    pairs = _pairs(pieces, ends, starts, fps, seconds, edges)
    if not len(pairs.a):
        return pieces
    costs = _link_costs(pieces, ends, starts, pairs, fps)
    if unlike:
        links = zip(pairs.a, pairs.b, strict=True)
        costs += [unlike(pieces[a].numbers[-1], pieces[b].numbers[0]) for a, b in links]
    seen = np.minimum([len(piece.frames) for piece in pieces], _BRIEF)
    worth = _worth(costs) * np.minimum(seen[pairs.a], seen[pairs.b])
    good = costs < np.where(pairs.known, GATE, _CLOSE)
    return chained(pieces, _assigned(pairs.a[good], pairs.b[good], worth[good], len(pieces)))


def _pairs(
    pieces: list[Piece], ends: Bodies, starts: Bodies, fps: float, seconds: float, edges: Edges
) -> Pairs:
    """The pairs worth a closer look: near enough to each other, or both on the way out of the picture."""
    a, b = _candidates(pieces, fps * seconds)
    first, last = (np.array([piece.frames[at] for piece in pieces], int) for at in (0, -1))
    before, after = (np.array([piece.numbers[at] for piece in pieces], int) for at in (-1, 0))
    brief = np.array([len(piece.frames) < _BRIEF for piece in pieces], bool)
    gaps, known = (first[b] - last[a]) / fps, ~(brief[a] | brief[b])
    same = (before[a] == after[b]) & (before[a] >= 0)
    out = heads_out(ends, gaps, a, edges) & heads_out(starts, gaps, b, edges) & (gaps > 0.2) & known
    speed = np.linalg.norm(ends.motion[:, :2], axis=1) / ends.size
    reach = (6 + 3 * speed[a]) * np.fmax(ends.size[a], starts.size[b])
    way = np.linalg.norm(centers(ends.joints)[a] - centers(starts.joints)[b], axis=1)
    near = (way < reach) & (known | same | (gaps < _SHORT))
    return Pairs(a, b, gaps, known, same, out).only(out | near)


def _link_costs(pieces: list[Piece], ends: Bodies, starts: Bodies, pairs: Pairs, fps: float) -> Array:
    """(pairs,) what each link costs, judged from both sides; more from the side of which more is seen."""
    a, b, gaps = pairs.a, pairs.b, pairs.gaps
    forward = _costs(ends.take(a), pieces, b, gaps, fps, reverse=False)
    backward = _costs(starts.take(b), pieces, a, gaps, fps, reverse=True)
    seen = np.minimum([len(piece.frames) for piece in pieces], _BRIEF)
    costs = (seen[a] * forward + seen[b] * backward) / (seen[a] + seen[b])
    before = np.where(pairs.known, np.minimum(costs - 0.15, _STAYS), costs - 0.15)  # it seemed right then
    costs = np.where(pairs.same & (gaps < _LONGER), before, costs)
    sizes, heights = abs(_build(pieces, fps, reverse=False)[:, a] - _build(pieces, fps, reverse=True)[:, b])
    bones = abs(median(np.log(ends.reach[a] / starts.reach[b]), axis=1))
    unlike = np.fmax(np.fmax(sizes - 0.04, bones - 0.12), 0)
    back = (
        0.25 + 1.5 * np.clip(np.nan_to_num(heights) / ends.size[a] - 0.1, 0, 1) + np.clip(10 * unlike, 0, 1)
    )
    stay = costs + np.clip(8 * (np.nan_to_num(sizes) - 0.1), 0, 1)
    return np.fmin(stay, np.where(pairs.out, back, np.inf))


def _worth(costs: Array) -> Array:
    """How much more than nothing: near misses count little more than outliers, as while frames come."""
    return np.log1p((GATE / 0.12) ** 2) - np.log1p((np.maximum(costs, 0) / 0.12) ** 2)


def _candidates(pieces: list[Piece], most: float) -> tuple[Array, Array]:
    """Pairs (a, b) of pieces of which b begins after a ends, by at most so many frames."""
    first = np.array([piece.frames[0] for piece in pieces], int)
    last = np.array([piece.frames[-1] for piece in pieces], int)
    order = np.argsort(first, kind="stable")
    low, high = (np.searchsorted(first[order], until, side="right") for until in (last, last + most))
    a = np.repeat(np.arange(len(pieces)), high - low)
    b = [order[i:j] for i, j in zip(low, high, strict=True)]
    return a, np.concatenate([*b, np.zeros(0, int)])


def _costs(
    bodies: Bodies, pieces: list[Piece], at: Array, gaps: Array, fps: float, *, reverse: bool
) -> Array:
    """(pairs,) what it costs that pieces `at` go on as `bodies` did; in reverse, came before as they came after."""
    total, count, pairs = np.zeros(len(at)), np.zeros(len(at)), np.arange(len(at))
    for look in range(_LOOKS):
        xy, offset = np.full((len(pieces), len(BODY_25), 2), np.nan), np.zeros(len(pieces))
        for n, piece in enumerate(pieces):
            if look < len(piece.frames):
                index, end = (-1 - look, -1) if reverse else (look, 0)
                xy[n] = piece.poses[index][:, :2]
                offset[n] = abs(piece.frames[index] - piece.frames[end]) / fps
        shown, now = xy[at], gaps + offset[at]
        expected, here = bodies.expect(now), np.isfinite(shown[..., 0]).any(axis=1)
        costs = pair_costs(bodies, expected, now, shown, pairs, pairs, np.inf)
        costs = np.where(
            nearby(bodies, expected, now, shown, pairs, pairs), np.minimum(costs, 3 * GATE), 3 * GATE
        )
        total += np.where(here, costs, 0)
        count += here
    return total / count


def _bodies(pieces: list[Piece], fps: float, *, reverse: bool) -> Bodies:
    """What is known of each at its end, or in reverse at its beginning; that is second 0."""
    most = int(_KNOWN * fps) + 1
    bodies = Bodies.joined([Bodies.unseen()] * len(pieces))
    ago: list[dict[int, Array]] = []
    for piece in pieces:
        near = piece.part(None, most) if reverse else piece.part(-most, None)
        end = near.frames[0 if reverse else -1]
        ago.append(
            {abs(frame - end): pose[:, :2] for frame, pose in zip(near.frames, near.poses, strict=True)}
        )
    for back in range(most - 1, -1, -1):
        here = np.array([n for n, poses in enumerate(ago) if back in poses], int)
        if len(here):
            xy = np.array([ago[n][back] for n in here], float)
            bodies.put(here, bodies.take(here).see(-back / fps, xy))
    return bodies


def _build(pieces: list[Piece], fps: float, *, reverse: bool) -> Array:
    """(2, n) logarithm of the length of the trunk, and its height in the picture; NaN where too little is seen."""
    most, build = round(1.5 * fps), np.full((2, len(pieces)), np.nan)
    for n, piece in enumerate(pieces):
        near = piece.part(None, most) if reverse else piece.part(-most, None)
        trunk = np.stack(torso_ends(np.array(near.poses, float)[..., :2]), axis=1)
        x, y = np.moveaxis(trunk[:, 1] - trunk[:, 0], -1, 0)
        trunk = trunk[y > 3 * abs(x)]  # upright; not where it is not seen
        lengths = np.linalg.norm(trunk[:, 0] - trunk[:, 1], axis=1)
        if len(trunk) >= 10 and np.median(abs(lengths / np.median(lengths) - 1)) < 0.05:
            build[:, n] = np.log(np.quantile(lengths, 0.75) + 1e-3), np.median(trunk[..., 1])
    return build


def _assigned(a: Array, b: Array, worth: Array, count: int) -> dict[int, int]:
    """Those of the pairs (a, b) that are worth most in all, each a and each b once."""
    graph = coo_array((np.ones(len(a)), (a, b + count)), shape=(2 * count, 2 * count))
    label = connected_components(graph, directed=False)[1][a]
    order, links = np.argsort(label, kind="stable"), {}
    for part in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        ends, row = np.unique(a[part], return_inverse=True)
        starts, column = np.unique(b[part], return_inverse=True)
        matrix = np.zeros((len(ends), len(starts)))
        matrix[row, column] = worth[part]
        rows, columns = linear_sum_assignment(matrix, maximize=True)
        links |= {
            int(ends[i]): int(starts[j]) for i, j in zip(rows, columns, strict=True) if matrix[i, j] > 0
        }
    return links


# --- short pieces into gaps ----------------------------------------------------------------------------------------


def _insert(pieces: list[Piece], fps: float) -> list[Piece]:
    """Short pieces put where somebody is missing, what fits best and is seen longest first."""
    chains = [n for n, piece in enumerate(pieces) if len(piece.frames) >= _BRIEF]
    places = {n: centers(np.array(pieces[n].poses, float)[..., :2]) for n in chains}
    sizes = {n: np.median(torsos(np.array(pieces[n].poses[-20:], float)[..., :2])) for n in chains}
    pairs = []
    for s, piece in enumerate(pieces):
        if len(piece.frames) > _INSERTED:
            continue
        place = centers(piece.poses[0][:, :2].astype(float))
        for c in chains:
            frames = pieces[c].frames
            at = int(np.searchsorted(frames, piece.frames[0]))
            if not 0 < at < len(frames) or frames[at] <= piece.frames[-1]:
                continue
            away = np.linalg.norm(places[c][at - 1 : at + 1] - place, axis=1).min()
            if away < 3 * sizes[c] and frames[at] - frames[at - 1] < _LONGER * fps:
                pairs.append((s, c, at))
    if not pairs:
        return pieces
    most = int(_KNOWN * fps) + 1
    gaps = [
        (pieces[s], pieces[c].part(max(0, at - most), at), pieces[c].part(at, at + most))
        for s, c, at in pairs
    ]
    somebody = {number for piece in pieces if len(piece.frames) > _INSERTED for number in piece.numbers} - {
        -1
    }
    costs = _gap_costs(gaps, fps) + np.array([_other_track(*gap, somebody) for gap in gaps])
    gain = (_MISSING - costs) * [len(piece.frames) for piece, _, _ in gaps]
    pieces, gone, grown = list(pieces), set(), set()
    for n in np.argsort(-gain, kind="stable"):
        s, c, _ = pairs[n]
        free = not {s, c} & gone and s not in grown and not set(pieces[s].frames) & set(pieces[c].frames)
        if gain[n] > 0 and free:
            pieces[c] = pieces[c].merged(pieces[s])
            gone.add(s)
            grown.add(c)
    return [piece for n, piece in enumerate(pieces) if n not in gone]


def _other_track(piece: Piece, before: Piece, after: Piece, somebody: set[int]) -> float:
    """What it costs that a piece was in another's track while frames came; less than nothing if it was in this one."""
    if piece.numbers[0] not in somebody:
        return 0.0
    return -0.35 if piece.numbers[0] in (before.numbers[-1], after.numbers[0]) else 0.55


def _gap_costs(gaps: list[tuple[Piece, Piece, Piece]], fps: float) -> Array:
    """(n,) torso lengths by which pieces are off the place expected between what is before and after them."""
    pairs = np.arange(len(gaps))
    one = _bodies([before for _, before, _ in gaps], fps, reverse=False)
    other = _bodies([after for _, _, after in gaps], fps, reverse=True)
    since = np.array([piece.frames[0] - before.frames[-1] for piece, before, _ in gaps]) / fps
    until = np.array([after.frames[0] - piece.frames[0] for piece, _, after in gaps]) / fps
    share = (since / (since + until))[:, None, None]
    first, last = one.expect(since), other.expect(until)
    expected = np.where(
        np.isnan(first), last, np.where(np.isnan(last), first, first * (1 - share) + last * share)
    )
    xy = np.array([piece.poses[0][:, :2] for piece, _, _ in gaps], float)
    place, _, _ = distances(one, expected, since, xy, pairs, pairs)
    away = np.linalg.norm(centers(expected) - centers(xy), axis=1) / one.size
    away = np.where(abs(np.log(torsos(xy) / one.size)) < 1, away, np.inf)  # not a spectator's whole body
    return np.fmin(place, away + 0.15) + 0.3 * np.minimum(since, until)
