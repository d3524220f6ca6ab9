"""Many videos to per-frame CSVs on disk: resumable, in as many processes as wanted."""

from __future__ import annotations

import math
import shutil
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gymskel.extract.estimators import Estimator, choose_estimator
from gymskel.extract.one import ExtractionWarning, Wanted, extract_people, made_from
from gymskel.extract.telling import bar, list_faults, tell, tqdm_or_none
from gymskel.recording import FILE_NAME, JSON_NAME, Recording, read_recording, write_recording
from gymskel.video import find_videos, read_frames


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


def extract_videos(
    paths_or_folder: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    estimator: str | Estimator = "auto",
    people: str | int | tuple[float, float] = "athlete",
    follow: bool = True,
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
    wanted = Wanted(choose_estimator(estimator), people, follow, fps)
    targets = _plan(paths_or_folder, Path(out))
    finished = set() if overwrite is True else _finished(targets, wanted, redo=overwrite == "changed")
    todo = [(video, folder) for folder, video in targets.items() if folder not in finished]
    written: list[Path] = []
    failed: dict[Path, str] = {}
    shown = bar(todo, progress, total=len(targets), initial=len(finished), unit="video")
    for number, (video, folder) in enumerate(shown, start=1 + len(finished)):
        try:
            recordings = extract_people(video, wanted, progress)
            _write(recordings, folder)
        except Exception as fault:  # whatever it is, it is this video's; the others are worth their hours
            failed[video] = f"{type(fault).__name__}: {fault}"
            line = f"{video}: {failed[video]}"
        else:
            written.append(folder)
            line = tell(recordings)
        if progress and tqdm_or_none() is None:
            print(f"{number}/{len(targets)} {line}", flush=True)
    if failed:
        faults = [f"{video}: {fault}" for video, fault in failed.items()]
        message = list_faults(f"{len(failed)} of {len(targets)} videos could not be extracted:", faults)
        warnings.warn(message, ExtractionWarning, stacklevel=2)
    return Extraction(tuple(written), tuple(sorted(finished)), failed)


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
        raise ValueError(
            list_faults("Videos that would become the same folder; rename one of each:", clashes)
        )
    return {folder: videos[0] for folder, videos in targets.items()}


def _finished(targets: dict[Path, Path], wanted: Wanted, redo: bool) -> set[Path]:
    """The folders that hold already what is asked for; what holds something else is to `redo`, or a ValueError."""
    finished, faults = set(), []
    for folder, video in targets.items():
        if not (folder / JSON_NAME).is_file():
            if _csv_files(folder):
                faults.append(f"{folder}: CSV files without {JSON_NAME}, not written by an extraction.")
            continue
        try:
            different = [f"{folder}: {text}" for text in _differences(folder, video, wanted)]
        except ValueError as fault:
            different = [str(fault)]
        if not (different and redo):
            faults += different
            finished.add(folder)
    if faults:
        head = "Folders that hold something else than asked for; use another `out`, or overwrite=True (gymskel extract --overwrite):"
        raise ValueError(list_faults(head, faults))
    return finished


def _differences(folder: Path, video: Path, wanted: Wanted) -> Iterator[str]:
    """How a finished recording differs from what would be extracted now."""
    known = read_recording(folder, person=0)
    if known.video != video.name:
        yield f"made from {known.video}, not from {video.name}."
    made = next((entry for entry in known.history if entry["step"] == "extract"), None)
    if made is not None and video.is_file():
        asked = made_from(video, wanted)
        if any(made.get(fact) != asked[fact] for fact in ("bytes", "crc32")):
            yield f"made from another file that was called {video.name} too."
        for option in ("people", "follow"):
            if made.get(option) != asked[option]:
                yield f"extracted with {option}={made.get(option)!r}, asked for {option}={asked[option]!r}."
    if known.estimator != wanted.estimator.name:
        yield f"extracted with {known.estimator}, asked for {wanted.estimator.name}."
    fps = wanted.fps
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
