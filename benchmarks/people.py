"""Who is who: identity kept in simulated scenes, milliseconds a frame, and a sheet of a real recording.

python benchmarks/people.py 200                                         # scenes of seeds 0 to 199, and the times
python benchmarks/people.py raw PATH_TO/openpose_raw.zip OUT.png [VIDEO]

A scene: an athlete (gymskel.simulate's, walking in before the move and away after it) and one or two walkers,
found as a detector might: places 2 to 4 % of a torso off, joints lost, limbs of whoever stands in front taken for
one's own, people missing for a few frames, people found twice, people who are not there, in an order that tells
nothing. Identity is kept if everybody found keeps one track number in every frame, a number of their own, and
"athlete" chooses the athlete.
"""

import sys
import time
import warnings
from dataclasses import dataclass

import numpy as np

from gymskel import simulate
from gymskel.recording import read_recordings
from gymskel.skeleton import BODY_25
from gymskel.tracking.selection import select_tracks
from gymskel.tracking.tracker import Tracker

SIZE = (1920, 1080)
KINDS = ("crossing", "large bystander", "leaving")


@dataclass
class Scene:
    kind: str
    fps: float
    found: list[np.ndarray]  # a frame: (n, 25, 3)
    truth: list[list[int]]  # a frame: who that is; 0 = the athlete, -1 = nobody

    def __len__(self) -> int:
        return len(self.found)


def walker(seconds, fps, *, start, speed, floor, torso, rng):
    """(frames, 25, 2) pixels: somebody walks from x = `start` with `speed` torsos a second (0 = stands)."""
    t = np.arange(round(seconds * fps)) / fps
    facing = np.sign(speed) or 1.0
    phase = 2 * np.pi * (0.45 * min(abs(speed), 6) * t / 1.2 + rng.random())
    swing = np.radians(24) * min(1.0, abs(speed)) + np.radians(1)
    long = rng.uniform(0.9, 1.1, 5)  # thigh, shin, upper arm, forearm, head
    aside = rng.uniform(0.05, 0.3)  # how far the camera sees both shoulders
    xy = np.full((len(t), 25, 2), np.nan)

    def limb(name, joint, length, angle):
        x, y = np.sin(angle) * length * facing, np.cos(angle) * length
        xy[:, BODY_25.index(name)] = xy[:, BODY_25.index(joint)] + np.stack([x, y], axis=-1)

    xy[:, BODY_25.index("MidHip")] = np.stack([0 * t, 0.03 * np.cos(2 * phase)], axis=-1)
    limb("Neck", "MidHip", 1, np.pi - np.radians(4) + 0 * t)
    limb("Nose", "Neck", 0.48 * long[4], np.radians(150) + 0 * t)
    for sign, side in ((1, "R"), (-1, "L")):
        for name, joint, wide in (("Shoulder", "Neck", 1.0), ("Hip", "MidHip", 0.55)):
            xy[:, BODY_25.index(side + name)] = xy[:, BODY_25.index(joint)] + [sign * aside * wide, 0.02]
        leg, arm = swing * np.sin(phase) * sign, -swing * np.sin(phase) * sign
        limb(f"{side}Knee", f"{side}Hip", 0.84 * long[0], leg + 0.1)
        limb(
            f"{side}Ankle",
            f"{side}Knee",
            0.87 * long[1],
            leg - 0.1 - swing * np.maximum(0, np.cos(phase) * sign),
        )
        limb(f"{side}Elbow", f"{side}Shoulder", 0.63 * long[2], arm)
        limb(f"{side}Wrist", f"{side}Elbow", 0.58 * long[3], arm + 0.3)
        limb(f"{side}Eye", "Neck", 0.55 * long[4], np.radians(157 + 2 * sign) + 0 * t)
        limb(f"{side}Ear", "Neck", 0.5 * long[4], np.radians(178) + 0 * t)
        limb(f"{side}Heel", f"{side}Ankle", 0.1, leg - 0.5)
        limb(f"{side}BigToe", f"{side}Ankle", 0.35, leg + 1.3)
        limb(f"{side}SmallToe", f"{side}Ankle", 0.32, leg + 1.2)
    xy[..., 0] += speed * t[:, None]
    return xy * torso + [start, floor - 1.85 * torso]


