"""Commands about classifiers: train, evaluate, predict, export, explain, report; and the demo of all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gymskel.cli.options import (
    ClassifierFile,
    Data,
    Folds,
    Fps,
    Labels,
    Mirror,
    Model,
    Person,
    Preset,
    RecipeName,
    Seed,
    Workers,
    check_names,
    check_out_file,
    check_out_folder,
    choose_recipe,
)
from gymskel.cli.output import exit_with_failures, print_notes
from gymskel.cli.reading import load_classifier, load_libraries, read_data, read_predictions
from gymskel.files import replace_file

if TYPE_CHECKING:
    import pandas as pd

    from gymskel.classifier import SkeletonClassifier
    from gymskel.recording import Recording


def train(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .gymskel file to write.")] = Path(
        "classifier.gymskel"
    ),
    model: Model = "conv_gru",
    recipe: RecipeName = "default",
    preprocess: Preset = "default",
    mirror: Mirror = True,
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
    folds: Folds = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Test on athletes left out first, and show the table.")
    ] = True,
    seed: Seed = 0,
    workers: Workers = 1,
) -> None:
    """Train a classifier and save it as one file. Test it first on athletes that it has not seen.

    If the last training is interrupted, start the same command again: it continues where it was.
    """
    load_libraries()
    from gymskel.classifier import SkeletonClassifier

    check_names(model, recipe, preprocess)
    check_out_file(out)
    recordings, failed = read_data(data, labels, fps, person, needs_names=True)
    classifier = SkeletonClassifier(
        model, recipe=choose_recipe(recipe, mirror), preprocess=preprocess, random_state=seed
    )
    checkpoint, left_out = out.with_name(f"{out.name}.checkpoint"), out.with_name(f"{out.name}.left-out.csv")
    predictions = _read_earlier_predictions(checkpoint, left_out)
    if test and len({r.athlete or r.source for r in recordings}) < 2:
        print_notes(["Only one athlete, so no honest test is possible. Fix: record more athletes."])
    elif test and predictions is None:
        predictions = _test_on_left_out(classifier, recordings, folds, seed, workers)
        with replace_file(left_out) as part:  # for a training that is interrupted and continued
            predictions.to_csv(part, index=False)
    typer.echo("Training on all recordings ...", err=True)
    classifier.fit(recordings, progress=True, checkpoint=checkpoint)
    if predictions is not None:
        classifier.keep_out_of_fold(predictions)
    typer.echo(f"{classifier.save(out)}: {model} on {len(recordings)} recordings, {classifier.run_.note}")
    for file in (checkpoint, left_out):
        file.unlink(missing_ok=True)
    exit_with_failures(failed)


def _read_earlier_predictions(checkpoint: Path, left_out: Path) -> pd.DataFrame | None:
    """Return the predictions of a test before an interrupted training; None if there is none to continue."""
    if not checkpoint.exists():
        left_out.unlink(missing_ok=True)  # of a training whose checkpoint is gone
        return None
    predictions = read_predictions(left_out) if left_out.exists() else None
    shown = "" if predictions is None else "; the table was shown before"
    typer.echo(f"Going on from {checkpoint}{shown}.", err=True)
    return predictions


def _test_on_left_out(
    classifier: SkeletonClassifier, recordings: list[Recording], folds: int | None, seed: int, workers: int
) -> pd.DataFrame:
    """Print the evaluation on athletes left out, and return its predictions."""
    from gymskel import evaluation

    typer.echo(f"Testing on athletes left out ({len(recordings)} recordings) ...", err=True)
    result = evaluation.evaluate(
        classifier, recordings, folds=folds, seed=seed, progress=True, workers=workers
    )
    typer.echo(f"{result}\n")
    return result.predictions


def evaluate(
    data: Data,
    model: Model = "conv_gru",
    recipe: RecipeName = "default",
    preprocess: Preset = "default",
    mirror: Mirror = True,
    protocol: Annotated[
        str,
        typer.Option(
            help="athletes (some are left out), or thesis (the published random split, whose scores are too good)."
        ),
    ] = "athletes",
    runs: Annotated[int, typer.Option(help="Number of repetitions, each with a seed of its own.")] = 1,
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
    folds: Folds = None,
    seed: Seed = 0,
    workers: Workers = 1,
) -> None:
    """Show how well a model does on athletes that it has not seen, beside simple baselines."""
    load_libraries()
    from gymskel import evaluation
    from gymskel.classifier import SkeletonClassifier

    check_names(model, recipe, preprocess, protocol)
    recordings, failed = read_data(data, labels, fps, person, needs_names=True)
    settings: dict[str, Any] = {"runs": runs, "seed": seed, "progress": True}
    if protocol == "thesis":
        preset = "thesis" if preprocess == "default" else preprocess
        result = evaluation.evaluate_published(model, recordings, preprocess=preset, **settings)
    else:
        classifier = SkeletonClassifier(model, recipe=choose_recipe(recipe, mirror), preprocess=preprocess)
        result = evaluation.evaluate(classifier, recordings, folds=folds, workers=workers, **settings)
    typer.echo(result)
    exit_with_failures(failed)


def predict(
    classifier: ClassifierFile,
    data: Annotated[
        Path, typer.Argument(help="A video, a folder of videos, or keypoints (CSV files, .npz, .pose, .pkl).")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the table and the pictures.")] = Path(
        "predictions"
    ),
    fps: Fps = None,
    person: Person = None,
    strips: Annotated[
        bool, typer.Option("--strips/--no-strips", help="Draw what the neurons did in each frame.")
    ] = True,
) -> None:
    """Name the move in each video or recording, with probabilities and pictures of the neurons."""
    check_out_folder(out)
    loaded = load_classifier(classifier)
    recordings, failed = read_data(data, None, fps, person, keep=out / "keypoints")
    _note_other_rates(recordings, loaded.training_facts_.fps_in)
    table = loaded.predict_table(recordings)
    typer.echo(table.to_string(index=False, float_format="{:.3f}".format))
    with replace_file(out / "predictions.csv") as part:
        table.to_csv(part, index=False)
    written = [out / "predictions.csv"]
    if strips:
        from gymskel.explain import write_strips

        written += write_strips(loaded, recordings, out)
    typer.echo("\n" + "\n".join(map(str, written)))
    exit_with_failures(failed)


def _note_other_rates(recordings: list[Recording], training_rates: Sequence[float]) -> None:
    """Print a note on frame rates of recordings that are none of the training's."""
    from gymskel.recording.times import same_rate

    rates = {recording.fps for recording in recordings if recording.fps and training_rates}
    others = sorted(rate for rate in rates if not any(same_rate(rate, known) for known in training_rates))
    if others:
        filmed, trained = (", ".join(f"{rate:g}" for rate in values) for values in (others, training_rates))
        print_notes(
            [f"Filmed at {filmed} fps, trained at {trained}. Fix: if the files are wrong, give --fps."]
        )


