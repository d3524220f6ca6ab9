"""Random copies of clips that could have been filmed; made after the split, of the training part alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gymskel.clips import Clips, concatenate
from gymskel.preprocess.limbs import draw_angles, rotate_limbs, rotation_pairs
from gymskel.preprocess.motion import DERIVED_CHANNELS, compute_channels


def rotated_copies(
    clips: Clips, copies: int, *, method: str = "thesis", max_angle: float = 15, seed: int | None = None
) -> Clips:
    """Return `copies` copies of every clip with limbs rotated at random (thesis sec. 4.2.5), without the originals.

    Copies keep label, athlete and source of their original, so that a split can keep them together.

    Args:
        clips: channels x and y first; other channels are copied.
        method, max_angle, seed: as in `rotate_joints`.
    """
    if copies < 1:
        raise ValueError(f"`copies` must be at least 1, got {copies}.")
    rng = np.random.default_rng(seed)
    pairs = rotation_pairs(clips.skeleton, method)
    parts = []
    for _ in range(copies):
        x, angles = clips.x.copy(), draw_angles(rng, (len(clips), len(pairs)), method, max_angle)
        x[..., :2] = _rotate_seen(x[..., :2], clips.seen, pairs, angles)
        parts.append(replace(clips, x=x))
    return concatenate(parts)


def _rotate_seen(
    xy: np.ndarray, seen: np.ndarray, pairs: list[tuple[int, list[int]]], angles: np.ndarray
) -> np.ndarray:
    """Rotate limbs as `rotate_limbs` does; the stand-ins of unseen joints stay as they are."""
    rotated = rotate_limbs(np.where(seen[..., None], xy, np.nan), pairs, angles)
    return np.where(seen[..., None], rotated, xy)


@dataclass(frozen=True)
class Augmentation:
    """Largest differences between a clip and its random copy. 0 switches a change off.

    Attributes:
        turn: degrees, standard deviation of the rotation of the whole body.
        scale: largest relative change of the body's size.
        mirror: share of the copies that are mirrored, left and right exchanged. Copies keep their label: use 0 if a move
            to the left and one to the right are two classes.
        limbs: degrees, largest rotation of each limb to either side; bones keep their length. Needs a root.
        crop: largest share of the frames that is cut away, at the two ends together.
        warp: largest relative change of tempo between the middle of the clip and its ends.
        jitter: standard deviation of noise on x and y, as a share of the root mean square of all coordinates.
        still: share of the joints that stay at their mean position throughout.
        gaps: share of the joints that are lost for up to a quarter of the clip and filled with a straight line, as
            an estimator loses them and preprocessing fills them.
        picture: largest share of the picture's width and height that is cut away at each side, for coordinates relative
            to the picture (`relative`): the augmentation of Zhang et al. Joints outside become unseen, 0.
    """

    turn: float = 7.0
    scale: float = 0.15
    mirror: float = 0.5
    limbs: float = 8.0
    crop: float = 0.25
    warp: float = 0.0
    jitter: float = 0.02
    still: float = 0.05
    gaps: float = 0.0
    picture: float = 0.0


DEFAULT_AUGMENTATION = Augmentation()  # another camera, another try of the athlete

RANDOM_CROPS = Augmentation(turn=0, scale=0, mirror=0, limbs=0, crop=0, jitter=0, still=0, picture=0.1)
"""Random crops of the picture alone: Zhang et al. (exercise quality); the paper does not give their size."""


def augment_clips(
    clips: Clips, rng: np.random.Generator, augmentation: Augmentation = DEFAULT_AUGMENTATION
) -> Clips:
    """Return one random copy of every clip, as if another try had been filmed by another camera.

    Shapes, labels, athletes and sources stay; `mask` follows the crop.

    Args:
        clips: channels x and y first. Velocities, accelerations and bones are computed again; other channels stay.
        rng: source of the random numbers.
        augmentation: largest changes.
    """
    clips = _crop(clips, rng, augmentation.crop)
    if augmentation.picture:
        clips = _crop_picture(clips, rng, augmentation.picture)
    if augmentation.warp:
        clips = _warp(clips, rng, augmentation.warp)
    x, seen, skeleton = clips.x, clips.seen, clips.skeleton
    inside = clips.mask[..., None, None]
    xy = x[..., :2].astype(np.float32)
    if skeleton.root is not None and augmentation.limbs:
        pairs = rotation_pairs(skeleton, "tree")
        angles = draw_angles(rng, (len(x), len(pairs)), "tree", augmentation.limbs)
        xy = _rotate_seen(xy, seen, pairs, angles).astype(np.float32)
    x, xy, seen = _mirror(x, xy, seen, skeleton.mirror_order, rng.random(len(x)) < augmentation.mirror)
    turns = np.deg2rad(rng.normal(0, augmentation.turn, len(x)))
    sizes = rng.uniform(1 - augmentation.scale, 1 + augmentation.scale, len(x))
    cos, sin = (sizes * np.cos(turns)).astype(np.float32), (sizes * np.sin(turns)).astype(np.float32)
    rotations = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1)
    xy = np.einsum("nftc,ndc->nftd", xy, rotations)
    if augmentation.gaps:
        xy = _draw_gaps(xy, clips.lengths, rng, augmentation.gaps)
    frames = clips.lengths[:, None, None, None]
    mean = (xy * inside).sum(axis=1, keepdims=True) / frames
    xy = np.where(rng.random((len(x), 1, len(skeleton), 1)) < augmentation.still, mean, xy)
    spread = np.sqrt((xy**2 * inside).sum() / (inside.sum() * xy.shape[2] * 2))
    xy = xy + rng.normal(0, augmentation.jitter * spread, xy.shape).astype(np.float32)
    xy = np.where(seen[..., None], xy, x[..., :2])  # stand-ins for unseen joints stay as they are
    x = np.concatenate([xy, x[..., 2:]], axis=-1)
    if set(clips.channels) & set(DERIVED_CHANNELS):
        x = _recompute_derived(replace(clips, x=x * inside, seen=seen))
    return replace(clips, x=x * inside, seen=seen)


def _crop_picture(clips: Clips, rng: np.random.Generator, largest: float) -> Clips:
    """Make coordinates relative to a random part of the picture, another part for each clip."""
    left, right, top, bottom = rng.uniform(0, largest, (4, len(clips)))
    corner = np.stack([left, top], -1)[:, None, None]
    size = np.stack([1 - left - right, 1 - top - bottom], -1)[:, None, None]
    xy = (clips.x[..., :2] - corner) / size
    seen = clips.seen & ((xy >= 0) & (xy < 1)).all(axis=-1)
    x = np.concatenate([xy, clips.x[..., 2:]], axis=-1).astype(np.float32)
    return replace(clips, x=np.where(seen[..., None], x, 0), seen=seen)


def _mirror(
    x: np.ndarray, xy: np.ndarray, seen: np.ndarray, order: list[int], mirrored: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mirror those clips for which `mirrored` is True, and return the three arrays."""
    chosen = mirrored[:, None, None, None]
    return (
        np.where(chosen, x[:, :, order], x),
        np.where(chosen, xy[:, :, order] * np.array([-1, 1], np.float32), xy),
        np.where(chosen[..., 0], seen[:, :, order], seen),
    )


