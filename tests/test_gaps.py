"""gaps: fill against a literal walk, by the length of the gap, through curves; the unsure dropped."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers.random_recordings import random_recording, rope, with_xy
from hypothesis import given, settings
from hypothesis import strategies as st

from gymskel.preprocess import drop_uncertain, fill, smooth

N = np.nan


gappy = st.lists(st.one_of(st.just(np.nan), st.integers(0, 1000).map(float)), min_size=1, max_size=25)


METHODS = ["linear", "thesis", "pchip"]


# --- fill --------------------------------------------------------------------------------------------------------


def walked(values):
    """The thesis' walk (sec. 4.2.1), frame by frame; a value in the very last frame is no next value."""
    out = list(values)
    last = len(out) - 1
    for now in range(len(out)):
        if not np.isnan(values[now]):
            continue
        following = next((values[k] for k in range(now + 1, last) if not np.isnan(values[k])), np.nan)
        previous = out[now - 1] if now else np.nan
        if np.isnan(following):
            out[now] = previous
        elif np.isnan(previous):
            out[now] = following
        else:
            out[now] = (previous + following) / 2
    return out


def interpolated(values):
    """Straight lines between what is seen, the ends held; nothing seen, nothing told."""
    values = np.array(values)
    seen = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), seen, values[seen]) if seen.size else values


