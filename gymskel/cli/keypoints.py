"""Commands about keypoints: extract, import, draw, pack and measure them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from gymskel.cli import options, reading
from gymskel.cli.options import check_out_file, check_out_folder, out_option, parse_people, parse_size
from gymskel.cli.reading import exit_with_failures, noted_warnings, print_notes, read_data
from gymskel.files import replace_file

if TYPE_CHECKING:
    from gymskel.formats import ImportedClip
    from gymskel.overlay import Annotation
    from gymskel.recording import Recording

SHOWN_MEASURES = "name unit flight_time jump_height_time takeoff_angle turn rotation_peak hip_travel".split()
"""Columns of the table of `kinematics` that are printed; the CSV file has all."""


def extract(
    videos: Annotated[list[Path], Argument(help="Video files, or folders of videos.")],
    out: Annotated[Path, out_option(help="Folder for the CSV files.")] = Path("keypoints"),
    fps: options.Fps = None,
    estimator: Annotated[str, Option(help="Pose estimator: auto, mediapipe, openpose or rtmpose.")] = "auto",
    people: options.PeopleChoice = "athlete",
    follow: Annotated[bool, Option("--follow/--no-follow", help="Turn the picture with the body.")] = True,
    workers: Annotated[int | None, Option(help="Number of processes, each with a video of its own.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Extract finished videos again.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the plan. Write nothing.")] = False,
) -> None:
    """Find people in videos and write their keypoints as CSV files, one file per frame.

    If it is interrupted, start the same command again: it continues with the videos that are left.
    """
    from gymskel.extract import plan_videos

    check_out_folder(out)
    settings: dict[str, Any] = {"fps": fps, "estimator": estimator, "follow": follow}
    settings |= {"people": parse_people(people), "overwrite": "always" if overwrite else "never"}
    if dry_run:
        plan = plan_videos(videos, out, **settings)
        typer.echo(plan)
        exit_with_failures(plan.with_action("refuse", "fail"))
    else:
        exit_with_failures(reading.extract_and_report(videos, out, workers=workers, **settings).failed)


def import_openpose(
    paths: Annotated[list[Path], Argument(help="Folders, .zip or JSON files that OpenPose wrote.")],
    out: Annotated[Path, out_option(help="Folder for the CSV files.")] = Path("keypoints"),
    fps: Annotated[float | None, Option(help="Frames per second of the camera; not in the files.")] = None,
    keypoint_scale: Annotated[int, Option(help="The same option of OpenPose: 0 to 4.")] = 0,
    image_size: Annotated[str | None, Option(help="WIDTHxHEIGHT of the video, for scales 1 to 4.")] = None,
    written_size: Annotated[str | None, Option(help="WIDTHxHEIGHT of the output, for scales 1, 2.")] = None,
    model_pose: Annotated[str | None, Option(help="BODY_25B, if that model wrote the 25 points.")] = None,
    people: options.PeopleChoice = "athlete",
) -> None:
    """Convert the JSON files of OpenPose to CSV files, one file per frame."""
    from gymskel.formats import import_openpose_json

    check_out_folder(out)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        def print_clip(clip: ImportedClip) -> None:
            for person, frames in clip.seen.items():
                typer.echo(f"{clip.folder}: person {person}, seen in {frames} of {clip.frames} frames")
            print_notes(*(str(warning.message) for warning in caught), *([clip.error] if clip.error else []))
            caught.clear()

        clips = import_openpose_json(
            list(paths),
            out,
            keypoint_scale=keypoint_scale,
            image_size=parse_size("image-size", image_size),
            written_size=parse_size("written-size", written_size),
            model_pose=model_pose,
            fps=fps,
            people=parse_people(people),
            on_clip=print_clip,
        )
    exit_with_failures([clip for clip in clips if clip.error])


def overlay(
    video: Annotated[Path, Argument(help="A video, or a folder of videos.")],
    keypoints: Annotated[Path, Argument(help="The folder of the CSV files, or one or a .zip that holds it.")],
    out: Annotated[Path, out_option(help="FILE.mp4, FILE.gif, FILE.png, or a folder.")] = Path("overlays"),
    kind: Annotated[str | None, Option(help="mp4, gif or png (contact sheet). Default: as OUT.")] = None,
    person: Annotated[int | None, Option(help="Number of the only person to draw. Default: all.")] = None,
    fps: options.Fps = None,
    slow: Annotated[float | None, Option(help="Slow motion: 4 is a quarter of the speed (mp4, gif).")] = None,
    frames: Annotated[int | None, Option(help="Number of pictures (png). Default: 24.")] = None,
    seconds: Annotated[float | None, Option(help="Show only this many seconds, the fastest (png).")] = None,
    counts_from: Annotated[int | None, Option(help="Number of the first frame in the CSVs' names.")] = None,
    classifier: Annotated[Path | None, Option(help="Add the output of this .gymskel file.")] = None,
) -> None:
    """Draw the skeletons over the video, or make a contact sheet of it."""
    from gymskel.overlay import write_overlays

    with noted_warnings():
        result = write_overlays(
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
    for path in result.written:
        typer.echo(path)
    print_notes(*(f"{path}: {error}" for path, error in result.failed.items()))
    exit_with_failures(result.failed)


def pack(
    data: Annotated[Path, Argument(help="A file or folder: CSV, OpenPose's JSON, .pose, .pkl, Parquet.")],
    out: Annotated[Path, out_option(help="The .npz file to write.")] = Path("recordings.npz"),
    fps: options.Fps = None,
    labels: options.Labels = None,
    person: options.Person = None,
) -> None:
    """Put all recordings of a folder into one file, which is read several hundred times faster.

    Other commands take this file as their data.
    """
    from gymskel.formats import read_keypoints, write_pack

    check_out_file(out, ".npz")
    recordings = read_keypoints(data, fps=fps, labels=labels, person=person)
    typer.echo(f"{write_pack(recordings, out)}: {len(recordings)} recordings")


def kinematics(
    data: options.Data,
    out: Annotated[Path, out_option(help="The CSV file to write.")] = Path("kinematics.csv"),
    heights: Annotated[Path | None, Option(help="CSV file: athlete, height (in metres).")] = None,
    fps: options.Fps = None,
    person: options.Person = None,
) -> None:
    """Measure flight time, jump height, take-off, rotation and travel of each recording."""
    from gymskel.kinematics import kinematics_table

    check_out_file(out)
    height_of = _read_heights(heights) if heights else {}
    recordings, failed = read_data(data, None, fps, person)
    with noted_warnings():
        table = kinematics_table(recordings, heights=height_of)
    if heights and (unknown := sorted({r.athlete for r in recordings if r.athlete} - set(height_of))):
        print_notes(f"{heights} has no height of {', '.join(unknown)}: theirs are in torso lengths.")
    with replace_file(out) as part:
        table.to_csv(part, index=False)
    typer.echo(table[SHOWN_MEASURES].to_string(index=False, float_format="{:.2f}".format))
    typer.echo(f"\n{out}")
    exit_with_failures(failed)


def _read_heights(path: Path) -> dict[str, float]:
    """Return athlete -> height in metres from a CSV file; athletes with an empty height are left out."""
    from gymskel.recording.labels import read_text_table

    table = read_text_table(path, "heights", "athlete, height")
    if missing := {"athlete", "height"} - set(table):
        raise ValueError(
            f"{path} lacks the column {', '.join(sorted(missing))}; it has {', '.join(table) or 'none'}. "
            "Fix: name the columns athlete and height in its first line."
        )
    height_of = {}
    for athlete, height in table[["athlete", "height"]].dropna().itertuples(index=False):
        try:
            height_of[athlete] = float(height.replace(",", "."))
        except ValueError:
            raise ValueError(
                f"{path}: the height of {athlete} is {height!r}, no number of metres. Fix: such as 1.62"
            ) from None
    return height_of


def _annotator(path: Path) -> Callable[[Recording], Annotation]:
    """Return a function that gives the classifier's output about a recording, for an overlay."""
    loaded = reading.load_classifier(path)
    from gymskel.activations import last_layer_states
    from gymskel.overlay import Annotation
    from gymskel.stream import predict_frames

    def annotate(recording: Recording) -> Annotation:
        _, (strip,) = last_layer_states(loaded, [recording])
        return Annotation(predict_frames(loaded, recording), strip)

    return annotate
