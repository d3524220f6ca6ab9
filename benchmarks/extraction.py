"""How well extraction holds a body that turns, and what it costs.

python benchmarks/extraction.py PATH_TO/media                       # everything, about half an hour on 2 cores
python benchmarks/extraction.py PATH_TO/media turns,back_tuck       # some of: turns somersault blind back_tuck cost
python benchmarks/extraction.py PATH_TO/media turns MOVENET.json    # with another estimator: see movenet.py

Good pose: the mean distance of 13 joints from the upright result of the same frame is under 0.25 torso lengths;
over joints seen in both, at least 8 of them. Frames count where the upright result is confident (mean visibility
of the 13 at least 0.8, MoveNet's 0.45, torso within 45 degrees of upright) and nobody else is found beside the person.
"""

import csv
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from gymskel.body_geometry import torso_lean
from gymskel.estimators.estimator import find_people
from gymskel.extract import MediaPipe
from gymskel.skeleton import BODY_25
from gymskel.tracking.crops import Crop
from gymskel.tracking.follower import Follower
from gymskel.tracking.selection import select_tracks
from gymskel.video import read_frames

HERE = Path(__file__).parent
JOINTS = BODY_25.indices(
    "Nose RShoulder LShoulder RElbow LElbow RWrist LWrist RHip LHip RKnee LKnee RAnkle LAnkle".split()
)
NECK, HIPS = BODY_25.indices(["Neck", "MidHip"])
SIDE = 480  # of the crops, pixels
TURNED = 12  # frames of each crop in each constant turn
GOOD = 0.25  # torso lengths


def estimator_named(arguments: list[str]):
    """MoveNet where the last argument is its .json, which is taken away; else MediaPipe, frame by frame."""
    if not arguments[-1].endswith(".json"):
        return MediaPipe()
    from movenet import MoveNet

    return MoveNet(Path(arguments.pop()))


class Timed:
    """An estimator's answers in BODY_25, counted and timed; blind beyond `limit` degrees of tilt."""

    def __init__(self, estimator, limit: float = 180.0) -> None:
        self.estimator, self.limit = estimator, limit
        self.calls, self.seconds = 0, 0.0

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        start = time.perf_counter()
        people = find_people(frame, self.calls, self.estimator, Path("benchmark"))
        self.seconds += time.perf_counter() - start
        self.calls += 1
        return people[[not abs(torso_lean(pose[:, :2])) > self.limit for pose in people]]


# --- upright crops, and how good a turned result is -----------------------------------------------------------


def crops(media: Path, estimator) -> list[tuple[list[np.ndarray], list[np.ndarray | None]]]:
    """The squares of each crop of crops.csv, and the upright result of each, None where it does not count.

    The rows, one a square, were found by following, and are kept so that the frames that count stay the same.
    """
    find, frames = Timed(estimator), {}
    made: dict[str, tuple[list, list]] = {}
    with (HERE / "crops.csv").open() as file:
        for row in csv.DictReader(file):
            video = row["video"]
            if video not in frames:
                with read_frames(
                    media / video if video.endswith("avi") else media / "parkour" / video
                ) as shown:
                    frames = {video: [frame for _, frame in zip(range(120), shown, strict=False)]}
            x, y, side = (float(row[key]) for key in ("x", "y", "side"))
            squares, truths = made.setdefault(row["crop"], ([], []))
            squares.append(Crop((x, y), side, 0.0, SIDE).cut(frames[video][int(row["frame"])]))
            truths.append(_truth(squares[-1], find))
    return list(made.values())


def _truth(square, find):
    people = find(square)
    if not len(people):
        return None
    pose = people[0]
    enough = getattr(find.estimator, "confident", 0.8)
    confident = pose[JOINTS, 2].mean() >= enough and abs(torso_lean(pose[:, :2])) < 45
    x0, y0 = np.nanmin(pose[:, :2], axis=0).astype(int) - 15
    x1, y1 = np.nanmax(pose[:, :2], axis=0).astype(int) + 15
    alone = square.copy()
    alone[max(y0, 0) : y1, max(x0, 0) : x1] = 0
    return pose if confident and not len(find(alone)) else None


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """The picture turned clockwise about its middle."""
    matrix = cv2.getRotationMatrix2D((SIDE / 2 - 0.5, SIDE / 2 - 0.5), -degrees, 1.0)
    return cv2.warpAffine(image, matrix, (SIDE, SIDE))


