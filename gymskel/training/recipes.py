"""How a model is trained: the recipes by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Integral, Real

from gymskel.preprocess.augment import AS_FILMED_AGAIN, OTHER_CROPS, Augmentation


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        name: what it is called.
        epochs: passes over the training part; more where `min_steps` asks for them, fewer where `patience` ends them.
        min_steps: a small training part is gone over more often, until there are this many batches in all.
        batch_size: clips in a step.
        learning_rate: peak of the schedule.
        schedule: "constant"; "cosine": up to it in five passes or 50 steps, whichever is more (a quarter of the training at
            the most), then down to 0 along a cosine; "exponential": down to a hundredth, by the same factor in each step.
        weight_decay: of AdamW; 0 = plain Adam.
        label_smoothing: share of the label's weight spread over all classes.
        augment: "fly" = a fresh copy of every clip each epoch; "copies" = `copies` rotated copies of each clip
            in place of the originals (thesis sec. 4.2.5); None.
        augmentation: how much a fresh copy may differ.
        copies: for augment="copies".
        balance: all classes weigh the same: True takes clips of rarer classes more often, each time as a fresh copy;
            "weights" takes each once and weighs its loss, so that an epoch does not grow; False = neither.
        validation: share of the clips held out to watch the loss; 0 = none.
        validation_by: "athlete" holds out whole athletes, "random" any clips (as published: it leaks).
        patience: epochs without a better validation loss before training stops; the best weights are restored.
        deterministic: a seed gives the same weights bit for bit, on a GPU too. Slower, and it holds for all that
            TensorFlow does in this process from then on.
    """

    name: str
    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augment: str | None = None
    copies: int = 0
    balance: bool | str = False
    validation: float = 0.0
    validation_by: str = "athlete"
    patience: int = 0
    min_steps: int = 0
    augmentation: Augmentation = AS_FILMED_AGAIN
    deterministic: bool = False

    def __post_init__(self) -> None:
        known = {
            "schedule": ("constant", "cosine", "exponential"),
            "augment": ("fly", "copies", None),
            "balance": (False, True, "weights"),
            "validation_by": ("athlete", "random"),
        }
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise ValueError(f"`{name}` must be one of {values}, got {getattr(self, name)!r}.")
        for name, (low, high, kind) in _RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, kind) or not low <= value <= high:  # NaN is neither
                whole = "a whole number" if kind is Integral else "a number"
                raise ValueError(f"`{name}` must be {whole} from {low:g} to {high:g}, got {value!r}.")
        if isinstance(self.augmentation, dict):  # as a saved classifier holds it
            object.__setattr__(self, "augmentation", Augmentation(**self.augmentation))


_RANGES = {
    "epochs": (1, 1e9, Integral),
    "batch_size": (1, 1e9, Integral),
    "learning_rate": (0, 10, Real),
    "weight_decay": (0, 10, Real),
    "label_smoothing": (0, 1, Real),
    "copies": (0, 1e6, Integral),
    "validation": (0, 0.9, Real),
    "patience": (0, 1e9, Integral),
    "min_steps": (0, 1e9, Integral),
}
RECIPES = {
    "default": Recipe(
        "default",
        epochs=240,
        batch_size=32,
        learning_rate=2e-3,
        schedule="cosine",
        weight_decay=0.02,
        label_smoothing=0.1,
        augment="fly",
        balance=True,
        min_steps=1000,
    ),
    "thesis": Recipe(
        "thesis",
        epochs=5,
        batch_size=1,
        learning_rate=1e-3,
        augment="copies",
        copies=10,
        validation=0.33,
        validation_by="random",
        patience=3,
    ),
    # Zhang et al. (exercise quality) for windows of `preprocess.windows(recording, 10, every=6)` and the preset of the same
    # name: batches of 128, Adam from 1e-4 with exponential decay, cross-entropy, random crops of the picture, 9:1. How
    # fast the rate falls, how large the crops are and how long to train are ours (they converge after 2,000 batches); so is
    # the validation part by athlete: at random, windows of one recording would lie on both sides.
    "exercise_quality": Recipe(
        "exercise_quality",
        epochs=100,
        batch_size=128,
        learning_rate=1e-4,
        schedule="exponential",
        augment="fly",
        augmentation=OTHER_CROPS,
        validation=0.1,
        patience=100,
        min_steps=4000,
    ),
}


def get_recipe(recipe: str | Recipe) -> Recipe:
    """The recipe of this name, or itself."""
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str) or recipe not in RECIPES:
        raise ValueError(f"`recipe` must be one of {sorted(RECIPES)} or a Recipe, got {recipe!r}.")
    return RECIPES[recipe]


def without_mirror(recipe: str | Recipe) -> Recipe:
    """The recipe without mirrored copies: for classes of which one is the mirror image of another.

    >>> without_mirror("default").augmentation.mirror
    0.0
    """
    recipe = get_recipe(recipe)
    return replace(recipe, augmentation=replace(recipe.augmentation, mirror=0.0))


def mirrored_classes(classes: Iterable[str], recipe: Recipe) -> list[tuple[str, str]]:
    """Pairs of classes that are called left and right, if copies of one may become the other.

    >>> mirrored_classes(["Turn left", "turn right", "jump"], RECIPES["default"])
    [('Turn left', 'turn right')]
    """
    if recipe.augment != "fly" or not recipe.augmentation.mirror:
        return []
    names = {name.lower(): name for name in classes}
    others = {name: name.replace("left", "right") for name in names if "left" in name}
    return [(names[name], names[other]) for name, other in others.items() if other in names]
