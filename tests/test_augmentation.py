"""augmentation: each change alone, all changes together, and copies with rotated limbs."""

from dataclasses import fields, replace

import numpy as np
import pytest
from helpers.random_recordings import random_recording

from gymskel.clips import Clips
from gymskel.preprocess import pad, rotate_joints, select_joints
from gymskel.preprocess.augmentation import Augmentation, augment_clips, rotated_copies
from gymskel.preprocess.motion import CLIP_CHANNELS, compute_channels
from gymskel.recording import Recording
from gymskel.skeleton import GYMNASTICS_15, Skeleton

NOTHING = Augmentation(**{field.name: 0 for field in fields(Augmentation)})
HIP = GYMNASTICS_15.index("MidHip")


@pytest.fixture
def clips() -> Clips:
    """Bodies that move smoothly, some joints never seen; lengths from 12 to 24."""
    rng = np.random.default_rng(0)
    t = np.linspace(0, 1, 24)[None, :, None, None]
    x = rng.normal(size=(40, 1, 15, 2)) + rng.normal(size=(40, 1, 15, 2)) * np.sin(
        5 * t + rng.normal(size=(40, 1, 1, 2))
    )
    x[::7, :, 3] = np.nan
    lengths = rng.integers(12, 25, 40)
    x[np.arange(24) >= lengths[:, None]] = np.nan
    y = rng.integers(0, 2, 40)
    return Clips.from_arrays(x, lengths=lengths, y=y, skeleton=GYMNASTICS_15, fps=20)


def copy(clips, seed=0, **how):
    return augment_clips(clips, np.random.default_rng(seed), replace(NOTHING, **how))


def test_nothing_is_nothing(clips):
    made = copy(clips)
    for name in ("x", "mask", "seen", "y"):
        np.testing.assert_allclose(getattr(made, name), getattr(clips, name), atol=1e-6)
    assert (made.sources, made.athletes) == (clips.sources, clips.athletes)


@pytest.mark.parametrize("name", [field.name for field in fields(Augmentation)])
def test_each_changes_something_alone_and_by_its_seed(clips, name):
    amount = {"turn": 7, "limbs": 8}.get(name, 0.3)
    made, again, other = (copy(clips, seed, **{name: amount}) for seed in (1, 1, 2))
    np.testing.assert_array_equal(made.x, again.x)
    assert np.abs(made.x - clips.x).max() > 0.01 and np.abs(made.x - other.x).max() > 0.01
    assert np.isfinite(made.x).all() and (made.x[~made.mask] == 0).all()
    unseen = ~made.seen & made.mask[..., None]
    assert (made.x[unseen] == 0).all()  # the stand-in stays
    if name != "crop":
        np.testing.assert_array_equal(made.mask, clips.mask)


def test_turned_and_scaled_as_a_whole(clips):
    made = copy(clips, turn=20, scale=0.3)
    seen = clips.seen[:, 0].all(axis=1)
    old, new = clips.x[seen, 0], made.x[seen, 0]
    ratio = np.linalg.norm(new, axis=-1) / np.linalg.norm(old, axis=-1)
    np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones(15), rtol=1e-3)
    assert 0.7 <= ratio.min() < 0.85 and 1.15 < ratio.max() <= 1.3


def test_a_warp_keeps_first_and_last_frame_and_the_path(clips):
    t = np.linspace(0, 1, 24)
    x = np.broadcast_to(t[None, :, None, None], (40, 24, 15, 2))
    made = copy(Clips.from_arrays(x, skeleton=GYMNASTICS_15), warp=0.5).x[:, :, 0, 0]
    np.testing.assert_allclose(made[:, [0, -1]], np.tile([0, 1], (40, 1)), atol=1e-6)
    steps = np.diff(made, axis=1)
    assert (steps > 0).all()  # never backwards
    speed = steps * 23
    assert 0.5 <= speed.min() < 0.65 and 1.35 < speed.max() <= 1.5  # at most half as fast, half as fast again


