"""Draw overlays for a video or a folder of videos, with the keypoints that belong to each."""

from __future__ import annotations

import glob
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gymskel.messages import join_names
from gymskel.overlay.alignment import first_frame_number
from gymskel.overlay.annotation import Annotation
from gymskel.overlay.contact_sheet import write_contact_sheet
from gymskel.overlay.overlay_video import write_overlay
from gymskel.recording import (
    CSV_NAME_PATTERN,
    METADATA_NAME,
    MissingFramesWarning,
    Recording,
    read_recordings,
)
from gymskel.video import find_videos

OUTPUT_FORMATS = ("mp4", "gif", "png")
"""Formats of an overlay: a video, an animation, a contact sheet."""


@dataclass(frozen=True)
class OverlayResult:
    """Files written by `write_overlays`; `failed`: video -> error message."""

    written: tuple[Path, ...]
    failed: dict[Path, str]


def write_overlays(
    videos: str | Path,
    keypoints: str | Path,
    out: str | Path,
    *,
    output_format: str | None = None,
    person: int | None = None,
    fps: float | None = None,
    slow: float | None = None,
    frames: int | None = None,
    seconds: float | None = None,
    counts_from: int | None = None,
    annotate: Callable[[Recording], Annotation] | None = None,
    progress: bool = True,
) -> OverlayResult:
    """Write an overlay or contact sheet for each video, with the recordings found for it.

    Args:
        videos: a video, or a folder, searched with its sub-folders. In a folder, a video that fails does not
            stop the others.
        keypoints: the folder of the video's CSVs, or a folder or .zip that holds it under the video's name.
        out: a file that ends in .mp4, .gif or .png, for one video; otherwise a folder, in which the sub-folders
            of `videos` are kept.
        output_format: "mp4", "gif" or "png" (a contact sheet for each person); by default the suffix of `out`, else "mp4".
        person: draw only this person; by default all people.
        fps: frames a second as filmed; by default that of the recordings, else of the files.
        slow: factor of slow motion, 2 = half as fast as filmed; for mp4 and gif.
        frames: number of pictures, 24 if not given; for png.
        seconds: length of the part shown, where the body moves fastest; by default all; for png.
        counts_from: as in `write_overlay`.
        annotate: returns a classifier's output about a recording; for mp4 and gif of one person.
        progress: show a progress bar over the videos, if there are several, and one over the frames of each.

    Raises:
        FileNotFoundError: no such path, no video, or, of a single video, no keypoints.
        ValueError: options that do not go together; of a single video the errors of `write_overlay` and
            `write_contact_sheet`.
    """
    from tqdm import tqdm

    root, out = Path(videos), Path(out)
    targets, output_format = _output_files(root, out, output_format)
    _check_options(output_format, slow, frames, seconds, annotate)
    written: list[Path] = []
    failed: dict[Path, str] = {}
    bar = tqdm(targets.items(), unit="video", leave=False, disable=not progress or len(targets) == 1)
    for video, target in bar:
        try:
            people, first = _recordings_of(video, root, Path(keypoints), person, counts_from)
            given: dict[str, Any] = {"fps": fps, "counts_from": first, "progress": progress}
            if output_format == "png":
                pictures: dict[str, Any] = {"frames": frames} if frames else {}
                for recording in people:
                    name = f"{target.stem}-person{recording.person}{target.suffix}"
                    sheet = target if len(people) == 1 else target.with_name(name)
                    written.append(
                        write_contact_sheet(video, recording, sheet, seconds=seconds, **pictures, **given)
                    )
            else:
                annotation = annotate and annotate(_single_person(people, fps))
                written.append(
                    write_overlay(video, people, target, slow=slow or 1, annotation=annotation, **given)
                )
        except Exception as error:  # of this video only; the others go on
            if root.is_file():
                raise
            failed[video] = f"{type(error).__name__}: {error}"
    return OverlayResult(tuple(written), failed)


