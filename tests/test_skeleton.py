"""skeleton: names are the truth, conversions have known answers, layouts survive files and pickles."""

import json
import pickle

import numpy as np
import pytest

from gymskel.skeleton import (
    BODY_25,
    COCO_17,
    COCO_18,
    GYMNASTICS_15,
    HALPE_26,
    MEDIAPIPE_33,
    MIDPOINTS,
    Skeleton,
)

ALL = [BODY_25, GYMNASTICS_15, COCO_17, COCO_18, HALPE_26, MEDIAPIPE_33]
STICK = Skeleton(
    name="stick",
    joints=("Head", "MidHip", "RFoot", "LFoot"),
    limbs=(("MidHip", "Head"), ("MidHip", "RFoot"), ("MidHip", "LFoot")),
    parts={"trunk": ("Head", "MidHip"), "legs": ("RFoot", "LFoot")},
    root="MidHip",
)

# The rows of each layout that make BODY_25's joints; two rows = their middle, None = it has no such joint.
# From OpenPose's poseParameters.cpp and each estimator's own list of joints.
ROWS = {
    "MEDIAPIPE_33": [
        *(0, (11, 12), 12, 14, 16, 11, 13, 15, (23, 24), 24, 26, 28, 23, 25, 27),
        *(5, 2, 8, 7, 31, None, 29, 32, None, 30),
    ],
    "HALPE_26": [0, 18, 6, 8, 10, 5, 7, 9, 19, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, 20, 22, 24, 21, 23, 25],
    "COCO_17": [0, (5, 6), 6, 8, 10, 5, 7, 9, (11, 12), 12, 14, 16, 11, 13, 15, 2, 1, 4, 3] + [None] * 6,
    "COCO_18": [0, 1, 2, 3, 4, 5, 6, 7, (8, 11), 8, 9, 10, 11, 12, 13, 14, 15, 16, 17] + [None] * 6,
}


