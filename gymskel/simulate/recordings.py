"""Simulated Recordings: one move, a data set, a bystander in the same video."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy import ndarray as Array

from gymskel.recording import Recording
from gymskel.simulate.athlete import draw_athlete, seeded_generator
from gymskel.simulate.body import place_joints
from gymskel.simulate.camera import IMAGE_SIZE, capture, misread_as_upright
from gymskel.simulate.motion import find_markers, simulate_motion
from gymskel.simulate.moves import ACTIVITIES
from gymskel.skeleton import BODY_25


def simulate_recording(
    activity: str = "backflip",
    *,
    athlete: str = "a01",
    sample: int = 1,
    seed: int = 0,
    fps: float = 60.0,
    noise: float = 1.5,
    lost: float = 0.1,
    yaw: float | None = None,
    as_published: bool = False,
) -> Recording:
    """Simulate a Recording of one move, as a phone and a detector could have seen it.

    The same arguments give the same bits. `noise=0, lost=0` gives the true positions on screen, unseen outside the
    picture.

    >>> recording = simulate_recording("back-handspring", athlete="a02", sample=3)
    >>> recording.video, recording.keypoints.shape[1:], recording.estimator
    ('back-handspring-3-a02.mov', (25, 3), 'simulated')

    Args:
        activity: one of `ACTIVITIES`.
        athlete: any name; body, technique and the position of the camera follow from it.
        sample: number of the try; tries of an athlete differ a little.
        seed: another seed gives other tries of the same athletes.
        fps: frames a second; another rate samples the same try, stretched by half a frame at most.
        noise: standard deviation in pixels while upright and slow; about three times that in a fast turn.
        lost: expected share of joints that are not found, in [0, 1), mostly while inverted.
        yaw: degrees; 0 = the camera stands exactly at the side, positive = further to the front;
            None = the athlete's own yaw.
        as_published: True = like the published recordings: cut at their markers (from both arms passing the shoulders to
            both heels down again), and an inverted body may be read as an upright one. False = the whole move.

    Returns:
        keypoints (frames, 25, 3) float32 in pixels of a 1920 x 1080 picture; unseen = NaN, NaN, 0.

    Raises:
        ValueError: an unknown activity; `fps`, `noise` or `lost` out of range.
    """
    if not (0 <= noise < np.inf and 0 <= lost < 1):
        raise ValueError(f"`noise` must be pixels from 0, `lost` a share in [0, 1), got {noise} and {lost}.")
    motion = simulate_motion(activity, athlete=athlete, sample=sample, seed=seed, fps=fps)
    person, rng = draw_athlete(athlete), seeded_generator("camera", activity, athlete, sample, seed)
    turn, right, down = rng.normal(0, (3, 25, 10))
    yaw, distance = person.yaw + turn if yaw is None else yaw, person.distance * rng.uniform(0.95, 1.05)
    camera = person._replace(yaw=yaw, distance=distance, right=person.right + right, down=person.down + down)
    keypoints = capture(motion.joints, motion.lean, camera, fps, noise, lost, rng)
    if as_published:
        keypoints = misread_as_upright(keypoints, motion.lean, rng)[slice(*find_markers(motion, 0))]
    return name_recording(keypoints, fps, activity, sample, athlete)


def name_recording(keypoints: Array, fps: float, activity: str, sample: int, athlete: str) -> Recording:
    """Return the keypoints as a Recording, named like a published one."""
    return Recording(
        *(keypoints, fps, activity, str(sample), athlete),
        video=f"{activity}-{sample}-{athlete}.mov",
        first_frame=1,
        image_size=IMAGE_SIZE,
        estimator="simulated",
    )


def simulate_recordings(
    activities: Iterable[str] = ACTIVITIES,
    *,
    athletes: int = 8,
    per_athlete: int = 4,
    seed: int = 0,
    fps: float = 60.0,
    as_published: bool = False,
) -> list[Recording]:
    """Simulate a data set: each of the athletes a01, a02 ... performs every activity `per_athlete` times.

    Samples are numbered over all athletes, as in the published set; other arguments as in `simulate_recording`.
    """
    names = [f"a{n // per_athlete + 1:02}" for n in range(athletes * per_athlete)]
    return [
        simulate_recording(activity, athlete=name, sample=n, seed=seed, fps=fps, as_published=as_published)
        for activity in activities
        for n, name in enumerate(names, 1)
    ]


def simulate_bystander(recording: Recording, *, seed: int = 0, person: int = 1) -> Recording:
    """Simulate a bystander who stands or walks behind the athlete during a part of the same video.

    Args:
        recording: the athlete's; gives video name, frames, fps, timestamps and picture size.
        seed: another seed gives another bystander.
        person: index in the video.

    Returns:
        A Recording of the same length in BODY_25, without activity and athlete; NaN while out of the picture.

    Raises:
        ValueError: the recording has no fps.
    """
    if recording.fps is None:
        raise ValueError(f"{recording.name}: no fps. Fix: use dataclasses.replace(recording, fps=...).")
    rng = seeded_generator("bystander", recording.source, seed, person)
    frames, size = len(recording), recording.image_size or IMAGE_SIZE
    t, zero = np.arange(frames) / recording.fps, np.zeros(frames)
    walks = rng.random() < 0.5
    swing = np.sin(2 * np.pi * (0.9 * t + rng.random())) * (22 if walks else 1)
    right, left = (  # opposite arm and leg
        np.stack([zero - 3, 4 + s, 8 + np.maximum(-s, 0), s - 7, 4 - s, zero + 15, zero], axis=-1)
        for s in (swing, -swing)
    )
    joints = place_joints(right, rng.uniform(1.5, 1.9), left)
    joints[..., 2] -= joints[..., 2].min(axis=1, keepdims=True)
    joints[..., 0] += walks * 1.2 * t[:, None]
    behind = draw_athlete(f"bystander {rng.integers(2**32)}")
    behind = behind._replace(distance=rng.uniform(8, 12), right=rng.uniform(-800, 800))
    keypoints = capture(joints, zero, behind, recording.fps, 1.5, 0.1, rng)
    keypoints *= np.array([size[0] / IMAGE_SIZE[0], size[1] / IMAGE_SIZE[1], 0.7], np.float32)
    shown = max(1, int(rng.uniform(0.4, 0.9) * frames))
    start = int(rng.integers(frames - shown + 1))
    keypoints[:start] = keypoints[start + shown :] = np.nan, np.nan, 0
    unnamed = replace(
        recording, activity=None, athlete=None, history=(), estimator="simulated", space="image"
    )
    video = recording.video or f"{recording.name}.mov"
    return replace(
        unnamed, keypoints=keypoints, skeleton=BODY_25, video=video, person=person, image_size=size
    )
