"""Commands about keypoints: from videos, from others' files, drawn, in one file, measured."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gymskel.cli.options import Data, Fps, Labels, People, Person, people_of, size_of
from gymskel.cli.reading import extract_and_report, load_classifier, read_data

if TYPE_CHECKING:
    from gymskel.overlay import Annotation
    from gymskel.recording import Recording


def extract(
    videos: Annotated[list[Path], typer.Argument(help="Videos, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the CSVs.")] = Path("keypoints"),
    fps: Fps = None,
    estimator: Annotated[str, typer.Option(help="auto, mediapipe, openpose or rtmpose.")] = "auto",
    people: People = "athlete",
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Turn the picture with the body; or see it as it is.")
    ] = True,
    workers: Annotated[int | None, typer.Option(help="Processes, each at a video of its own.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Extract again what is finished.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; touch nothing.")] = False,
) -> None:
    """Videos -> per-frame BODY_25 CSVs. Interrupted and started again, it goes on where it was."""
    from gymskel.extract import plan_videos

    options: dict[str, Any] = {
        "fps": fps,
        "estimator": estimator,
        "people": people_of(people),
        "follow": follow,
        "overwrite": "always" if overwrite else "never",
    }
    if dry_run:
        plan = plan_videos(videos, out, **options)
        typer.echo(plan)
        failed = bool(plan.with_action("refuse", "fail"))
    else:
        failed = bool(extract_and_report(videos, out, workers=workers, **options).failed)
    if failed:
        raise typer.Exit(1)


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
    people: People = "athlete",
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
            image_size=size_of("image-size", image_size),
            written_size=size_of("written-size", written_size),
            model_pose=model_pose,
            fps=fps,
            people=people_of(people),
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
            output_format=kind,
            person=person,
            fps=fps,
            slow=slow,
            frames=frames,
            seconds=seconds,
            counts_from=counts_from,
            annotate=None if classifier is None else _annotator(classifier),
        )
    for path in done.written:
        typer.echo(path)
    faults = [f"{video}: {fault}" for video, fault in done.failed.items()]
    for line in dict.fromkeys([str(warning.message) for warning in told] + faults):
        typer.echo(f"! {line}", err=True)
    if done.failed:
        raise typer.Exit(1)


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
    from gymskel.kinematics import kinematics_table

    tall = _heights_in(heights) if heights else {}
    recordings, failed = read_data(data, None, fps, person)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        table = kinematics_table(recordings, heights=tall)
    lines = [str(warning.message) for warning in told]
    if heights and (unknown := sorted({r.athlete for r in recordings if r.athlete} - set(tall))):
        lines.append(f"{heights} has no height of {', '.join(unknown)}: theirs are in torso lengths.")
    for line in dict.fromkeys(lines):
        typer.echo(f"! {line}", err=True)
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


def _heights_in(path: Path) -> dict[str, float]:
    """Athlete -> metres, as a spreadsheet writes it; whose height is left empty is left out."""
    from gymskel.recording.labels import read_text_table

    table = read_text_table(path, "heights", "athlete, height")
    if missing := {"athlete", "height"} - set(table):
        raise ValueError(
            f"{path} lacks the column {', '.join(sorted(missing))}; it has {', '.join(table) or 'none'}."
        )
    tall = {}
    for athlete, height in table[["athlete", "height"]].dropna().itertuples(index=False):
        try:
            tall[athlete] = float(height.replace(",", "."))
        except ValueError:
            raise ValueError(f"{path}: the height of {athlete} is {height!r}, no number of metres.") from None
    return tall


def _annotator(path: Path) -> Callable[[Recording], Annotation]:
    """Return a function that gives the classifier's output about a recording, for an overlay."""
    loaded = load_classifier(path)
    from gymskel.activations import last_layer_states
    from gymskel.overlay import Annotation
    from gymskel.stream import predict_frames

    def annotate(recording: Recording) -> Annotation:
        _, (strip,) = last_layer_states(loaded, [recording])
        return Annotation(predict_frames(loaded, recording), strip)

    return annotate
