"""Frames as they come -> class probabilities: what is done with a recording, done with the last frames of a film."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.utils.validation import check_is_fitted

from gymskel.classifier import SkeletonClassifier, TrainingFacts
from gymskel.classifier.inference import compile_network
from gymskel.recording import Recording, UnseenError


class Stream:
    """Class probabilities while somebody moves, from keypoints that come frame by frame.

    The answer at a frame is what `classifier.predict_proba` says of a recording of the last `window` frames, no
    more and no less: the classifier's steps see the window as if it were all there is. A step that looks ahead
    does so within the window, so that the newest frames are prepared a little differently from those of a whole
    recording; a classifier trained with preprocess="live" has steps that look only back, and knows clips that were
    prepared as they are here. Until a person has been there for `window` frames there is no answer.

    Making a stream compiles the network for this window with its weights as they are, which takes a second or so; a
    frame then takes less than a millisecond on one core with most models (benchmarks/inference.py).

    Args:
        classifier: fitted on recordings.
        fps: frames a second that will come; by default those of the training recordings.
        window: frames that are looked at; by default as long as the median training recording.
        every: an answer every so many frames; in between the last one stands.

    Attributes:
        classes: names in the order of the probabilities.
        window: as above.

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
            raise ValueError(
                "`classifier` was fitted on Clips and cannot prepare frames. Fit it on recordings, or give it a Preprocessor's steps."
            )
        self.fps = _known_rate(facts) if fps is None else float(fps)
        self.window = _usual_window(facts, self.fps) if window is None else int(window)
        for name, value in (("window", self.window), ("every", every)):
            if value < 1:
                raise ValueError(f"`{name}` must be a number of frames from 1, got {value}.")
        self.every, self.classes = every, tuple(map(str, classifier.classes_))
        self._prepare = classifier.preprocessor_
        self._skeleton = facts.skeleton_in
        self._people: dict[Hashable, _Frames] = {}
        self._frames = 0
        somebody = self._recording = Recording(
            _somebody(self.window, len(self._skeleton)),
            fps=self.fps,
            skeleton=self._skeleton,
            sample="stream",
        )
        tied = classifier.model_.get_layer("keypoints").batch_shape[1]
        self._length = tied or int(classifier.clips([somebody]).lengths[0])
        self._network = compile_network(classifier.model_, frames=self._length, fused=True)
        self._answer(somebody.keypoints)  # refuses now what it would refuse later

    def __repr__(self) -> str:
        return f"<Stream at {self.fps:g} fps: the last {self.window} frames, every {self.every}; {len(self._people)} people>"

    def add(self, frame: Any) -> Any:
        """Takes one frame and gives the answer that stands after it.

        Args:
            frame: (joints, 3) keypoints of one person: x, y in pixels, confidence. NaN or confidence 0 = unseen; None
                = nobody was found. Or a dict of several people, name or number -> keypoints: they may come and go;
                whoever is away is unseen, and after `window` frames forgotten.

        Returns:
            (classes,) probabilities, or None while there are none; for a dict, such an answer for each person in it.
            Equal probabilities where a joint that the classifier needs was never seen in the window.

        Raises:
            ValueError: keypoints of another shape than the classifier's layout, or infinite.

        Live, with frames from a camera and `estimate` from anywhere::

            stream = Stream(SkeletonClassifier.load("moves.gymskel"), fps=30, window=60)
            for frame in frames:
                probabilities = stream.add(estimate(frame))
        """
        if not isinstance(frame, Mapping):
            return self._add({None: frame})[None]
        return self._add(frame)

    def reset(self) -> None:
        """Forgets everybody: the next frame is the first."""
        self._people.clear()
        self._frames = 0

    def _add(self, people: Mapping[Hashable, Any]) -> dict[Hashable, np.ndarray | None]:
        given = {who: self._checked(who, keypoints) for who, keypoints in people.items()}
        self._frames += 1
        for who in given.keys() - self._people.keys():
            self._people[who] = _Frames(self.window, len(self._skeleton))
        for who, frames in list(self._people.items()):
            frames.append(given.get(who))
            if frames.away >= self.window and who not in given:
                del self._people[who]
        due = self._frames % self.every == 0
        for frames in (self._people[who] for who in given):
            if frames.count >= self.window and (due or frames.answer is None):
                frames.answer = self._answer(frames.last)
        return {who: self._people[who].answer for who in given}

    def _checked(self, who: Hashable, keypoints: Any) -> np.ndarray | None:
        """(joints, 3) float32, unseen = NaN, NaN, 0."""
        if keypoints is None:
            return None
        keypoints = np.array(keypoints, np.float32)
        person = "" if who is None else f" of {who!r}"
        if keypoints.shape != (len(self._skeleton), 3):
            raise ValueError(
                f"The keypoints{person} must be ({len(self._skeleton)}, 3), the joints of {self._skeleton.name} with x, y and "
                f"confidence, got {keypoints.shape}."
            )
        if np.isinf(keypoints).any():
            raise ValueError(f"The keypoints{person} hold an infinite number; unseen is NaN or confidence 0.")
        keypoints[~(keypoints[:, 2] > 0) | np.isnan(keypoints[:, :2]).any(axis=1)] = np.nan, np.nan, 0
        return keypoints

    def _answer(self, keypoints: np.ndarray) -> np.ndarray:
        window = self._recording.after("stream", keypoints)  # frames were checked as they came
        try:
            clips = self._prepare.transform([window], frames=self._length)
        except UnseenError:
            return np.full(len(self.classes), 1 / len(self.classes), np.float32)
        return self._network(tf.constant(clips.x), tf.constant(clips.mask)).numpy()[0]


