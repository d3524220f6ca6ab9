"""Finding the move in a longer recording: by the published start and end markers, or by the body's own motion."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gymskel.body_geometry import as_body_25, torso_ends
from gymskel.preprocess.geometry import require_torso_length
from gymskel.recording import Recording, UnseenError
from gymskel.recording.times import frame_rate
from gymskel.skeleton import BODY_25

Slice = tuple[int, int]

# Places are told in torso lengths. Chosen by looking at the published recordings of the athletes s01-s06.
INVERTED, FEET_UP = -0.2, -0.8  # neck over hip, ankles over hip: upside down, and not just bent over
UPRIGHT = 0.5  # neck over hip: a trunk within 60 degrees of upright
ARMS_UP, ARMS_DOWN = 0.3, -0.5  # wrists over shoulders: well above the line before, well below it after
FEET_BELOW = -0.5  # heels over hip: the legs are under the body
HASTE = 0.6  # seconds: nobody is upside down sooner after the arms have passed
AGAIN, RUN_UP, LANDING = 0.3, 2.0, 1.0  # seconds: gaps in being inverted; searched before it, and after it


def find_moves(
    recording: Recording,
    *,
    method: str = "markers",
    high: float = 3.0,
    low: float = 0.5,
    min_move: float = 0.3,
    min_pause: float = 0.1,
) -> list[Slice]:
    """Where the moves are: [(start, end), ...] in frames of the array, `end` not included; empty if none is found.

    "markers" finds backflips, back handsprings and whatever else turns upside down between them (the thesis' clip
    limits): a move starts in the first frame in which both wrists are below the shoulders, moving down, the last
    time before the body is upside down with its feet up; it ends with the frame in which both heels are down again
    (the ankles, where the layout has no heels): at the height at which they then stay. A recording that begins less
    than 2 s before the body is upside down, with the arms past the line already, begins with its move; one that
    ends before the heels are down ends with its move. Moves that follow one another without the arms' sign meet where
    the first one ends.

    "motion" knows no move. Its signal is the speed of the body about its hip: the root mean square over the joints, right
    and left averaged first, of how fast they move relative to MidHip, with MidHip's own up and down. Walking swings right
    and left against each other and counts little for it (0.3 to 0.9 torso lengths a second); flips reach 9. A move
    is where the signal is above `high` for a while, and reaches both ways to the nearest pause below `low`. Limits:
    a move that someone walks or runs into without a pause takes some of the run along; so does
    one that is begun by slowly raising the arms; moves without a pause between them are one; slow moves such as a
    pull-up or a vault never reach the default of `high`.

    Args:
        recording: in pixels or any other unit, y down; fps or timestamps known. Unseen joints are bridged for
            the search alone.
        method: "markers" or "motion"; the numbers below are for "motion".
        high: torso lengths a second that only a move reaches.
        low: torso lengths a second below which the body pauses.
        min_move: seconds; the signal must be above `high` for this long in all.
        min_pause: seconds for which it must be below `low` to end a move.

    Raises:
        ValueError: unknown method; settings out of range; neither fps nor timestamps.
        UnseenError: a joint that the method needs is never seen.

    >>> from gymskel.simulate.session import simulate_session
    >>> session = simulate_session("backflip", before=1, after=1, noise=0, lost=0)
    >>> [(start, end)] = find_moves(session.recording)
    >>> abs(start - session.start) <= 3, abs(end - session.end) <= 3
    (True, True)
    """
    if method not in ("markers", "motion"):
        raise ValueError(f"`method` must be 'markers' or 'motion', got {method!r}.")
    if not 0 < low <= high < np.inf:
        raise ValueError(
            f"`low` and `high` must be torso lengths a second, 0 < low <= high, got {low} and {high}."
        )
    if not (0 <= min_move < np.inf and 0 <= min_pause < np.inf):
        raise ValueError(
            f"`min_move` and `min_pause` must be seconds from 0, got {min_move} and {min_pause}."
        )
    rate = frame_rate(recording)
    if method == "markers":
        return _find_markers(recording, rate)
    quick, quiet = activity(recording) >= high, activity(recording) < low
    pauses = [run for run in _runs(quiet) if run[1] - run[0] >= min_pause * rate]
    edges = [0, *np.ravel(pauses).astype(int), len(recording)]
    between = list(zip(edges[::2], edges[1::2], strict=True))  # pauses' ends are moves' edges
    return [(int(a), int(b)) for a, b in between if quick[a:b].sum() >= max(min_move * rate, 1)]


def trim(
    recording: Recording,
    *,
    method: str = "markers",
    high: float = 3.0,
    low: float = 0.5,
    min_move: float = 0.3,
    min_pause: float = 0.1,
) -> Recording:
    """The move alone: the recording from the frame in which its one move starts to that in which it ends.

    `first_frame` and `timestamps` go along; sample, video and so `source` stay.

    Args:
        recording, method, high, low, min_move, min_pause: as in `find_moves`.

    Raises:
        ValueError: no move is found, or several (`cut_moves` makes a Recording of each); others as in `find_moves`.

    >>> from gymskel.simulate.session import simulate_session
    >>> trim(simulate_session("backflip", before=1, after=1, noise=0, lost=0).recording).history[-1]["step"]
    'trim'
    """
    settings = {"high": high, "low": low, "min_move": min_move, "min_pause": min_pause}
    moves = find_moves(recording, method=method, **settings)
    if not moves:
        raise ValueError(f"{recording.name}: no move found in {len(recording)} frames; {_LOOKED_FOR[method]}")
    if len(moves) > 1:
        told = ", ".join(f"{start} to {end - 1}" for start, end in moves)
        raise ValueError(
            f"{recording.name}: {len(moves)} moves found (frames {told}); cut_moves makes a Recording of each."
        )
    return _cut(recording, *moves[0], method=method)


_LOOKED_FOR = {
    "markers": "looked for a body upside down with its feet up, before that both wrists falling past the shoulders "
    "(or a recording that begins there), after it both heels down. For other moves use method='motion'.",
    "motion": "looked for motion about the hip above `high` torso lengths a second for `min_move` seconds. "
    "Lower them, or use method='markers' for moves that turn upside down.",
}


def cut_moves(
    recording: Recording,
    *,
    method: str = "markers",
    high: float = 3.0,
    low: float = 0.5,
    min_move: float = 0.3,
    min_pause: float = 0.1,
) -> list[Recording]:
    """Every move of the recording as a Recording of its own; an empty list where none is found.

    The sample's name is told apart by the move's first frame (`3@120`); `video`, and so `source`, stay the same, so that
    splits keep the moves of one recording together. Files are named after the video: write the moves of one
    recording below different roots.

    Args:
        recording, method, high, low, min_move, min_pause: as in `find_moves`.
    """
    settings = {"high": high, "low": low, "min_move": min_move, "min_pause": min_pause}
    moves = find_moves(recording, method=method, **settings)
    video = recording.video or f"{recording.name}.mov"
    return [
        _cut(
            recording,
            a,
            b,
            method=method,
            sample=f"{recording.sample}@{recording.first_frame + a}",
            video=video,
        )
        for a, b in moves
    ]


def _cut(recording: Recording, start: int, end: int, *, method: str, **changes: str) -> Recording:
    """Frames [start, end) of the recording."""
    first, times = recording.first_frame + start, recording.timestamps
    moved = {"first_frame": first, "timestamps": None if times is None else np.asarray(times)[start:end]}
    last = recording.first_frame + end - 1
    kept = recording.keypoints[start:end]
    return recording.after("trim", kept, changes=moved | changes, method=method, first=first, last=last)


def activity(recording: Recording) -> np.ndarray:
    """(frames,) torso lengths a second: how fast the body moves about its hip; see `find_moves`.

    Over about 0.1 s. 0 where nothing is seen for long: what was not seen did not move.

    Raises:
        ValueError: neither fps nor timestamps.
        UnseenError: Neck or MidHip is never seen, or never both.
    """
    rate, xy = frame_rate(recording), _body(recording)
    middle = (xy + xy[:, BODY_25.mirror_order]) / 2  # NaN where one side is unseen
    hip = BODY_25.index("MidHip")
    about = middle - middle[:, [hip]]
    about[:, hip, 1] = middle[:, hip, 1]
    half, reach, frames = max(1, round(rate / 30)), max(1, round(rate / 20)), np.arange(len(xy))
    steady = pd.DataFrame(_bridge(about.reshape(len(xy), -1), half, round(rate / 4)))
    steady = steady.rolling(2 * half + 1, center=True, min_periods=1).mean().to_numpy().reshape(about.shape)
    before, after = np.maximum(frames - reach, 0), np.minimum(frames + reach, len(xy) - 1)
    speed = np.linalg.norm(steady[after] - steady[before], axis=-1)
    speed *= rate / np.maximum(after - before, 1)[:, None]
    return np.sqrt(pd.DataFrame(speed**2).mean(axis=1).fillna(0.0).to_numpy())


def _find_markers(recording: Recording, rate: float) -> list[Slice]:
    """The moves between the published markers."""
    xy = _body(
        recording, ("Neck", "MidHip", "RWrist", "LWrist", "RShoulder", "LShoulder", "RAnkle", "LAnkle")
    )
    at = {name: xy[:, row, 1] for row, name in enumerate(BODY_25.joints)}
    trunk = xy[:, BODY_25.index("Neck")] - xy[:, BODY_25.index("MidHip")]
    trunk = trunk / np.linalg.norm(trunk, axis=-1, keepdims=True).clip(1e-6)
    over = {"neck": at["MidHip"] - at["Neck"]}  # height over another joint, up is positive
    for side in "RL":
        shoulder, wrist = BODY_25.indices([f"{side}Shoulder", f"{side}Wrist"])
        along = ((xy[:, wrist] - xy[:, shoulder]) * trunk).sum(axis=-1)
        over[f"{side}wrist"] = np.minimum(along, at[f"{side}Shoulder"] - at[f"{side}Wrist"])
        over[f"{side}ankle"] = at["MidHip"] - at[f"{side}Ankle"]
        heel, ankle = at[f"{side}Heel"], at[f"{side}Ankle"]
        lower = np.nan if np.isnan(heel - ankle).all() else np.nanmedian(heel - ankle)
        over[f"{side}sole"] = -np.where(np.isnan(heel), ankle + np.nan_to_num(lower), heel)
    over["hip"] = -at["MidHip"]
    height = pd.DataFrame(
        _bridge(np.stack([*over.values()], axis=-1), max(1, round(rate / 30)), len(xy)), columns=over
    )
    feet = height[["Rankle", "Lankle"]].mean(axis=1)
    inverted = (feet > 0) | ((feet > FEET_UP) & (height["neck"] < INVERTED))
    wrist = (
        height[["Rwrist", "Lwrist"]].max(axis=1, skipna=False).to_numpy()
    )  # the higher one: both have passed
    upright = np.zeros(len(xy), bool)
    for run in _runs(height["neck"].to_numpy() > UPRIGHT):
        upright[slice(*run)] = (
            run[1] - run[0] >= 0.25 * rate
        )  # shorter ones are wrong poses of a turning body
    soles = height[["Rsole", "Lsole"]].to_numpy()
    under = (soles.max(axis=1) - height["hip"].to_numpy()) < FEET_BELOW
    landed = _settled(soles, max(1, round(0.35 * rate))) & under
    moves: list[Slice] = []
    for first, last in _join(_runs(inverted.to_numpy()), AGAIN * rate, 0.05 * rate):
        done = moves[-1][1] if moves else 0
        if last <= done:
            continue
        begin, late = max(done, round(first - RUN_UP * rate)), first - HASTE * rate
        start = _arms_pass(wrist, upright, begin, first, last=late, after_move=bool(moves))
        down = np.flatnonzero(landed[last : round(last + LANDING * rate) + 1])
        if start is not None and (down.size or last + LANDING * rate >= len(xy)):
            moves.append((start, int(last + down[0] + 1) if down.size else len(xy)))
    return moves


def _arms_pass(
    wrist: np.ndarray, upright: np.ndarray, begin: int, inverted: int, *, last: float, after_move: bool
) -> int | None:
    """The first frame with both wrists below the line, the last time before `inverted`; None if they never pass.

    Args:
        wrist: (frames,) height of the higher wrist over its shoulder.
        upright: (frames,) the trunk is.
        begin: first frame of the search.
        inverted: the frame in which the body is upside down.
        last: the arms pass by this frame: later ones have come back up from the backswing.
        after_move: another move ends at or before `begin`.
    """
    state = np.where(wrist >= ARMS_UP, 1.0, np.where(wrist < ARMS_DOWN, -1.0, np.nan))
    state = pd.Series(np.where(upright, state, np.nan)[begin:inverted]).ffill().to_numpy()
    starts = []
    for low in begin + 1 + np.flatnonzero((state[:-1] > 0) & (state[1:] < 0)):
        start = begin + np.flatnonzero(wrist[begin:low] >= 0)[-1] + 1
        if start <= last:
            starts.append(int(start))
    if starts:
        return starts[-1]
    return int(begin) if (begin == 0 or after_move) and (state < 0).any() else None


def _settled(soles: np.ndarray, ahead: int) -> np.ndarray:
    """(frames,) bool: both soles are as low as they get within the next `ahead` frames, to 0.06 torso lengths."""
    lowest = pd.DataFrame(soles[::-1]).rolling(ahead, min_periods=1).min().to_numpy()[::-1]
    return (soles <= lowest + 0.06).all(axis=1)


def _body(recording: Recording, needs: tuple[str, ...] = ("Neck", "MidHip")) -> np.ndarray:
    """(frames, 25, 2) in torso lengths, in the order of BODY_25."""
    xy = as_body_25(recording.xy.astype(np.float64), recording.skeleton)
    never = [name for name in needs if np.isnan(xy[:, BODY_25.index(name), 0]).all()]
    if never:
        raise UnseenError(
            f"{recording.name}: {', '.join(never)} never seen (or not in {recording.skeleton.name}), so no move can be found."
        )
    return xy / require_torso_length(recording.name, *torso_ends(xy))


def _bridge(columns: np.ndarray, half: int, gap: int) -> np.ndarray:
    """The median over 2 `half` + 1 frames; gaps of up to `gap` frames bridged by straight lines."""
    frame = pd.DataFrame(columns)
    median = frame.rolling(2 * half + 1, center=True, min_periods=1).median()
    return median.interpolate(limit=max(gap, 1), limit_direction="both").to_numpy(copy=True)


def _runs(flags: np.ndarray) -> list[Slice]:
    """[(start, end), ...) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _join(runs: list[Slice], gap: float, shortest: float) -> list[Slice]:
    """Runs closer than `gap` frames as one; then those of at least `shortest` frames."""
    joined: list[Slice] = []
    for start, end in runs:
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return [run for run in joined if run[1] - run[0] >= shortest]
