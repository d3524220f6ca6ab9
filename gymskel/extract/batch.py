"""Many videos to per-frame CSVs on disk: resumable, in as many processes as wanted."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gymskel.estimators.estimator import Estimator, choose_estimator, reset
from gymskel.extract.folder_lock import claimed, clean, is_begun, publish
from gymskel.extract.plan import Plan, Planned, as_paths, find_folders, look, measure
from gymskel.extract.progress import board, list_faults, tell
from gymskel.extract.single import ExtractionWarning, People, Wanted, extract_people
from gymskel.video import limit_threads
from gymskel.workers import calm_workers


@dataclass(frozen=True)
class Extraction:
    """What became of a batch.

    Attributes:
        written: folders of the recordings that were extracted now.
        skipped: folders that were finished before.
        failed: video -> what went wrong.
    """

    written: tuple[Path, ...]
    skipped: tuple[Path, ...]
    failed: dict[Path, str]


def extract_videos(
    paths_or_folder: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    estimator: str | Estimator = "auto",
    people: People = "athlete",
    follow: bool = True,
    fps: float | None = None,
    progress: bool = True,
    overwrite: bool | str = False,
    workers: int | None = None,
    dry_run: bool = False,
) -> Extraction | Plan:
    """Many videos to per-frame CSVs on disk, `out/<folders as in the input>/<video>/`.

    A video that is named itself, not found in a folder, goes to where the same file was extracted before, and is
    extracted again there if `people` is not the default and says somebody else than before. All others keep the
    people that were chosen, and an `ExtractionWarning` says so.

    A recording appears in `out` when it is complete: after an interruption of any kind the same call goes on
    with the videos it was at, and repeats nothing that is finished. Several runs may share an `out`, and its
    work. A video that cannot be extracted does not stop the others; it is in the result's `failed`, and an
    `ExtractionWarning` at the end names it.

    Args:
        paths_or_folder: a folder (searched with its sub-folders, which are kept), a video, or several.
        out: the folder of all recordings; made if it is not there.
        estimator: as in `extract_video`; for several workers it must be picklable.
        people: as in `extract_video`.
        follow: as in `extract_video`.
        fps: frames a second of all the videos; overrides their headers.
        progress: show how far it is.
        overwrite: extract again what is finished; "changed" only where it differs from what is asked for now
            (that `people` is the default is no difference).
        workers: this many processes of this computer, each at a video of its own. By default what joblib's
            context says: `with joblib.parallel_config(backend="dask"): extract_videos(...)` runs on the
            cluster of the current Dask client, whose computers must see the same paths and should have one
            thread a worker (Ray, untested: `backend="ray", n_jobs=-1`). Outside of any context, this process.
        dry_run: touch nothing, and return the Plan: what would be extracted, kept, refused.

    Returns:
        An Extraction; for `dry_run` a Plan.

    Raises:
        FileNotFoundError: no such path, or a folder without a video.
        ValueError: before any work: two videos would become the same folder, or a folder in `out` holds
            something else than was asked for now (another video, estimator, `follow` or frame rate) and
            `overwrite` is False; a video was extracted into several folders of `out` before; `workers` is no number.
        TypeError: as in `extract_video`; an estimator that cannot be sent to workers.
        ImportError: as in `extract_video`; several workers without joblib.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise ValueError(f"`workers` must be a number of processes, 1 or more, or None, got {workers!r}.")
    wanted = Wanted(choose_estimator(estimator), people, follow, fps)
    given = as_paths(paths_or_folder)
    folders = find_folders(given, Path(out))
    if not dry_run:
        for folder in folders:
            clean(folder)
    chosen = people != "athlete"  # the default undoes no choice
    asked = [
        Planned(video, folder, again=chosen and (video in given or overwrite == "changed"))
        for folder, video in folders.items()
    ]
    plan = Plan(tuple(look(one, wanted) for one in asked), overwrite)
    if dry_run:
        return replace(plan, videos=tuple(map(measure, plan.videos)))
    plan.check()
    if kept := plan.kept():
        warnings.warn(kept, ExtractionWarning, stacklevel=2)
    outcomes = _extract_all(plan, wanted, progress, workers)
    failed = {one.video: outcomes[one.folder].fault for one in plan.videos if _is(outcomes, one, "failed")}
    if failed:
        faults = [f"{video}: {fault}" for video, fault in failed.items()]
        message = list_faults(f"{len(failed)} of {len(folders)} videos could not be extracted:", faults)
        warnings.warn(message, ExtractionWarning, stacklevel=2)
    written = (one.folder for one in plan.videos if _is(outcomes, one, "written"))
    kept = (one.folder for one in plan.videos if one.folder not in outcomes or _is(outcomes, one, "kept"))
    return Extraction(tuple(written), tuple(sorted(kept)), failed)


