"""Find the moves in a longer recording: by the published start and end markers, or by the motion of the body."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gymskel.body_geometry import as_body_25, torso_ends
from gymskel.messages import join_names
from gymskel.preprocess.geometry import require_torso_length
from gymskel.preprocess.missing import find_runs
from gymskel.recording import Recording, UnseenError
from gymskel.recording.times import frame_rate
from gymskel.skeleton import BODY_25

FrameRange = tuple[int, int]  # start, end; the end is not included

# Heights in torso lengths, up is positive. Chosen by looking at the published recordings of the athletes s01-s06.
INVERTED_NECK = -0.2  # neck over hip, at most: the body is upside down
INVERTED_FEET = -0.8  # ankles over hip, at least: upside down, and not only bent over
UPRIGHT_NECK = 0.5  # neck over hip, at least: the trunk is within 60 degrees of upright
WRISTS_UP = 0.3  # wrists over shoulders, at least: the arms are clearly above the shoulder line
WRISTS_DOWN = -0.5  # wrists over shoulders, at most: the arms are clearly below the shoulder line
SOLES_BELOW_HIP = -0.5  # soles over hip, at most: the legs are under the body
SOLES_SETTLED = 0.06  # soles over their lowest height: they stand
# Seconds.
MIN_SWING = 0.6  # from the arms passing the shoulders to being upside down, at least
MAX_INVERTED_GAP = 0.3  # between two inversions of one move, at most
SEARCH_BEFORE = 2.0  # the arms are searched this long before the inversion
SEARCH_AFTER = 1.0  # the landing is searched this long after the inversion
MIN_UPRIGHT = 0.25  # shorter upright runs are wrong poses of a rotating body
SETTLING_TIME = 0.35  # the soles are compared with this time ahead


def find_moves(
    recording: Recording,
    *,
    method: str = "markers",
    high: float = 3.0,
    low: float = 0.5,
    min_move: float = 0.3,
    min_pause: float = 0.1,
) -> list[FrameRange]:
    """Return the moves as [(start, end), ...] in frames of the array, `end` not included; empty if none is found.

    "markers" finds backflips, back handsprings and other moves that turn upside down, with the clip limits of the thesis:

    - A move starts in the first frame in which both wrists are below the shoulders, moving down. It is the last such
      frame before the body is upside down with its feet up.
    - It ends with the frame in which both heels (the ankles, if the layout has no heels) are down again, at the height at
      which they then stay.
    - A recording that begins with the arms past the line, less than 2 s before the body is upside down, begins with its
      move. A recording that ends before the heels are down ends with its move.
    - Of moves in a row without the arms' sign between them, the second starts where the first one ends.

    "motion" finds any fast move. Its signal is the speed of the body about its hip: the root mean square over the joints of
    their speed relative to MidHip, after averaging right and left; MidHip counts with its vertical speed. Walking swings
    right and left against each other and reaches 0.3 to 0.9 torso lengths a second; flips reach 9. A move is where the
    signal is above `high`, extended both ways to the nearest pause below `low`. Limits: a run-up or a slow raising of the
    arms without a pause becomes part of the move; moves without a pause between them become one; slow moves such as a
    pull-up or a vault never reach the default of `high`.

    Args:
        recording: in pixels or any other unit, y down; fps or timestamps known. Unseen joints are bridged for
            the search alone.
        method: "markers" or "motion"; the arguments below are for "motion".
        high: torso lengths a second that only a move reaches.
        low: torso lengths a second below which the body pauses.
        min_move: seconds for which the signal must be above `high` in all.
        min_pause: seconds for which the signal must be below `low` to end a move.

    Raises:
        ValueError: an unknown method, a limit out of range, or neither fps nor timestamps.
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
    signal = motion_signal(recording)
    pauses = [run for run in find_runs(signal < low) if run[1] - run[0] >= min_pause * rate]
    edges = [0, *(frame for pause in pauses for frame in pause), len(recording)]
    between = zip(edges[::2], edges[1::2], strict=True)  # from the end of one pause to the start of the next
    fast, fewest = signal >= high, max(min_move * rate, 1)
    return [(start, end) for start, end in between if fast[start:end].sum() >= fewest]


def trim(recording: Recording, *, method: str = "markers", **limits: float) -> Recording:
    """Cut the recording to its one move.

    `first_frame` and `timestamps` follow the cut; sample, video and `source` stay.

    Args:
        recording, method: as in `find_moves`.
        limits: `high`, `low`, `min_move`, `min_pause` as in `find_moves`.

    Raises:
        ValueError: no move or several moves are found, or as in `find_moves`.

    >>> from gymskel.simulate.session import simulate_session
    >>> trim(simulate_session("backflip", before=1, after=1, noise=0, lost=0).recording).history[-1]["step"]
    'trim'
    """
    moves = find_moves(recording, method=method, **limits)
    if not moves:
        raise ValueError(f"{recording.name}: no move found in {len(recording)} frames; {_SEARCHED[method]}")
    if len(moves) > 1:
        frames = join_names(f"{start} to {end - 1}" for start, end in moves)
        raise ValueError(
            f"{recording.name}: {len(moves)} moves found (frames {frames}). Fix: use cut_moves, it makes a Recording of each."
        )
    return _cut(recording, *moves[0], method=method)


