"""Flights: times in which neither feet nor hands are on the floor."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gymskel.kinematics.filtering import fit_parabolas
from gymskel.kinematics.trunk import LONG_GAP
from gymskel.preprocess.missing import find_runs
from gymskel.skeleton import BODY_25

OFF_FLOOR = 0.12  # torso lengths: a foot this far above its standing height has left the floor
ON_HANDS = 0.5  # torso lengths above the floor, at most: height of the wrists while the hands stand on it
STILL_HANDS = 3.0  # torso lengths a second, at most: speed of the wrists while the hands stand on the floor
ARM_LENGTH = 1.6  # torso lengths: hands cannot reach the floor from shoulders that are higher

Flights = list[tuple[float, float]]


def find_flights(xy: np.ndarray, times: np.ndarray) -> tuple[float, float, Flights | None]:
    """Return take-off, landing and the flights between them, [(start, end), ...], all in seconds.

    Take-off and landing are NaN where they cannot be known. Flights that cannot be known are None; an empty list means
    that the feet never leave the floor. `xy` is (frames, 25, 2) torso lengths, y up; `times` (frames,) seconds.
    """
    soles = [f"{side}{joint}" for side in "RL" for joint in ("BigToe", "Heel")]
    seen = [joint for joint in soles if not np.isnan(xy[:, BODY_25.index(joint), 0]).all()]
    feet = xy[:, BODY_25.indices(seen or ["RAnkle", "LAnkle"]), 1]
    before = pd.DataFrame(feet[times <= times[0] + 0.2]).median().to_numpy()
    after = pd.DataFrame(feet[times >= times[-1] - 0.05]).min().to_numpy()
    up, down = lowest(feet - before), lowest(feet - after)
    height = np.minimum(up, down)
    if np.isnan(height).all():
        return np.nan, np.nan, None
    top = int(np.nanargmax(height))
    if height[top] <= OFF_FLOOR:  # never off the floor, or leaving or landing is unseen
        unseen = np.diff(times[~np.isnan(height)], append=times[-1]).max(initial=0)
        return np.nan, np.nan, [] if np.nanmax(up) <= OFF_FLOOR and unseen <= LONG_GAP else None
    takeoff = _floor_contact(times[: top + 1][::-1], up[: top + 1][::-1])
    landing = _floor_contact(times[top:], down[top:])
    if np.isnan(takeoff + landing):
        return takeoff, landing, None
    share = np.clip((times - takeoff) / (landing - takeoff), 0, 1)
    floor = (1 - share) * np.nanmin(before) + share * np.nanmin(after)
    return takeoff, landing, _split(_hands_down(xy, times, floor), times, takeoff, landing)


def _floor_contact(times: np.ndarray, height: np.ndarray) -> float:
    """Return the time of contact with the floor, from (frames,) times and heights that start at the highest position.

    The time at which the height falls to OFF_FLOOR, extrapolated to 0 at the speed of the 0.05 s before. NaN if the height
    never falls so low, or the fall is unseen.
    """
    known = ~np.isnan(height)
    times, height = times[known], height[known]
    low = int(np.argmax(height <= OFF_FLOOR))
    if height[low] > OFF_FLOOR or low == 0 or abs(times[low] - times[low - 1]) > LONG_GAP:
        return np.nan
    back = min(int(np.flatnonzero(abs(times - times[low]) <= 0.05 + 1e-9)[0]), low - 1)
    speed = (height[back] - height[low]) / (times[low] - times[back])
    crossing = times[low] - (OFF_FLOOR - height[low]) / speed
    return float(crossing + OFF_FLOOR / speed)


def _hands_down(xy: np.ndarray, times: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Return (frames,) 1.0 where the hands stand on the floor, 0.0 where not, NaN where unseen hands might."""
    wrists = [xy[:, BODY_25.index(name)] for name in ("RWrist", "LWrist")]
    speed = np.stack([np.linalg.norm(fit_parabolas(times, wrist, 0.08)[0], axis=-1) for wrist in wrists])
    low = np.stack(wrists)[..., 1] - floor <= ON_HANDS
    down = (low & (speed <= STILL_HANDS)).any(axis=0).astype(float)
    shoulders = xy[:, BODY_25.indices(["RShoulder", "LShoulder"]), 1]
    unknown = np.isnan(speed).all(axis=0) & ~(lowest(shoulders) - floor > ARM_LENGTH)
    return np.where(unknown, np.nan, down)


def _split(down: np.ndarray, times: np.ndarray, takeoff: float, landing: float) -> Flights | None:
    """Return the flights: the time between take-off and landing without the time on the hands.

    None where the hands are unseen for more than 0.1 s while they might be on the floor.
    """
    inside = (times > takeoff) & (times < landing)
    supports, unknown = (_spans(inside & flags, times) for flags in (down == 1, np.isnan(down)))
    if any(end - start > 0.1 for start, end in unknown):
        return None
    edges = [takeoff, *(t for span in supports if span[1] - span[0] > 0.05 for t in span), landing]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 0.03]


def _spans(flags: np.ndarray, times: np.ndarray) -> Flights:
    """Return (start, end) in seconds of each run of True, from half a frame before it to half a frame after it."""
    middles = np.interp(np.arange(len(times) + 1) - 0.5, np.arange(len(times)), times)
    return [(float(middles[start]), float(middles[end])) for start, end in find_runs(flags)]


def lowest(values: np.ndarray) -> np.ndarray:
    """Return (frames,) the height of the lowest joint in each frame; NaN where none is seen."""
    return pd.DataFrame(values).min(axis=1).to_numpy()
