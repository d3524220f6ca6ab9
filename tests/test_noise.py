"""noise: means against a literal account, filters with known answers, outliers; nothing crosses a gap."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers.random_recordings import random_recording, rope, with_xy
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.preprocess import remove_outliers, smooth, smooth_butterworth, smooth_one_euro, smooth_savgol
from gymskel.preprocess.noise import body_sizes
from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, Skeleton

N = np.nan


gappy = st.lists(st.one_of(st.just(np.nan), st.integers(0, 1000).map(float)), min_size=1, max_size=25)


STEPS = {
    "centered": lambda r: smooth(r, window=5),
    "trailing": lambda r: smooth(r, window=5, method="trailing"),
    "savgol": lambda r: smooth_savgol(r, window=7, polyorder=2),
    "butterworth": lambda r: smooth_butterworth(r, cutoff=6),
    "one_euro": smooth_one_euro,
    "outliers": remove_outliers,
}
SMOOTHERS = [name for name in STEPS if name != "outliers"]


# --- every one of them -------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(gappy)
@pytest.mark.parametrize("name", SMOOTHERS)
def test_seen_stays_seen_and_unseen_unseen(name, values):
    one = rope(values)
    two = STEPS[name](one)
    np.testing.assert_array_equal(two.seen, one.seen)
    np.testing.assert_array_equal(two.confidence, one.confidence)


@pytest.mark.parametrize("name", STEPS)
def test_what_stands_still_stays_as_it_is(name):
    one = rope([700, 700, N, N, 700, N, *[700] * 30, N])
    np.testing.assert_allclose(STEPS[name](one).xy, one.xy, rtol=1e-6)
    for short in ([3], [3, 3], [N], [N, 3], [N] * 4):
        np.testing.assert_array_equal(STEPS[name](rope(short)).keypoints, rope(short).keypoints)


@pytest.mark.parametrize("name", STEPS)
def test_all_move_and_grow_with_the_picture(name):
    one = random_recording(50, unseen=0.2)
    moved = STEPS[name](with_xy(one, one.xy * 0.5 + [100, -30]))
    np.testing.assert_allclose(moved.xy, STEPS[name](one).xy * 0.5 + [100, -30], atol=1e-3)


@pytest.mark.parametrize("name", ["centered", "savgol", "outliers"])
def test_those_that_look_both_ways_do_not_care_which_way_time_runs(name):
    one = random_recording(50, unseen=0.2)
    back = STEPS[name](replace(one, keypoints=one.keypoints[::-1])).xy[::-1]
    np.testing.assert_allclose(back, STEPS[name](one).xy, atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(gappy, gappy, st.integers(1, 3))
@pytest.mark.parametrize("name", ["savgol", "butterworth", "one_euro without speed"])
def test_a_run_depends_on_itself_alone(name, before, after, gap):
    """Other runs of a joint, and other joints, may be what they like."""
    step = {**STEPS, "one_euro without speed": lambda r: smooth_one_euro(r, beta=0)}[name]
    run = [5.0, 9, 4, 30, 2, 2, 8, 100, 7, 7, 6, 1]
    alone = step(rope(run)).xy[:, 1]
    among = rope([*before, *[N] * gap, *run, *[N] * gap, *after]).keypoints
    among[:, 0] = np.nan, np.nan, 0
    start = len(before) + gap
    found = step(rope(np.zeros(len(among)))).after("test", among)
    np.testing.assert_array_equal(step(found).xy[start : start + len(run), 1], alone)


@settings(max_examples=20, deadline=None)
@given(gappy, gappy)
@pytest.mark.parametrize("name", ["trailing", "one_euro"])
def test_what_may_be_used_live_never_looks_ahead(name, past, future):
    """Whatever comes later, of this joint or of others, the past stays as it was told."""
    told = STEPS[name](rope(past)).keypoints
    later = random_recording(len(past) + len(future)).keypoints[:, :3]
    later[: len(past)] = rope(past).keypoints
    np.testing.assert_array_equal(STEPS[name](rope(past).after("test", later)).keypoints[: len(past)], told)


@pytest.mark.parametrize("name", ["trailing", "one_euro"])
def test_a_recording_that_grows_keeps_its_past(name):
    one = random_recording(40, unseen=0.2)
    whole = STEPS[name](one).keypoints
    for frames in (1, 2, 9, 39):
        part = STEPS[name](replace(one, keypoints=one.keypoints[:frames]))
        np.testing.assert_array_equal(part.keypoints, whole[:frames])


@pytest.mark.parametrize("name", ["centered", "savgol", "butterworth"])
def test_what_looks_ahead_says_so(name):
    """The counterpart: what is no use live is changed by the future."""
    one, other = rope([1, 2, 4, 3] * 3 + [1]), rope([1, 2, 4, 3] * 3 + [100])
    assert (STEPS[name](one).xy[-2] != STEPS[name](other).xy[-2]).all()


@pytest.mark.parametrize("name", STEPS)
def test_one_person_of_one_joint(name):
    dot = Skeleton("dot", ("Dot",))
    one = Recording(np.full((20, 1, 3), 1.0), fps=30, skeleton=dot)
    one.keypoints[4:7] = np.nan, np.nan, 0
    np.testing.assert_allclose(STEPS[name](one).keypoints, one.keypoints)


# --- smooth --------------------------------------------------------------------------------------------------------


def averaged(values, window, method):
    """Eq. 4.1 of the thesis, or its author's trailing mean, frame by frame over what is seen."""
    out = []
    for now, value in enumerate(values):
        first = now - window // 2 if method == "centered" else now - window + 1
        near = np.array(values[max(first, 0) : first + window])
        if np.isnan(value) or (method == "trailing" and first < 0):
            out.append(value)
        else:
            out.append(near[~np.isnan(near)].mean())
    return out


