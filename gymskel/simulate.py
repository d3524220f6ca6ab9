"""Simulated gymnasts: the embedded data set, and known answers for tests. Nobody here was ever filmed.

The journey of a simulated recording, in the order of the code:

    athlete's name -> body, technique, camera             drawn from a hash of the name: the same everywhere
    move -> keyframes -> angles of the joints over time   monotone cubic interpolation
    angles -> joints in metres                            feet or hands stand on the floor, or the hip flies
    metres -> camera -> pixels -> detector                noise and lost joints where detectors have them

World: x forward (where the athlete looks at the start), y to the athlete's left, z up, metres, floor at 0.
Angles: degrees, positive = backward rotation, i.e. counterclockwise seen with x to the right and z up.
Simplified: both sides of the body do the same, the trunk is one stiff piece, and it is the hip, not the
centre of mass, that flies on the parabola.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy import ndarray as Array
from numpy.random import Generator
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import ndtr

from gymskel.recording import Recording
from gymskel.skeleton import BODY_25

GRAVITY = 9.81  # metres per second squared
IMAGE_SIZE = (1920, 1080)


class _Phase(NamedTuple):
    """A stretch of a move with one kind of support, at tempo 1.

    Columns of `keys`: share of the phase, lean of the trunk, flexion of hip and knee, foot (slope of the sole
    while the feet stand, plantar flexion otherwise), shoulder (0 = by the side, 90 = forward), flexion of the
    elbow, head (positive = tipped back).
    """

    contact: str  # "feet", "hands", or "" in the air
    seconds: float
    speed: float  # m/s along x, in the air
    keys: tuple[tuple[float, ...], ...]


_MOVES: dict[str, tuple[_Phase, ...]] = {
    "backflip": (
        _Phase("feet", 0.64, 0.0, (
            (0.00, -8, 8, 7, 0, 80, 15, 0), (0.22, -13, 24, 16, 0, 5, 12, 0),
            (0.46, -28, 64, 58, 0, -50, 8, 10), (0.68, -32, 86, 88, 0, -35, 10, 12),
            (0.86, -16, 58, 70, -6, 70, 25, 5), (1.00, 10, 10, 12, -50, 160, 15, 0))),
        _Phase("", 0.65, -0.20, (
            (0.12, 31, 0, 14, 55, 168, 15, 8), (0.28, 72, 52, 75, 45, 110, 25, 5),
            (0.46, 134, 112, 122, 35, 50, 20, -15), (0.63, 212, 118, 122, 35, 44, 18, -12),
            (0.80, 285, 88, 70, 30, 48, 15, 5))),
        _Phase("feet", 0.20, 0.0, (
            (0.00, 331, 56, 38, 348, 62, 18, 8), (0.50, 334, 82, 76, 360, 66, 20, 12),
            (1.00, 352, 58, 62, 360, 66, 20, 5))),
    ),
    "back-handspring": (
        _Phase("feet", 0.70, 0.0, (
            (0.00, -8, 8, 7, 0, 80, 15, 0), (0.22, -8, 24, 22, 0, 10, 12, 0),
            (0.48, -12, 58, 64, 0, -38, 8, 5), (0.66, -10, 78, 90, 0, -25, 10, 5),
            (0.84, 14, 50, 66, -5, 80, 12, 5), (1.00, 46, 0, 16, -45, 165, 8, 22))),
        _Phase("", 0.30, -1.4, ((0.50, 98, -34, 32, 50, 178, 6, 42),)),
        _Phase("hands", 0.25, 0.0, (
            (0.00, 158, -32, 38, 50, 175, 10, 45), (0.53, 178, -8, 20, 50, 172, 12, 35),
            (1.00, 204, 36, 6, 45, 158, 8, 15))),
        _Phase("", 0.20, -1.1, ((0.50, 249, 66, 8, 35, 146, 8, 5),)),
        _Phase("feet", 0.20, 0.0, (
            (0.00, 294, 72, 20, 346, 138, 8, 5), (0.50, 326, 57, 40, 360, 132, 10, 8),
            (1.00, 352, 32, 36, 360, 128, 12, 0))),
    ),
}  # fmt: skip
_Move = tuple[_Phase, ...]
ACTIVITIES = tuple(_MOVES)


def _rng(*words: object) -> Generator:
    """A generator of its own for these words; hashlib because `hash` differs between processes."""
    digest = hashlib.sha256("|".join(map(str, words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


class _Athlete(NamedTuple):
    """What stays the same in all recordings of an athlete, and the camera that films them."""

    height: float  # metres
    spring: float  # duration of the phases in the air, against the keyframes
    tuck: float  # flexion of hip and knee in the air
    drift: float  # speed along x in the air
    distance: float  # metres from the camera
    yaw: float  # degrees; 0 = seen exactly from the side, positive = the camera stands further to the front
    tempo: float  # duration of the phases on the floor
    pike: bool  # rotates with nearly straight knees
    style: int  # seed of the athlete's own deviations from the keyframes
    facing: int  # -1 = faces left on screen, 1 = right
    right: float  # place in the picture: pixels off its middle
    down: float


def _draw_athlete(name: str) -> _Athlete:
    rng = _rng("athlete", name)
    low, high = np.transpose([(1.5, 1.78), (0.93, 1.08), (0.85, 1.05), (0.75, 1.25), (4.4, 6.8), (5, 45)])
    floor, pike, style = rng.normal(1, 0.085), rng.random() < 0.2, int(rng.integers(2**32))
    place = rng.uniform((-120, -20), (120, 50))
    return _Athlete(*rng.uniform(low, high), floor, pike, style, int(rng.choice([-1, 1])), *place)


def _time_phases(move: _Move, who: _Athlete, fps: float, rng: Generator) -> Array:
    """(phases + 1,) seconds at which the phases meet; the last is on a frame."""
    tempo = np.clip(who.tempo + rng.normal(0, 0.05), 0.82, 1.25)
    spring = who.spring * rng.uniform(0.98, 1.02)
    ends = np.cumsum([0, *(phase.seconds * (tempo if phase.contact else spring) for phase in move)])
    return ends * (max(1, round(ends[-1] * fps)) / fps / ends[-1])


def _draw_curves(move: _Move, events: Array, who: _Athlete, rng: Generator) -> PchipInterpolator:
    """Seconds -> (..., 7) angles, the foot as the slope of its sole; monotone, so a flat foot stays flat."""
    keys = [(n, *key) for n, phase in enumerate(move) for key in phase.keys]
    phase, share, *columns = np.array(keys).T
    phase, angles = phase.astype(int), np.transpose(columns)
    own = np.random.default_rng(who.style).normal(0, 3, angles.shape) + rng.normal(0, 1.5, angles.shape)
    own[:, 3] = 0
    own[[0, -1], 0] = 0  # every move turns the trunk by 360 degrees exactly
    angles += own
    contact = np.array([p.contact for p in move])[phase]
    folded = (contact == "") & (angles[:, 1] > 0)
    angles[folded, 1:3] *= (1.08, 0.3) if who.pike else who.tuck
    lean, hip, knee, foot = angles[:, :4].T
    angles[:, 3] = np.where(contact == "feet", foot, lean + hip - knee - foot)
    return PchipInterpolator(events[phase] + share * np.diff(events)[phase], angles)


# Lengths as shares of the body height: Winter, Biomechanics and Motor Control (2009), fig. 4.1 after Drillis
# and Contini (1966); feet, head and widths by eye, to the places that BODY_25 marks.
_TRUNK, _THIGH, _SHIN, _UPPER_ARM, _FOREARM = 0.288, 0.245, 0.246, 0.186, 0.146
_ANKLE, _TOE, _HEEL, _PALM = 0.039, 0.115, 0.04, 0.03  # _ANKLE and _PALM: height over the floor
_WIDTHS = {"Shoulder": 0.105, "Elbow": 0.125, "Wrist": 0.11, "Hip": 0.06, "Knee": 0.06, "Ankle": 0.06,
           "Heel": 0.06, "BigToe": 0.06, "SmallToe": 0.095, "Eye": 0.018, "Ear": 0.044}  # fmt: skip


def _turn(forward: float, up: float, degrees: Array) -> Array:
    """(..., 2): the vector (forward, up) turned backward."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.stack([forward * c - up * s, forward * s + up * c], axis=-1)


