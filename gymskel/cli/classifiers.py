"""Commands about classifiers: train, evaluate, predict, export, explain, report; and the demo of all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any
from zlib import crc32

import typer
from typer import Argument, Option

from gymskel.cli import options, reading
from gymskel.cli.options import check_out_file, check_out_folder, out_option
from gymskel.cli.reading import exit_with_failures, load_classifier, load_libraries, print_notes, read_data
from gymskel.files import replace_file

PROTOCOL_HELP = "athletes (some are left out), or thesis (the published split, whose scores are too good)."


def train(
    data: options.Data,
    out: Annotated[Path, out_option(help="The .gymskel file to write.")] = Path("classifier.gymskel"),
    model: options.Model = "conv_gru",
    recipe: options.RecipeName = "default",
    preprocess: options.Preset = "default",
    mirror: options.Mirror = True,
    labels: options.Labels = None,
    fps: options.Fps = None,
    person: options.Person = None,
    folds: options.Folds = None,
    test: Annotated[bool, Option("--test/--no-test", help="Test on athletes left out first.")] = True,
    seed: options.Seed = 0,
    workers: options.Workers = 1,
) -> None:
    """Train a classifier and save it as one file. Test it first on athletes that it has not seen.

    If it is interrupted, start the same command again: it continues where it was, in the test too.
    """
    load_libraries()
    from gymskel import evaluation
    from gymskel.classifier import SkeletonClassifier
    from gymskel.training import without_mirror

    options.check_names(model, recipe, preprocess)
    check_out_file(out)
    recordings, failed = read_data(data, labels, fps, person, needs_names=True)
    chosen = recipe if mirror else without_mirror(recipe)
    classifier = SkeletonClassifier(model, recipe=chosen, preprocess=preprocess, random_state=seed)
    checkpoint, tested = out.with_name(f"{out.name}.checkpoint"), out.with_name(f"{out.name}.folds")
    left_out = out.with_name(f"{out.name}.left-out.csv")  # the table, from an older gymskel
    if not checkpoint.exists():
        left_out.unlink(missing_ok=True)  # of a training whose checkpoint is gone
    predictions = reading.read_predictions(left_out) if left_out.exists() else None
    if checkpoint.exists():
        shown = "" if predictions is None else "; the table was shown before"
        typer.echo(f"Going on from {checkpoint}{shown}.", err=True)
    if test and len({r.athlete or r.source for r in recordings}) < 2:
        print_notes("Only one athlete, so no honest test is possible. Fix: record more athletes.")
    elif test and predictions is None:
        typer.echo(f"Testing on athletes left out ({len(recordings)} recordings) ...", err=True)
        settings: dict[str, Any] = {"folds": folds, "seed": seed, "progress": True, "workers": workers}
        result = evaluation.evaluate(classifier, recordings, checkpoint=tested, **settings)
        typer.echo(f"{result}\n")
        predictions = result.predictions
    typer.echo("Training on all recordings ...", err=True)
    classifier.fit(recordings, progress=True, checkpoint=checkpoint)
    if predictions is not None:
        classifier.keep_out_of_fold(predictions)
    typer.echo(f"{classifier.save(out)}: {model} on {len(recordings)} recordings, {classifier.run_.note}")
    for file in (checkpoint, left_out):
        file.unlink(missing_ok=True)
    shutil.rmtree(tested, ignore_errors=True)
    exit_with_failures(failed)


def evaluate(
    data: options.Data,
    model: options.Model = "conv_gru",
    recipe: options.RecipeName = "default",
    preprocess: options.Preset = "default",
    mirror: options.Mirror = True,
    protocol: Annotated[str, Option(help=PROTOCOL_HELP)] = "athletes",
    runs: Annotated[int, Option(help="Number of repetitions, each with a seed of its own.")] = 1,
    labels: options.Labels = None,
    fps: options.Fps = None,
    person: options.Person = None,
    folds: options.Folds = None,
    seed: options.Seed = 0,
    workers: options.Workers = 1,
) -> None:
    """Show how well a model does on athletes that it has not seen, beside simple baselines.

    If it is interrupted, start the same command again in the same folder: it continues where it was.
    """
    load_libraries()
    from gymskel import evaluation
    from gymskel.classifier import SkeletonClassifier
    from gymskel.training import without_mirror

    options.check_names(model, recipe, preprocess, protocol)
    if protocol == "thesis" and (folds is not None or workers > 1 or recipe not in ("default", "thesis")):
        raise ValueError(
            "`--protocol thesis` has a split and a recipe of its own, and one process. Fix: leave out --folds, "
            "--workers and --recipe."
        )
    recordings, failed = read_data(data, labels, fps, person, needs_names=True)
    # by the command, so that two evaluations in one folder do not meet
    asked = (str(data.resolve()), model, recipe, preprocess, mirror, protocol)
    number = crc32(repr((*asked, runs, labels, fps, person, folds, seed)).encode())
    checkpoint = Path(f"evaluation-{model}-{number:08x}.checkpoint")
    settings: dict[str, Any] = {"runs": runs, "seed": seed, "progress": True, "checkpoint": checkpoint}
    if protocol == "thesis":
        preset = "thesis" if preprocess == "default" else preprocess
        result = evaluation.evaluate_published(model, recordings, preprocess=preset, **settings)
    else:
        chosen = recipe if mirror else without_mirror(recipe)
        classifier = SkeletonClassifier(model, recipe=chosen, preprocess=preprocess)
        result = evaluation.evaluate(classifier, recordings, folds=folds, workers=workers, **settings)
    typer.echo(result)
    shutil.rmtree(checkpoint, ignore_errors=True)
    exit_with_failures(failed)


def predict(
    classifier: options.ClassifierFile,
    data: Annotated[Path, Argument(help="A video, a folder of videos, or keypoints in any format.")],
    out: Annotated[Path, out_option(help="Folder for the table and the pictures.")] = Path("predictions"),
    fps: options.Fps = None,
    person: options.Person = None,
    strips: Annotated[bool, Option("--strips/--no-strips", help="Draw what the neurons did.")] = True,
) -> None:
    """Name the move in each video or recording, with probabilities and pictures of the neurons."""
    check_out_folder(out)
    loaded = load_classifier(classifier)
    from gymskel.recording.times import same_rate

    recordings, failed = read_data(data, None, fps, person, keep=out / "keypoints")
    rates = loaded.training_facts_.fps_in
    filmed = {recording.fps for recording in recordings if recording.fps and rates}
    if others := sorted(fps for fps in filmed if not any(same_rate(fps, rate) for rate in rates)):
        shown, trained = (", ".join(f"{rate:g}" for rate in values) for values in (others, rates))
        print_notes(f"Filmed at {shown} fps, trained at {trained}. Fix: if the files are wrong, give --fps.")
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


def explain(
    classifier: options.ClassifierFile,
    data: options.Data,
    out: Annotated[Path, out_option(help="Folder for the pictures and tables.")] = Path("explained"),
    labels: options.Labels = None,
    fps: options.Fps = None,
    person: options.Person = None,
    units: Annotated[int, Option(help="Number of units in a picture, the best ones first.")] = 8,
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
    classifier: options.ClassifierFile,
    out: Annotated[Path, out_option(help="FILE.onnx, or FILE.tflite for LiteRT.")],
    frames: Annotated[int | None, Option(help="Frames in a clip (.tflite). Default: the longest.")] = None,
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
    classifier: options.ClassifierFile,
    data: options.Data,
    out: Annotated[Path, out_option(help="The .html file to write.")] = Path("report.html"),
    labels: options.Labels = None,
    fps: options.Fps = None,
    person: options.Person = None,
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
            "The classifier holds no predictions for athletes left out. Fix: train without --no-test."
        )
    exit_with_failures(failed)


def demo(
    out: Annotated[Path, out_option(help="Folder for the files.")] = Path("demo"),
    seed: options.Seed = 0,
) -> None:
    """Show all steps on simulated gymnasts, in a minute or two, and list the files written."""
    check_out_folder(out)
    load_libraries()
    from gymskel.demo import run

    typer.echo("\n".join(map(str, run(out, seed=seed, say=typer.echo))))