@settings(max_examples=40, deadline=None)
@given(gappy, st.sampled_from([1, 3, 5, 9]))
@pytest.mark.parametrize("method", ["centered", "trailing"])
def test_smooth_is_the_literal_mean(method, values, window):
    smoothed = smooth(rope(values), window=window, method=method)
    np.testing.assert_allclose(smoothed.xy[:, 1, 0], averaged(values, window, method), rtol=1e-6, atol=1e-4)
    np.testing.assert_array_equal(smoothed.confidence, rope(values).confidence)


def test_smooth_by_hand():
    one = rope([0, 3, 6, 0, N, 9])
    assert smooth(one).xy[:, 0, 0].tolist()[:4] == [1.5, 3, 3, 3]
    trailing = smooth(one, window=2, method="trailing").xy[:, 0, 0]
    np.testing.assert_array_equal(trailing, [0, 1.5, 4.5, 3, N, 9])


def test_centered_smoothing_keeps_uniform_motion_and_trailing_delays_it():
    one = rope(np.arange(20.0) * 3)
    np.testing.assert_allclose(smooth(one, window=5).xy[2:-2], one.xy[2:-2], rtol=1e-6)
    late = smooth(one, window=5, method="trailing").xy[4:, 0, 0]
    np.testing.assert_allclose(late, one.xy[4:, 0, 0] - 3 * (5 - 1) / 2, rtol=1e-6)


def test_a_window_of_one_changes_nothing():
    one = random_recording()
    for method in ("centered", "trailing"):
        np.testing.assert_array_equal(smooth(one, window=1, method=method).keypoints, one.keypoints)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "median"}, r"`method` must .* got 'median'"),
        ({"window": 4}, r"`window` must .* got 4"),
        ({"window": 3.5}, "`window` must be .* got 3.5"),
        ({"window": 0}, "`window` must be .* got 0"),
        ({"window": -1, "method": "trailing"}, r"`window` must .* got -1"),
    ],
)
def test_smooth_refuses(given, message):
    with pytest.raises(ValueError, match=message):
        smooth(random_recording(), **given)


def test_a_mean_is_as_exact_over_100000_frames_as_over_3():
    """Running sums must not gather errors: far from the start, next to huge values."""
    x = np.random.default_rng(0).uniform(0, 1, 100_000).astype(np.float32)
    x[50_000] = 1e7
    smoothed = smooth(rope(x), window=3).xy[:, 0, 0]
    wanted = np.convolve(x.astype(float), np.ones(3) / 3, mode="valid")
    np.testing.assert_allclose(smoothed[1:-1], wanted, rtol=1e-6)


