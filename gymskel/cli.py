"""The shell's face of gymskel: arguments in, files and tables out, no logic of its own."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets with a page of lines otherwise

app = typer.Typer(
    help="Videos of gymnastic moves -> a trained, explained classifier of those moves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Fps = Annotated[float | None, typer.Option(help="Frames a second as filmed; overrides what the files say.")]
Labels = Annotated[Path | None, typer.Option(help="CSV with the columns file, activity, athlete.")]
Person = Annotated[int | None, typer.Option(help="Which person, where files hold several.")]
Data = Annotated[
    Path,
    typer.Argument(
        help="Keypoints (folder or .zip of per-frame CSVs, .npz pack, .pose, .pkl, .csv ...), or a folder of videos."
    ),
]
Model = Annotated[
    str, typer.Option(help="conv_gru, simple_rnn, lstm, hierarchical_rnn, lstm_attention or dd_net.")
]
RecipeName = Annotated[str, typer.Option("--recipe", help="default, thesis or exercise_quality.")]
Preset = Annotated[
    str,
    typer.Option(
        help="default, live (looks only back), thesis, thesis_cleaned (filled and smoothed already) or exercise_quality."
    ),
]
Seed = Annotated[int, typer.Option(help="Makes training repeatable.")]


@app.command()
def extract(
    videos: Annotated[list[Path], typer.Argument(help="Videos, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the CSVs.")] = Path("keypoints"),
    fps: Fps = None,
    estimator: Annotated[str, typer.Option(help="auto, mediapipe, openpose or rtmpose.")] = "auto",
    people: Annotated[
        str, typer.Option(help="athlete, largest, longest, all, a number of all, or X,Y in pixels.")
    ] = "athlete",
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Turn the picture with the body; or see it as it is.")
    ] = True,
    workers: Annotated[int | None, typer.Option(help="Processes, each at a video of its own.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Extract again what is finished.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; touch nothing.")] = False,
) -> None:
    """Videos -> per-frame BODY_25 CSVs. Interrupted and started again, it goes on where it was."""
    asked = {"people": _whom(people), "follow": follow, "workers": workers, "dry_run": dry_run}
    if _extract(videos, out, fps, estimator, overwrite, **asked):
        raise typer.Exit(1)


@app.command("import-openpose")
def import_openpose(
    paths: Annotated[list[Path], typer.Argument(help="Folders, .zips or files that --write_json wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the CSVs.")] = Path("keypoints"),
    fps: Annotated[float | None, typer.Option(help="Frames a second; the files do not say.")] = None,
    keypoint_scale: Annotated[int, typer.Option(help="As OpenPose was told: 0 to 4.")] = 0,
    image_size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT of the video, for scales 1 to 4.")
    ] = None,
    written_size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT of network or output, for scales 1 and 2.")
    ] = None,
    model_pose: Annotated[str | None, typer.Option(help="BODY_25B, if that is what wrote 25 points.")] = None,
    people: Annotated[
        str, typer.Option(help="athlete, largest, longest, all, a number of all, or X,Y in pixels.")
    ] = "athlete",
) -> None:
    """What OpenPose wrote as JSON -> per-frame BODY_25 CSVs."""
    from gymskel.formats import import_openpose_json

    failed = 0
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        clips = import_openpose_json(
            list(paths),
            out,
            keypoint_scale=keypoint_scale,
            image_size=_size("image-size", image_size),
            written_size=_size("written-size", written_size),
            model_pose=model_pose,
            fps=fps,
            people=_whom(people),
        )
        for clip in clips:
            for one in clip.recordings if clip.folder else ():
                seen = int(one.seen.any(axis=1).sum())
                typer.echo(f"{clip.folder}: person {one.person}, seen in {seen} of {len(one)} frames")
            for line in [str(warning.message) for warning in told] + ([clip.fault] if clip.fault else []):
                typer.echo(f"! {line}", err=True)
            told.clear()
            failed += clip.fault is not None
    if failed:
        raise typer.Exit(1)


@app.command()
def overlay(
    video: Annotated[Path, typer.Argument(help="A video, or a folder of them.")],
    keypoints: Annotated[Path, typer.Argument(help="The CSVs' folder, or the folder or .zip that holds it.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="FILE.mp4, FILE.gif, FILE.png, or a folder.")
    ] = Path("overlays"),
    kind: Annotated[
        str | None, typer.Option(help="mp4, gif, or png: a contact sheet. Default: as OUT ends, else mp4.")
    ] = None,
    person: Annotated[int | None, typer.Option(help="Draw this one alone; everybody by default.")] = None,
    fps: Fps = None,
    slow: Annotated[float | None, typer.Option(help="How many times slower than filmed (mp4, gif).")] = None,
    frames: Annotated[int | None, typer.Option(help="Number of pictures (png); 24 by default.")] = None,
    seconds: Annotated[float | None, typer.Option(help="So many seconds, the fastest (png).")] = None,
    counts_from: Annotated[int | None, typer.Option(help="What the CSVs call the first frame.")] = None,
    classifier: Annotated[
        Path | None, typer.Option(help="A .gymskel file: probabilities in the corner, the strip below.")
    ] = None,
) -> None:
    """Draws what was extracted over the video: skeleton, box, lean, confidence; or a contact sheet."""
    from gymskel.overlay import write_overlays

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        done = write_overlays(
            video,
            keypoints,
            out,
            kind=kind,
            person=person,
            fps=fps,
            slow=slow,
            frames=frames,
            seconds=seconds,
            counts_from=counts_from,
            told=None if classifier is None else _teller(classifier),
        )
    for path in done.written:
        typer.echo(path)
    faults = [f"{video}: {fault}" for video, fault in done.failed.items()]
    for line in dict.fromkeys([str(warning.message) for warning in told] + faults):
        typer.echo(f"! {line}", err=True)
    if done.failed:
        raise typer.Exit(1)


@app.command()
def train(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The classifier to write.")] = Path(
        "classifier.gymskel"
    ),
    model: Model = "conv_gru",
    recipe: RecipeName = "default",
    preprocess: Preset = "default",
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
    folds: Annotated[
        int | None, typer.Option(help="Leave athletes out in this many folds, not one by one.")
    ] = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Leave athletes out first and show the table.")
    ] = True,
    seed: Seed = 0,
) -> None:
    """CSVs or videos -> one saved classifier, and the table that says how well it does by athlete.

    Interrupted in its last training, after the table, and started again, it goes on where it was.
    """
    SkeletonClassifier, run = _load_classifier()
    _check_names(model, recipe, preprocess)
    recordings, failed = _recordings(data, labels, fps, person)
    classifier = SkeletonClassifier(model, recipe=recipe, preprocess=preprocess, random_state=seed)
    checkpoint, left_out = (out.with_name(f"{out.name}.{kind}") for kind in ("checkpoint", "left-out.csv"))
    predictions = None
    if checkpoint.exists():
        typer.echo(f"Going on from {checkpoint}; the table was shown before.", err=True)
        import pandas as pd

        predictions = pd.read_csv(left_out, keep_default_na=False) if left_out.exists() else None
    elif test and len({r.athlete or r.source for r in recordings}) > 1:
        typer.echo(f"Testing on athletes left out ({len(recordings)} recordings) ...", err=True)
        tested = run(classifier, recordings, folds=folds, seed=seed, progress=True)
        typer.echo(f"{tested}\n")
        predictions = tested.predictions
        out.parent.mkdir(parents=True, exist_ok=True)
        predictions.to_csv(left_out, index=False)  # for a training that is interrupted and goes on
    elif test:
        typer.echo("! Only one athlete: no honest test is possible. Record others.", err=True)
    typer.echo("Training on all recordings ...", err=True)
    classifier.fit(recordings, progress=True, checkpoint=checkpoint)
    if predictions is not None:
        classifier.keep_out_of_fold(predictions)
    typer.echo(f"{classifier.save(out)}: {model} on {len(recordings)} recordings, {classifier.run_.note}")
    for kept in (checkpoint, left_out):
        kept.unlink(missing_ok=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def evaluate(
    data: Data,
    model: Model = "conv_gru",
    recipe: RecipeName = "default",
    preprocess: Preset = "default",
    protocol: Annotated[
        str, typer.Option(help="athletes, or thesis (the published split, which leaks).")
    ] = "athletes",
    runs: Annotated[int, typer.Option(help="Independent repetitions.")] = 1,
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
    folds: Annotated[
        int | None, typer.Option(help="Leave athletes out in this many folds, not one by one.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """How well a model does on athletes it has not seen, beside the simplest rules."""
    SkeletonClassifier, run = _load_classifier()
    _check_names(model, recipe, preprocess, protocol)
    recordings, failed = _recordings(data, labels, fps, person)
    classifier = SkeletonClassifier(model, recipe=recipe, preprocess=preprocess)
    typer.echo(
        run(classifier, recordings, protocol=protocol, runs=runs, folds=folds, seed=seed, progress=True)
    )
    if failed:
        raise typer.Exit(1)


@app.command()
def predict(
    classifier: Annotated[Path, typer.Argument(help="A .gymskel file.")],
    data: Annotated[
        Path, typer.Argument(help="A video, a folder of videos, or keypoints: CSVs, .npz, .pose, .pkl ...")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the table and the strips.")] = Path(
        "predictions"
    ),
    fps: Fps = None,
    person: Person = None,
    strips: Annotated[bool, typer.Option("--strips/--no-strips", help="Draw what the neurons did.")] = True,
) -> None:
    """The move in each video or recording, its probabilities, and the activation strips as PNG."""
    SkeletonClassifier, _ = _load_classifier()
    loaded = SkeletonClassifier.load(classifier)
    recordings, failed = _recordings(data, None, fps, person, keep=out / "keypoints")
    rates = loaded.facts_["fps_in"]
    if odd := sorted({r.fps for r in recordings if r.fps and rates and not _among(r.fps, rates)}):
        told = ", ".join(f"{rate:g}" for rate in odd)
        typer.echo(
            f"! Filmed at {told} fps, trained at {', '.join(f'{rate:g}' for rate in rates)}: if the files lie, give --fps.",
            err=True,
        )
    out.mkdir(parents=True, exist_ok=True)
    table = loaded.predict_table(recordings)
    typer.echo(table.to_string(index=False, float_format="{:.3f}".format))
    table.to_csv(out / "predictions.csv", index=False)
    written = [out / "predictions.csv"]
    if strips:
        from gymskel.explain import write_strips

        written += write_strips(loaded, recordings, out)
    typer.echo("\n" + "\n".join(map(str, written)))
    if failed:
        raise typer.Exit(1)


@app.command()
def export(
    classifier: Annotated[Path, typer.Argument(help="A .gymskel file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="FILE.onnx, or FILE.tflite for LiteRT.")],
    frames: Annotated[
        int | None, typer.Option(help="Length of a clip (.tflite); default: of the longest training clip.")
    ] = None,
) -> None:
    """A classifier -> ONNX or LiteRT, run and compared, with what a client must know beside it as JSON."""
    suffix = out.suffix.lower()
    if suffix not in (".onnx", ".tflite"):
        raise ValueError(f"`--out` must end in .onnx or .tflite, got {out}.")
    if frames is not None and suffix == ".onnx":
        raise ValueError("`--frames` is for .tflite: ONNX takes clips of any length.")
    SkeletonClassifier, _ = _load_classifier()
    from gymskel.export import export_litert, export_onnx

    loaded = SkeletonClassifier.load(classifier)
    written = export_onnx(loaded, out) if suffix == ".onnx" else export_litert(loaded, out, frames=frames)
    typer.echo(f"{written}\n{written}.json")


@app.command()
def explain(
    classifier: Annotated[Path, typer.Argument(help="A .gymskel file.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for pictures and tables.")] = Path(
        "explained"
    ),
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
    units: Annotated[
        int, typer.Option(help="Rows of a strip: the units that tell the moves apart best.")
    ] = 8,
) -> None:
    """Why each answer: strips under the moving body, which joint counted when, units ranked by move."""
    SkeletonClassifier, _ = _load_classifier()
    import matplotlib

    from gymskel.explain import write_explanations

    matplotlib.use("Agg")
    loaded = SkeletonClassifier.load(classifier)
    recordings, failed = _recordings(data, labels, fps, person, keep=out / "keypoints")
    typer.echo("\n".join(map(str, write_explanations(loaded, recordings, out, units=units))))
    if failed:
        raise typer.Exit(1)


@app.command()
def kinematics(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file for the table.")] = Path(
        "kinematics.csv"
    ),
    heights: Annotated[
        Path | None, typer.Option(help="CSV with the columns athlete, height (metres): lengths in metres.")
    ] = None,
    fps: Fps = None,
    person: Person = None,
) -> None:
    """Flight time, jump height, take-off, rotation and travel of each recording, as a table."""
    import pandas as pd

    from gymskel.kinematics import kinematics_table

    tall = None
    if heights is not None:
        read = pd.read_csv(heights)
        if missing := {"athlete", "height"} - set(read):
            raise ValueError(
                f"{heights} lacks the column {', '.join(sorted(missing))}; it has {', '.join(read)}."
            )
        tall = dict(zip(read["athlete"].astype(str), read["height"], strict=True))
    recordings, failed = _recordings(data, None, fps, person)
    table = kinematics_table(recordings, heights=tall)
    table.to_csv(out, index=False)
    shown = [
        "name",
        "unit",
        "flight_time",
        "jump_height_time",
        "takeoff_angle",
        "turn",
        "rotation_peak",
        "hip_travel",
    ]
    typer.echo(table[shown].to_string(index=False, float_format="{:.2f}".format))
    typer.echo(f"\n{out}")
    if failed:
        raise typer.Exit(1)


@app.command()
def report(
    classifier: Annotated[Path, typer.Argument(help="A .gymskel file.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page, FILE.html.")] = Path("report.html"),
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
) -> None:
    """One page for a coach: results by athlete beside simple rules, what is mistaken, clips to play; a single file."""
    SkeletonClassifier, _ = _load_classifier()
    from gymskel.report import write_report

    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"`--out` must end in .html, got {out}.")
    loaded = SkeletonClassifier.load(classifier)
    recordings, failed = _recordings(data, labels, fps, person)
    written = write_report(loaded, recordings, out, progress=True)
    typer.echo(f"{written}: {len(recordings)} recordings, {written.stat().st_size / 1e6:.1f} MB")
    if loaded.out_of_fold_ is None:
        typer.echo(
            "! The classifier keeps no answers about athletes left out: train it without --no-test.", err=True
        )
    if failed:
        raise typer.Exit(1)


@app.command()
def pack(
    data: Annotated[
        Path, typer.Argument(help="Per-frame CSVs, OpenPose's JSON, .pose, .pkl, .csv, Parquet.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .npz file.")] = Path("recordings.npz"),
    fps: Fps = None,
    labels: Labels = None,
    person: Person = None,
) -> None:
    """All recordings of a folder in one file, read several hundred times faster; other commands take it as data."""
    from gymskel.formats import read_keypoints, write_pack

    recordings = read_keypoints(data, fps=fps, labels=labels, person=person)
    typer.echo(f"{write_pack(recordings, out)}: {len(recordings)} recordings")


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for what it makes.")] = Path("demo"),
    seed: Seed = 0,
) -> None:
    """The whole journey on simulated gymnasts, in about two minutes; ends with what it wrote."""
    _load_classifier()
    from gymskel.demo import run

    typer.echo("\n".join(map(str, run(out, seed=seed, say=typer.echo))))


# --- inside ----------------------------------------------------------------------------------------------------


def _load_classifier() -> tuple[Any, Any]:
    """SkeletonClassifier and evaluate, without the page of lines with which TensorFlow greets."""
    from gymskel.quiet import hushed

    with hushed():
        from gymskel.classifier import SkeletonClassifier
        from gymskel.evaluation import evaluate
    logging.getLogger("tensorflow").setLevel(
        logging.ERROR
    )  # "retracing" is no news to whoever trains five folds
    return SkeletonClassifier, evaluate


def _extract(
    videos: list[Path], out: Path, fps: float | None, estimator: str, overwrite: bool | str, **asked: Any
) -> int:
    """Extracts, tells what became of it, and returns how many videos failed; for a dry run, would fail."""
    from gymskel import extract as stage

    paths: Any = videos[0] if len(videos) == 1 else videos
    with warnings.catch_warnings():
        warnings.showwarning = lambda text, *_: typer.echo(f"! {text}", err=True)
        told = r"\d+ of \d+ videos could not be extracted"  # by the lines below
        warnings.filterwarnings("ignore", told, stage.ExtractionWarning)
        result = stage.extract_videos(paths, out, estimator=estimator, fps=fps, overwrite=overwrite, **asked)
    if isinstance(result, stage.Plan):
        typer.echo(result)
        return len(result.those("refuse", "fail"))
    typer.echo(
        f"{out}: {len(result.written)} extracted, {len(result.skipped)} finished before, {len(result.failed)} failed"
    )
    for video, fault in result.failed.items():
        typer.echo(f"! {video}: {fault}", err=True)
    return len(result.failed)


def _recordings(
    data: Path, labels: Path | None, fps: float | None, person: int | None, keep: Path | None = None
) -> tuple[list, int]:
    """The recordings in CSVs, or in videos, which are extracted first into a folder that is kept.

    The second value is the number of videos that failed; the others are gone on with.
    """
    from gymskel.formats import read_keypoints
    from gymskel.recording import FILE_NAME, label_recordings, read_recordings
    from gymskel.video import VIDEO_SUFFIXES, find_videos

    inside = list(data.rglob("*")) if data.is_dir() else [data]
    is_video = any(path.suffix.lower() in VIDEO_SUFFIXES for path in inside)
    if is_video and not any(FILE_NAME.fullmatch(path.name) for path in inside):
        keypoints = (
            keep or data.parent / f"{data.resolve().stem}-keypoints"
            if data.name
            else Path(f"{data.resolve()}-keypoints")
        )
        videos = find_videos(data)
        typer.echo(f"{data} holds videos: extracting {len(videos)} into {keypoints}", err=True)
        # the frame rate is given when reading: another one then needs no other extraction
        failed = _extract([data], keypoints, None, "auto", "changed" if keep else False)
        if failed == len(videos):
            raise ValueError("None of the videos could be extracted.")
        known = {video.stem for video in videos}  # the folder may hold others from before
        made = read_recordings(keypoints, person=person, fps=fps)
        made = [recording for recording in made if recording.source in known]
        return (made if labels is None else label_recordings(made, labels)), failed
    return read_keypoints(data, person=person, fps=fps, labels=labels), 0


def _size(option: str, text: str | None) -> tuple[int, int] | None:
    """(width, height) of `1920x1080`."""
    if text is None:
        return None
    width, by, height = text.lower().partition("x")
    if not (by and width.isdecimal() and height.isdecimal()):
        raise ValueError(f"`--{option}` must be WIDTHxHEIGHT in pixels, like 1920x1080, got {text!r}.")
    return int(width), int(height)


def _whom(text: str) -> str | int | tuple[float, float]:
    """A word, a number or a point, as extract and formats take it."""
    if text.isdecimal():
        return int(text)
    x, comma, y = text.partition(",")
    if not comma:
        return text
    try:
        return float(x), float(y)
    except ValueError:
        raise ValueError(f"`--people` must be a word, a number or X,Y in pixels, got {text!r}.") from None


def _among(rate: float, rates: list[float]) -> bool:
    from gymskel.preprocess.preprocessor import SAME_RATE

    return any(abs(rate / known - 1) < SAME_RATE for known in rates)


def _check_names(model: str, recipe: str, preprocess: str = "default", protocol: str = "athletes") -> None:
    """Refuses a wrong name before hours of extraction, not after."""
    from gymskel.models import BUILDERS
    from gymskel.preprocess.preprocessor import PRESETS
    from gymskel.training import RECIPES

    for option, name, known in (
        ("model", model, BUILDERS),
        ("recipe", recipe, RECIPES),
        ("preprocess", preprocess, PRESETS),
        ("protocol", protocol, ("athletes", "thesis")),
    ):
        if name not in known:
            raise ValueError(f"`--{option}` must be one of {', '.join(known)}, got {name!r}.")


def _teller(path: Path) -> Any:
    """A function of a recording: what the classifier says of it, for an overlay."""
    SkeletonClassifier, _ = _load_classifier()
    from gymskel.activations import states_of
    from gymskel.overlay import Beside
    from gymskel.stream import answer_frames

    classifier = SkeletonClassifier.load(path)

    def told(recording: Any) -> Any:
        _, (strip,) = states_of(classifier, [recording])
        return Beside(answer_frames(classifier, recording), strip)

    return told


def main() -> None:
    """Runs the command; faults of the user's files end in one line, not in a traceback."""
    try:
        app()
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as fault:
        if os.environ.get("GYMSKEL_DEBUG"):
            raise
        typer.echo(f"gymskel: {fault}", err=True)
        sys.exit(1)
    except (
        KeyboardInterrupt,
        SystemExit,
    ) as end:  # typer turns the former into the latter with 130, and says nothing
        if isinstance(end, SystemExit) and end.code != 130:
            raise
        typer.echo(
            "gymskel: interrupted; what was finished is kept, start the same command again to go on.",
            err=True,
        )
        sys.exit(130)