_SEARCHED = {
    "markers": "searched for a body upside down with its feet up, before that both wrists falling past the shoulders "
    "(or a recording that begins there), after it both heels down. Fix: for other moves use method='motion'.",
    "motion": "searched for motion about the hip above `high` torso lengths a second for `min_move` seconds. "
    "Fix: lower them, or use method='markers' for moves that turn upside down.",
}


def cut_moves(recording: Recording, *, method: str = "markers", **limits: float) -> list[Recording]:
    """Return every move as a Recording of its own; an empty list if none is found.

    The move's first frame is added to the sample (`3@120`). `video` and `source` stay, so that splits keep the moves of one
    recording together. Files are named after the video: write the moves of one recording to different folders.

    Arguments and errors as in `trim`.
    """
    moves = find_moves(recording, method=method, **limits)
    video = recording.video or f"{recording.name}.mov"
    samples = [f"{recording.sample}@{recording.first_frame + start}" for start, _ in moves]
    return [
        _cut(recording, *move, method=method, sample=sample, video=video)
        for move, sample in zip(moves, samples, strict=True)
    ]


def _cut(recording: Recording, start: int, end: int, *, method: str, **changes: str) -> Recording:
    """Return frames [start, end) of the recording, with `changes` to its other fields."""
    first, times = recording.first_frame + start, recording.timestamps
    moved = {"first_frame": first, "timestamps": None if times is None else np.asarray(times)[start:end]}
    last = recording.first_frame + end - 1
    kept = recording.keypoints[start:end]
    return recording.after("trim", kept, changes=moved | changes, method=method, first=first, last=last)


def motion_signal(recording: Recording) -> np.ndarray:
    """Return (frames,) the speed of the body about its hip in torso lengths a second; see "motion" in `find_moves`.

    Measured over about 0.1 s. 0 where nothing is seen for longer than the bridged gaps of 0.25 s. Errors as in `find_moves`.
    """
    rate, xy = frame_rate(recording), _body(recording)
    middle = (xy + xy[:, BODY_25.mirror_order]) / 2  # NaN where one side is unseen
    hip = BODY_25.index("MidHip")
    relative = middle - middle[:, [hip]]
    relative[:, hip, 1] = middle[:, hip, 1]
    half, reach, frames = max(1, round(rate / 30)), max(1, round(rate / 20)), np.arange(len(xy))
    bridged = pd.DataFrame(_bridge(relative.reshape(len(xy), -1), half, round(rate / 4)))
    smoothed = bridged.rolling(2 * half + 1, center=True, min_periods=1).mean().to_numpy()
    smoothed = smoothed.reshape(relative.shape)
    before, after = np.maximum(frames - reach, 0), np.minimum(frames + reach, len(xy) - 1)
    speed = np.linalg.norm(smoothed[after] - smoothed[before], axis=-1)
    speed *= rate / np.maximum(after - before, 1)[:, None]
    return np.sqrt(pd.DataFrame(speed**2).mean(axis=1).fillna(0.0).to_numpy())


def _find_markers(recording: Recording, rate: float) -> list[FrameRange]:
    """Return the moves between the published markers; see "markers" in `find_moves`."""
    height = _heights(recording, rate)
    feet = height[["RAnkle", "LAnkle"]].mean(axis=1)
    inverted = (feet > 0) | ((feet > INVERTED_FEET) & (height["Neck"] < INVERTED_NECK))
    higher_wrist = height[["RWrist", "LWrist"]].max(axis=1, skipna=False).to_numpy()
    upright = np.zeros(len(height), bool)
    for run in find_runs(height["Neck"].to_numpy() > UPRIGHT_NECK):
        upright[slice(*run)] = run[1] - run[0] >= MIN_UPRIGHT * rate
    soles = height[["RSole", "LSole"]].to_numpy()
    under_body = (soles.max(axis=1) - height["MidHip"].to_numpy()) < SOLES_BELOW_HIP
    ahead = max(1, round(SETTLING_TIME * rate))
    lowest = pd.DataFrame(soles[::-1]).rolling(ahead, min_periods=1).min().to_numpy()[::-1]
    landed = (soles <= lowest + SOLES_SETTLED).all(axis=1) & under_body
    moves: list[FrameRange] = []
    for first, last in _join(find_runs(inverted.to_numpy()), MAX_INVERTED_GAP * rate, 0.05 * rate):
        done = moves[-1][1] if moves else 0
        if last <= done:
            continue
        begin, latest = max(done, round(first - SEARCH_BEFORE * rate)), first - MIN_SWING * rate
        start = _arms_pass(higher_wrist, upright, begin, first, latest=latest, after_move=bool(moves))
        down = np.flatnonzero(landed[last : round(last + SEARCH_AFTER * rate) + 1])
        if start is not None and (down.size or last + SEARCH_AFTER * rate >= len(height)):
            moves.append((start, int(last + down[0] + 1) if down.size else len(height)))
    return moves


