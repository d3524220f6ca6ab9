"""What a coach measures: flight time, jump height, take-off, rotation, travel; in metres where the athlete's height is known.

Everything is measured in the plane of the picture: film from the side, at hip height, with the camera still. What comes
towards the camera or goes away from it grows or shrinks, and every length with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from gymskel.preprocess.moves import frame_rate
from gymskel.preprocess.timing import times_of
from gymskel.recording import Recording, UnseenError
from gymskel.skeleton import BODY_25

GRAVITY = 9.81  # metres per second squared

LENGTHS = {("Neck", "MidHip"): 0.288, ("Hip", "Knee"): 0.245, ("Knee", "Ankle"): 0.246}
"""Lengths as shares of the body height: Winter, Biomechanics and Motor Control (2009), fig. 4.1, after Drillis and
Contini (1966). The arms are left out: they are the joints most often lost and blurred."""

SEGMENTS = {
    ("Ear", "Ear"): (0.081, 0.0),
    ("Neck", "MidHip"): (0.497, 0.5),
    ("Shoulder", "Elbow"): (0.028, 0.436),
    ("Elbow", "Wrist"): (0.022, 0.682),
    ("Hip", "Knee"): (0.100, 0.433),
    ("Knee", "Ankle"): (0.0465, 0.433),
    ("Ankle", "BigToe"): (0.0145, 0.5),
}
"""Share of the body's mass, and where it lies between the two joints: Winter (2009), table 4.1, after Dempster (1955);
forearm and hand are one, and so are head and neck, at the ear. Masses of arms and legs are those of one side."""

OFF_FLOOR = 0.12  # torso lengths: a foot as much above where it stood has left the floor
WRONG, FASTEST = 60.0, 1500.0  # degrees, degrees a second: see `trunk_angle`
BLIND = 0.15  # seconds: longer gaps may hide half a turn, see `_carried`
ON_HANDS, HANDS_STILL = (
    0.5,
    3.0,
)  # torso lengths above the floor, and a second: wrists of one who stands on hands


@dataclass(frozen=True)
class Kinematics:
    """The numbers of one move. NaN = cannot be known from this recording.

    `unit` is "m" where the athlete's height was given and "torso" (median distance from neck to hip) where it was not.
    """

    name: str  # the recording
    unit: str  # of lengths
    scale: float  # units in one pixel
    takeoff: float  # seconds from the first frame: the last foot leaves the floor
    landing: float  # seconds from the first frame: the first foot is on the floor again
    flights: float  # times in the air: 2 in a back handspring, 0 = the feet never left the floor
    flight_time: float  # seconds in the air, without those on the hands; 0 = the feet never left the floor
    longest_flight: float  # seconds of the longest flight; the fields up to `fall` are about this one
    jump_height_time: float  # metres, always: g t^2 / 8
    jump_height_rise: float  # units: highest centre of mass over that at take-off
    takeoff_speed: float  # units a second
    takeoff_angle: float  # degrees above the horizontal
    fall: float  # units / s^2: downward acceleration in the air; 9.81 m/s^2 if the scale is right; poor below 0.3 s of flight
    turn: float  # degrees that the trunk turns from the first to the last frame, whichever way
    rotation_mean: float  # degrees a second from take-off to landing
    rotation_peak: float  # degrees a second, over 0.15 s, where the trunk is seen
    hip_travel: float  # units along the picture's x, from the first to the last frame
    hip_rise: float  # units: highest hip over the hip in the first frame
    peak_acceleration: float  # units / s^2 of the centre of mass, over 0.15 s


def kinematics(recording: Recording, *, height: float | None = None, point: str = "mass") -> Kinematics:
    """Flight time, jump height, take-off, rotation and travel of one move.

    - The feet are in the air while every part of them that the layout has (toes, heels, else ankles) is more than
      0.12 torso lengths above its place in the first 0.2 s, until one is as near to its place in the last 0.05 s;
      both moments are taken back to the floor along the foot's speed. So the recording begins and ends with the
      feet on the floor: see `preprocess.trim`. While the wrists are near the floor and still, the hands support.
      Where there are several jumps, that in which the feet get highest counts.
    - Jump height from time: h = g t^2 / 8 (Bosco, Luhtanen and Komi 1983), which holds if the body lands as it left. Who lands
      crouched flies longer, who lands on straight legs shorter: compare with the rise, which depends on the scale.
    - In the air the point moves on x = a + b t, y = c + d t + f t^2 / 2, fitted by least squares to the longest
      flight; speed and angle are those of (b, d) at take-off, and f is `fall`. As f must be g, 9.81 / fall
      says by how much the scale is wrong (or, in torso lengths, how many metres the torso has).
    - Trunk angle: see `trunk_angle`. Frames that it finds to be wrong poses count for no speed and no centre of mass.
    - Speeds and accelerations: slope and curvature of a parabola through the frames around (Savitzky and Golay 1964).

    Args:
        recording: in pixels or any other unit, y down, one move, fps or timestamps known. Unseen joints are bridged for
            0.1 s at most; filled-in ones are taken as they are.
        height: of the athlete, in metres; gives metres by the length of trunk, thigh and shin (75th percentile
            over the frames, as a limb is seen shortened more often than not).
        point: "mass" = the centre of mass of the segments; "hip" = MidHip, which bends away from the parabola when
            the body folds.

    Raises:
        ValueError: neither fps nor timestamps; `height` not above 0; unknown `point`.
        UnseenError: Neck and MidHip are never seen together.

    >>> from gymskel.simulate import simulate_recording
    >>> one = kinematics(simulate_recording("backflip", noise=0, lost=0), height=1.6)
    >>> one.flights, 0.55 < one.flight_time < 0.75, 350 < one.turn < 370, one.unit
    (1.0, True, True, 'm')
    """
    if point not in ("mass", "hip"):
        raise ValueError(f"`point` must be 'mass' or 'hip', got {point!r}.")
    if height is not None and not 0 < height < np.inf:
        raise ValueError(f"`height` must be metres above 0, got {height}.")
    rate, times = frame_rate(recording), times_of(recording)
    torso = torso_length(recording)
    scale = 1 / torso if height is None else metres_per_unit(recording, height)
    raw, gap = _in_body_25(recording) * [1, -1], round(0.1 * rate)  # y up from here on
    xy = _bridge(raw, gap)
    hip = xy[:, BODY_25.index("MidHip")]
    angle = trunk_angle(recording)
    seen = np.flatnonzero(~np.isnan(angle))
    wrong = np.isnan(angle) & ~np.isnan(raw[:, BODY_25.indices(["Neck", "MidHip"]), 0]).any(axis=1)
    mass = _bridge(np.where(wrong[:, None], np.nan, _mass(xy) if point == "mass" else hip), gap)
    takeoff, landing, flights = _find_flights(xy / torso, times)
    seconds = [end - start for start, end in flights or ()]
    longest = flights[int(np.argmax(seconds))] if flights else (np.nan, np.nan)
    turn = angle[seen[-1]] - angle[seen[0]]
    angle = angle * (np.sign(turn) or 1)
    turned = np.diff(np.interp([takeoff, landing], times[seen], angle[seen]))[0]
    trunk = _fit_around(times, _steady(_bridge(angle[:, None], gap), rate), 0.15)[0]
    push = _fit_around(times, _steady(mass * scale, rate), 0.15)[1]
    there = hip[~np.isnan(hip[:, 0])] * scale
    return Kinematics(
        name=recording.name,
        unit="torso" if height is None else "m",
        scale=float(scale),
        takeoff=takeoff,
        landing=landing,
        flights=np.nan if flights is None else float(len(flights)),
        flight_time=np.nan if flights is None else float(sum(seconds)),
        longest_flight=float(longest[1] - longest[0]),
        jump_height_time=float(GRAVITY * (longest[1] - longest[0]) ** 2 / 8),
        **_ballistics(times, mass * scale, *longest),
        turn=float(abs(turn)),
        rotation_mean=float(turned / (landing - takeoff)),
        rotation_peak=_largest(trunk[:, 0]),
        hip_travel=float(abs(there[-1, 0] - there[0, 0])),
        hip_rise=float(there[:, 1].max() - there[0, 1]),
        peak_acceleration=_largest(np.linalg.norm(push, axis=-1)),
    )


def kinematics_table(
    recordings: Iterable[Recording],
    *,
    heights: Mapping[str, float] | None = None,
    point: str = "mass",
) -> pd.DataFrame:
    """A row for each recording: its activity, sample and athlete, then the fields of `Kinematics`.

    Args:
        recordings: one move each.
        heights: athlete -> metres; who is not in it is told in torso lengths, so look at the column `unit`.
        point: as in `kinematics`.

    Raises:
        ValueError: as in `kinematics`; the message names the recording.

    >>> from gymskel.simulate import simulate_recordings
    >>> table = kinematics_table(simulate_recordings(athletes=2, per_athlete=1), heights={"a01": 1.6})
    >>> table["unit"].tolist()
    ['m', 'torso', 'm', 'torso']
    """
    rows = []
    for one in recordings:
        numbers = asdict(kinematics(one, height=(heights or {}).get(one.athlete), point=point))
        rows.append({"name": numbers.pop("name"), **_who(one), **numbers})
    columns = [field.name for field in fields(Kinematics)]
    return pd.DataFrame(rows, columns=[columns[0], "activity", "sample", "athlete", *columns[1:]])


def _who(recording: Recording) -> dict[str, str | None]:
    return {"activity": recording.activity, "sample": recording.sample, "athlete": recording.athlete}


def torso_length(recording: Recording) -> float:
    """Median distance from Neck to MidHip, in the recording's unit.

    Raises:
        UnseenError: the two are never seen together.
    """
    xy = _in_body_25(recording)
    lengths = np.linalg.norm(np.diff(xy[:, BODY_25.indices(["Neck", "MidHip"])], axis=1)[:, 0], axis=-1)
    length = float(np.median(lengths[~np.isnan(lengths)])) if not np.isnan(lengths).all() else 0.0
    if not length > 0:
        raise UnseenError(
            f"{recording.name}: Neck and MidHip are never seen together, so the torso has no length."
        )
    return length


def metres_per_unit(recording: Recording, height: float) -> float:
    """Metres in one unit (pixel) of the recording; NaN where trunk, thigh or shin are never seen.

    What trunk, thigh and shin together should measure (LENGTHS x `height`), over what they do: the 75th percentile of
    each over the frames, right and left averaged.

    >>> from gymskel.simulate import simulate_recording
    >>> 0.002 < metres_per_unit(simulate_recording("backflip"), 1.6) < 0.006
    True
    """
    xy, total = _in_body_25(recording), 0.0
    for ends in LENGTHS:
        sides = []
        for a, b in _on_each_side(ends):
            length = np.linalg.norm(xy[:, a] - xy[:, b], axis=-1)
            if not np.isnan(length).all():
                sides.append(np.nanpercentile(length, 75))
        total += np.mean(sides) if sides else np.nan
    return float(sum(LENGTHS.values()) * height / total) if total else np.nan


def center_of_mass(recording: Recording) -> np.ndarray:
    """(frames, 2) the centre of mass in the recording's unit, from the masses of the segments (SEGMENTS).

    A limb that is seen on one side only counts for both; a head or foot that is not seen counts at the neck or ankle.
    NaN where trunk, an upper arm, a thigh or a shin is seen on neither side.

    >>> one = Recording(np.ones((1, 25, 3)))
    >>> center_of_mass(one).round(6).tolist()
    [[1.0, 1.0]]
    """
    return _mass(_in_body_25(recording))


def _mass(xy: np.ndarray) -> np.ndarray:
    """(frames, 2) from (frames, 25, 2)."""
    total, mass = np.zeros((len(xy), 2)), 0.0
    for ends, (share, along) in SEGMENTS.items():
        places = np.stack([xy[:, a] + along * (xy[:, b] - xy[:, a]) for a, b in _on_each_side(ends)])
        if ends[-1] in ("Ear", "Wrist", "BigToe"):  # at the end of a chain: better there than unknown
            inner = {"Ear": "Neck", "Wrist": "Elbow", "BigToe": "Ankle"}[ends[-1]]
            near = np.stack([xy[:, a] for a, _ in _on_each_side((inner, inner))])
            places = np.where(np.isnan(places).all(axis=0), np.broadcast_to(near, places.shape), places)
        both = np.where(np.isnan(places), places[::-1], places).mean(axis=0)
        weight = share if ends in (("Ear", "Ear"), ("Neck", "MidHip")) else 2 * share
        total, mass = total + weight * both, mass + weight
    return total / mass


def trunk_angle(recording: Recording) -> np.ndarray:
    """(frames,) degrees of the trunk from upright, clockwise on screen, followed through every turn; NaN = unknown.

    Estimators turn a body round for a few frames, so neighbours are not simply joined: of all ways through
    the frames that which is best in all is taken (Viterbi 1967), where a frame costs its distance from the trunk seen
    there, 60 degrees at most, and turning costs the square of its speed, 1500 degrees a second as much as a frame that is
    60 degrees off. Chosen on the published recordings of s01-s06. Frames 60 degrees and more off the best way are wrong
    poses: NaN. Through more than 0.15 s without a pose the trunk goes on turning as it did before and after.

    >>> one = Recording(np.zeros((3, 25, 3)), fps=10)
    >>> one.keypoints[:, 1, :2] = [[0, -9], [9, 0], [0, 9]]
    >>> trunk_angle(one).tolist()
    [0.0, 90.0, 180.0]
    """
    xy, times = _in_body_25(recording), times_of(recording)
    x, y = (xy[:, BODY_25.index("Neck")] - xy[:, BODY_25.index("MidHip")]).T
    raw = np.where((x == 0) & (y == 0), np.nan, np.degrees(np.arctan2(x, -y)))
    bins = np.arange(0, 360, 5.0)
    off = np.nan_to_num(abs((raw[:, None] - bins + 180) % 360 - 180).clip(max=WRONG) / WRONG)
    turned = (bins - bins[:, None] + 180) % 360 - 180  # from row to column, the short way
    waits = np.diff(times, prepend=times[0])
    cost, came = off[0], np.zeros(off.shape, int)
    for t in range(1, len(off)):
        through = cost[:, None] + (turned / waits[t] / FASTEST) ** 2 * waits[t]
        came[t] = through.argmin(axis=0)
        cost = through.min(axis=0) + off[t] * waits[t]
    way = np.empty(len(off), int)
    way[-1] = cost.argmin()
    for t in range(len(off) - 1, 0, -1):
        way[t - 1] = came[t, way[t]]
    path = np.cumsum(np.concatenate([[bins[way[0]]], turned[way[:-1], way[1:]]]))
    path -= 360 * np.round(path[0] / 360)
    miss = (raw - path + 180) % 360 - 180
    return _carried(np.where(abs(miss) < WRONG, path + miss, np.nan), times)


def _carried(angle: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Angles with full turns put into long gaps: unseen for half a turn, a body is not taken to have swung back.

    Through a gap of more than `BLIND` seconds that number of turns is taken which comes nearest to the mean of the
    speeds in the 0.15 s before and after it.
    """
    seen = np.flatnonzero(~np.isnan(angle))
    angle = angle.copy()
    for last, first in (seen[k : k + 2] for k in np.flatnonzero(np.diff(times[seen]) > BLIND)):
        before = seen[(seen <= last) & (times[seen] >= times[last] - 0.15)]
        after = seen[(seen >= first) & (times[seen] <= times[first] + 0.15)]
        speeds = [np.polyfit(times[rows], angle[rows], 1)[0] for rows in (before, after) if len(rows) > 1]
        if speeds and first - last > 1:
            goes_on = np.mean(speeds) * (times[first] - times[last])
            angle[first:] += 360 * np.round((goes_on - (angle[first] - angle[last])) / 360)
    return angle


