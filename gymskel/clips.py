"""Clips: recordings as arrays of one length with masks, as a model takes them; splits that keep athletes apart."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gymskel.archive import DAMAGED_ERRORS, MAX_RATIO, RAISE_MAX_RATIO, open_zip, read_array
from gymskel.recording import name_or_none
from gymskel.skeleton import GYMNASTICS_15, Skeleton

_FORMAT = 1
_CHANNELS = ("x", "y", "confidence")


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips of equal length with a mask: what a model is trained on.

    Attributes:
        x: (clips, frames, joints, channels) float32, finite everywhere, behind the mask too (a NaN there would
            poison gradients).
        mask: (clips, frames) bool, True = a frame of the recording; right-padded and never empty.
        seen: (clips, frames, joints) bool, True = the joint has a place there; elsewhere x is a stand-in.
        y: (clips,) int labels into `classes`, or None.
        classes: names of the classes.
        athletes: (clips,) names, None where unknown.
        sources: (clips,) name of the recording each clip comes from; augmented copies keep it.
        channels: names of the last axis.
        skeleton: layout of the joints.
        fps: frames a second, or None.
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
        x, mask = np.asarray(self.x, np.float32), np.asarray(self.mask, bool)
        if x.ndim != 4 or x.shape[2:] != (len(self.skeleton), len(self.channels)):
            raise ValueError(
                f"`x` must be (clips, frames, {len(self.skeleton)} joints of {self.skeleton.name}, "
                f"{len(self.channels)} channels), got {x.shape}."
            )
        clips, frames, joints, _ = x.shape
        if mask.shape != (clips, frames):
            raise ValueError(f"`mask` must be {(clips, frames)}, got {mask.shape}.")
        if np.shape(self.seen) != (clips, frames, joints):
            raise ValueError(f"`seen` must be {(clips, frames, joints)}, got {np.shape(self.seen)}.")
        for name in ("athletes", "sources") + (("y",) if self.y is not None else ()):
            if len(getattr(self, name)) != clips:
                raise ValueError(
                    f"`{name}` must have an entry for each of {clips} clips, got {len(getattr(self, name))}."
                )
        bad = np.flatnonzero(~np.isfinite(x).all(axis=(1, 2, 3)))
        if bad.size:
            raise ValueError(
                f"`x` must be finite; NaN or infinity in clips {bad[:8].tolist()}. Fill unseen joints before."
            )
        bad = np.flatnonzero(
            (np.diff(mask.astype(np.int8), axis=1) > 0).any(axis=1) | ~mask[:, :1].any(axis=1)
        )
        if bad.size:
            raise ValueError(
                f"`mask` must be right-padded and never empty (True ... True False ...); not so in clips {bad[:8].tolist()}."
            )
        if self.y is not None:
            y = np.asarray(self.y)
            if (
                y.ndim != 1
                or not np.issubdtype(y.dtype, np.integer)
                or (clips and not (y.min() >= 0 and y.max() < len(self.classes)))
            ):
                raise ValueError(
                    f"`y` must be whole numbers below {len(self.classes)}, the number of `classes`."
                )
            object.__setattr__(self, "y", y.astype(np.int32))
        for name, value in (("x", x), ("mask", mask), ("seen", np.asarray(self.seen, bool))):
            object.__setattr__(self, name, value)
        for name in ("classes", "sources", "channels"):
            object.__setattr__(self, name, tuple(map(str, getattr(self, name))))
        object.__setattr__(self, "athletes", tuple(map(name_or_none, self.athletes)))

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
        """Clips from arrays you already have.

        Args:
            x: (clips, frames, joints, channels); NaN = unseen, kept in `seen` and set to 0.
            lengths: (clips,) frames that are real in each clip; by default all.
            y: (clips,) class numbers, counted from 0, or names.
            classes: the names in the order of the numbers; by default read from `y`.
            athletes: (clips,) who: names or numbers, None where unknown.
            sources: (clips,) recording of origin; by default every clip is one of its own.
            skeleton: layout; by default joints are called 0, 1, 2 ... and have no limbs, mirror image or root.
            channels: names of the last axis; by default x, y, confidence, and from the fourth on their numbers.
            fps: frames a second.

        >>> clips = Clips.from_arrays(np.zeros((2, 5, 15, 2)), lengths=[5, 3], y=["flip", "jump"])
        >>> clips.classes, clips.lengths.tolist()
        (('flip', 'jump'), [5, 3])
        """
        x = np.asarray(x, np.float32)
        if x.ndim != 4:
            raise ValueError(f"`x` must be (clips, frames, joints, channels), got {x.shape}.")
        clips, frames, joints, depth = x.shape
        lengths = np.full(clips, frames) if lengths is None else np.asarray(lengths)
        if lengths.shape != (clips,) or (clips and not (lengths.min() >= 1 and lengths.max() <= frames)):
            raise ValueError(f"`lengths` must be {clips} numbers from 1 to {frames}.")
        if skeleton is None:
            skeleton = Skeleton(f"{joints} joints", tuple(map(str, range(joints))))
        if y is not None:
            y = np.asarray(y)
            if any(label is None or label != label for label in y.tolist()):
                raise ValueError("`y` has clips without a label (None or NaN).")
            if not np.issubdtype(y.dtype, np.integer):
                names = [str(name) for name in y]
                classes = tuple(sorted(set(names))) if classes is None else tuple(classes)
                if unknown := sorted(set(names) - set(classes)):
                    raise ValueError(f"`y` names {unknown}, not among `classes` {list(classes)}.")
                y = np.array([classes.index(name) for name in names], np.int32)
            elif classes is None:
                classes = tuple(map(str, range(int(y.max()) + 1 if clips else 0)))
        mask = np.arange(frames) < lengths[:, None]
        seen = ~np.isnan(x).any(axis=-1) & mask[..., None]
        return cls(
            x=np.nan_to_num(x, nan=0.0, posinf=np.inf, neginf=-np.inf),
            mask=mask,
            seen=seen,
            y=y,
            classes=tuple(classes or ()),
            athletes=tuple(athletes) if athletes is not None else (None,) * clips,
            sources=tuple(sources) if sources is not None else tuple(f"clip-{i}" for i in range(clips)),
            channels=tuple(channels)
            if channels is not None
            else (*_CHANNELS, *map(str, range(len(_CHANNELS), depth)))[:depth],
            skeleton=skeleton,
            fps=fps,
        )

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.x.shape))
        return f"<Clips {shape}, classes: {', '.join(self.classes) or 'unknown'}>"

    def __getitem__(self, which: Any) -> Clips:
        """Some of the clips: by number, slice, list of numbers or bool mask. One number gives Clips of one."""
        rows = np.arange(len(self))[which]
        rows = np.atleast_1d(rows)
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
        """What a model takes: `keypoints` (clips, frames, joints, channels) and `mask` (clips, frames)."""
        return {"keypoints": self.x, "mask": self.mask}

    @property
    def groups(self) -> np.ndarray:
        """(clips,) who must not be on both sides of a split: the athlete, or the source where unknown."""
        return np.array(
            [a if a is not None else f"source {s}" for a, s in zip(self.athletes, self.sources, strict=True)]
        )

    def padded_to(self, frames: int) -> Clips:
        """The same clips with at least this many frames each; what is added lies behind the mask."""
        more = frames - self.x.shape[1]
        if more <= 0:
            return self
        x, mask, seen = (
            np.pad(a, [(0, 0), (0, more)] + [(0, 0)] * (a.ndim - 2)) for a in (self.x, self.mask, self.seen)
        )
        return replace(self, x=x, mask=mask, seen=seen)

    def save(self, path: str | Path) -> Path:
        """Writes one .npz file (no pickle in it)."""
        facts = {
            "format": _FORMAT,
            "classes": self.classes,
            "athletes": self.athletes,
            "sources": self.sources,
            "channels": self.channels,
            "skeleton": self.skeleton.to_dict(),
            "fps": self.fps,
        }
        arrays = {"x": self.x, "mask": self.mask, "seen": self.seen}
        if self.y is not None:
            arrays["y"] = self.y
        arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        path = Path(path)
        with path.open("wb") as file:
            np.savez_compressed(file, facts=np.array(json.dumps(facts)), **arrays)
        return path

    @classmethod
    def load(cls, path: str | Path, *, max_ratio: float = MAX_RATIO) -> Clips:
        """What `save` wrote.

        Args:
            path: the file.
            max_ratio: a file that unpacks to more than 64 MB and to more than this many times its own size is
                refused as a decompression bomb; clips that are mostly padding may need more.

        Raises:
            FileNotFoundError: no such file.
            ValueError: the file holds no clips, is damaged, or from a newer gymskel; the message says where.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"No clips file {path}.")
        try:
            with open_zip(path, max_ratio=max_ratio, hint=RAISE_MAX_RATIO) as archive:
                facts, arrays = _saved(archive, path)
        except DAMAGED_ERRORS as fault:
            raise ValueError(f"{path} holds no clips, is damaged or cut off: {fault}") from fault
        try:
            return cls(**{"y": None, **arrays, **facts, "skeleton": Skeleton.from_dict(facts["skeleton"])})
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            raise ValueError(f"{path}: {fault}") from None


