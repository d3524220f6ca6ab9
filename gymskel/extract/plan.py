"""What a batch is to do: which video becomes which folder, and what is there already."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gymskel.extract.folder_lock import csv_files, recording_of, standing
from gymskel.extract.progress import list_faults
from gymskel.extract.single import Wanted, file_facts, made_from
from gymskel.recording import JSON_NAME
from gymskel.recording.folders import Folder
from gymskel.recording.metadata import saved_people
from gymskel.video import find_videos, read_frames


@dataclass(frozen=True)
class Planned:
    """A video, and what is to be done with it.

    Attributes:
        video: to read.
        folder: to write.
        state: "new", "finished", "chosen" (finished, with another choice of people), "different" (extracted
            before, from or in another way) or "foreign" (CSVs that no extraction wrote); after `measure`, also
            "unreadable".
        why: what is chosen, different, foreign or unreadable.
        again: extract it again where another choice of people was made before.
        frames: as the video's header says, or None.
        size: bytes of the video, or None.
    """

    video: Path
    folder: Path
    state: str = "new"
    why: str = ""
    again: bool = False
    frames: int | None = None
    size: int | None = None


@dataclass(frozen=True)
class Plan:
    """What `extract_videos` would do; `print` it.

    Attributes:
        videos: in the order of the work.
        overwrite: as asked for.
    """

    videos: tuple[Planned, ...]
    overwrite: bool | str = False

    def does(self, one: Planned) -> str:
        """What is done with a video: "extract", "redo", "keep", "refuse" or "fail"."""
        if one.state == "unreadable":
            return "fail"
        if self.overwrite is True:
            return "extract" if one.state == "new" else "redo"
        different = "redo" if self.overwrite == "changed" else "refuse"
        chosen = "redo" if one.again else "keep"
        known = {"new": "extract", "finished": "keep", "chosen": chosen, "different": different}
        return known.get(one.state, "refuse")

    def those(self, *deeds: str) -> list[Planned]:
        """The videos with which one of these is done."""
        return [one for one in self.videos if self.does(one) in deeds]

    def check(self) -> None:
        """A ValueError that lists what would be refused."""
        if refused := self.those("refuse"):
            head = "Folders that hold something else than asked for; use another `out`, or overwrite=True (gymskel extract --overwrite):"
            raise ValueError(list_faults(head, [f"{one.folder}: {one.why}" for one in refused]))

    def kept(self) -> str:
        """A line on those that keep another choice of people than asked for; empty if there are none."""
        told = [f"{one.folder} ({one.why})" for one in self.those("keep") if one.state == "chosen"]
        if not told:
            return ""
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        return (
            f"{len(told)} of {len(self.videos)} videos keep the people chosen before: {', '.join(told[:3])}{more}. To extract one "
            "again, name the video itself: with people= (gymskel extract VIDEO --people), or for the athlete with overwrite=True (--overwrite)."
        )

    def __str__(self) -> str:
        lines = []
        for one in self.videos:
            facts = [f"{one.frames} frames"] if one.frames else []
            facts += [f"{one.size / 1e6:.1f} MB"] if one.size is not None else []
            told = f" ({', '.join(facts)})" if facts else ""
            why = f": {one.why}" if one.why else ""
            lines.append(f"{self.does(one):7} {one.video} -> {one.folder}{told}{why}")
        todo = self.those("extract", "redo")
        frames, size = (sum(getattr(one, name) or 0 for one in todo) for name in ("frames", "size"))
        counts = [
            f"{len(self.those(deed))} to {deed}" for deed in ("extract", "redo", "keep", "refuse", "fail")
        ]
        counts = [count for count in counts if not count.startswith("0 ")]
        lines.append(f"{', '.join(counts)}; work: {frames} frames, {size / 1e6:.1f} MB")
        return "\n".join(lines)


def as_paths(paths_or_folder: str | Path | Iterable[str | Path]) -> list[Path]:
    """One path or several, as a list."""
    single = isinstance(paths_or_folder, (str, Path))
    return [Path(paths_or_folder)] if single else [Path(path) for path in paths_or_folder]


def find_folders(paths_or_folder: str | Path | Iterable[str | Path], out: Path) -> dict[Path, Path]:
    """Folder to write -> video to read; a video that is named itself goes to where it was extracted before.

    Raises:
        FileNotFoundError: no such path, or no video.
        ValueError: two videos would become the same folder; one was extracted into several before.
    """
    given = as_paths(paths_or_folder)
    before = _find_before({path for path in given if path.is_file()}, out)
    targets: dict[Path, list[Path]] = {}
    for path in given:
        for video in find_videos(path):
            inner = video.relative_to(path).parent if path.is_dir() else Path()
            place = before.get(path, out / inner / video.stem)
            videos = targets.setdefault(place, [])
            if video not in videos:
                videos.append(video)
    if not targets:
        raise FileNotFoundError("No video given: `paths_or_folder` is empty.")
    alike: dict[str, list[Path]] = {}  # some file systems take A and a for the same
    for folder, videos in targets.items():
        alike.setdefault(str(folder).casefold(), []).extend(videos)
    clashes = [" and ".join(map(str, videos)) for videos in alike.values() if len(videos) > 1]
    if clashes:
        raise ValueError(
            list_faults("Videos that would become the same folder; rename one of each:", clashes)
        )
    return {folder: videos[0] for folder, videos in targets.items()}


def _find_before(videos: set[Path], out: Path) -> dict[Path, Path]:
    """Video -> the folder in `out` that it was extracted into before, whatever folder that lies in."""
    named: dict[str, list[Path]] = {}
    for video in videos:
        named.setdefault(video.stem, []).append(video)
    found: dict[Path, list[Path]] = {}
    for at, folders, _ in os.walk(out) if named else ():
        for folder in sorted({Path(at, recording_of(name)) for name in folders}):
            for video in named.get(folder.name, ()):
                if _is_of(folder, video):
                    found.setdefault(video, []).append(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
    for video, places in found.items():
        if len(places) > 1 and places[0].parent != out:
            told = ", ".join(map(str, places))
            raise ValueError(
                f"{video} was extracted into {told}: say which by `out` (-o), the folder above it."
            )
    return {video: places[0] for video, places in found.items()}


def _is_of(folder: Path, video: Path) -> bool:
    """Whether a folder holds, or a killed run left there, what was extracted from this very file."""
    known: dict[str, Any] = {}
    with contextlib.suppress(ValueError, OSError):  # no folder, or a damaged recording.json
        known = next(iter(saved_people(Folder(standing(folder))).values()), {})
    made = _made(known)
    return bool(made) and known.get("video") == video.name and _is_same(made, file_facts(video))


def look(one: Planned, wanted: Wanted) -> Planned:
    """The same, with what its folder holds, compared with what is wanted of the video."""
    if not (one.folder / JSON_NAME).is_file():
        if not csv_files(one.folder):
            return one
        return replace(
            one, state="foreign", why=f"CSV files without {JSON_NAME}, not written by an extraction."
        )
    try:
        known = next(iter(saved_people(Folder(one.folder)).values()), {})
        if why := " ".join(_differences(one.video, known, wanted)):
            return replace(one, state="different", why=why)
    except ValueError as fault:  # a damaged JSON, or a video that cannot be read any more
        return replace(one, state="different", why=str(fault))
    made, asked = _made(known), made_from(one.video, wanted)
    if made and made.get("people") != asked["people"]:
        why = f"extracted with people={made.get('people')!r}, asked for {asked['people']!r}"
        return replace(one, state="chosen", why=why)
    return replace(one, state="finished")


def measure(one: Planned) -> Planned:
    """The same, with the video's frames and size; "unreadable" if it is to be read and cannot be."""
    try:
        with read_frames(one.video) as frames:
            return replace(one, frames=frames.count, size=one.video.stat().st_size)
    except (ValueError, OSError) as fault:
        return (
            one if one.state in ("finished", "chosen") else replace(one, state="unreadable", why=str(fault))
        )


