"""Kinematics of one move, and a table of many."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from gymskel.kinematics.filtering import bridge_gaps, fit_parabolas, median_filter
from gymskel.kinematics.flights import find_flights
from gymskel.kinematics.segments import mass_center, metres_per_unit, torso_length, xy_in_body_25
from gymskel.kinematics.trunk import trunk_angle
from gymskel.recording import Recording, UnseenError
from gymskel.recording.times import frame_rate, times_from_start
from gymskel.skeleton import BODY_25

GRAVITY = 9.81  # metres per second squared


@dataclass(frozen=True)
class Kinematics:
    """Measured numbers of one move. NaN = cannot be known from this recording.

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


def measure_kinematics(
    recording: Recording, *, height: float | None = None, point: str = "mass"
) -> Kinematics:
    """Measure flight time, jump height, take-off, rotation and travel of one move.

    - Flight: it begins when all joints of the feet (toes, heels, else ankles) are more than 0.12 torso lengths above their
      height in the first 0.2 s. It ends when one is as near to its height in the last 0.05 s. Both times are extrapolated
      to the floor along the speed of the foot. The recording must therefore begin and end with the feet on the floor: see `preprocess.trim`. While the
      wrists are near the floor and still, the hands support. Of several jumps, the one with the highest feet counts.
    - Jump height from time: h = g t^2 / 8 (Bosco, Luhtanen and Komi 1983), valid if the body lands as it left. A crouched
      landing makes it longer, a landing on straight legs shorter: compare with the rise, which depends on the scale.
    - Take-off: in the air the point moves on x = a + b t, y = c + d t + f t^2 / 2, fitted by least squares to the longest
      flight; speed and angle are those of (b, d) at take-off, and f is `fall`. Its true value is g, so 9.81 / fall is the
      error of the scale (or, in torso lengths, the length of the torso in metres).
    - Rotation: see `trunk_angle`. Wrong poses that it finds count for no speed and no centre of mass.
    - Speeds and accelerations: slope and curvature of a local parabola (Savitzky and Golay 1964).

    Args:
        recording: one move, in pixels or any other unit, y down, fps or timestamps known. Unseen joints are bridged for
            at most 0.1 s; filled-in ones are used as they are.
        height: of the athlete, in metres; gives metres by the length of trunk, thigh and shin (75th percentile
            over the frames, because a limb is more often seen shortened than not).
        point: "mass" = the centre of mass of the segments; "hip" = MidHip, which leaves the parabola when
            the body folds.

    Raises:
        ValueError: neither fps nor timestamps, `height` not above 0, or an unknown `point`.
        UnseenError: Neck and MidHip are never seen together.

    >>> from gymskel.simulate import simulate_recording
    >>> move = measure_kinematics(simulate_recording("backflip", noise=0, lost=0), height=1.6)
    >>> move.flights, 0.55 < move.flight_time < 0.75, 350 < move.turn < 370, move.unit
    (1.0, True, True, 'm')
    """
    if point not in ("mass", "hip"):
        raise ValueError(f"`point` must be 'mass' or 'hip', got {point!r}.")
    if height is not None and not 0 < height < np.inf:
        raise ValueError(f"`height` must be metres above 0, got {height}.")
    rate, times = frame_rate(recording), times_from_start(recording)
    torso = torso_length(recording)
    scale = 1 / torso if height is None else metres_per_unit(recording, height)
    raw, gap = xy_in_body_25(recording) * [1, -1], round(0.1 * rate)  # y up from here on
    xy = bridge_gaps(raw, gap)
    hip = xy[:, BODY_25.index("MidHip")]
    angle = trunk_angle(recording)
    seen = np.flatnonzero(~np.isnan(angle))
    wrong = np.isnan(angle) & ~np.isnan(raw[:, BODY_25.indices(["Neck", "MidHip"]), 0]).any(axis=1)
    mass = bridge_gaps(np.where(wrong[:, None], np.nan, mass_center(xy) if point == "mass" else hip), gap)
    takeoff, landing, flights = find_flights(xy / torso, times)
    seconds = [end - start for start, end in flights or ()]
    longest = flights[int(np.argmax(seconds))] if flights else (np.nan, np.nan)
    turn = angle[seen[-1]] - angle[seen[0]]
    angle = angle * (np.sign(turn) or 1)
    turned = np.diff(np.interp([takeoff, landing], times[seen], angle[seen]))[0]
    trunk = fit_parabolas(times, median_filter(bridge_gaps(angle[:, None], gap), rate), 0.15)[0]
    push = fit_parabolas(times, median_filter(mass * scale, rate), 0.15)[1]
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
        **ballistics(times, mass * scale, *longest),
        turn=float(abs(turn)),
        rotation_mean=float(turned / (landing - takeoff)),
        rotation_peak=float(pd.Series(trunk[:, 0]).max()),
        hip_travel=float(abs(there[-1, 0] - there[0, 0])),
        hip_rise=float(there[:, 1].max() - there[0, 1]),
        peak_acceleration=float(pd.Series(np.linalg.norm(push, axis=-1)).max()),
    )


