"""Others around the athlete: is the track that is chosen still the athlete's?

python benchmarks/passers_by.py PATH_TO/media 0-19                    # scenes of these seeds, in the back tuck
python benchmarks/passers_by.py PATH_TO/media 0-9 kong-vault-1-p1     # ... in a parkour clip
python benchmarks/passers_by.py PATH_TO/media 0-9 back-tuck front MOVENET.json  # with another estimator: see movenet.py

People cut out of people.avi (by MediaPipe's own mask) are drawn into a video of one athlete. Kinds: "behind" and "front",
somebody walks by, .7 to 1.4 times as tall, and crosses the athlete's place about the middle of the move; "crowd", four
people, larger than the athlete, walk on the spot beside them; "small", the athlete is 8 to 25 % of the picture's height;
"cut", another shot comes first. Counted are the frames in which the middle of the torso of the track that `select_tracks` names
for "athlete" is within half a torso of the athlete's, of those in which at least half of the athlete shows: of the
frames marked by eye, or in a parkour clip of those of the track found in the clip as it is.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from extraction import Timed, estimator_named, marks

from gymskel.body_geometry import torso_lean, torso_middle
from gymskel.extract import MediaPipe
from gymskel.skeleton import BODY_25
from gymskel.tracking.crops import Crop
from gymskel.tracking.follower import Follower
from gymskel.tracking.selection import select_tracks
from gymskel.video import read_frames

KINDS = ("behind", "front", "crowd", "small", "cut")
SHOWN = 97  # frames of the back tuck: its shot changes after them
SIDE = 384  # of a cut-out
ANKLES, NOSE, HIPS = BODY_25.indices(["RAnkle", "LAnkle"]), BODY_25.index("Nose"), BODY_25.index("MidHip")


@dataclass
class Clip:
    """A video of one athlete: its frames, their rate, and frame -> (middle of the torso, degrees, torso), pixels."""

    name: str
    frames: list[np.ndarray]
    fps: float
    truth: dict[int, tuple[np.ndarray, float, float]]
    track: object


@dataclass
class Walker:
    """Somebody cut out of a video: (SIDE, SIDE, 4) pictures, the feet and the height in each, walking which way."""

    pictures: list[np.ndarray]
    feet: list[tuple[float, float]]
    height: float
    way: int


# --- what is drawn together -------------------------------------------------------------------------------------------


class Mask:
    """MediaPipe's mask of the one person in a square, 0 to 1."""

    def __init__(self):
        import mediapipe

        self._pose = mediapipe.solutions.pose.Pose(static_image_mode=True, enable_segmentation=True)

    def __call__(self, square):
        mask = self._pose.process(cv2.cvtColor(square, cv2.COLOR_BGR2RGB)).segmentation_mask
        return np.zeros(square.shape[:2], np.float32) if mask is None else np.clip(3 * mask - 1, 0, 1)


def read(video: Path, fps=None, most=SHOWN) -> tuple[list[np.ndarray], float]:
    with read_frames(video, fps=fps) as frames:
        return [frame for _, frame in zip(range(most), frames, strict=False)], frames.fps


def athlete(frames, fps, estimator):
    """The follower, and the track that is chosen."""
    size = frames[0].shape[1::-1]
    follower = Follower(Timed(estimator), fps, size)
    for number, frame in enumerate(frames):
        follower.step(number, frame)
    chosen = select_tracks(follower.finish(), "athlete", fps, size)
    return follower, chosen[0] if chosen else None


def clip(media: Path, name: str) -> Clip:
    parkour = name != "back-tuck"
    frames, fps = read(media / "parkour" / f"{name}.mp4", 25) if parkour else read(media / "back-tuck.mp4")
    _, track = athlete(frames, fps, MediaPipe())  # whoever is asked, the scenes are the same
    truth = {}
    if parkour:
        for number, pose in zip(track.frames, track.poses, strict=True):
            truth[number] = torso_middle(pose), torso_lean(pose[:, :2]), track.torso
    else:
        by_eye = marks()
        torso = np.median([np.hypot(row[0] - row[2], row[1] - row[3]) for row in by_eye.values()])
        for number, (sx, sy, hx, hy) in by_eye.items():
            truth[number] = np.array([sx + hx, sy + hy]) / 2, np.degrees(np.arctan2(sx - hx, hy - sy)), torso
    return Clip(name, frames, fps, truth, track)