def test_a_warp_stays_inside_each_clip(clips):
    marked = replace(clips, x=np.where(clips.mask[..., None, None], clips.x, 1e6).astype(np.float32))
    np.testing.assert_allclose(copy(marked, warp=0.4).x, copy(clips, warp=0.4).x, atol=1e-6)


def test_gaps_are_straight_lines_of_up_to_a_quarter_of_the_clip(clips):
    made = copy(clips, gaps=0.5)
    changed = (np.abs(made.x - clips.x) > 1e-6).any(axis=-1)  # (clips, frames, joints)
    share = changed.any(axis=1)[clips.seen.any(axis=1)].mean()
    assert 0.35 < share < 0.55
    longest = changed.sum(axis=1) / clips.lengths[:, None]
    assert 0.15 < longest.max() <= 0.25 + 1 / 12
    for clip, joint in np.argwhere(changed.any(axis=1))[:60]:
        rows = np.flatnonzero(changed[clip, :, joint])
        first, last, end = rows[0], rows[-1], clips.lengths[clip] - 1
        if first > 0 and last < end:  # inside: on the line between its neighbours
            a, b = clips.x[clip, [first - 1, last + 1], joint]
            way = np.arange(1, last - first + 2)[:, None] / (last - first + 2)
            np.testing.assert_allclose(made.x[clip, first : last + 1, joint], a + way * (b - a), atol=1e-4)


def test_joints_that_stand_still(clips):
    made = copy(clips, still=0.3)
    still = np.array(
        [[np.ptp(made.x[c, : made.lengths[c], j], axis=0).max() < 1e-6 for j in range(15)] for c in range(40)]
    )
    was_seen = clips.seen.any(axis=1)
    assert 0.2 < still[was_seen].mean() < 0.4


# --- other channels --------------------------------------------------------------------------------------------


def ball(frames=9, fps=10.0) -> Recording:
    """A body that falls: y = 9.81 t^2 / 2, x = 3 t; one joint is lost at the end."""
    t = np.arange(frames) / fps
    keypoints = np.zeros((frames, 15, 3))
    keypoints[..., 0], keypoints[..., 1] = (3 * t)[:, None], (9.81 * t**2 / 2)[:, None]
    keypoints[..., 2] = 0.5
    keypoints[-2:, 4] = np.nan, np.nan, 0
    return Recording(keypoints, fps, "fall", skeleton=GYMNASTICS_15)


def test_clips_with_every_channel():
    one = ball()
    clips = pad([one], channels=CLIP_CHANNELS, unseen=0.0, frames=12)
    assert clips.channels == CLIP_CHANNELS and clips.x.shape == (1, 12, 15, 9)
    values = dict(zip(CLIP_CHANNELS, np.moveaxis(clips.x[0, :9], -1, 0), strict=True))
    np.testing.assert_allclose(values["vx"][:, HIP], 3, atol=1e-4)
    np.testing.assert_allclose(values["ay"][:, HIP], 9.81, atol=1e-3)
    np.testing.assert_allclose(values["vy"][:, HIP], 9.81 * np.arange(9) / 10, atol=1e-3)
    assert (values["bx"] == 0).all() and (values["confidence"][0] == 0.5).all()
    assert (clips.x[0, 7:9, 4] == 0).all() and not clips.seen[0, 7:9, 4].any()


def test_unseen_joints_are_refused_with_every_channel():
    with pytest.raises(ValueError, match=r"Unseen joints \("):
        pad([ball()], channels=("x", "y", "vx", "vy"))


def test_a_single_frame_has_no_velocity():
    one = ball(1)
    clips = pad([one], channels=("x", "vx", "ax"), unseen=0.0)
    assert (clips.x[..., 1:] == 0).all() and clips.seen[0, 0, HIP]


def test_unknown_channels_are_refused():
    with pytest.raises(ValueError, match="Unknown channels z; there are x, y"):
        pad([ball()], channels=("x", "z"), unseen=0.0)
    with pytest.raises(ValueError, match="has no root"):
        compute_channels(np.zeros((2, 1, 3)), ("bx",), Skeleton("point", ("p",)), np.arange(2))