def kinematics_table(
    recordings: Iterable[Recording], *, heights: Mapping[str, float] | None = None, point: str = "mass"
) -> pd.DataFrame:
    """Return a row for each recording: its activity, sample and athlete, then the fields of `Kinematics`.

    The numbers are NaN, with a warning, if Neck and MidHip are never seen together.

    Args:
        recordings: one move each.
        heights: athlete -> metres; the unit of other athletes is the torso length, see the column `unit`.
        point: as in `measure_kinematics`.

    Raises:
        ValueError: as in `measure_kinematics`; the message names the recording.

    >>> from gymskel.simulate import simulate_recordings
    >>> table = kinematics_table(simulate_recordings(athletes=2, per_athlete=1), heights={"a01": 1.6})
    >>> table["unit"].tolist()
    ['m', 'torso', 'm', 'torso']
    """
    rows = []
    for recording in recordings:
        height = (heights or {}).get(recording.athlete or "")
        try:
            numbers = asdict(measure_kinematics(recording, height=height, point=point))
        except UnseenError as error:
            warnings.warn(f"{error} Its numbers are NaN.", stacklevel=2)
            numbers = {"name": recording.name}
        names = {key: getattr(recording, key) for key in ("activity", "sample", "athlete")}
        rows.append({**names, **numbers})
    columns = [field.name for field in fields(Kinematics)]
    return pd.DataFrame(rows, columns=[columns[0], "activity", "sample", "athlete", *columns[1:]])


def ballistics(times: np.ndarray, mass: np.ndarray, start: float, end: float) -> dict[str, float]:
    """Return jump height, take-off speed and angle, and fall of the parabola through `mass` from `start` to `end`.

    `mass` is (frames, 2), y up. All are NaN if too few frames are known, or the parabola opens upwards.
    """
    names = ("jump_height_rise", "takeoff_speed", "takeoff_angle", "fall")
    inside = (times > start) & (times < end) & ~np.isnan(mass[:, 0])
    t = times[inside] - start
    unknown = dict.fromkeys(names, np.nan)
    if inside.sum() < 5 or not np.ptp(t) > max(0.12, 0.6 * (end - start)):
        return unknown
    ahead = np.polynomial.Polynomial.fit(t, mass[inside, 0], 1).deriv()(0.0)
    path = np.polynomial.Polynomial.fit(t, mass[inside, 1], 2)
    up, fall = path.deriv()(0.0), -path.deriv(2)(0.0)
    if not fall > 0:  # upwards: the poses are wrong
        return unknown
    rise = max(up, 0.0) ** 2 / (2 * fall)
    values = (rise, np.hypot(ahead, up), np.degrees(np.arctan2(up, abs(ahead))), fall)
    return dict(zip(names, map(float, values), strict=True))