# --- smooth_savgol -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
def test_savgol_keeps_a_polynomial_of_its_order(order):
    t = np.linspace(-1, 1, 40)
    x = 300 * t**order - 50 * t + 20 if order else np.full(40, 7.0)
    x[12:15] = x[30] = N
    np.testing.assert_allclose(smooth_savgol(rope(x), window=9, polyorder=order).xy[:, 0, 0], x, atol=1e-3)
    if order:  # and bends one of a higher order
        lower = smooth_savgol(rope(x), window=9, polyorder=order - 1).xy[:, 0, 0]
        assert np.nanmax(np.abs(lower - x)) > 0.01


def test_savgol_by_hand():
    """The 5-point quadratic of Savitzky and Golay's table: (-3 12 17 12 -3) / 35."""
    smoothed = smooth_savgol(rope([0, 0, 0, 35, 0, 0, 0, 0]), window=5, polyorder=2).xy[:, 0, 0]
    np.testing.assert_allclose(smoothed[2:6], [12, 17, 12, -3], atol=1e-4)


def test_savgol_in_short_runs_takes_the_frames_there_are():
    one = rope([0, 9, N, 0, 9, 0, N, 4, 0, 9, 0, N, 0, 1, 0, 1, 0])
    smoothed = smooth_savgol(one, window=9, polyorder=1).xy[:, 0, 0]
    np.testing.assert_array_equal(smoothed[:2], [0, 9])  # two frames are a straight line
    np.testing.assert_allclose(smoothed[3:6], [3, 3, 3], rtol=1e-6)
    four = [*np.polyval(np.polyfit([0, 1, 2], [4, 0, 9], 1), [0, 1]), 3, 3]  # three of the four at a time
    np.testing.assert_allclose(smoothed[7:11], four, rtol=1e-5)
    np.testing.assert_allclose(smoothed[12:], [0.4] * 5, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window": 4}, r"`window` must .* got 4"),
        ({"window": 3, "polyorder": 3}, r"`polyorder` must .* got 3"),
        ({"polyorder": -1}, r"`polyorder` must .* got -1"),
    ],
)
def test_savgol_refuses(given, message):
    with pytest.raises(ValueError, match=message):
        smooth_savgol(random_recording(), **given)


# --- smooth_butterworth --------------------------------------------------------------------------------------------


def wave(hertz, fps=60.0, frames=600, **given):
    return rope(1000 + 100 * np.sin(2 * np.pi * hertz * np.arange(frames) / fps), fps=fps, **given)


def gain(one, two, middle=slice(200, 400)):
    """Amplitude after over amplitude before, of whole periods far from the ends."""
    spread = [np.std(r.xy[middle, 0, 0].astype(float)) for r in (one, two)]
    return spread[1] / spread[0]


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize(("cutoff", "fps"), [(6.0, 60.0), (6.0, 30.0), (12.0, 30.0), (3.0, 240.0)])
def test_the_gain_at_the_cutoff_is_minus_3_decibels(cutoff, fps, order):
    """After both passes, near half of the frame rate too; Butterworth's curve on either side of it."""
    middle = slice(400, 800)
    for hertz in (cutoff, cutoff / 2):
        one = wave(hertz, fps, 1200)
        two = smooth_butterworth(one, cutoff=cutoff, order=order)
        warp = np.tan(np.pi * hertz / fps) / np.tan(np.pi * cutoff / fps)
        wanted = 1 / (1 + (np.sqrt(2) - 1) * warp ** (2 * order))
        assert gain(one, two, middle) == pytest.approx(wanted, abs=2e-3)
        assert hertz < cutoff or wanted == pytest.approx(10 ** (-3.0103 / 20), abs=1e-5)


def test_butterworth_finds_the_wave_under_the_noise_and_moves_nothing():
    """2 Hz at 60 frames a second, noise of a tenth; peaks where they were."""
    truth = wave(2, frames=180)
    noise = np.random.default_rng(3).normal(0, 10, truth.xy.shape)
    shaken = with_xy(truth, truth.xy + noise)
    still = smooth_butterworth(shaken, cutoff=6)
    error = [np.sqrt(np.mean((r.xy - truth.xy)[15:-15] ** 2)) for r in (shaken, still)]
    assert (
        error[1] < 0.55 * error[0]
    )  # 6 of 30 Hz pass: sqrt(0.2) of the noise, and a little of the wave goes
    quiet = smooth_butterworth(truth, cutoff=6).xy[:, 0, 0]
    for peak in (37, 67, 97, 127):  # 7.5 + 30 k: two frames alike, and so they stay
        around = truth.xy[peak - 8 : peak + 10, 0, 0]
        np.testing.assert_allclose(quiet[peak], quiet[peak + 1], atol=0.05)
        assert np.argmax(quiet[peak - 8 : peak + 10]) in (8, 9) and np.argmax(around) in (8, 9)
    late = np.correlate(still.xy[:, 0, 0] - 1000, truth.xy[:, 0, 0] - 1000, "full").argmax() - 179
    assert late == 0