def test_copies_get_velocities_and_bones_of_their_own():
    """Not turned along: computed again from where the joints are now."""
    clips = pad([ball(12), ball(20)], channels=CLIP_CHANNELS, unseen=0.0)
    made = augment_clips(clips, np.random.default_rng(0))
    for clip, length in enumerate(made.lengths):
        xy = np.where(made.seen[clip, :length, :, None], made.x[clip, :length, :, :2], np.nan)
        values = np.nan_to_num(
            compute_channels(xy, CLIP_CHANNELS[3:], clips.skeleton, np.arange(length) / 10)
        )
        np.testing.assert_allclose(made.x[clip, :length, :, 3:], values, atol=2e-2)
    assert set(np.unique(made.x[..., 2].round(6))) <= {0, 0.5}  # confidence is kept


def test_clips_of_one_length_are_stretched_after_the_cut():
    """As `resample(frames=...)` gives them: time runs slower, from the cut's first frame to its last."""
    x = np.zeros((40, 32, 15, 2)) + np.arange(1, 33)[:, None, None]
    clips = Clips.from_arrays(x, skeleton=GYMNASTICS_15)
    only_cut = Augmentation(turn=0, scale=0, mirror=0, limbs=0, crop=0.25, jitter=0, still=0)
    made = augment_clips(clips, np.random.default_rng(0), only_cut)
    assert made.mask.all()
    time = made.x[:, :, 0, 0]
    steps = np.diff(time, axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-4)
    assert 23 <= np.ptp(time, axis=1).min() < 25 and 30 < np.ptp(time, axis=1).max() <= 31
    assert (time[:, 0] > 3).any() and (time[:, -1] < 30).any()  # from either end
    kept = augment_clips(replace(clips, fps=15.0), np.random.default_rng(0), only_cut)
    assert kept.lengths.min() < 32 and set(np.diff(kept.x[0, : kept.lengths[0], 0, 0])) == {1.0}


def test_another_crop_of_the_picture_is_one_shift_and_stretch_a_clip(clips):
    """Shares of the picture become shares of a part of it; who falls outside is unseen, and 0 with its confidence."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (30, 6, 15, 3)).astype(np.float32)
    whole = Clips.from_arrays(x, lengths=[4] * 30, skeleton=GYMNASTICS_15)
    made = copy(whole, picture=0.2)
    seen = made.seen
    for k in range(30):
        for axis in range(2):
            old, new = x[k, ..., axis][seen[k]], made.x[k, ..., axis][seen[k]]
            stretch, shift = np.polyfit(old, new, 1)
            assert 1 <= stretch <= 1 / 0.6 and -0.2 / 0.6 <= shift <= 0
            np.testing.assert_allclose(new, stretch * old + shift, atol=1e-5)
            lost = x[k, :4, :, axis][~seen[k, :4]]
            assert (made.x[k, ..., axis][seen[k]] >= 0).all() and len(lost) < 4 * 15
    np.testing.assert_array_equal(made.x[..., 2], np.where(seen, x[..., 2], 0))
    assert (made.x[~seen] == 0).all() and 0.02 < 1 - seen[:, :4].mean() < 0.5
    middle = (np.abs(x[..., :2] - 0.5) < 0.3).all(axis=-1) & whole.seen
    assert seen[middle].all()  # what no crop can lose


# --- all changes together, and copies with rotated limbs -------------------------------------------------------


@pytest.fixture(scope="module")
def still_bodies():
    """40 clips of 20 to 31 frames; each body stands at places of its own, hip at the origin."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(40, 1, 15, 2)), 31, axis=1)
    x -= x[:, :, [HIP]]
    names = {"y": ["flip", "jump"] * 20, "athletes": [f"s{i % 7}" for i in range(40)], "fps": 30}
    made = Clips.from_arrays(
        x,
        lengths=20 + np.arange(40) % 12,
        sources=[f"v{i}" for i in range(40)],
        skeleton=GYMNASTICS_15,
        **names,
    )
    return replace(made, x=made.x * made.mask[..., None, None])


