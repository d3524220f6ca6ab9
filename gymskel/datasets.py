"""Public data sets that a user downloads, read from a folder or fetched once; none is part of gymskel.

Each `fetch_` looks into the folder that the environment variable GYMSKEL_DATA names, then into the cache, then downloads,
which needs `pip install "gymskel[datasets]"`. The addresses name a commit, so that everybody gets the same
files; no checksums are known to us, pooch tells the one it found when it downloads. No licence is stated by their
authors: use them for research, pass none of them on.
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import DAMAGED_ERRORS, open_zip, read_array
from gymskel.clips import Clips
from gymskel.formats.unpickle import load_plain, plain
from gymskel.recording import Recording, read_recordings
from gymskel.skeleton import Skeleton

JHMDB_15 = Skeleton(
    name="JHMDB_15",
    joints=tuple(
        "Neck Belly Face RShoulder LShoulder RHip LHip RElbow LElbow RKnee LKnee RWrist LWrist RAnkle LAnkle".split()
    ),
    limbs=(
        ("Belly", "Neck"),
        ("Neck", "Face"),
        ("Neck", "RShoulder"),
        ("Neck", "LShoulder"),
        ("RShoulder", "RElbow"),
        ("RElbow", "RWrist"),
        ("LShoulder", "LElbow"),
        ("LElbow", "LWrist"),
        ("Belly", "RHip"),
        ("Belly", "LHip"),
        ("RHip", "RKnee"),
        ("RKnee", "RAnkle"),
        ("LHip", "LKnee"),
        ("LKnee", "LAnkle"),
    ),
    parts={
        "right_arm": ("RShoulder", "RElbow", "RWrist"),
        "left_arm": ("LShoulder", "LElbow", "LWrist"),
        "trunk": ("Face", "Neck", "Belly"),
        "right_leg": ("RHip", "RKnee", "RAnkle"),
        "left_leg": ("LHip", "LKnee", "LAnkle"),
    },
    root="Belly",
)
"""The puppet of the J-HMDB data set (Jhuang et al. 2013)."""

_TUMBLING = "https://github.com/AllarVi/pose-estimation-jupyter/archive/a66b3c3d.zip"
_JHMDB = (
    "https://raw.githubusercontent.com/fandulu/DD-Net/9e2c521d51782a2c144fe8b5fa47ad28d0c9ee1e/data/JHMDB"
)
_PARKOUR = "https://raw.githubusercontent.com/zongmianli/Parkour-dataset/36ee65fc8d1de0201bc1241d44a4a41c73f4302b/videos"
_PARKOUR_CLIPS = (
    "kv01_PKFC kv01_PKLP kv02_PKLP kv03_PKLP kv04_PKLP kv05_PKLP kv06_PKLP mu02_PKLP mu03_PKLP mu04_PKLP mu05_PKFC "
    "mu09_PKLP mu11_PKFC pu02_PKLP pu02_PKLT pu03_PKLP pu03_PKLT pu04_PKLP pu04_PKLT sv01_PKFC sv02_PKFC sv03_PKFC "
    "sv03_PKLP sv03_PKMT sv04_PKFC sv04_PKMT sv05_PKLP sv07_PKMT"
).split()
_MOVES = {"kv": "kong-vault", "mu": "muscle-up", "pu": "pull-up", "sv": "safety-vault"}
_PEOPLE = {"LP": "p1", "FC": "p2", "LT": "p3", "MT": "p4"}


def fetch_tumbling() -> list[Recording]:
    """The 113 published recordings of backflips and back handsprings, 60 fps, BODY_25, filled and smoothed already.

    From the thesis "Recognition of gymnastics elements with deep learning networks" (TalTech 2020), folder
    `filtered-keypoints` of github.com/AllarVi/pose-estimation-jupyter. A `tumbling.zip` in GYMSKEL_DATA is read instead.

    Raises:
        OSError: it is not there and cannot be downloaded; the message says what to do.
    """
    return read_recordings(_file("tumbling.zip", _TUMBLING, _keep_filtered), fps=60)


def fetch_jhmdb(split: int = 1) -> tuple[Clips, Clips]:
    """(training clips, test clips) of J-HMDB as Yang et al. (DD-Net, 2019) prepared it: 15 joints, 14 classes.

    Places are centred and scaled already, y points down; frame rates and people are not known, so that no part of the
    training clips can be held out by athlete. `jhmdb.npz` in GYMSKEL_DATA, with `split1_x_train`, `split1_len_train`,
    `split1_y_train` and so on and `class_names`, is read instead of DD-Net's own `GT_train_1.pkl`, `GT_test_1.pkl`.

    Args:
        split: 1, 2 or 3.

    Raises:
        ValueError: no such split; files that are not as expected.
        OSError: it is not there and cannot be downloaded; the message says what to do.
    """
    if split not in (1, 2, 3):
        raise ValueError(f"`split` must be 1, 2 or 3, got {split!r}.")
    packed = _local("jhmdb.npz")
    if packed is not None:
        return _read_jhmdb(packed, split)
    train, test = (
        load_plain(_file(f"GT_{part}_{split}.pkl", f"{_JHMDB}/GT_{part}_{split}.pkl"))
        for part in ("train", "test")
    )
    if not all(isinstance(saved, dict) and {"pose", "label"} <= set(saved) for saved in (train, test)):
        raise ValueError(f"GT_train_{split}.pkl and GT_test_{split}.pkl must hold `pose` and `label` each.")
    classes = tuple(sorted({str(label) for label in plain(train["label"])}))
    return _padded(train, classes, f"train{split}"), _padded(test, classes, f"test{split}")


def fetch_parkour() -> list[Path]:
    """28 videos, each named `activity-number-athlete.mp4`: 4 moves of 4 athletes.

    From github.com/zongmianli/Parkour-dataset (Li et al. 2019). They were filmed at 25 frames a second though the files
    say 10: give fps=25 when extracting. A folder `parkour` in GYMSKEL_DATA that holds them all is taken instead.

    Raises:
        OSError: they are not there and cannot be downloaded; the message says what to do.
    """
    return [
        _file(
            f"parkour/{_MOVES[name[:2]]}-{int(name[2:4])}-{_PEOPLE[name[-2:]]}.mp4", f"{_PARKOUR}/{name}.mp4"
        )
        for name in _PARKOUR_CLIPS
    ]


def _local(name: str) -> Path | None:
    """The file in the folder that GYMSKEL_DATA names, if it is there."""
    folder = os.environ.get("GYMSKEL_DATA")
    path = Path(folder, name) if folder else None
    return path if path is not None and path.is_file() else None


def _file(name: str, url: str, processor: Any = None) -> Path:
    """A file from GYMSKEL_DATA or the cache, else downloaded into the cache."""
    if (local := _local(name)) is not None:
        return local
    ways = (
        f"Ways out: set the environment variable GYMSKEL_DATA to a folder that holds {name}; or run this once where there "
        'is a network (pip install "gymskel[datasets]") and copy the cache.'
    )
    try:
        import pooch
    except ImportError:
        raise FileNotFoundError(f"No {name} here, and no pooch to download it with. {ways}") from None
    cache = Path(pooch.os_cache("gymskel"))
    if (cache / name).is_file():
        return cache / name
    try:
        got = pooch.retrieve(
            url, known_hash=None, fname=Path(name).name, path=(cache / name).parent, processor=processor
        )
    except (ValueError, *DAMAGED_ERRORS) as fault:  # requests' errors are OSErrors
        raise ConnectionError(f"{name} could not be downloaded from {url} ({fault}). {ways}") from fault
    return Path(got)


def _keep_filtered(name: str, action: str, fetcher: Any) -> str:
    """Of the repository's archive keeps the folder `filtered-keypoints`; for pooch, which calls it after a download."""
    path = Path(name)
    part = path.with_name(f".{path.name}.part")
    try:
        with open_zip(path) as archive, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as kept:
            for member in archive.namelist():
                if match := re.fullmatch(r"[^/]+/filtered-keypoints/(.+\.csv)", member):
                    kept.writestr(f"tumbling/{match[1]}", archive.read(member))
        shutil.move(part, path)
    except BaseException:
        path.unlink(missing_ok=True)  # or it would be taken for the finished file next time
        part.unlink(missing_ok=True)
        raise
    return name