Flights = list[tuple[float, float]]


def _find_flights(xy: np.ndarray, times: np.ndarray) -> tuple[float, float, Flights | None]:
    """When the feet leave the floor, when they are back, and the flights between, in seconds.

    Args:
        xy: (frames, 25, 2) torso lengths, y up.
        times: (frames,) seconds.

    Returns:
        NaN where it cannot be known; the flights are then None. No flight is an empty list.
    """
    feet = xy[:, BODY_25.indices(_feet(xy)), 1]
    before = pd.DataFrame(feet[times <= times[0] + 0.2]).median().to_numpy()
    after = pd.DataFrame(feet[times >= times[-1] - 0.05]).min().to_numpy()
    up, down = _lowest(feet - before), _lowest(feet - after)
    height = np.minimum(up, down)
    if np.isnan(height).all():
        return np.nan, np.nan, None
    top = int(np.nanargmax(height))
    if height[top] <= OFF_FLOOR:  # never off, or not seen to go up or to come down
        unseen = np.diff(times[~np.isnan(height)], append=times[-1]).max(initial=0)
        return np.nan, np.nan, [] if np.nanmax(up) <= OFF_FLOOR and unseen <= BLIND else None
    takeoff = _leave(times[: top + 1][::-1], up[: top + 1][::-1])
    landing = _leave(times[top:], down[top:])
    if np.isnan(takeoff + landing):
        return takeoff, landing, None
    share = np.clip((times - takeoff) / (landing - takeoff), 0, 1)
    floor = (1 - share) * np.nanmin(before) + share * np.nanmin(after)
    return takeoff, landing, _split(_hands_down(xy, times, floor), times, takeoff, landing)


