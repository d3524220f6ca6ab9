"""preprocess: every step is pure and logged; some steps against a literal account of them; Preprocessor."""

import inspect
import json
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from helpers.random_recordings import ROPE, random_recording, rope, with_xy, without

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
from gymskel.preprocess.limbs import THESIS_PAIRS, rotation_pairs
from gymskel.preprocess.preprocessor import PRESETS, STEPS
from gymskel.recording import Recording, UnseenError
from gymskel.skeleton import BODY_25, COCO_17, COCO_18, GYMNASTICS_15, HALPE_26

N = np.nan
HIP = BODY_25.index("MidHip")


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
    one = random_recording(
        history=({"step": "before"},), first_frame=0, image_size=(1920, 1080), estimator="made"
    )
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
    two = STEPS[name](random_recording(1, unseen=0, image_size=(1920, 1080)), **ARGUMENTS[name])
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
    one = random_recording(unseen=0)
    one.keypoints[:3, HIP] = np.nan, np.nan, 0
    two = center(one)
    np.testing.assert_array_equal(two.xy, one.xy - one.xy[3, HIP])
    assert two.xy[3, HIP].tolist() == [0, 0] and np.isfinite(two.xy[0, 0]).all()


def test_center_each_frame_takes_the_travel_away():
    one = random_recording()
    two = center(one, frame="each")
    lost = ~one.seen[:, HIP]
    assert lost.any() and not lost.all()
    assert (two.xy[~lost, HIP] == 0).all()
    assert not two.seen[lost].any() and (two.confidence[lost] == 0).all()
    np.testing.assert_array_equal(two.xy[~lost], one.xy[~lost] - one.xy[~lost][:, [HIP]])
    np.testing.assert_array_equal(two.confidence[~lost], one.confidence[~lost])


@pytest.mark.parametrize("frame", ["first", "each"])
def test_a_centred_body_is_the_same_wherever_it_was(frame):
    one = random_recording()
    travel = np.cumsum(np.random.default_rng(1).normal(size=(len(one), 1, 2)), axis=0) * 10
    shift = travel if frame == "each" else travel[:1]
    moved = with_xy(one, one.xy + shift)
    np.testing.assert_allclose(center(moved, frame=frame).xy, center(one, frame=frame).xy, atol=1e-3)
    assert center(one, joint="Nose", frame=frame).history[-1]["joint"] == "Nose"


def test_scale_measures_in_torsos():
    one = random_recording(unseen=0)
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


def never_together():
    one = without("Neck", frames=slice(6))
    one.keypoints[6:, HIP] = np.nan, np.nan, 0
    return one


