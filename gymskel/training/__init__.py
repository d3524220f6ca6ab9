"""Clips -> a trained model. Augmentation happens here, after the split.

recipes.py        training settings by name: `Recipe`, `RECIPES`
training_data.py  one protocol for clips in memory and clips that are streamed
batches.py        clips in memory, epoch by epoch, with fresh copies
compile_cache.py  compiled networks whose training step is traced once, however many models of one architecture follow
checkpoint.py     a training saved after every epoch, to be resumed after an interruption
fitting.py        `fit`
streaming.py      clips made batch by batch from a data set larger than memory
"""

from gymskel.training.batches import one_hot
from gymskel.training.fitting import Run, fit
from gymskel.training.recipes import RECIPES, Recipe, get_recipe, without_mirror

__all__ = ["RECIPES", "Recipe", "Run", "fit", "get_recipe", "one_hot", "without_mirror"]