def _feet(xy: np.ndarray) -> list[str]:
    """The joints that touch the floor: toes and heels; ankles where neither is ever seen."""
    soles = [f"{side}{joint}" for side in "RL" for joint in ("BigToe", "Heel")]
    seen = [joint for joint in soles if not np.isnan(xy[:, BODY_25.index(joint), 0]).all()]
    return seen or ["RAnkle", "LAnkle"]


def _leave(times: np.ndarray, height: np.ndarray) -> float:
    """Seconds at which the feet touch the floor, from (frames,) times and heights from the highest place outwards.

    Where the height falls to OFF_FLOOR, taken on to 0 at the speed of the 0.05 s before; NaN if it never does, or not seen.
    """
    known = ~np.isnan(height)
    times, height = times[known], height[known]
    low = int(np.argmax(height <= OFF_FLOOR))
    if height[low] > OFF_FLOOR or low == 0 or abs(times[low] - times[low - 1]) > BLIND:
        return np.nan
    back = max(0, int(np.flatnonzero(abs(times - times[low]) <= 0.05 + 1e-9)[0]))
    back = min(back, low - 1)
    speed = (height[back] - height[low]) / (times[low] - times[back])
    crossing = times[low] - (OFF_FLOOR - height[low]) / speed
    return float(crossing + OFF_FLOOR / speed)


