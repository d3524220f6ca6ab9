"""Commands about classifiers: trained, tested, asked, explained, told to a coach, exported; and the demo of all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gymskel.cli.options import (
    Artefact,
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
    recipe_of,
)
from gymskel.cli.reading import load_classifier, load_libraries, read_answers, read_data


def train(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The classifier to write.")] = Path(
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
        bool, typer.Option("--test/--no-test", help="Leave athletes out first and show the table.")
    ] = True,
    seed: Seed = 0,
    workers: Workers = 1,
) -> None:
    """CSVs or videos -> one saved classifier, and the table that says how well it does by athlete.

    Interrupted in its last training, after the table, and started again, it goes on where it was.
    """
    load_libraries()
    from gymskel import evaluation
    from gymskel.classifier import SkeletonClassifier

    check_names(model, recipe, preprocess)
    if out.is_dir():
        raise ValueError(f"{out} is a folder: name the file to write, such as {out / 'moves.gymskel'}.")
    recordings, failed = read_data(data, labels, fps, person, named=True)
    settings = {"recipe": recipe_of(recipe, mirror), "preprocess": preprocess, "random_state": seed}
    classifier = SkeletonClassifier(model, **settings)
    checkpoint, left_out = (out.with_name(f"{out.name}.{kind}") for kind in ("checkpoint", "left-out.csv"))
    if not checkpoint.exists():
        left_out.unlink(missing_ok=True)  # of a training whose checkpoint is gone
    predictions = read_answers(left_out) if left_out.exists() else None
    if checkpoint.exists():
        shown = "" if predictions is None else "; the table was shown before"
        typer.echo(f"Going on from {checkpoint}{shown}.", err=True)
    if test and len({r.athlete or r.source for r in recordings}) < 2:
        typer.echo("! Only one athlete: no honest test is possible. Record others.", err=True)
    elif test and predictions is None:
        typer.echo(f"Testing on athletes left out ({len(recordings)} recordings) ...", err=True)
        how = {"folds": folds, "seed": seed, "progress": True, "workers": workers}
        tested = evaluation.evaluate(classifier, recordings, **how)
        typer.echo(f"{tested}\n")
        predictions = tested.predictions
        out.parent.mkdir(parents=True, exist_ok=True)
        predictions.to_csv(left_out, index=False)  # for a training that is interrupted and goes on
    typer.echo("Training on all recordings ...", err=True)
    classifier.fit(recordings, progress=True, checkpoint=checkpoint)
    if predictions is not None:
        classifier.keep_out_of_fold(predictions)
    typer.echo(f"{classifier.save(out)}: {model} on {len(recordings)} recordings, {classifier.run_.note}")
    for kept in (checkpoint, left_out):
        kept.unlink(missing_ok=True)
    if failed:
        raise typer.Exit(1)


def evaluate(
    data: Data,
    model: Model = "conv_gru",
    recipe: RecipeName = "default",
    preprocess: Preset = "default",
    mirror: Mirror = True,
    protocol: Annotated[
        str, typer.Option(help="athletes, or thesis (the published split, which leaks).")
    ] = "athletes",
    runs: Annotated[int, typer.Option(help="Independent repetitions.")] = 1,
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
    folds: Folds = None,
    seed: Seed = 0,
    workers: Workers = 1,
) -> None:
    """How well a model does on athletes it has not seen, beside the simplest rules."""
    load_libraries()
    from gymskel import evaluation
    from gymskel.classifier import SkeletonClassifier

    check_names(model, recipe, preprocess, protocol)
    recordings, failed = read_data(data, labels, fps, person, named=True)
    settings = {"runs": runs, "seed": seed, "progress": True}
    if protocol == "thesis":
        preset = "thesis" if preprocess == "default" else preprocess
        result = evaluation.evaluate_published(model, recordings, preprocess=preset, **settings)
    else:
        classifier = SkeletonClassifier(model, recipe=recipe_of(recipe, mirror), preprocess=preprocess)
        result = evaluation.evaluate(classifier, recordings, folds=folds, workers=workers, **settings)
    typer.echo(result)
    if failed:
        raise typer.Exit(1)


def predict(
    classifier: Artefact,
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
    loaded = load_classifier(classifier)
    recordings, failed = read_data(data, None, fps, person, keep=out / "keypoints")
    rates = loaded.training_facts_.fps_in
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


def explain(
    classifier: Artefact,
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
    loaded = load_classifier(classifier)
    import matplotlib

    from gymskel.explain import write_explanations

    matplotlib.use("Agg")
    recordings, failed = read_data(data, labels, fps, person, keep=out / "keypoints")
    typer.echo("\n".join(map(str, write_explanations(loaded, recordings, out, units=units))))
    if failed:
        raise typer.Exit(1)


def export(
    classifier: Artefact,
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
    loaded = load_classifier(classifier)
    from gymskel.export import export_litert, export_onnx

    written = export_onnx(loaded, out) if suffix == ".onnx" else export_litert(loaded, out, frames=frames)
    typer.echo(f"{written}\n{written}.json")


def report(
    classifier: Artefact,
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page, FILE.html.")] = Path("report.html"),
    labels: Labels = None,
    fps: Fps = None,
    person: Person = None,
) -> None:
    """One page for a coach: results by athlete beside simple rules, what is mistaken, clips to play; a single file."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"`--out` must end in .html, got {out}.")
    loaded = load_classifier(classifier)
    from gymskel.report import write_report

    recordings, failed = read_data(data, labels, fps, person)
    written = write_report(loaded, recordings, out, progress=True)
    typer.echo(f"{written}: {len(recordings)} recordings, {written.stat().st_size / 1e6:.1f} MB")
    if loaded.out_of_fold_ is None:
        typer.echo(
            "! The classifier keeps no answers about athletes left out: train it without --no-test.", err=True
        )
    if failed:
        raise typer.Exit(1)


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for what it makes.")] = Path("demo"),
    seed: Seed = 0,
) -> None:
    """The whole journey on simulated gymnasts, in a minute or two; ends with what it wrote."""
    load_libraries()
    from gymskel.demo import run

    typer.echo("\n".join(map(str, run(out, seed=seed, say=typer.echo))))


def _among(rate: float, rates: list[float]) -> bool:
    from gymskel.recording.times import same_rate

    return any(same_rate(rate, known) for known in rates)