def is_good(pose: np.ndarray | None, truth: np.ndarray, degrees: float) -> bool:
    if pose is None:
        return False
    back = Crop((SIDE / 2, SIDE / 2), SIDE, degrees, SIDE)
    placed = pose[:, :2] @ back.matrix[:, :2].T + back.matrix[:, 2]
    away = np.linalg.norm(placed[JOINTS] - truth[JOINTS, :2], axis=1)
    both = ~np.isnan(away)
    torso = np.linalg.norm(truth[NECK, :2] - truth[HIPS, :2])
    return bool(both.sum() >= 8 and away[both].mean() < GOOD * torso)


def followed(squares, degrees, find) -> list[np.ndarray | None]:
    """The pose of the person in each turned square, by a follower that starts afresh."""
    follower = Follower(find, 25)
    for number, (square, angle) in enumerate(zip(squares, degrees, strict=True)):
        follower.step(number, turned(square, angle))
    track = max(follower.tracker.tracks, key=lambda track: len(track.frames), default=None)
    known = dict(zip(track.frames, track.poses, strict=True)) if track else {}
    return [known.get(number) for number in range(len(squares))]


def plain(squares, degrees, find) -> list[np.ndarray | None]:
    """The same, each turned square shown as it is."""
    found = [find(turned(square, angle)) for square, angle in zip(squares, degrees, strict=True)]
    return [people[0] if len(people) else None for people in found]


def share(way, sets, angles, find) -> tuple[int, int]:
    """Good poses and frames that count; `angles`: number of frames -> degrees of each."""
    good = count = 0
    for squares, truths in sets:
        if hasattr(find.estimator, "reset"):
            find.estimator.reset()
        degrees = angles(len(squares))
        for pose, truth, angle in zip(way(squares, degrees, find), truths, degrees, strict=True):
            if truth is not None:
                count += 1
                good += is_good(pose, truth, angle)
    return good, count


# --- the tables -------------------------------------------------------------------------------------------------


def constant(find, sets, title: str, way=followed) -> None:
    total = np.zeros(2, int)
    line, sets = [], [(squares[:TURNED], truths[:TURNED]) for squares, truths in sets]
    for angle in range(0, 360, 30):
        good, count = share(way, sets, lambda n, angle=angle: [angle] * n, find)
        total += good, count
        line.append(f"{angle}: {100 * good / count:.1f}")
    print(
        f"{title}: {100 * total[0] / total[1]:.1f} % of {total[1]} good; by angle {'  '.join(line)}",
        flush=True,
    )


def rolling(find, sets, title: str, way=followed) -> None:
    for step in (15, 30):
        good, count = share(way, sets, lambda n, step=step: [step * k for k in range(n)], find)
        print(f"{title}, {step} degrees a frame: {100 * good / count:.1f} % of {count} good", flush=True)


def turns(media: Path, sets, estimator) -> None:
    constant(Timed(estimator), sets, "constant turns, follow")
    constant(Timed(estimator), sets, "constant turns, each frame as it is", way=plain)


def somersault(media: Path, sets, estimator) -> None:
    rolling(Timed(estimator), sets, "somersault, follow")
    rolling(Timed(estimator), sets, "somersault, each frame as it is", way=plain)
    if isinstance(estimator, MediaPipe):
        rolling(Timed(MediaPipe(tracking=True)), sets, "somersault, MediaPipe's own tracking", way=plain)


def blind(media: Path, sets, estimator) -> None:
    find = Timed(estimator, limit=60)
    constant(find, sets, "blind beyond 60 degrees, follow")
    rolling(find, sets, "blind beyond 60 degrees, follow")
    constant(find, sets, "blind beyond 60 degrees, as it is", way=plain)


