"""Recipes: the settings of a training, and those with a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Integral, Real

from gymskel.preprocess.augmentation import DEFAULT_AUGMENTATION, RANDOM_CROPS, Augmentation


@dataclass(frozen=True)
class Recipe:
    """Settings of a training.

    Attributes:
        name: of the recipe.
        epochs: passes over the training part; `min_steps` may add passes, `patience` may end them early.
        min_steps: a small training part is repeated until there are this many batches in all.
        batch_size: clips in a step.
        learning_rate: peak of the schedule.
        schedule: "constant"; "cosine" = rises to the peak during 5 passes or 50 steps, whichever is more (at most a quarter
            of the training), then falls to 0 along a cosine; "exponential" = falls to a hundredth, by the same factor in
            each step.
        weight_decay: of AdamW; 0 = plain Adam.
        label_smoothing: share of the label's weight that is spread over all classes.
        augment: "fly" = a fresh copy of every clip each epoch; "copies" = `copies` rotated copies of each clip
            in place of the originals (thesis sec. 4.2.5); None = no augmentation.
        augmentation: largest changes of a fresh copy.
        copies: for augment="copies".
        balance: makes all classes weigh the same. "oversample" draws clips of rarer classes more often, each time as a
            fresh copy; "weights" draws each clip once and weights its loss, so that an epoch does not grow; None = neither.
            True and False, in files of older versions, are read as "oversample" and None.
        validation: share of the clips held out to watch the loss; 0 = none.
        validation_by: "athlete" holds out whole athletes, "random" any clips (as published: it leaks).
        patience: epochs without a better validation loss before training stops; the best weights are restored.
        deterministic: a seed gives the same weights bit for bit, on a GPU too. Slower, and it stays on in this process for
            all of TensorFlow.
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
    balance: str | None = None
    validation: float = 0.0
    validation_by: str = "athlete"
    patience: int = 0
    min_steps: int = 0
    augmentation: Augmentation = DEFAULT_AUGMENTATION
    deterministic: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.balance, bool):  # in files of older versions
            object.__setattr__(self, "balance", "oversample" if self.balance else None)
        if isinstance(self.augmentation, dict):  # in files
            object.__setattr__(self, "augmentation", Augmentation(**self.augmentation))
        for name, values in _KNOWN.items():
            if getattr(self, name) not in values:
                raise ValueError(f"`{name}` must be one of {values}, got {getattr(self, name)!r}.")
        for name, (low, high, number) in _RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, number) or not low <= float(value) <= high:  # NaN is in no range
                whole = "a whole number" if number is Integral else "a number"
                raise ValueError(f"`{name}` must be {whole} from {low:g} to {high:g}, got {value!r}.")


_KNOWN = {
    "schedule": ("constant", "cosine", "exponential"),
    "augment": ("fly", "copies", None),
    "balance": ("oversample", "weights", None),
    "validation_by": ("athlete", "random"),
}
_RANGES: dict[str, tuple[float, float, type[Real]]] = {  # smallest and largest value, type
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
        balance="oversample",
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
    # Zhang et al. (exercise quality), for windows of `preprocess.windows(recording, 10, every=6)` and the preset of the same
    # name. Theirs: batches of 128, Adam from 1e-4 with exponential decay, cross-entropy, random crops of the picture, 9:1.
    # Ours: the speed of the decay, the size of the crops and the length of the training (theirs converges after 2,000
    # batches); and a validation part by athlete, because at random windows of one recording would lie on both sides.
    "exercise_quality": Recipe(
        "exercise_quality",
        epochs=100,
        batch_size=128,
        learning_rate=1e-4,
        schedule="exponential",
        augment="fly",
        augmentation=RANDOM_CROPS,
        validation=0.1,
        patience=100,
        min_steps=4000,
    ),
}


def get_recipe(recipe: str | Recipe) -> Recipe:
    """Return the recipe of this name; a Recipe is returned as it is."""
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str) or recipe not in RECIPES:
        raise ValueError(f"`recipe` must be one of {sorted(RECIPES)} or a Recipe, got {recipe!r}.")
    return RECIPES[recipe]


def without_mirror(recipe: str | Recipe) -> Recipe:
    """Return the recipe without mirrored copies: for classes that are mirror images of each other.

    >>> without_mirror("default").augmentation.mirror
    0.0
    """
    recipe = get_recipe(recipe)
    return replace(recipe, augmentation=replace(recipe.augmentation, mirror=0.0))


def mirrored_classes(classes: Iterable[str], recipe: Recipe) -> list[tuple[str, str]]:
    """Return pairs of classes named left and right, if the recipe makes mirrored copies that turn one into the other.

    >>> mirrored_classes(["Turn left", "turn right", "jump"], RECIPES["default"])
    [('Turn left', 'turn right')]
    """
    if recipe.augment != "fly" or not recipe.augmentation.mirror:
        return []
    names = {name.lower(): name for name in classes}
    opposites = {name: name.replace("left", "right") for name in names if "left" in name}
    return [(names[left], names[right]) for left, right in opposites.items() if right in names]