def gymnast(fps, *, x, floor, torso, rng):
    """(frames, 25, 2) pixels: the athlete's move, from simulate, made as large and put where asked."""
    activity = simulate.ACTIVITIES[rng.integers(len(simulate.ACTIVITIES))]
    name = f"a{rng.integers(1, 40):02}"
    facts = {"seed": int(rng.integers(1000)), "fps": fps, "noise": 0.0, "lost": 0.0}
    xy = simulate.simulate_recording(activity, athlete=name, **facts).xy.astype(float)
    neck, hip = BODY_25.indices(["Neck", "MidHip"])
    length = np.nanmax(np.linalg.norm(xy[:, neck] - xy[:, hip], axis=-1))
    feet = np.nanmax(xy[:10, :, 1])
    return (xy - [xy[0, hip, 0], feet]) * (torso / length) + [x, floor]


def blend(one, other, frames=8):
    """One motion after the other, the body going over within a few frames."""
    share = np.linspace(0, 1, frames)[:, None, None]
    return np.concatenate([one, one[-1] * (1 - share) + other[0] * share, other])


def athlete(kind, fps, torso, floor, rng):
    """(frames, 25, 2): walks in, does the move, walks out; leaving, also comes back on either side."""
    hip = BODY_25.index("MidHip")
    speed = rng.choice([-1, 1]) * rng.uniform(2.5, 8)
    x = rng.uniform(700, 1200)
    away = x + 2 * torso if speed > 0 else SIZE[0] - x + 2 * torso
    seconds = rng.uniform(0.5, 1.2) if kind != "leaving" else away / abs(speed) / torso
    seen = {"floor": floor, "torso": torso, "rng": rng}
    coming = walker(seconds, fps, start=x - speed * torso * seconds, speed=speed, **seen)
    move = gymnast(fps, x=x, floor=floor, torso=torso, rng=rng)
    motion = blend(coming, move)
    if kind == "leaving":
        out = rng.choice([-1, 1]) * rng.uniform(2.5, 8)
        far = SIZE[0] + 2.5 * torso if out > 0 else -2.5 * torso
        going = walker(
            abs(far - motion[-1, hip, 0]) / abs(out) / torso, fps, start=motion[-1, hip, 0], speed=out, **seen
        )
        gone = np.full((round(rng.uniform(0.3, 4) * fps), 25, 2), np.nan)
        side = rng.choice([-1, 1])  # the edge where he comes back
        back = -side * rng.uniform(2.5, 6)
        start = SIZE[0] + 2.2 * torso if side > 0 else -2.2 * torso
        again = walker(rng.uniform(2, 3.5), fps, start=start, speed=back, **seen)
        motion = np.concatenate([blend(motion, going), gone, again])
    return motion


def others(kind, length, fps, torso, rng):
    """(xy, torso) of one or two walkers: nearer and larger, or about as large and on crossing ways."""
    people, seconds = [], length / fps + 0.1
    for n in range(1 + int(rng.random() < 0.5)):
        large = kind == "large bystander" and n == 0
        own = torso * (rng.uniform(1.4, 2.2) if large else rng.uniform(0.75, 1.25))
        if kind == "leaving":  # who comes while he is away could not be told from him but by size
            own = torso * (rng.uniform(0.55, 0.75) if rng.random() < 0.5 else rng.uniform(1.33, 1.8))
        speed = rng.choice([-1, 1]) * (rng.uniform(0, 2) if large else rng.uniform(1.2, 4))
        if large and rng.random() < 0.3:
            speed = 0.0
        meet, when = rng.uniform(600, 1300), rng.uniform(0.2, 0.8) * seconds  # crosses the middle then
        floor = 820 + 120 * (own / torso - 1) + rng.uniform(-15, 15)
        xy = walker(
            seconds, fps, start=meet - speed * own * when, speed=speed, floor=floor, torso=own, rng=rng
        )
        people.append((xy[:length], own))
    return people


