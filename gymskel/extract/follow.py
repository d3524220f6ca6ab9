"""Follows people through a video with any estimator, also while they turn upside down.

For each person and frame: expect where the body is and how it leans, from the frames before; show the estimator
that square of the picture, turned upright; map what it finds back; keep it if it continues this person. If it does
not, try other turns and sizes and keep what continues the person best, whatever the estimator's confidence. If
nothing does, the person is unseen in this frame, and is looked for where they should be by now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from gymskel.extract.people import USUAL_FPS, Track, Tracker
from gymskel.extract.view import View
from gymskel.skeleton import BODY_25

CORE = BODY_25.indices(
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle LHip LKnee LAnkle".split()
)
NECK, HIPS = BODY_25.indices(["Neck", "MidHip"])

GOOD = 0.4
"""Mean distance of the joints from where they were expected, in torso lengths, up to which nothing else is tried."""
PATIENCE = 0.6
"""... at most, where trying on brought nothing better in the frames before."""
POSSIBLE = 0.9
"""... up to which the best of all tries is taken for this person."""

TURNS = (0.0, -45.0, 45.0, -90.0, 90.0, 180.0)
"""What is tried, in degrees beside the expected lean, where the first try was poor."""
CLOSER = 0.7
"""The last try is a smaller square."""

MARGIN = 1.9  # side of a view, in extents of the expected body: detectors want some picture around it
REACH = 5.5  # ... but at least this many torso lengths: a tucked body opens within a few frames
LOOK_SECONDS = 0.5  # between two looks at the whole picture
MEMORY_BYTES = 200 << 20  # of frames kept, to go over backwards
MEMORY_FRAMES = 32
MAX_RATE = 50.0  # degrees a frame; a double somersault at 25 frames a second turns 45
MOST = 3  # people followed at once, where one athlete is wanted
STALE = 3  # frames without the person, after which tries become rarer
FOLLOW_SECONDS = 1.0  # without the person, after which only looks at the whole picture may find them again
YOUNG = 5  # poses; who is known by fewer, or is gone back for, gets three tries a frame instead of all


@dataclass
class Expectation:
    """Where a person should be in a frame.

    Attributes:
        pose: (25, 3) the joints where they are expected; NaN where unknown.
        lean: degrees clockwise of the torso.
        torso: its length, pixels.
        gap: frames since (or until) the person was seen.
    """

    pose: np.ndarray
    lean: float
    torso: float
    gap: int


def lean_of(pose: np.ndarray) -> float:
    """Degrees clockwise by which the torso of a pose (25, 3) leans; NaN where it is not seen."""
    x, y = pose[NECK, :2] - pose[HIPS, :2]
    return float(np.degrees(np.arctan2(x, -y)))


def expect(track: Track, number: int, *, backwards: bool = False) -> Expectation:
    """Where a person should be in frame `number`, from the poses before it (after it, if `backwards`)."""
    near = _nearest(track, number, backwards)
    at, pose = near[0]
    gap = abs(number - at)
    fade = min(gap, 4) / gap  # nobody goes on turning and flying for long
    middles = np.array([_middle(p) for _, p in near])
    times = np.array([abs(t - at) for t, _ in near])
    velocity, rate = np.zeros(2), 0.0
    if len(near) > 1:
        velocity = np.median((middles[:-1] - middles[1:]) / np.diff(times)[:, None], axis=0)
        leans = np.array([lean_of(p) for _, p in near])
        rates = (np.diff(leans[::-1])[::-1] + 180) % 360 - 180
        rates = (rates / np.diff(times))[~np.isnan(rates)]
        rate = float(np.clip(np.median(rates), -MAX_RATE, MAX_RATE)) if len(rates) else 0.0
    lean = next((lean for _, p in near if not np.isnan(lean := lean_of(p))), 0.0)
    turn = rate * gap * fade
    moved = pose.copy()
    moved[:, :2] = _turned(pose[:, :2] - middles[0], turn) + middles[0] + velocity * gap * fade
    return Expectation(moved, lean + turn, track.size, gap)


def _nearest(track: Track, number: int, backwards: bool, most: int = 3) -> list[tuple[int, np.ndarray]]:
    """Up to three poses before a frame (after it), the nearest first, from within six frames of the nearest."""
    at = int(np.searchsorted(track.frames, number))
    order = (
        range(at, min(at + most, len(track.frames)))
        if backwards
        else range(at - 1, max(at - 1 - most, -1), -1)
    )
    near = [(track.frames[i], track.poses[i]) for i in order if track.frames[i] != number]
    return [entry for entry in near if abs(entry[0] - near[0][0]) <= 6]


def _middle(pose: np.ndarray) -> np.ndarray:
    """(2,) the middle of the torso, or of all that is seen."""
    torso = (pose[NECK, :2] + pose[HIPS, :2]) / 2
    return torso if not np.isnan(torso).any() else np.nanmedian(pose[:, :2], axis=0)


def _turned(xy: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return xy @ turn.T


def unlikeness(pose: np.ndarray, expected: Expectation) -> float:
    """How badly a pose (25, 3) continues a person, in torso lengths.

    The mean distance of the 15 joints of trunk, arms and legs from where they are expected, each counted up to
    1.5; a joint that was expected and is unseen counts 0.4. A torso far off its length adds to it.
    """
    known = ~np.isnan(expected.pose[CORE, 0])
    seen = ~np.isnan(pose[CORE, 0])
    if (known & seen).sum() < 4:
        return np.inf
    away = np.linalg.norm(pose[CORE, :2] - expected.pose[CORE, :2], axis=1) / expected.torso
    away = np.where(seen, np.minimum(away, 1.5), 0.4)[known]
    return float(away.mean() + _oversize(pose, expected.torso))


def _oversize(pose: np.ndarray, torso: float) -> float:
    """What a torso that is longer than the body's own adds; a shorter one may be foreshortened."""
    length = np.linalg.norm(pose[NECK, :2] - pose[HIPS, :2])
    if np.isnan(length):
        return 0.1
    return max(0.0, abs(np.log(max(length, 1e-3) / torso)) - 0.4) if length > torso else 0.0


