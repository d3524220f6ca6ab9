"""Kinematics: bodies whose flight, turn and travel physics knows."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.kinematics import (
    GRAVITY,
    SEGMENT_LENGTHS,
    SEGMENT_MASSES,
    Kinematics,
    center_of_mass,
    kinematics_table,
    measure_kinematics,
    metres_per_unit,
    torso_length,
    trunk_angle,
)
from gymskel.recording import Recording, UnseenError
from gymskel.simulate import ACTIVITIES, simulate_motion, simulate_recording
from gymskel.simulate.athlete import draw_athlete
from gymskel.simulate.body import place_joints
from gymskel.skeleton import BODY_25, COCO_17

HIP, NECK = BODY_25.indices(["MidHip", "Neck"])
HEIGHT, PIXELS = 1.6, 250.0  # metres; pixels in a metre
NUMBERS = [field.name for field in fields(Kinematics) if field.type == "float"]


def record(joints, fps=60.0, **facts):
    """(frames, 25, 2) metres, x right and z up -> a Recording, seen from the side."""
    xy = joints * [PIXELS, -PIXELS] + [400, 900]
    keypoints = np.concatenate([xy, np.full((*xy.shape[:2], 1), 0.9)], axis=-1)
    return Recording(keypoints, fps, "jump", "1", "z01", **facts)


def standing(frames=1):
    """(frames, 25, 2) metres: upright on the floor, every joint in its place."""
    body = place_joints(np.zeros((1, 7)), HEIGHT)[..., ::2]
    return np.repeat(body - [0, body[..., 1].min()], frames, axis=0)


def jump(ahead=0.5, up=3.0, fps=60.0, turns=0.0):
    """Stands for half a second, flies as a stiff body that turns about its hip, stands for half a second."""
    seconds = 2 * up / GRAVITY
    times = np.arange(0, round((1 + seconds) * fps) + 1) / fps
    t = np.clip(times - 0.5, 0, seconds)[:, None]
    move = np.concatenate([ahead * t, up * t - GRAVITY * t**2 / 2], axis=1)
    a = 2 * np.pi * turns * t / seconds
    body, hip = standing(), standing()[:, [HIP]]
    x, z = np.moveaxis(body - hip, -1, 0)
    turned = np.stack([x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)], axis=-1)
    return record(turned + hip + move[:, None], fps)


# --- known answers


def test_a_body_in_free_fall_gives_g_back():
    one = measure_kinematics(jump(), height=HEIGHT)
    assert one.unit == "m" and one.scale == pytest.approx(1 / PIXELS, rel=1e-3)
    assert one.fall == pytest.approx(GRAVITY, rel=2e-3)
    assert one.flights == 1
    assert one.takeoff == pytest.approx(0.5, abs=0.005)
    assert one.flight_time == one.longest_flight == pytest.approx(6 / GRAVITY, abs=0.01)
    assert one.jump_height_time == pytest.approx(9 / (2 * GRAVITY), rel=0.03)
    assert one.jump_height_rise == pytest.approx(9 / (2 * GRAVITY), rel=0.03)
    assert one.takeoff_speed == pytest.approx(np.hypot(0.5, 3), rel=0.02)
    assert one.takeoff_angle == pytest.approx(np.degrees(np.arctan2(3, 0.5)), abs=0.5)
    assert one.hip_travel == pytest.approx(0.5 * 6 / GRAVITY, rel=1e-2)
    assert one.hip_rise == pytest.approx(9 / (2 * GRAVITY), rel=1e-2)
    assert one.turn == pytest.approx(0, abs=1e-3)


@settings(max_examples=8, deadline=None)
@given(st.floats(-3, 3), st.floats(2, 4), st.sampled_from([50.0, 60.0, 120.0]))
def test_any_jump_is_told_by_physics(ahead, up, fps):
    one = measure_kinematics(jump(ahead, up, fps), height=HEIGHT)
    assert one.flight_time == pytest.approx(2 * up / GRAVITY, abs=0.015)
    assert one.fall == pytest.approx(GRAVITY, rel=0.01)
    assert one.takeoff_angle == pytest.approx(np.degrees(np.arctan2(up, abs(ahead))), abs=1)


def test_in_torso_lengths_the_fall_tells_how_long_the_torso_is():
    one = measure_kinematics(jump())
    assert one.unit == "torso"
    assert GRAVITY / one.fall == pytest.approx(0.288 * HEIGHT, rel=5e-3)
    assert one.jump_height_time == pytest.approx(9 / (2 * GRAVITY), rel=0.03)  # metres without any scale


def test_a_body_turning_360_degrees_a_second_gives_360():
    t = np.arange(91) / 60
    body = standing() - standing()[:, [HIP]]
    a = (2 * np.pi * t)[:, None]
    x, z = np.moveaxis(body, -1, 0)
    turned = np.stack([x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)], axis=-1)
    one = record(turned)
    angle = trunk_angle(one)
    np.testing.assert_allclose(np.diff(angle), 6, atol=1e-3)  # clockwise on screen is positive
    found = measure_kinematics(one)
    assert found.rotation_peak == pytest.approx(360, abs=0.1)
    assert found.turn == pytest.approx(540, abs=1e-3)
    back = measure_kinematics(record(turned[::-1]))
    assert back.rotation_peak == pytest.approx(360, abs=0.1)
    assert back.turn == pytest.approx(540, abs=1e-3)


def test_rotation_in_the_air():
    one = measure_kinematics(jump(up=3.5, turns=1))
    assert one.turn == pytest.approx(360, abs=0.1)
    assert one.rotation_mean == pytest.approx(360 / (7 / GRAVITY), rel=0.03)
    assert one.rotation_peak == pytest.approx(360 / (7 / GRAVITY), rel=0.01)


def test_uniform_motion_has_no_acceleration():
    joints = standing(60) + (np.arange(60) / 60)[:, None, None] * [2.0, 0]
    one = measure_kinematics(record(joints), height=HEIGHT)
    assert one.peak_acceleration == pytest.approx(0, abs=0.05)  # float32 pixels, twice derived
    assert one.hip_travel == pytest.approx(2 * 59 / 60, rel=1e-3)
    assert one.hip_rise == pytest.approx(0, abs=1e-4)
    assert (one.flights, one.flight_time) == (0, 0)  # known: the feet never left the floor
    assert np.isnan([one.takeoff, one.landing, one.longest_flight, one.fall, one.takeoff_speed]).all()


def test_steady_acceleration_is_found():
    t = np.arange(60) / 60
    joints = standing(60) + (3 * t**2 / 2)[:, None, None] * [1.0, 0]
    one = measure_kinematics(record(joints), height=HEIGHT)
    assert one.peak_acceleration == pytest.approx(3, rel=0.1)


# --- the parts


def test_shares_add_up():
    masses = {ends: share for ends, (share, _) in SEGMENT_MASSES.items()}
    middle = {("Ear", "Ear"), ("Neck", "MidHip")}
    assert sum(m if ends in middle else 2 * m for ends, m in masses.items()) == pytest.approx(1, abs=1e-9)
    assert sum(SEGMENT_LENGTHS.values()) == pytest.approx(0.779)


def test_center_of_mass_moves_with_its_segments():
    one = record(standing())
    base = center_of_mass(one)
    for joint, share in (
        ("RWrist", 0.022 * 0.682),
        ("LAnkle", 0.0465 * 0.433 + 0.0145 * 0.5),
        ("MidHip", 0.497 * 0.5),
    ):
        keypoints = one.keypoints.copy()
        keypoints[:, BODY_25.index(joint), 0] += 100
        np.testing.assert_allclose(
            center_of_mass(replace(one, keypoints=keypoints)) - base, [[100 * share, 0]], atol=1e-3
        )


def test_standing_center_of_mass_is_where_books_have_it():
    """About 57 % of the height above the floor for one who stands with the arms down."""
    up = (900 - center_of_mass(record(standing()))[0, 1]) / PIXELS / HEIGHT
    assert 0.53 < up < 0.6


def hide(one, *joints, frames=slice(None)):
    keypoints = one.keypoints.copy()
    keypoints[frames, BODY_25.indices(joints)] = np.nan, np.nan, 0
    return replace(one, keypoints=keypoints)


def test_center_of_mass_without_some_joints():
    one = record(standing(2))
    full = center_of_mass(one)
    np.testing.assert_allclose(center_of_mass(hide(one, "RKnee", "RWrist", "REar")), full, atol=1e-3)
    near = center_of_mass(hide(one, "RWrist", "LWrist", "RBigToe", "LBigToe", "REar", "LEar"))
    assert np.linalg.norm(near - full, axis=1).max() / PIXELS < 0.03
    for lost in (("MidHip",), ("RKnee", "LKnee"), ("RElbow", "LElbow")):
        assert np.isnan(center_of_mass(hide(one, *lost))).all()


def test_metres_of_a_pixel():
    one = record(standing(20))
    assert metres_per_unit(one, HEIGHT) == pytest.approx(1 / PIXELS, rel=1e-3)
    assert metres_per_unit(hide(one, "RKnee"), HEIGHT) == pytest.approx(1 / PIXELS, rel=1e-3)
    assert np.isnan(metres_per_unit(hide(one, "RKnee", "LKnee"), HEIGHT))
    assert torso_length(one) == pytest.approx(0.288 * HEIGHT * PIXELS, rel=1e-4)


def test_wrong_poses_do_not_turn_the_trunk():
    """An estimator turns the body round for three frames while it turns over."""
    one = jump(up=3.5, turns=1)
    keypoints = one.keypoints.copy()
    wrong = slice(50, 53)
    keypoints[wrong, NECK, :2] = 2 * keypoints[wrong, HIP, :2] - keypoints[wrong, NECK, :2]
    found, right = trunk_angle(replace(one, keypoints=keypoints)), trunk_angle(one)
    assert np.isnan(found[wrong]).all()
    rest = np.delete(np.arange(len(right)), np.arange(50, 53))
    np.testing.assert_allclose(found[rest], right[rest], atol=1e-6)


# --- the same, whoever films it


def close(a, b):
    for name in NUMBERS:
        if name != "scale":
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=0.02, abs=0.01, nan_ok=True), name


@pytest.mark.parametrize("activity", ACTIVITIES)
@pytest.mark.parametrize("height", [None, 1.6])
def test_shift_scale_and_mirror_change_nothing(activity, height):
    one = simulate_recording(activity, athlete="a03", noise=0, lost=0)
    found = measure_kinematics(one, height=height)
    shifted = replace(one, keypoints=one.keypoints * np.float32([0.5, 0.5, 1]) + np.float32([64, 32, 0]))
    flipped = one.keypoints[:, BODY_25.mirror_order] * np.float32([-1, 1, 1]) + np.float32([2048, 0, 0])
    close(measure_kinematics(shifted, height=height), found)
    close(measure_kinematics(replace(one, keypoints=flipped), height=height), found)
    assert measure_kinematics(shifted, height=height).scale == pytest.approx(2 * found.scale, rel=1e-3)


def test_frames_and_times_say_the_same():
    one = simulate_recording("backflip", noise=0, lost=0)
    close(
        measure_kinematics(replace(one, fps=None, timestamps=3 + np.arange(len(one)) / 60)),
        measure_kinematics(one),
    )


def test_layouts_without_feet_go_by_the_ankles():
    one = simulate_recording("backflip", noise=0, lost=0)
    coco = replace(one, keypoints=BODY_25.convert(one.keypoints, COCO_17), skeleton=COCO_17)
    a, b = measure_kinematics(coco), measure_kinematics(one)
    assert a.flights == 1 and a.flight_time == pytest.approx(b.flight_time, abs=0.12)
    assert a.turn == pytest.approx(b.turn, abs=1)


# --- simulated gymnasts, seen with noise


@pytest.mark.slow
@pytest.mark.parametrize("activity", ACTIVITIES)
def test_errors_on_simulated_recordings(activity):
    off = []
    for n in range(20):
        motion = simulate_motion(activity, athlete=f"k{n}")
        one = measure_kinematics(
            simulate_recording(activity, athlete=f"k{n}"), height=draw_athlete(f"k{n}").height, point="hip"
        )
        hip, lean = motion.joints[:, HIP], motion.lean
        off.append(
            {
                "flight_time": one.flight_time - motion.airborne.sum() / 60,
                "turn": one.turn - (lean[-1] - lean[0]),
                "hip_rise": one.hip_rise - (hip[:, 2].max() - hip[0, 2]),
                "fall": one.fall - GRAVITY,
                "rotation_peak": one.rotation_peak / np.gradient(lean, 1 / 60).max() - 1,
                "flights": one.flights - np.count_nonzero(np.diff(motion.airborne.astype(int)) > 0),
            }
        )
    median = {name: np.nanmedian(np.abs([o[name] for o in off])) for name in off[0]}
    limits = {
        "flight_time": 0.05,
        "turn": 6,
        "hip_rise": 0.05,
        "fall": 1.5,
        "rotation_peak": 0.15,
        "flights": 0,
    }
    assert {name: value for name, value in median.items() if value > limits[name]} == {}


@pytest.mark.slow
def test_published_backflips_are_plausible(tumbling):
    table = kinematics_table(tumbling)
    flips = table[table["activity"] == "backflip"].median(numeric_only=True)
    assert 0.5 < flips["flight_time"] < 0.7
    assert 240 < flips["turn"] < 330  # the published clips end before the trunk is up
    assert 0.38 < GRAVITY / flips["fall"] < 0.55  # metres from neck to hip
    assert flips["hip_travel"] < 1 < flips["hip_rise"]
    springs = table[table["activity"] == "back-handspring"].median(numeric_only=True)
    assert springs["hip_travel"] > 2 * springs["hip_rise"]
    assert springs["flight_time"] < flips["flight_time"]


# --- what cannot be known


def test_a_recording_that_ends_in_the_air():
    one = jump()
    found = measure_kinematics(replace(one, keypoints=one.keypoints[:50]))
    assert np.isnan(
        [found.flights, found.flight_time, found.jump_height_time, found.rotation_mean, found.fall]
    ).all()
    assert found.hip_rise > 0.5


def test_feet_that_nobody_saw():
    feet = [name for name in BODY_25.joints if name.endswith(("Toe", "Heel", "Ankle"))]
    found = measure_kinematics(hide(jump(), *feet))
    assert np.isnan([found.flights, found.flight_time, found.takeoff, found.peak_acceleration]).all()
    assert found.hip_rise > 0.5 and found.turn == pytest.approx(0, abs=1e-3)


def test_feet_unseen_when_they_leave_or_in_the_air():
    feet = [name for name in BODY_25.joints if name.endswith(("Toe", "Heel", "Ankle"))]
    leave = measure_kinematics(hide(jump(), *feet, frames=slice(25, 40)))
    assert np.isnan([leave.takeoff, leave.flights, leave.flight_time]).all()
    assert leave.landing == pytest.approx(0.5 + 6 / GRAVITY, abs=0.01)
    air = measure_kinematics(hide(jump(), *feet, frames=slice(29, 70)))
    assert np.isnan([air.takeoff, air.landing, air.flights, air.flight_time]).all()
    short = measure_kinematics(hide(jump(), *feet, frames=slice(45, 50)))
    assert short.flight_time == pytest.approx(6 / GRAVITY, abs=0.01)


def test_hands_that_nobody_saw_may_have_stood_on_the_floor():
    one = simulate_recording("back-handspring", athlete="a02", noise=0, lost=0)
    assert measure_kinematics(one).flights == 2
    found = measure_kinematics(hide(one, "RWrist", "LWrist"))
    assert np.isnan([found.flights, found.flight_time, found.longest_flight]).all()
    assert found.takeoff < found.landing


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_recordings(frames):
    found = measure_kinematics(record(standing(frames)), height=HEIGHT)
    assert found.hip_travel == 0 and found.turn == pytest.approx(0, abs=1e-4)
    assert np.isnan([found.takeoff, found.fall]).all()


def test_refusals():
    one = jump()
    with pytest.raises(ValueError, match=r"jump-1-z01: frame rate unknown.*fps="):
        measure_kinematics(replace(one, fps=None))
    for height in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="`height` must be metres"):
            measure_kinematics(one, height=height)
    with pytest.raises(ValueError, match=r"`point` must .* got 'nose'"):
        measure_kinematics(one, point="nose")
    with pytest.raises(UnseenError, match="jump-1-z01: Neck and MidHip"):
        measure_kinematics(hide(one, *BODY_25.joints))


def test_the_table_has_a_row_for_each_and_a_column_for_each_field():
    ones = [simulate_recording(a, athlete=who) for a in ACTIVITIES for who in ("a01", "a02")]
    table = kinematics_table(ones, heights={"a02": 1.7})
    assert table["name"].tolist() == [one.name for one in ones]
    assert set(table) == {field.name for field in fields(Kinematics)} | {"activity", "sample", "athlete"}
    assert table["unit"].tolist() == ["torso", "m"] * 2
    assert table.loc[1, "hip_rise"] == measure_kinematics(ones[1], height=1.7).hip_rise
    assert list(kinematics_table([])) == list(table)
    assert asdict(measure_kinematics(ones[0]))["name"] == table.loc[0, "name"]
