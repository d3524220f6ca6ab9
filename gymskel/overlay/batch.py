"""A video or a folder of them, and the keypoints that belong to each: one file drawn for each video."""

from __future__ import annotations

import glob
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gymskel.overlay.alignment import first_number
from gymskel.overlay.annotation import Beside
from gymskel.overlay.contact_sheet import write_contact_sheet
from gymskel.overlay.overlay_video import write_overlay
from gymskel.recording import FILE_NAME, JSON_NAME, HoleWarning, Recording, read_recordings
from gymskel.video import find_videos

KINDS = ("mp4", "gif", "png")
"""What can be drawn: a video, an animation, a contact sheet."""


@dataclass(frozen=True)
class Overlays:
    """What became of a batch.

    Attributes:
        written: the files that were drawn.
        failed: video -> what went wrong.
    """

    written: tuple[Path, ...]
    failed: dict[Path, str]


def write_overlays(
    videos: str | Path,
    keypoints: str | Path,
    out: str | Path,
    *,
    kind: str | None = None,
    person: int | None = None,
    fps: float | None = None,
    slow: float | None = None,
    frames: int | None = None,
    seconds: float | None = None,
    counts_from: int | None = None,
    told: Callable[[Recording], Beside] | None = None,
    progress: bool = True,
) -> Overlays:
    """A file drawn for each video: `write_overlay` or `write_contact_sheet` with the recordings found for it.

    Args:
        videos: a video, or a folder of them, searched with its sub-folders. In a folder one that fails does not
            stop the others.
        keypoints: the folder of the video's CSVs, or a folder or .zip that holds it under the video's name.
        out: a file that ends in .mp4, .gif or .png, for one video; otherwise a folder, in which the sub-folders
            of `videos` are kept.
        kind: "mp4", "gif" or "png" (a contact sheet for each person); by default as `out` ends, else "mp4".
        person: draw this one alone; by default everybody.
        fps: frames a second as filmed; by default what the recordings say, else the files.
        slow: how many times slower than filmed; for mp4 and gif.
        frames: number of pictures, 24 if not given; for png.
        seconds: only so much, where the body moves fastest; for png.
        counts_from: as in `write_overlay`.
        told: what a classifier says of a recording, for mp4 and gif of one person.
        progress: show how far it is.

    Raises:
        FileNotFoundError: no such path, no video, or, of a single video, no keypoints.
        ValueError: options that do not go together; of a single video what `write_overlay` and
            `write_contact_sheet` raise.
    """
    root, out = Path(videos), Path(out)
    targets, kind = _targets(root, out, kind)
    _check_options(kind, slow, frames, seconds, told)
    written: list[Path] = []
    failed: dict[Path, str] = {}
    for video, target in targets.items():
        try:
            people, first = _recordings_of(video, root, Path(keypoints), person, counts_from)
            if kind == "png":
                for one, sheet in zip(people, _sheets(target, people), strict=True):
                    pictures = {"frames": frames or 24, "seconds": seconds}
                    written.append(
                        write_contact_sheet(
                            video, one, sheet, **pictures, fps=fps, counts_from=first, progress=progress
                        )
                    )
            else:
                done = write_overlay(
                    video,
                    people,
                    target,
                    fps=fps,
                    slow=slow or 1,
                    counts_from=first,
                    beside=told and told(_only(people, fps)),
                    progress=progress,
                )
                written.append(done)
        except Exception as fault:  # whatever it is, it is this video's
            if root.is_file():
                raise
            failed[video] = f"{type(fault).__name__}: {fault}"
    return Overlays(tuple(written), failed)