def walkers(media: Path) -> list[Walker]:
    """The people of walkers.csv, a row a picture: the square of people.avi, the feet in it, how tall in it, the way."""
    frames, _ = read(media / "people.avi", most=205)
    mask, made = Mask(), {}
    with (Path(__file__).parent / "walkers.csv").open() as file:
        for row in csv.DictReader(file):
            x, y, side, *foot, height = (float(row[key]) for key in "x y side foot_x foot_y height".split())
            square = Crop((x, y), side, 0.0, SIDE).cut(frames[int(row["frame"])])
            walker = made.setdefault(row["walker"], Walker([], [], height, int(row["way"])))
            walker.pictures.append(np.dstack([square, (255 * mask(square)).astype(np.uint8)]))
            walker.feet.append(tuple(foot))
    return list(made.values())


def drawn(frame, walker: Walker, number: int, feet, height: float, way: int):
    """The frame with a walker in it whose feet stand at (x, y), and their mask."""
    n = number % len(walker.pictures)
    picture, (x, y) = walker.pictures[n], walker.feet[n]
    if way != walker.way:
        picture, x = picture[:, ::-1], SIDE - x
    scale = height / walker.height
    matrix = np.array([[scale, 0, feet[0] - scale * x], [0, scale, feet[1] - scale * y]])
    placed = cv2.warpAffine(picture, matrix, frame.shape[1::-1])
    mask = placed[..., 3].astype(np.float32) / 255
    return over(placed[..., :3], frame, mask), mask


def over(front, behind, mask):
    where = mask > 0
    mixed = behind.copy()
    share = mask[where][:, None]
    mixed[where] = (share * front[where] + (1 - share) * behind[where]).astype(np.uint8)
    return mixed


def mask_of(pose, frame, mask: Mask):
    """The athlete's mask in a whole frame."""
    lean = torso_lean(pose[:, :2])
    low, high = np.nanmin(pose[:, :2], axis=0), np.nanmax(pose[:, :2], axis=0)
    side = 1.4 * float((high - low).max())
    crop = Crop(tuple((low + high) / 2), side, 0.0 if np.isnan(lean) else lean, SIDE)
    back = np.linalg.inv(np.vstack([crop.matrix, [0, 0, 1]]))[:2]
    return cv2.warpAffine(mask(crop.cut(frame)), back, frame.shape[1::-1])


# --- scenes ---------------------------------------------------------------------------------------------------------


