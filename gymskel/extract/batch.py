"""Many videos to per-frame CSVs on disk: resumable, in one process or several."""

from __future__ import annotations

import contextlib
import pickle
import threading
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from gymskel.estimators.estimator import Estimator, choose_estimator, reset
from gymskel.extract.folder_lock import has_work_folder, lock_folder, publish, remove_leftovers
from gymskel.extract.one_video import ExtractionWarning, extract_recordings
from gymskel.extract.plan import Overwrite, Plan, PlannedVideo, assign_folders, inspect_folder, make_plan
from gymskel.extract.progress import batch_progress, describe_people
from gymskel.extract.settings import ExtractionSettings, People
from gymskel.messages import join_lines
from gymskel.parallel import check_workers, choose_pool, map_as_completed, process_id
from gymskel.tracking.params import DEFAULT_PARAMS, TrackingParams
from gymskel.video import limit_threads


@dataclass(frozen=True)
class Extraction:
    """Result of a batch.

    Attributes:
        written: folders of the recordings that were extracted now.
        skipped: folders that were finished before.
        failed: video -> error message.
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
    tracking: TrackingParams = DEFAULT_PARAMS,
    progress: bool = True,
    overwrite: Overwrite = "never",
    workers: int | None = None,
) -> Extraction:
    """Extract videos to per-frame CSVs on disk, `out/<folders as in the input>/<video>/`.

    A video that is named itself, not found in a folder, goes to the folder of its earlier extraction, if there is one. It
    is extracted again there if `people` is not the default and differs from before. All other videos keep the people
    that were chosen, and an `ExtractionWarning` says so.

    A recording appears in `out` when it is complete. After an interruption the same call continues with the videos that
    are left. Several runs may share an `out`, and its work. A video that cannot be extracted does not stop the others: an
    `ExtractionWarning` at the end names it. `plan_videos` shows what would be done.

    Args:
        paths_or_folder: a folder (searched with its sub-folders, which are kept), a video, or several.
        out: the folder of all recordings; made if it is not there.
        estimator: as in `extract_video`; for several workers it must be picklable.
        people, follow, tracking, progress: as in `extract_video`.
        fps: frames a second of all the videos; overrides their headers.
        overwrite: "never" keeps what is finished. "changed" extracts again only videos whose stored settings differ from
            those of this call; the default `people` never counts as a difference. "always" extracts all again.
        workers: number of processes of this computer, each at a video of its own. By default what joblib's context
            says: `with joblib.parallel_config(backend="dask"): extract_videos(...)` runs on the cluster of the current
            Dask client, whose computers must see the same paths and should have one thread a worker (Ray, untested:
            `backend="ray", n_jobs=-1`). Outside of any context, this process.

    Raises:
        FileNotFoundError: no such path, or a folder without a video.
        ValueError: before any work: two videos would become the same folder; a folder in `out` holds something else than
            was asked for now (another video, estimator, `follow`, `tracking` or frame rate) and `overwrite` is "never"; a video
            was extracted into several folders of `out` before; `workers` or `overwrite` has a wrong value.
        TypeError, ImportError: as in `extract_video`; an estimator that cannot be sent to workers; no joblib for them.
    """
    if workers is not None:
        check_workers(workers)
    settings = ExtractionSettings(choose_estimator(estimator), people, follow, fps, tracking)
    videos = assign_folders(paths_or_folder, Path(out))
    for planned in videos:
        remove_leftovers(planned.folder)
    plan = make_plan(videos, settings, overwrite)
    plan.check()
    if message := plan.describe_kept_people():
        warnings.warn(message, ExtractionWarning, stacklevel=2)
    outcomes = _extract_all(plan, settings, progress, workers)
    written, skipped, failed = [], [], {}
    for planned in plan.videos:
        outcome = outcomes.get(planned.folder.absolute())
        if outcome is None or outcome.status == "kept":
            skipped.append(planned.folder)
        elif outcome.status == "written":
            written.append(planned.folder)
        else:
            failed[planned.video] = outcome.error
    if failed:
        head = f"{len(failed)} of {len(videos)} videos could not be extracted:"
        lines = [f"{video}: {error}" for video, error in failed.items()]
        warnings.warn(join_lines(head, lines), ExtractionWarning, stacklevel=2)
    return Extraction(tuple(written), tuple(sorted(skipped)), failed)


@dataclass(frozen=True)
class _Outcome:
    """Outcome of one video, with a line for the progress display."""

    folder: Path
    status: Literal["written", "kept", "busy", "failed"]  # kept, busy: finished, or worked on, by another run
    line: str
    frames: int = 0
    error: str = ""


def _extract(
    planned: PlannedVideo, settings: ExtractionSettings, overwrite: Overwrite, wait: bool, progress: bool
) -> _Outcome:
    """Extract a video into its folder, unless another run has finished it or, without `wait`, works on it."""
    video, folder = planned.video, planned.folder
    try:
        with lock_folder(folder, wait=wait) as locked:
            if not locked:
                return _Outcome(folder, "busy", f"{video}: another run works on it")
            plan = Plan((inspect_folder(planned, settings),), overwrite)
            plan.check()
            if plan.with_action("keep"):
                return _Outcome(folder, "kept", f"{video}: finished meanwhile")
            recordings = extract_recordings(video, settings, progress)
            publish(recordings, folder)
    except Exception as error:  # any error is of this video alone; the others are worth their hours
        return _failed(planned, error)
    return _Outcome(folder, "written", describe_people(recordings), len(recordings[0]))


def _failed(planned: PlannedVideo, error: Exception) -> _Outcome:
    message = f"{type(error).__name__}: {error}"
    return _Outcome(planned.folder, "failed", f"{planned.video}: {message}", error=message)


def _extract_all(
    plan: Plan, settings: ExtractionSettings, progress: bool, workers: int | None
) -> dict[Path, _Outcome]:
    """Extract the videos of a plan; return absolute folder -> outcome of each."""
    todo = plan.with_action("extract", "redo")
    pool = choose_pool(workers, len(todo))
    extract = partial(_extract, settings=settings, progress=progress)
    if pool is not None:
        extract = partial(_extract_in_worker, pickled=_pickle(settings), home=process_id())
        # computers of a cluster have working folders of their own; the longest video first, so that none is left to the end
        todo = [replace(p, video=p.video.absolute(), folder=p.folder.absolute()) for p in todo]
        todo.sort(key=lambda planned: planned.video.stat().st_size, reverse=True)
    outcomes: dict[Path, _Outcome] = {}
    with batch_progress(progress, total=len(plan.videos), done=len(plan.videos) - len(todo)) as report:
        for wait in (False, True):  # videos that another run works on come last
            function = partial(extract, overwrite=plan.overwrite, wait=wait)
            if pool is None:
                results = (function(planned) for planned in todo)
            else:
                results = map_as_completed(
                    function, todo, pool, is_begun=lambda p: has_work_folder(p.folder), on_crash=_crashed
                )
            try:
                with contextlib.closing(results):  # after an error or Ctrl-C this stops the workers
                    for outcome in results:
                        outcomes[outcome.folder.absolute()] = outcome
                        if outcome.status != "busy":
                            report(outcome.line, outcome.frames)
            except BaseException:
                for planned in todo:
                    remove_leftovers(planned.folder)
                raise
            todo = [planned for planned in todo if outcomes[planned.folder.absolute()].status == "busy"]
    return outcomes


def _crashed(planned: PlannedVideo, error: Exception) -> _Outcome:
    """Return the outcome of a video that ended its process (out of memory, a decoder's crash)."""
    remove_leftovers(planned.folder)
    return _failed(planned, error)


_kept = threading.local()  # a cluster's worker may have several threads; each keeps its own estimator


def _pickle(settings: ExtractionSettings) -> bytes:
    """Return the settings as bytes that another process can read, classes of a notebook included."""
    from joblib import wrap_non_picklable_objects

    try:
        return pickle.dumps(wrap_non_picklable_objects(settings, keep_wrapper=False))
    except Exception as error:
        raise TypeError(
            f"{settings.estimator.name} cannot be sent to other processes ({error}). Fix: workers=1, or an estimator "
            "that loads what cannot be pickled at its first frame."
        ) from error


def _extract_in_worker(
    planned: PlannedVideo, pickled: bytes, home: tuple[str, int], overwrite: Overwrite, wait: bool
) -> _Outcome:
    """Return the outcome of `_extract` with this thread's estimator; outside of `home` with one thread of OpenCV."""
    if getattr(_kept, "pickled", None) != pickled:
        if hasattr(_kept, "settings"):
            reset(_kept.settings.estimator)
        try:
            _kept.settings = pickle.loads(pickled)
        except Exception as error:
            return _failed(planned, error)
        _kept.pickled = pickled
    if process_id() != home:
        limit_threads()
    return _extract(planned, _kept.settings, overwrite, wait, progress=False)
