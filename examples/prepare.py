"""Keypoints as gymskel writes them -> the input of an exported network; numpy alone, for the presets default and live.

Each step of the presets is a function of the coordinates (frames, joints, 2), NaN = unseen, and of the step's arguments.
"""

import json
from pathlib import Path

import numpy as np


def read(model, folder):
    """Return (frames, joints, 3) keypoints of one recording's per-frame CSVs, and the metadata beside the model.

    Unseen joints are NaN, NaN, 0, also in a frame without a file. The number of frames is in recording.json.
    """
    metadata = json.loads(Path(f"{model}.json").read_text(encoding="utf-8"))
    file = Path(folder, "recording.json")
    people = json.loads(file.read_text(encoding="utf-8"))["people"] if file.exists() else {}
    saved = people.get("0", {})
    files = {int(file.stem.split("-")[-2]): file for file in Path(folder).glob("[!.]*-0.csv")}
    if not files:
        raise SystemExit(f"No answer: no file of person 0 in {folder}.")
    first = saved.get("first_frame", min(files))
    frames = saved.get("frames", max(files) - first + 1)
    if frames < 2:
        raise SystemExit("No answer: a single frame shows no move.")
    keypoints = np.zeros((frames, len(metadata["joints_in"]), 3), np.float32)
    for number, file in files.items():
        keypoints[number - first] = np.loadtxt(file, delimiter=",", skiprows=1)
    keypoints[(keypoints == 0).all(axis=-1)] = np.nan, np.nan, 0
    return keypoints, metadata


def inputs(keypoints, fps, metadata):
    """Return the network's input: (1, frames, joints, 2) and its mask, after the preprocessing steps in `metadata`."""
    xy, joints = keypoints[..., :2].astype(float), list(metadata["joints_in"])
    for step, arguments in metadata["steps"]:
        if step not in STEPS:
            raise SystemExit(f"This client does not know the step {step}: see gymskel.preprocess.")
        xy = STEPS[step](xy, joints, fps, **arguments)
        joints = list(arguments["joints"]) if step == "select_joints" else joints
    length = metadata["frames"] or len(xy)
    if len(xy) > length:
        raise SystemExit(f"{len(xy)} frames, the network takes {length}.")
    x = np.zeros((1, length, *xy.shape[1:]), np.float32)
    x[0, : len(xy)] = xy
    return x, np.arange(length)[None] < len(xy)


# --- steps: coordinates (frames, joints, 2), NaN = unseen -> coordinates ------------------------------------


def select_joints(xy, names, fps, joints):
    return xy[:, [names.index(name) for name in joints]]


def fill(xy, names, fps, method="linear", max_gap=None):
    """Fill gaps along a straight line; before the first and after the last seen frame the joint stands still."""
    if method != "linear" or max_gap:
        raise SystemExit("This client fills all gaps, with method linear: see gymskel.preprocess.")
    seen, frames, filled = ~np.isnan(xy[..., 0]), np.arange(len(xy)), xy.copy()
    for j in np.flatnonzero(seen.any(axis=0)):
        for k in (0, 1):
            filled[:, j, k] = np.interp(frames, frames[seen[:, j]], xy[seen[:, j], j, k])
    return filled


def hold(xy, names, fps, max_gap=None):
    """Fill gaps with the last seen place."""
    if max_gap:
        raise SystemExit("This client holds a joint over gaps of any length: see gymskel.preprocess.")
    seen = ~np.isnan(xy[..., 0])
    last = np.maximum.accumulate(np.where(seen, np.arange(len(xy))[:, None], 0))
    return np.take_along_axis(xy, last[..., None], axis=0)


def smooth(xy, names, fps, window, method):
    """Moving mean of the seen places around each frame, or of the frames up to it (trailing)."""
    seen, frames, trailing = ~np.isnan(xy[..., 0]), np.arange(len(xy)), method == "trailing"
    first = frames - (window - 1 if trailing else window // 2)
    with np.errstate(all="ignore"):
        near = [xy[max(f, 0) : f + window] for f in first]
        sums = np.stack([np.nansum(part, axis=0) for part in near])
        means = sums / np.stack([(~np.isnan(part)).sum(axis=0) for part in near])
    changes = seen[..., None] & ~(trailing & (frames < window - 1))[:, None, None]
    return np.where(changes, means, xy)


def resample(xy, names, rate, frames=None, fps=None):
    """Interpolate to a number of frames, or to a frame rate."""
    if frames:
        wanted = np.linspace(0, len(xy) - 1, frames)
    else:
        wanted = np.arange(int((len(xy) - 1) / rate * fps + 1e-6) + 1) / fps * rate
    low = np.minimum(wanted.round(9).astype(int), len(xy) - 1)
    high = np.minimum(low + 1, len(xy) - 1)
    share = (wanted.round(9) - low)[:, None, None]
    return np.where(share > 0, (1 - share) * xy[low] + share * xy[high], xy[low])


def center(xy, names, fps, joint, frame):
    """Move the origin to the first seen place of a joint."""
    places = xy[:, names.index(joint)]
    seen = ~np.isnan(places[:, 0])
    if frame != "first":
        raise SystemExit("This client centres on the first frame only: see gymskel.preprocess.")
    if not seen.any():
        raise SystemExit(f"No answer: {joint} is never seen.")
    return xy - places[np.argmax(seen)]


def scale(xy, names, fps, top, bottom):
    """Divide by the median distance of two joints."""
    return xy / np.nanmedian(np.linalg.norm(xy[:, names.index(top)] - xy[:, names.index(bottom)], axis=-1))


def pad(xy, names, fps, unseen):
    """Put a number where a joint is still unseen."""
    return np.nan_to_num(xy, nan=unseen)


STEPS = {f.__name__: f for f in (select_joints, fill, hold, smooth, resample, center, scale, pad)}
