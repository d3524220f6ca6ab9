"""Files as DeepLabCut and PYSKL write them."""

import pickle

import numpy as np
import pandas as pd

SCORER = "DLC_resnet50_flipsJan1shuffle1_100000"
PARTS = ("Head", "RFoot", "LFoot")


def deeplabcut_table(values, *, people=None, parts=PARTS, coords=("x", "y", "likelihood"), frames=None):
    """Return a DataFrame as DeepLabCut writes it: one with columns of several levels, by pandas' to_csv."""
    levels = [[SCORER], parts, coords] if people is None else [[SCORER], people, parts, coords]
    names = (
        ["scorer", "bodyparts", "coords"]
        if people is None
        else ["scorer", "individuals", "bodyparts", "coords"]
    )
    columns = pd.MultiIndex.from_product(levels, names=names)
    return pd.DataFrame(np.reshape(values, (-1, len(columns))), columns=columns, index=frames)


def annotation(name="backflip-1-ann", label=2, people=1, frames=4, joints=17, dtype=np.float16, **given):
    """Return an annotation of one person or several; joint j of person k in frame t lies at (100 k + j, t)."""
    k, t, j = np.meshgrid(np.arange(people), np.arange(frames), np.arange(joints), indexing="ij")
    told = {
        "frame_dir": name,
        "label": label,
        "img_shape": (1080, 1920),
        "original_shape": (1080, 1920),
        "total_frames": frames,
        "keypoint": np.stack([100 * k + j, t], axis=-1).astype(dtype),
        "keypoint_score": np.full((people, frames, joints), 0.5, dtype),
    }
    return {key: value for key, value in {**told, **given}.items() if value is not ...}


def saved(path, annotations, split=None, protocol=4):
    facts = annotations if split is None else {"split": split, "annotations": annotations}
    path.write_bytes(pickle.dumps(facts, protocol))
    return path