def _is_due(gap: int) -> bool:
    """Whether someone unseen for `gap` frames is tried for now: always at first, then in every third frame."""
    return gap <= STALE or gap % 3 == 0


@dataclass
class Followed:
    """What is noted of a person, frame by frame.

    Attributes:
        lean: frame -> degrees by which the view was turned in which the person was found.
        why: frame -> why it took more than one look, or why there is nothing.
        usual: unlikeness that further tries lately did not better.
    """

    lean: dict[int, float] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    usual: float = 0.0


class Follower:
    """People followed through the frames of one video.

    Args:
        find: frame (height, width, 3) -> (people, 25, 3), the estimator.
        fps: frames a second, or None.
        everybody: follow all people at once, however many; else three, and the others are only known.
    """

    def __init__(
        self, find: Callable[[np.ndarray], np.ndarray], fps: float | None, *, everybody: bool = False
    ) -> None:
        self.find = find
        self.most = None if everybody else MOST
        self.tracker = Tracker(fps)
        self.notes: dict[int, Followed] = {}
        self.estimates: list[int] = []
        self._fps = fps or USUAL_FPS
        self._look_every = max(1, round(LOOK_SECONDS * self._fps))
        self._looks = 0
        self._kept: deque[tuple[int, np.ndarray]] = deque()

    def step(self, number: int, frame: np.ndarray) -> None:
        """Goes on by a frame; frames come in order, from 0."""
        self.estimates.append(0)
        self._keep(number, frame)
        followed = self._followed(number)
        found = [track for track in followed if self._continue(track, number, frame)]
        if number % self._look_every == 0 or not found:
            self._look(number, frame, everywhere=not followed and number % self._look_every == 0)

    # --- those who are followed ---------------------------------------------------------------------------

    def _followed(self, number: int) -> list[Track]:
        """Those worth an estimate of their own: the largest and longest known of those seen lately."""
        live = [t for t in self.tracker.live(number) if number - t.frames[-1] <= FOLLOW_SECONDS * self._fps]
        live.sort(key=lambda track: -track.size * min(len(track.frames), 30))
        return [track for track in live[: self.most] if _is_due(number - track.frames[-1])]

    def _continue(self, track: Track, number: int, frame: np.ndarray, *, backwards: bool = False) -> bool:
        """Finds a known person in a frame, and adds the pose to the track."""
        expected = expect(track, number, backwards=backwards)
        note = self.notes.setdefault(track.number, Followed())
        tries = 3 if backwards or len(track.frames) < YOUNG else None
        best, least, lean, why = None, np.inf, np.nan, ""
        enough = max(GOOD, note.usual) * (1 + 0.2 * min(expected.gap - 1, 5))
        for n, view in enumerate(islice(self._views(expected), tries)):
            for pose in self._shown(frame, view):
                if (cost := unlikeness(pose, expected)) < least:
                    best, least, lean, at = pose, cost, view.lean, n
            if least < enough:
                break
            why = "nobody" if best is None else "poor"
        if best is None or least > POSSIBLE or self._is_another(best, track, number):
            note.why[number] = "lost"
            return False
        # where trying on brought nothing better, as much is good enough for the next frame
        note.usual = min(1.1 * least, PATIENCE) if why == "poor" and at == 0 else 0.95 * note.usual
        track.add(number, best)
        note.lean[number] = lean
        note.why[number] = "backwards" if backwards else why
        if not backwards and expected.gap > 1:
            self._fill_back(track, number)
        return True

    def _views(self, expected: Expectation) -> Iterator[View]:
        """Squares to show, the likeliest first."""
        xy = expected.pose[CORE, :2]
        low, high = np.nanmin(xy, axis=0), np.nanmax(xy, axis=0)
        center = tuple((low + high) / 2)
        side = max(MARGIN * float((high - low).max()), REACH * expected.torso) * min(
            1 + 0.1 * (expected.gap - 1), 2
        )
        for turn in TURNS:
            yield View(center, side, expected.lean + turn)
        yield View(center, side * CLOSER, expected.lean)

    def _shown(self, frame: np.ndarray, view: View) -> np.ndarray:
        """(people, 25, 3) in the picture's pixels: those found in a view; outside the picture nothing is seen."""
        self.estimates[-1] += 1
        people = view.back(self.find(view.cut(frame)))
        height, width = frame.shape[:2]
        with np.errstate(invalid="ignore"):
            outside = ~((people[..., :2] >= 0) & (people[..., :2] <= (width, height))).all(axis=-1)
        people[outside] = np.nan, np.nan, 0
        return people

    def _is_another(self, pose: np.ndarray, track: Track, number: int) -> bool:
        """Whether somebody else was found in this place in this frame already."""
        for other in self.tracker.tracks:
            if other is not track and other.frames and other.frames[-1] == number:
                away = np.linalg.norm(pose[CORE, :2] - other.poses[-1][CORE, :2], axis=1)
                if np.nanmedian(away) < 0.3 * track.size:
                    return True
        return False

    # --- those who are new, and those who come back ----------------------------------------------------------

    def _look(self, number: int, frame: np.ndarray, everywhere: bool) -> None:
        """Looks at the whole picture for people not known yet."""
        views = list(self._whole(frame))
        if not everywhere:
            views = [views[self._looks % len(views)]]
            self._looks += 1
        for view in views:
            for pose in self._shown(frame, view):
                before = {track.number: len(track.frames) for track in self.tracker.tracks}
                (found,) = self.tracker.update(number, pose[None])
                if found >= 0:
                    track = next(t for t in self.tracker.tracks if t.number == found)
                    note = self.notes.setdefault(found, Followed())
                    note.lean[number], note.why[number] = (
                        view.lean,
                        "found" if found not in before else "found again",
                    )
                    self._fill_back(track, number)

    @staticmethod
    def _whole(frame: np.ndarray) -> Iterator[View]:
        """The whole picture, upright and turned, and squares of it."""
        height, width = frame.shape[:2]
        middle, long, short = (width / 2, height / 2), max(height, width), min(height, width)
        yield View(middle, long, size=512)
        if long > 1.25 * short:
            for part in (0.5, 0.0, 1.0):
                at = short / 2 + part * (long - short)
                yield View((at, middle[1]) if width > height else (middle[0], at), short)
        for lean in (180.0, 90.0, 270.0):
            yield View(middle, 1.1 * long, lean, 512)

    # --- backwards -------------------------------------------------------------------------------------------

    def _keep(self, number: int, frame: np.ndarray) -> None:
        self._kept.append((number, frame))
        while len(self._kept) > min(MEMORY_FRAMES, max(8, MEMORY_BYTES // frame.nbytes)):
            self._kept.popleft()

    def _fill_back(self, track: Track, number: int) -> None:
        """Goes back over the frames kept, from where a person was found (again), until they are lost or known."""
        missed = 0
        for earlier, frame in reversed(self._kept):
            if earlier >= number:
                continue
            if earlier in track.frames or missed > STALE:
                return
            missed = 0 if self._continue(track, earlier, frame, backwards=True) else missed + 1
