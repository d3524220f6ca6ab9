"""pad: recordings -> Clips. Preprocessor: the steps before it and pad itself as one readable, storable whole."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from gymskel.clips import Clips
from gymskel.preprocess.gaps import drop_uncertain, fill, hold
from gymskel.preprocess.geometry import center, mirror, relative, scale, select_joints, turn
from gymskel.preprocess.limbs import rotate_joints
from gymskel.preprocess.motion import channel_values
from gymskel.preprocess.noise import (
    remove_outliers,
    smooth,
    smooth_butterworth,
    smooth_one_euro,
    smooth_savgol,
)
from gymskel.preprocess.timing import resample
from gymskel.recording import Recording, UnseenError
from gymskel.recording.times import same_rate, times_from_start
from gymskel.skeleton import COCO_17, GYMNASTICS_15, Skeleton

STEPS = {
    step.__name__: step
    for step in (
        *(drop_uncertain, remove_outliers, fill, hold),
        *(smooth, smooth_savgol, smooth_butterworth, smooth_one_euro),
        *(resample, center, scale, turn, mirror, relative, select_joints, rotate_joints),
    )
}

Step = tuple[str, Mapping[str, Any]]

PRESETS: dict[str, tuple[Step, ...]] = {
    "default": (
        ("fill", {"method": "linear"}),
        ("smooth", {"window": 3, "method": "centered"}),
        ("resample", {"frames": 32}),
        ("center", {"joint": "MidHip", "frame": "first"}),
        ("scale", {"top": "Neck", "bottom": "MidHip"}),
        ("select_joints", {"joints": list(GYMNASTICS_15.joints)}),
        ("pad", {"unseen": 0.0}),
    ),
    # looks only back, and at the window as a whole: for clips prepared as a Stream prepares its window
    "live": (
        ("select_joints", {"joints": list(GYMNASTICS_15.joints)}),
        ("hold", {}),
        ("smooth", {"window": 3, "method": "trailing"}),
        ("resample", {"frames": 32}),
        ("center", {"joint": "MidHip", "frame": "first"}),
        ("scale", {"top": "Neck", "bottom": "MidHip"}),
        ("pad", {"unseen": 0.0}),
    ),
    "thesis": (
        ("fill", {"method": "thesis"}),
        ("smooth", {"window": 3, "method": "trailing"}),
        ("center", {"joint": "MidHip", "frame": "first"}),
        ("select_joints", {"joints": list(GYMNASTICS_15.joints)}),
        ("pad", {"unseen": 0.0}),
    ),
    # for recordings that are filled and smoothed already, as the published ones are
    "thesis_cleaned": (
        ("center", {"joint": "MidHip", "frame": "first"}),
        ("select_joints", {"joints": list(GYMNASTICS_15.joints)}),
        ("pad", {"unseen": 0.0}),
    ),
    # Zhang et al. (exercise quality), 5 frames a second; cut longer recordings with `windows(recording, 10, every=6)` before
    "exercise_quality": (
        ("resample", {"fps": 5}),
        ("relative", {}),
        ("select_joints", {"joints": list(COCO_17.joints)}),
        ("pad", {"unseen": 0.0, "channels": ["x", "y", "confidence"]}),
    ),
}


def pad(
    recordings: Iterable[Recording],
    *,
    frames: int | None = None,
    unseen: float | None = None,
    channels: Sequence[str] = ("x", "y"),
    classes: Sequence[str] | None = None,
) -> Clips:
    """Recordings as Clips of one length, zeros behind the mask.

    Args:
        recordings: all with one layout of joints and one frame rate.
        frames: length of every clip; by default that of the longest recording.
        unseen: number to put where a joint is unseen; without it unseen joints are an error.
        channels: what a joint has in a frame, of "x", "y", "confidence", velocity "vx", "vy" and acceleration "ax",
            "ay" (a second's, or a frame's where the frame rate is unknown), "bx", "by" (from the inner joint of its
            bone). Where a velocity, acceleration or bone cannot be known it is 0.
        classes: names in the order of the labels; by default the activities there are, sorted. Clips have
            labels `y` if every recording has an activity among them, or if no `classes` are given.

    Returns:
        Clips; `seen` remembers where a joint was unseen.

    Raises:
        ValueError: joints unseen, layouts or frame rates that differ, a recording longer than `frames`.
    """
    recordings = list(recordings)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to pad.")
    first = recordings[0]
    for r in recordings:
        if r.skeleton != first.skeleton:
            raise ValueError(
                f"{r.name} has {len(r.skeleton)} joints ({r.skeleton.name}), {first.name} has {len(first.skeleton)} ({first.skeleton.name}); use select_joints."
            )
    rates = sorted({r.fps or 0.0 for r in recordings})
    if not same_rate(rates[-1], rates[0]):
        told = ", ".join(f"{rate:g} fps" if rate else "unknown" for rate in rates)
        raise ValueError(
            f"Recordings differ in frame rate ({told}). Bring them to one with the step `resample`."
        )
    longest = max(recordings, key=len)
    frames = len(longest) if frames is None else frames
    if len(longest) > frames:
        raise ValueError(
            f"{longest.name} has {len(longest)} frames, more than the {frames} of `frames`. Cut it, or use a model that takes any length."
        )
    x = np.zeros((len(recordings), frames, len(first.skeleton), len(channels)), np.float32)
    seen = np.zeros(x.shape[:3], bool)
    for i, r in enumerate(recordings):
        seen[i, : len(r)] = r.seen
        if tuple(channels) == ("x", "y"):
            x[i, : len(r)] = r.xy
        else:
            x[i, : len(r)] = channel_values(r.keypoints, channels, r.skeleton, times_from_start(r))
    mask = np.arange(frames) < np.array([[len(r)] for r in recordings])
    if unseen is None and not seen[mask].all():
        holes = {first.skeleton.joints[j] for j in np.flatnonzero((~seen & mask[..., None]).any(axis=(0, 1)))}
        names = [r.name for r in recordings if not r.seen.all()]
        raise ValueError(
            f"Unseen joints ({', '.join(sorted(holes))}) in {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}. "
            "Use fill, drop these joints, or say what to put there with unseen=."
        )
    placed = [name in ("x", "y") for name in channels]
    x = np.where(np.isnan(x), np.where(placed, 0.0 if unseen is None else unseen, 0.0), x)
    activities = [r.activity for r in recordings]
    labelled = None not in activities
    if classes is None:
        classes = sorted(set(activities)) if labelled else ()
    elif labelled:
        labelled = set(activities) <= set(classes)
    return Clips(
        x=x,
        mask=mask,
        seen=seen,
        y=np.array([list(classes).index(a) for a in activities], np.int32) if labelled else None,
        classes=tuple(classes),
        athletes=tuple(r.athlete for r in recordings),
        sources=tuple(r.source for r in recordings),
        channels=tuple(channels),
        skeleton=first.skeleton,
        fps=first.fps,
    )


class Preprocessor:
    """An ordered list of steps from Recordings to Clips, that can be read, stored and applied again.

    Args:
        steps: name of a preset ("default", "live", "thesis", "thesis_cleaned", "exercise_quality"), or a list of names of
            steps or (name, arguments); the last one is `pad`, added if it is not there. Names are those of the
            functions of gymskel.preprocess.

    Attributes:
        steps: tuple of (name, arguments).
        fps_: after fit, the frame rate of the training clips, None where unknown.
        frames_: after fit, length of the longest training clip.

    >>> Preprocessor(["fill", ("center", {"frame": "each"}), ("pad", {"unseen": 0.0})])
    Preprocessor: fill > center(frame='each') > pad(unseen=0.0)
    """

    def __init__(self, steps: str | Sequence[str | Step] = "default") -> None:
        if isinstance(steps, str):
            if steps not in PRESETS:
                raise ValueError(
                    f"`steps` must be one of {sorted(PRESETS)} or a list of steps, got {steps!r}."
                )
            steps = PRESETS[steps]
        pairs = [(step, {}) if isinstance(step, str) else (step[0], dict(step[1])) for step in steps]
        if not pairs or pairs[-1][0] != "pad":
            pairs.append(("pad", {}))
        for place, (name, arguments) in enumerate(pairs, 1):
            function = STEPS.get(name) if place < len(pairs) else pad
            if function is None:
                raise ValueError(f"Unknown step {name!r}; there are {', '.join(STEPS)} and, last, pad.")
            known = inspect.signature(function).parameters
            if wrong := sorted(set(arguments) - set(known)):
                raise ValueError(
                    f"Step {name} takes no {', '.join(wrong)}; it takes {', '.join(list(known)[1:])}."
                )
        self.steps: tuple[Step, ...] = tuple(pairs)
        self.fps_: float | None = None
        self.frames_: int | None = None

    def __repr__(self) -> str:
        told = []
        for name, arguments in self.steps:
            inside = ", ".join(f"{key}={_short(value)}" for key, value in arguments.items())
            told.append(f"{name}({inside})" if inside else name)
        return "Preprocessor: " + " > ".join(told)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preprocessor) and self.to_dict() == other.to_dict()

    __hash__ = None

    def clean(self, recording: Recording) -> Recording:
        """One recording after all steps but `pad`."""
        for name, arguments in self.steps[:-1]:
            recording = STEPS[name](recording, **arguments)
        return recording

    def fit(self, recordings: Iterable[Recording]) -> Preprocessor:
        """Learns frame rate and longest length from training recordings. Returns itself."""
        self.fit_transform(recordings)
        return self

    def fit_transform(self, recordings: Iterable[Recording], **arguments: Any) -> Clips:
        """`fit` and `transform` in one go."""
        recordings = list(recordings)
        self.fps_ = self.frames_ = None
        clips = self.transform(recordings, **arguments)
        self.fps_ = clips.fps
        self.frames_ = int(clips.lengths.max())
        return clips

    def transform(
        self,
        recordings: Iterable[Recording],
        *,
        frames: int | None = None,
        classes: Sequence[str] | None = None,
    ) -> Clips:
        """Recordings -> Clips.

        Args:
            recordings: any number; what cannot be preprocessed is listed in one error.
            frames: as in `pad`.
            classes: as in `pad`.

        Raises:
            UnseenError: some recordings never show a joint that a step needs.
            ValueError: a step cannot do its work for another reason; a frame rate other than the one of `fit`
                where no step brings recordings to one.
        """
        recordings = list(recordings)
        faults, cleaned = [], []
        for recording in recordings:
            try:
                self._check_rate(recording)
                cleaned.append(self.clean(recording))
            except ValueError as fault:
                faults.append(fault)
        if faults:
            kind = UnseenError if all(isinstance(fault, UnseenError) for fault in faults) else ValueError
            told = [str(fault) for fault in faults[:8]] + [f"... and {len(faults) - 8} more"] * (
                len(faults) > 8
            )
            raise kind(
                f"{len(faults)} of {len(recordings)} recordings cannot be preprocessed:\n" + "\n".join(told)
            )
        arguments = dict(self.steps[-1][1])
        if frames is not None:
            arguments["frames"] = frames
        if classes is not None:
            arguments["classes"] = classes
        return pad(cleaned, **arguments)

    def _check_rate(self, recording: Recording) -> None:
        resamples = any(name == "resample" for name, _ in self.steps)
        if self.fps_ and recording.fps and not resamples and not same_rate(recording.fps, self.fps_):
            raise ValueError(
                f"{recording.name} has {recording.fps:g} fps, the training recordings had {self.fps_:g}. Use preprocess.resample "
                f"on it, or train with the step `resample`."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "steps": [[name, _plain(arguments)] for name, arguments in self.steps],
            "fps": self.fps_,
            "frames": self.frames_,
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Preprocessor:
        """What `to_dict` wrote."""
        made = cls([(name, arguments) for name, arguments in facts["steps"]])
        made.fps_, made.frames_ = facts["fps"], facts["frames"]
        return made


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as JSON knows them: a Skeleton as the names of its joints, a tuple as a list."""
    plain = {key: value.joints if isinstance(value, Skeleton) else value for key, value in arguments.items()}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}


def _short(value: Any) -> str:
    return f"[{len(value)} names]" if isinstance(value, list | tuple) and len(value) > 3 else repr(value)