def _made(known: dict[str, Any]) -> dict[str, Any]:
    """What a person's history says of the extraction; empty if it was none."""
    return next((entry for entry in known.get("history", ()) if entry["step"] == "extract"), {})


def _is_same(made: dict[str, Any], facts: dict[str, Any]) -> bool:
    return all(made.get(fact) == facts[fact] for fact in ("bytes", "crc32"))


def _differences(video: Path, known: dict[str, Any], wanted: Wanted) -> Iterator[str]:
    """How a finished recording differs from what would be extracted now, but for the choice of people."""
    if known.get("video") != video.name:
        yield f"made from {known.get('video') or 'an unknown video'}, not from {video.name}."
    if made := _made(known):
        asked = made_from(video, wanted)
        if not _is_same(made, asked):
            yield f"made from another file that was called {video.name} too."
        if made.get("follow") != asked["follow"]:
            yield f"extracted with follow={made.get('follow')!r}, asked for follow={asked['follow']!r}."
    if known.get("estimator") != wanted.estimator.name:
        yield f"extracted with {known.get('estimator')}, asked for {wanted.estimator.name}."
    fps = wanted.fps
    if fps is None:
        with read_frames(video) as frames:
            fps = frames.fps
    rate = known.get("fps")
    if rate != fps and not (rate and fps and math.isclose(rate, fps, rel_tol=1e-6)):
        yield f"extracted at {rate} frames a second, asked for {fps}."
