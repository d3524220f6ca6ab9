"""Preprocessor: all steps from Recordings to Clips as one object that can be read, stored and applied again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gymskel.clips import Clips
from gymskel.messages import join_lines, join_names
from gymskel.preprocess.gaps import drop_uncertain, fill, hold
from gymskel.preprocess.geometry import center, mirror, relative, scale, select_joints, turn
from gymskel.preprocess.limbs import rotate_joints
from gymskel.preprocess.noise import (
    remove_outliers,
    smooth,
    smooth_butterworth,
    smooth_one_euro,
    smooth_savgol,
)
from gymskel.preprocess.padding import pad
from gymskel.preprocess.timing import resample
from gymskel.recording import Recording, UnseenError
from gymskel.recording.times import same_rate
from gymskel.skeleton import COCO_17, GYMNASTICS_15, Skeleton

_STEPS: tuple[Callable[..., Recording], ...] = (
    *(drop_uncertain, remove_outliers, fill, hold),
    *(smooth, smooth_savgol, smooth_butterworth, smooth_one_euro),
    *(resample, center, scale, turn, mirror, relative, select_joints, rotate_joints),
)
STEPS = {step.__name__: step for step in _STEPS}
"""Name of a step, as .gymskel files store it -> its function: Recording in, new Recording out."""

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
    # looks only back in time: clips are prepared as a Stream prepares its window
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
    # for recordings that are already filled and smoothed, such as the published ones
    "thesis_cleaned": (
        ("center", {"joint": "MidHip", "frame": "first"}),
        ("select_joints", {"joints": list(GYMNASTICS_15.joints)}),
        ("pad", {"unseen": 0.0}),
    ),
    # Zhang et al. (exercise quality), 5 frames a second; cut longer recordings with `windows(recording, 10, every=6)` first
    "exercise_quality": (
        ("resample", {"fps": 5}),
        ("relative", {}),
        ("select_joints", {"joints": list(COCO_17.joints)}),
        ("pad", {"unseen": 0.0, "channels": ["x", "y", "confidence"]}),
    ),
}


class Preprocessor:
    """Ordered list of steps from Recordings to Clips, that can be read, stored and applied again.

    Args:
        steps: name of a preset ("default", "live", "thesis", "thesis_cleaned", "exercise_quality"), or a list. Each
            entry of the list is the name of a step, or (name, arguments). Names are those of the functions of
            gymskel.preprocess. The last step is `pad`; it is added if it is missing.

    Attributes:
        steps: tuple of (name, arguments).
        fps_: after `fit`, the frame rate of the training clips, None where unknown.
        frames_: after `fit`, the number of frames of the longest training clip.

    Raises:
        ValueError: an unknown preset, step or argument.

    >>> Preprocessor(["fill", ("center", {"frame": "each"}), ("pad", {"unseen": 0.0})])
    Preprocessor: fill > center(frame='each') > pad(unseen=0.0)
    """

    def __init__(self, steps: str | Sequence[str | Step] = "default") -> None:
        if isinstance(steps, str):
            if steps not in PRESETS:
                raise ValueError(
                    f"`steps` must be one of {join_names(sorted(PRESETS))} or a list of steps, got {steps!r}."
                )
            steps = PRESETS[steps]
        pairs: list[Step] = [
            (step, {}) if isinstance(step, str) else (step[0], dict(step[1])) for step in steps
        ]
        if not pairs or pairs[-1][0] != "pad":
            pairs.append(("pad", {}))
        for place, (name, arguments) in enumerate(pairs, 1):
            step = STEPS.get(name) if place < len(pairs) else pad
            if step is None:
                raise ValueError(f"Unknown step {name!r}; there are {', '.join(STEPS)} and, last, pad.")
            known = list(inspect.signature(step).parameters)
            if unknown := sorted(set(arguments) - set(known)):
                raise ValueError(
                    f"Step {name} takes no {', '.join(unknown)}; it takes {', '.join(known[1:])}."
                )
        self.steps: tuple[Step, ...] = tuple(pairs)
        self.fps_: float | None = None
        self.frames_: int | None = None

    def __repr__(self) -> str:
        texts = []
        for name, arguments in self.steps:
            inside = ", ".join(f"{key}={_short(value)}" for key, value in arguments.items())
            texts.append(f"{name}({inside})" if inside else name)
        return "Preprocessor: " + " > ".join(texts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preprocessor) and self.to_dict() == other.to_dict()

    def clean(self, recording: Recording) -> Recording:
        """Return one recording after all steps but `pad`."""
        for name, arguments in self.steps[:-1]:
            recording = STEPS[name](recording, **arguments)
        return recording

    def fit(self, recordings: Iterable[Recording]) -> Preprocessor:
        """Learn frame rate and greatest length from training recordings. Returns itself."""
        self.fit_transform(recordings)
        return self

    def fit_transform(
        self,
        recordings: Iterable[Recording],
        *,
        frames: int | None = None,
        classes: Sequence[str] | None = None,
    ) -> Clips:
        """Fit to the recordings and return them as Clips. Arguments and errors as in `transform`."""
        recordings = list(recordings)
        self.fps_ = self.frames_ = None
        clips = self.transform(recordings, frames=frames, classes=classes)
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
        """Return the recordings as Clips, after all steps.

        Args:
            recordings: any number; those that cannot be preprocessed are listed in one error.
            frames: as in `pad`, whose stored argument it replaces.
            classes: as in `pad`, whose stored argument it replaces.

        Raises:
            UnseenError: every recording that fails lacks a joint that a step needs.
            ValueError: a step fails for another reason, or the frame rate differs from that of `fit` and no step
                resamples.
        """
        recordings = list(recordings)
        clips, unseen = self.transform_seen(recordings, frames=frames, classes=classes)
        if unseen:
            raise UnseenError(_join_errors(list(unseen.values()), len(recordings)))
        return clips or pad([])  # which refuses an empty list

    def transform_seen(
        self,
        recordings: Sequence[Recording],
        *,
        frames: int | None = None,
        classes: Sequence[str] | None = None,
    ) -> tuple[Clips | None, dict[int, UnseenError]]:
        """Return Clips of the recordings that show every joint a step needs, and the errors of the others by their number.

        Arguments and errors are those of `transform`, but for UnseenError. Without such a recording there are no Clips.
        """
        cleaned, errors = [], {}
        for number, recording in enumerate(recordings):
            try:
                self._check_rate(recording)
                cleaned.append(self.clean(recording))
            except ValueError as error:
                errors[number] = error
        unseen = {number: error for number, error in errors.items() if isinstance(error, UnseenError)}
        if len(unseen) < len(errors):
            raise ValueError(_join_errors(list(errors.values()), len(recordings)))
        given = {key: value for key, value in (("frames", frames), ("classes", classes)) if value is not None}
        return pad(cleaned, **{**self.steps[-1][1], **given}) if cleaned else None, unseen

    def _check_rate(self, recording: Recording) -> None:
        """Raise ValueError where the frame rate is not that of `fit` and no step resamples."""
        if not self.fps_ or not recording.fps or any(name == "resample" for name, _ in self.steps):
            return
        if not same_rate(recording.fps, self.fps_):
            raise ValueError(
                f"{recording.name} has {recording.fps:g} fps, the training recordings had {self.fps_:g}. "
                "Fix: use preprocess.resample on it, or train with the step `resample`."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return steps and fitted attributes as plain values, for JSON."""
        return {
            "steps": [[name, _plain(arguments)] for name, arguments in self.steps],
            "fps": self.fps_,
            "frames": self.frames_,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessor:
        """Return the Preprocessor that `to_dict` described."""
        preprocessor = cls([(name, arguments) for name, arguments in values["steps"]])
        preprocessor.fps_, preprocessor.frames_ = values["fps"], values["frames"]
        return preprocessor


def _join_errors(errors: Sequence[ValueError], count: int) -> str:
    """Return the message for recordings that cannot be preprocessed, of `count` in all."""
    return join_lines(f"{len(errors)} of {count} recordings cannot be preprocessed:", list(map(str, errors)))


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments in JSON's types: a Skeleton as its joint names, a tuple as a list."""
    plain = {key: value.joints if isinstance(value, Skeleton) else value for key, value in arguments.items()}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}


def _short(value: Any) -> str:
    """Return the value as text; a list of more than three names as their number."""
    return f"[{len(value)} names]" if isinstance(value, list | tuple) and len(value) > 3 else repr(value)