# --- a video ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outcome:
    """What became of a video, as a worker sends it home."""

    folder: Path
    state: str  # "written", "kept" (finished meanwhile, by another run or one that died), "busy" (another run is at it), "failed"
    line: str
    frames: int = 0
    fault: str = ""
    warned: tuple[tuple[type[Warning], str], ...] = ()


def _is(outcomes: dict[Path, _Outcome], one: Planned, state: str) -> bool:
    return one.folder in outcomes and outcomes[one.folder].state == state


def _extract(one: Planned, wanted: Wanted, overwrite: bool | str, wait: bool, progress: bool) -> _Outcome:
    """Extracts a video into its folder, unless another run is at it or has done it."""
    try:
        with claimed(one.folder, wait=wait) as mine:
            if not mine:
                return _Outcome(one.folder, "busy", f"{one.video}: another run is at it")
            now = Plan((look(replace(one, state="new", why=""), wanted),), overwrite)
            now.check()
            if now.those("keep"):
                return _Outcome(one.folder, "kept", f"{one.video}: finished meanwhile")
            recordings = extract_people(one.video, wanted, progress)
            publish(recordings, one.folder)
    except Exception as fault:  # whatever it is, it is this video's; the others are worth their hours
        return _failure(one, fault)
    return _Outcome(one.folder, "written", tell(recordings), len(recordings[0]))


def _failure(one: Planned, fault: Exception) -> _Outcome:
    told = f"{type(fault).__name__}: {fault}"
    return _Outcome(one.folder, "failed", f"{one.video}: {told}", fault=told)


# --- all of them --------------------------------------------------------------------------------------------


def _extract_all(plan: Plan, wanted: Wanted, progress: bool, workers: int | None) -> dict[Path, _Outcome]:
    """Folder -> outcome of each video that is to be extracted."""
    todo = plan.those("extract", "redo")
    pool = _pool(workers, len(todo))
    options = {"overwrite": plan.overwrite, "progress": progress}
    if pool is not None:
        todo = [replace(one, video=one.video.absolute(), folder=one.folder.absolute()) for one in todo]
        todo.sort(
            key=lambda one: one.video.stat().st_size, reverse=True
        )  # so that none is left with a long last one
        sent = {"payload": _pack(wanted), "home": _here(), "overwrite": plan.overwrite}
    asked = {one.folder.absolute(): one.folder for one in plan.videos}
    outcomes: dict[Path, _Outcome] = {}
    with board(progress, total=len(plan.videos), done=len(plan.videos) - len(todo)) as told:
        for wait in (False, True):  # what another run is at comes last
            if pool is None:
                some = (_extract(one, wanted, wait=wait, **options) for one in todo)
            else:
                some = _in_pool(todo, functools.partial(_work, wait=wait, **sent), pool)
            with _cleaning(some, todo):
                for outcome in some:
                    outcomes[asked[outcome.folder.absolute()]] = outcome
                    for category, text in outcome.warned:
                        warnings.warn(text, category, stacklevel=3)
                    if outcome.state != "busy":
                        told(outcome.line, outcome.frames)
            todo = [one for one in todo if outcomes[asked[one.folder.absolute()]].state == "busy"]
    return outcomes


