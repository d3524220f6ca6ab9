"""Videos in, recordings out.

    from gymskel import extract

    extract.extract_video("backflip-1-s07.mov")                  # a Recording a person
    extract.extract_videos("videos", "keypoints", fps=60)        # per-frame CSVs on disk, resumable

Any callable serves as `estimator` that has a `name` and a `skeleton`; see `Estimator`. Importing this module
imports no estimator and no OpenCV; a host that only extracts needs numpy, pandas and OpenCV.
"""

from __future__ import annotations

import math
import shutil
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gymskel.extract.mediapipe import MediaPipe
from gymskel.extract.openpose import OpenPose
from gymskel.recording import FILE_NAME, JSON_NAME, Recording, parse_name, read_recording, write_recording
from gymskel.skeleton import BODY_25, Skeleton
from gymskel.video import find_videos, read_frames

__all__ = [
    "Estimator",
    "Extraction",
    "ExtractionWarning",
    "MediaPipe",
    "OpenPose",
    "extract_video",
    "extract_videos",
]

_SHOWN = 8  # faults in one message


class ExtractionWarning(UserWarning):
    """A video in which nobody was found, or videos of a batch that could not be extracted."""


class Estimator(Protocol):
    """What finds people in a frame: a callable with a `name` and a `skeleton`.

    An estimator that remembers earlier frames also has `reset()`; it is called before and after each video.

    Attributes:
        name: what it is, its version and every option that changes what it finds: two estimators of the same
            name are taken to be the same.
        skeleton: layout of the joints it returns.
    """

    name: str
    skeleton: Skeleton

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """(people, joints, 3) float32 from a frame (height, width, 3) uint8, BGR.

        x, y in pixels and confidence in [0, 1]; an unseen joint is NaN, NaN, 0; nobody is (0, joints, 3).
        """


@dataclass(frozen=True)
class Extraction:
    """What became of a batch.

    Attributes:
        written: folders of the recordings that were extracted now.
        skipped: folders that were finished before.
        failed: video -> what went wrong.
    """

    written: tuple[Path, ...]
    skipped: tuple[Path, ...]
    failed: dict[Path, str]


def extract_video(
    path: str | Path, *, estimator: Estimator | None = None, fps: float | None = None, progress: bool = True
) -> list[Recording]:
    """The people in a video, a Recording each, in BODY_25.

    Args:
        path: a video file. `backflip-1-s07.mov` says activity, sample and athlete.
        estimator: what finds the people; by default `MediaPipe()` where installed, else `OpenPose()`.
        fps: frames a second; overrides the header of the file.
        progress: show how far it is.

    Returns:
        A Recording for each index in what the estimator returns, as long as the video, its first frame
        numbered 0. The index is the estimator's: the identity of a person over time is not looked into. A
        frame in which that index is missing is NaN. Nobody in the whole video: one Recording that is all NaN,
        with an `ExtractionWarning`. `timestamps` are kept where the frame rate really varies and `fps` is not
        given.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a video that can be read; the estimator returned something else than promised.
        TypeError: `estimator` is not one.
        ImportError: no `estimator` given and none installed; no OpenCV.
    """
    estimator = _default_estimator() if estimator is None else _checked(estimator)
    recordings = _extract(Path(path), estimator, fps, progress)
    if progress and _tqdm() is None:
        print(_told(recordings))
    return recordings


def extract_videos(
    paths_or_folder: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    estimator: Estimator | None = None,
    fps: float | None = None,
    progress: bool = True,
    overwrite: bool | str = False,
) -> Extraction:
    """Many videos to per-frame CSVs on disk, `out/<folders as in the input>/<video>/`.

    A recording appears in `out` when it is complete: after an interruption the same call goes on with the
    video it was at, and repeats nothing that is finished. A video that cannot be extracted does not stop the
    others; it is in the result's `failed`, and an `ExtractionWarning` at the end names it.

    Args:
        paths_or_folder: a folder (searched with its sub-folders, which are kept), a video, or several.
        out: the folder of all recordings; made if it is not there.
        estimator: as in `extract_video`.
        fps: frames a second of all the videos; overrides their headers.
        progress: show how far it is.
        overwrite: extract again what is finished; "changed" only where it differs from what is asked for now.

    Raises:
        FileNotFoundError: no such path, or a folder without a video.
        ValueError: before any work: two videos would become the same folder, or a folder in `out` holds
            something else than was asked for now (another video, estimator or frame rate) and `overwrite` is False.
        TypeError, ImportError: as in `extract_video`.
    """
    estimator = _default_estimator() if estimator is None else _checked(estimator)
    targets = _plan(paths_or_folder, Path(out))
    finished = set() if overwrite is True else _finished(targets, estimator, fps, redo=overwrite == "changed")
    todo = [(video, folder) for folder, video in targets.items() if folder not in finished]
    written: list[Path] = []
    failed: dict[Path, str] = {}
    shown = _bar(todo, progress, total=len(targets), initial=len(finished), unit="video")
    for number, (video, folder) in enumerate(shown, start=1 + len(finished)):
        try:
            recordings = _extract(video, estimator, fps, progress)
            _write(recordings, folder)
        except Exception as fault:  # whatever it is, it is this video's; the others are worth their hours
            failed[video] = f"{type(fault).__name__}: {fault}"
            line = f"{video}: {failed[video]}"
        else:
            written.append(folder)
            line = _told(recordings)
        if progress and _tqdm() is None:
            print(f"{number}/{len(targets)} {line}", flush=True)
    if failed:
        faults = [f"{video}: {fault}" for video, fault in failed.items()]
        message = _list(f"{len(failed)} of {len(targets)} videos could not be extracted:", faults)
        warnings.warn(message, ExtractionWarning, stacklevel=2)
    return Extraction(tuple(written), tuple(sorted(finished)), failed)