def _heights(recording: Recording, rate: float) -> pd.DataFrame:
    """Return heights in torso lengths, up is positive, gaps bridged; a row for each frame.

    Columns: Neck, RAnkle and LAnkle over the hip; RWrist and LWrist over their shoulder, the lower of the heights in the
    picture and along the trunk; MidHip, RSole and LSole in the picture.
    """
    xy = _body(
        recording, ("Neck", "MidHip", "RWrist", "LWrist", "RShoulder", "LShoulder", "RAnkle", "LAnkle")
    )
    y = {name: xy[:, row, 1] for row, name in enumerate(BODY_25.joints)}  # down is positive
    neck, hip = torso_ends(xy)
    trunk = (neck - hip) / np.linalg.norm(neck - hip, axis=-1, keepdims=True).clip(1e-6)
    heights = {"Neck": y["MidHip"] - y["Neck"]}
    for side in "RL":
        shoulder, wrist = BODY_25.indices([f"{side}Shoulder", f"{side}Wrist"])
        along_trunk = ((xy[:, wrist] - xy[:, shoulder]) * trunk).sum(axis=-1)
        heights[f"{side}Wrist"] = np.minimum(along_trunk, y[f"{side}Shoulder"] - y[f"{side}Wrist"])
        heights[f"{side}Ankle"] = y["MidHip"] - y[f"{side}Ankle"]
        heel, ankle = y[f"{side}Heel"], y[f"{side}Ankle"]
        lower = np.nan if np.isnan(heel - ankle).all() else np.nanmedian(heel - ankle)
        heights[f"{side}Sole"] = -np.where(np.isnan(heel), ankle + np.nan_to_num(lower), heel)
    heights["MidHip"] = -y["MidHip"]
    columns = np.stack([*heights.values()], axis=-1)
    return pd.DataFrame(_bridge(columns, max(1, round(rate / 30)), len(xy)), columns=list(heights))


def _arms_pass(
    wrist: np.ndarray, upright: np.ndarray, begin: int, inverted: int, *, latest: float, after_move: bool
) -> int | None:
    """Return the frame in which both wrists pass the shoulder line for the last time before `inverted`, or None.

    `wrist` is the height of the higher wrist over its shoulder. `begin` is the first frame of the search and `latest` the last
    possible one: later, the arms come back up from the backswing. `after_move`: another move ends at or before `begin`.
    """
    state = np.where(wrist >= WRISTS_UP, 1.0, np.where(wrist < WRISTS_DOWN, -1.0, np.nan))
    state = pd.Series(np.where(upright, state, np.nan)[begin:inverted]).ffill().to_numpy()
    starts = []
    for low in begin + 1 + np.flatnonzero((state[:-1] > 0) & (state[1:] < 0)):
        start = begin + np.flatnonzero(wrist[begin:low] >= 0)[-1] + 1
        if start <= latest:
            starts.append(int(start))
    if starts:
        return starts[-1]
    return int(begin) if (begin == 0 or after_move) and (state < 0).any() else None


def _body(recording: Recording, needs: tuple[str, ...] = ("Neck", "MidHip")) -> np.ndarray:
    """Return (frames, 25, 2) torso lengths in the order of BODY_25; UnseenError where one of `needs` is never seen."""
    xy = as_body_25(recording.xy.astype(np.float64), recording.skeleton)
    never = [name for name in needs if np.isnan(xy[:, BODY_25.index(name), 0]).all()]
    if never:
        raise UnseenError(
            f"{recording.name}: {', '.join(never)} never seen (or not in {recording.skeleton.name}), so no move can be found."
        )
    return xy / require_torso_length(recording.name, *torso_ends(xy))


def _bridge(columns: np.ndarray, half: int, gap: int) -> np.ndarray:
    """Return the running median over 2 `half` + 1 frames, gaps of up to `gap` frames bridged by straight lines."""
    frame = pd.DataFrame(columns)
    median = frame.rolling(2 * half + 1, center=True, min_periods=1).median()
    return median.interpolate(limit=max(gap, 1), limit_direction="both").to_numpy(copy=True)


def _join(runs: list[FrameRange], gap: float, shortest: float) -> list[FrameRange]:
    """Join runs at most `gap` frames apart, then drop those of fewer than `shortest` frames."""
    joined: list[FrameRange] = []
    for start, end in runs:
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return [run for run in joined if run[1] - run[0] >= shortest]
