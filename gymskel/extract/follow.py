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

from gymskel.extract.expect import CORE, ENOUGH, Expectation, expect, lean_of, middle_of, unlikeness
from gymskel.extract.people import USUAL_FPS, Track, Tracker
from gymskel.extract.view import View

GOOD = 0.4
"""Unlikeness in torso lengths up to which nothing else is tried."""
PATIENCE = 0.6
"""... at most, where trying on brought nothing better in the frames before."""
POSSIBLE = 0.9
"""... up to which the best of all tries is taken for this person."""

TURNS = (-45.0, 45.0, -90.0, 90.0, 180.0)  # degrees beside the expected lean
MARGIN = 1.9  # side of a view, in extents of the expected body: detectors want some picture around it
REACH = 5.5  # ... but at least this many torso lengths: a tucked body opens within a few frames
CLOSER = 0.65  # of that side, where others stand about

MOST = 3  # people followed at once, where one athlete is wanted
SURE = 3  # frames in which somebody must be found as expected to count: pictures are full of false people
BESIDE = 0.75  # torso lengths from somebody known, within which nobody new is believed in
STALE = 3  # frames without the person, after which tries become rarer
FOLLOW_SECONDS = 1.0  # ... and after which only looks at the whole picture may find them again
LOOK_SECONDS = 0.25  # between two looks at the next part of the whole picture

KEPT_BYTES, KEPT_FRAMES = 200 << 20, 32  # of the last frames, kept to go back over


@dataclass
class Note:
    """What is noted of a person.

    Attributes:
        lean: frame -> degrees by which the view was turned in which the person was found.
        why: frame -> "" found as expected; "nobody" or "poor", what the first try gave; "lost", nothing
            continued the person; "backwards", found going back; "found" and "found again", by a look at all.
        closer: views were better when closer, lately.
        usual: unlikeness that further tries lately did not better.
        good: frames in which the person was found as expected, going forward.
    """

    lean: dict[int, float] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    closer: bool = False
    usual: float = 0.0
    good: int = 0

    @property
    def is_sure(self) -> bool:
        """Whether this is a person at all."""
        return self.good >= SURE


@dataclass
class Found:
    """The pose (25, 3) that continues a person best, how badly (`unlikeness`), and in which of the views it was."""

    pose: np.ndarray
    cost: float
    view: View
    at: int