def _place_joints(angles: Array, height: float, left: Array | None = None) -> Array:
    """(frames, 25, 3) metres from MidHip, from (frames, 7) angles; `left` if the left side does otherwise."""
    joints = np.zeros((len(angles), len(BODY_25), 3))
    for side, sign, own in (("R", -1, angles), ("L", 1, angles if left is None else left)):
        lean, hip, knee, foot, shoulder, elbow, head = own.T
        neck = _turn(0, _TRUNK, lean)
        at = {"Hip": np.zeros_like(neck), "Shoulder": neck}
        at["Knee"] = _turn(0, -_THIGH, lean + hip)
        at["Ankle"] = at["Knee"] + _turn(0, -_SHIN, lean + hip - knee)
        for joint, ahead in (("BigToe", _TOE), ("SmallToe", _TOE - 0.02), ("Heel", -_HEEL)):
            at[joint] = at["Ankle"] + _turn(ahead, -_ANKLE, foot)
        at["Elbow"] = neck + _turn(0, -_UPPER_ARM, lean + shoulder)
        at["Wrist"] = at["Elbow"] + _turn(0, -_FOREARM, lean + shoulder + elbow)
        at["Eye"] = neck + _turn(0.048, 0.115, lean + head)
        at["Ear"] = neck + _turn(0, 0.1, lean + head)
        for joint, place in at.items():
            joints[:, BODY_25.index(side + joint), ::2] = place
            joints[:, BODY_25.index(side + joint), 1] = sign * _WIDTHS[joint]
    joints[:, BODY_25.index("Neck"), ::2] = neck
    joints[:, BODY_25.index("Nose"), ::2] = neck + _turn(0.06, 0.095, lean + head)
    return joints * height


