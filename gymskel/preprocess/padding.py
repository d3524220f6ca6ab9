"""Recordings -> Clips: one length for all, zeros behind the mask, stand-ins for unseen joints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from gymskel.clips import Clips
from gymskel.messages import join_names
from gymskel.preprocess.motion import compute_channels
from gymskel.recording import Recording
from gymskel.recording.times import same_rate, times_from_start


def pad(
    recordings: Iterable[Recording],
    *,
    frames: int | None = None,
    unseen: float | None = None,
    channels: Sequence[str] = ("x", "y"),
    classes: Sequence[str] | None = None,
) -> Clips:
    """Return the recordings as Clips of one length, with zeros behind the mask; `seen` marks the joints that were seen.

    Args:
        recordings: all with one joint layout and one frame rate.
        frames: length of every clip; by default that of the longest recording.
        unseen: value of x and y where a joint is unseen. Without it an unseen joint is an error.
        channels: values of a joint in a frame: of "x", "y", "confidence", velocity "vx", "vy", acceleration "ax", "ay"
            (per second, or per frame where the frame rate is unknown), bone vector "bx", "by" (from the inner joint of
            the bone to the joint). Velocities, accelerations and bones that cannot be known are 0.
        classes: class names in the order of the labels; by default the activities of the recordings, sorted. Without
            `classes` the clips have labels `y` if every recording has an activity. With `classes` every activity must
            also be among them; otherwise `y` is None.

    Raises:
        ValueError: unseen joints without `unseen`, layouts or frame rates that differ, a recording longer than
            `frames`.
    """
    recordings = list(recordings)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to pad.")
    _check_alike(recordings)
    longest = max(recordings, key=len)
    frames = len(longest) if frames is None else frames
    if len(longest) > frames:
        raise ValueError(
            f"{longest.name} has {len(longest)} frames, more than the {frames} of `frames`. "
            "Fix: cut it, or use a model that takes any length."
        )
    skeleton = recordings[0].skeleton
    x = np.zeros((len(recordings), frames, len(skeleton), len(channels)), np.float32)
    seen = np.zeros(x.shape[:3], bool)
    for i, r in enumerate(recordings):
        seen[i, : len(r)] = r.seen
        plain = tuple(channels) == ("x", "y")
        x[i, : len(r)] = (
            r.xy if plain else compute_channels(r.keypoints, channels, skeleton, times_from_start(r))
        )
    mask = np.arange(frames) < np.array([[len(recording)] for recording in recordings])
    if unseen is None:
        _check_seen(recordings, ~seen & mask[..., None])
    stand_in = [unseen if name in ("x", "y") and unseen is not None else 0.0 for name in channels]
    y, classes = _labels(recordings, classes)
    return Clips(
        x=np.where(np.isnan(x), stand_in, x),
        mask=mask,
        seen=seen,
        y=y,
        classes=tuple(classes),
        athletes=tuple(recording.athlete for recording in recordings),
        sources=tuple(recording.source for recording in recordings),
        channels=tuple(channels),
        skeleton=skeleton,
        fps=recordings[0].fps,
    )


def _check_alike(recordings: Sequence[Recording]) -> None:
    """Raise ValueError where joint layouts or frame rates differ."""
    first = recordings[0]
    for r in recordings:
        if r.skeleton != first.skeleton:
            raise ValueError(
                f"{r.name} has {len(r.skeleton)} joints ({r.skeleton.name}), {first.name} has {len(first.skeleton)} "
                f"({first.skeleton.name}). Fix: use the step `select_joints`."
            )
    rates = sorted({r.fps or 0.0 for r in recordings})
    if not same_rate(rates[-1], rates[0]):
        names = join_names(f"{rate:g} fps" if rate else "unknown" for rate in rates)
        raise ValueError(
            f"Recordings differ in frame rate ({names}). Fix: bring them to one rate with the step `resample`."
        )


def _check_seen(recordings: Sequence[Recording], missing: np.ndarray) -> None:
    """Raise ValueError where a joint is `missing`: (recordings, frames, joints) bool."""
    if not missing.any():
        return
    joints = sorted(recordings[0].skeleton.joints[j] for j in np.flatnonzero(missing.any(axis=(0, 1))))
    names = join_names(recordings[i].name for i in np.flatnonzero(missing.any(axis=(1, 2))))
    raise ValueError(
        f"Unseen joints ({join_names(joints)}) in {names}. "
        "Fix: use the step `fill`, leave these joints out, or give a stand-in with unseen=."
    )


def _labels(
    recordings: Sequence[Recording], classes: Sequence[str] | None
) -> tuple[np.ndarray | None, Sequence[str]]:
    """Return labels and class names as described in `pad`."""
    activities = [recording.activity for recording in recordings if recording.activity is not None]
    complete = len(activities) == len(recordings)
    if classes is None:
        classes = sorted(set(activities)) if complete else ()
    if not complete or not set(activities) <= set(classes):
        return None, classes
    return np.array([list(classes).index(activity) for activity in activities], np.int32), classes
