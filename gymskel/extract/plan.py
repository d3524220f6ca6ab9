"""What a batch is to do: which video becomes which folder, and what is there already."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gymskel.extract.claim import csv_files
from gymskel.extract.one import Wanted, made_from
from gymskel.extract.telling import list_faults
from gymskel.recording import JSON_NAME
from gymskel.recording.folders import Folder
from gymskel.recording.saved import saved_people
from gymskel.video import find_videos, read_frames


@dataclass(frozen=True)
class Planned:
    """A video, and what is to be done with it.

    Attributes:
        video: to read.
        folder: to write.
        state: "new", "finished", "different" (extracted before, from or in another way) or "foreign" (CSVs
            that no extraction wrote); after `measure`, also "unreadable".
        why: what is different, foreign or unreadable.
        frames: as the video's header says, or None.
        size: bytes of the video, or None.
    """

    video: Path
    folder: Path
    state: str = "new"
    why: str = ""
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
        return {"new": "extract", "finished": "keep", "different": different, "foreign": "refuse"}[one.state]

    def those(self, *deeds: str) -> list[Planned]:
        """The videos with which one of these is done."""
        return [one for one in self.videos if self.does(one) in deeds]

    def check(self) -> None:
        """A ValueError that lists what would be refused."""
        if refused := self.those("refuse"):
            head = "Folders that hold something else than asked for; use another `out`, or overwrite=True (gymskel extract --overwrite):"
            raise ValueError(list_faults(head, [f"{one.folder}: {one.why}" for one in refused]))

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


def find_folders(paths_or_folder: str | Path | Iterable[str | Path], out: Path) -> dict[Path, Path]:
    """Folder to write -> video to read.

    Raises:
        FileNotFoundError: no such path, or no video.
        ValueError: two videos would become the same folder.
    """
    single = isinstance(paths_or_folder, (str, Path))
    targets: dict[Path, list[Path]] = {}
    for given in [Path(paths_or_folder)] if single else map(Path, paths_or_folder):
        for video in find_videos(given):
            inner = video.relative_to(given).parent if given.is_dir() else Path()
            videos = targets.setdefault(out / inner / video.stem, [])
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


def look(video: Path, folder: Path, wanted: Wanted) -> Planned:
    """What a folder holds, compared with what is wanted of the video."""
    one = Planned(video, folder)
    if not (folder / JSON_NAME).is_file():
        if not csv_files(folder):
            return one
        return replace(
            one, state="foreign", why=f"CSV files without {JSON_NAME}, not written by an extraction."
        )
    try:
        why = " ".join(_differences(video, folder, wanted))
    except ValueError as fault:  # a damaged JSON, or a video that cannot be read any more
        why = str(fault)
    return replace(one, state="different" if why else "finished", why=why)


def measure(one: Planned) -> Planned:
    """The same, with the video's frames and size; "unreadable" if it is to be read and cannot be."""
    try:
        with read_frames(one.video) as frames:
            return replace(one, frames=frames.count, size=one.video.stat().st_size)
    except (ValueError, OSError) as fault:
        return one if one.state == "finished" else replace(one, state="unreadable", why=str(fault))


def _differences(video: Path, folder: Path, wanted: Wanted) -> Iterator[str]:
    """How a finished recording differs from what would be extracted now."""
    known = next(iter(saved_people(Folder(folder)).values()), {})
    if known.get("video") != video.name:
        yield f"made from {known.get('video') or 'an unknown video'}, not from {video.name}."
    made = next((entry for entry in known.get("history", ()) if entry["step"] == "extract"), None)
    if made is not None:
        asked = made_from(video, wanted)
        if any(made.get(fact) != asked[fact] for fact in ("bytes", "crc32")):
            yield f"made from another file that was called {video.name} too."
        for option in ("people", "follow"):
            if made.get(option) != asked[option]:
                yield f"extracted with {option}={made.get(option)!r}, asked for {option}={asked[option]!r}."
    if known.get("estimator") != wanted.estimator.name:
        yield f"extracted with {known.get('estimator')}, asked for {wanted.estimator.name}."
    fps = wanted.fps
    if fps is None:
        with read_frames(video) as frames:
            fps = frames.fps
    rate = known.get("fps")
    if rate != fps and not (rate and fps and math.isclose(rate, fps, rel_tol=1e-6)):
        yield f"extracted at {rate} frames a second, asked for {fps}."