def test_butterworth_keeps_uniform_motion():
    one = rope(np.arange(60.0) * 7)
    np.testing.assert_allclose(smooth_butterworth(one, cutoff=6).xy, one.xy, atol=0.15)


def test_butterworth_leaves_runs_as_they_are_that_are_no_longer_than_a_period():
    x = np.arange(1, 140, dtype=float) % 3
    x[np.cumsum(np.arange(2, 16)) - 2] = N  # runs of 0, 2, 3 ... 14 frames, and a long one
    one = rope(x)
    two = smooth_butterworth(one, cutoff=6).xy[:, 0, 0]
    ends = np.flatnonzero(np.isnan(x))
    for start, stop in pairwise([*ends, len(x)]):
        run = slice(start + 1, stop)
        if stop - start - 1 <= 10:
            np.testing.assert_array_equal(two[run], one.xy[run, 0, 0])
        else:
            assert np.abs(np.diff(two[run])).max() < 0.6 < np.abs(np.diff(one.xy[run, 0, 0])).max()
    assert np.nanmin(two) > -0.5 and np.nanmax(two) < 2.5  # nothing flies away


def test_butterworth_hardly_cares_which_way_time_runs():
    """Exactly it would without ends."""
    one = random_recording(120, unseen=0)
    back = smooth_butterworth(replace(one, keypoints=one.keypoints[::-1]), cutoff=6).xy[::-1]
    np.testing.assert_allclose(back[30:90], smooth_butterworth(one, cutoff=6).xy[30:90], atol=1e-3)


def test_the_rate_is_what_evenly_spaced_timestamps_say():
    fps = wave(6, 60)
    jitter = np.random.default_rng(0).uniform(-0.4, 0.4, 600) / 60
    one = replace(fps, fps=None, timestamps=5 + np.arange(600) / 60 + jitter * (np.arange(600) % 599 > 0))
    np.testing.assert_allclose(smooth_butterworth(one).xy, smooth_butterworth(fps).xy, atol=1e-3)


@pytest.mark.parametrize(
    ("facts", "given", "message"),
    [
        ({"fps": None}, {}, "1: frame rate unknown.*fps="),
        ({}, {"cutoff": 30}, r"`cutoff` must .* got 30"),
        ({}, {"cutoff": 0}, "`cutoff` must be above 0 .* got 0"),
        ({}, {"cutoff": N}, "`cutoff` must be above 0 .* got nan"),
        ({}, {"order": 0}, r"`order` must .* got 0"),
        (
            {"timestamps": np.r_[0:6, 8:14] / 60},
            {},
            "1: frames are up to 0.8 frames off.*`resample`",
        ),
    ],
)
def test_butterworth_refuses(facts, given, message):
    with pytest.raises(ValueError, match=message):
        smooth_butterworth(random_recording(12, **facts), **given)


# --- smooth_one_euro -----------------------------------------------------------------------------------------------


def alpha(cutoff, period):
    return 1 / (1 + (1 / (2 * np.pi * cutoff)) / period)


