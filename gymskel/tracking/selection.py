"""Selection of the wanted person among the tracks: the athlete, the largest, a number, a place in the picture."""

from __future__ import annotations

import numpy as np
from numpy import ndarray as Array

from gymskel.body_geometry import MID_HIP, torso_ends
from gymskel.skeleton import BODY_25
from gymskel.tracking.geometry import body_centers, estimate_torso_lengths, nan_median
from gymskel.tracking.params import DEFAULT_FPS, DEFAULT_PARAMS, TrackingParams
from gymskel.tracking.track import Track

_LIMB_JOINTS = BODY_25.indices(  # without face and feet, which would count a walker's ankles five times
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle".split()
)
_MAD_OF_NORMAL = 0.6745  # median absolute deviation of a normal distribution, in standard deviations
_SECOND_DIFFERENCE = 6  # variances of the noise in the variance of its second differences: 1 + 4 + 1


def limb_speed(track: Track | Array, fps: float | None, params: TrackingParams = DEFAULT_PARAMS) -> float:
    """Return the speed of the limbs relative to the middle of the hips, in torso lengths a second.

    It is the median over the fastest half second. So neither a long walk adds up to a somersault, nor do a few wrong
    frames. The usual tremble of an estimator is subtracted.

    >>> still = np.ones((60, 25, 3)) * np.arange(25)[:, None]
    >>> limb_speed(still, fps=30)
    0.0

    Args:
        track: a track, or (frames, 25, 3) keypoints; unseen = NaN.
        fps: frames a second; None = 30.
        params: the numbers that steer it.
    """
    keypoints = _to_keypoints(track) if isinstance(track, Track) else np.asarray(track)
    fps, xy = fps or DEFAULT_FPS, keypoints[..., :2].astype(float)
    lag, width = (max(1, round(seconds * fps)) for seconds in (params.speed_lag, params.speed_seconds))
    half = max(1, lag // 3)  # of the frames whose median is smoother than one
    if len(xy) <= lag:
        return 0.0
    edge = np.full((half, *xy.shape[1:]), np.nan)
    padded = np.concatenate([edge, xy, edge])
    smooth = nan_median(np.stack([padded[n : n + len(xy)] for n in range(2 * half + 1)]), axis=0)
    moves = smooth[lag:] - smooth[:-lag]
    body = np.where(np.isnan(moves[:, MID_HIP]), nan_median(moves, axis=1), moves[:, MID_HIP])
    square = ((moves - body[:, None])[:, _LIMB_JOINTS] ** 2).sum(axis=-1)
    # noise of variance v shows as 6 v in second differences; of v a median over n frames keeps pi / 2n
    noise = (nan_median(abs(np.diff(xy[:, _LIMB_JOINTS], n=2, axis=0)), axis=0) / _MAD_OF_NORMAL) ** 2
    noise /= _SECOND_DIFFERENCE
    square -= np.nan_to_num(noise.sum(axis=-1)) * 2 * (np.pi / 2) / (2 * half + 1)
    torso = nan_median(estimate_torso_lengths(xy)[np.isfinite(xy[..., 0]).any(axis=1)], axis=0)
    speeds = _trimmed_means(np.sqrt(np.maximum(square, 0)) / torso * fps / lag, params.speed_outliers)
    speeds = np.concatenate([speeds, np.zeros(max(0, width - len(speeds)))])
    return float(np.median(np.lib.stride_tricks.sliding_window_view(speeds, width), axis=1).max())


def _trimmed_means(speeds: Array, outliers: int) -> Array:
    """Return the mean (frames,) over the joints, without the fastest ones; 0 where fewer than half are seen."""
    ordered = np.sort(speeds, axis=1)  # NaN last
    count = np.isfinite(speeds).sum(axis=1)
    kept = np.arange(speeds.shape[1]) < count[:, None] - outliers
    total = np.where(kept, ordered, 0).sum(axis=1)
    return np.where(count >= speeds.shape[1] / 2, total / np.maximum(count - outliers, 1), 0)


def _turns_upside_down(track: Track, fps: float, params: TrackingParams) -> bool:
    """Return True if the neck is below the hips in most frames of some moment."""
    width = max(3, round(params.upside_down_seconds * fps))
    if len(track.frames) < width:
        return False
    neck, mid_hip = torso_ends(_to_keypoints(track)[..., :2])
    below = np.lib.stride_tricks.sliding_window_view(neck[:, 1] > mid_hip[:, 1], width)
    return bool((below.sum(axis=1) > width / 2).any())


def _to_keypoints(track: Track) -> Array:
    """Return (frames, 25, 3) from the first frame to the last; NaN where the person was not found."""
    keypoints = np.full((track.frames[-1] - track.frames[0] + 1, len(BODY_25), 3), np.nan, np.float32)
    keypoints[np.subtract(track.frames, track.frames[0])] = track.poses
    return keypoints


def select_tracks(
    tracks: list[Track],
    people: str | int | tuple[float, float],
    fps: float | None,
    image_size: tuple[int, int] | None,
    params: TrackingParams = DEFAULT_PARAMS,
) -> list[Track]:
    """Return the wanted tracks: one of them, or several for "all"; none where there are no tracks.

    A person who is there for less than 0.2 s, or never moves (a poster), is selected only if no other is there.

    Args:
        tracks: as `Tracker.finish` or `Follower.finish` returns them.
        people: "athlete" (the highest `limb_speed`; turning upside down adds two torso lengths a second), "largest",
            "longest" (found in most frames), "all" (without those of under 0.2 s, if others are there), the number of a
            track, or a point x, y in pixels: the person nearest to it in the first half second of their own track.
        fps: frames a second; None = 30.
        image_size: (width, height) in pixels, or None; a point must lie in it.
        params: the numbers that steer it.

    Raises:
        ValueError: another word; no track of that number; a point outside the picture.
    """
    fps, tracks = fps or DEFAULT_FPS, [track for track in tracks if track.frames]
    if isinstance(people, (int, np.integer)) and not isinstance(people, bool):
        wanted = [track for track in tracks if track.number == people]
        if not wanted:
            there = ", ".join(str(track.number) for track in tracks) or "nobody"
            raise ValueError(f"No person {people} in the video, only {there}.")
        return wanted
    if isinstance(people, str) and people == "all":
        return [track for track in tracks if not _is_brief(track, fps, params)] or tracks
    if isinstance(people, str) and people in _CRITERIA:
        scores = [_CRITERIA[people](track, fps, params) for track in tracks]
    else:
        point = _check_point(people, image_size)
        scores = [-_point_distance(track, point, fps) for track in tracks]
    ranked = sorted(
        zip(scores, tracks, strict=True),
        key=lambda pair: (
            _is_brief(pair[1], fps, params),
            _is_still(pair[1], fps, params),
            -pair[0],
            pair[1].number,
        ),
    )
    return [track for _, track in ranked[:1]]


_CRITERIA = {
    "athlete": lambda track, fps, params: (
        limb_speed(track, fps, params) + params.upside_down_bonus * _turns_upside_down(track, fps, params)
    ),
    "largest": lambda track, fps, params: float(
        np.median(estimate_torso_lengths(np.array(track.poses, float)[..., :2]))
    ),
    "longest": lambda track, fps, params: float(len(track.frames)),
}


def _check_point(people: object, image_size: tuple[int, int] | None) -> Array:
    """Return the point (2,) that `people` is; raise ValueError where it is none, or outside the picture."""
    words = ", ".join([*_CRITERIA, "all"])
    expected = f"`people` must be {words}, a person's number or a point (x, y) in pixels, got {people!r}."
    if not isinstance(people, (tuple, list)) or len(people) != 2:
        raise ValueError(expected)
    try:
        point = np.array(people, float)
    except (TypeError, ValueError):
        raise ValueError(expected) from None
    inside = image_size is None or ((point >= 0) & (point <= image_size)).all()
    if not np.isfinite(point).all() or not inside:
        raise ValueError(f"The point {tuple(people)} lies outside the picture of {image_size} pixels.")
    return point


def _point_distance(track: Track, point: Array, fps: float) -> float:
    """Return the median distance in pixels from the point to the nearest joint, in the track's first half second."""
    first = np.array(track.poses[: max(1, round(fps / 2))], float)[..., :2]
    return float(np.median(np.fmin.reduce(np.linalg.norm(first - point, axis=-1), axis=1)))


def _is_brief(track: Track, fps: float, params: TrackingParams) -> bool:
    return len(track.frames) < params.selected_seconds * fps


def _is_still(track: Track, fps: float, params: TrackingParams) -> bool:
    """Return True if nothing moves: neither the limbs nor the body through the picture."""
    moments = np.array_split(body_centers(np.array(track.poses, float)[..., :2]), params.still_moments)
    places = np.array([nan_median(moment, axis=0) for moment in moments if len(moment)])
    travel = np.ptp(places, axis=0).max() / track.torso
    return bool(travel < params.still_travel and limb_speed(track, fps, params) < params.still_speed)