def answer_frames(classifier: SkeletonClassifier, recording: Recording) -> dict[str, np.ndarray]:
    """class -> (frames,) how probable it is at each frame, from as many frames as a training recording usually has.

    NaN while there are too few. A recording that is no longer than that has one answer, about all of it, in every frame.

    Raises:
        ValueError: as `Stream`, or a recording that the classifier refuses.
    """
    facts = classifier.training_facts_
    window = _usual_window(facts, recording.fps or _known_rate(facts))
    if len(recording) <= window:
        answers = np.tile(classifier.predict_proba([recording]), (len(recording), 1))
    else:
        stream = Stream(classifier, fps=recording.fps, window=window)
        unknown = np.full(len(stream.classes), np.nan, np.float32)
        told = [stream.add(frame) for frame in recording.keypoints]
        answers = np.stack([unknown if answer is None else answer for answer in told])
    return dict(zip(map(str, classifier.classes_), answers.T, strict=True))


class _Frames:
    """The last frames of one person. Every frame is kept twice, so that the last ones always lie in a row."""

    def __init__(self, window: int, joints: int) -> None:
        self.window, self.count, self.away = window, 0, 0
        self.answer: np.ndarray | None = None
        self._twice = np.empty((2 * window, joints, 3), np.float32)

    def append(self, keypoints: np.ndarray | None) -> None:
        """None = unseen."""
        row = self.count % self.window
        self._twice[[row, row + self.window]] = (np.nan, np.nan, 0) if keypoints is None else keypoints
        self.count += 1
        self.away = self.away + 1 if keypoints is None else 0

    @property
    def last(self) -> np.ndarray:
        """(window, joints, 3), the oldest first."""
        first = self.count % self.window
        return self._twice[first : first + self.window]


def _known_rate(facts: TrainingFacts) -> float:
    rates = facts.fps_in
    if len(rates) != 1:
        told = " and ".join(f"{rate:g}" for rate in rates) or "an unknown number of"
        raise ValueError(
            f"The classifier was trained on {told} frames a second: say with fps= what will come."
        )
    return float(rates[0])


def _usual_window(facts: TrainingFacts, fps: float) -> int:
    if not facts.seconds:
        raise ValueError(
            "How long the training recordings were is unknown: say with window= how many frames to look at."
        )
    return max(1, round(facts.seconds * fps))


def _somebody(frames: int, joints: int) -> np.ndarray:
    """(frames, joints, 3) a made-up person, all of whom is seen: to try everything once before the first frame."""
    keypoints = np.random.default_rng(0).uniform(100, 300, (frames, joints, 3))
    keypoints[..., 2] = 1
    return keypoints.astype(np.float32)