def _hang(contact: str, angles: Array, anchor: float, height: float) -> Array:
    """(frames, 2) the hip's x and z while the feet or hands stand at x = `anchor`."""
    joint, floor = ("LWrist", _PALM * height) if contact == "hands" else ("LBigToe", 0.0)
    return [anchor, floor] - _place_joints(angles, height)[:, BODY_25.index(joint), ::2]


def _reach(contact: str, angles: Array, hip: Array) -> Array:
    """(frames, 7) the angles, legs or arms bent to reach the floor from (frames, 2) `hip`; body height 1."""
    if contact == "feet":
        column, upper, lower, sign = 1, _THIGH, _SHIN, 1
        aim = -_turn(_TOE, -_ANKLE, angles[:, 3]) - hip
    else:
        column, upper, lower, sign = 4, _UPPER_ARM, _FOREARM, -1
        aim = [0, _PALM] - _turn(0, _TRUNK, angles[:, 0]) - hip
    reach = np.minimum(np.hypot(*aim.T), 0.999 * (upper + lower))
    bend = np.arccos(np.clip((reach**2 - upper**2 - lower**2) / (2 * upper * lower), -1, 1))
    aside = np.arctan2(lower * np.sin(bend), upper + lower * np.cos(bend))
    slope = np.degrees(np.arctan2(aim[:, 0], -aim[:, 1]) + sign * aside)
    angles = angles.copy()
    angles[:, column] += (slope - angles[:, 0] - angles[:, column] + 180) % 360 - 180
    angles[:, column + 1] = np.degrees(bend)
    return angles


@dataclass(frozen=True, eq=False)
class Motion:
    """The truth behind a simulated recording."""

    joints: Array  # (frames, 25, 3) float64 metres in BODY_25 order; x forward, y to the athlete's left, z up
    lean: Array  # (frames,) degrees that the trunk has turned backward from upright; unwrapped, 360 in all
    airborne: Array  # (frames,) bool: nothing touches the floor, the hip flies on a parabola
    on_hands: Array  # (frames,) bool: the hands stand on the floor