def hide(found, torsos, noise, rng):
    """Of two whose bodies overlap, the smaller stands behind: joints behind the other are lost or the other's."""
    for t in range(found.shape[1]):
        for front in np.argsort(torsos)[::-1]:
            near = found[front, t]
            if np.isnan(near[:, 0]).all():
                continue
            trunk = near[BODY_25.indices("Neck MidHip RKnee LKnee".split()), :2]
            for behind in np.flatnonzero(np.less(torsos, torsos[front])):
                body = found[behind, t]
                way = np.linalg.norm(
                    body[:, None, :2] - np.vstack([trunk, (trunk[:1] + trunk[1:2]) / 2]), axis=-1
                )
                covered = (way < 0.35 * torsos[front]).any(axis=1)
                stolen = covered & (rng.random(25) < 0.2) & np.isfinite(near[:, 0])
                body[covered] = np.nan
                body[stolen] = near[stolen] + rng.normal(0, noise * torsos[front], (stolen.sum(), 2))
                mine = np.isfinite(body[:, 0]) & ~stolen
                if mine.sum() < max(8, 2 * stolen.sum()) or (covered.sum() > 12 and rng.random() < 0.5):
                    body[:] = np.nan


def runs(length, chance, longest, rng):
    """(length,) bool: runs of up to `longest` frames that begin with `chance` a frame."""
    here = np.zeros(length, bool)
    for start in np.flatnonzero(rng.random(length) < chance):
        here[start : start + rng.integers(1, longest + 1)] = True
    return here


def detect(xy, torso, noise, rng):
    """(frames, 25, 2) with noise, joints lost singly and in runs, and whole bodies missing for some frames."""
    length = len(xy)
    heavy = np.where(rng.random((length, 25, 1)) < 0.02, 6, 1)
    seen = xy + rng.normal(0, noise * torso, xy.shape) * heavy
    neck, hip = BODY_25.indices(["Neck", "MidHip"])
    inverted = seen[:, neck, 1] > seen[:, hip, 1]
    for joint in range(25):
        seen[runs(length, 0.01, 8, rng) | (rng.random(length) < 0.03 + 0.25 * inverted), joint] = np.nan
    swapped = runs(length, 0.01, 3, rng) | (inverted & (rng.random(length) < 0.1))
    seen[swapped] = seen[swapped][:, BODY_25.mirror_order]
    seen[runs(length, 0.015, 8, rng)] = np.nan
    outside = ((seen < 0) | (seen > SIZE)).any(axis=-1)
    seen[outside] = np.nan
    return seen


def false_people(length, torso, poses, rng):
    """Frame -> poses of people who are not there: any pose, anywhere, of any size, for one to four frames."""
    false = {t: [] for t in range(length)}
    for start in np.flatnonzero(rng.random(length) < 0.04):
        pose = poses[rng.integers(len(poses))] * rng.uniform(0.4, 1.6) * rng.choice([-1, 1], 2)
        pose = pose + rng.uniform((100, 200), (1800, 900)) - np.nanmean(pose, axis=0)
        pose[rng.random(25) < rng.uniform(0, 0.6)] = np.nan
        for t in range(start, min(length, start + rng.integers(1, 5))):
            false[t].append(pose + rng.normal(0, 0.1 * torso, pose.shape))
    return false


def is_apart(person, bodies, torso):
    """Whether a body is away from every other: one who is first found over another is no one yet."""
    middles = np.array(
        [np.nanmean(xy, axis=0) if np.isfinite(xy).any() else (np.inf, np.inf) for xy in bodies]
    )
    return (np.linalg.norm(np.delete(middles, person, axis=0) - middles[person], axis=1) > 1.5 * torso).all()