def _draw_gaps(xy: np.ndarray, lengths: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Bridge a random gap of up to a quarter of the clip in a share of the joints; at an end, hold the nearest position."""
    count, frames, joints, _ = xy.shape
    lost = rng.random((count, joints)) < share
    first = np.floor(rng.random((count, joints)) * lengths[:, None]).astype(int)
    after = first + np.ceil(rng.random((count, joints)) * lengths[:, None] / 4).astype(int)
    before, end = np.maximum(first - 1, 0), np.minimum(after, lengths[:, None] - 1)
    before, end = np.where(first == 0, end, before), np.where(after >= lengths[:, None], before, end)
    clip, joint = np.arange(count)[:, None], np.arange(joints)
    a, b = xy[clip, before, joint][:, None], xy[clip, end, joint][:, None]
    now = np.arange(frames)[:, None]
    span = np.maximum(end - before, 1)[:, None]
    line = a + np.clip((now - before[:, None]) / span, 0, 1)[..., None] * (b - a)
    gone = lost[:, None] & (now >= first[:, None]) & (now < after[:, None])
    return np.where(gone[..., None], line, xy).astype(np.float32)


def _warp(clips: Clips, rng: np.random.Generator, largest: float) -> Clips:
    """Play each clip faster in the middle and slower at the ends, or the other way round."""
    last = (clips.lengths - 1)[:, None]
    share = np.arange(clips.x.shape[1]) / np.maximum(last, 1)
    bent = share + rng.uniform(-largest, largest, (len(clips), 1)) * np.sin(2 * np.pi * share) / (2 * np.pi)
    at = np.clip(np.where(clips.mask, bent, 0), 0, 1) * last
    warped = _sample_at(clips, at)
    return replace(warped, x=warped.x * clips.mask[..., None, None], seen=warped.seen & clips.mask[..., None])


def _recompute_derived(clips: Clips) -> np.ndarray:
    """Return `x` of the clips with velocities, accelerations and bones computed again from x and y."""
    times = np.arange(clips.x.shape[1]) / (clips.fps or 1.0)
    xy = np.where(clips.seen[..., None], clips.x[..., :2], np.nan)
    names = [name for name in clips.channels if name in DERIVED_CHANNELS]
    x = clips.x.copy()
    x[..., [clips.channels.index(name) for name in names]] = np.nan_to_num(
        compute_channels(xy, names, clips.skeleton, times)
    )
    return x


def _crop(clips: Clips, rng: np.random.Generator, largest: float) -> Clips:
    """Cut away a random share of each clip's frames, up to `largest`, and move the rest to the front.

    Clips of one length without a frame rate, as `resample(frames=...)` gives them, are stretched to that length again.
    Clips whose root is at the origin in the first frame are moved so that it is there again. Prediction does the same.
    """
    lengths, frames = clips.lengths, clips.x.shape[1]
    keep = np.maximum(1, np.round(lengths * rng.uniform(1 - largest, 1, len(clips)))).astype(int)
    start = np.floor(rng.random(len(clips)) * (lengths - keep + 1)).astype(int)[:, None]
    if clips.fps is None and clips.mask.all():
        share = np.linspace(0, 1, frames)
        cut = _sample_at(clips, start + share * (keep[:, None] - 1))
        x, seen, mask = cut.x, cut.seen, clips.mask
    else:
        clip, rows = np.arange(len(clips))[:, None], np.minimum(start + np.arange(frames), frames - 1)
        mask = np.arange(frames) < keep[:, None]
        x, seen = clips.x[clip, rows], clips.seen[clip, rows] & mask[..., None]
    if clips.skeleton.root is not None:
        root = clips.skeleton.index(clips.skeleton.root)
        centred = (clips.x[:, 0, root, :2] == 0).all(axis=-1) & clips.seen[:, 0, root] & seen[:, 0, root]
        shift = np.where(centred[:, None], x[:, 0, root, :2], 0)[:, None, None]
        x[..., :2] = np.where(seen[..., None], x[..., :2] - shift, x[..., :2])
    return replace(clips, x=x * mask[..., None, None], mask=mask, seen=seen)


def _sample_at(clips: Clips, at: np.ndarray) -> Clips:
    """Interpolate clips linearly at fractional frames `at` (clips, frames); between seen and unseen a joint is unseen."""
    before = np.floor(at).astype(int)
    after, clip = np.minimum(before + 1, clips.lengths[:, None] - 1), np.arange(len(clips))[:, None]
    after = np.where(at == before, before, after)
    share = (at - before)[..., None, None].astype(np.float32)
    x = clips.x[clip, before] + share * (clips.x[clip, after] - clips.x[clip, before])
    first, second = clips.seen[clip, before], clips.seen[clip, after]
    stand_in = np.where(first[..., None], clips.x[clip, after], clips.x[clip, before])
    seen = first & second
    return replace(clips, x=np.where(seen[..., None], x, stand_in), seen=seen)