def points(skeleton, shape=(), seed=0):
    """Keypoints nobody could confuse: every joint at a place of its own, confidence in (0.1, 1)."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0.1, 1, (*shape, len(skeleton), 3))
    keypoints[..., :2] *= 1000
    return keypoints


def test_body_25_is_openposes_order_and_limbs():
    assert len(BODY_25) == 25
    assert [BODY_25.index(j) for j in ("Nose", "Neck", "MidHip", "LBigToe", "RHeel")] == [0, 1, 8, 19, 24]
    limbs = (
        "1-8 1-2 1-5 2-3 3-4 5-6 6-7 8-9 9-10 10-11 8-12 12-13 13-14 1-0 0-15 15-17 0-16 16-18 14-19 19-20 "
        "14-21 11-22 22-23 11-24"
    )
    assert {tuple(BODY_25.indices(limb)) for limb in BODY_25.limbs} == {
        tuple(map(int, limb.split("-"))) for limb in limbs.split()
    }


def test_gymnastics_15_is_the_first_15_joints_with_their_parts():
    assert GYMNASTICS_15.joints == BODY_25.joints[:15]
    assert GYMNASTICS_15.root == "MidHip"
    parts = {part: GYMNASTICS_15.indices(joints) for part, joints in GYMNASTICS_15.parts.items()}
    assert parts == {
        "right_arm": [2, 3, 4],
        "left_arm": [5, 6, 7],
        "trunk": [0, 1, 8],
        "right_leg": [9, 10, 11],
        "left_leg": [12, 13, 14],
    }


@pytest.mark.parametrize("skeleton", ALL, ids=lambda s: s.name)
def test_mirror_twice_is_the_layout_itself(skeleton):
    order = skeleton.mirror_order
    assert [order[i] for i in order] == list(range(len(skeleton)))
    for here, there in enumerate(order):
        a, b = skeleton.joints[here], skeleton.joints[there]
        assert a == b or ({a[0], b[0]} == {"R", "L"} and a[1:] == b[1:])
    sided = sum(name[0] in "RL" for name in skeleton.joints)
    assert sum(i != row for row, i in enumerate(order)) == sided


@pytest.mark.parametrize("skeleton", ALL, ids=lambda s: s.name)
def test_limbs_mirror_onto_limbs(skeleton):
    order = skeleton.mirror_order
    limbs = {frozenset(skeleton.indices(limb)) for limb in skeleton.limbs}
    assert {frozenset(order[i] for i in limb) for limb in limbs} == limbs


@pytest.mark.parametrize(
    ("joints", "pairs"),
    [
        (("right_knee", "left_knee", "head"), (("right_knee", "left_knee"),)),
        (("RightKnee", "LeftKnee"), (("RightKnee", "LeftKnee"),)),
        (("L1", "R1"), (("R1", "L1"),)),
        (("Rib", "Lib"), ()),
        (("RKnee", "Head"), ()),
    ],
)
def test_mirror_pairs_are_read_from_names(joints, pairs):
    assert Skeleton("made", joints).mirror == pairs


def test_given_mirror_pairs_win():
    assert Skeleton("made", ("RKnee", "LKnee"), mirror=()).mirror == ()
    assert Skeleton("made", ("a", "b", "c"), mirror=(("a", "c"),)).mirror_order == [2, 1, 0]


@pytest.mark.parametrize("source", [MEDIAPIPE_33, HALPE_26, COCO_17, COCO_18], ids=lambda s: s.name)
def test_convert_to_body_25_takes_the_documented_rows(source):
    keypoints = points(source, (4,))
    converted = source.convert(keypoints, BODY_25)
    assert converted.shape == (4, 25, 3)
    for row, wanted in enumerate(ROWS[source.name]):
        if wanted is None:
            assert np.isnan(converted[:, row, :2]).all() and (converted[:, row, 2] == 0).all()
        elif isinstance(wanted, tuple):
            a, b = keypoints[:, wanted[0]], keypoints[:, wanted[1]]
            np.testing.assert_allclose(converted[:, row, :2], (a + b)[:, :2] / 2)
            np.testing.assert_array_equal(converted[:, row, 2], np.minimum(a[:, 2], b[:, 2]))
        else:
            np.testing.assert_array_equal(converted[:, row], keypoints[:, wanted])


def test_a_midpoint_is_unseen_if_either_end_is():
    keypoints = points(COCO_17, (2,))
    keypoints[0, COCO_17.index("LHip")] = np.nan, np.nan, 0
    hip = COCO_17.convert(keypoints, BODY_25)[:, BODY_25.index("MidHip")]
    assert np.isnan(hip[0, :2]).all() and hip[0, 2] == 0
    assert np.isfinite(hip[1]).all() and hip[1, 2] > 0


@pytest.mark.parametrize("skeleton", ALL, ids=lambda s: s.name)
def test_convert_to_itself_changes_nothing_and_keeps_the_dtype(skeleton):
    keypoints = points(skeleton, (2,)).astype(np.float32)
    keypoints[0, 3] = np.nan, np.nan, 0
    before = keypoints.copy()
    converted = skeleton.convert(keypoints, skeleton)
    assert converted.dtype == np.float32
    np.testing.assert_array_equal(converted, before)
    np.testing.assert_array_equal(keypoints, before)


def test_convert_moves_and_grows_with_the_picture():
    keypoints = points(COCO_17, (3,))
    moved = keypoints * [2, 2, 1] + [30, -7, 0]
    np.testing.assert_allclose(
        COCO_17.convert(moved, BODY_25), COCO_17.convert(keypoints, BODY_25) * [2, 2, 1] + [30, -7, 0]
    )


def test_midpoints_are_of_joints_of_body_25():
    assert set(MIDPOINTS) == {"Neck", "MidHip"}
    assert {j for pair in MIDPOINTS.values() for j in pair} <= set(BODY_25.joints)


def test_select_drops_what_loses_a_joint():
    legs = STICK.select(["LFoot", "RFoot"])
    assert legs.joints == ("LFoot", "RFoot")
    assert legs.limbs == () and legs.root is None
    assert dict(legs.parts) == {"legs": ("RFoot", "LFoot")}
    assert legs.mirror == (("RFoot", "LFoot"),)
    assert STICK.select(["RFoot", "MidHip"], name="half").name == "half"
    assert STICK.select(["RFoot", "MidHip"]).mirror == ()
    assert STICK.select(STICK.joints, name="stick") == STICK


def test_layouts_are_equal_by_what_they_say():
    twin = Skeleton(STICK.name, list(STICK.joints), STICK.limbs, dict(STICK.parts), root="MidHip")
    assert twin == STICK and hash(twin) == hash(STICK)
    assert STICK.select(STICK.joints[::-1], name="stick") != STICK
    assert "Head" in STICK and "Knee" not in STICK and len(STICK) == 4


@pytest.mark.parametrize("skeleton", [*ALL, STICK], ids=lambda s: s.name)
def test_json_and_pickle_give_the_same_layout(skeleton):
    assert Skeleton.from_dict(json.loads(json.dumps(skeleton.to_dict()))) == skeleton
    loaded = pickle.loads(pickle.dumps(skeleton))
    assert loaded == skeleton and dict(loaded.parts) == dict(skeleton.parts)


def test_a_layout_cannot_be_changed():
    with pytest.raises(AttributeError):
        STICK.name = "other"
    with pytest.raises(TypeError):
        STICK.parts["arms"] = ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"joints": ("a", "a")}, "`joints` must be unique names"),
        ({"joints": ()}, "`joints` must be unique names"),
        ({"joints": ("a", "b"), "limbs": (("a", "c"),)}, "made has no joint c; it has a, b"),
        ({"joints": ("a", "b"), "parts": {"x": ("d",)}}, "made has no joint d"),
        ({"joints": ("a", "b"), "mirror": (("a", "e"),)}, "made has no joint e"),
        ({"joints": ("a", "b"), "root": "f"}, "made has no joint f"),
    ],
)
def test_faulty_layouts_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Skeleton(name="made", **fields)


def test_a_missing_joint_is_named():
    with pytest.raises(ValueError, match="no joint Knee, Toe; it has Head, MidHip"):
        STICK.indices(["Head", "Knee", "Toe", "Knee"])
    with pytest.raises(ValueError, match="stick has no joint Knee"):
        STICK.index("Knee")
    with pytest.raises(ValueError, match="stick has no joint Knee"):
        STICK.select(["Knee"])


@pytest.mark.parametrize("shape", [(17, 2), (25, 3), (3,)])
def test_convert_refuses_arrays_of_another_layout(shape):
    with pytest.raises(ValueError, match=r"`keypoints` .* 17, 3\) for COCO_17"):
        COCO_17.convert(np.zeros(shape), BODY_25)