def marks() -> dict[int, np.ndarray]:
    """Frame -> x and y of the middle of the shoulders and of the hips, marked by eye."""
    with (HERE / "back_tuck_by_eye.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {int(row["frame"]): np.array([float(v) for v in list(row.values())[1:]]) for row in rows}


def back_tuck(media: Path, sets, estimator) -> None:
    """Against marks made by eye: on the athlete = middle of the torso within half a torso length."""
    eye = marks()
    with read_frames(media / "back-tuck.mp4") as frames:
        kept = [frame for _, frame in zip(range(97), frames, strict=False)]
    size = kept[0].shape[1::-1]
    follower = Follower(Timed(estimator), 30, size)
    for number, frame in enumerate(kept):
        follower.step(number, frame)
    (track,) = select_tracks(follower.finish(), "athlete", 30, size)
    ours = dict(zip(track.frames, track.poses, strict=True))
    tracking, static = MediaPipe(tracking=True), estimator
    theirs = {number: people[0] for number, f in enumerate(kept) if len(people := Timed(tracking)(f))}
    each = {number: people[0] for number, f in enumerate(kept) if len(people := Timed(static)(f))}
    torso = np.median([np.hypot(row[0] - row[2], row[1] - row[3]) for row in eye.values()])
    for title, poses in (("follow", ours), ("MediaPipe's own tracking", theirs), ("each frame whole", each)):
        on, up, leans = _judge(poses, eye, torso)
        print(
            f"back tuck, {title}: on the athlete {on}, direction within 45 degrees {up} of {len(eye)}; off by {leans}"
        )
    print(f"back tuck: {np.mean(follower.estimates):.2f} estimates a frame", flush=True)


def _judge(poses, eye, torso):
    on = up = 0
    off = []
    for number, (sx, sy, hx, hy) in eye.items():
        pose = poses.get(number)
        if pose is None:
            off.append("-")
            continue
        middle = (pose[NECK, :2] + pose[HIPS, :2]) / 2
        near = np.hypot(*(middle - ((sx + hx) / 2, (sy + hy) / 2))) < torso / 2
        lean = np.degrees(np.arctan2(sx - hx, hy - sy))
        error = abs((torso_lean(pose[:, :2]) - lean + 180) % 360 - 180)
        on += bool(near)
        up += bool(near and error < 45)
        off.append(f"{error:.0f}")
    return on, up, " ".join(off)


def cost(media: Path, sets, estimator) -> None:
    """Estimates a frame and the time beside the estimator, on all parkour clips."""
    find = Timed(estimator)
    count = estimates = seen = 0
    seconds = reading = 0.0
    for video in sorted((media / "parkour").glob("*.mp4")):
        start = time.perf_counter()
        with read_frames(video, fps=25) as frames:
            kept = list(frames)
        reading += time.perf_counter() - start
        follower = Follower(find, 25)
        start = time.perf_counter()
        for number, frame in enumerate(kept):
            follower.step(number, frame)
        seconds += time.perf_counter() - start
        count += len(kept)
        estimates += sum(follower.estimates)
        longest = max(len(track.frames) for track in follower.tracker.tracks)
        seen += longest
        print(
            f"  {video.stem}: {len(kept)} frames, {sum(follower.estimates) / len(kept):.2f} estimates a frame, "
            f"tracks {sorted((len(t.frames) for t in follower.tracker.tracks), reverse=True)}"
        )
    beside = seconds - find.seconds
    print(
        f"cost: {estimates / count:.2f} estimates a frame over {count} frames, {seen} with the athlete; "
        f"estimator {find.seconds:.1f} s, beside it {beside:.1f} s ({100 * beside / seconds:.1f} %), reading {reading:.1f} s",
        flush=True,
    )


PARTS = {f.__name__: f for f in (turns, somersault, blind, back_tuck, cost)}

if __name__ == "__main__":
    estimator = estimator_named(sys.argv)
    media = Path(sys.argv[1])
    parts = sys.argv[2].split(",") if len(sys.argv) > 2 else list(PARTS)
    sets = crops(media, estimator) if {"turns", "somersault", "blind"} & set(parts) else None
    if sets:
        counted = sum(truth is not None for _, truths in sets for truth in truths)
        print(f"{len(sets)} clips, {counted} frames that count of {sum(len(s) for s, _ in sets)}", flush=True)
    for part in parts:
        PARTS[part](media, sets, estimator)