def _hands_down(xy: np.ndarray, times: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """(frames,) 1.0 where the hands stand on the floor, 0.0 where not, NaN where they might, unseen."""
    wrists, shoulders = (
        xy[:, BODY_25.indices([f"R{joint}", f"L{joint}"])] for joint in ("Wrist", "Shoulder")
    )
    speed = np.stack(
        [np.linalg.norm(_fit_around(times, w, 0.08)[0], axis=-1) for w in np.moveaxis(wrists, 1, 0)]
    )
    low = wrists[..., 1].T - floor <= ON_HANDS
    down = (low & (speed <= HANDS_STILL)).any(axis=0).astype(float)
    unknown = np.isnan(speed).all(axis=0) & ~(_lowest(shoulders[..., 1]) - floor > 1.6)  # longer than an arm
    return np.where(unknown, np.nan, down)


def _split(down: np.ndarray, times: np.ndarray, takeoff: float, landing: float) -> Flights | None:
    """The flights between take-off and landing: what is left of it without the time on the hands.

    None where the hands are unseen for more than 0.1 s while they might be on the floor.
    """
    inside = (times > takeoff) & (times < landing)
    supports, unknown = (_spans(inside & flags, times) for flags in (down == 1, np.isnan(down)))
    if any(end - start > 0.1 for start, end in unknown):
        return None
    edges = [takeoff, *(t for span in supports if span[1] - span[0] > 0.05 for t in span), landing]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 0.03]