def one_euro(values, times, sizes, min_cutoff, beta):
    """Algorithm 1 of Casiez et al. 2012 value by value, speed divided by the body's size; begins after a gap."""
    out, place, speed = [], None, 0.0
    for k, (x, size) in enumerate(zip(values, sizes, strict=True)):
        if np.isnan(x):
            place, speed = None, 0.0
            out.append(x)
            continue
        if place is None:
            place = x
        else:
            period = times[k] - times[k - 1]
            dx = (x - place) / period / size
            a = alpha(1.0, period)
            speed = a * dx + (1 - a) * speed
            a = alpha(min_cutoff + beta * abs(speed), period)
            place = a * x + (1 - a) * place
        out.append(place)
    return out


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize(("min_cutoff", "beta"), [(1.0, 0.0), (1.0, 16.0), (3.0, 0.5)])
def test_one_euro_is_the_published_filter(min_cutoff, beta, timed):
    one = random_recording(60, unseen=0.15, fps=50.0)
    times = np.arange(60) / 50
    if timed:
        times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.05, 60))
        one = replace(one, fps=None, timestamps=times)
    sizes = [np.median(body_sizes(one)[: k + 1]) for k in range(60)]
    two = smooth_one_euro(one, min_cutoff=min_cutoff, beta=beta)
    for joint in (0, 8, 24):
        for axis in (0, 1):
            wanted = one_euro(one.xy[:, joint, axis].astype(float), times, sizes, min_cutoff, beta)
            np.testing.assert_allclose(two.xy[:, joint, axis], wanted, rtol=1e-5)


def test_one_euro_begins_anew_after_a_gap():
    one = rope([0, 0, 0, N, 500, 500, 510])
    smoothed = smooth_one_euro(one, beta=0).xy[:, 0, 0]
    np.testing.assert_array_equal(smoothed[:6], [0, 0, 0, N, 500, 500])
    assert 500 < smoothed[6] < 502


def test_one_euro_is_steady_at_rest_and_quick_in_motion():
    rng = np.random.default_rng(0)
    rest = random_recording(300, unseen=0).keypoints
    rest[:] = rest[:1]
    rest[..., :2] += rng.normal(0, 2, rest[..., :2].shape)
    rest = Recording(rest, fps=60.0)
    assert np.std(smooth_one_euro(rest).xy[60:] - rest.xy.mean(axis=0)) < 0.6 * 2
    size = np.median(body_sizes(rest))
    running = with_xy(rest, rest.xy[:1] + np.arange(300)[:, None, None] * [size / 6, 0])  # 10 sizes a second
    behind = (running.xy - smooth_one_euro(running).xy)[100:, :, 0] / size
    np.testing.assert_allclose(behind, 1 / (2 * np.pi * 16), rtol=0.1)
    slow = (running.xy - smooth_one_euro(running, beta=0).xy)[100:, :, 0] / size
    assert (slow > 1).all()


@pytest.mark.parametrize(
    ("facts", "given", "message"),
    [
        ({"fps": None}, {}, "1: frame rate unknown.*fps="),
        ({}, {"min_cutoff": 0}, r"`min_cutoff` must .* got 0 and 16"),
        ({}, {"beta": -1}, r"`min_cutoff` must .* got 1.0 and -1"),
    ],
)
def test_one_euro_refuses(facts, given, message):
    with pytest.raises(ValueError, match=message):
        smooth_one_euro(random_recording(**facts), **given)


# --- remove_outliers -----------------------------------------------------------------------------------------------


def hampel(one, window, n_sigma, floor):
    """(frames, joints) True where the identifier, told frame by frame, finds an outlier."""
    far = np.zeros(one.seen.shape, bool)
    half, least = window // 2, floor * np.nanmedian(body_sizes(one))
    for t, joint in np.argwhere(one.confidence > 0):
        near = slice(max(t - half, 0), t + half + 1)
        known = one.xy[near, joint][one.confidence[near, joint] > 0].astype(float)
        if len(known) > half:
            median = np.median(known, axis=0)
            sigma = np.maximum(1.4826 * np.median(np.abs(known - median), axis=0), least)
            far[t, joint] = (np.abs(one.xy[t, joint] - median) > n_sigma * sigma).any()
    return far


@pytest.mark.parametrize(("window", "n_sigma", "floor"), [(9, 3.0, 0.02), (5, 2.0, 0.0), (3, 1.0, 0.1)])
def test_remove_outliers_is_the_literal_identifier(window, n_sigma, floor):
    one = random_recording(60, unseen=0.3)
    one.keypoints[..., 2][np.random.default_rng(5).random((60, 25)) < 0.1] = 0  # filled in
    two = remove_outliers(one, window=window, n_sigma=n_sigma, floor=floor)
    gone = one.seen & ~two.seen
    np.testing.assert_array_equal(gone, hampel(one, window, n_sigma, floor))
    assert gone.sum() > 10
    np.testing.assert_array_equal(two.keypoints[two.seen], one.keypoints[two.seen])
    assert (two.confidence[gone] == 0).all()


