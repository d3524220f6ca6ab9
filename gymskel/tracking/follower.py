"""Follows people through a video with any estimator, also while they turn upside down.

For each person and frame: expect where the body is and how it leans, from the frames before; show the estimator
that square of the picture, turned upright; map what it finds back; keep it if it continues this person. If it does
not, try other turns and another size and keep what continues the person best, whatever the estimator's confidence.
If nothing does, the person is unseen in this frame. Who is found again is gone back for, over the frames missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from gymskel.body_geometry import torso_lean, torso_middle
from gymskel.tracking.appearance import Clothes, colors_of
from gymskel.tracking.crop_proposals import views_of
from gymskel.tracking.crops import Crop
from gymskel.tracking.geometry import torsos
from gymskel.tracking.identity_swaps import exchanges
from gymskel.tracking.masking import painted
from gymskel.tracking.picture_crops import tiles, turned, whole
from gymskel.tracking.prediction import (
    CORE,
    ENOUGH,
    Expectation,
    expect,
    liveliness,
    unlikeness,
)
from gymskel.tracking.stitching import join_tracks
from gymskel.tracking.tracker import USUAL_FPS, Track, Tracker

GOOD = 0.4
"""Unlikeness in torso lengths up to which nothing else is tried."""
PATIENCE = 0.6
"""... at most, where trying on brought nothing better in the frames before."""
POSSIBLE = 0.9
"""... up to which the best of all tries is taken for this person."""

MOST = 3  # people followed at once, where one athlete is wanted
SURE = 3  # frames in which somebody must be found as expected to count: pictures are full of false people
DOUBTED = 3  # frames after which who is not sure, and not found again, is nobody
BESIDE = 0.75  # torso lengths from somebody known, within which nobody new is believed in
AMISS = 0.25  # torso lengths by which the first pose of somebody may miss what the next ones say
STALE = 8  # frames without the person, after which tries become rarer
FOLLOW_SECONDS = 1.0  # ... and after which only looks at the whole picture may find them again
STRANGE = 1.5  # times that clothes count over a gap: who wears nothing alike is somebody else
LOOK_SECONDS = 0.25  # between two looks at the next part of the whole picture

KEPT_BYTES, KEPT_FRAMES = 200 << 20, 32  # of the last frames, kept to go back over


Somebody = tuple[Expectation, Clothes]
"""Where a person should be, and what they wear."""


@dataclass
class TrackState:
    """What is noted of a person.

    Attributes:
        leans: frame -> degrees by which the view was turned in which the person was found.
        status: frame -> "" found as expected; "nobody" or "poor", what the first try gave; "lost", nothing
            continued the person; "backwards", found going back; "found" and "found again", by a look at all.
        second: what is usually tried second was better lately: a closer view, or others painted out.
        usual: unlikeness that further tries lately did not better.
        good: frames in which the person was found as expected, going forward.
        asked: last frame that was searched for the person.
        clothes: what they wear.
        colors: frame -> the colours of the pose found in it.
    """

    leans: dict[int, float] = field(default_factory=dict)
    status: dict[int, str] = field(default_factory=dict)
    second: bool = False
    usual: float = 0.0
    good: int = 0
    asked: int = -1
    clothes: Clothes = field(default_factory=Clothes)
    colors: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def is_sure(self) -> bool:
        """Whether this is a person at all."""
        return self.good >= SURE


@dataclass
class Found:
    """The pose (25, 3) that continues a person best, how badly (`unlikeness`), in which of the views, its colours."""

    pose: np.ndarray
    cost: float
    view: Crop
    at: int
    colors: np.ndarray


class Follower:
    """People followed through the frames of one video.

    Args:
        find: frame (height, width, 3) -> (people, 25, 3), a stateless estimator.
        fps: frames a second, or None.
        image_size: (width, height) in pixels, or None.
        follow_all: follow all people at once, however many; else three, and the others are only known.

    Attributes:
        tracker: the tracks of everybody, `tracker.tracks`.
        states: number of a track -> what is noted of that person.
        estimates: how often `find` was asked, frame by frame; going back counts where it began.
    """

    def __init__(
        self,
        find: Callable[[np.ndarray], np.ndarray],
        fps: float | None,
        image_size: tuple[int, int] | None = None,
        *,
        follow_all: bool = False,
    ) -> None:
        self.find = find
        self.tracker = Tracker(fps, image_size=image_size)
        self.states: dict[int, TrackState] = {}
        self.estimates: list[int] = []
        self._most = None if follow_all else MOST
        self._fps = fps or USUAL_FPS
        self._looks, self._news = 0, False
        self._alone = 0  # frames in a row without anybody known
        self._kept: deque[tuple[int, np.ndarray]] = deque()

    def step(self, number: int, frame: np.ndarray) -> None:
        """Goes on by a frame (height, width, 3); frames come in order."""
        self.estimates.append(0)
        self._keep(number, frame)
        followed = self._followed(number)
        found = [track for track in followed if self._continue(track, number, frame)]
        looks = self._news or number % max(1, round(LOOK_SECONDS * self._fps)) == 0
        self._news = False
        self._alone = 0 if followed else self._alone + 1
        if looks or not found:
            self._look(number, frame, self._next_views(frame, nobody=not followed, looks=looks))

    def finish(self) -> list[Track]:
        """Those who are people for sure (all, if nobody is), the pieces of one person joined; call it once, at the end.

        `states` of the number of each are then of all its pieces.
        """
        sure = [t for t in self.tracker.tracks if self.states[t.number].is_sure] or self.tracker.tracks
        colors = {number: note.colors for number, note in self.states.items()}
        for one, other, numbers in exchanges(sure, colors):
            self._exchange(one, other, set(numbers))
        tracks, pieces = join_tracks(sure, self._fps, self.tracker.edges, self._apart)
        for track, numbers in zip(tracks, pieces, strict=True):
            of = {frame: self.states[number] for frame, number in zip(track.frames, numbers, strict=True)}
            note = self.states[track.number]
            note.leans |= {frame: other.leans[frame] for frame, other in of.items()}
            note.status |= {frame: other.status[frame] for frame, other in of.items()}
        return tracks

    def _apart(self, one: int, other: int) -> float:
        """How little the people of two tracks wear the same."""
        a, b = self.states[one].clothes, self.states[other].clothes
        return STRANGE * min(a.unlikeness(b.mean), b.unlikeness(a.mean))

    def _exchange(self, one: Track, other: Track, numbers: set[int]) -> None:
        """Gives each what the other has in some frames."""
        poses = [dict(zip(track.frames, track.poses, strict=True)) for track in (one, other)]
        first, second = self.states[one.number], self.states[other.number]
        for a, b in (
            poses,
            (first.leans, second.leans),
            (first.status, second.status),
            (first.colors, second.colors),
        ):
            mine, theirs = (
                {n: a.pop(n) for n in numbers & a.keys()},
                {n: b.pop(n) for n in numbers & b.keys()},
            )
            a |= theirs
            b |= mine
        for track, of in zip((one, other), poses, strict=True):
            track.frames, track.poses = sorted(of), [of[number] for number in sorted(of)]

    # --- those who are followed ---------------------------------------------------------------------------------

    def _followed(self, number: int) -> list[Track]:
        """Those worth an estimate of their own: the largest, the liveliest, and by turns one of the others."""
        live = [t for t in self.tracker.live(number) if number - t.frames[-1] <= self._patience(t)]
        live.sort(key=lambda track: -track.size * min(len(track.frames), self._fps))
        if self._most is not None and len(live) > self._most:
            first, *others = live
            others.sort(key=lambda track: -liveliness(track, number))
            turn = self._most - 1
            others[turn:] = sorted(others[turn:], key=self._turn)[:1]
            live = [first, *others]
        gaps = [(track, number - track.frames[-1]) for track in live]
        return [track for track, gap in gaps if gap <= STALE or gap % 3 == 0]

    def _turn(self, track: Track) -> tuple[bool, int]:
        """Who comes next: those who may be nobody, then who was searched for longest ago."""
        note = self.states[track.number]
        return note.is_sure, note.asked

    def _patience(self, track: Track) -> float:
        """Frames for which someone out of sight is looked for where they should be."""
        return FOLLOW_SECONDS * self._fps if self.states[track.number].is_sure else DOUBTED

    def _continue(self, track: Track, number: int, frame: np.ndarray, *, backwards: bool = False) -> bool:
        """Finds a known person in a frame, and adds the pose to the track."""
        note = self.states[track.number]
        note.asked = max(note.asked, number)
        expected = expect(track, number, backwards=backwards)
        enough = max(GOOD, note.usual) * (1 + 0.2 * min(expected.gap - 1, 5))
        tries = 3 if backwards or not note.is_sure else None
        others = self._others(track, number, backwards)
        views = islice(views_of(expected, [other for other, _ in others], second=note.second), tries)
        best, first = self._try_on(frame, (expected, note.clothes), others, views, enough)
        if best is None or best.cost > POSSIBLE:
            note.status[number] = "lost"
            return False
        track.add(number, best.pose)
        note.leans[number], note.status[number] = best.view.lean, "backwards" if backwards else first
        if first == "poor" and best.at == 0:  # nothing was better: as much will do for the next frame
            note.usual = min(1.1 * best.cost, PATIENCE)
        else:
            note.usual *= 0.95
            note.second ^= best.at == 1
        note.colors[number] = best.colors
        if best.cost < enough:
            note.clothes.see(best.colors)
        if not backwards:
            note.good += best.cost < enough
            if note.good == SURE and best.cost < enough:
                self._begin_again(track)
            if note.is_sure and (expected.gap > 1 or note.good == SURE):
                self._go_back(track, track.frames[0] if note.good == SURE else number)
        return True

    def _try_on(
        self,
        frame: np.ndarray,
        wanted: Somebody,
        others: list[Somebody],
        views: Iterator[tuple[Crop, list[Expectation]]],
        enough: float,
    ) -> tuple[Found | None, str]:
        """The best found in the views until it is good enough, and what was wrong with the first: "nobody", "poor".

        Who fits somebody else's expectation better is somebody else.
        """
        best, first = None, ""
        for at, (view, hidden) in enumerate(views):
            for pose in self._show(frame, view, hidden, wanted[0]):
                if unlikeness(pose, wanted[0]) > POSSIBLE:
                    continue
                colors = colors_of(frame, pose, wanted[0].torso)
                cost = _unlikeness(pose, colors, wanted)
                if any(_unlikeness(pose, colors, other) < cost for other in others):
                    continue
                if best is None or cost < best.cost:
                    best = Found(pose, cost, view, at, colors)
            if best and best.cost < enough:
                break
            first = first or ("poor" if best else "nobody")
        return best, first

    def _show(
        self, frame: np.ndarray, view: Crop, hidden: list[Expectation], wanted: Expectation | None = None
    ) -> np.ndarray:
        """(people, 25, 3) in the picture's pixels: those found in a view; outside the picture nothing is seen.

        Without those of whom under 4 joints of trunk, arms and legs are left: they cannot be compared. Who is `hidden`
        is painted out, but for where somebody `wanted` may be.
        """
        self.estimates[-1] += 1
        shown = view.cut(frame)
        people = view.back(self.find(painted(shown, view, hidden, wanted) if hidden else shown))
        height, width = frame.shape[:2]
        inside = ((people[..., :2] >= 0) & (people[..., :2] <= (width, height))).all(axis=-1)
        people[~inside] = np.nan, np.nan, 0
        return people[inside[:, CORE].sum(axis=1) >= ENOUGH]

    def _others(self, track: Track, number: int, backwards: bool) -> list[Somebody]:
        """Where the other people are in this frame, or should be, and what they wear."""
        sure = [t for t in self.tracker.tracks if t is not track and self.states[t.number].is_sure]
        there = [t for t in sure if t.frames[0] <= number <= t.frames[-1] + (0 if backwards else STALE)]
        return [(_at(t, number), self.states[t.number].clothes) for t in there]

    def _present(self, number: int) -> list[Track]:
        return [track for track in self.tracker.tracks if track.frames[-1] == number]

    # --- those who are new, and those who come back -----------------------------------------------------------------

    def _look(self, number: int, frame: np.ndarray, views: list[Crop]) -> None:
        """Looks at views of the whole picture for people not known yet or out of sight."""
        for view in views:
            known = [_at(track, number) for track in self._present(number)]
            for pose in self._show(frame, view, known):
                new = not any(_is_beside(pose, track) for track in self._present(number))
                colors = colors_of(frame, pose, torsos(pose[None, :, :2])[0])
                (found,) = self.tracker.update(
                    number, pose[None], start=new, besides=self._strangeness(colors)
                )
                if found < 0:
                    continue
                self._news |= found not in self.states
                why = "found again" if found in self.states else "found"
                note = self.states.setdefault(found, TrackState())
                note.leans[number], note.status[number], note.colors[number] = view.lean, why, colors
                if note.is_sure:
                    self._go_back(self.tracker.tracks[found], number)

    def _strangeness(self, colors: np.ndarray) -> Callable[[Track], float]:
        """How little colours are those of a track's person."""
        return lambda track: STRANGE * self.states[track.number].clothes.unlikeness(colors)

    def _next_views(self, frame: np.ndarray, *, nobody: bool, looks: bool) -> list[Crop]:
        """The next view of the whole picture; where nobody is known small parts of it, too, or all, or it turned."""
        leaning = turned(frame) if nobody and (looks or self._alone <= DOUBTED) else ()
        if nobody and looks:
            return [*whole(frame), *leaning]
        views = [*whole(frame), *(tiles(frame) if nobody else ())]
        self._looks += 1
        return [views[(self._looks - 1) % len(views)], *leaning]

    # --- going back ---------------------------------------------------------------------------------------------------

    def _keep(self, number: int, frame: np.ndarray) -> None:
        self._kept.append((number, frame))
        while len(self._kept) > min(KEPT_FRAMES, max(8, KEPT_BYTES // frame.nbytes)):
            self._kept.popleft()

    def _begin_again(self, track: Track) -> None:
        """Finds somebody again, upright, in the first frame, if the pose that a look found there fits the next ones badly."""
        note, number, pose = self.states[track.number], track.frames.pop(0), track.poses.pop(0)
        expected, frame = expect(track, number, backwards=True), dict(self._kept).get(number)
        of_frame = note.leans, note.status, note.colors
        before = [of[number] for of in of_frame]
        cost = unlikeness(pose, expected)
        fits = cost < AMISS or frame is None
        if fits or not self._continue(track, number, frame, backwards=True):
            track.frames.insert(0, number)
            track.poses.insert(0, pose)
        elif unlikeness(track.poses[0], expected) >= cost:
            track.add(number, pose)
        else:
            return
        for of, value in zip(of_frame, before, strict=True):
            of[number] = value

    def _go_back(self, track: Track, number: int) -> None:
        """Fills the frames kept before `number`, backwards, until the person is lost or known."""
        missed = 0
        for earlier, frame in reversed(self._kept):
            if earlier >= number:
                continue
            if earlier in track.frames or missed > STALE:
                return
            missed = 0 if self._continue(track, earlier, frame, backwards=True) else missed + 1


def _unlikeness(pose: np.ndarray, colors: np.ndarray, other: Somebody) -> float:
    """How badly a pose (25, 3) of these colours continues somebody, in torso lengths."""
    expected, clothes = other
    return unlikeness(pose, expected) + clothes.unlikeness(colors)


def _at(track: Track, number: int) -> Expectation:
    """Where somebody is in a frame, or else should be."""
    at = int(np.searchsorted(track.frames, number))
    if at < len(track.frames) and track.frames[at] == number:
        return Expectation(track.poses[at], float(torso_lean(track.poses[at][:, :2])), track.size, 1)
    return expect(track, number)


def _is_beside(pose: np.ndarray, track: Track) -> bool:
    return bool(np.linalg.norm(torso_middle(pose) - torso_middle(track.poses[-1])) < BESIDE * track.size)