def _move_body(move: _Move, events: Array, times: Array, curves: PchipInterpolator, who: _Athlete) -> Motion:
    """Hangs the body on the world.

    In the air the hip flies on a parabola. On the floor it goes through the keyframes on a spline that meets
    the parabolas without a jolt; the limbs on the floor bend as that takes, so they stay where they stand.
    """
    meet, still = curves(events), (np.zeros(2),) * 3
    anchors = [0.0] * len(move)  # x of the feet or hands in each phase on the floor
    flights = {}  # phase -> where the hip leaves, its velocity there and at the end
    for n, phase in enumerate(move):
        if not phase.contact:
            seconds = events[n + 1] - events[n]
            leave = _hang(move[n - 1].contact, meet[[n]], anchors[n - 1], who.height)[0]
            arrive = _hang(move[n + 1].contact, meet[[n + 1]], 0.0, who.height)[0]
            fall = np.array([0, GRAVITY * seconds])
            velocity = np.array([phase.speed * who.drift, (arrive[1] - leave[1]) / seconds]) + fall / 2
            flights[n] = leave, velocity, velocity - fall
            anchors[n + 1] = leave[0] + velocity[0] * seconds - arrive[0]
    number = np.clip(np.searchsorted(events, times, side="right") - 1, 0, len(move) - 1)
    angles, root = curves(times), np.zeros((len(times), 2))
    for n, phase in enumerate(move):
        now, t = number == n, times[number == n] - events[n]
        if phase.contact:
            knots = np.array([key[0] for key in phase.keys]) * (events[n + 1] - events[n])
            through = _hang(phase.contact, curves(events[n] + knots), 0.0, who.height)
            ends = (1, flights.get(n - 1, still)[2]), (1, flights.get(n + 1, still)[1])
            hip = CubicSpline(knots, through, bc_type=ends)(t)
            angles[now] = _reach(phase.contact, angles[now], hip / who.height)
            root[now] = _hang(phase.contact, angles[now], anchors[n], who.height)
        else:
            leave, velocity, _ = flights[n]
            root[now] = leave + velocity * t[:, None] - np.outer(t**2, [0, GRAVITY / 2])
    joints = _place_joints(angles, who.height)
    joints[..., ::2] += root[:, None]
    contact = np.array([phase.contact for phase in move])[number]
    return Motion(joints, angles[:, 0], contact == "", contact == "hands")


def simulate_motion(
    activity: str = "backflip", *, athlete: str = "a01", sample: int = 1, seed: int = 0, fps: float = 60.0
) -> Motion:
    """The simulated move in metres, before camera and detector: the known answers to `simulate_recording`.

    Arguments and errors as there.

    >>> motion = simulate_motion("backflip")
    >>> print(round(motion.lean[-1] - motion.lean[0]))  # degrees: a full turn, backward
    360
    """
    if activity not in _MOVES:
        raise ValueError(f"`activity` must be one of {', '.join(ACTIVITIES)}, got {activity!r}.")
    if not 0 < fps < np.inf:
        raise ValueError(f"`fps` must be frames a second above 0, got {fps}.")
    move, who, rng = _MOVES[activity], _draw_athlete(athlete), _rng("motion", activity, athlete, sample, seed)
    events = _time_phases(move, who, fps, rng)
    times = np.arange(round(events[-1] * fps) + 1) / fps
    return _move_body(move, events, times, _draw_curves(move, events, who, rng), who)


_FOCAL = 1500.0  # pixels: the main camera of a phone at 1080p, about 65 degrees wide
_EYE_LEVEL = 1.15  # metres: a phone on a tripod


def _project(joints: Array, camera: _Athlete) -> Array:
    """(frames, joints, 2) pixels of (frames, joints, 3) metres: a level pinhole camera that does not move."""
    yaw = np.radians(camera.yaw)
    towards = np.array([np.sin(yaw), -camera.facing * np.cos(yaw)])  # from athlete to camera, on the floor
    right = np.array([-towards[1], towards[0]])
    hip = joints[:, BODY_25.index("MidHip"), 0]
    flat = joints[..., :2] - [(hip.min() + hip.max()) / 2, 0]
    scale = _FOCAL / (camera.distance - flat @ towards)
    x = IMAGE_SIZE[0] / 2 + camera.right + flat @ right * scale
    y = IMAGE_SIZE[1] / 2 + camera.down - (joints[..., 2] - _EYE_LEVEL) * scale
    return np.stack([x, y], axis=-1)