def _read_jhmdb(path: Path, split: int) -> tuple[Clips, Clips]:
    """Training and test clips of `jhmdb.npz`."""
    try:
        with open_zip(path) as archive:

            def load(name: str, dtype: str, *shape: int | None) -> np.ndarray:
                return read_array(archive, f"{name}.npy", dtype, shape, label=f"{path}/{name}.npy")

            classes = tuple(map(str, load("class_names", "<U", None)))
            parts = {
                part: (
                    load(f"split{split}_x_{part}", "<f4", None, None, 15, 2),
                    load(f"split{split}_len_{part}", "<i4", None),
                    load(f"split{split}_y_{part}", "<i8", None),
                )
                for part in ("train", "test")
            }
    except KeyError as fault:
        raise ValueError(
            f"{path}: {fault.args[0]} The file must hold split{split}_x_train and so on."
        ) from None
    except DAMAGED_ERRORS as fault:
        raise ValueError(f"{path} is no .npz file, damaged or cut off: {fault}") from fault
    train, test = (
        _clips(x, lengths, y, classes, f"{part}{split}") for part, (x, lengths, y) in parts.items()
    )
    return train, test


def _padded(saved: Mapping[str, Any], classes: tuple[str, ...], name: str) -> Clips:
    """Clips of DD-Net's {"pose": [(frames, 15, 2), ...], "label": [name, ...]}."""
    poses = [np.asarray(plain(pose), np.float32) for pose in plain(saved["pose"])]
    labels = [str(label) for label in plain(saved["label"])]
    if odd := [
        k for k, pose in enumerate(poses) if pose.ndim != 3 or pose.shape[1:] != (15, 2) or not len(pose)
    ]:
        raise ValueError(f"jhmdb {name}: clip {odd[0]} must be (frames, 15, 2), got {poses[odd[0]].shape}.")
    lengths = np.array([len(pose) for pose in poses])
    x = np.zeros((len(poses), lengths.max(), 15, 2), np.float32)
    for clip, pose in zip(x, poses, strict=True):
        clip[: len(pose)] = pose
    return _clips(x, lengths, np.array(labels), classes, name)


def _clips(x: np.ndarray, lengths: np.ndarray, y: np.ndarray, classes: tuple[str, ...], name: str) -> Clips:
    sources = [f"jhmdb-{name}-{k}" for k in range(len(x))]
    return Clips.from_arrays(x, lengths=lengths, y=y, classes=classes, sources=sources, skeleton=JHMDB_15)