def explain(
    classifier: ClassifierFile,
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures and tables.")] = Path(
        "explained"
    ),
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
    units: Annotated[
        int, typer.Option(help="Number of units in a picture: those that tell the moves apart best.")
    ] = 8,
) -> None:
    """Explain each prediction: what the neurons did, which joint counted when, units ranked by move."""
    check_out_folder(out)
    loaded = load_classifier(classifier)
    import matplotlib

    from gymskel.explain import write_explanations

    matplotlib.use("Agg")
    recordings, failed = read_data(data, labels, fps, person, keep=out / "keypoints")
    typer.echo("\n".join(map(str, write_explanations(loaded, recordings, out, units=units))))
    exit_with_failures(failed)


def export(
    classifier: ClassifierFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="FILE.onnx, or FILE.tflite for LiteRT.")],
    frames: Annotated[
        int | None,
        typer.Option(help="Number of frames in a clip (.tflite). Default: the longest training clip."),
    ] = None,
) -> None:
    """Convert a classifier to ONNX or LiteRT and compare the results. A JSON file beside it describes the input."""
    check_out_file(out, ".onnx", ".tflite")
    is_onnx = out.suffix.lower() == ".onnx"
    if frames is not None and is_onnx:
        raise ValueError(
            "`--frames` is for .tflite; an .onnx file takes clips of any length. Fix: leave --frames out."
        )
    loaded = load_classifier(classifier)
    from gymskel.export import export_litert, export_onnx

    written = export_onnx(loaded, out) if is_onnx else export_litert(loaded, out, frames=frames)
    typer.echo(f"{written}\n{written}.json")


def report(
    classifier: ClassifierFile,
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .html file to write.")] = Path("report.html"),
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
) -> None:
    """Write one page for a coach: results by athlete, simple baselines, mistakes, and clips to play."""
    check_out_file(out, ".html", ".htm")
    loaded = load_classifier(classifier)
    from gymskel.report import write_report

    recordings, failed = read_data(data, labels, fps, person)
    written = write_report(loaded, recordings, out, progress=True)
    typer.echo(f"{written}: {len(recordings)} recordings, {written.stat().st_size / 1e6:.1f} MB")
    if loaded.out_of_fold_ is None:
        print_notes(
            ["The classifier holds no predictions for athletes left out. Fix: train it without --no-test."]
        )
    exit_with_failures(failed)


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")] = Path("demo"),
    seed: Seed = 0,
) -> None:
    """Show all steps on simulated gymnasts, in a minute or two, and list the files written."""
    check_out_folder(out)
    load_libraries()
    from gymskel.demo import run

    typer.echo("\n".join(map(str, run(out, seed=seed, say=typer.echo))))