# How much more often than a hip a joint is lost: by eye, after OpenPose on the published raw recordings.
_LOST = {"Nose": 1.3, "Elbow": 1.5, "Wrist": 2.2, "Eye": 1.5, "Ear": 1.8, "SmallToe": 1.5, "Heel": 1.3}


def _wander(rng: Generator, frames: int, joints: int, keep: float) -> Array:
    """(frames, joints) standard normal; each joint keeps the share `keep` of its last value."""
    values = rng.standard_normal((frames, joints))
    for t in range(1, frames):
        values[t] = keep * values[t - 1] + np.sqrt(1 - keep**2) * values[t]
    return values


def _detect(
    xy: Array, lean: Array, fps: float, facing: int, noise: float, lost: float, rng: Generator
) -> Array:
    """(frames, joints, 3) float32 keypoints that a detector might give for the true pixels `xy`."""
    frames, joints = xy.shape[:2]
    inverted = (1 - np.cos(np.radians(lean)))[:, None] / 2  # 0 upright ... 1 head down
    speed = np.linalg.norm(np.diff(xy, axis=0, prepend=xy[:1]), axis=-1) * fps / 60  # pixels in 1/60 s
    weight = np.array([_LOST.get(name.lstrip("RL"), 1.0) for name in BODY_25.joints])
    hidden = "L" if facing > 0 else "R"  # the side of the head away from the camera
    weight[BODY_25.indices([f"{hidden}Ear", f"{hidden}Eye"])] *= (8, 2)
    shake = np.stack([_wander(rng, frames, joints, 0.5) for _ in "xy"], axis=-1)
    xy = xy + noise * (1 + 1.5 * inverted + speed / 20)[..., None] * shake
    # Lost while a slow wandering, in part that of the whole body, lies below the joint's chance: in runs.
    wander = 0.6 * _wander(rng, frames, 1, 0.85) + 0.8 * _wander(rng, frames, joints, 0.85)
    chance = weight * (0.3 + 6 * inverted**2 + speed / 15)
    gone = ndtr(wander) < np.minimum(lost * chance / chance.mean(), 0.95)
    gone |= ((xy < 0) | (xy >= IMAGE_SIZE)).any(axis=-1)
    level = 0.78 - 0.06 * weight - 0.3 * inverted - speed / 200
    confidence = np.clip(level + 0.08 * _wander(rng, frames, joints, 0.7), 0.06, 0.98)
    keypoints = np.concatenate([xy, confidence[..., None]], axis=-1).astype(np.float32)
    keypoints[gone] = np.nan, np.nan, 0
    return keypoints


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
) -> Recording:
    """A simulated Recording of one move, as a phone and a detector might have seen it.

    The same arguments give the same bits; `noise=0, lost=0` gives the true places on screen
    (unseen where they lie outside the picture).

    >>> recording = simulate_recording("back-handspring", athlete="a02", sample=3)
    >>> recording.video, recording.keypoints.shape[1:], recording.estimator
    ('back-handspring-3-a02.mov', (25, 3), 'simulated')

    Args:
        activity: one of `ACTIVITIES`.
        athlete: any name; body, technique and the place of the camera follow from it.
        sample: which try; varies a little from try to try.
        seed: another seed, other tries of the same athletes.
        fps: frames a second; another rate samples the same try, stretched by half a frame at most.
        noise: standard deviation in pixels while upright and slow; some three times that while turning fast.
        lost: expected share of joints that are not found, in [0, 1), mostly while inverted.
        yaw: degrees; 0 = the camera stands exactly at the side, positive = further to the front;
            None = where it stands for this athlete.

    Returns:
        keypoints (frames, 25, 3) float32 in pixels of a 1920 x 1080 picture; unseen = NaN, NaN, 0.

    Raises:
        ValueError: an unknown activity; `fps`, `noise` or `lost` out of range.
    """
    if not (0 <= noise < np.inf and 0 <= lost < 1):
        raise ValueError(f"`noise` must be pixels from 0, `lost` a share in [0, 1), got {noise} and {lost}.")
    motion = simulate_motion(activity, athlete=athlete, sample=sample, seed=seed, fps=fps)
    who, rng = _draw_athlete(athlete), _rng("camera", activity, athlete, sample, seed)
    turn, right, down = rng.normal(0, (3, 25, 10))
    yaw, distance = who.yaw + turn if yaw is None else yaw, who.distance * rng.uniform(0.95, 1.05)
    camera = who._replace(yaw=yaw, distance=distance, right=who.right + right, down=who.down + down)
    keypoints = _detect(_project(motion.joints, camera), motion.lean, fps, who.facing, noise, lost, rng)
    video = f"{activity}-{sample}-{athlete}.mov"
    facts = {"video": video, "first_frame": 1, "image_size": IMAGE_SIZE, "estimator": "simulated"}
    return Recording(keypoints, fps, activity, str(sample), athlete, **facts)