COPIERS = {
    "thesis": lambda clips, seed: rotated_copies(clips, 3, seed=seed),
    "tree": lambda clips, seed: rotated_copies(clips, 3, method="tree", seed=seed),
    "augment_clips": lambda clips, seed: augment_clips(clips, np.random.default_rng(seed)),
}


@pytest.mark.parametrize("name", COPIERS)
def test_copies_keep_labels_and_athletes_and_come_from_the_seed(name, still_bodies):
    before = still_bodies.x.copy(), still_bodies.mask.copy(), still_bodies.seen.copy()
    copies = COPIERS[name](still_bodies, 1)
    times = 1 if name == "augment_clips" else 3
    assert len(copies) == times * 40 and copies.x.dtype == np.float32
    assert copies.y.tolist() == still_bodies.y.tolist() * times
    assert copies.athletes == still_bodies.athletes * times and copies.sources == still_bodies.sources * times
    assert (copies.classes, copies.fps, copies.skeleton) == (
        still_bodies.classes,
        still_bodies.fps,
        still_bodies.skeleton,
    )
    assert np.isfinite(copies.x).all() and copies.mask[:, 0].all()
    assert not (copies.mask[:, 1:] & ~copies.mask[:, :-1]).any()
    assert not copies.x[~copies.mask].any()
    for array, was in zip((still_bodies.x, still_bodies.mask, still_bodies.seen), before, strict=True):
        np.testing.assert_array_equal(array, was)
    np.testing.assert_array_equal(COPIERS[name](still_bodies, 1).x, copies.x)
    assert (COPIERS[name](still_bodies, 2).x != copies.x).any(axis=(1, 2, 3)).all()
    changed = np.abs(copies.x[:, 0] - np.tile(still_bodies.x[:, 0], (times, 1, 1))).max(axis=(1, 2))
    assert (changed > 1e-3).all()


