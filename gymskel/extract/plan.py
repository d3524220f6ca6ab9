"""The plan of a batch: each video, the folder it is extracted into, what that holds, and what is done with the video."""

from __future__ import annotations

import contextlib
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from gymskel.estimators.estimator import Estimator, choose_estimator
from gymskel.extract.folder_lock import find_recording_files, recording_name
from gymskel.extract.settings import ExtractionSettings, People, extraction_entry, file_identity
from gymskel.messages import join_lines, join_names
from gymskel.recording import CSV_NAME_PATTERN, METADATA_NAME
from gymskel.recording.folders import DiskFolder
from gymskel.recording.metadata import read_people_metadata
from gymskel.tracking.params import DEFAULT_PARAMS, TrackingParams
from gymskel.video import find_videos, read_frames

Overwrite = Literal["never", "changed", "always"]
Status = Literal["new", "finished", "other people", "different", "foreign", "unreadable"]
Action = Literal["extract", "redo", "keep", "refuse", "fail"]


@dataclass(frozen=True)
class PlannedVideo:
    """A video of a batch, and what its folder holds.

    The status is "new"; "finished"; "other people" (finished, with another choice of people); "different" (extracted
    before from another file or with other settings); "foreign" (CSVs that no extraction wrote); in a plan of
    `plan_videos` also "unreadable".
    """

    video: Path  # to read
    folder: Path  # to write
    status: Status = "new"
    reason: str = ""  # says what is other, different, foreign or unreadable
    is_named: bool = False  # by the user, not found in a folder
    redo_people: bool = False  # extract again if the status is "other people"
    frames: int | None = None  # by the video's header
    size: int | None = None  # bytes


@dataclass(frozen=True)
class Plan:
    """The work of `extract_videos` with its `overwrite`; `print` shows one line for each video."""

    videos: tuple[PlannedVideo, ...]
    overwrite: Overwrite = "never"

    def __post_init__(self) -> None:
        if self.overwrite not in get_args(Overwrite):
            raise ValueError(
                f"`overwrite` must be one of {', '.join(get_args(Overwrite))}, got {self.overwrite!r}. "
                "Fix: overwrite='always' extracts all again, overwrite='never' none."
            )

    def action(self, planned: PlannedVideo) -> Action:
        """Return what is done with a video: "extract", "redo", "keep", "refuse" or "fail"."""
        if planned.status in ("new", "unreadable"):
            return "extract" if planned.status == "new" else "fail"
        is_redone = {"other people": planned.redo_people, "different": self.overwrite == "changed"}
        if self.overwrite == "always" or is_redone.get(planned.status):
            return "redo"
        return "keep" if planned.status in ("finished", "other people") else "refuse"

    def with_action(self, *actions: Action) -> list[PlannedVideo]:
        """Return the videos with which one of these actions is done."""
        return [planned for planned in self.videos if self.action(planned) in actions]

    def check(self) -> None:
        """Raise ValueError if the plan refuses a video; the message lists them with the reasons."""
        if refused := self.with_action("refuse"):
            head = (
                "Folders that hold something else than asked for. Fix: use another `out`, or overwrite='always' "
                "(gymskel extract --overwrite)."
            )
            raise ValueError(join_lines(head, [f"{planned.folder}: {planned.reason}" for planned in refused]))

    def describe_kept_people(self) -> str:
        """Return a sentence on the videos that keep an earlier choice of people; empty if there are none."""
        others = (planned for planned in self.with_action("keep") if planned.status == "other people")
        kept = [f"{planned.folder} ({planned.reason})" for planned in others]
        if not kept:
            return ""
        return (
            f"{len(kept)} of {len(self.videos)} videos keep the people chosen before: "
            f"{join_names(kept, shown=3)}. Fix: to extract one again, name the video itself, with people= "
            "(gymskel extract VIDEO --people), or for the athlete with overwrite='always' (--overwrite)."
        )

    def __str__(self) -> str:
        lines = [self._describe(planned) for planned in self.videos]
        todo = self.with_action("extract", "redo")
        frames = sum(planned.frames or 0 for planned in todo)
        size = sum(planned.size or 0 for planned in todo)
        number_of = Counter(map(self.action, self.videos))
        counts = [f"{number_of[action]} to {action}" for action in get_args(Action) if number_of[action]]
        return "\n".join([*lines, f"{', '.join(counts)}; work: {frames} frames, {size / 1e6:.1f} MB"])

    def _describe(self, planned: PlannedVideo) -> str:
        measures = [f"{planned.frames} frames"] if planned.frames else []
        measures += [f"{planned.size / 1e6:.1f} MB"] if planned.size is not None else []
        measured = f" ({', '.join(measures)})" if measures else ""
        reason = f": {planned.reason}" if planned.reason else ""
        return f"{self.action(planned):7} {planned.video} -> {planned.folder}{measured}{reason}"