def _spans(flags: np.ndarray, times: np.ndarray) -> Flights:
    """[(begin, end), ...] in seconds of each run of True, from half a frame before it to half a frame after."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    middles = np.interp(np.arange(len(times) + 1) - 0.5, np.arange(len(times)), times)
    return [(float(middles[a]), float(middles[b])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _ballistics(times: np.ndarray, mass: np.ndarray, start: float, end: float) -> dict[str, float]:
    """Take-off speed and angle, rise, fall of the parabola that fits (frames, 2) `mass`, y up, from `start` to `end`."""
    names = ("jump_height_rise", "takeoff_speed", "takeoff_angle", "fall")
    inside = (times > start) & (times < end) & ~np.isnan(mass[:, 0])
    t = times[inside] - start
    unknown = dict.fromkeys(names, np.nan)
    if inside.sum() < 5 or not np.ptp(t) > max(0.12, 0.6 * (end - start)):
        return unknown
    ahead = np.polynomial.Polynomial.fit(t, mass[inside, 0], 1).deriv()(0.0)
    path = np.polynomial.Polynomial.fit(t, mass[inside, 1], 2)
    up, fall = path.deriv()(0.0), -path.deriv(2)(0.0)
    if not fall > 0:  # nobody falls upwards: the poses are wrong
        return unknown
    rise = max(up, 0.0) ** 2 / (2 * fall)
    values = (rise, np.hypot(ahead, up), np.degrees(np.arctan2(up, abs(ahead))), fall)
    return dict(zip(names, map(float, values), strict=True))


def _fit_around(times: np.ndarray, values: np.ndarray, span: float) -> tuple[np.ndarray, np.ndarray]:
    """Slope and curvature, each like (frames, columns) `values`, of the parabola through the frames around.

    Least squares over `span` seconds (Savitzky and Golay 1964), three frames at least; NaN where fewer of them are known.
    """
    slope, curve = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    known = ~np.isnan(values).any(axis=1)
    step = np.median(np.diff(times)) if len(times) > 1 else 0.0
    for t in np.flatnonzero(known):
        near = known & (abs(times - times[t]) <= max(span / 2, step) * (1 + 1e-9))
        if near.sum() >= 3:
            _, slope[t], half = np.polynomial.polynomial.polyfit(times[near] - times[t], values[near], 2)
            curve[t] = 2 * half
    return slope, curve


def _steady(values: np.ndarray, rate: float) -> np.ndarray:
    """Each column's running median over 0.08 s, so that a single wrong pose makes no peak.

    At both ends of the recording values stay as they are; next to unseen frames, where poses are worst, they are NaN.
    """
    columns = pd.DataFrame(values)
    window = {"window": 2 * round(rate / 30) + 1, "center": True}
    median = columns.rolling(**window).median().fillna(columns)
    return median.where(columns.notna().rolling(**window, min_periods=1).min() == 1).to_numpy()


def _in_body_25(recording: Recording) -> np.ndarray:
    """(frames, 25, 2) float64 in the recording's unit."""
    return recording.skeleton.convert(recording.keypoints.astype(np.float64), BODY_25)[..., :2]