_SHAPES = {"x": ("<f4", 4), "mask": ("|b1", 2), "seen": ("|b1", 3), "y": ("<i4", 1)}


def _saved(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The facts and the arrays of a file of `Clips.save`."""
    members = set(archive.namelist())
    if "facts.npy" not in members:
        raise ValueError(f"{path} holds no clips: expected facts.npy, found {sorted(members)[:8]}.")
    text = str(read_array(archive, "facts.npy", "<U", (), label=f"{path}/facts.npy"))
    try:
        facts = json.loads(text)
        newer = facts.pop("format") > _FORMAT
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise ValueError(f"{path}/facts.npy: the facts are damaged ({fault!r:.200}).") from None
    if newer:
        raise ValueError(f"{path} was written by a newer gymskel. Update gymskel.")
    wanted = {f"{name}.npy" for name in ("facts", *_SHAPES)}
    if not wanted - {"y.npy"} <= members <= wanted:
        raise ValueError(f"{path}: expected {sorted(wanted)}, found {sorted(members)[:8]}.")
    arrays = {
        name: read_array(archive, f"{name}.npy", dtype, (None,) * sides, label=f"{path}/{name}.npy")
        for name, (dtype, sides) in _SHAPES.items()
        if f"{name}.npy" in members
    }
    return facts, arrays


def concatenate(parts: Iterable[Clips]) -> Clips:
    """All clips in one, padded to the longest. Raises ValueError where classes, joints or channels differ."""
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
    return replace(
        first,
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "mask", "seen")},
        y=None if any(part.y is None for part in parts) else np.concatenate([part.y for part in parts]),
        athletes=sum((part.athletes for part in parts), ()),
        sources=sum((part.sources for part in parts), ()),
    )


def class_weight(y: np.ndarray, classes: int) -> dict[int, float]:
    """Label -> weight of its clips that makes all classes weigh the same, 1 in the mean; for keras' `class_weight`.

    >>> class_weight(np.array([0, 1, 1, 1]), 2)
    {0: 2.0, 1: 0.6666666666666666}
    """
    count = np.bincount(y, minlength=classes)
    present = int(np.count_nonzero(count))
    return {label: len(y) / (present * n) if n else 0.0 for label, n in enumerate(count.tolist())}


def leave_groups_out(
    groups: Sequence[str], folds: int | None = None, *, labels: Sequence[Any] | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, test) index arrays; every group is on the test side exactly once and never on both.

    Args:
        groups: (clips,) who must stay together, e.g. `clips.groups`.
        folds: number of folds; by default one for each group.
        labels: (clips,) class of each: folds then also hold about the same share of every class, as far as whole
            groups allow.

    >>> [test.tolist() for train, test in leave_groups_out(["ann", "bo", "ann"])]
    [[0, 2], [1]]
    """
    groups = np.asarray(groups)
    names, group = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"Only one group ({', '.join(map(str, names))}): leaving it out leaves nothing to train on."
        )
    folds = len(names) if folds is None else min(folds, len(names))
    if folds < 2:
        raise ValueError(f"`folds` must be at least 2, got {folds}.")
    fold_of = np.arange(len(names)) if folds == len(names) else _dealt(group, folds, labels)
    fold = fold_of[group]
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds)]


