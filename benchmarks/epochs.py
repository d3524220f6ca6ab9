"""Seconds an epoch of each model, on the clock and of the processor, side by side in one run; compiling is left out.

python benchmarks/epochs.py PATH_TO/tumbling.zip
"""

import sys
import time
from dataclasses import replace

import keras
import numpy as np

from gymskel import models, read_recordings, training
from gymskel.preprocess import Preprocessor


class _Clock(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self._start = np.array([time.perf_counter(), time.process_time()])

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(np.array([time.perf_counter(), time.process_time()]) - self._start)


def main(archive: str) -> None:
    recordings = read_recordings(archive, fps=60)
    cases = []
    clips = Preprocessor("default").fit_transform(recordings)
    recipe = replace(training.RECIPES["default"], epochs=12, min_steps=0)  # an epoch is a pass
    cases += [("default", name, build(2), clips, recipe) for name, build in models.BUILDERS.items()]
    published = Preprocessor("thesis").fit_transform(recordings)
    recipe = replace(training.RECIPES["thesis"], epochs=3, validation=0.0, copies=3)
    frames = published.x.shape[1]
    cases += [
        ("thesis", name, models.BUILDERS[name](2, frames=frames, **params), published, recipe)
        for name, params in models.PUBLISHED.items()
    ]
    print(
        f"{'recipe':8} {'model':17} {'parameters':>10} {'clips x frames':>15} {'batch':>5} {'s/epoch':>8} {'sd':>6} {'processor':>9}"
    )
    for recipe_name, name, model, data, recipe in cases:
        clock = _Clock()
        training.fit(model, data, recipe, seed=0, callbacks=[clock])
        seconds, spent = np.transpose(clock.seconds[1:] if len(clock.seconds) < 5 else clock.seconds[2:])
        size = f"{len(data) * (recipe.copies or 1)} x {data.x.shape[1]}"
        print(
            f"{recipe_name:8} {name:17} {model.count_params():10} {size:>15} {recipe.batch_size:5} {np.mean(seconds):8.3f} {np.std(seconds):6.3f} {np.median(spent):9.3f}"
        )


if __name__ == "__main__":
    main(sys.argv[1])
