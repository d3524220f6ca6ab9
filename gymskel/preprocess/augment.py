"""Copies of clips that could have been filmed. Used after the split, on the training part alone (see training)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gymskel.clips import Clips, concatenate
from gymskel.preprocess.limbs import draw_angles, turn_limbs, turning_pairs


def rotated_copies(
    clips: Clips, copies: int, *, method: str = "thesis", max_angle: float = 15, seed: int | None = None
) -> Clips:
    """That many copies of every clip with limbs turned at random, originals left out; thesis sec. 4.2.5.

    Copies keep label, athlete and source of their original, so that a split can keep them together.
    """
    if copies < 1:
        raise ValueError(f"`copies` must be at least 1, got {copies}.")
    rng = np.random.default_rng(seed)
    pairs = turning_pairs(clips.skeleton, method)
    made = []
    for _ in range(copies):
        angles = draw_angles(rng, (len(clips), len(pairs)), method, max_angle)
        turned = turn_limbs(np.where(clips.seen[..., None], clips.x[..., :2], np.nan), pairs, angles)
        x = clips.x.copy()  # where a joint is unseen its stand-in stays as it is
        x[..., :2] = np.where(clips.seen[..., None], turned, x[..., :2])
        made.append(replace(clips, x=x))
    return concatenate(made)


def augmented(clips: Clips, rng: np.random.Generator) -> Clips:
    """One fresh copy of every clip, as another camera would have filmed it.

    The whole body turns (sd 7 degrees) and is scaled (0.85 to 1.15), half of the clips are mirrored with left
    and right exchanged, limbs turn by up to 8 degrees with bones kept, the clip is cut to 75-100 % of its
    frames, joints tremble (sd 2 % of the clips' spread), and one joint in 20 stands still at its mean place as
    if an estimator had lost it.

    Args:
        clips: channels x and y first; others are carried along unchanged.
        rng: where the chances come from.

    Returns:
        Clips of the same shape; `mask` follows the cut.
    """
    clips = _cropped(clips, rng)
    x, mask, seen, skeleton = clips.x, clips.mask, clips.seen, clips.skeleton
    count = len(x)
    xy = x[..., :2].astype(np.float32)
    inside = mask[..., None, None]
    if skeleton.root is not None:
        pairs = turning_pairs(skeleton, "tree")
        turned = turn_limbs(
            np.where(seen[..., None], xy, np.nan), pairs, draw_angles(rng, (count, len(pairs)), "tree", 8)
        )
        xy = np.where(seen[..., None], turned, xy).astype(np.float32)
    mirrored = rng.random(count) < 0.5
    order = skeleton.mirror_order
    x = np.where(mirrored[:, None, None, None], x[:, :, order], x)
    xy = np.where(mirrored[:, None, None, None], xy[:, :, order] * np.float32([-1, 1]), xy)
    seen = np.where(mirrored[:, None, None], seen[:, :, order], seen)
    turns = np.deg2rad(rng.normal(0, 7, count)).astype(np.float32)
    sizes = rng.uniform(0.85, 1.15, count).astype(np.float32)
    cos, sin = sizes * np.cos(turns), sizes * np.sin(turns)
    xy = np.einsum("nftc,ndc->nftd", xy, np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1))
    frames = mask.sum(axis=1)[:, None, None, None]
    mean = (xy * inside).sum(axis=1, keepdims=True) / frames
    lost = rng.random((count, 1, len(skeleton), 1)) < 0.05
    xy = np.where(lost, mean, xy)
    spread = np.sqrt((xy**2 * inside).sum() / (inside.sum() * xy.shape[2] * 2))
    xy = xy + rng.normal(0, 0.02 * spread, xy.shape).astype(np.float32)
    xy = np.where(seen[..., None], xy, x[..., :2])  # stand-ins for unseen joints stay as they are
    x = np.concatenate([xy, x[..., 2:]], axis=-1) * inside
    return replace(clips, x=x, seen=seen)


def _cropped(clips: Clips, rng: np.random.Generator) -> Clips:
    """Each clip cut to a random 75-100 % of its frames, moved to the front.

    Clips whose root stands at the origin in the first frame stand there again after the cut, as in prediction.
    """
    lengths = clips.lengths
    keep = np.maximum(1, np.round(lengths * rng.uniform(0.75, 1, len(clips)))).astype(int)
    start = np.floor(rng.random(len(clips)) * (lengths - keep + 1)).astype(int)
    frames = np.arange(clips.x.shape[1])
    rows = np.minimum(start[:, None] + frames, clips.x.shape[1] - 1)
    mask = frames < keep[:, None]
    clip = np.arange(len(clips))[:, None]
    x = clips.x[clip, rows]
    seen = clips.seen[clip, rows] & mask[..., None]
    if clips.skeleton.root is not None:
        root = clips.skeleton.index(clips.skeleton.root)
        centred = (clips.x[:, 0, root, :2] == 0).all(axis=-1) & clips.seen[:, 0, root] & seen[:, 0, root]
        shift = np.where(centred[:, None], x[:, 0, root, :2], 0)[:, None, None]
        x[..., :2] = np.where(seen[..., None], x[..., :2] - shift, x[..., :2])
    return replace(clips, x=x * mask[..., None, None], mask=mask, seen=seen)