@pytest.mark.parametrize(
    ("step", "kind", "message"),
    [
        (lambda: center(without("MidHip")), UnseenError, "flip-0-s01: MidHip is unseen"),
        (lambda: center(random_recording(), joint="Tail"), ValueError, "BODY_25 has no joint Tail"),
        (lambda: center(random_recording(), frame="last"), ValueError, "`frame` must be .* got 'last'"),
        (lambda: scale(without("Neck")), UnseenError, "flip-0-s01: Neck and MidHip are never"),
        (lambda: scale(never_together()), UnseenError, "Neck and MidHip are never"),
        (lambda: scale(rope([1, 2]), top="End", bottom="Root"), UnseenError, "the torso has no length"),
        (lambda: scale(random_recording(), top="Tail", bottom="Fin"), ValueError, "has no joint Tail, Fin"),
        (lambda: select_joints(random_recording(), ["Tail"]), ValueError, "BODY_25 has no joint Tail"),
        (lambda: select_joints(rope([1]), BODY_25), ValueError, "rope has no joint Nose"),
        (lambda: resample(random_recording(fps=None), fps=30), ValueError, "frame rate unknown.* fps="),
        (lambda: resample(random_recording(), fps=0), ValueError, "`fps` must be .* got 0"),
        (lambda: resample(random_recording(), fps=np.nan), ValueError, "`fps` must be .* got nan"),
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
    one = rope(np.arange(61) * 240 / fps, fps=fps)  # 240 px a second: whole pixels in every frame
    two = resample(one, fps=to)
    assert len(two) == frames and two.fps == to
    np.testing.assert_array_equal(two.xy[:, 0, 0], np.arange(frames) * 240 / to)
    np.testing.assert_array_equal(two.confidence, np.full((frames, 3), 0.5))


@pytest.mark.parametrize(("fps", "to"), [(24, 30), (29.97, 30), (59.94, 25), (240, 50), (25, 7)])
def test_resample_between_odd_rates(fps, to):
    one = rope(100 + np.arange(50) * 900 / fps, fps=fps)
    two = resample(one, fps=to)
    assert len(two) == int(49 / fps * to + 1e-6) + 1
    np.testing.assert_allclose(two.xy[:, 0, 0], 100 + np.arange(len(two)) * 900 / to, rtol=1e-6)
    assert abs(two.seconds - one.seconds) <= 1 / fps + 1 / to


def test_resample_to_the_same_rate_changes_nothing():
    one = random_recording(fps=29.97)
    np.testing.assert_array_equal(resample(one, fps=29.97).keypoints, one.keypoints)


def test_resample_goes_by_the_clock_where_there_is_one():
    times = 5 + np.cumsum(np.random.default_rng(0).uniform(0.01, 0.08, 40))
    one = rope(100 * (times - times[0]), timestamps=times)
    two = resample(one, fps=25)
    np.testing.assert_allclose(two.xy[:, 0, 0], np.arange(len(two)) * 4, atol=1e-3)
    assert two.timestamps is None and two.first_frame == 0
    assert len(two) == int((times[-1] - times[0]) * 25) + 1


def test_resample_invents_nothing_in_a_gap():
    two = resample(rope([0, 2, N, 6, 8], fps=10), fps=20)
    np.testing.assert_array_equal(two.xy[:, 0, 0], [0, 1, 2, N, N, N, 6, 7, 8])
    np.testing.assert_array_equal(two.confidence[:, 0] > 0, two.seen[:, 0])
    half = resample(rope([0, N, 4, N, 8], fps=10), fps=5)
    np.testing.assert_array_equal(half.xy[:, 0, 0], [0, 4, 8])


def test_select_joints_by_name_and_in_the_order_given():
    one = random_recording()
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
    one = select_joints(random_recording(unseen=0), skeleton)
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
    assert rotation_pairs(ROPE, "tree") == [(2, [1, 0]), (1, [0])]
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
    bones = [pair for pair, _ in zip(rotation_pairs(skeleton, "tree"), skeleton.joints, strict=False)]
    assert len(bones) == len(skeleton) - 1
    for pivot, (joint, *_) in bones:
        before, after = (np.linalg.norm(r.xy[:, pivot] - r.xy[:, joint], axis=-1) for r in (one, two))
        np.testing.assert_allclose(after, before, atol=1e-2)
    root = skeleton.index(skeleton.root)
    np.testing.assert_array_equal(two.xy[:, root], one.xy[:, root])
    assert np.abs(two.xy - one.xy).max() > 10


@pytest.mark.parametrize("method", ["tree", "thesis"])
def test_no_angle_no_change(method):
    one = random_recording(unseen=0)
    pairs = len(rotation_pairs(BODY_25, method))
    np.testing.assert_allclose(rotate_joints(one, angles=[0] * pairs, method=method).xy, one.xy, atol=1e-3)
    np.testing.assert_allclose(rotate_joints(one, max_angle=0, method=method).xy, one.xy, atol=1e-3)


@pytest.mark.parametrize("method", ["tree", "thesis"])
def test_rotation_moves_and_grows_with_the_body(method):
    one = random_recording(unseen=0)
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
            for a in rotate_joints(random_recording(1, unseen=0), method=method, seed=seed).history[-1][
                "angles"
            ]
        ]
        for method in ("tree", "thesis")
    }
    assert set(drawn["thesis"]) == set(map(float, range(16)))
    assert -15 <= min(drawn["tree"]) < -14 and 14 < max(drawn["tree"]) <= 15


@pytest.mark.parametrize("method", ["tree", "thesis"])
def test_unseen_joints_stay_unseen_and_turn_nothing(method):
    one = random_recording(30, unseen=0.3)
    two = rotate_joints(one, method=method, seed=0)
    np.testing.assert_array_equal(two.seen, one.seen)
    alone = without(*[j for j in BODY_25.joints if j != "RElbow"])
    np.testing.assert_array_equal(rotate_joints(alone, method=method, seed=0).xy, alone.xy)


def test_rotate_joints_refuses():
    with pytest.raises(ValueError, match=r"`angles` must .* 24 pairs, got 3"):
        rotate_joints(random_recording(), angles=[1, 2, 3])
    with pytest.raises(ValueError, match=r"`method` must be .* got 'forest'"):
        rotate_joints(random_recording(), method="forest")
    coco = Recording(np.ones((2, 17, 3)), skeleton=COCO_17)
    with pytest.raises(ValueError, match=r"COCO_17 has no root.*method='thesis'"):
        rotate_joints(coco)
    with pytest.raises(ValueError, match="COCO_17 has no joint Neck"):
        rotate_joints(coco, method="thesis")


