"""Which of the people in a video is meant: the athlete, the largest, a number, a place in the picture."""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import MID_HIP, torso_ends
from gymskel.skeleton import BODY_25
from gymskel.tracking.geometry import centers, median, torsos
from gymskel.tracking.track import USUAL_FPS, Track

_BODY = BODY_25.indices(  # without face and feet, which would count a walker's ankles five times
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle".split()
)
_SOMERSAULT = 2.0  # torso lengths a second that being upside down is worth

BRIEF = 0.2
"""Seconds: whoever was found in fewer frames than that is hardly anybody."""


def own_movement(track: Track | Array, fps: float | None) -> float:
    """How much a body moves in itself: torso lengths a second at which joints move about the middle of the hips.

    It is the median of the liveliest half second, so that neither a long walk adds up to a somersault nor a
    few wrong frames do; what trembles as an estimator does is taken off.

    >>> still = np.ones((60, 25, 3)) * np.arange(25)[:, None]
    >>> own_movement(still, fps=30)
    0.0

    Args:
        track: a track, or (frames, 25, 3) keypoints; unseen = NaN.
        fps: frames a second; None = 30.
    """
    keypoints = _filled(track) if isinstance(track, Track) else np.asarray(track)
    fps, xy = fps or USUAL_FPS, keypoints[..., :2].astype(float)
    lag, half, width = (max(1, round(seconds * fps)) for seconds in (0.1, 0.03, 0.5))
    if len(xy) <= lag:
        return 0.0
    edge = np.full((half, *xy.shape[1:]), np.nan)
    padded = np.concatenate([edge, xy, edge])
    smooth = median(np.stack([padded[n : n + len(xy)] for n in range(2 * half + 1)]), axis=0)
    moves = smooth[lag:] - smooth[:-lag]
    body = np.where(np.isnan(moves[:, MID_HIP]), median(moves, axis=1), moves[:, MID_HIP])
    square = ((moves - body[:, None])[:, _BODY] ** 2).sum(axis=-1)
    # noise of variance v shows as 6 v in second differences; of v a median over n frames keeps pi / 2n
    noise = (median(abs(np.diff(xy[:, _BODY], n=2, axis=0)), axis=0) / 0.6745) ** 2 / 6
    square -= np.nan_to_num(noise.sum(axis=-1)) * 2 * (np.pi / 2) / (2 * half + 1)
    size = median(torsos(xy)[np.isfinite(xy[..., 0]).any(axis=1)], axis=0)
    speeds = np.sqrt(np.maximum(square, 0)) / size * fps / lag
    speed = _middling(speeds)
    speed = np.concatenate([speed, np.zeros(max(0, width - len(speed)))])
    return float(np.median(np.lib.stride_tricks.sliding_window_view(speed, width), axis=1).max())


def _is_upside_down(track: Track, fps: float) -> bool:
    """Whether the neck is below the hips in most frames of some fifth of a second."""
    width = max(3, round(fps / 5))
    if len(track.frames) < width:
        return False
    neck, mid_hip = torso_ends(_filled(track)[..., :2])
    below = np.lib.stride_tricks.sliding_window_view(neck[:, 1] > mid_hip[:, 1], width)
    return bool((below.sum(axis=1) > width / 2).any())


def _middling(speeds: Array) -> Array:
    """(frames,) mean over the joints, without the two fastest; 0 where fewer than 7 are seen."""
    ordered = np.sort(speeds, axis=1)  # NaN last
    count = np.isfinite(speeds).sum(axis=1)
    kept = np.arange(speeds.shape[1]) < count[:, None] - 2
    return np.where(count >= 7, np.where(kept, ordered, 0).sum(axis=1) / np.maximum(count - 2, 1), 0)