def scene(seed):
    """A scene; the seed says all of it."""
    rng = np.random.default_rng(seed)
    kind, fps = KINDS[seed % len(KINDS)], float(rng.choice([25, 30, 60]))
    torso, noise = rng.uniform(50, 110), rng.uniform(0.02, 0.04)
    first = athlete(kind, fps, torso, 820.0, rng)
    people = [(first, torso), *others(kind, len(first), fps, torso, rng)]
    torsos = np.array([own for _, own in people])
    truth = np.array([detect(xy, own, noise, rng) for xy, own in people])
    hide(truth, torsos, noise, rng)
    false = false_people(len(first), torso, first[np.isfinite(first[..., 0]).all(axis=1)], rng)
    found, who, known = [], [], set()
    for t in range(len(first)):
        here = [(n, pose) for n, pose in enumerate(truth[:, t]) if np.isfinite(pose[:, 0]).sum() >= 8]
        here = [
            one
            for one in here
            if one[0] in {0, *known} or is_apart(one[0], [xy[t] for xy, _ in people], torso)
        ]
        known.update(n for n, _ in here)
        twice = [
            (n, pose + rng.normal(0, 0.05 * torsos[n], (25, 2))) for n, pose in here if rng.random() < 0.02
        ]
        here += twice + [(-1, pose) for pose in false[t] if np.isfinite(pose[:, 0]).sum() >= 4]
        order = (
            np.argsort([np.nanmean(pose[:, 0]) for _, pose in here]) if t % 2 else rng.permutation(len(here))
        )
        poses = np.array([here[n][1] for n in order]).reshape(-1, 25, 2)
        seen = np.isfinite(poses[..., :1])
        found.append(np.concatenate([poses, np.where(seen, 0.8, 0)], axis=-1).astype(np.float32))
        who.append([here[n][0] for n in order])
    return Scene(kind, fps, found, who)


def faults(made, image_size=SIZE):
    """What went wrong in a scene, in words; nothing if identity was kept in every frame."""
    tracker = Tracker(made.fps, image_size=image_size)
    for t, people in enumerate(made.found):
        tracker.update(t, people)
    tracks = tracker.finish()
    owner = {(t, pose.tobytes()): k.number for k in tracks for t, pose in zip(k.frames, k.poses, strict=True)}
    number, wrong = {}, []
    for t, (people, who) in enumerate(zip(made.found, made.truth, strict=True)):
        given = np.array([owner.get((t, pose.tobytes()), -1) for pose in people])
        for person in sorted(set(who) - {-1}):
            own = given[np.array(who) == person]
            own = own[own >= 0]
            if len(own) != 1:
                wrong.append(f"frame {t}: {person} got {own.tolist()}")
            elif number.setdefault(person, own[0]) != own[0]:
                wrong.append(f"frame {t}: {person} was {number[person]}, got {own[0]}")
    if len(set(number.values())) < len(number):
        wrong.append(f"shared: {number}")
    chosen = select_tracks(tracks, "athlete", made.fps, SIZE)[0].number
    if chosen != number.get(0):
        wrong.append(f"chose {chosen}, the athlete is {number.get(0)}")
    return wrong


def judge(seeds):
    """Prints in how many scenes identity is kept, and what went wrong in the others."""
    kept = {kind: [] for kind in KINDS}
    for seed in seeds:
        made = scene(seed)
        wrong = faults(made)
        kept[made.kind].append(not wrong)
        if wrong:
            print(
                f"seed {seed}, {made.kind}, {made.fps:g} fps, {len(made)} frames: {len(wrong)} faults; {wrong[:3]}"
            )
    for kind, good in kept.items():
        print(f"{kind:16} identity kept in {sum(good)} of {len(good)} scenes")
    print(
        f"{'all':16} identity kept in {sum(map(sum, kept.values()))} of {sum(map(len, kept.values()))} scenes"
    )
    return kept


