"""Clips: recordings as arrays of one length with masks, the input of a model."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import DAMAGED_ERRORS, MAX_RATIO, RAISE_MAX_RATIO, open_zip, read_array
from gymskel.files import replace_file
from gymskel.messages import join_names
from gymskel.recording import name_or_none
from gymskel.skeleton import GYMNASTICS_15, Skeleton

_FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips of equal length with a mask; the training data of a model.

    Attributes:
        x: (clips, frames, joints, channels) float32, finite everywhere. Frames behind the mask are finite too, because
            a NaN there would poison gradients.
        mask: (clips, frames) bool, True = a frame of the recording; right-padded and never empty.
        seen: (clips, frames, joints) bool, True = the joint has a position; elsewhere `x` holds a stand-in value.
        y: (clips,) int labels, indices into `classes`, or None.
        classes: names of the classes.
        athletes: (clips,) names, None where unknown.
        sources: (clips,) name of the recording that each clip comes from; augmented copies keep it.
        channels: names of the last axis.
        skeleton: layout of the joints.
        fps: frames a second, or None where unknown.
    """

    x: np.ndarray
    mask: np.ndarray
    seen: np.ndarray
    y: np.ndarray | None
    classes: tuple[str, ...]
    athletes: tuple[str | None, ...]
    sources: tuple[str, ...]
    channels: tuple[str, ...] = ("x", "y")
    skeleton: Skeleton = GYMNASTICS_15
    fps: float | None = None

    def __post_init__(self) -> None:
        for name, dtype in (("x", np.float32), ("mask", bool), ("seen", bool)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype))
        self._check_shapes()
        self._check_values()
        if self.y is not None:
            object.__setattr__(self, "y", self._checked_labels(np.asarray(self.y)))
        for name in ("classes", "sources", "channels"):
            object.__setattr__(self, name, tuple(map(str, getattr(self, name))))
        object.__setattr__(self, "athletes", tuple(map(name_or_none, self.athletes)))

    def _check_shapes(self) -> None:
        shape = self.x.shape
        if len(shape) != 4 or shape[2:] != (len(self.skeleton), len(self.channels)):
            raise ValueError(
                f"`x` must be (clips, frames, {len(self.skeleton)} joints of {self.skeleton.name}, "
                f"{len(self.channels)} channels), got {shape}."
            )
        for name, array, expected in (("mask", self.mask, shape[:2]), ("seen", self.seen, shape[:3])):
            if array.shape != expected:
                raise ValueError(f"`{name}` must be {expected}, got {array.shape}.")
        for name in ("athletes", "sources") + (("y",) if self.y is not None else ()):
            count = len(getattr(self, name))
            if count != shape[0]:
                raise ValueError(f"`{name}` must have an entry for each of {shape[0]} clips, got {count}.")

    def _check_values(self) -> None:
        bad = np.flatnonzero(~np.isfinite(self.x).all(axis=(1, 2, 3)))
        if bad.size:
            raise ValueError(
                f"`x` must be finite; NaN or infinity in clips {join_names(bad)}. Fix: fill unseen joints first."
            )
        rises = (np.diff(self.mask.astype(np.int8), axis=1) > 0).any(axis=1)
        bad = np.flatnonzero(rises | ~self.mask[:, :1].any(axis=1))
        if bad.size:
            raise ValueError(
                f"`mask` must be right-padded and never empty (True ... True False ...); not so in clips {join_names(bad)}."
            )

    def _checked_labels(self, y: np.ndarray) -> np.ndarray:
        whole = y.ndim == 1 and np.issubdtype(y.dtype, np.integer)
        if not whole or (y.size and not (y.min() >= 0 and y.max() < len(self.classes))):
            raise ValueError(f"`y` must be whole numbers below {len(self.classes)}, the number of `classes`.")
        return y.astype(np.int32)

    @classmethod
    def from_arrays(
        cls,
        x: np.ndarray,
        *,
        lengths: Sequence[int] | None = None,
        y: np.ndarray | None = None,
        classes: Sequence[str] | None = None,
        athletes: Sequence[Any] | None = None,
        sources: Sequence[str] | None = None,
        skeleton: Skeleton | None = None,
        channels: Sequence[str] | None = None,
        fps: float | None = None,
    ) -> Clips:
        """Make Clips from arrays that you already have.

        Args:
            x: (clips, frames, joints, channels); NaN = unseen, kept in `seen` and set to 0.
            lengths: (clips,) number of real frames in each clip; by default all frames are real.
            y: (clips,) class numbers, counted from 0, or class names.
            classes: class names in the order of the numbers; by default read from `y`.
            athletes: (clips,) names or numbers of the athletes, None where unknown.
            sources: (clips,) recording of origin; by default every clip is a recording of its own.
            skeleton: joint layout; by default joints are called 0, 1, 2 ... and have no limbs, mirror image or root.
            channels: names of the last axis; by default x, y, confidence, and numbers from the fourth on.
            fps: frames a second.

        Raises:
            ValueError: wrong shapes, a clip without a label, or a label that is not among `classes`.

        >>> clips = Clips.from_arrays(np.zeros((2, 5, 15, 2)), lengths=[5, 3], y=["flip", "jump"])
        >>> clips.classes, clips.lengths.tolist()
        (('flip', 'jump'), [5, 3])
        """
        x = np.asarray(x, np.float32)
        if x.ndim != 4:
            raise ValueError(f"`x` must be (clips, frames, joints, channels), got {x.shape}.")
        clips, frames, joints, depth = x.shape
        real = np.full(clips, frames) if lengths is None else np.asarray(lengths)
        if real.shape != (clips,) or (clips and not (real.min() >= 1 and real.max() <= frames)):
            raise ValueError(f"`lengths` must be {clips} numbers from 1 to {frames}.")
        if skeleton is None:
            skeleton = Skeleton(f"{joints} joints", tuple(map(str, range(joints))))
        if y is not None:
            y, classes = _number_labels(np.asarray(y), classes)
        if channels is None:
            channels = ["x", "y", "confidence", *map(str, range(3, depth))][:depth]
        mask = np.arange(frames) < real[:, None]
        return cls(
            x=np.nan_to_num(x, nan=0.0, posinf=np.inf, neginf=-np.inf),
            mask=mask,
            seen=~np.isnan(x).any(axis=-1) & mask[..., None],
            y=y,
            classes=tuple(classes or ()),
            athletes=tuple(athletes) if athletes is not None else (None,) * clips,
            sources=tuple(sources) if sources is not None else tuple(f"clip-{i}" for i in range(clips)),
            channels=tuple(channels),
            skeleton=skeleton,
            fps=fps,
        )

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.x.shape))
        return f"<Clips {shape}, classes: {', '.join(self.classes) or 'unknown'}>"

    def __getitem__(self, index: Any) -> Clips:
        """Select clips by number, slice, list of numbers or bool mask. A single number gives Clips of length 1."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        return replace(
            self,
            x=self.x[rows],
            mask=self.mask[rows],
            seen=self.seen[rows],
            y=None if self.y is None else self.y[rows],
            athletes=tuple(self.athletes[i] for i in rows),
            sources=tuple(self.sources[i] for i in rows),
        )

    @property
    def lengths(self) -> np.ndarray:
        """(clips,) number of real frames."""
        return self.mask.sum(axis=1)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """Inputs of a model: `keypoints` (clips, frames, joints, channels) and `mask` (clips, frames)."""
        return {"keypoints": self.x, "mask": self.mask}

    @property
    def groups(self) -> np.ndarray:
        """(clips,) group names; clips of one group never stand in both the training and the test part of a split.

        The group is the athlete, or the source where the athlete is unknown.
        """
        return np.array(
            [a if a is not None else f"source {s}" for a, s in zip(self.athletes, self.sources, strict=True)]
        )

    def padded_to(self, frames: int) -> Clips:
        """Return the same clips with at least `frames` frames each; added frames are zeros behind the mask."""
        added = frames - self.x.shape[1]
        if added <= 0:
            return self
        x, mask, seen = (
            np.pad(a, [(0, 0), (0, added)] + [(0, 0)] * (a.ndim - 2)) for a in (self.x, self.mask, self.seen)
        )
        return replace(self, x=x, mask=mask, seen=seen)

    def save(self, path: str | Path) -> Path:
        """Write the clips to one .npz file without pickles, and return its path."""
        metadata = {
            "format": _FORMAT_VERSION,
            "classes": self.classes,
            "athletes": self.athletes,
            "sources": self.sources,
            "channels": self.channels,
            "skeleton": self.skeleton.to_dict(),
            "fps": self.fps,
        }
        arrays = {"x": self.x, "mask": self.mask, "seen": self.seen, "y": self.y}
        given = {name: np.ascontiguousarray(array) for name, array in arrays.items() if array is not None}
        with replace_file(path) as part, part.open("wb") as file:
            np.savez_compressed(file, facts=np.array(json.dumps(metadata)), **given)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path, *, max_ratio: float = MAX_RATIO) -> Clips:
        """Read the clips that `save` wrote.

        Args:
            path: the file.
            max_ratio: largest accepted ratio of unpacked size to file size, for files that unpack to more than 64 MB.
                A file above it is refused as a decompression bomb. Clips that are mostly padding may need more.

        Raises:
            FileNotFoundError: no such file.
            ValueError: the file holds no clips, is damaged, or comes from a newer gymskel; the message says where.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"No clips file {path}.")
        try:
            with open_zip(path, max_ratio=max_ratio, hint=RAISE_MAX_RATIO) as archive:
                metadata, arrays = _read_members(archive, path)
        except DAMAGED_ERRORS as error:
            raise ValueError(f"{path} holds no clips, is damaged or cut off: {error}") from error
        try:
            skeleton = Skeleton.from_dict(metadata["skeleton"])
            return cls(**{"y": None, **arrays, **metadata, "skeleton": skeleton})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path}: {error}") from None