def _targets(root: Path, out: Path, kind: str | None) -> tuple[dict[Path, Path], str]:
    """video -> file to write, and what kind of file that is."""
    ending = out.suffix.lower().lstrip(".")
    named = ending in KINDS
    if kind is not None and (kind not in KINDS or (named and kind != ending)):
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)} and fit the output {out}, got {kind!r}.")
    kind = kind or (ending if named else "mp4")
    if root.is_file():
        return {root: out if named else out / f"{root.stem}.{kind}"}, kind
    if named:
        raise ValueError(f"{root} is a folder of videos; the output must be a folder too, not {out}.")
    targets: dict[Path, Path] = {}
    taken: dict[Path, Path] = {}
    for video in find_videos(root):
        if video.resolve().is_relative_to(out.resolve()) and out.resolve() != root.resolve():
            continue  # drawn before
        target = out / video.relative_to(root).parent / f"{video.stem}.{kind}"
        if target in taken:
            raise ValueError(f"{taken[target]} and {video} would both become {target}; rename one of them.")
        taken[target] = video
        targets[video] = target
    return targets, kind


def _check_options(
    kind: str, slow: float | None, frames: int | None, seconds: float | None, told: object
) -> None:
    if kind == "png" and told is not None:
        raise ValueError("What a classifier says is for mp4 and gif, not for contact sheets (png).")
    if kind == "png" and slow is not None:
        raise ValueError("`slow` is for mp4 and gif; a contact sheet does not move.")
    if kind != "png" and (frames is not None or seconds is not None):
        raise ValueError(f"`frames` and `seconds` are for contact sheets (png), not for {kind}.")


def _only(people: Sequence[Recording], fps: float | None) -> Recording:
    """The one person that a classifier is asked about, with the frame rate as filmed."""
    if len(people) != 1:
        known = ", ".join(str(one.person) for one in people)
        raise ValueError(
            f"{people[0].name} shows several people ({known}): say with `person` who is to be judged."
        )
    return people[0] if fps is None else replace(people[0], fps=fps)


def _sheets(target: Path, people: Sequence[Recording]) -> list[Path]:
    """A file for each person."""
    if len(people) == 1:
        return [target]
    return [target.with_name(f"{target.stem}-person{one.person}{target.suffix}") for one in people]


def _recordings_of(
    video: Path, root: Path, keypoints: Path, person: int | None, counts_from: int | None
) -> tuple[list[Recording], int]:
    """The people to draw over a video, and what its first frame is called."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HoleWarning)  # what is unseen is seen to be
        if keypoints.is_file():
            everybody = _of_one_video(video, keypoints)
        else:
            inner = video.relative_to(root).parent if root.is_dir() else Path()
            everybody = read_recordings(_folder_of(video, keypoints, inner))
    if not everybody:
        raise FileNotFoundError(f"No keypoints of {video.name} in {keypoints}.")
    first = first_number(everybody, counts_from)
    people = [one for one in everybody if person in (None, one.person)]
    if not people:
        known = ", ".join(str(one.person) for one in everybody)
        raise ValueError(f"{keypoints} holds no person {person} of {video.name}, only {known}.")
    return people, first


def _of_one_video(video: Path, keypoints: Path) -> list[Recording]:
    """The people of a video in a .zip, where one video alone is so named."""
    named = [one for one in read_recordings(keypoints) if one.source == video.stem]
    if len({one.person for one in named}) < len(named):
        raise ValueError(
            f"{keypoints} holds recordings of several videos called {video.stem}. Unpack it, and name the folder of the right one."
        )
    return named


def _folder_of(video: Path, keypoints: Path, inner: Path) -> Path:
    """The folder that holds the CSVs of a video: this one, the one extraction writes, or the only one so named."""
    if not keypoints.is_dir():
        raise FileNotFoundError(f"No folder or .zip of keypoints {keypoints}.")
    for folder in (keypoints, keypoints / inner / video.stem):
        if _holds_csvs(folder):
            return folder
    found = sorted(folder for folder in keypoints.rglob(glob.escape(video.stem)) if _holds_csvs(folder))
    if len(found) > 1:
        raise ValueError(
            f"{video.name}: keypoints in {' and in '.join(map(str, found))}; name one of the folders."
        )
    if not found:
        raise FileNotFoundError(
            f"No keypoints of {video.name} in {keypoints}. Extract them: gymskel extract {video.name} -o {keypoints.name}"
        )
    return found[0]


def _holds_csvs(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return (folder / JSON_NAME).is_file() or any(FILE_NAME.fullmatch(file.name) for file in folder.iterdir())