@contextlib.contextmanager
def _cleaning(outcomes: Iterator[_Outcome], todo: list[Planned]) -> Iterator[None]:
    """Stops the workers on an interruption, and takes away what they were at."""
    try:
        yield
    except BaseException:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib's advice on tasks whose results nobody takes
            outcomes.close()
        for one in todo:
            clean(one.folder)
        raise


def _pool(workers: int | None, tasks: int) -> Callable[[], Any] | None:
    """What makes the joblib.Parallel to work with; None for this process."""
    if workers is not None:
        if min(workers, tasks) < 2:
            return None
        import joblib

        processes = {"n_jobs": min(workers, tasks), "backend": "loky"}
        return functools.partial(joblib.Parallel, **processes, return_as="generator_unordered", batch_size=1)
    joblib = sys.modules.get("joblib")
    if joblib is None:  # nobody can have set a context
        return None
    if joblib.Parallel().n_jobs == 1:
        return None
    backend, _ = joblib.parallel.get_active_backend()
    as_they_come = getattr(
        backend, "supports_return_generator", False
    )  # joblib's multiprocessing, so Ray: no
    return functools.partial(
        joblib.Parallel, return_as="generator_unordered" if as_they_come else "list", batch_size=1
    )


def _in_pool(
    todo: list[Planned], work: Callable[[Planned], _Outcome], pool: Callable[[], Any]
) -> Iterator[_Outcome]:
    """Outcomes as they come; that a video ends its process (no memory, a decoder's crash) is one, too."""
    from joblib import delayed

    waiting = {one.folder: one for one in todo}
    calm_workers()
    try:
        for outcome in pool()(delayed(work)(one) for one in todo):
            del waiting[outcome.folder]
            yield outcome
    except Exception as fault:
        if len(todo) == 1:
            clean(todo[0].folder)
            yield _failure(todo[0], fault)
            return
        suspects = [one for one in waiting.values() if is_begun(one.folder)] or list(waiting.values())
        for one in suspects:
            del waiting[one.folder]
            yield from _in_pool([one], work, pool)
        if waiting:
            yield from _in_pool(list(waiting.values()), work, pool)


# --- in a worker --------------------------------------------------------------------------------------------

_kept = threading.local()  # a cluster's worker may have several threads, and an estimator serves one


def _work(one: Planned, payload: bytes, home: tuple[str, int], overwrite: bool | str, wait: bool) -> _Outcome:
    """`_extract` in a worker, which keeps the estimator for the next video, and the warnings for home."""
    if getattr(_kept, "payload", None) != payload:
        if hasattr(_kept, "wanted"):
            reset(_kept.wanted.estimator)
        try:
            _kept.wanted = pickle.loads(payload)
        except Exception as fault:
            return _failure(one, fault)
        _kept.payload = payload
    if _here() == home:  # a thread: warnings reach the user, and OpenCV's threads are the user's own
        return _extract(one, _kept.wanted, overwrite, wait, progress=False)
    limit_threads()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = _extract(one, _kept.wanted, overwrite, wait, progress=False)
    return replace(outcome, warned=tuple((entry.category, str(entry.message)) for entry in caught))


def _here() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


def _pack(wanted: Wanted) -> bytes:
    """`wanted` as bytes that another process can read, classes of a notebook included."""
    from joblib import wrap_non_picklable_objects

    try:
        return pickle.dumps(wrap_non_picklable_objects(wanted, keep_wrapper=False))
    except Exception as fault:
        raise TypeError(
            f"{wanted.estimator.name} cannot be sent to other processes ({fault}). Ways out: workers=1, or an "
            "estimator that loads what cannot be pickled at its first frame."
        ) from fault