def _default_estimator() -> Estimator:
    try:
        return MediaPipe()
    except ImportError as fault:
        no_mediapipe = fault
    try:
        return OpenPose()
    except ImportError as fault:
        raise ImportError(f"No pose estimator here.\nMediaPipe: {no_mediapipe}\nOpenPose: {fault}") from None


def _checked(estimator: Any) -> Estimator:
    """Refuses at the door what would fail at the first frame of every video."""
    named = isinstance(getattr(estimator, "name", None), str)
    if (
        isinstance(estimator, type)
        or not callable(estimator)
        or not named
        or not isinstance(getattr(estimator, "skeleton", None), Skeleton)
    ):
        raise TypeError(
            "`estimator` must be a callable frame -> (people, joints, 3) with a `name` and a `skeleton`, "
            f"such as MediaPipe(); got {estimator!r}."
        )
    return estimator


# --- one video ----------------------------------------------------------------------------------------------


def _extract(video: Path, estimator: Estimator, fps: float | None, progress: bool) -> list[Recording]:
    with read_frames(video, fps=fps) as frames:
        _reset(estimator)
        try:
            shown = _bar(frames, progress, total=frames.count, desc=video.name, unit="frame", leave=False)
            found = [_people(frame, number, estimator, video) for number, frame in enumerate(shown)]
        finally:
            _reset(estimator)
    most = max(map(len, found))
    if not most:
        warnings.warn(f"{video}: {estimator.name} found nobody.", ExtractionWarning, stacklevel=3)
    keypoints = np.full((max(most, 1), len(found), len(BODY_25), 3), (np.nan, np.nan, 0), np.float32)
    for number, people in enumerate(found):
        keypoints[: len(people), number] = people
    keep_times = fps is None and frames.varying
    made = _made_from(video)
    return [
        Recording(
            keypoints[person],
            **{**parse_name(video.stem), "fps": frames.fps},
            video=video.name,
            person=person,
            image_size=frames.image_size,
            estimator=estimator.name,
            history=(made,),
            timestamps=frames.timestamps if keep_times else None,
        )
        for person in range(len(keypoints))
    ]


def _made_from(video: Path) -> dict[str, Any]:
    """The first entry of a history: which file it was, told by its size and its first megabyte."""
    with video.open("rb") as file:
        return {"step": "extract", "bytes": video.stat().st_size, "crc32": zlib.crc32(file.read(1 << 20))}


def _people(frame: np.ndarray, number: int, estimator: Estimator, video: Path) -> np.ndarray:
    """(people, 25, 3) float32: what the estimator found in a frame, in BODY_25."""
    people = estimator(frame)
    joints = len(estimator.skeleton)
    where = f"{video}, frame {number}: {estimator.name} returned"
    if not isinstance(people, np.ndarray) or people.ndim != 3 or people.shape[1:] != (joints, 3):
        got = f"shape {people.shape}" if isinstance(people, np.ndarray) else type(people).__name__
        raise ValueError(
            f"{where} {got}; expected (people, {joints}, 3) for {estimator.skeleton.name}, and "
            f"(0, {joints}, 3) for nobody."
        )
    if (people == 0).all(axis=-1).any():
        raise ValueError(f"{where} a joint 0, 0, 0; an unseen joint must be NaN, NaN, 0.")
    return estimator.skeleton.convert(people.astype(np.float32, copy=False), BODY_25)


def _reset(estimator: Estimator) -> None:
    reset = getattr(estimator, "reset", None)
    if reset is not None:
        reset()


# --- many videos --------------------------------------------------------------------------------------------