# --- Preprocessor ----------------------------------------------------------------------------------------------


def some(*rates, frames=20):
    return [random_recording(frames + i, seed=i, fps=rate) for i, rate in enumerate(rates)]


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


STORED = {
    "drop_uncertain": {"below": 0.1},
    "remove_outliers": {"window": 9, "n_sigma": 3.0, "floor": 0.02},
    "fill": {"method": "linear", "max_gap": None},
    "hold": {"max_gap": None},
    "smooth": {"window": 3, "method": "centered"},
    "smooth_savgol": {"window": 5, "polyorder": 2},
    "smooth_butterworth": {"cutoff": 8.0, "order": 2},
    "smooth_one_euro": {"min_cutoff": 1.0, "beta": 16.0},
    "resample": {"fps": None, "frames": None},
    "center": {"joint": "MidHip", "frame": "first"},
    "scale": {"top": "Neck", "bottom": "MidHip"},
    "turn": {"degrees": inspect.Parameter.empty, "about": None},
    "mirror": {},
    "relative": {"crop": (0.0, 0.0, 1.0, 1.0)},
    "select_joints": {"joints": inspect.Parameter.empty},
    "rotate_joints": {"angles": None, "method": "tree", "max_angle": 15, "seed": None},
    "pad": {"frames": None, "unseen": None, "channels": ("x", "y"), "classes": None},
}
"""Steps, their arguments and defaults, as .gymskel files on disk rely on them: none may change its name or its default."""


def test_files_of_earlier_versions_find_their_steps_and_arguments():
    found = {}
    for name, step in {**STEPS, "pad": pad}.items():
        _, *arguments = inspect.signature(step).parameters.values()
        found[name] = {argument.name: argument.default for argument in arguments}
    assert found == STORED


def test_a_preset_cannot_be_changed_through_a_preprocessor():
    Preprocessor("default").steps[0][1]["method"] = "thesis"
    assert PRESETS["default"][0][1] == {"method": "linear"}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            "best",
            "default, exercise_quality, live, .* got 'best'",
        ),
        (["fil"], "'fil'; there are .*fill, hold, smooth, .* pad"),
        (["pad", "fill"], "Unknown step 'pad'"),
        ([("fill", {"kind": "linear"})], "fill takes no kind; .* method"),
        (
            [("pad", {"length": 3, "fill": 0})],
            "pad takes no fill, length; .* frames, unseen",
        ),
    ],
)
def test_wrong_steps_are_refused(steps, message):
    with pytest.raises(ValueError, match=message):
        Preprocessor(steps)


def test_another_frame_rate_than_that_of_fit_is_refused():
    thesis = Preprocessor("thesis").fit(some(60.0, 60.0))
    with pytest.raises(ValueError, match=r"flip-0-s01 has 30 fps.* 60.*resample"):
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
    with pytest.raises(UnseenError, match=r"12 of 13 .*\nflip-0-s01: MidHip"):
        Preprocessor().transform([*lost, random_recording()])
    with pytest.raises(UnseenError, match=r"flip-7-s01: .*\n\.\.\. and 4 more$"):
        Preprocessor().transform(lost)
    with pytest.raises(ValueError, match="2 of 2 recordings") as caught:
        Preprocessor([("resample", {"fps": 15}), "center"]).transform([lost[0], random_recording(fps=None)])
    assert not isinstance(caught.value, UnseenError)
    with pytest.raises(ValueError, match="`recordings` is empty"):
        Preprocessor().transform([])


def test_transform_seen_leaves_out_what_cannot_be_prepared():
    """Clips of the others are those of `transform`; other errors are raised as there."""
    good, steps = [random_recording(seed=1), random_recording(seed=2)], Preprocessor("default")
    clips, unseen = steps.transform_seen([good[0], without("MidHip"), good[1]])
    np.testing.assert_array_equal(clips.x, steps.transform(good).x)
    assert list(unseen) == [1] and "MidHip is unseen" in str(unseen[1])
    assert steps.transform_seen([without("MidHip")])[0] is None
    assert steps.transform_seen([]) == (None, {})
    with pytest.raises(ValueError, match="is empty"):
        steps.transform([])
