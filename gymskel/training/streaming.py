"""Training from a data set larger than memory: stored recordings, cleaned and padded batch by batch.

::

    stored = open_parquet("moves")
    usable, frames = survey(stored)                        # one pass: what can be preprocessed, and the longest of it
    streamed = Streamed(stored[usable], frames=frames)
    train, test = leave_groups_out(streamed.groups, folds=5)[0]
    model.fit(streamed[train].batches(augment=augmented, seed=0), epochs=10,
              validation_data=streamed[test].batches(shuffle=False))
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from gymskel.clips import Clips, class_weight, concatenate
from gymskel.formats.parquet_dataset import StoredRecordings
from gymskel.preprocess.preprocessor import Preprocessor
from gymskel.recording.times import same_rate

Augment = Callable[[Clips, np.random.Generator], Clips]


def survey(stored: StoredRecordings, preprocessor: Preprocessor | None = None) -> tuple[np.ndarray, int]:
    """(recordings,) bool: which of them can be preprocessed; and the frames of the longest of those then.

    Goes over the whole data set once, with one row group in memory.

    Args:
        stored: from `open_parquet`.
        preprocessor: by default `Preprocessor("default")`.
    """
    preprocessor = preprocessor or Preprocessor()
    usable, longest = np.zeros(len(stored), bool), 0
    for row, recording in enumerate(stored):
        try:
            cleaned = len(preprocessor.transform([recording]).x[0])
        except ValueError:
            continue
        usable[row], longest = True, max(longest, cleaned)
    return usable, longest


@dataclass(frozen=True, eq=False)
class Streamed:
    """Stored recordings as clips to be: what Clips are to a data set that fits into memory.

    `streamed[rows]` is some of them, `groups` and `y` are those of Clips, so that `leave_groups_out(streamed.groups)`
    and `grouped_part(streamed, 0.2)` keep athletes apart. Keypoints are read by `batches` alone.

    Attributes:
        stored: from `open_parquet`.
        frames: length of every clip; a longer recording is an error when its batch is made. See `survey`.
        preprocessor: what makes clips of recordings.
        classes: names in the order of the labels; by default the activities there are, sorted.
        window: recordings among which an epoch is shuffled, from row groups all over the data set; as many
            clips are held in memory, twice.
        y: (clips,) int32 labels.

    Raises:
        ValueError: recordings without an activity, or one that is not among `classes`; frame rates that differ
            or are unknown, where the preprocessor cannot do with it.
    """

    stored: StoredRecordings
    frames: int
    preprocessor: Preprocessor = field(default_factory=Preprocessor)
    classes: tuple[str, ...] | None = None
    window: int = 1024
    y: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.stored) or self.frames < 1 or self.window < 1:
            raise ValueError(
                f"Streamed needs recordings, `frames` and `window` of at least 1, got {len(self.stored)} recordings, "
                f"frames={self.frames}, window={self.window}."
            )
        activities = self.stored.activities
        classes = self.classes or sorted({a for a in activities if a is not None})
        label = {name: number for number, name in enumerate(classes)}
        odd = [row for row, activity in enumerate(activities) if activity not in label]
        if odd:
            names = [self.stored[row].sources[0] for row in odd[:4]]
            raise ValueError(
                f"{len(odd)} of {len(activities)} recordings have no activity among {list(label)}: {', '.join(names)}"
                f"{' ...' if len(odd) > 4 else ''}. Leave them out with stored[mask]."
            )
        _check_rates(self.stored, self.preprocessor)
        object.__setattr__(self, "classes", tuple(classes))
        object.__setattr__(self, "y", np.array([label[activity] for activity in activities], np.int32))

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, which: Any) -> Streamed:
        """Some of the clips, in the order of the data set; classes stay."""
        return replace(self, stored=self.stored[which])

    @property
    def groups(self) -> np.ndarray:
        """(clips,) who must not be on both sides of a split, as in Clips."""
        return self.stored.groups

    @property
    def class_weight(self) -> dict[int, float]:
        """Label -> weight of its clips that makes all classes weigh the same; for `model.fit(class_weight=)`."""
        return class_weight(self.y, len(self.classes))

    def batches(
        self,
        batch_size: int = 32,
        *,
        augment: Augment | None = None,
        shuffle: bool = True,
        seed: int | None = None,
        workers: int = 1,
    ) -> StreamedBatches:
        """A keras.utils.PyDataset of ({"keypoints", "mask"}, one_hot): every clip once an epoch.

        Args:
            batch_size: clips in a step.
            augment: makes a fresh copy of the clips of a batch, e.g. gymskel.preprocess.augment.augmented.
            shuffle: row groups in a fresh order each epoch, recordings shuffled within `window`. Without it the
                clips come in the order of the data set, as `y` has them.
            seed: for the order and for `augment`; by default each run is another one.
            workers: threads that make batches; more than one keeps a second core busy. Of batches made at the same
                time either may come first, so only one thread repeats a training exactly.
        """
        return StreamedBatches(self, batch_size, augment=augment, shuffle=shuffle, seed=seed, workers=workers)


class StreamedBatches(keras.utils.PyDataset):
    """What `Streamed.batches` returns. Read about its arguments there.

    keras asks for batches by number, in any order it likes, and for the first ones twice. The k-th new number of an
    epoch gets the k-th batch of the stream, so that whatever it asks each window is read once.
    """

    def __init__(
        self,
        streamed: Streamed,
        batch_size: int,
        *,
        augment: Augment | None,
        shuffle: bool,
        seed: int | None,
        workers: int,
    ) -> None:
        super().__init__(workers=workers)
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1, got {batch_size}.")
        self.streamed, self.batch_size = streamed, batch_size
        self._augment, self._shuffle = augment, shuffle
        self._seed = np.random.SeedSequence(seed).entropy
        self._epoch = -1
        self._lock = threading.Lock()
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self.streamed) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """A batch; thread-safe."""
        if not 0 <= index < len(self):
            raise IndexError(f"No batch {index} of {len(self)}.")
        with self._lock:
            place = self._places.setdefault(index, len(self._places)) if self._shuffle else index
            epoch, clips = self._epoch, self._clips(place * self.batch_size)
        if self._augment is not None:
            clips = self._augment(clips, np.random.default_rng((self._seed, epoch, 1, place)))
        return clips.inputs, np.eye(len(clips.classes), dtype=np.float32)[clips.y]

    def on_epoch_end(self) -> None:
        """Draws the next epoch."""
        with self._lock:
            self._epoch += 1
            self._places: dict[int, int] = {}
            self._held: dict[int, Clips] = {}
            rng = np.random.default_rng((self._seed, self._epoch, 0))
            self._windows = _windows(self.streamed, rng if self._shuffle else None)
            self._ends = np.cumsum([len(order) for _, order in self._windows])

    @property
    def number(self) -> int:
        """The epoch that is drawn, counted from 0."""
        return self._epoch

    def state_before(self, number: int) -> None:
        """Nothing: what an epoch draws follows from the seed and its number."""

    def go_to(self, number: int, state: None = None) -> None:
        """Draws this epoch."""
        with self._lock:
            self._epoch = number - 1
        self.on_epoch_end()

    def close(self) -> None:
        """Lets go of the clips held; the next batch asked for reads them again."""
        with self._lock:
            self._held.clear()

    def _clips(self, start: int) -> Clips:
        """The clips from this place of the epoch on, one batch of them."""
        end = min(start + self.batch_size, len(self.streamed))
        parts = []
        low, high = np.searchsorted(self._ends, [start, end - 1], side="right")
        for number in range(low, high + 1):
            first = self._ends[number] - len(self._windows[number][1])
            parts.append(self._window(number)[max(start - first, 0) : end - first])
        return parts[0] if len(parts) == 1 else concatenate(parts)

    def _window(self, number: int) -> Clips:
        """The clips of a window, in the order of the epoch; two windows are held."""
        if number not in self._held:
            if len(self._held) > 1:
                del self._held[min(self._held)]
            groups, order = self._windows[number]
            self._held[number] = concatenate([_clips_of(self.streamed, group) for group in groups])[order]
        return self._held[number]


def _windows(streamed: Streamed, rng: np.random.Generator | None) -> list[tuple[list[int], np.ndarray]]:
    """(row groups, order of their clips) of each window of an epoch; row groups without a clip are left out."""
    sizes = [len(streamed.stored.rows_of(group)) for group in range(len(streamed.stored.row_groups))]
    groups = np.flatnonzero(sizes)
    if rng is not None:
        groups = rng.permutation(groups)
    windows, own, count = [], [], 0
    for group in groups.tolist():
        own.append(group)
        count += sizes[group]
        if count >= streamed.window or group == groups[-1]:
            windows.append((own, np.arange(count) if rng is None else rng.permutation(count)))
            own, count = [], 0
    return windows


def _clips_of(streamed: Streamed, group: int) -> Clips:
    """The clips of a row group."""
    recordings = streamed.stored.read_group(group)
    try:
        clips = streamed.preprocessor.transform(recordings, frames=streamed.frames, classes=streamed.classes)
    except ValueError as fault:
        where = streamed.stored.row_groups[group].label
        raise type(fault)(f"{where}: {fault} `survey` tells which recordings can be used.") from None
    return replace(clips, fps=None)  # 59.94 and 60 go together, also where row groups do


def _check_rates(stored: StoredRecordings, preprocessor: Preprocessor) -> None:
    """Raises ValueError for frame rates that `pad` would only find wrong in the middle of an epoch."""
    resamples = any(name == "resample" for name, _ in preprocessor.steps)
    unknown = [
        fps is None and not (timed and resamples)
        for fps, timed in zip(stored.fps, stored.column("timed"), strict=True)
    ]
    rates = {fps for fps in stored.fps if fps is not None}
    if resamples and any(unknown):
        name = stored[int(np.argmax(unknown))].sources[0]
        raise ValueError(
            f"{sum(unknown)} recordings have no frame rate, {name} the first, and cannot be resampled. Write them with fps."
        )
    if not resamples and rates and (any(unknown) or not same_rate(max(rates), min(rates))):
        told = ", ".join([f"{rate:g} fps" for rate in sorted(rates)[:8]] + ["unknown"] * any(unknown))
        raise ValueError(f"Recordings differ in frame rate ({told}). Preprocess with the step `resample`.")
