"""Training from a data set larger than memory: stored recordings, cleaned and padded batch by batch.

::

    stored = open_parquet("moves")
    usable, frames = survey(stored)              # reads all once: usable recordings, frames of the longest
    streamed = StreamedClips(stored[usable], frames=frames)
    train, test = leave_groups_out(streamed.groups, folds=5)[0]
    model.fit(streamed[train].batches(augment=augment_clips, seed=0), epochs=10,
              validation_data=streamed[test].batches(shuffle=False))
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from gymskel.clips import Clips, class_weight, concatenate
from gymskel.formats.parquet_dataset import StoredRecordings
from gymskel.messages import join_names
from gymskel.preprocess.augmentation import augment_clips
from gymskel.preprocess.preprocessor import Preprocessor
from gymskel.recording.times import same_rate
from gymskel.training.recipes import Recipe
from gymskel.training.training_data import hash_content

Augment = Callable[[Clips, np.random.Generator], Clips]
"""Function that returns a fresh copy of clips."""


def survey(stored: StoredRecordings, preprocessor: Preprocessor | None = None) -> tuple[np.ndarray, int]:
    """Return (recordings,) bool, True = can be preprocessed; and the frames of the longest of these after preprocessing.

    Reads the whole data set once, with one row group in memory.

    Args:
        stored: from `open_parquet`.
        preprocessor: by default `Preprocessor("default")`.
    """
    preprocessor = preprocessor or Preprocessor()
    usable, longest = np.zeros(len(stored), bool), 0
    for row, recording in enumerate(stored):
        try:
            frames = len(preprocessor.transform([recording]).x[0])
        except ValueError:
            continue
        usable[row], longest = True, max(longest, frames)
    return usable, longest


@dataclass(frozen=True, eq=False)
class StreamedClips:
    """Stored recordings that become clips batch by batch: the same as Clips, for a data set larger than memory.

    `streamed[rows]` takes some of them. `groups` and `y` are those of Clips, so `leave_groups_out(streamed.groups)`
    and `hold_out_groups(streamed, 0.2)` keep athletes apart. Only `batches` reads keypoints.

    Attributes:
        stored: from `open_parquet`.
        frames: length of every clip, see `survey`; making a batch with a longer recording raises ValueError.
        preprocessor: makes clips of recordings.
        classes: names in the order of the labels; by default the activities of the recordings, sorted.
        shuffle_window: recordings among which an epoch is shuffled, from row groups all over the data set; twice as many
            clips are held in memory.
        y: (clips,) int32 labels.

    Raises:
        ValueError: recordings without an activity, or with one that is not among `classes`; frame rates that differ
            or are unknown, if the preprocessor needs them.
    """

    stored: StoredRecordings
    frames: int
    preprocessor: Preprocessor = field(default_factory=Preprocessor)
    classes: tuple[str, ...] = ()
    shuffle_window: int = 1024
    y: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.stored) or self.frames < 1 or self.shuffle_window < 1:
            raise ValueError(
                f"StreamedClips needs recordings, `frames` and `shuffle_window` of at least 1, got {len(self.stored)} "
                f"recordings, frames={self.frames}, shuffle_window={self.shuffle_window}."
            )
        activities = self.stored.activities
        classes = tuple(self.classes or sorted({name for name in activities if name is not None}))
        label: dict[str | None, int] = {name: number for number, name in enumerate(classes)}
        if unlabelled := [row for row, activity in enumerate(activities) if activity not in label]:
            names = join_names(self.stored[row].sources[0] for row in unlabelled)
            raise ValueError(
                f"{len(unlabelled)} of {len(activities)} recordings have no activity among {list(label)}: {names}. "
                "Fix: leave them out with stored[mask]."
            )
        _check_rates(self.stored, self.preprocessor)
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "y", np.array([label[activity] for activity in activities], np.int32))

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, which: Any) -> StreamedClips:
        """Return some of the clips, in the order of the data set; `classes` stay."""
        return replace(self, stored=self.stored[which])

    @property
    def groups(self) -> np.ndarray:
        """(clips,) athlete, or source where unknown: clips of one group never stand in both training and test part."""
        return self.stored.groups

    def batches(
        self,
        batch_size: int = 32,
        *,
        augment: Augment | None = None,
        shuffle: bool = True,
        seed: int | None = None,
        workers: int = 1,
    ) -> StreamedBatches:
        """Return a keras.utils.PyDataset of ({"keypoints", "mask"}, one_hot): every clip once an epoch.

        Args:
            batch_size: clips in a step.
            augment: makes a fresh copy of the clips of a batch, e.g. gymskel.preprocess.augmentation.augment_clips.
            shuffle: row groups in a fresh order each epoch, recordings shuffled within `shuffle_window`. False = clips in
                the order of the data set, as in `y`.
            seed: for the order and for `augment`; by default each run differs.
            workers: threads that make batches; more than one keeps a second core busy. The order of batches made at the
                same time is not fixed, so only one thread repeats a training exactly.
        """
        return StreamedBatches(self, batch_size, augment, shuffle, seed, workers)

    def training_batches(self, recipe: Recipe, seed: int | None) -> tuple[StreamedBatches, int, int]:
        """Return the batches, the number of epochs of keras, and 1 pass over the clips in each; see `TrainingData`.

        Raises:
            ValueError: a recipe that copies all clips.
        """
        if recipe.augment == "copies":
            raise ValueError("augment='copies' holds all clips in memory. Fix: stream with 'fly' or None.")
        augment = partial(augment_clips, augmentation=recipe.augmentation) if recipe.augment else None
        batches = self.batches(recipe.batch_size, augment=augment, seed=seed)
        return batches, max(recipe.epochs, -(-recipe.min_steps // len(batches))), 1

    def validation_batches(self, recipe: Recipe) -> StreamedBatches:
        """Return every clip once, in the order of the data set."""
        return self.batches(recipe.batch_size, shuffle=False)

    def class_weight(self, recipe: Recipe) -> dict[int, float] | None:
        """Return label -> weight of its clips in the loss; None if the recipe does not balance the classes."""
        # every clip is drawn once, so only weights can balance the classes
        return class_weight(self.y, len(self.classes)) if recipe.balance else None

    def fingerprint(self) -> str:
        """Return a hash of labels, recordings and steps; no file is read."""
        described = [list(self.classes), self.groups.tolist(), self.frames, self.preprocessor.to_dict()]
        return hash_content([*described, self.stored.sources, self.stored.lengths.tolist()], [self.y])


class StreamedBatches(keras.utils.PyDataset):
    """The batches of `StreamedClips.batches`, with its arguments.

    Keras asks for batches by number, in any order, and for the first ones twice. The k-th new number of an epoch gets
    the k-th batch of the stream, so each window is read once in any order. `epoch` is the number of the current epoch, from 0.
    """

    def __init__(
        self,
        streamed: StreamedClips,
        batch_size: int,
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
        self._seed = int(np.random.default_rng().integers(2**63)) if seed is None else seed
        self.epoch = -1
        self._lock = threading.Lock()
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self.streamed) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return a batch; thread-safe."""
        if not 0 <= index < len(self):
            raise IndexError(f"No batch {index} of {len(self)}.")
        with self._lock:
            place = self._places.setdefault(index, len(self._places)) if self._shuffle else index
            epoch, clips = self.epoch, self._read_clips(place * self.batch_size)
        if self._augment is not None:
            clips = self._augment(clips, np.random.default_rng((self._seed, epoch, 1, place)))
        return clips.inputs, np.eye(len(clips.classes), dtype=np.float32)[clips.y]

    def on_epoch_end(self) -> None:
        """Draw the order of the next epoch."""
        with self._lock:
            self.epoch += 1
            self._places: dict[int, int] = {}
            self._held: dict[int, Clips] = {}
            rng = np.random.default_rng((self._seed, self.epoch, 0))
            self._windows = _draw_windows(self.streamed, rng if self._shuffle else None)
            self._ends = np.cumsum([len(order) for _, order in self._windows])

    def random_state(self, epoch: int) -> None:
        """Return None: seed and number alone decide the order of an epoch."""

    def resume(self, epoch: int, state: None = None) -> None:
        """Draw the order of this epoch."""
        with self._lock:
            self.epoch = epoch - 1
        self.on_epoch_end()

    def close(self) -> None:
        """Drop the clips in memory; the next batch reads them again."""
        with self._lock:
            self._held.clear()

    def _read_clips(self, start: int) -> Clips:
        """Return the clips of one batch, from place `start` of the epoch on."""
        end = min(start + self.batch_size, len(self.streamed))
        parts = []
        low, high = np.searchsorted(self._ends, [start, end - 1], side="right")
        for number in range(low, high + 1):
            first = self._ends[number] - len(self._windows[number][1])
            parts.append(self._read_window(number)[max(start - first, 0) : end - first])
        return parts[0] if len(parts) == 1 else concatenate(parts)

    def _read_window(self, number: int) -> Clips:
        """Return the clips of a window, in the order of the epoch; two windows stay in memory."""
        if number not in self._held:
            if len(self._held) > 1:
                del self._held[min(self._held)]
            groups, order = self._windows[number]
            self._held[number] = concatenate([_read_group(self.streamed, group) for group in groups])[order]
        return self._held[number]


