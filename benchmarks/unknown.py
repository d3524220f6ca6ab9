"""How well a move that was never trained on is told from known ones: a class of JHMDB left out, training clips only.

python benchmarks/unknown.py PATH_TO/jhmdb.npz [MODEL] [EPOCHS] [CLASSES,...]
"""

import sys
from dataclasses import replace

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import pairwise_distances

from gymskel import Clips, SkeletonClassifier
from gymskel.evaluation import sample_frames, unknown_moves
from gymskel.training import RECIPES


def training_clips(archive: str) -> Clips:
    """The training clips of the first split; near-duplicates (the nearest 2 % of all pairs of a class) count as one person."""
    data = np.load(archive)
    names, y = data["class_names"], data["split1_y_train"]
    clips = Clips.from_arrays(
        data["split1_x_train"], lengths=data["split1_len_train"], y=[str(names[k]) for k in y]
    )
    values = np.stack([sample_frames(clips[k]) for k in range(len(clips))])
    far = pairwise_distances(values)
    same = y[:, None] == y
    near = same & (far <= np.quantile(far[same & (far > 0)], 0.02))
    groups = connected_components(near, directed=False)[1]
    return replace(clips, athletes=tuple(f"group {k}" for k in groups))


def main(archive: str, model: str = "lstm_attention", epochs: str = "40", unknown: str = "") -> None:
    clips = training_clips(archive)
    recipe = replace(RECIPES["default"], epochs=int(epochs), validation=0.0, min_steps=0)
    print(f"{clips}, {len(set(clips.athletes))} groups; {model}, {epochs} epochs", flush=True)
    classes = unknown.split(",") if unknown else None
    table = unknown_moves(SkeletonClassifier(model, recipe=recipe), clips, unknown=classes, folds=3)
    print(table.round(3).to_string())
    print(table.mean().round(3).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
