"""What commands are given: keypoints, or videos that are extracted first; a classifier."""

from __future__ import annotations

import logging
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from gymskel.classifier import SkeletonClassifier
    from gymskel.recording import Recording


def read_data(
    data: Path, labels: Path | None, fps: float | None, person: int | None, keep: Path | None = None
) -> tuple[list[Recording], int]:
    """The recordings in keypoints, or in videos, which are extracted first into a folder that is kept.

    The second value is the number of videos that failed; the others are gone on with.
    """
    from gymskel.formats import read_keypoints
    from gymskel.recording import FILE_NAME, label_recordings, read_recordings
    from gymskel.video import VIDEO_SUFFIXES, find_videos

    inside = list(data.rglob("*")) if data.is_dir() else [data]
    is_video = any(path.suffix.lower() in VIDEO_SUFFIXES for path in inside)
    if is_video and not any(FILE_NAME.fullmatch(path.name) for path in inside):
        beside = data.parent if data.name else data.resolve().parent
        keypoints = keep or beside / f"{data.resolve().stem}-keypoints"
        videos = find_videos(data)
        typer.echo(f"{data} holds videos: extracting {len(videos)} into {keypoints}", err=True)
        # the frame rate is given when reading: another one then needs no other extraction
        failed = extract_and_tell([data], keypoints, overwrite="changed" if keep else False)
        if failed == len(videos):
            raise ValueError("None of the videos could be extracted.")
        known = {video.stem for video in videos}  # the folder may hold others from before
        made = read_recordings(keypoints, person=person, fps=fps)
        made = [recording for recording in made if recording.source in known]
        return (made if labels is None else label_recordings(made, labels)), failed
    return read_keypoints(data, person=person, fps=fps, labels=labels), 0


def extract_and_tell(videos: list[Path], out: Path, **options: Any) -> int:
    """Extracts, tells what became of it, and returns how many videos failed; for a dry run, would fail.

    Args:
        options: those of `extract.extract_videos`.
    """
    from gymskel import extract

    paths: Any = videos[0] if len(videos) == 1 else videos
    with warnings.catch_warnings():
        warnings.showwarning = lambda text, *_: typer.echo(f"! {text}", err=True)
        told = r"\d+ of \d+ videos could not be extracted"  # by the lines below
        warnings.filterwarnings("ignore", told, extract.ExtractionWarning)
        result = extract.extract_videos(paths, out, **options)
    if isinstance(result, extract.Plan):
        typer.echo(result)
        return len(result.those("refuse", "fail"))
    typer.echo(
        f"{out}: {len(result.written)} extracted, {len(result.skipped)} finished before, {len(result.failed)} failed"
    )
    for video, fault in result.failed.items():
        typer.echo(f"! {video}: {fault}", err=True)
    return len(result.failed)


def load_classifier(path: Path) -> SkeletonClassifier:
    """What `gymskel train` wrote."""
    load_libraries()
    from gymskel.classifier import SkeletonClassifier

    return SkeletonClassifier.load(path)


def load_libraries() -> None:
    """Imports what trains and answers, without the page of lines with which TensorFlow greets.

    Comes before any other import of what needs TensorFlow.
    """
    from gymskel.quiet import hushed

    with hushed():
        import_module("gymskel.evaluation")  # and with it gymskel.classifier
    # "retracing" is no news to whoever trains five folds
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def read_answers(path: Path) -> Any:
    """The table of answers that `train` kept beside its checkpoint: names are text, even 01; no probability is NaN."""
    import pandas as pd

    texts = dict.fromkeys(("recording", "athlete", "truth", "predicted", "doubt"), str)
    table = pd.read_csv(path, dtype=texts, keep_default_na=False)
    told = [name for name in table if name.startswith("p(")]
    table[told] = table[told].apply(pd.to_numeric, errors="coerce")
    return table
