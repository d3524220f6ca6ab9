"""preprocess: each step against a literal account of it, golden data, invariances; pad; Preprocessor; copies."""

import json
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest

from gymskel.clips import Clips
from gymskel.preprocess import (
    Preprocessor,
    center,
    fill,
    pad,
    resample,
    rotate_joints,
    scale,
    select_joints,
)
from gymskel.preprocess.augment import augmented, rotated_copies
from gymskel.preprocess.limbs import THESIS_PAIRS, turning_pairs
from gymskel.preprocess.preprocessor import PRESETS, STEPS
from gymskel.recording import Recording, UnseenError
from gymskel.skeleton import BODY_25, COCO_17, COCO_18, GYMNASTICS_15, HALPE_26, Skeleton

N = np.nan
HIP = BODY_25.index("MidHip")
ROPE = Skeleton("rope", ("End", "Middle", "Root"), (("Root", "Middle"), ("Middle", "End")), root="Root")


def made(frames=12, unseen=0.25, seed=0, **given):
    """A body at random places, a quarter of its joints unseen."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0.2, 1, (frames, 25, 3)).astype(np.float32)
    keypoints[..., :2] *= 1000
    keypoints[rng.random((frames, 25)) < unseen] = np.nan, np.nan, 0
    told = {"fps": 60.0, "activity": "flip", "athlete": "s01", "sample": str(seed), "video": f"v{seed}.mov"}
    return Recording(keypoints, **{**told, **given})


def line(values, **given):
    """A recording of rope of which x of every joint runs through the values, NaN = unseen; y = 2x + 5."""
    x = np.asarray(values, float)[:, None] * np.ones(3)
    keypoints = np.stack([x, 2 * x + 5, np.where(np.isnan(x), 0, 0.5)], axis=-1)
    return Recording(keypoints, skeleton=ROPE, **{"fps": 60.0, **given})


def with_xy(recording, xy):
    return replace(recording, keypoints=np.concatenate([xy, recording.keypoints[..., 2:]], axis=-1))


# --- every step ------------------------------------------------------------------------------------------------

ARGUMENTS = {
    "drop_uncertain": {"below": 0.1},
    "remove_outliers": {"window": 5, "n_sigma": 3.0, "floor": 0.02},
    "fill": {"method": "thesis", "max_gap": None},
    "hold": {"max_gap": 4},
    "smooth": {"window": 3, "method": "trailing"},
    "smooth_savgol": {"window": 5, "polyorder": 2},
    "smooth_butterworth": {"cutoff": 8.0, "order": 2},
    "smooth_one_euro": {"min_cutoff": 1.0, "beta": 16.0},
    "resample": {"fps": 25.0},
    "center": {"joint": "Neck", "frame": "each"},
    "scale": {"top": "Neck", "bottom": "MidHip"},
    "select_joints": {"joints": ["Neck", "MidHip", "LKnee"]},
    "rotate_joints": {"angles": [1.0] * 14, "method": "thesis"},
    "turn": {"degrees": 30.0, "about": [5.0, 6.0]},
    "mirror": {},
    "relative": {"crop": [0.0, 0.0, 1.0, 1.0]},
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_pure_and_logged(name):
    one = made(history=({"step": "before"},), first_frame=0, image_size=(1920, 1080), estimator="made")
    before = one.keypoints.copy()
    two = STEPS[name](one, **ARGUMENTS[name])
    assert two.history == ({"step": "before"}, {"step": name, **ARGUMENTS[name]})
    np.testing.assert_array_equal(one.keypoints, before)
    assert not np.shares_memory(one.keypoints, two.keypoints) and two.keypoints.dtype == np.float32
    for field in fields(Recording):
        if field.name not in ("keypoints", "history", "skeleton", "fps", "space"):
            assert getattr(two, field.name) == getattr(one, field.name), field.name
    assert two.space == ("body" if name in ("center", "scale", "relative") else "image")
    assert two.fps == (25 if name == "resample" else 60)
    json.dumps(two.history)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_takes_a_single_frame(name):
    two = STEPS[name](made(1, unseen=0, image_size=(1920, 1080)), **ARGUMENTS[name])
    assert len(two) == 1 and two.seen.all()


def test_preprocess_loads_no_tensorflow():
    code = "import sys, gymskel.preprocess; assert not {'tensorflow', 'keras', 'cv2'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stderr == b""


# --- center and scale ------------------------------------------------------------------------------------------


def test_center_takes_the_first_midhip_from_every_frame(tumbling):
    for one in tumbling:
        first = one.xy[0, HIP]
        assert np.isfinite(first).all(), one.name
        np.testing.assert_array_equal(center(one).xy, one.xy - first)
        np.testing.assert_array_equal(center(one).confidence, one.confidence)


def test_center_waits_for_the_joint_to_be_seen():
    one = made(unseen=0)
    one.keypoints[:3, HIP] = np.nan, np.nan, 0
    two = center(one)
    np.testing.assert_array_equal(two.xy, one.xy - one.xy[3, HIP])
    assert two.xy[3, HIP].tolist() == [0, 0] and np.isfinite(two.xy[0, 0]).all()


def test_center_each_frame_takes_the_travel_away():
    one = made()
    two = center(one, frame="each")
    lost = ~one.seen[:, HIP]
    assert lost.any() and not lost.all()
    assert (two.xy[~lost, HIP] == 0).all()
    assert not two.seen[lost].any() and (two.confidence[lost] == 0).all()
    np.testing.assert_array_equal(two.xy[~lost], one.xy[~lost] - one.xy[~lost][:, [HIP]])
    np.testing.assert_array_equal(two.confidence[~lost], one.confidence[~lost])


@pytest.mark.parametrize("frame", ["first", "each"])
def test_a_centred_body_is_the_same_wherever_it_was(frame):
    one = made()
    travel = np.cumsum(np.random.default_rng(1).normal(size=(len(one), 1, 2)), axis=0) * 10
    shift = travel if frame == "each" else travel[:1]
    moved = with_xy(one, one.xy + shift)
    np.testing.assert_allclose(center(moved, frame=frame).xy, center(one, frame=frame).xy, atol=1e-3)
    assert center(one, joint="Nose", frame=frame).history[-1]["joint"] == "Nose"


def test_scale_measures_in_torsos():
    one = made(unseen=0)
    one.keypoints[:, BODY_25.index("Neck"), :2] = one.xy[:, HIP] + [[30, -40]]  # 50 px
    one.keypoints[0, HIP, :2] = 0  # one wild frame does not move a median
    two = scale(one)
    np.testing.assert_allclose(two.xy, one.xy / 50, rtol=1e-5)
    np.testing.assert_array_equal(two.confidence, one.confidence)
    np.testing.assert_allclose(scale(with_xy(one, one.xy * 3)).xy, two.xy, rtol=1e-5)
    one.keypoints[1:5, HIP] = np.nan, np.nan, 0
    np.testing.assert_allclose(scale(one).xy[6], one.xy[6] / 50, rtol=1e-5)
    legs = scale(one, top="LKnee", bottom="LAnkle")
    length = np.median(np.linalg.norm(one.xy[:, 13] - one.xy[:, 14], axis=-1))
    np.testing.assert_allclose(legs.xy[6], one.xy[6] / length, rtol=1e-5)


def without(*joints, frames=slice(None)):
    one = made(unseen=0)
    for joint in joints:
        one.keypoints[frames, BODY_25.index(joint)] = np.nan, np.nan, 0
    return one


def never_together():
    one = without("Neck", frames=slice(6))
    one.keypoints[6:, HIP] = np.nan, np.nan, 0
    return one


@pytest.mark.parametrize(
    ("step", "kind", "message"),
    [
        (lambda: center(without("MidHip")), UnseenError, "flip-0-s01: MidHip is unseen in every frame"),
        (lambda: center(made(), joint="Tail"), ValueError, "BODY_25 has no joint Tail"),
        (lambda: center(made(), frame="last"), ValueError, "`frame` must be 'first' or 'each', got 'last'"),
        (lambda: scale(without("Neck")), UnseenError, "flip-0-s01: Neck and MidHip are never seen together"),
        (lambda: scale(never_together()), UnseenError, "Neck and MidHip are never seen together"),
        (lambda: scale(line([1, 2]), top="End", bottom="Root"), UnseenError, "the torso has no length"),
        (lambda: scale(made(), top="Tail", bottom="Fin"), ValueError, "has no joint Tail, Fin"),
        (lambda: select_joints(made(), ["Tail"]), ValueError, "BODY_25 has no joint Tail"),
        (lambda: select_joints(line([1]), BODY_25), ValueError, "rope has no joint Nose"),
        (lambda: resample(made(fps=None), fps=30), ValueError, "frame rate unknown, .* Read it with fps="),
        (lambda: resample(made(), fps=0), ValueError, "`fps` must be frames a second above 0, got 0"),
        (lambda: resample(made(), fps=np.nan), ValueError, "`fps` must be frames a second above 0"),
    ],
)
def test_steps_refuse_what_they_cannot_do(step, kind, message):
    with pytest.raises(kind, match=message):
        step()


# --- resample and select_joints --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fps", "to", "frames"), [(60, 30, 31), (60, 20, 21), (60, 60, 61), (30, 60, 121), (60, 240, 241)]
)
def test_resample_keeps_uniform_motion_exact(fps, to, frames):
    one = line(np.arange(61) * 240 / fps, fps=fps)  # 240 px a second: whole pixels in every frame
    two = resample(one, fps=to)
    assert len(two) == frames and two.fps == to
    np.testing.assert_array_equal(two.xy[:, 0, 0], np.arange(frames) * 240 / to)
    np.testing.assert_array_equal(two.confidence, np.full((frames, 3), 0.5))


@pytest.mark.parametrize(("fps", "to"), [(24, 30), (29.97, 30), (59.94, 25), (240, 50), (25, 7)])
def test_resample_between_odd_rates(fps, to):
    one = line(100 + np.arange(50) * 900 / fps, fps=fps)
    two = resample(one, fps=to)
    assert len(two) == int(49 / fps * to + 1e-6) + 1
    np.testing.assert_allclose(two.xy[:, 0, 0], 100 + np.arange(len(two)) * 900 / to, rtol=1e-6)
    assert abs(two.seconds - one.seconds) <= 1 / fps + 1 / to


def test_resample_to_the_same_rate_changes_nothing():
    one = made(fps=29.97)
    np.testing.assert_array_equal(resample(one, fps=29.97).keypoints, one.keypoints)


def test_resample_goes_by_the_clock_where_there_is_one():
    times = 5 + np.cumsum(np.random.default_rng(0).uniform(0.01, 0.08, 40))
    one = line(100 * (times - times[0]), timestamps=times)
    two = resample(one, fps=25)
    np.testing.assert_allclose(two.xy[:, 0, 0], np.arange(len(two)) * 4, atol=1e-3)
    assert two.timestamps is None and two.first_frame == 0
    assert len(two) == int((times[-1] - times[0]) * 25) + 1


def test_resample_invents_nothing_in_a_gap():
    two = resample(line([0, 2, N, 6, 8], fps=10), fps=20)
    np.testing.assert_array_equal(two.xy[:, 0, 0], [0, 1, 2, N, N, N, 6, 7, 8])
    np.testing.assert_array_equal(two.confidence[:, 0] > 0, two.seen[:, 0])
    half = resample(line([0, N, 4, N, 8], fps=10), fps=5)
    np.testing.assert_array_equal(half.xy[:, 0, 0], [0, 4, 8])


def test_select_joints_by_name_and_in_the_order_given():
    one = made()
    two = select_joints(one, ["LKnee", "Neck", "RKnee"])
    np.testing.assert_array_equal(two.keypoints, one.keypoints[:, [13, 1, 10]])
    assert two.skeleton.joints == ("LKnee", "Neck", "RKnee") and two.skeleton.mirror == (("RKnee", "LKnee"),)
    assert select_joints(one, GYMNASTICS_15).skeleton is GYMNASTICS_15
    assert select_joints(one, iter(BODY_25.joints)).skeleton is BODY_25
    halpe = Recording(np.random.default_rng(0).random((2, 26, 3)), skeleton=HALPE_26)
    same = select_joints(halpe, GYMNASTICS_15)
    np.testing.assert_array_equal(same.keypoints, halpe.keypoints[:, HALPE_26.indices(GYMNASTICS_15.joints)])


# --- rotate_joints ---------------------------------------------------------------------------------------------


def turned_literally(xy, angles):
    """Thesis sec. 4.2.5, joint by joint and frame by frame, with the numbers of the joints as printed there."""
    pairs = "1-2 2-3 3-4 1-5 5-6 6-7 0-1 1-8 8-9 9-10 10-11 8-12 12-13 13-14"
    xy = xy.astype(float)
    for pair, angle in zip(pairs.split(), angles, strict=True):
        origin, point = map(int, pair.split("-"))
        a = np.pi * angle / 180
        for frame in xy:
            (ox, oy), (px, py) = frame[origin], frame[point]
            frame[point] = (
                ox + np.cos(a) * (px - ox) - np.sin(a) * (py - oy),
                oy + np.sin(a) * (px - ox) + np.cos(a) * (py - oy),
            )
    return xy


@pytest.mark.parametrize("skeleton", [BODY_25, GYMNASTICS_15], ids=lambda s: s.name)
def test_thesis_rotation_is_the_formula(skeleton):
    one = select_joints(made(unseen=0), skeleton)
    angles = np.random.default_rng(3).integers(0, 16, 14)
    two = rotate_joints(one, angles=angles, method="thesis")
    np.testing.assert_allclose(two.xy, turned_literally(one.xy, angles), atol=1e-2)
    np.testing.assert_array_equal(two.xy[:, 15:], one.xy[:, 15:])
    assert [tuple(skeleton.indices(pair)) for pair in THESIS_PAIRS][:7] == [
        *((1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (0, 1)),
    ]


def test_ninety_degrees_clockwise_on_screen():
    right = np.array([[[20, 0], [10, 0], [0, 0]]]) + 100.0  # the rope lies to the right of its root
    one = Recording(np.concatenate([right, np.ones((1, 3, 1))], axis=-1), skeleton=ROPE)
    assert turning_pairs(ROPE, "tree") == [(2, [1, 0]), (1, [0])]
    down = rotate_joints(one, angles=[90, 0]).xy[0] - 100
    np.testing.assert_allclose(down, [[0, 20], [0, 10], [0, 0]], atol=1e-4)  # y is down
    bent = rotate_joints(one, angles=[0, 90]).xy[0] - 100
    np.testing.assert_allclose(bent, [[10, 10], [10, 0], [0, 0]], atol=1e-4)
    both = rotate_joints(one, angles=[90, 90]).xy[0] - 100
    np.testing.assert_allclose(both, [[-10, 10], [0, 10], [0, 0]], atol=1e-4)


@pytest.mark.parametrize("skeleton", [BODY_25, GYMNASTICS_15, COCO_18], ids=lambda s: s.name)
def test_tree_rotation_keeps_bones_and_the_root(skeleton):
    keypoints = np.random.default_rng(0).uniform(0.1, 1, (5, len(skeleton), 3)) * [1000, 1000, 1]
    one = Recording(keypoints, skeleton=skeleton)
    two = rotate_joints(one, max_angle=40, seed=1)
    bones = [pair for pair, _ in zip(turning_pairs(skeleton, "tree"), skeleton.joints, strict=False)]
    assert len(bones) == len(skeleton) - 1
    for pivot, (joint, *_) in bones:
        before, after = (np.linalg.norm(r.xy[:, pivot] - r.xy[:, joint], axis=-1) for r in (one, two))
        np.testing.assert_allclose(after, before, atol=1e-2)
    root = skeleton.index(skeleton.root)
    np.testing.assert_array_equal(two.xy[:, root], one.xy[:, root])
    assert np.abs(two.xy - one.xy).max() > 10


@pytest.mark.parametrize("method", ["tree", "thesis"])
def test_no_angle_no_change(method):
    one = made(unseen=0)
    pairs = len(turning_pairs(BODY_25, method))
    np.testing.assert_allclose(rotate_joints(one, angles=[0] * pairs, method=method).xy, one.xy, atol=1e-3)
    np.testing.assert_allclose(rotate_joints(one, max_angle=0, method=method).xy, one.xy, atol=1e-3)


@pytest.mark.parametrize("method", ["tree", "thesis"])
def test_rotation_moves_and_grows_with_the_body(method):
    one = made(unseen=0)
    moved = rotate_joints(with_xy(one, one.xy * 0.5 + [50, 20]), method=method, seed=2)
    np.testing.assert_allclose(
        moved.xy, rotate_joints(one, method=method, seed=2).xy * 0.5 + [50, 20], atol=0.01
    )
    assert moved.history == rotate_joints(one, method=method, seed=2).history
    assert moved.history != rotate_joints(one, method=method, seed=3).history


def test_random_angles_are_what_they_say():
    drawn = {
        method: [
            a
            for seed in range(40)
            for a in rotate_joints(made(1, unseen=0), method=method, seed=seed).history[-1]["angles"]
        ]
        for method in ("tree", "thesis")
    }
    assert set(drawn["thesis"]) == set(map(float, range(16)))
    assert -15 <= min(drawn["tree"]) < -14 and 14 < max(drawn["tree"]) <= 15


@pytest.mark.parametrize("method", ["tree", "thesis"])
def test_unseen_joints_stay_unseen_and_turn_nothing(method):
    one = made(30, unseen=0.3)
    two = rotate_joints(one, method=method, seed=0)
    np.testing.assert_array_equal(two.seen, one.seen)
    alone = without(*[j for j in BODY_25.joints if j != "RElbow"])
    np.testing.assert_array_equal(rotate_joints(alone, method=method, seed=0).xy, alone.xy)


def test_rotate_joints_refuses():
    with pytest.raises(ValueError, match="`angles` must have one entry for each of 24 pairs, got 3"):
        rotate_joints(made(), angles=[1, 2, 3])
    with pytest.raises(ValueError, match="`method` must be 'tree' or 'thesis', got 'forest'"):
        rotate_joints(made(), method="forest")
    coco = Recording(np.ones((2, 17, 3)), skeleton=COCO_17)
    with pytest.raises(ValueError, match=r"COCO_17 has no root.*method='thesis'"):
        rotate_joints(coco)
    with pytest.raises(ValueError, match="COCO_17 has no joint Neck"):
        rotate_joints(coco, method="thesis")


# --- pad -------------------------------------------------------------------------------------------------------


def test_pad_puts_recordings_in_front_and_zeros_behind():
    ones = [made(n, unseen=0, seed=n, activity=a) for n, a in ((3, "flip"), (6, "jump"), (1, "flip"))]
    clips = pad(iter(ones))
    assert clips.x.shape == (3, 6, 25, 2) and clips.lengths.tolist() == [3, 6, 1]
    for i, one in enumerate(ones):
        np.testing.assert_array_equal(clips.x[i, : len(one)], one.xy)
        assert not clips.x[i, len(one) :].any() and not clips.seen[i, len(one) :].any()
        assert clips.mask[i].tolist() == [frame < len(one) for frame in range(6)]
    assert clips.seen[clips.mask].all()
    assert clips.classes == ("flip", "jump") and clips.y.tolist() == [0, 1, 0]
    assert clips.athletes == ("s01",) * 3 and clips.sources == ("v3", "v6", "v1")
    assert (clips.fps, clips.skeleton, clips.channels) == (60, BODY_25, ("x", "y"))
    longer = pad(ones, frames=9)
    np.testing.assert_array_equal(longer.x, clips.padded_to(9).x)
    np.testing.assert_array_equal(longer.mask, clips.padded_to(9).mask)


def test_pad_remembers_what_was_unseen():
    one = made()
    clips = pad([one, made(4, unseen=0)], unseen=-7.5)
    np.testing.assert_array_equal(clips.seen[0], one.seen)
    assert (clips.x[0][~one.seen] == -7.5).all()
    np.testing.assert_array_equal(clips.x[0][one.seen], one.xy[one.seen])
    assert (clips.x[1, 4:] == 0).all()  # behind the mask, whatever is put elsewhere


def test_pad_labels():
    flip, jump, unknown = (made(activity=a, unseen=0) for a in ("flip", "jump", None))
    assert pad([flip, jump], classes=["jump", "leap", "flip"]).y.tolist() == [2, 0]
    assert pad([flip, jump], classes=["jump", "leap", "flip"]).classes == ("jump", "leap", "flip")
    for clips in (pad([flip, unknown], classes=["flip"]), pad([flip, jump], classes=["flip"])):
        assert clips.y is None and clips.classes == ("flip",)
    assert pad([flip, unknown]).y is None and pad([flip, unknown]).classes == ()


@pytest.mark.parametrize(
    ("recordings", "given", "message"),
    [
        ([], {}, "`recordings` is empty: nothing to pad"),
        (
            [made(unseen=0), select_joints(made(unseen=0, seed=1), GYMNASTICS_15)],
            {},
            r"flip-1-s01 has 15 joints \(GYMNASTICS_15\), flip-0-s01 has 25 .*use select_joints",
        ),
        (
            [made(unseen=0), made(unseen=0, fps=30.0), made(unseen=0, fps=None)],
            {},
            r"differ in frame rate \(unknown, 30 fps, 60 fps\).* step `resample`",
        ),
        ([made(5, unseen=0), made(9, seed=1)], {"frames": 8}, "flip-1-s01 has 9 frames, more than the 8"),
        (
            [made(unseen=0), without("Nose", "LEye", frames=3)],
            {},
            r"Unseen joints \(LEye, Nose\) in flip-0-s01. Use fill, drop these joints, .* unseen=",
        ),
        ([made(seed=i) for i in range(20)], {}, r"flip-7-s01 \.\.\.\. Use fill"),
        ([made()], {"unseen": np.nan}, "`x` must be finite"),
    ],
)
def test_pad_refuses(recordings, given, message):
    with pytest.raises(ValueError, match=message):
        pad(recordings, **given)


# --- Preprocessor ----------------------------------------------------------------------------------------------


def some(*rates, frames=20):
    return [made(frames + i, seed=i, fps=rate) for i, rate in enumerate(rates)]


@pytest.mark.parametrize("preset", sorted(set(PRESETS) - {"exercise_quality"}))  # a test of its own
def test_a_preset_is_its_steps_one_after_another(preset):
    ones = some(60.0, 60.0, 60.0)
    by_hand = ones
    for name, arguments in PRESETS[preset][:-1]:
        by_hand = [STEPS[name](one, **arguments) for one in by_hand]
    wanted = pad(by_hand, unseen=0)
    steps = Preprocessor(preset)
    clips = steps.fit_transform(ones)
    np.testing.assert_array_equal(clips.x, wanted.x)
    np.testing.assert_array_equal(clips.mask, wanted.mask)
    np.testing.assert_array_equal(steps.clean(ones[0]).keypoints, by_hand[0].keypoints)
    assert clips.skeleton.joints == GYMNASTICS_15.joints
    assert (steps.fps_, steps.frames_) == ((None, 32) if preset in ("default", "live") else (60, 22))
    assert Preprocessor(preset).fit(ones) == steps


def test_the_presets_on_the_published_recordings(tumbling):
    thesis = Preprocessor("thesis").fit_transform(tumbling)
    assert thesis.x.shape == (113, 110, 15, 2) and thesis.lengths.tolist() == [len(r) for r in tumbling]
    assert thesis.classes == ("back-handspring", "backflip") and np.bincount(thesis.y).tolist() == [62, 51]
    assert len(set(thesis.athletes)) == 13 and len(set(thesis.sources)) == 113
    assert (thesis.x[:, 0, HIP] == 0).all()
    default = Preprocessor().fit_transform(tumbling)
    assert default.fps is None and default.x.shape[1] == 32 and (default.lengths == 32).all()
    torso = np.linalg.norm(default.x[:, :, 1] - default.x[:, :, HIP], axis=-1)
    for length, mask in zip(torso, default.mask, strict=True):
        assert np.median(length[mask]) == pytest.approx(1, abs=1e-4)


def test_pad_is_added_and_arguments_win():
    steps = Preprocessor(["fill", ("center", {"frame": "each"})])
    assert steps.steps[-1] == ("pad", {})
    assert repr(steps) == "Preprocessor: fill > center(frame='each') > pad"
    ones = [fill(one) for one in some(60.0, 60.0)]
    assert Preprocessor([]).transform(ones).x.shape[1] == 21
    longer = Preprocessor([("pad", {"frames": 30, "classes": ["flip", "jump"]})])
    assert longer.transform(ones).x.shape[1] == 30 and longer.transform(ones).classes == ("flip", "jump")
    assert longer.transform(ones, frames=40, classes=["flip"]).x.shape[1] == 40
    assert longer.transform(ones, frames=40, classes=["flip"]).classes == ("flip",)
    assert repr(Preprocessor()).endswith("select_joints(joints=[15 names]) > pad(unseen=0.0)")


@pytest.mark.parametrize(
    "steps",
    [
        "default",
        "thesis",
        ["fill", ("select_joints", {"joints": ("Neck", "MidHip")}), ("pad", {"unseen": 0.0})],
        ["fill", ("select_joints", {"joints": GYMNASTICS_15}), ("pad", {"unseen": 0.0})],
        ["fill", ("rotate_joints", {"seed": 3, "method": "thesis"}), ("pad", {"unseen": 0.0, "frames": 50})],
    ],
    ids=["default", "thesis", "tuple", "skeleton", "seed"],
)
def test_json_round_trip(steps):
    ones = some(60.0, 60.0)
    steps = Preprocessor(steps).fit(ones)
    again = Preprocessor.from_dict(json.loads(json.dumps(steps.to_dict())))
    assert again == steps and (again.fps_, again.frames_) == (steps.fps_, steps.frames_)
    np.testing.assert_array_equal(again.transform(ones).x, steps.transform(ones).x)
    assert again.transform(ones).skeleton.joints == steps.transform(ones).skeleton.joints
    assert again != Preprocessor(["fill"]) and again != "fill"
    assert Preprocessor.from_dict(Preprocessor().to_dict()) == Preprocessor()
    assert Preprocessor().fit(ones) != Preprocessor()


def test_a_preset_cannot_be_changed_through_a_preprocessor():
    Preprocessor("default").steps[0][1]["method"] = "thesis"
    assert PRESETS["default"][0][1] == {"method": "linear"}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            "best",
            r"`steps` must be one of \['default', 'exercise_quality', 'live', 'thesis', 'thesis_cleaned'\] or a list of steps, got 'best'",
        ),
        (["fil"], "Unknown step 'fil'; there are .*fill, hold, smooth, .* and, last, pad"),
        (["pad", "fill"], "Unknown step 'pad'"),
        ([("fill", {"kind": "linear"})], "Step fill takes no kind; it takes method"),
        (
            [("pad", {"length": 3, "fill": 0})],
            "Step pad takes no fill, length; it takes frames, unseen, channels, classes",
        ),
    ],
)
def test_wrong_steps_are_refused(steps, message):
    with pytest.raises(ValueError, match=message):
        Preprocessor(steps)


def test_another_frame_rate_than_that_of_fit_is_refused():
    thesis = Preprocessor("thesis").fit(some(60.0, 60.0))
    with pytest.raises(
        ValueError, match=r"flip-0-s01 has 30 fps, the training recordings had 60. Use preprocess.res"
    ):
        thesis.transform(some(30.0))
    assert len(thesis.transform(some(59.94))) == 1  # within two hundredths: the same rate
    assert len(thesis.transform(some(None))) == 1
    again = Preprocessor.from_dict(thesis.to_dict())
    with pytest.raises(ValueError, match="has 240 fps"):
        again.transform(some(240.0))
    assert len(thesis.fit_transform(some(30.0))) == 1 and thesis.fps_ == 30


def test_the_step_resample_takes_any_rate():
    steps = [("resample", {"fps": 15}), ("pad", {"unseen": 0})]
    one_rate = Preprocessor(steps).fit(some(60.0, 60.0))
    clips = one_rate.transform(some(30.0, 60.0, 240.0))
    assert clips.fps == 15 and clips.lengths.tolist() == [10, 6, 2]
    with pytest.raises(ValueError, match="frame rate unknown"):
        one_rate.transform(some(None))
    assert Preprocessor(steps).fit(some(30.0, 60.0)).fps_ == 15
    default = Preprocessor().fit(some(60.0, 60.0))
    clips = default.transform([*some(30.0, 60.0, 240.0), *some(None)])
    assert clips.fps is default.fps_ is None and clips.lengths.tolist() == [32] * 4


def test_what_cannot_be_preprocessed_is_listed_once_and_by_kind():
    lost = [replace(without("MidHip"), sample=str(i)) for i in range(12)]
    with pytest.raises(UnseenError, match=r"12 of 13 recordings cannot be preprocessed:\nflip-0-s01: MidHip"):
        Preprocessor().transform([*lost, made()])
    with pytest.raises(UnseenError, match=r"flip-7-s01: .*\n\.\.\. and 4 more$"):
        Preprocessor().transform(lost)
    with pytest.raises(ValueError, match="2 of 2 recordings") as caught:
        Preprocessor([("resample", {"fps": 15}), "center"]).transform([lost[0], made(fps=None)])
    assert not isinstance(caught.value, UnseenError)
    with pytest.raises(ValueError, match="`recordings` is empty"):
        Preprocessor().transform([])


# --- copies ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clips():
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
    "augmented": lambda clips, seed: augmented(clips, np.random.default_rng(seed)),
}


@pytest.mark.parametrize("name", COPIERS)
def test_copies_keep_who_and_what_and_come_from_the_seed(name, clips):
    before = clips.x.copy(), clips.mask.copy(), clips.seen.copy()
    copies = COPIERS[name](clips, 1)
    times = 1 if name == "augmented" else 3
    assert len(copies) == times * 40 and copies.x.dtype == np.float32
    assert copies.y.tolist() == clips.y.tolist() * times
    assert copies.athletes == clips.athletes * times and copies.sources == clips.sources * times
    assert (copies.classes, copies.fps, copies.skeleton) == (clips.classes, clips.fps, clips.skeleton)
    assert np.isfinite(copies.x).all() and copies.mask[:, 0].all()
    assert not (copies.mask[:, 1:] & ~copies.mask[:, :-1]).any()
    assert not copies.x[~copies.mask].any()
    for array, was in zip((clips.x, clips.mask, clips.seen), before, strict=True):
        np.testing.assert_array_equal(array, was)
    np.testing.assert_array_equal(COPIERS[name](clips, 1).x, copies.x)
    assert (COPIERS[name](clips, 2).x != copies.x).any(axis=(1, 2, 3)).all()
    changed = np.abs(copies.x[:, 0] - np.tile(clips.x[:, 0], (times, 1, 1))).max(axis=(1, 2))
    assert (changed > 1e-3).all()


def test_copies_do_not_touch_the_global_generator(clips):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    for copier in COPIERS.values():
        copier(clips, None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("method", ["thesis", "tree"])
def test_a_copy_is_the_recording_with_its_joints_rotated(method):
    one = select_joints(made(unseen=0), GYMNASTICS_15)
    copy = rotated_copies(pad([one], frames=20), 1, method=method, seed=5)
    wanted = pad([rotate_joints(one, method=method, seed=5)], frames=20)
    np.testing.assert_allclose(copy.x, wanted.x, atol=1e-3)
    np.testing.assert_array_equal(copy.mask, wanted.mask)


def test_every_copy_turns_by_angles_of_its_own(clips):
    copies = rotated_copies(clips, 3, seed=0)
    assert len(np.unique(copies.x[:, 0].reshape(120, -1), axis=0)) == 120
    np.testing.assert_allclose(copies.x[:, 19], copies.x[:, 0], atol=1e-5)  # the same in all frames
    np.testing.assert_allclose(rotated_copies(clips, 2, max_angle=0, seed=0).x[40:], clips.x, atol=1e-5)


def test_other_channels_are_carried_along(clips):
    more = np.concatenate([clips.x, np.ones_like(clips.x[..., :1])], axis=-1)
    three = replace(clips, x=more, channels=("x", "y", "confidence"))
    np.testing.assert_array_equal(rotated_copies(three, 1, seed=0).x[..., 2], more[..., 2])
    made = augmented(three, np.random.default_rng(0))
    np.testing.assert_array_equal(made.x[..., 2], np.broadcast_to(made.mask[..., None], made.x.shape[:3]))


def test_augmented_clips_are_cut_to_three_quarters_at_most(clips):
    shares = np.concatenate(
        [augmented(clips, np.random.default_rng(seed)).lengths / clips.lengths for seed in range(5)]
    )
    assert 0.72 < shares.min() < 0.8 and 0.95 < shares.max() <= 1


def test_the_cut_is_one_run_of_the_clip():
    time = np.arange(40)
    x = np.zeros((30, 40, 15, 3))
    x[..., 0] = x[..., 2] = time[:, None]  # the third channel is carried along and tells the frame
    clips = Clips.from_arrays(x, channels=("x", "y", "frame"), skeleton=GYMNASTICS_15, fps=30)
    made = augmented(clips, np.random.default_rng(0))
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
    for made in (rotated_copies(clips, 1, seed=0), augmented(clips, np.random.default_rng(0))):
        assert (made.x[~made.seen] == 0).all() and (~made.seen[0]).sum() >= 1


def test_one_joint_in_twenty_stands_still():
    x = np.zeros((200, 30, 15, 2))
    x[..., 0] = 10 * np.arange(30)[:, None]
    made = augmented(Clips.from_arrays(x), np.random.default_rng(0))
    travel = np.array(
        [np.ptp(clip[:n], axis=0).max(axis=-1) for clip, n in zip(made.x, made.lengths, strict=True)]
    )
    lost = travel < 60  # they only tremble; the others travel 170 px or more
    assert 0.03 < lost.mean() < 0.07
    np.testing.assert_array_equal(made.seen, np.repeat(made.mask[..., None], 15, axis=-1))


def test_augmented_bodies_keep_their_proportions(clips):
    made = augmented(clips, np.random.default_rng(4))
    sizes = []
    for before, after, length in zip(clips.x, made.x, made.lengths, strict=True):
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


def test_mirroring_exchanges_what_was_seen(clips):
    right, left = GYMNASTICS_15.index("RWrist"), GYMNASTICS_15.index("LWrist")
    seen = clips.seen.copy()
    seen[:, :, right] = False
    made = augmented(replace(clips, seen=seen), np.random.default_rng(0))
    lost = ~made.seen[:, 0]
    assert (lost.sum(axis=1) == 1).all() and (lost[:, right] ^ lost[:, left]).all()
    assert 10 < lost[:, left].sum() < 30


def test_copiers_refuse(clips):
    with pytest.raises(ValueError, match="`copies` must be at least 1, got 0"):
        rotated_copies(clips, 0)
    with pytest.raises(ValueError, match="`method` must be 'tree' or 'thesis'"):
        rotated_copies(clips, 1, method="other")