def _output_files(root: Path, out: Path, output_format: str | None) -> tuple[dict[Path, Path], str]:
    """Return video -> file to write, and the output format."""
    suffix = out.suffix.lower().lstrip(".")
    is_file = suffix in OUTPUT_FORMATS
    if output_format is not None and (
        output_format not in OUTPUT_FORMATS or (is_file and output_format != suffix)
    ):
        raise ValueError(
            f"`output_format` must be one of {', '.join(OUTPUT_FORMATS)} and fit the output {out}, got {output_format!r}."
        )
    output_format = output_format or (suffix if is_file else "mp4")
    if root.is_file():
        return {root: out if is_file else out / f"{root.stem}.{output_format}"}, output_format
    if is_file:
        raise ValueError(
            f"{root} is a folder of videos, but the output {out} is a file. Fix: give a folder for the output."
        )
    video_of: dict[Path, Path] = {}
    for video in find_videos(root):
        if video.resolve().is_relative_to(out.resolve()) and out.resolve() != root.resolve():
            continue  # written by an earlier run
        file = out / video.relative_to(root).parent / f"{video.stem}.{output_format}"
        if file in video_of:
            raise ValueError(
                f"{video_of[file]} and {video} would both become {file}. Fix: rename one of them."
            )
        video_of[file] = video
    return {video: file for file, video in video_of.items()}, output_format


def _check_options(
    output_format: str, slow: float | None, frames: int | None, seconds: float | None, annotate: object
) -> None:
    if output_format == "png" and annotate is not None:
        raise ValueError("A classifier's output is drawn on mp4 and gif, not on contact sheets (png).")
    if output_format == "png" and slow is not None:
        raise ValueError("`slow` is for mp4 and gif; a contact sheet does not move.")
    if output_format != "png" and (frames is not None or seconds is not None):
        raise ValueError(f"`frames` and `seconds` are for contact sheets (png), not for {output_format}.")


def _single_person(people: Sequence[Recording], fps: float | None) -> Recording:
    """Return the only person, with the frame rate as filmed."""
    if len(people) != 1:
        raise ValueError(
            f"{people[0].name} shows several people ({join_names(one.person for one in people)}), but a classifier is "
            "asked about one. Fix: name the person with `person`."
        )
    return people[0] if fps is None else replace(people[0], fps=fps)


def _recordings_of(
    video: Path, root: Path, keypoints: Path, person: int | None, counts_from: int | None
) -> tuple[list[Recording], int]:
    """Return the people to draw over a video, and the number of its first frame, which all its people decide."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingFramesWarning)  # the overlay shows unseen frames
        if keypoints.is_file():
            everyone = _read_from_zip(video, keypoints)
        else:
            subfolder = video.relative_to(root).parent if root.is_dir() else Path()
            everyone = read_recordings(_csv_folder_of(video, keypoints, subfolder))
    if not everyone:
        raise FileNotFoundError(f"No keypoints of {video.name} in {keypoints}.")
    people = [recording for recording in everyone if person in (None, recording.person)]
    if not people:
        known = join_names(recording.person for recording in everyone)
        raise ValueError(f"{keypoints} holds no person {person} of {video.name}, only {known}.")
    return people, first_frame_number(everyone, counts_from)


def _read_from_zip(video: Path, archive: Path) -> list[Recording]:
    """Return the people of the only video of that name in a .zip."""
    recordings = [one for one in read_recordings(archive) if one.source == video.stem]
    if len({one.person for one in recordings}) < len(recordings):
        raise ValueError(
            f"{archive} holds recordings of several videos called {video.stem}. Fix: unpack it, and name the folder of the right one."
        )
    return recordings


def _csv_folder_of(video: Path, keypoints: Path, subfolder: Path) -> Path:
    """Return the folder of a video's CSVs: `keypoints`, else the one extraction writes, else the only one of its name."""
    if not keypoints.is_dir():
        raise FileNotFoundError(f"No folder or .zip of keypoints {keypoints}.")
    for folder in (keypoints, keypoints / subfolder / video.stem):
        if _holds_csvs(folder):
            return folder
    found = sorted(folder for folder in keypoints.rglob(glob.escape(video.stem)) if _holds_csvs(folder))
    if len(found) > 1:
        raise ValueError(
            f"{video.name}: keypoints in {' and in '.join(map(str, found))}. Fix: name one of the folders."
        )
    if not found:
        raise FileNotFoundError(
            f"No keypoints of {video.name} in {keypoints}. Fix: gymskel extract {video.name} -o {keypoints.name}"
        )
    return found[0]


def _holds_csvs(folder: Path) -> bool:
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    return METADATA_NAME in names or any(map(CSV_NAME_PATTERN.fullmatch, names))