def _bridge(xy: np.ndarray, gap: int) -> np.ndarray:
    """Gaps of at most `gap` frames bridged by straight lines; longer ones stay whole."""
    columns = pd.DataFrame(xy.reshape(len(xy), -1))
    seen, now = columns.notna().to_numpy(), np.arange(len(xy))[:, None]
    before = np.maximum.accumulate(np.where(seen, now, -len(xy) - gap))
    after = np.minimum.accumulate(np.where(seen, now, 2 * len(xy) + gap)[::-1])[::-1]
    bridged = columns.interpolate(limit_area="inside").where(seen | (after - before - 1 <= gap))
    return bridged.to_numpy().reshape(xy.shape)


def _on_each_side(ends: tuple[str, str]) -> list[tuple[int, int]]:
    """Rows of the two joints on the right and on the left; joints in the middle of the body are on both."""
    return [
        tuple(BODY_25.indices([end if end in BODY_25 else f"{side}{end}" for end in ends])) for side in "RL"
    ]


def _lowest(values: np.ndarray) -> np.ndarray:
    """(frames,) the lowest joint in each frame; NaN where none is seen."""
    return pd.DataFrame(values).min(axis=1).to_numpy()


def _largest(values: np.ndarray) -> float:
    """The largest value; NaN if there is none."""
    return float(np.max(values[~np.isnan(values)])) if not np.isnan(values).all() else np.nan