def measure(frames=150):
    """Prints milliseconds a frame for 1, 5 and 80 people walking about."""
    for count in (1, 5, 80):
        rng = np.random.default_rng(count)
        people = [
            walker(
                frames / 30,
                30,
                start=rng.uniform(100, 1800),
                speed=rng.uniform(-2, 2),
                torso=25,
                floor=rng.uniform(200, 1000),
                rng=rng,
            )
            for _ in range(count)
        ]
        found = np.array([detect(xy, 25, 0.03, rng) for xy in people]).transpose(1, 0, 2, 3)
        found = np.concatenate([found, np.isfinite(found[..., :1])], axis=-1).astype(np.float32)
        tracker, taken = Tracker(30.0), []
        for t, poses in enumerate(found):
            start = time.perf_counter()
            tracker.update(t, poses[np.isfinite(poses[..., 0]).any(axis=1)])
            taken.append(1000 * (time.perf_counter() - start))
        start = time.perf_counter()
        tracks = tracker.finish()
        mending = 1000 * (time.perf_counter() - start) / frames
        print(
            f"{count:3} people: {np.median(taken):.2f} ms a frame (slowest {max(taken):.1f}), and {mending:.2f} in the "
            f"end; {len(tracks)} tracks"
        )


def read_everybody(archive):
    """Video -> its frames, each (n, 25, 3) of everybody in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # people come and go: of course there are holes
        recordings = read_recordings(archive, fps=60)
    videos = {}
    for recording in recordings:
        frames = videos.setdefault(recording.video, {})
        for t, pose in enumerate(recording.keypoints, start=recording.first_frame):
            frames.setdefault(t, [])
            if np.isfinite(pose[:, 0]).any():
                frames[t].append(pose)
    return {
        video: [np.array(frames[t], np.float32).reshape(-1, 25, 3) for t in sorted(frames)]
        for video, frames in videos.items()
    }


def draw(archive, out, video=None):
    """Writes OUT-VIDEO-1.png ...: the chosen track red, the others in grey, all the frames, 30 a sheet."""
    import cv2

    limbs = [BODY_25.indices(pair) for pair in BODY_25.limbs]
    for name, found in read_everybody(archive).items():
        if video not in (None, name):
            continue
        tracker, taken = Tracker(60), []
        for t, people in enumerate(found):
            start = time.perf_counter()
            tracker.update(t, people)
            taken.append(1000 * (time.perf_counter() - start))
        tracks = tracker.finish()
        chosen = select_tracks(tracks, "athlete", 60, None)[0]
        high = np.nanmax([np.nanmax(p[..., :2], axis=(0, 1)) for p in found if len(p)], axis=0)
        shrink = 400 / high[0]
        print(
            f"{name}: {len(found)} frames, {len(tracks)} tracks, chosen {chosen}; "
            f"{np.mean(taken):.1f} ms a frame, slowest {max(taken):.1f}"
        )
        pictures = []
        for t, people in enumerate(found):
            picture = np.full((int(high[1] * shrink) + 10, 410, 3), 255, np.uint8)
            poses = [(pose, (170, 170, 170)) for pose in people]
            if t in chosen.frames:
                poses.append((chosen.poses[chosen.frames.index(t)], (0, 0, 230)))
            for pose, color in poses:
                places = np.round(np.nan_to_num(pose[:, :2]) * shrink).astype(int).tolist()
                for a, b in limbs:
                    if np.isfinite(pose[[a, b], 0]).all():
                        cv2.line(picture, places[a], places[b], color, 1, cv2.LINE_AA)
            cv2.putText(
                picture, str(t), (4, 18), 0, 0.6, (0, 0, 0) if t in chosen.frames else (0, 150, 255), 2
            )
            pictures.append(picture)
        blank = np.full_like(pictures[0], 255)
        for sheet in range(0, len(pictures), 30):
            shown = pictures[sheet : sheet + 30]
            shown += [blank] * (-len(shown) % 5)
            rows = [np.hstack(shown[n : n + 5]) for n in range(0, len(shown), 5)]
            cv2.imwrite(
                f"{out.removesuffix('.png')}-{name.split('.')[0]}-{sheet // 30 + 1}.png", np.vstack(rows)
            )


if __name__ == "__main__":
    if sys.argv[1] == "raw":
        draw(*sys.argv[2:])
    else:
        first, *more = map(int, sys.argv[1:])
        judge(range(first, more[0]) if more else range(first))
        measure()
