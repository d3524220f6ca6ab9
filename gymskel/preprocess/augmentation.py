"""Copies of clips that could have been filmed. Used after the split, on the training part alone (see training)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gymskel.clips import Clips, concatenate
from gymskel.preprocess.limbs import draw_angles, rotate_limbs, rotation_pairs
from gymskel.preprocess.motion import DERIVED_CHANNELS, compute_channels


def rotated_copies(
    clips: Clips, copies: int, *, method: str = "thesis", max_angle: float = 15, seed: int | None = None
) -> Clips:
    """That many copies of every clip with limbs turned at random, originals left out; thesis sec. 4.2.5.

    Copies keep label, athlete and source of their original, so that a split can keep them together.
    """
    if copies < 1:
        raise ValueError(f"`copies` must be at least 1, got {copies}.")
    rng = np.random.default_rng(seed)
    pairs = rotation_pairs(clips.skeleton, method)
    made = []
    for _ in range(copies):
        angles = draw_angles(rng, (len(clips), len(pairs)), method, max_angle)
        turned = rotate_limbs(np.where(clips.seen[..., None], clips.x[..., :2], np.nan), pairs, angles)
        x = clips.x.copy()  # where a joint is unseen its stand-in stays as it is
        x[..., :2] = np.where(clips.seen[..., None], turned, x[..., :2])
        made.append(replace(clips, x=x))
    return concatenate(made)


@dataclass(frozen=True)
class Augmentation:
    """How much a fresh copy of a clip may differ from it. 0 = not at all.

    Attributes:
        turn: degrees by which the whole body turns, standard deviation.
        scale: it becomes at most this share larger or smaller.
        mirror: share of the copies that are mirrored, left and right exchanged, and keep their label: 0 where a move to the
            left and one to the right are two classes.
        limbs: degrees by which each limb turns at the most, to either side, bones kept.
        crop: share of the frames that may be cut away, from either end.
        warp: how much faster or slower the middle of the clip may be told than its ends, share.
        jitter: how far joints tremble, standard deviation as a share of the clips' spread.
        still: share of the joints that stand still at their mean place throughout.
        gaps: share of the joints that are lost for up to a quarter of the clip and filled with a straight line, as
            an estimator loses them and preprocessing fills them.
        picture: share of the picture's width and height that may be cut away from each side, for places relative to
            the picture (`relative`): the augmentation of Zhang et al. Joints outside become unseen, 0.
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


DEFAULT_AUGMENTATION = Augmentation()
"""The default: another camera, another try."""

RANDOM_CROPS = Augmentation(turn=0, scale=0, mirror=0, limbs=0, crop=0, jitter=0, still=0, picture=0.1)
"""Random crops of the picture and nothing else; Zhang et al. (exercise quality), who do not say how large."""


def augment_clips(clips: Clips, rng: np.random.Generator, how: Augmentation = DEFAULT_AUGMENTATION) -> Clips:
    """One fresh copy of every clip, as another camera would have filmed another try.

    Args:
        clips: channels x and y first; velocities, accelerations and bones are computed anew, any other channel is kept.
        rng: where the chances come from.
        how: how much may change.

    Returns:
        Clips of the same shape; `mask` follows the cut, labels, athletes and sources stay.
    """
    clips = _cropped(clips, rng, how.crop)
    if how.picture:
        clips = _other_picture(clips, rng, how.picture)
    if how.warp:
        clips = _warped(clips, rng, how.warp)
    x, seen, skeleton = clips.x, clips.seen, clips.skeleton
    inside = clips.mask[..., None, None]
    xy = x[..., :2].astype(np.float32)
    if skeleton.root is not None and how.limbs:
        pairs = rotation_pairs(skeleton, "tree")
        angles = draw_angles(rng, (len(x), len(pairs)), "tree", how.limbs)
        turned = rotate_limbs(np.where(seen[..., None], xy, np.nan), pairs, angles)
        xy = np.where(seen[..., None], turned, xy).astype(np.float32)
    x, xy, seen = _mirrored(x, xy, seen, skeleton.mirror_order, rng.random(len(x)) < how.mirror)
    xy = _turned(xy, rng.normal(0, how.turn, len(x)), rng.uniform(1 - how.scale, 1 + how.scale, len(x)))
    if how.gaps:
        xy = _bridged(xy, clips.lengths, rng, how.gaps)
    frames = clips.lengths[:, None, None, None]
    mean = (xy * inside).sum(axis=1, keepdims=True) / frames
    xy = np.where(rng.random((len(x), 1, len(skeleton), 1)) < how.still, mean, xy)
    spread = np.sqrt((xy**2 * inside).sum() / (inside.sum() * xy.shape[2] * 2))
    xy = xy + rng.normal(0, how.jitter * spread, xy.shape).astype(np.float32)
    xy = np.where(seen[..., None], xy, x[..., :2])  # stand-ins for unseen joints stay as they are
    x = np.concatenate([xy, x[..., 2:]], axis=-1)
    if set(clips.channels) & set(DERIVED_CHANNELS):
        x = _derived(replace(clips, x=x * inside, seen=seen))
    return replace(clips, x=x * inside, seen=seen)


