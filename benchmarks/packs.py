"""Speed and memory of the way from files to training arrays, each claim beside its baseline in the same run.

python benchmarks/packs.py PATH_TO/tumbling.zip                      # files, steps and growth: 8 minutes on 2 cores
python benchmarks/packs.py PATH_TO/tumbling.zip files,steps 1        # some of: files steps growth stream; rounds
python benchmarks/packs.py PATH_TO/tumbling.zip stream 4             # a Parquet data set of 4 GB, made and deleted

files    per-frame CSVs, a pack and Parquet beside pandas.read_csv file by file, all recordings of the archive
steps    the default Preprocessor, and the thesis' steps, beside a DataFrame a frame; same numbers
growth   reading a pack and preprocessing it, per frame, from 100 to 100,000 recordings
stream   peak resident memory of an epoch over a Parquet data set beside that of training on one clip
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

from gymskel import Recording, read_recordings
from gymskel.formats.pack import read_pack, write_pack
from gymskel.formats.parquet import open_parquet, read_parquet, write_parquet
from gymskel.preprocess import Preprocessor
from gymskel.simulate import simulate_recordings
from gymskel.skeleton import BODY_25, GYMNASTICS_15

pd.options.mode.string_storage = (
    "python"  # where pyarrow is installed pandas keeps names in it: half as fast here
)
FRAMES = 32  # of the default preset
NECK, HIP = BODY_25.indices(["Neck", "MidHip"])


def seconds(work: Callable[[], object], rounds: int = 1) -> float:
    """Median wall time."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def told(ratios: list[float]) -> str:
    return f"{np.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


# --- files -------------------------------------------------------------------------------------------------------


def file_by_file(root: Path) -> dict[str, np.ndarray]:
    recordings = {}
    for folder in sorted(p for p in root.rglob("*") if p.is_dir() and any(p.glob("*.csv"))):
        files = sorted(folder.glob("*.csv"), key=lambda f: int(f.stem.rsplit("-", 2)[1]))
        recordings[folder.name] = np.stack([pd.read_csv(f).to_numpy(np.float32) for f in files])
    return recordings