def body(frames=30):
    """Standing still on whole pixels, 200 px tall, in BODY_25."""
    rng = np.random.default_rng(0)
    keypoints = np.ones((frames, 25, 3), np.float32)
    keypoints[..., :2] = rng.integers(0, 200, (25, 2))
    return Recording(keypoints, fps=60)


def test_a_jump_goes_and_its_neighbours_stay():
    one = body()
    one.keypoints[10, 4, 1] += 60  # y alone
    one.keypoints[20:24, 7, :2] -= 60  # as many as a window of 9 can tell
    gone = np.argwhere(~remove_outliers(one).seen).tolist()
    assert gone == [[10, 4], [20, 7], [21, 7], [22, 7], [23, 7]]
    one.keypoints[20:25, 7, :2] = one.keypoints[20, 7, :2]  # five: who is right?
    assert remove_outliers(one).seen[22, 7]


def test_a_joint_that_stands_still_to_the_pixel_keeps_its_places():
    one = body()
    one.keypoints[::4, :, 0] += 1  # MAD 0, and a pixel beside it every fourth frame
    assert remove_outliers(one).seen.all()
    assert not remove_outliers(one, floor=0).seen[8::4].any()


def test_the_floor_grows_with_the_body():
    one = body()
    size = float(np.median(body_sizes(one)))
    for share, kept in ((0.055, True), (0.065, False)):  # 3 sigma of 0.02
        one.keypoints[10, 4, :2] = one.keypoints[9, 4, :2] + [share * size, 0]
        assert remove_outliers(one).seen[10, 4] == kept
        assert remove_outliers(with_xy(one, one.xy / 150)).seen[10, 4] == kept


def test_quick_motion_is_no_outlier():
    """Straight flight, a turning point, a landing."""
    one = body(41)
    t = np.arange(41)[:, None, None]
    for way in (30.0 * t, 2.0 * (t - 20) ** 2, 30.0 * np.abs(t - 20), 30.0 * np.minimum(t, 20)):
        assert remove_outliers(with_xy(one, one.xy + way)).seen.all()


def test_what_was_filled_in_is_no_evidence_and_not_judged():
    one = body()
    one.keypoints[:, 4, 2] = 0
    one.keypoints[::2, 4, :2] += 100
    assert remove_outliers(one).seen[:, 4].all()
    one.keypoints[::4, 4, 2] = 1  # two or three found in a window of nine: too few to judge
    one.keypoints[12, 4, :2] += 50
    assert remove_outliers(one).seen[:, 4].all()


def test_next_to_a_long_gap_nothing_is_judged():
    one = body()
    one.keypoints[5:14, 4] = one.keypoints[16:25, 4] = np.nan, np.nan, 0
    one.keypoints[14:16, 4, :2] += 100  # two frames between two gaps: a new place as well as a wrong one
    np.testing.assert_array_equal(remove_outliers(one).keypoints, one.keypoints)


def test_nobody_there():
    nobody = Recording(np.full((5, 25, 3), (N, N, 0)))
    np.testing.assert_array_equal(remove_outliers(nobody).keypoints, nobody.keypoints)
    assert np.isnan(body_sizes(nobody)).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window": 4}, r"`window` must .* got 4"),
        ({"n_sigma": 0}, r"`n_sigma` must .* got 0 and 0.02"),
        ({"floor": -1}, r"`n_sigma` must .* got 3.0 and -1"),
    ],
)
def test_remove_outliers_refuses(given, message):
    with pytest.raises(ValueError, match=message):
        remove_outliers(random_recording(), **given)


def test_the_size_of_a_body():
    one = Recording(np.ones((2, 5, 3)), skeleton=BODY_25.select(BODY_25.joints[:5]))
    one.keypoints[..., 0], one.keypoints[0, :, 1] = [0, 1, 2, 3, 4], 7
    one.keypoints[1] *= [10, 10, 1]
    np.testing.assert_allclose(body_sizes(one), [1, 10])
    one.keypoints[0, 4, 0] = 1e6  # one wrong joint of five
    np.testing.assert_allclose(body_sizes(one), [1, 10])