def simulate_recordings(
    activities: Iterable[str] = ACTIVITIES,
    *,
    athletes: int = 8,
    per_athlete: int = 4,
    seed: int = 0,
    fps: float = 60.0,
) -> list[Recording]:
    """A simulated data set: athletes a01, a02 ... perform every activity `per_athlete` times each.

    Samples are numbered through all athletes, as in the published set; the rest as in `simulate_recording`.
    """
    return [
        simulate_recording(activity, athlete=f"a{n // per_athlete + 1:02}", sample=n + 1, seed=seed, fps=fps)
        for activity in activities
        for n in range(athletes * per_athlete)
    ]


def simulate_bystander(recording: Recording, *, seed: int = 0, person: int = 1) -> Recording:
    """Somebody else, simulated: stands or walks behind the athlete during a part of the same video.

    Args:
        recording: whose video it is; gives its name, frames, fps, timestamps and picture size.
        seed: another seed, another bystander.
        person: index in the video.

    Returns:
        A Recording of the same length in BODY_25, without activity and athlete; NaN while out of the picture.

    Raises:
        ValueError: nobody said the recording's fps.
    """
    if recording.fps is None:
        raise ValueError(f"{recording.name}: no fps. Give it with dataclasses.replace(recording, fps=...).")
    rng = _rng("bystander", recording.source, seed, person)
    frames, size = len(recording), recording.image_size or IMAGE_SIZE
    t, zero = np.arange(frames) / recording.fps, np.zeros(frames)
    walks = rng.random() < 0.5
    swing = np.sin(2 * np.pi * (0.9 * t + rng.random())) * (22 if walks else 1)
    right, left = (  # opposite arm and leg
        np.stack([zero - 3, 4 + s, 8 + np.maximum(-s, 0), s - 7, 4 - s, zero + 15, zero], axis=-1)
        for s in (swing, -swing)
    )
    joints = _place_joints(right, rng.uniform(1.5, 1.9), left)
    joints[..., 2] -= joints[..., 2].min(axis=1, keepdims=True)
    joints[..., 0] += walks * 1.2 * t[:, None]
    behind = _draw_athlete(f"bystander {rng.integers(2**32)}")
    behind = behind._replace(distance=rng.uniform(8, 12), right=rng.uniform(-800, 800))
    keypoints = _detect(_project(joints, behind), zero, recording.fps, behind.facing, 1.5, 0.1, rng)
    keypoints *= np.array([size[0] / IMAGE_SIZE[0], size[1] / IMAGE_SIZE[1], 0.7], np.float32)
    there = max(1, int(rng.uniform(0.4, 0.9) * frames))
    start = int(rng.integers(frames - there + 1))
    keypoints[:start] = keypoints[start + there :] = np.nan, np.nan, 0
    nobody = replace(recording, activity=None, athlete=None, history=(), estimator="simulated", space="image")
    video = recording.video or f"{recording.name}.mov"
    return replace(nobody, keypoints=keypoints, skeleton=BODY_25, video=video, person=person, image_size=size)
