"""Public data sets, read from a folder or downloaded once; none is part of gymskel.

Each `fetch_` looks into the folder in the environment variable GYMSKEL_DATA, then into the cache, then downloads, which
needs `pip install "gymskel[datasets]"`. The addresses contain a commit; checksums are not known, pooch prints them. The
authors state no licence: use the data for research, and do not redistribute them.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import DAMAGED_ERRORS, open_zip, read_array
from gymskel.clips import Clips
from gymskel.files import replace_file
from gymskel.formats.unpickle import load_plain, unwrap_array
from gymskel.recording import Recording, read_recordings
from gymskel.skeleton import BODY_25, Skeleton, parse_pairs

JHMDB_15 = Skeleton(
    name="JHMDB_15",
    joints=tuple(
        "Neck Belly Face RShoulder LShoulder RHip LHip RElbow LElbow RKnee LKnee RWrist LWrist RAnkle LAnkle".split()
    ),
    limbs=parse_pairs(
        "Belly-Neck Neck-Face Neck-RShoulder Neck-LShoulder RShoulder-RElbow RElbow-RWrist LShoulder-LElbow "
        "LElbow-LWrist Belly-RHip Belly-LHip RHip-RKnee RKnee-RAnkle LHip-LKnee LKnee-LAnkle"
    ),
    parts={**BODY_25.parts, "trunk": ("Face", "Neck", "Belly")},
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
    """Return the 113 published recordings of backflips and back handsprings: 60 fps, BODY_25, filled and smoothed.

    From the thesis "Recognition of gymnastics elements with deep learning networks" (TalTech 2020), folder
    `filtered-keypoints` of github.com/AllarVi/pose-estimation-jupyter. A `tumbling.zip` in GYMSKEL_DATA is read instead.

    Raises:
        OSError: not found, and the download failed; the message gives the fix.
    """
    return read_recordings(_find_or_download("tumbling.zip", _TUMBLING, _keep_filtered), fps=60)


def fetch_jhmdb(split: int = 1) -> tuple[Clips, Clips]:
    """Return (training clips, test clips) of J-HMDB as Yang et al. (DD-Net, 2019) prepared it: 15 joints, 14 classes.

    Places are centred and scaled, y points down. Frame rates and people are not known, so the training clips cannot be
    split by athlete. `jhmdb.npz` in GYMSKEL_DATA, with `split1_x_train`, `split1_len_train`,
    `split1_y_train` and so on and `class_names`, is read instead of DD-Net's own `GT_train_1.pkl`, `GT_test_1.pkl`.

    Raises:
        ValueError: `split` is not 1, 2 or 3; files that are not as expected.
        OSError: not found, and the download failed; the message gives the fix.
    """
    if split not in (1, 2, 3):
        raise ValueError(f"`split` must be 1, 2 or 3, got {split!r}.")
    packed = _find_local("jhmdb.npz")
    if packed is not None:
        return _read_jhmdb(packed, split)
    train, test = (
        load_plain(_find_or_download(f"GT_{part}_{split}.pkl", f"{_JHMDB}/GT_{part}_{split}.pkl"))
        for part in ("train", "test")
    )
    if not all(isinstance(saved, dict) and {"pose", "label"} <= set(saved) for saved in (train, test)):
        raise ValueError(f"GT_train_{split}.pkl and GT_test_{split}.pkl must hold `pose` and `label` each.")
    classes = tuple(sorted({str(label) for label in unwrap_array(train["label"])}))
    return _padded(train, classes, f"train{split}"), _padded(test, classes, f"test{split}")


def fetch_parkour() -> list[Path]:
    """Return the paths of 28 videos, each named `activity-number-athlete.mp4`: 4 moves by 4 athletes.

    From github.com/zongmianli/Parkour-dataset (Li et al. 2019). They were filmed at 25 frames a second though the files
    say 10: give fps=25 when extracting. Files in a folder `parkour` in GYMSKEL_DATA are used instead.

    Raises:
        OSError: not found, and the download failed; the message gives the fix.
    """
    paths = {c: f"parkour/{_MOVES[c[:2]]}-{int(c[2:4])}-{_PEOPLE[c[-2:]]}.mp4" for c in _PARKOUR_CLIPS}
    return [_find_or_download(path, f"{_PARKOUR}/{clip}.mp4") for clip, path in paths.items()]


def _find_local(name: str) -> Path | None:
    """Return the file in the folder in GYMSKEL_DATA; None if there is no such file."""
    folder = os.environ.get("GYMSKEL_DATA")
    return Path(folder, name) if folder and Path(folder, name).is_file() else None


def _find_or_download(name: str, url: str, processor: Callable[[str, str, Any], str] | None = None) -> Path:
    """Return a file in GYMSKEL_DATA or in the cache, else download it into the cache; pooch calls `processor` then."""
    if (local := _find_local(name)) is not None:
        return local
    fix = (
        f"Fix: set the environment variable GYMSKEL_DATA to a folder with {name}; or run this once with a network "
        '(pip install "gymskel[datasets]") and copy the cache.'
    )
    try:
        import pooch
    except ImportError:
        raise FileNotFoundError(f"No {name} here, and no pooch to download it with. {fix}") from None
    cache = Path(pooch.os_cache("gymskel"))
    if (cache / name).is_file():
        return cache / name
    try:
        path = pooch.retrieve(
            url, known_hash=None, fname=Path(name).name, path=(cache / name).parent, processor=processor
        )
    except (ValueError, *DAMAGED_ERRORS) as error:  # errors of requests are OSErrors
        raise ConnectionError(f"{name} could not be downloaded from {url} ({error}). {fix}") from error
    return Path(path)


def _keep_filtered(name: str, action: str, fetcher: Any) -> str:
    """Reduce the downloaded archive of the repository to its folder `filtered-keypoints`; called by pooch."""
    path = Path(name)
    try:
        with (
            replace_file(path) as part,
            open_zip(path) as archive,
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as filtered,
        ):
            for member in archive.namelist():
                if match := re.fullmatch(r"[^/]+/filtered-keypoints/(.+\.csv)", member):
                    filtered.writestr(f"tumbling/{match[1]}", archive.read(member))
    except BaseException:
        path.unlink(missing_ok=True)  # the next call must not take it for the finished file
        raise
    return name


def _read_jhmdb(path: Path, split: int) -> tuple[Clips, Clips]:
    """Return the training and test clips in `jhmdb.npz`."""
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
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]} Expected split{split}_x_train and so on.") from None
    except DAMAGED_ERRORS as error:
        raise ValueError(f"{path} is no .npz file, damaged or cut off: {error}") from error
    train, test = (_clips(*arrays, classes, f"{part}{split}") for part, arrays in parts.items())
    return train, test


def _padded(saved: Mapping[str, Any], classes: tuple[str, ...], name: str) -> Clips:
    """Return clips of DD-Net's {"pose": [(frames, 15, 2), ...], "label": [name, ...]}."""
    poses = [np.asarray(unwrap_array(pose), np.float32) for pose in unwrap_array(saved["pose"])]
    labels = [str(label) for label in unwrap_array(saved["label"])]
    for k, pose in enumerate(poses):
        if pose.shape[1:] != (15, 2) or not len(pose):
            raise ValueError(f"jhmdb {name}: clip {k} must be (frames, 15, 2), got {pose.shape}.")
    lengths = np.array([len(pose) for pose in poses])
    x = np.zeros((len(poses), lengths.max(), 15, 2), np.float32)
    for clip, pose in zip(x, poses, strict=True):
        clip[: len(pose)] = pose
    return _clips(x, lengths, np.array(labels), classes, name)


def _clips(x: np.ndarray, lengths: np.ndarray, y: np.ndarray, classes: tuple[str, ...], name: str) -> Clips:
    sources = [f"jhmdb-{name}-{k}" for k in range(len(x))]
    return Clips.from_arrays(
        x, lengths=lengths.tolist(), y=y, classes=classes, sources=sources, skeleton=JHMDB_15
    )