def plan_videos(
    paths_or_folder: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    estimator: str | Estimator = "auto",
    people: People = "athlete",
    follow: bool = True,
    fps: float | None = None,
    tracking: TrackingParams = DEFAULT_PARAMS,
    overwrite: Overwrite = "never",
) -> Plan:
    """Return what `extract_videos` would do with the same arguments; write and extract nothing.

    It raises the same errors, but a plan that refuses a video is returned.
    """
    settings = ExtractionSettings(choose_estimator(estimator), people, follow, fps, tracking)
    plan = make_plan(assign_folders(paths_or_folder, Path(out)), settings, overwrite)
    return replace(plan, videos=tuple(map(_probe_video, plan.videos)))


def assign_folders(paths_or_folder: str | Path | Iterable[str | Path], out: Path) -> list[PlannedVideo]:
    """Return each video with the folder to write.

    A video found in a folder keeps its sub-folders below `out`. A video that is named itself goes to the folder in `out`
    that holds its earlier extraction, if there is one, else directly into `out`. Raises as `extract_videos`.
    """
    if isinstance(paths_or_folder, str | Path):
        paths_or_folder = [paths_or_folder]
    paths = [Path(path) for path in paths_or_folder]
    earlier = _find_earlier_folders({path for path in paths if path.is_file()}, out)
    videos_of: dict[Path, list[Path]] = {}
    for path in paths:
        for video in find_videos(path):
            inner = video.relative_to(path).parent if path.is_dir() else Path()
            videos = videos_of.setdefault(earlier.get(path, out / inner / video.stem), [])
            if video not in videos:
                videos.append(video)
    if not videos_of:
        raise FileNotFoundError("No video given: `paths_or_folder` is empty. Fix: name a video or a folder.")
    of_one_name: dict[str, list[Path]] = {}  # some file systems take A and a for the same
    for folder, videos in videos_of.items():
        of_one_name.setdefault(str(folder).casefold(), []).extend(videos)
    clashes = [" and ".join(map(str, videos)) for videos in of_one_name.values() if len(videos) > 1]
    if clashes:
        head = "Videos that would become the same folder. Fix: rename all but one of each line."
        raise ValueError(join_lines(head, clashes))
    return [PlannedVideo(v[0], folder, is_named=v[0] in paths) for folder, v in videos_of.items()]


def _find_earlier_folders(videos: set[Path], out: Path) -> dict[Path, Path]:
    """Return video -> the folder below `out` that holds its earlier extraction, for videos that have one."""
    of_one_stem: dict[str, list[Path]] = {}
    for video in videos:
        of_one_stem.setdefault(video.stem, []).append(video)
    found: dict[Path, list[Path]] = {}
    for parent, names, _ in os.walk(out) if videos else ():
        for folder in sorted({Path(parent, recording_name(name)) for name in names}):
            for video in of_one_stem.get(folder.name, ()):
                if _holds_extraction_of(folder, video):
                    found.setdefault(video, []).append(folder)
        names[:] = sorted(name for name in names if not name.startswith("."))
    for video, folders in found.items():
        if len(folders) > 1 and folders[0].parent != out:
            raise ValueError(
                f"{video} was extracted into several folders: {', '.join(map(str, folders))}. "
                "Fix: set `out` (-o) to the parent of the one you mean."
            )
    return {video: folders[0] for video, folders in found.items()}


def _holds_extraction_of(folder: Path, video: Path) -> bool:
    """Return True if a folder, or what a killed run left of it, was extracted from this very file."""
    metadata: dict[str, Any] = {}
    with contextlib.suppress(ValueError, OSError):  # no folder, or a damaged recording.json
        metadata = _read_metadata(find_recording_files(folder))
    entry = _extraction_entry_in(metadata)
    return bool(entry) and metadata.get("video") == video.name and _is_same_file(entry, video)


