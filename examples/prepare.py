"""Keypoints as gymskel writes them -> what an exported network takes; with numpy alone, for the presets default and live."""

import json
from pathlib import Path

import numpy as np


def read(model, folder):
    """(frames, joints, 3) keypoints of one recording's per-frame CSVs, and the facts beside the model.

    What is unseen is NaN, NaN, 0; so is a frame without a file. recording.json tells how many frames there were.
    """
    facts = json.loads(Path(f"{model}.json").read_text(encoding="utf-8"))
    beside = Path(folder, "recording.json")
    saved = json.loads(beside.read_text(encoding="utf-8"))["people"].get("0", {}) if beside.exists() else {}
    files = {int(file.stem.split("-")[-2]): file for file in Path(folder).glob("[!.]*-0.csv")}
    if not files:
        raise SystemExit(f"No answer: no file of person 0 in {folder}.")
    first = saved.get("first_frame", min(files))
    frames = saved.get("frames", max(files) - first + 1)
    if frames < 2:
        raise SystemExit("No answer: a single frame shows no move.")
    rows = np.zeros((frames, len(facts["joints_in"]), 3), np.float32)
    for number, file in files.items():
        rows[number - first] = np.loadtxt(file, delimiter=",", skiprows=1)
    rows[(rows == 0).all(axis=-1)] = np.nan, np.nan, 0
    return rows, facts


def inputs(keypoints, fps, facts):
    """(1, frames, joints, 2) and its mask: the steps that the JSON names, one after the other."""
    xy, joints = keypoints[..., :2].astype(float), list(facts["joints_in"])
    for step, given in facts["steps"]:
        seen, now = ~np.isnan(xy[..., 0]), np.arange(len(xy))
        if step == "select_joints":
            xy, joints = xy[:, [joints.index(name) for name in given["joints"]]], list(given["joints"])
        elif step == "fill" and given.get("method", "linear") == "linear" and not given.get("max_gap"):
            for j in np.flatnonzero(seen.any(axis=0)):
                for k in (0, 1):
                    xy[:, j, k] = np.interp(now, now[seen[:, j]], xy[seen[:, j], j, k])
        elif step == "hold" and not given.get("max_gap"):
            last = np.maximum.accumulate(np.where(seen, now[:, None], 0))
            xy = np.take_along_axis(xy, last[..., None], axis=0)
        elif step == "smooth":
            raw, size, late = xy, given["window"], given["method"] == "trailing"
            first = now - (size - 1 if late else size // 2)
            with np.errstate(all="ignore"):
                near = [raw[max(f, 0) : f + size] for f in first]
                sums = np.stack([np.nansum(part, axis=0) for part in near])
                xy = sums / np.stack([(~np.isnan(part)).sum(axis=0) for part in near])
            xy = np.where(seen[..., None] & ~(late & (now < size - 1))[:, None, None], xy, raw)
        elif step == "resample":
            if given.get("frames"):
                wanted = np.linspace(0, len(xy) - 1, given["frames"])
            else:
                wanted = np.arange(int((len(xy) - 1) / fps * given["fps"] + 1e-6) + 1) / given["fps"] * fps
            low = np.minimum(wanted.round(9).astype(int), len(xy) - 1)
            share = (wanted.round(9) - low)[:, None, None]
            high = np.minimum(low + 1, len(xy) - 1)
            xy = np.where(share > 0, (1 - share) * xy[low] + share * xy[high], xy[low])
        elif step == "center" and given["frame"] == "first":
            hip = joints.index(given["joint"])
            if not seen[:, hip].any():
                raise SystemExit(f"No answer: {given['joint']} is never seen.")
            xy = xy - xy[np.argmax(seen[:, hip]), hip]
        elif step == "scale":
            torso = xy[:, joints.index(given["top"])] - xy[:, joints.index(given["bottom"])]
            xy = xy / np.nanmedian(np.linalg.norm(torso, axis=-1))
        elif step == "pad":
            xy = np.nan_to_num(xy, nan=given["unseen"])
        else:
            raise SystemExit(f"This client does not know the step {step} {given}: see gymskel.preprocess.")
    length = facts["frames"] or len(xy)
    if len(xy) > length:
        raise SystemExit(f"{len(xy)} frames, the network takes {length}.")
    x = np.zeros((1, length, *xy.shape[1:]), np.float32)
    x[0, : len(xy)] = xy
    return x, np.arange(length)[None] < len(xy)
