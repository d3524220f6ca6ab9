"""Clips -> a trained model. Augmentation happens here, after the split.

recipes.py       how a model is trained: `Recipe`, `RECIPES`
batches.py       the training part, epoch by epoch, with fresh copies of its clips
twin.py          compiled networks whose step is traced once, however many of a kind are trained
checkpoint.py    a training kept after every epoch, so that one that was killed goes on
fitting.py       `fit` and `repeat`
"""

from gymskel.training.batches import one_hot
from gymskel.training.fitting import Run, fit, repeat
from gymskel.training.recipes import RECIPES, Recipe, get_recipe, without_mirror

__all__ = ["RECIPES", "Recipe", "get_recipe", "without_mirror", "Run", "fit", "repeat", "one_hot"]
