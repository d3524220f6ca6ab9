"""What commands are given: keypoints, or videos that are extracted first; a classifier."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from gymskel.classifier import SkeletonClassifier
    from gymskel.extract import Extraction
    from gymskel.recording import Recording


def read_data(
    data: Path,
    labels: Path | None,
    fps: float | None,
    person: int | None,
    keep: Path | None = None,
    named: bool = False,
) -> tuple[list[Recording], int]:
    """The recordings in keypoints, or in videos, which are extracted first into a folder that is kept.

    The second value is the number of videos that failed; the others are gone on with.

    Args:
        named: refuse videos whose move nobody knows; before hours of extraction, not after.
    """
    from gymskel.formats import read_keypoints
    from gymskel.formats.reading import find_keypoint_files
    from gymskel.recording import label_recordings, read_labels, read_recordings

    table = None if labels is None else read_labels(labels)  # one that cannot be read is told of first
    videos = _videos_in(data)
    if not videos:
        return read_keypoints(data, person=person, fps=fps, labels=table), 0
    beside = data.parent if data.name else data.resolve().parent
    keypoints = keep or beside / f"{data.resolve().stem}-keypoints"
    for _, other in find_keypoint_files(data, but=keypoints):  # `but` is of an earlier extraction
        raise ValueError(
            f"{data} holds videos ({videos[0].name} ...) and keypoints ({other.relative_to(data)} ...): name the folder of one kind, "
            "or put them into folders of their own."
        )
    if table is not None:
        table.rows_of([(video.stem, video.name) for video in videos])
        names = Counter(video.stem for video in videos)
        table.refuse_repeated(name for name, count in names.items() if count > 1)
    elif named:
        _refuse_nameless(data, videos)
    typer.echo(f"{data} holds videos: extracting {len(videos)} into {keypoints}", err=True)
    made = extract_and_report([data], keypoints, fps=fps, overwrite="changed" if keep else "never")
    if len(made.failed) == len(videos):
        raise ValueError("None of the videos could be extracted.")
    folders = {*made.written, *made.skipped}  # there may be others from before
    recordings = read_recordings(keypoints, person=person, fps=fps, only=folders)
    return (recordings if table is None else label_recordings(recordings, table)), len(made.failed)


def _videos_in(data: Path) -> list[Path]:
    from gymskel.video import VIDEO_SUFFIXES, find_videos

    if data.is_dir():
        with contextlib.suppress(FileNotFoundError):
            return find_videos(data)
    return [data] if data.is_file() and data.suffix.lower() in VIDEO_SUFFIXES else []


def _refuse_nameless(data: Path, videos: list[Path]) -> None:
    from gymskel.classifier.inputs import nameless_error
    from gymskel.recording import parse_video_name

    above = [data.is_dir() and video.parent != data for video in videos]
    nameless = [
        video.name
        for video, folder in zip(videos, above, strict=True)
        if not folder and parse_video_name(video.stem)["activity"] is None
    ]
    if nameless:
        raise nameless_error(nameless)


def extract_and_report(videos: list[Path], out: Path, **options: Any) -> Extraction:
    """Extract videos, print what became of them, and return that.

    Args:
        videos: videos, or folders of them.
        out: folder for the CSVs.
        options: those of `extract.extract_videos`.
    """
    from gymskel import extract

    with warnings.catch_warnings():
        warnings.showwarning = lambda text, *_: typer.echo(f"! {text}", err=True)
        warnings.simplefilter("always", extract.ExtractionWarning)
        printed_below = r"\d+ of \d+ videos could not be extracted"
        warnings.filterwarnings("ignore", printed_below, extract.ExtractionWarning)
        result = extract.extract_videos(videos, out, **options)
    typer.echo(
        f"{out}: {len(result.written)} extracted, {len(result.skipped)} finished before, {len(result.failed)} failed"
    )
    for video, error in result.failed.items():
        typer.echo(f"! {video}: {error}", err=True)
    return result


def load_classifier(path: Path) -> SkeletonClassifier:
    """What `gymskel train` wrote."""
    load_libraries()
    from gymskel.classifier import SkeletonClassifier

    return SkeletonClassifier.load(path)


def load_libraries() -> None:
    """Imports what trains and answers, without the page of lines with which TensorFlow greets.

    Comes before any other import of what needs TensorFlow.
    """
    from gymskel.quiet import hide_stderr

    with hide_stderr():
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