def files(archive: str, rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(root / "tree")
        recordings = read_recordings(root / "tree", fps=60)
        plain = write_pack(recordings, root / "plain.npz")
        deflated = write_pack(recordings, root / "deflated.npz", compress=True)
        stored = write_parquet(recordings, root / "set")
        ways = {
            "per-frame files": (lambda: read_recordings(root / "tree", fps=60), 1, root / "tree"),
            "pack": (lambda: read_pack(plain), 9, plain),
            "pack, deflated": (lambda: read_pack(deflated), 5, deflated),
            "Parquet": (lambda: read_parquet(stored), 5, stored),
        }
        taken: dict[str, list[float]] = {name: [] for name in ("pandas", *ways)}
        for _ in range(rounds):  # side by side, as the machine's load comes and goes
            taken["pandas"].append(seconds(lambda: file_by_file(root / "tree")))
            for name, (read, times, _) in ways.items():
                taken[name].append(seconds(read, times))
        baseline, count = file_by_file(root / "tree"), sum(map(len, recordings))
        print(f"files: {count} frame files, {len(recordings)} recordings, {rounds} rounds, medians")
        slow = np.median(taken["pandas"])
        print(f"  {'pandas, file by file':20} {1e3 * slow:8.1f} ms, {1e3 * slow / count:.3f} ms a file")
        for name, (read, _, path) in ways.items():
            size = sum(p.stat().st_size for p in [path, *path.rglob("*")] if p.is_file())
            worst = max(np.abs(np.nan_to_num(r.keypoints) - baseline[r.source]).max() for r in read())
            ratios = [a / b for a, b in zip(taken["pandas"], taken[name], strict=True)]
            print(
                f"  {name:20} {1e3 * np.median(taken[name]):8.1f} ms, {told(ratios)} times faster; {size / 1e6:.2f} MB, "
                f"largest difference {worst:.2g}"
            )


# --- steps: a DataFrame for each frame, a walk over frames and joints, the plain way to write it -----------------


def fill_linear(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    filled = [frame.copy() for frame in frames]
    for joint in range(len(frames[0])):
        for axis in ("x", "y"):
            known = [t for t in range(len(frames)) if not np.isnan(frames[t].at[joint, axis])]
            for t in range(len(frames)):
                if not known or not np.isnan(frames[t].at[joint, axis]):
                    continue
                before = max((k for k in known if k < t), default=None)
                after = min((k for k in known if k > t), default=None)
                first = frames[after if before is None else before].at[joint, axis]
                last = frames[before if after is None else after].at[joint, axis]
                share = 0 if before is None or after is None else (t - before) / (after - before)
                filled[t].at[joint, axis] = first + share * (last - first)
    return filled


def smooth_centered(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    smoothed = [frame.copy() for frame in frames]
    for t in range(len(frames)):
        around = frames[max(t - 1, 0) : t + 2]
        for axis in ("x", "y"):
            smoothed[t][axis] = sum(frame[axis] for frame in around) / len(around)
    return smoothed


def resampled(frames: list[pd.DataFrame], count: int = FRAMES) -> list[pd.DataFrame]:
    made = []
    for t in range(count):
        at = t * (len(frames) - 1) / (count - 1)
        before, after = int(at), min(int(at) + 1, len(frames) - 1)
        made.append(frames[before] + (at - before) * (frames[after] - frames[before]))
    return made


def centred(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    origin = frames[0].loc[HIP, ["x", "y"]]
    moved = []
    for frame in frames:
        frame = frame.copy()
        frame[["x", "y"]] = frame[["x", "y"]] - origin
        moved.append(frame)
    return moved


def scaled(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    lengths = []
    for frame in frames:
        dx, dy = frame.loc[NECK, ["x", "y"]] - frame.loc[HIP, ["x", "y"]]
        lengths.append((dx**2 + dy**2) ** 0.5)
    made = []
    for frame in frames:
        frame = frame.copy()
        frame[["x", "y"]] = frame[["x", "y"]] / np.median(lengths)
        made.append(frame)
    return made


def fill_thesis(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    count, filled = len(frames), [frame.copy() for frame in frames]
    for joint in range(len(frames[0])):
        for axis in ("x", "y"):
            for t in range(count):
                if not np.isnan(frames[t].at[joint, axis]):
                    continue
                later = (frames[u].at[joint, axis] for u in range(t + 1, count - 1))
                following = next((value for value in later if not np.isnan(value)), None)
                previous = filled[t - 1].at[joint, axis] if t else np.nan
                if np.isnan(previous) and following is not None:
                    filled[t].at[joint, axis] = following
                elif following is None:
                    filled[t].at[joint, axis] = previous
                else:
                    filled[t].at[joint, axis] = (previous + following) / 2
    return filled


def smooth_trailing(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    smoothed = [frame.copy() for frame in frames]
    for t in range(2, len(frames)):
        for axis in ("x", "y"):
            smoothed[t][axis] = (frames[t][axis] + frames[t - 1][axis] + frames[t - 2][axis]) / 3
    return smoothed


def padded(clips: list[list[pd.DataFrame]]) -> np.ndarray:
    joints = BODY_25.indices(GYMNASTICS_15.joints)
    x = np.zeros((len(clips), max(map(len, clips)), len(joints), 2), np.float32)
    for clip, frames in enumerate(clips):
        for t, frame in enumerate(frames):
            x[clip, t] = frame.loc[joints, ["x", "y"]].fillna(0).to_numpy()
    return x


BASELINES = {
    "default": lambda frames: scaled(centred(resampled(smooth_centered(fill_linear(frames))))),
    "thesis": lambda frames: centred(smooth_trailing(fill_thesis(frames))),
}


def with_holes(recording: Recording, seed: int) -> Recording:
    """The published recordings are filled already; places in runs of up to nine frames are taken out again."""
    keypoints, rng = recording.keypoints.copy(), np.random.default_rng(seed)
    for joint in range(keypoints.shape[1]):
        start = rng.integers(1, len(keypoints) - 12)
        keypoints[start : start + rng.integers(1, 10), joint] = np.nan, np.nan, 0
    return replace(recording, keypoints=keypoints)


def steps(archive: str, rounds: int = 3) -> None:
    recordings = [with_holes(r, i) for i, r in enumerate(read_recordings(archive, fps=60))]
    framed = [
        [pd.DataFrame(k, columns=["x", "y", "c"], dtype=float) for k in r.keypoints] for r in recordings
    ]
    for preset, steps_of in BASELINES.items():
        ours, theirs, ratios = [], [], []
        for _ in range(rounds):
            ours.append(seconds(lambda preset=preset: Preprocessor(preset).fit_transform(recordings), 5))
            start = time.perf_counter()
            made = padded([steps_of(frames) for frames in framed])
            theirs.append(time.perf_counter() - start)
            ratios.append(theirs[-1] / ours[-1])
        worst = np.abs(Preprocessor(preset).fit_transform(recordings).x - made).max()
        unit = "torso lengths" if preset == "default" else "px"
        print(
            f"steps: {preset} on {len(recordings)} recordings, {rounds} rounds: gymskel {np.median(ours):.3f} s, a DataFrame a "
            f"frame {np.median(theirs):.1f} s, {told(ratios)} times faster; largest difference {worst:.1g} {unit}"
        )


# --- growth ------------------------------------------------------------------------------------------------------


def growth(
    counts: tuple[int, ...] = (100, 1_000, 10_000, 100_000), frames: int = 30, chunk: int = 500
) -> None:
    pool = [
        replace(r, keypoints=r.keypoints[:frames])
        for r in simulate_recordings(athletes=10, per_athlete=5, seed=0)
    ]
    taken: dict[int, list[tuple[float, float]]] = {count: [] for count in counts}

    def once(path: Path, count: int) -> tuple[float, float]:
        start = time.process_time()  # of this process alone, as others may be busy on the machine
        recordings = read_pack(path)
        read = time.process_time()
        for at in range(0, count, chunk):
            Preprocessor().transform(recordings[at : at + chunk], classes=("backflip", "back-handspring"))
        return read - start, time.process_time() - read

    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for count in counts:
            many_ = [replace(pool[k % len(pool)], sample=k) for k in range(count)]
            paths[count] = write_pack(many_, f"{folder}/{count}.npz")
            del many_
        once(paths[counts[0]], counts[0])
        for sweep in range(4):  # the small ones before, between and after the large ones
            for count, path in paths.items():
                if sweep == 1 or count < 100_000:
                    taken[count] += [once(path, count) for _ in range(max(1, 2_000 // count))]
        sizes = {count: path.stat().st_size / 1e6 for count, path in paths.items()}
    print(
        f"growth: read_pack, default Preprocessor in chunks of {chunk}; {frames} frames each; CPU time, medians"
    )
    costs = []
    for count in counts:
        read, step = 1e6 * np.median(taken[count], axis=0) / (count * frames)
        costs.append(read + step)
        print(
            f"  {count:7} recordings, {sizes[count]:6.1f} MB: {read + step:.2f} microseconds a frame "
            f"(reading {read:.2f}), {len(taken[count])} rounds"
        )
    print(f"  dearest / cheapest {max(costs) / min(costs):.2f}")


# --- stream: each training in a process of its own, which tells its peak -----------------------------------------


def many(count: int) -> Iterator[Recording]:
    """Simulated recordings with fresh noise each, so that they do not pack better than real ones."""
    pool, rng = simulate_recordings(athletes=10, per_athlete=5, seed=0), np.random.default_rng(0)
    for k in range(count):
        one = pool[k % len(pool)]
        keypoints = one.keypoints.copy()
        keypoints[..., :2] += rng.standard_normal((*keypoints.shape[:2], 2), np.float32)
        keypoints[..., 2] *= 1 - 0.1 * rng.random(keypoints.shape[:2], np.float32)
        yield replace(one, keypoints=keypoints, sample=k)


def train_one() -> None:
    import keras

    from gymskel import models

    clips = Preprocessor().fit_transform(list(many(1)))
    model = models.simple_rnn(2)
    model.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy")
    model.fit(clips.inputs, np.eye(2)[clips.y], epochs=20, verbose=0)


def train_all(folder: str) -> None:
    import keras

    from gymskel import models
    from gymskel.preprocess.augmentation import augment_clips
    from gymskel.training.streaming import StreamedClips

    start = time.perf_counter()
    stored = open_parquet(folder)
    opened = time.perf_counter() - start
    model = models.simple_rnn(2)
    model.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy", metrics=["accuracy"])
    batches = StreamedClips(stored, FRAMES).batches(128, augment=augment_clips, seed=0)
    start = time.perf_counter()
    history = model.fit(batches, epochs=1, verbose=0).history
    print(
        f"  opened {stored!r} in {opened:.1f} s; one epoch, augmented, of {len(batches)} steps in "
        f"{time.perf_counter() - start:.0f} s, accuracy {history['accuracy'][0]:.3f}"
    )


def in_a_process(call: str) -> float:
    """Peak resident memory in MB of a fresh Python that runs this."""
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import packs, resource; packs.{call}"
    script += "; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    *lines, peak = done.stdout.splitlines()
    print("\n".join(lines), end="\n" * bool(lines))
    return int(peak) / 1e3 if sys.platform == "linux" else int(peak) / 1e6


def stream(gigabytes: float = 4) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trial = write_parquet(many(300), f"{folder}/trial")
        each = sum(path.stat().st_size for path in trial.iterdir()) / 300
        start = time.perf_counter()
        made = write_parquet(many(int(1.01e9 * gigabytes / each)), f"{folder}/set")
        size = sum(path.stat().st_size for path in made.iterdir())
        print(
            f"stream: {size / 1e9:.2f} GB in {len(list(made.iterdir()))} files, made in {time.perf_counter() - start:.0f} s "
            f"(peak of that {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB)",
            flush=True,
        )
        one, all_ = in_a_process("train_one()"), in_a_process(f"train_all({str(made)!r})")
        print(
            f"  peak resident memory: one clip {one:.0f} MB, the data set {all_:.0f} MB, difference {all_ - one:.0f} MB"
        )


if __name__ == "__main__":
    archive, parts, *rest = [*sys.argv[1:], "files,steps,growth"][: max(2, len(sys.argv) - 1)]
    ways = {
        "files": lambda: files(archive, *map(int, rest)),
        "steps": lambda: steps(archive, *map(int, rest)),
        "growth": growth,
        "stream": lambda: stream(*map(float, rest)),
    }
    for part in parts.split(","):
        ways[part]()
