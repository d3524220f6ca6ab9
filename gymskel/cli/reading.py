"""Input of commands: keypoints, videos that are extracted first, a classifier; their notes and exit status."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from gymskel.classifier import SkeletonClassifier
    from gymskel.extract import Extraction
    from gymskel.recording import Recording


def read_data(
    data: Path,
    labels: Path | None,
    fps: float | None,
    person: int | None,
    keep: Path | None = None,
    needs_names: bool = False,
) -> tuple[list[Recording], int]:
    """Return the recordings in a file or folder, and the number of videos in it that could not be extracted.

    Videos are extracted first, into the folder `keep`, or `NAME-keypoints` beside the folder NAME; a video that fails
    does not stop the others. With `needs_names`, videos without a known activity are an error before that.
    """
    from gymskel.formats import read_keypoints
    from gymskel.formats.reading import find_keypoint_files
    from gymskel.recording import label_recordings, read_labels, read_recordings

    table = None if labels is None else read_labels(labels)  # first, so that an error comes before the work
    videos = _find_videos(data)
    if not videos:
        return read_keypoints(data, person=person, fps=fps, labels=table), 0
    parent = data.parent if data.name else data.resolve().parent
    keypoints = keep or parent / f"{data.resolve().stem}-keypoints"
    for _, file in find_keypoint_files(data, but=keypoints):
        raise ValueError(
            f"{data} holds videos ({videos[0].name} ...) and keypoints ({file.relative_to(data)} ...). "
            "Fix: name a folder that holds one of the two."
        )
    if table is not None:  # each video needs one row, by a name that no other video has
        table.rows_of([(video.stem, video.name) for video in videos])
        names = Counter(video.stem for video in videos)
        table.refuse_repeated(name for name, count in names.items() if count > 1)
    elif needs_names:
        _check_activities(data, videos)
    typer.echo(f"{data} holds videos: extracting {len(videos)} into {keypoints}", err=True)
    extraction = extract_and_report([data], keypoints, fps=fps, overwrite="changed" if keep else "never")
    if len(extraction.failed) == len(videos):
        raise ValueError(
            f"None of the videos in {data} could be extracted. Fix: see the reasons above, one for each video."
        )
    folders = {*extraction.written, *extraction.skipped}  # earlier extractions may have left others
    recordings = read_recordings(keypoints, person=person, fps=fps, only=folders)
    return recordings if table is None else label_recordings(recordings, table), len(extraction.failed)


def _find_videos(data: Path) -> list[Path]:
    """Return the videos in a folder, or the one that is named; empty for anything else."""
    from gymskel.video import VIDEO_SUFFIXES, find_videos

    if data.is_dir():
        with contextlib.suppress(FileNotFoundError):
            return find_videos(data)
    return [data] if data.is_file() and data.suffix.lower() in VIDEO_SUFFIXES else []


def _check_activities(data: Path, videos: list[Path]) -> None:
    """Raise ValueError for videos whose activity is given neither by their name nor by a sub-folder of `data`."""
    from gymskel.classifier.inputs import nameless_error
    from gymskel.recording import parse_video_name

    outside = [video for video in videos if data.is_file() or video.parent == data]
    if nameless := [v.name for v in outside if parse_video_name(v.stem)["activity"] is None]:
        raise nameless_error(nameless)


def extract_and_report(videos: list[Path], out: Path, **options: Any) -> Extraction:
    """Extract videos with options of `extract.extract_videos`, print a summary and the errors, return the result."""
    from gymskel import extract

    with warnings.catch_warnings():
        warnings.showwarning = lambda text, *_: print_notes(str(text))
        warnings.simplefilter("always", extract.ExtractionWarning)
        printed_below = r"\d+ of \d+ videos could not be extracted"
        warnings.filterwarnings("ignore", printed_below, extract.ExtractionWarning)
        result = extract.extract_videos(videos, out, **options)
    typer.echo(
        f"{out}: {len(result.written)} extracted, {len(result.skipped)} finished before, {len(result.failed)} failed"
    )
    print_notes(*(f"{video}: {error}" for video, error in result.failed.items()))
    return result


def load_classifier(path: Path) -> SkeletonClassifier:
    """Return the classifier that `gymskel train` wrote."""
    load_libraries()
    from gymskel.classifier import SkeletonClassifier

    return SkeletonClassifier.load(path)


def load_libraries() -> None:
    """Import TensorFlow without the lines that it prints at its start; call it before any import that needs TensorFlow."""
    from gymskel.quiet import hide_stderr

    with hide_stderr():
        import_module("gymskel.evaluation")  # and with it gymskel.classifier
    # its warning about "retracing" does not help a user who trains five folds
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def read_predictions(path: Path) -> pd.DataFrame:
    """Return the predictions that `train` of an older gymskel wrote beside its checkpoint; names are text ("01"), missing numbers NaN."""
    import pandas as pd

    texts = dict.fromkeys(("recording", "athlete", "truth", "predicted", "doubt"), str)
    table = pd.read_csv(path, dtype=texts, keep_default_na=False)
    probabilities = [name for name in table if name.startswith("p(")]
    table[probabilities] = table[probabilities].apply(pd.to_numeric, errors="coerce")
    return table


def print_notes(*lines: str) -> None:
    """Print each line once to standard error, after a "!"."""
    for line in dict.fromkeys(lines):
        typer.echo(f"! {line}", err=True)


@contextlib.contextmanager
def noted_warnings() -> Iterator[None]:
    """Print the warnings of the block as notes when it ends without an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    print_notes(*(str(warning.message) for warning in caught))


def exit_with_failures(failed: object) -> None:
    """End the command with status 1 if `failed` is true: a number of videos, or a list of them."""
    if failed:
        raise typer.Exit(1)