def _other_picture(clips: Clips, rng: np.random.Generator, most: float) -> Clips:
    """Places relative to a random part of the picture, one part for each clip."""
    left, right, top, bottom = rng.uniform(0, most, (4, len(clips)))
    corner = np.stack([left, top], -1)[:, None, None]
    size = np.stack([1 - left - right, 1 - top - bottom], -1)[:, None, None]
    xy = (clips.x[..., :2] - corner) / size
    seen = clips.seen & ((xy >= 0) & (xy < 1)).all(axis=-1)
    x = np.concatenate([xy, clips.x[..., 2:]], axis=-1).astype(np.float32)
    return replace(clips, x=np.where(seen[..., None], x, 0), seen=seen)


def _mirrored(
    x: np.ndarray, xy: np.ndarray, seen: np.ndarray, order: list[int], mirrored: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three arrays with those clips in a mirror that `mirrored` says."""
    there = mirrored[:, None, None, None]
    return (
        np.where(there, x[:, :, order], x),
        np.where(there, xy[:, :, order] * np.float32([-1, 1]), xy),
        np.where(there[..., 0], seen[:, :, order], seen),
    )


def _turned(xy: np.ndarray, degrees: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    turns = np.deg2rad(degrees)
    cos, sin = (sizes * np.cos(turns)).astype(np.float32), (sizes * np.sin(turns)).astype(np.float32)
    return np.einsum("nftc,ndc->nftd", xy, np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1))


def _bridged(xy: np.ndarray, lengths: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Some joints lost for up to a quarter of the clip, a straight line (or the last place) in their stead."""
    count, frames, joints, _ = xy.shape
    lost = rng.random((count, joints)) < share
    first = np.floor(rng.random((count, joints)) * lengths[:, None]).astype(int)
    after = first + np.ceil(rng.random((count, joints)) * lengths[:, None] / 4).astype(int)
    before, end = np.maximum(first - 1, 0), np.minimum(after, lengths[:, None] - 1)
    before, end = np.where(first == 0, end, before), np.where(after >= lengths[:, None], before, end)
    clip, joint = np.arange(count)[:, None], np.arange(joints)
    a, b = xy[clip, before, joint][:, None], xy[clip, end, joint][:, None]
    now = np.arange(frames)[:, None]
    way = np.maximum(end - before, 1)[:, None]
    line = a + np.clip((now - before[:, None]) / way, 0, 1)[..., None] * (b - a)
    gone = lost[:, None] & (now >= first[:, None]) & (now < after[:, None])
    return np.where(gone[..., None], line, xy).astype(np.float32)


def _warped(clips: Clips, rng: np.random.Generator, most: float) -> Clips:
    """Each clip's frames read at times that run faster in the middle and slower at the ends, or the other way."""
    last = (clips.lengths - 1)[:, None]
    share = np.arange(clips.x.shape[1]) / np.maximum(last, 1)
    bent = share + rng.uniform(-most, most, (len(clips), 1)) * np.sin(2 * np.pi * share) / (2 * np.pi)
    at = np.clip(np.where(clips.mask, bent, 0), 0, 1) * last
    read = _read_at(clips, at)
    return replace(read, x=read.x * clips.mask[..., None, None], seen=read.seen & clips.mask[..., None])


def _derived(clips: Clips) -> np.ndarray:
    """(clips, frames, joints, channels) with velocities, accelerations and bones computed from x and y again."""
    times = np.arange(clips.x.shape[1]) / (clips.fps or 1.0)
    xy = np.where(clips.seen[..., None], clips.x[..., :2], np.nan)
    names = [name for name in clips.channels if name in DERIVED_CHANNELS]
    x = clips.x.copy()
    x[..., [clips.channels.index(name) for name in names]] = np.nan_to_num(
        compute_channels(xy, names, clips.skeleton, times)
    )
    return x


def _cropped(clips: Clips, rng: np.random.Generator, most: float) -> Clips:
    """Each clip without up to `most` of its frames, moved to the front.

    Where every clip has the same number of frames and no frame rate, as `resample(frames=...)` leaves them, what is left is
    stretched to that number again. Clips whose root stands at the origin in the first frame stand there again after the
    cut. Both are as in prediction.
    """
    lengths, frames = clips.lengths, clips.x.shape[1]
    keep = np.maximum(1, np.round(lengths * rng.uniform(1 - most, 1, len(clips)))).astype(int)
    start = np.floor(rng.random(len(clips)) * (lengths - keep + 1)).astype(int)[:, None]
    if clips.fps is None and clips.mask.all():
        share = np.linspace(0, 1, frames)
        cut = _read_at(clips, start + share * (keep[:, None] - 1))
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


def _read_at(clips: Clips, at: np.ndarray) -> Clips:
    """Each clip's frames at (clips, frames) places between its own, on straight lines; between seen and unseen it is unseen."""
    before = np.floor(at).astype(int)
    after, clip = np.minimum(before + 1, clips.lengths[:, None] - 1), np.arange(len(clips))[:, None]
    after = np.where(at == before, before, after)
    part = (at - before)[..., None, None].astype(np.float32)
    x = clips.x[clip, before] + part * (clips.x[clip, after] - clips.x[clip, before])
    first, second = clips.seen[clip, before], clips.seen[clip, after]
    stand_in = np.where(first[..., None], clips.x[clip, after], clips.x[clip, before])
    seen = first & second
    return replace(clips, x=np.where(seen[..., None], x, stand_in), seen=seen)