def make_plan(videos: list[PlannedVideo], settings: ExtractionSettings, overwrite: Overwrite) -> Plan:
    """Compare each folder with what is asked for.

    Another choice of people is extracted again for the videos that the user named, or for all with overwrite "changed";
    the default "athlete" never undoes an earlier choice.
    """
    inspected = []
    for planned in videos:
        redo = settings.people != "athlete" and (planned.is_named or overwrite == "changed")
        inspected.append(inspect_folder(replace(planned, redo_people=redo), settings))
    return Plan(tuple(inspected), overwrite)


def inspect_folder(planned: PlannedVideo, settings: ExtractionSettings) -> PlannedVideo:
    """Return the video with the status of its folder: what it holds, compared with what the settings would make."""
    if not (planned.folder / METADATA_NAME).is_file():
        if not any(CSV_NAME_PATTERN.fullmatch(file.name) for file in planned.folder.glob("*.csv")):
            return replace(planned, status="new", reason="")
        reason = f"CSV files without {METADATA_NAME}, not written by an extraction."
        return replace(planned, status="foreign", reason=reason)
    try:
        metadata = _read_metadata(planned.folder)
        if reason := " ".join(_differences(planned.video, metadata, settings)):
            return replace(planned, status="different", reason=reason)
    except ValueError as error:  # a damaged JSON, or a video that cannot be read any more
        return replace(planned, status="different", reason=str(error))
    before, now = _extraction_entry_in(metadata), extraction_entry(planned.video, settings)
    if before and before.get("people") != now["people"]:
        reason = f"extracted with people={before.get('people')!r}, asked for {now['people']!r}"
        return replace(planned, status="other people", reason=reason)
    return replace(planned, status="finished", reason="")


def _differences(video: Path, metadata: Mapping[str, Any], settings: ExtractionSettings) -> Iterator[str]:
    """Yield each difference of a finished recording from a new extraction; the choice of people is left out."""
    if metadata.get("video") != video.name:
        yield f"made from {metadata.get('video') or 'an unknown video'}, not from {video.name}."
    if entry := _extraction_entry_in(metadata):
        if not _is_same_file(entry, video):
            yield f"made from another file that was called {video.name} too."
        if entry.get("follow") != settings.follow:
            yield f"extracted with follow={entry.get('follow')!r}, asked for follow={settings.follow!r}."
        before, now = entry.get("tracking", {}), settings.tracking.changes()
        if before != now:
            yield f"extracted with tracking={before or 'the defaults'}, asked for {now or 'the defaults'}."
    if metadata.get("estimator") != settings.estimator.name:
        yield f"extracted with {metadata.get('estimator')}, asked for {settings.estimator.name}."
    fps = settings.fps
    if fps is None:
        with read_frames(video) as frames:
            fps = frames.fps
    known = metadata.get("fps")
    if known != fps and not (known and fps and math.isclose(known, fps, rel_tol=1e-6)):  # rounding in JSON
        yield f"extracted at {known} frames a second, asked for {fps}."


def _probe_video(planned: PlannedVideo) -> PlannedVideo:
    """Return the video with its frames and size; "unreadable" if it cannot be opened and is not finished."""
    try:
        with read_frames(planned.video) as frames:
            return replace(planned, frames=frames.count, size=planned.video.stat().st_size)
    except (ValueError, OSError) as error:
        if planned.status in ("finished", "other people"):
            return planned
        return replace(planned, status="unreadable", reason=str(error))


def _read_metadata(folder: Path) -> dict[str, Any]:
    """Return what recording.json in `folder` says of its first person; empty without it. Raise ValueError if damaged."""
    return next(iter(read_people_metadata(DiskFolder(folder)).values()), {})


def _extraction_entry_in(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry that `extraction_entry` wrote into a person's history; empty if there is none."""
    return next((entry for entry in metadata.get("history", ()) if entry["step"] == "extract"), {})


def _is_same_file(entry: Mapping[str, Any], video: Path) -> bool:
    """Return True if an entry of a history names this very file."""
    return all(entry.get(key) == value for key, value in file_identity(video).items())