def scene(kind: str, seed: int, clip: Clip, people: list[Walker], shot: list[np.ndarray]):
    """The frames, where a point of the clip is in them, and words.

    Where: (number of frames before, scale, x, y, numbers of the clip's frames in which under half of the athlete shows).
    """
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    poses = dict(zip(clip.track.frames, clip.track.poses, strict=True))
    pose = clip.track.poses[0]
    tall = float(np.nanmax(pose[ANKLES, 1]) - pose[NOSE, 1])
    ground = float(np.nanmax(pose[ANKLES, 1]))
    height, width = clip.frames[0].shape[:2]
    if kind == "small":
        share = rng.uniform(0.08, 0.25)
        scale = share * height / tall
        x, y = rng.uniform(0, 1 - scale), rng.uniform(0, 1 - scale)
        xs = np.array(clip.track.poses)[..., 0]
        left, right = int(np.nanmin(xs) - 0.2 * tall), int(np.nanmax(xs) + 0.2 * tall)
        beside = clip.frames[0][:, :left] if left > width - right else clip.frames[0][:, right:]
        background = cv2.GaussianBlur(cv2.resize(beside, (width, height)), (0, 0), 3)
        made = []
        for frame in clip.frames:
            small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            x0, y0 = int(x * width), int(y * height)
            made.append(background.copy())
            made[-1][y0 : y0 + small.shape[0], x0 : x0 + small.shape[1]] = small
        return made, (0, scale, x0, y0, set()), f"{share:.2f} of the picture's height"
    if kind == "cut":
        first = [cv2.resize(frame, (width, height)) for frame in shot[: rng.integers(20, 60)]]
        return [*first, *clip.frames], (len(first), 1.0, 0, 0, set()), f"after {len(first)} frames"
    if kind == "crowd":
        sizes = rng.uniform(1.25, 1.5, 4)
        places = pose[HIPS, 0] + tall * np.array([-1.2, -0.75, 0.75, 1.2]) * rng.uniform(0.95, 1.05, 4)
        which, starts = rng.integers(len(people), size=4), rng.integers(100, size=4)
        made = []
        for number, frame in enumerate(clip.frames):
            for place, size, who, start in zip(places, sizes, which, starts, strict=True):
                feet = (place, ground + 0.15 * tall)
                frame, _ = drawn(frame, people[who], number + start, feet, size * tall, people[who].way)
            made.append(frame)
        return made, (0, 1.0, 0, 0, set()), f"{sizes.round(2)}"
    size, way, start = rng.uniform(0.7, 1.4), int(rng.choice([-1, 1])), int(rng.integers(100))
    when = int(rng.uniform(0.25, 0.65) * len(clip.frames))
    speed = rng.uniform(0.6, 1.3) * tall * 0.9 / clip.fps  # heights a second: a walk
    who, mask = people[rng.integers(len(people))], Mask()
    there = torso_middle(poses[min(poses, key=lambda n: abs(n - when))])[0]
    depth = tall * (size - 1) * 0.3
    made, hidden = [], set()
    for number, frame in enumerate(clip.frames):
        feet = (there + way * speed * (number - when), ground + depth)
        new, theirs = drawn(frame, who, number + start, feet, size * tall, way)
        mine = mask_of(poses[number], frame, mask) if number in poses else np.zeros_like(theirs)
        if kind == "behind":
            new = over(frame, new, mine)
        elif (mine * theirs).sum() > mine.sum() / 2:
            hidden.add(number)
        made.append(new)
    return (
        made,
        (0, 1.0, 0, 0, hidden),
        f"{size:.2f} as tall, to the {'right' if way > 0 else 'left'}, frame {when}",
    )


def judged(track, clip: Clip, moved) -> tuple[int, int]:
    """Frames on the athlete, of those that count."""
    before, scale, x, y, hidden = moved
    poses = dict(zip(track.frames, track.poses, strict=True)) if track else {}
    on, count = 0, 0
    for number, (middle, _, torso) in clip.truth.items():
        if number in hidden:
            continue
        count += 1
        pose = poses.get(number + before)
        on += (
            pose is not None
            and np.linalg.norm(torso_middle(pose) - (scale * middle + (x, y))) < scale * torso / 2
        )
    return on, count


if __name__ == "__main__":
    estimator = estimator_named(sys.argv)
    media, seeds = Path(sys.argv[1]), sys.argv[2].split("-")
    name, *kinds = [*sys.argv[3:], "back-tuck"][0], *sys.argv[4:]
    video, people, shot = clip(media, name), walkers(media), read(media / "people.avi")[0]
    on, count = judged(video.track, video, (0, 1, 0, 0, set()))
    print(f"{name} as it is: {on} of {count}; {len(people)} walkers", flush=True)
    for kind in kinds or KINDS:
        shares = []
        for seed in range(int(seeds[0]), int(seeds[-1]) + 1):
            frames, moved, words = scene(kind, seed, video, people, shot)
            follower, track = athlete(frames, video.fps, estimator)
            on, count = judged(track, video, moved)
            shares.append(on / count)
            asked = np.mean(follower.estimates)
            print(f"  {kind} {seed}: {on} of {count}, {asked:.1f} estimates a frame; {words}", flush=True)
        whole = sum(share >= 0.9 for share in shares)
        print(
            f"{kind}: {np.mean(shares):.3f}, at least nine tenths in {whole} of {len(shares)}; "
            f"the least {min(shares):.2f}",
            flush=True,
        )