def _filled(track: Track) -> Array:
    """(frames, 25, 3) from the first frame to the last; NaN where the person was not found."""
    keypoints = np.full((track.frames[-1] - track.frames[0] + 1, len(BODY_25), 3), np.nan, np.float32)
    keypoints[np.subtract(track.frames, track.frames[0])] = track.poses
    return keypoints


def select_tracks(
    tracks: list[Track],
    people: str | int | tuple[float, float],
    fps: float | None,
    image_size: tuple[int, int] | None,
) -> list[Track]:
    """The tracks wanted: one of them, or several for "all"; none where there are no tracks.

    Whoever was there for less than 0.2 s, or never moves (a poster), is taken only if nobody else is there.

    Args:
        tracks: as the `Tracker` made them.
        people: "athlete" (whose body moves most in itself, to which being upside down adds two torso lengths a
            second), "largest", "longest" (found in most frames), "all" (without those of under 0.2 s, if others are
            there), the number of a track, or a point x, y in pixels: whoever was nearest to it in the first half second
            of their own track.
        fps: frames a second; None = 30.
        image_size: (width, height) in pixels, or None; a point must lie in it.

    Raises:
        ValueError: another word; no track of that number; a point outside the picture.
    """
    fps, tracks = fps or USUAL_FPS, [track for track in tracks if track.frames]
    if isinstance(people, (int, np.integer)) and not isinstance(people, bool):
        wanted = [track for track in tracks if track.number == people]
        if not wanted:
            there = ", ".join(str(track.number) for track in tracks) or "nobody"
            raise ValueError(f"No person {people} in the video, only {there}.")
        return wanted
    if isinstance(people, str) and people == "all":
        return [track for track in tracks if not _is_brief(track, fps)] or tracks
    if isinstance(people, str) and people in _WORTH:
        worth = [_WORTH[people](track, fps) for track in tracks]
    else:
        point = _point(people, image_size)
        worth = [-_away(track, point, fps) for track in tracks]
    best = sorted(
        zip(worth, tracks, strict=True),
        key=lambda one: (_is_brief(one[1], fps), _is_still(one[1], fps), -one[0], one[1].number),
    )
    return [track for _, track in best[:1]]


_WORTH = {
    "athlete": lambda track, fps: own_movement(track, fps) + _SOMERSAULT * _is_upside_down(track, fps),
    "largest": lambda track, fps: float(np.median(torsos(np.array(track.poses, float)[..., :2]))),
    "longest": lambda track, fps: float(len(track.frames)),
}


def _point(people: object, image_size: tuple[int, int] | None) -> Array:
    words = ", ".join([*_WORTH, "all"])
    wanted = f"`people` must be {words}, the number of a person or a point (x, y) in pixels, got {people!r}."
    if not isinstance(people, (tuple, list)) or len(people) != 2:
        raise ValueError(wanted)
    try:
        point = np.array(people, float)
    except (TypeError, ValueError):
        raise ValueError(wanted) from None
    if not (
        np.isfinite(point).all() and (image_size is None or ((point >= 0) & (point <= image_size)).all())
    ):
        raise ValueError(f"The point {tuple(people)} lies outside the picture of {image_size} pixels.")
    return point


def _away(track: Track, point: Array, fps: float) -> float:
    """Pixels from the point to the nearest joint, in the middle of the track's first half second."""
    first = np.array(track.poses[: max(1, round(fps / 2))], float)[..., :2]
    return float(np.median(np.fmin.reduce(np.linalg.norm(first - point, axis=-1), axis=1)))


def _is_brief(track: Track, fps: float) -> bool:
    return len(track.frames) < BRIEF * fps


def _is_still(track: Track, fps: float) -> bool:
    """Whether nothing moves: neither the body in itself nor through the picture."""
    fifths = np.array_split(centers(np.array(track.poses, float)[..., :2]), 5)
    places = np.array([median(part, axis=0) for part in fifths if len(part)])
    return np.ptp(places, axis=0).max() / track.size < 0.3 and own_movement(track, fps) < 0.15