@settings(max_examples=40, deadline=None)
@given(gappy)
@pytest.mark.parametrize(("method", "literal"), [("thesis", walked), ("linear", interpolated)])
def test_fill_is_the_literal_walk(method, literal, values):
    filled = fill(rope(values), method=method)
    wanted = np.array(literal(values))
    np.testing.assert_allclose(filled.xy[:, 1, 0], wanted, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(filled.xy[:, 2, 1], np.array(literal(2 * np.array(values) + 5)), rtol=1e-6)
    seen = ~np.isnan(values)
    np.testing.assert_array_equal(filled.keypoints[seen], rope(values).keypoints[seen])
    assert (filled.confidence[~seen] == 0).all()


def test_fill_joint_by_joint_at_random():
    one = random_recording(40, unseen=0.6)
    filled = fill(one, method="thesis")
    for joint in range(25):
        for axis in (0, 1):
            wanted = walked(one.xy[:, joint, axis].astype(float))
            np.testing.assert_allclose(filled.xy[:, joint, axis], wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "thesis", "linear"),
    [
        ([0, N, N, 8, 0], [0, 4, 6, 8, 0], [0, 8 / 3, 16 / 3, 8, 0]),
        ([N, N, 6, 7], [6, 6, 6, 7], [6, 6, 6, 7]),
        ([3, N, N, N], [3, 3, 3, 3], [3, 3, 3, 3]),
        ([4, N, N, 10], [4, 4, 4, 10], [4, 6, 8, 10]),  # seen next in the very last frame
        ([N, N, N, 10], [N, N, N, 10], [10, 10, 10, 10]),
        ([N, N, N, N], [N, N, N, N], [N, N, N, N]),
        ([5], [5], [5]),
    ],
)
def test_fill_by_hand(values, thesis, linear):
    np.testing.assert_allclose(fill(rope(values), method="thesis").xy[:, 0, 0], thesis, rtol=1e-6)
    np.testing.assert_allclose(fill(rope(values)).xy[:, 0, 0], linear, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_fill_moves_and_grows_with_the_picture(method):
    one = random_recording(30, unseen=0.5)
    moved = fill(with_xy(one, one.xy * 0.5 + [100, -30]), method=method)
    np.testing.assert_allclose(moved.xy, fill(one, method=method).xy * 0.5 + [100, -30], atol=1e-3)
    twice = fill(fill(one, method="linear"), method=method)
    np.testing.assert_array_equal(twice.keypoints, fill(one, method="linear").keypoints)


@pytest.mark.parametrize("method", ["linear", "pchip"])
def test_only_the_thesis_cares_which_way_time_runs(method):
    one = random_recording(30, unseen=0.5)
    back = fill(replace(one, keypoints=one.keypoints[::-1]), method=method).xy[::-1]
    np.testing.assert_allclose(back, fill(one, method=method).xy, rtol=1e-5)


def test_fill_refuses_other_methods():
    with pytest.raises(ValueError, match=r"`method` must .* got 'cubic'"):
        fill(random_recording(), method="cubic")


@settings(max_examples=40, deadline=None)
@given(gappy, st.sampled_from(METHODS), st.integers(0, 6))
def test_a_gap_is_filled_whole_or_not_at_all(values, method, max_gap):
    everything, some = (fill(rope(values), method=method, max_gap=limit) for limit in (None, max_gap))
    lost = np.isnan(values)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(int)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        wanted = everything.keypoints[start:stop] if stop - start <= max_gap else N
        np.testing.assert_array_equal(some.xy[start:stop], wanted if wanted is N else wanted[..., :2])
        assert (some.confidence[start:stop] == 0).all()
    np.testing.assert_array_equal(some.keypoints[~lost], rope(values).keypoints[~lost])


@pytest.mark.parametrize("method", METHODS)
def test_max_gap_by_hand(method):
    one = rope([N, N, 3, N, 3, N, N, 3, N, N, N])
    filled = fill(one, method=method, max_gap=2)
    np.testing.assert_array_equal(filled.xy[:, 0, 0], [3, 3, 3, 3, 3, 3, 3, 3, N, N, N])
    np.testing.assert_array_equal(fill(one, method=method, max_gap=0).keypoints, one.keypoints)
    assert filled.history[-1] == {"step": "fill", "method": method, "max_gap": 2}


def test_a_gap_counts_joint_by_joint():
    one = rope(np.arange(6.0))
    keypoints = one.keypoints.copy()
    keypoints[2, 0], keypoints[2:5, 1] = (N, N, 0), (N, N, 0)
    filled = fill(replace(one, keypoints=keypoints), max_gap=1)
    assert filled.xy[2, 0, 0] == 2 and np.isnan(filled.xy[2:5, 1]).all() and filled.seen[:, 2].all()


def test_pchip_by_hand():
    """Level on both sides of the gap: between them 8 (3 u^2 - 2 u^3), Hermite's cubic with slopes of 0."""
    filled = fill(rope([0, 0, N, N, N, 8, 8]), method="pchip")
    np.testing.assert_allclose(filled.xy[:, 0, 0], [0, 0, 1.25, 4, 6.75, 8, 8], atol=1e-5)
    np.testing.assert_array_equal(fill(rope([N, 7, N]), method="pchip").xy[:, 0, 0], [7, 7, 7])
    np.testing.assert_allclose(fill(rope([N, 2, N, 6]), method="pchip").xy[:, 0, 0], [2, 2, 4, 6], rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(gappy)
def test_pchip_never_leaves_what_lies_on_either_side(values):
    filled = fill(rope(values), method="pchip")
    seen = np.flatnonzero(~np.isnan(values))
    if not seen.size:
        assert np.isnan(filled.xy).all()
        return
    x = filled.xy[:, 1, 0]
    for a, b in pairwise(seen):
        low, high = sorted((values[a], values[b]))
        assert (x[a : b + 1] >= low - 1e-3).all() and (x[a : b + 1] <= high + 1e-3).all()
    assert (x[: seen[0]] == values[seen[0]]).all() and (x[seen[-1] :] == values[seen[-1]]).all()


@pytest.mark.parametrize("method", ["linear", "pchip"])
def test_time_is_what_the_timestamps_say(method):
    times = np.array([0, 0.1, 0.15, 0.4, 0.5])
    one = rope([0, N, N, 40, 50], timestamps=times)
    np.testing.assert_allclose(fill(one, method=method).xy[:, 0, 0], 100 * times, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_nobody_seen_and_nothing_to_fill(method):
    nobody = rope([N, N, N])
    np.testing.assert_array_equal(fill(nobody, method=method).keypoints, nobody.keypoints)
    whole = random_recording(unseen=0)
    filled = fill(whole, method=method)
    np.testing.assert_array_equal(filled.keypoints, whole.keypoints)
    assert not np.shares_memory(filled.keypoints, whole.keypoints)


def test_fill_refuses_gaps_below_nothing():
    with pytest.raises(ValueError, match=r"`max_gap` must .* got -1"):
        fill(random_recording(), max_gap=-1)


def test_golden_the_published_recording_comes_from_the_raw_one(raw, tumbling):
    one = next(r for r in raw if r.source == "backflip-1-s07" and r.person == 0)
    published = next(r for r in tumbling if r.source == "backflip-1-s07")
    closed = replace(one, keypoints=one.keypoints[one.seen.any(axis=1)])  # as the published set closes holes
    assert len(one) == 84 and len(closed) == len(published) == 83
    cleaned = smooth(fill(closed, method="thesis"), method="trailing")
    # a joint never seen is 0, 0 in the published files
    assert (cleaned.seen == published.seen).all()
    np.testing.assert_allclose(cleaned.xy, published.xy, atol=1e-3)
    assert np.nanmax(np.abs(fill(closed).xy - published.xy)) > 1  # which no other fill does


# --- drop_uncertain ----------------------------------------------------------------------------------------------


def test_what_is_unsure_becomes_unseen():
    one = random_recording(40)
    two = drop_uncertain(one, below=0.6)
    kept = one.confidence >= np.float32(0.6)
    np.testing.assert_array_equal(two.seen, kept)
    np.testing.assert_array_equal(two.keypoints[kept], one.keypoints[kept])
    assert (two.confidence[~kept] == 0).all() and 0.1 < kept.mean() < 0.6
    assert two.history == ({"step": "drop_uncertain", "below": 0.6},)


def test_the_limit_itself_is_kept_and_the_filled_is_dropped():
    one = rope([0, N, 4])
    assert drop_uncertain(one, below=0.5).seen.all(axis=1).tolist() == [True, False, True]
    assert not drop_uncertain(one, below=0.51).seen.any()
    np.testing.assert_array_equal(drop_uncertain(fill(one)).keypoints, one.keypoints)


@pytest.mark.parametrize("below", [0, -0.1, 1.5, N])
def test_drop_uncertain_refuses(below):
    with pytest.raises(ValueError, match=r"`below` .* got"):
        drop_uncertain(random_recording(), below=below)