class Follower:
    """People followed through the frames of one video.

    Args:
        find: frame (height, width, 3) -> (people, 25, 3), a stateless estimator.
        fps: frames a second, or None.
        image_size: (width, height) in pixels, or None.
        everybody: follow all people at once, however many; else three, and the others are only known.

    Attributes:
        tracker: the tracks of everybody, `tracker.tracks`.
        notes: number of a track -> what is noted of that person.
        estimates: how often `find` was asked, frame by frame; going back counts where it began.
    """

    def __init__(
        self,
        find: Callable[[np.ndarray], np.ndarray],
        fps: float | None,
        image_size: tuple[int, int] | None = None,
        *,
        everybody: bool = False,
    ) -> None:
        self.find = find
        self.tracker = Tracker(fps, image_size=image_size)
        self.notes: dict[int, Note] = {}
        self.estimates: list[int] = []
        self._most = None if everybody else MOST
        self._fps = fps or USUAL_FPS
        self._looks = 0
        self._kept: deque[tuple[int, np.ndarray]] = deque()

    def step(self, number: int, frame: np.ndarray) -> None:
        """Goes on by a frame (height, width, 3); frames come in order."""
        self.estimates.append(0)
        self._keep(number, frame)
        followed = self._followed(number)
        found = [track for track in followed if self._continue(track, number, frame)]
        looks = number % max(1, round(LOOK_SECONDS * self._fps)) == 0
        if looks or not found:
            self._look(number, frame, everywhere=looks and not followed)

    def people(self) -> list[Track]:
        """Those who are people for sure; all, if nobody is."""
        return [t for t in self.tracker.tracks if self.notes[t.number].is_sure] or self.tracker.tracks

    # --- those who are followed ---------------------------------------------------------------------------------

    def _followed(self, number: int) -> list[Track]:
        """Those worth an estimate of their own: the largest and longest known of those seen lately."""
        live = [t for t in self.tracker.live(number) if number - t.frames[-1] <= self._patience(t)]
        live.sort(key=lambda track: -track.size * min(len(track.frames), self._fps))
        gaps = [(track, number - track.frames[-1]) for track in live[: self._most]]
        return [track for track, gap in gaps if gap <= STALE or gap % 3 == 0]

    def _patience(self, track: Track) -> float:
        """Frames for which someone out of sight is looked for where they should be."""
        return FOLLOW_SECONDS * self._fps if self.notes[track.number].is_sure else STALE

    def _continue(self, track: Track, number: int, frame: np.ndarray, *, backwards: bool = False) -> bool:
        """Finds a known person in a frame, and adds the pose to the track."""
        note = self.notes[track.number]
        expected = expect(track, number, backwards=backwards)
        enough = max(GOOD, note.usual) * (1 + 0.2 * min(expected.gap - 1, 5))
        tries = 3 if backwards or not note.is_sure else None
        others = self._others(track, number, backwards)
        views = islice(_views(expected, note.closer), tries)
        best, first = self._try_on(frame, expected, others, views, enough)
        if best is None or best.cost > POSSIBLE:
            note.why[number] = "lost"
            return False
        track.add(number, best.pose)
        note.lean[number], note.why[number] = best.view.lean, "backwards" if backwards else first
        if first == "poor" and best.at == 0:  # nothing was better: as much will do for the next frame
            note.usual = min(1.1 * best.cost, PATIENCE)
        else:
            note.usual *= 0.95
            note.closer ^= best.at == 1
        if not backwards:
            note.good += best.cost < enough
            if note.is_sure and (expected.gap > 1 or note.good == SURE):
                self._go_back(track, track.frames[0] if note.good == SURE else number)
        return True

    def _try_on(
        self,
        frame: np.ndarray,
        expected: Expectation,
        others: list[Expectation],
        views: Iterator[View],
        enough: float,
    ) -> tuple[Found | None, str]:
        """The best found in the views until it is good enough, and what was wrong with the first: "nobody", "poor".

        Who fits somebody else's expectation better is somebody else.
        """
        best, first = None, ""
        for at, view in enumerate(views):
            for pose in self._show(frame, view):
                cost = unlikeness(pose, expected)
                if any(unlikeness(pose, other) < cost for other in others):
                    continue
                if best is None or cost < best.cost:
                    best = Found(pose, cost, view, at)
            if best and best.cost < enough:
                break
            first = first or ("poor" if best else "nobody")
        return best, first

    def _show(self, frame: np.ndarray, view: View) -> np.ndarray:
        """(people, 25, 3) in the picture's pixels: those found in a view; outside the picture nothing is seen.

        Without those of whom under 4 joints of trunk, arms and legs are left: they cannot be compared.
        """
        self.estimates[-1] += 1
        people = view.back(self.find(view.cut(frame)))
        height, width = frame.shape[:2]
        inside = ((people[..., :2] >= 0) & (people[..., :2] <= (width, height))).all(axis=-1)
        people[~inside] = np.nan, np.nan, 0
        return people[inside[:, CORE].sum(axis=1) >= ENOUGH]

    def _others(self, track: Track, number: int, backwards: bool) -> list[Expectation]:
        """Where the other people are in this frame, or should be."""
        sure = [t for t in self.tracker.tracks if t is not track and self.notes[t.number].is_sure]
        there = [t for t in sure if t.frames[0] <= number <= t.frames[-1] + (0 if backwards else STALE)]
        return [_at(t, number) for t in there]

    def _present(self, number: int) -> list[Track]:
        return [track for track in self.tracker.tracks if track.frames[-1] == number]

    # --- those who are new, and those who come back -----------------------------------------------------------------

    def _look(self, number: int, frame: np.ndarray, *, everywhere: bool) -> None:
        """Looks at the whole picture, or at the next part of it, for people not known yet or out of sight."""
        views = list(_whole(frame, turned=everywhere))
        if not everywhere:
            views = [views[self._looks % len(views)]]
            self._looks += 1
        for view in views:
            for pose in self._show(_without(frame, self._present(number)), view):
                new = not any(_is_beside(pose, track) for track in self._present(number))
                (found,) = self.tracker.update(number, pose[None], start=new)
                if found < 0:
                    continue
                why = "found again" if found in self.notes else "found"
                note = self.notes.setdefault(found, Note())
                note.lean[number], note.why[number] = view.lean, why
                if note.is_sure:
                    self._go_back(self.tracker.tracks[found], number)

    # --- going back ---------------------------------------------------------------------------------------------------

    def _keep(self, number: int, frame: np.ndarray) -> None:
        self._kept.append((number, frame))
        while len(self._kept) > min(KEPT_FRAMES, max(8, KEPT_BYTES // frame.nbytes)):
            self._kept.popleft()

    def _go_back(self, track: Track, number: int) -> None:
        """Fills the frames kept before `number`, backwards, until the person is lost or known."""
        missed = 0
        for earlier, frame in reversed(self._kept):
            if earlier >= number:
                continue
            if earlier in track.frames or missed > STALE:
                return
            missed = 0 if self._continue(track, earlier, frame, backwards=True) else missed + 1


def _at(track: Track, number: int) -> Expectation:
    """Where somebody is in a frame, or else should be."""
    at = int(np.searchsorted(track.frames, number))
    if at < len(track.frames) and track.frames[at] == number:
        return Expectation(track.poses[at], lean_of(track.poses[at]), track.size, 1)
    return expect(track, number)


def _views(expected: Expectation, closer: bool) -> Iterator[View]:
    """Squares to show, the likeliest first; `closer`: the smaller size comes first."""
    xy = expected.pose[CORE, :2]
    low, high = np.nanmin(xy, axis=0), np.nanmax(xy, axis=0)
    center = tuple((low + high) / 2)
    side = max(MARGIN * float((high - low).max()), REACH * expected.torso)
    side *= min(1 + 0.1 * (expected.gap - 1), 2)
    sides = (CLOSER * side, side) if closer else (side, CLOSER * side)
    yield View(center, sides[0], expected.lean)
    yield View(center, sides[1], expected.lean)
    for turn in TURNS:
        yield View(center, sides[0], expected.lean + turn)


def _whole(frame: np.ndarray, *, turned: bool) -> Iterator[View]:
    """The whole picture; squares of it, if it is long; the whole turned, where nobody is known."""
    height, width = frame.shape[:2]
    middle, long, short = (width / 2, height / 2), max(height, width), min(height, width)
    yield View(middle, long, size=512)
    if long > 1.25 * short:
        for part in (0.5, 0.0, 1.0):
            at = short / 2 + part * (long - short)
            yield View((at, middle[1]) if width > height else (middle[0], at), short)
    for lean in (180.0, 120.0, 240.0, 60.0, 300.0) if turned else ():
        yield View(middle, 1.1 * long, lean, 512)


def _without(frame: np.ndarray, tracks: list[Track]) -> np.ndarray:
    """The frame with the boxes of known people painted out: an estimator of one person then sees the others."""
    if not tracks:
        return frame
    frame = frame.copy()
    for track in tracks:
        xy = track.poses[-1][:, :2]
        low = np.maximum(np.nanmin(xy, axis=0) - 0.2 * track.size, 0).astype(int)
        high = np.maximum(np.nanmax(xy, axis=0) + 0.2 * track.size, 0).astype(int)
        frame[low[1] : high[1], low[0] : high[0]] = 0
    return frame


def _is_beside(pose: np.ndarray, track: Track) -> bool:
    return bool(np.linalg.norm(middle_of(pose) - middle_of(track.poses[-1])) < BESIDE * track.size)
