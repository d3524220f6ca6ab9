"""Stream: class probabilities while frames come in, each from the last frames of a person."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.utils.validation import check_is_fitted

from gymskel.classifier import SkeletonClassifier, TrainingFacts
from gymskel.classifier.inference import compile_one_clip, fixed_frames
from gymskel.recording import Recording, UnseenError


class Stream:
    """Class probabilities of a moving person, from keypoints that come frame by frame.

    The answer at a frame is `classifier.predict_proba` of a recording of the last `window` frames. A step that looks
    ahead does so within the window, so it prepares the newest frames a little differently from those of a whole
    recording. A classifier trained with preprocess="live" has steps that look only back, and is trained on clips
    prepared as they are here. There is no answer until a person has been there for `window` frames.

    Making a stream compiles the network with its weights as they are, which takes a second or so; a frame then takes
    less than a millisecond on one core with most models (benchmarks/inference.py).

    Args:
        classifier: fitted on recordings.
        fps: frame rate of the stream; by default that of the training recordings.
        window: number of frames of an answer; by default as long as the median training recording.
        every: frames from one answer to the next; in between the last answer stands.

    Attributes:
        classes: names in the order of the probabilities.
        fps, window, every: as above.

    Raises:
        ValueError: fitted on Clips, frame rate or window unknown, a frame rate or window that the classifier refuses.
    """

    def __init__(
        self,
        classifier: SkeletonClassifier,
        *,
        fps: float | None = None,
        window: int | None = None,
        every: int = 1,
    ) -> None:
        check_is_fitted(classifier, "model_")
        facts = classifier.training_facts_
        if classifier.preprocessor_ is None:
            raise ValueError("A classifier fitted on Clips cannot prepare frames. Fix: fit it on recordings.")
        self.fps = _training_rate(facts) if fps is None else float(fps)
        self.window = _median_frames(facts, self.fps) if window is None else int(window)
        for name, value in (("window", self.window), ("every", every)):
            if value < 1:
                raise ValueError(f"`{name}` must be a number of frames from 1, got {value}.")
        self.every, self.classes = every, tuple(map(str, classifier.classes_))
        self._preprocessor, self._skeleton = classifier.preprocessor_, facts.skeleton_in
        self._people: dict[Hashable, _LastFrames] = {}
        self._count = 0
        places = np.random.default_rng(0).uniform(100, 300, (self.window, len(self._skeleton), 3))
        places[..., 2] = 1  # all seen: to try everything before the first frame
        self._recording = Recording(places, fps=self.fps, skeleton=self._skeleton, sample="stream")
        self._length = fixed_frames(classifier.model_) or int(classifier.clips([self._recording]).lengths[0])
        self._network = compile_one_clip(classifier.model_, self._length)
        self._predict(self._recording.keypoints)  # raises now what the first frame would raise

    def __repr__(self) -> str:
        return f"<Stream at {self.fps:g} fps: the last {self.window} frames, every {self.every}; {len(self._people)} people>"

    @overload
    def add(self, frame: Mapping[Hashable, Any]) -> dict[Hashable, np.ndarray | None]: ...
    @overload
    def add(self, frame: npt.ArrayLike | None) -> np.ndarray | None: ...
    def add(self, frame: Any) -> Any:
        """Take one frame, and return the probabilities after it.

        Args:
            frame: (joints, 3) keypoints of one person: x, y in pixels, confidence. NaN or confidence 0 = unseen; None
                = no person was found. Or a dict of several people, name or number -> keypoints: they may come and go.
                A person who is away is unseen, and forgotten after `window` frames.

        Returns:
            (classes,) float32 probabilities, or None before the first answer; for a dict, a dict with these for each
            person in it. Equal probabilities if a joint that the classifier needs was never seen in the window.

        Raises:
            ValueError: keypoints of another shape than the classifier's layout, or infinite.
        """
        if isinstance(frame, Mapping):
            return self._add_people(frame)
        return self._add_people({None: frame})[None]

    def reset(self) -> None:
        """Forget all people and frames: the next frame is the first."""
        self._people.clear()
        self._count = 0

    def _add_people(self, people: Mapping[Hashable, Any]) -> dict[Hashable, np.ndarray | None]:
        """Take one frame of several people, and return the probabilities of each after it."""
        checked = {name: self._check_keypoints(name, keypoints) for name, keypoints in people.items()}
        self._count += 1
        for name in checked.keys() - self._people.keys():
            self._people[name] = _LastFrames(self.window, len(self._skeleton))
        for name, frames in list(self._people.items()):
            frames.append(checked.get(name))
            if frames.away >= self.window and name not in checked:
                del self._people[name]
        due = self._count % self.every == 0
        for frames in (self._people[name] for name in checked):
            if frames.count >= self.window and (due or frames.answer is None):
                frames.answer = self._predict(frames.last)
        return {name: self._people[name].answer for name in checked}

    def _check_keypoints(self, name: Hashable, keypoints: Any) -> np.ndarray | None:
        """Return (joints, 3) float32 with unseen = NaN, NaN, 0; None for None."""
        if keypoints is None:
            return None
        keypoints = np.array(keypoints, np.float32)
        person = "" if name is None else f" of {name!r}"
        if keypoints.shape != (len(self._skeleton), 3):
            raise ValueError(
                f"The keypoints{person} must be ({len(self._skeleton)}, 3), the joints of {self._skeleton.name} with x, y and "
                f"confidence, got {keypoints.shape}."
            )
        if np.isinf(keypoints).any():
            raise ValueError(f"The keypoints{person} hold an infinite number; unseen is NaN or confidence 0.")
        keypoints[~(keypoints[:, 2] > 0) | np.isnan(keypoints[:, :2]).any(axis=1)] = np.nan, np.nan, 0
        return keypoints

    def _predict(self, keypoints: np.ndarray) -> np.ndarray:
        """Return (classes,) probabilities of (window, joints, 3) keypoints; equal ones if a needed joint is unseen."""
        recording = self._recording.after("stream", keypoints)  # frames were checked as they came
        try:
            clips = self._preprocessor.transform([recording], frames=self._length)
        except UnseenError:
            return np.full(len(self.classes), 1 / len(self.classes), np.float32)
        return self._network(tf.constant(clips.x), tf.constant(clips.mask)).numpy()[0]


def predict_frames(classifier: SkeletonClassifier, recording: Recording) -> dict[str, np.ndarray]:
    """Return class -> (frames,) its probability at each frame, by a Stream with the default window.

    NaN before the first answer. A recording not longer than the window gets one answer for all of its frames.

    Raises:
        ValueError: as `Stream`, or a recording that the classifier refuses.
    """
    facts = classifier.training_facts_
    window = _median_frames(facts, recording.fps or _training_rate(facts))
    if len(recording) <= window:
        answers = np.tile(classifier.predict_proba([recording]), (len(recording), 1))
    else:
        stream = Stream(classifier, fps=recording.fps, window=window)
        unknown = np.full(len(stream.classes), np.nan, np.float32)
        given = [stream.add(frame) for frame in recording.keypoints]
        answers = np.stack([unknown if answer is None else answer for answer in given])
    return dict(zip(map(str, classifier.classes_), answers.T, strict=True))


class _LastFrames:
    """The last `window` frames of one person, each stored twice, `window` rows apart: the last ones lie in one slice."""

    def __init__(self, window: int, joints: int) -> None:
        self.window, self.count = window, 0
        self.away = 0  # frames since the person was last given
        self.answer: np.ndarray | None = None  # (classes,) the latest probabilities
        self._twice = np.empty((2 * window, joints, 3), np.float32)

    def append(self, keypoints: np.ndarray | None) -> None:
        """Add (joints, 3) keypoints; None = all joints unseen."""
        row = self.count % self.window
        self._twice[[row, row + self.window]] = (np.nan, np.nan, 0) if keypoints is None else keypoints
        self.count += 1
        self.away = self.away + 1 if keypoints is None else 0

    @property
    def last(self) -> np.ndarray:
        """(window, joints, 3) keypoints, the oldest frame first."""
        first = self.count % self.window
        return self._twice[first : first + self.window]


def _training_rate(facts: TrainingFacts) -> float:
    """Return the one frame rate of the training recordings; ValueError if there are several or none."""
    if len(facts.fps_in) != 1:
        rates = " and ".join(f"{rate:g}" for rate in facts.fps_in) or "an unknown number of"
        raise ValueError(
            f"The classifier was trained on {rates} frames a second. Fix: give the stream's fps=."
        )
    return float(facts.fps_in[0])


def _median_frames(facts: TrainingFacts, fps: float) -> int:
    """Return the number of frames of the median training recording at `fps`; ValueError if it is unknown."""
    if not facts.seconds:
        raise ValueError("The duration of the training recordings is unknown. Fix: give window=, in frames.")
    return max(1, round(facts.seconds * fps))