def test_copies_do_not_touch_the_global_generator(still_bodies):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    for copier in COPIERS.values():
        copier(still_bodies, None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("method", ["thesis", "tree"])
def test_a_copy_is_the_recording_with_its_joints_rotated(method):
    one = select_joints(random_recording(unseen=0), GYMNASTICS_15)
    copy = rotated_copies(pad([one], frames=20), 1, method=method, seed=5)
    wanted = pad([rotate_joints(one, method=method, seed=5)], frames=20)
    np.testing.assert_allclose(copy.x, wanted.x, atol=1e-3)
    np.testing.assert_array_equal(copy.mask, wanted.mask)


def test_every_copy_turns_by_angles_of_its_own(still_bodies):
    copies = rotated_copies(still_bodies, 3, seed=0)
    assert len(np.unique(copies.x[:, 0].reshape(120, -1), axis=0)) == 120
    np.testing.assert_allclose(copies.x[:, 19], copies.x[:, 0], atol=1e-5)  # the same in all frames
    np.testing.assert_allclose(
        rotated_copies(still_bodies, 2, max_angle=0, seed=0).x[40:], still_bodies.x, atol=1e-5
    )


def test_other_channels_are_carried_along(still_bodies):
    more = np.concatenate([still_bodies.x, np.ones_like(still_bodies.x[..., :1])], axis=-1)
    three = replace(still_bodies, x=more, channels=("x", "y", "confidence"))
    np.testing.assert_array_equal(rotated_copies(three, 1, seed=0).x[..., 2], more[..., 2])
    made = augment_clips(three, np.random.default_rng(0))
    np.testing.assert_array_equal(made.x[..., 2], np.broadcast_to(made.mask[..., None], made.x.shape[:3]))


def test_augmented_clips_are_cut_to_three_quarters_at_most(still_bodies):
    shares = np.concatenate(
        [
            augment_clips(still_bodies, np.random.default_rng(seed)).lengths / still_bodies.lengths
            for seed in range(5)
        ]
    )
    assert 0.72 < shares.min() < 0.8 and 0.95 < shares.max() <= 1


def test_the_cut_is_one_run_of_the_clip():
    time = np.arange(40)
    x = np.zeros((30, 40, 15, 3))
    x[..., 0] = x[..., 2] = time[:, None]  # the third channel is carried along and tells the frame
    clips = Clips.from_arrays(x, channels=("x", "y", "frame"), skeleton=GYMNASTICS_15, fps=30)
    made = augment_clips(clips, np.random.default_rng(0))
    starts = set()
    for one in (made[i] for i in range(30)):
        length = one.lengths[0]
        frames = one.x[0, :length, 0, 2]
        assert frames.tolist() == list(range(int(frames[0]), int(frames[0]) + length))
        place = np.linalg.norm(np.median(one.x[0, :length, :, :2], axis=1), axis=-1)
        assert np.corrcoef(place, frames)[0, 1] > 0.98
        assert not one.seen[0, length:].any()
        starts.add(frames[0])
    assert 0 in starts and max(starts) > 5


def test_stand_ins_of_unseen_joints_are_not_turned():
    x = np.random.default_rng(0).normal(size=(2, 20, 15, 2))
    x[0, 5:9, 3] = np.nan  # RElbow, the pivot of RWrist
    clips = Clips.from_arrays(x, skeleton=GYMNASTICS_15)
    for made in (rotated_copies(clips, 1, seed=0), augment_clips(clips, np.random.default_rng(0))):
        assert (made.x[~made.seen] == 0).all() and (~made.seen[0]).sum() >= 1


def test_one_joint_in_twenty_stands_still():
    x = np.zeros((200, 30, 15, 2))
    x[..., 0] = 10 * np.arange(30)[:, None]
    made = augment_clips(Clips.from_arrays(x), np.random.default_rng(0))
    travel = np.array(
        [np.ptp(clip[:n], axis=0).max(axis=-1) for clip, n in zip(made.x, made.lengths, strict=True)]
    )
    lost = travel < 60  # they only tremble; the others travel 170 px or more
    assert 0.03 < lost.mean() < 0.07
    np.testing.assert_array_equal(made.seen, np.repeat(made.mask[..., None], 15, axis=-1))


def test_augmented_bodies_keep_their_proportions(still_bodies):
    made = augment_clips(still_bodies, np.random.default_rng(4))
    sizes = []
    for before, after, length in zip(still_bodies.x, made.x, made.lengths, strict=True):
        a, b = before[0], after[:length].mean(axis=0)
        bones = [tuple(GYMNASTICS_15.indices(limb)) for limb in GYMNASTICS_15.limbs]
        straight, mirrored = (
            np.array([np.linalg.norm(b[i] - b[j]) / np.linalg.norm(a[o[i]] - a[o[j]]) for i, j in bones])
            for o in (range(15), GYMNASTICS_15.mirror_order)
        )
        best = min((straight, mirrored), key=lambda ratios: ratios.std())
        assert best.std() < 0.05  # one size for all bones: they turn, they do not stretch
        sizes.append((best.mean(), best is mirrored))
    scales, flipped = np.array(sizes).T
    assert 0.83 < scales.min() < 0.95 and 1.05 < scales.max() < 1.17
    assert 10 < flipped.sum() < 30


def test_mirroring_exchanges_what_was_seen(still_bodies):
    right, left = GYMNASTICS_15.index("RWrist"), GYMNASTICS_15.index("LWrist")
    seen = still_bodies.seen.copy()
    seen[:, :, right] = False
    made = augment_clips(replace(still_bodies, seen=seen), np.random.default_rng(0))
    lost = ~made.seen[:, 0]
    assert (lost.sum(axis=1) == 1).all() and (lost[:, right] ^ lost[:, left]).all()
    assert 10 < lost[:, left].sum() < 30


def test_copiers_refuse(still_bodies):
    with pytest.raises(ValueError, match=r"`copies` must be .* got 0"):
        rotated_copies(still_bodies, 0)
    with pytest.raises(ValueError, match=r"`method` must be .* got 'other'"):
        rotated_copies(still_bodies, 1, method="other")