def _dealt(group: np.ndarray, folds: int, labels: Sequence[Any] | None) -> np.ndarray:
    """(groups,) fold of each: the largest first, each to where it leaves classes and sizes the most even."""
    kinds = np.zeros(len(group), int) if labels is None else np.unique(labels, return_inverse=True)[1]
    counts = np.zeros((group.max() + 1, kinds.max() + 1))
    np.add.at(counts, (group, kinds), 1)
    shares = np.column_stack([counts / counts.sum(axis=0), counts.sum(axis=1) / counts.sum()])
    load, fold_of = np.zeros((folds, shares.shape[1])), np.zeros(len(counts), int)
    for k in np.argsort(-counts.sum(axis=1), kind="stable"):
        uneven = ((load + shares[k]) ** 2 - load**2).sum(axis=1)  # of the whole, where fold by fold takes it
        empty = ~load.any(axis=1)
        fold_of[k] = np.flatnonzero(empty)[0] if empty.any() else uneven.round(12).argmin()
        load[fold_of[k]] += shares[k]
    return fold_of


def grouped_part(
    clips: Clips, fraction: float, seed: int | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """(rest, part): whole groups of about `fraction` of the clips, every class on both sides; None if impossible.

    "Impossible" also means that fewer than two groups would be left to train on in some class.
    """
    groups, y = clips.groups, clips.y
    if y is None:
        raise ValueError("`clips` has no labels `y`.")
    rng = np.random.default_rng(seed)
    present, best = np.unique(y), None
    names = np.unique(groups)
    for _ in range(64):
        part = np.zeros(len(clips), bool)
        for name in rng.permutation(names):
            if part.sum() >= fraction * len(clips) and len(np.unique(y[part])) == len(present):
                break
            part |= groups == name
        enough = all(len(np.unique(groups[(y == label) & ~part])) >= 2 for label in present)
        both = len(np.unique(y[part])) == len(present)
        off = abs(part.mean() - fraction)
        if enough and both and off < fraction and (best is None or off < best[0]):
            best = off, part
    return None if best is None else (np.flatnonzero(~best[1]), np.flatnonzero(best[1]))