def _draw_windows(
    streamed: StreamedClips, rng: np.random.Generator | None
) -> list[tuple[list[int], np.ndarray]]:
    """Return (row groups, order of their clips) of each window of an epoch; without `rng` in the order of the data set."""
    sizes = [len(streamed.stored.rows_of(group)) for group in range(len(streamed.stored.row_groups))]
    groups = np.flatnonzero(sizes)
    if rng is not None:
        groups = rng.permutation(groups)
    windows, members, count = [], [], 0
    for group in groups.tolist():
        members.append(group)
        count += sizes[group]
        if count >= streamed.shuffle_window or group == groups[-1]:
            windows.append((members, np.arange(count) if rng is None else rng.permutation(count)))
            members, count = [], 0
    return windows


def _read_group(streamed: StreamedClips, group: int) -> Clips:
    recordings = streamed.stored.read_group(group)
    try:
        clips = streamed.preprocessor.transform(recordings, frames=streamed.frames, classes=streamed.classes)
    except ValueError as error:
        label = streamed.stored.row_groups[group].label
        raise type(error)(
            f"{label}: {error} Fix: leave out recordings that `survey` finds unusable."
        ) from None
    return replace(clips, fps=None)  # 59.94 and 60 go together, also in different row groups


def _check_rates(stored: StoredRecordings, preprocessor: Preprocessor) -> None:
    """Raise ValueError for frame rates that `pad` would refuse in the middle of an epoch."""
    resamples = any(name == "resample" for name, _ in preprocessor.steps)
    unknown = [
        fps is None and not (timed and resamples)
        for fps, timed in zip(stored.fps, stored.column("timed"), strict=True)
    ]
    rates = {fps for fps in stored.fps if fps is not None}
    if resamples and any(unknown):
        name = stored[int(np.argmax(unknown))].sources[0]
        raise ValueError(
            f"{sum(unknown)} recordings have no frame rate, {name} the first, and cannot be resampled. Fix: write them with fps."
        )
    if not resamples and rates and (any(unknown) or not same_rate(max(rates), min(rates))):
        found = join_names([f"{rate:g} fps" for rate in sorted(rates)] + ["unknown"] * any(unknown))
        raise ValueError(f"Recordings differ in frame rate ({found}). Fix: use the step `resample`.")