def _number_labels(y: np.ndarray, classes: Sequence[str] | None) -> tuple[np.ndarray, Sequence[str]]:
    """Return labels as class numbers, and the class names in their order."""
    if any(label is None or label != label for label in y.tolist()):
        raise ValueError("`y` has clips without a label (None or NaN).")
    if np.issubdtype(y.dtype, np.integer):
        return y, tuple(map(str, range(int(y.max(initial=-1)) + 1))) if classes is None else classes
    names = [str(name) for name in y]
    classes = sorted(set(names)) if classes is None else list(classes)
    if unknown := sorted(set(names) - set(classes)):
        raise ValueError(f"`y` names {join_names(unknown)}, not among `classes` {classes}.")
    return np.array([classes.index(name) for name in names], np.int32), classes


_MEMBERS = {"x": ("<f4", 4), "mask": ("|b1", 2), "seen": ("|b1", 3), "y": ("<i4", 1)}
"""Array in the file -> (dtype, number of dimensions)."""


def _read_members(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return metadata and arrays of a file written by `Clips.save`."""
    members = set(archive.namelist())
    if "facts.npy" not in members:
        raise ValueError(f"{path} holds no clips: expected facts.npy, found {join_names(sorted(members))}.")
    text = str(read_array(archive, "facts.npy", "<U", (), label=f"{path}/facts.npy"))
    try:
        metadata = json.loads(text)
        newer = metadata.pop("format") > _FORMAT_VERSION
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}/facts.npy: the metadata is damaged ({error!r:.200}).") from None
    if newer:
        raise ValueError(f"{path} was written by a newer gymskel. Fix: update gymskel.")
    expected = {f"{name}.npy" for name in ("facts", *_MEMBERS)}
    if not expected - {"y.npy"} <= members <= expected:
        raise ValueError(
            f"{path}: expected {join_names(sorted(expected))}, found {join_names(sorted(members))}."
        )
    arrays = {
        name: read_array(archive, f"{name}.npy", dtype, (None,) * dimensions, label=f"{path}/{name}.npy")
        for name, (dtype, dimensions) in _MEMBERS.items()
        if f"{name}.npy" in members
    }
    return metadata, arrays


def concatenate(parts: Iterable[Clips]) -> Clips:
    """Join several Clips into one, padded to the longest.

    The result has labels if every part has labels.

    Raises:
        ValueError: no parts, or parts that differ in classes, skeleton, channels or frame rate.
    """
    parts = list(parts)
    if not parts:
        raise ValueError("`parts` is empty: nothing to concatenate.")
    first = parts[0]
    for part in parts[1:]:
        for name in ("classes", "skeleton", "channels", "fps"):
            if getattr(part, name) != getattr(first, name):
                raise ValueError(
                    f"Clips differ in `{name}`: {getattr(first, name)} and {getattr(part, name)}."
                )
    frames = max(part.x.shape[1] for part in parts)
    parts = [part.padded_to(frames) for part in parts]
    labels = [part.y for part in parts if part.y is not None]
    return replace(
        first,
        x=np.concatenate([part.x for part in parts]),
        mask=np.concatenate([part.mask for part in parts]),
        seen=np.concatenate([part.seen for part in parts]),
        y=np.concatenate(labels) if len(labels) == len(parts) else None,
        athletes=tuple(athlete for part in parts for athlete in part.athletes),
        sources=tuple(source for part in parts for source in part.sources),
    )


def class_weight(y: np.ndarray, classes: int) -> dict[int, float]:
    """Return label -> weight of its clips, for Keras' `class_weight`: all classes weigh the same, clips 1 in the mean.

    >>> class_weight(np.array([0, 1, 1, 1]), 2)
    {0: 2.0, 1: 0.6666666666666666}
    """
    count = np.bincount(y, minlength=classes)
    present = int(np.count_nonzero(count))
    return {label: len(y) / (present * n) if n else 0.0 for label, n in enumerate(count.tolist())}
