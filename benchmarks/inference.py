"""What an answer costs: one clip through model.predict, the bare compiled network and gymskel; 256 clips; a frame of a Stream.

python benchmarks/inference.py [MODEL ...]

All on one core, in processor time, so that what else runs does not count; each number is the smallest of several rounds,
taken in turns. Simulated gymnasts at 30 frames a second, the models named (by default every one of gymskel.models, and those
published) at their default size, hardly trained: what an answer costs does not depend on whether it is right.
"""

import os

for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[threads] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import tensorflow as tf

from gymskel import SkeletonClassifier, simulate, training
from gymskel.classifier.inference import compile_one_clip, run_network
from gymskel.clips import Clips
from gymskel.models import BUILDERS, PUBLISHED
from gymskel.recording import Recording
from gymskel.skeleton import GYMNASTICS_15
from gymskel.stream import Stream

QUICK = replace(training.RECIPES["default"], epochs=1, patience=1, min_steps=0, validation=0.0)


def milliseconds(calls: dict[str, tuple[Callable[[], object], int]], rounds: int = 7) -> dict[str, float]:
    """Processor time of each call, the smallest of some rounds; (function, calls in a round)."""
    taken = {name: [] for name in calls}
    for function, _ in calls.values():
        function()
    for _ in range(rounds):
        for name, (function, times) in calls.items():
            start = time.process_time()
            for _ in range(times):
                function()
            taken[name].append((time.process_time() - start) / times * 1000)
    return {name: min(values) for name, values in taken.items()}


def one_clip(name: str, classifier: SkeletonClassifier, clips: object) -> None:
    model, frames = classifier.model_, clips.x.shape[1]
    x, mask = tf.constant(clips.x), tf.constant(clips.mask)
    network = tf.function(lambda x, mask: model({"keypoints": x, "mask": mask}, training=False))
    bare = network.get_concrete_function(x, mask)
    fused = compile_one_clip(model, frames)
    took = milliseconds(
        {
            "bare": (lambda: bare(x, mask), 50),
            "fused": (lambda: fused(x, mask), 50),
            "clip": (lambda: classifier.predict_proba(clips), 50),
            "predict": (lambda: model.predict(clips.inputs, verbose=0), 3),
        }
    )
    times = f"{took['bare']:8.3f} {took['clip']:8.3f} {took['predict']:9.1f}"
    print(
        f"{name:28} {frames:6} {times} {took['clip'] / took['bare']:10.2f} {took['predict'] / took['clip']:15.0f} {took['fused'] / took['bare']:11.2f}",
        flush=True,
    )


def many_clips(names: list[str], frames: int = 32) -> None:
    """Networks of 14 classes, as for JHMDB, in turns."""
    x = np.random.default_rng(0).standard_normal((256, frames, len(GYMNASTICS_15), 2), np.float32)
    clips = Clips.from_arrays(x, skeleton=GYMNASTICS_15)
    networks = {name: BUILDERS[name](14) for name in names} | {
        "dd_net, lite": BUILDERS["dd_net"](14, filters=16)
    }
    took = milliseconds({name: (lambda m=m: run_network(m, clips), 1) for name, m in networks.items()}, 15)
    for name, network in networks.items():
        print(
            f"{name:28} {network.count_params():10} parameters {256_000 / took[name]:8.0f} clips/s",
            flush=True,
        )


def one_frame(name: str, classifier: SkeletonClassifier, film: np.ndarray) -> None:
    start = time.process_time()
    streams = {every: Stream(classifier, fps=30, window=60, every=every) for every in (1, 3)}
    made = (time.process_time() - start) / 2
    calls = {}
    for every, stream in streams.items():
        for frame in film[:60]:
            stream.add(frame)
        calls[every] = (lambda stream=stream: [stream.add(frame) for frame in film], 1)
    window, frames = Recording(film[:60], fps=30), classifier.training_facts_.frames
    prepare = classifier.preprocessor_.transform
    calls["prepare"] = (lambda: [prepare([window], frames=frames) for _ in film], 1)
    took = {kind: value / len(film) for kind, value in milliseconds(calls).items()}
    print(f"{name:28} {made:6.1f} {took[1]:9.3f} {took['prepare']:12.3f} {took[3]:9.3f}", flush=True)


def main(names: list[str]) -> None:
    recordings = simulate.simulate_recordings(athletes=4, per_athlete=2, fps=30)
    film = np.concatenate([r.keypoints for r in recordings])[:300]
    fitted = {}
    for name in names or BUILDERS:
        for preset in ("default", "live"):
            made = SkeletonClassifier(name, preprocess=preset, recipe=QUICK, random_state=0)
            fitted[name, preset] = made.fit(recordings)
    print(
        f"{'one clip':28} {'frames':>6} {'bare ms':>8} {'clip ms':>8} {'predict':>9} {'clip/bare':>10} {'predict/clip':>15} {'fused/bare':>11}"
    )
    for name in names or BUILDERS:
        classifier = fitted[name, "default"]
        one_clip(name, classifier, classifier.clips(recordings[:1]))
    for name, params in PUBLISHED.items() if not names else ():
        published = SkeletonClassifier(name, dict(params), preprocess="thesis", recipe=QUICK, random_state=0)
        published.fit(recordings)
        one_clip(f"{name}, published", published, published.clips(recordings[:1]))
    print("\n256 clips in one call")
    many_clips(list(names or BUILDERS))
    print(
        f"\n{'a frame of a Stream':28} {'s made':>6} {'each ms':>9} {'its steps ms':>12} {'every 3':>9}   window 60 frames"
    )
    for (name, preset), classifier in fitted.items():
        one_frame(f"{name}, {preset}", classifier, film)


if __name__ == "__main__":
    main(sys.argv[1:])