def _plan(paths_or_folder: str | Path | Iterable[str | Path], out: Path) -> dict[Path, Path]:
    """Folder to write -> video to read."""
    single = isinstance(paths_or_folder, (str, Path))
    targets: dict[Path, list[Path]] = {}
    for given in [Path(paths_or_folder)] if single else map(Path, paths_or_folder):
        for video in find_videos(given):
            inner = video.relative_to(given).parent if given.is_dir() else Path()
            videos = targets.setdefault(out / inner / video.stem, [])
            if video not in videos:
                videos.append(video)
    if not targets:
        raise FileNotFoundError("No video given: `paths_or_folder` is empty.")
    alike: dict[str, list[Path]] = {}  # some file systems take A and a for the same
    for folder, videos in targets.items():
        alike.setdefault(str(folder).casefold(), []).extend(videos)
    clashes = [" and ".join(map(str, videos)) for videos in alike.values() if len(videos) > 1]
    if clashes:
        raise ValueError(_list("Videos that would become the same folder; rename one of each:", clashes))
    return {folder: videos[0] for folder, videos in targets.items()}


def _finished(targets: dict[Path, Path], estimator: Estimator, fps: float | None, redo: bool) -> set[Path]:
    """The folders that hold already what is asked for; what holds something else is to `redo`, or a ValueError."""
    finished, faults = set(), []
    for folder, video in targets.items():
        if not (folder / JSON_NAME).is_file():
            if _csv_files(folder):
                faults.append(f"{folder}: CSV files without {JSON_NAME}, not written by an extraction.")
            continue
        try:
            different = [f"{folder}: {text}" for text in _differences(folder, video, estimator, fps)]
        except ValueError as fault:
            different = [str(fault)]
        if not (different and redo):
            faults += different
            finished.add(folder)
    if faults:
        head = "Folders that hold something else than asked for; use another `out`, or overwrite=True (gymskel extract --overwrite):"
        raise ValueError(_list(head, faults))
    return finished


def _differences(folder: Path, video: Path, estimator: Estimator, fps: float | None) -> Iterator[str]:
    """How a finished recording differs from what would be extracted now."""
    known = read_recording(folder, person=0)
    if known.video != video.name:
        yield f"made from {known.video}, not from {video.name}."
    made = next((entry for entry in known.history if entry["step"] == "extract"), None)
    if made is not None and video.is_file() and made != _made_from(video):
        yield f"made from another file that was called {video.name} too."
    if known.estimator != estimator.name:
        yield f"extracted with {known.estimator}, asked for {estimator.name}."
    if fps is None:
        with read_frames(video) as frames:
            fps = frames.fps
    if known.fps != fps and not (known.fps and fps and math.isclose(known.fps, fps, rel_tol=1e-6)):
        yield f"extracted at {known.fps} frames a second, asked for {fps}."


def _write(recordings: list[Recording], folder: Path) -> None:
    """Writes everybody of a video into `folder`, which appears when all of it is written."""
    part = folder.parent / f".{folder.name}.part"  # hidden, so that no reader takes it for a recording
    shutil.rmtree(part, ignore_errors=True)
    try:
        for recording in recordings:
            made = write_recording(recording, part)
        if folder.exists():
            _replace(folder, made)
        else:
            made.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _replace(folder: Path, made: Path) -> None:
    """Moves the files of `made` over those of an older recording; other files in the folder stay."""
    (folder / JSON_NAME).unlink(missing_ok=True)  # from here on it is not finished
    for old in _csv_files(folder):
        old.unlink()
    for new in sorted(made.iterdir(), key=lambda file: file.name == JSON_NAME):  # the JSON last
        new.replace(folder / new.name)


def _csv_files(folder: Path) -> list[Path]:
    """The per-frame CSVs in a folder, which need not be there; other tables are not ours."""
    return [file for file in folder.glob("*.csv") if FILE_NAME.fullmatch(file.name)]


# --- telling ------------------------------------------------------------------------------------------------


def _tqdm() -> Any:
    """tqdm's bar, or None on a host without it."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _bar(items: Iterable[Any], shown: bool, **options: Any) -> Iterable[Any]:
    """The same items, with a progress bar where wanted and possible."""
    bar = _tqdm() if shown else None
    return items if bar is None else bar(items, **options)


def _told(recordings: list[Recording]) -> str:
    count = len(recordings)
    seen = int(np.any([r.seen.any(axis=1) for r in recordings], axis=0).sum())
    people = "1 person" if count == 1 else f"{count} people"
    return f"{recordings[0].video}: {people}, seen in {seen} of {len(recordings[0])} frames"


def _list(head: str, faults: list[str]) -> str:
    more = [f"... and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return "\n".join([head, *faults[:_SHOWN], *more])
