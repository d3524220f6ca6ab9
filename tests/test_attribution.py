"""attribution: sums that come out, a wrist that is found, maps that go with what was learned, and the pictures."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gymskel.attribution import (
    integrated_gradients,
    make_baseline,
    occlusion,
    plot_attribution_bodies,
    plot_attribution_map,
    randomization_check,
    rank_agreement,
)
from gymskel.attribution.bodies import relative_to_root, rows_by_part
from gymskel.attribution.path_integral import mean_gradients
from gymskel.clips import Clips
from gymskel.skeleton import GYMNASTICS_15, Skeleton


@pytest.fixture(autouse=True)
def _drawn_and_closed():
    """Every figure must also render without a warning; afterwards all are closed."""
    import matplotlib.pyplot as plt

    with plt.rc_context({"figure.dpi": 40}):  # fewer pixels, quicker
        yield
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
    plt.close("all")


STANDING = {
    "Nose": (0, -8), "Neck": (0, -6), "RShoulder": (-1, -6), "RElbow": (-2, -4), "RWrist": (-2, -2), "LShoulder": (1, -6),
    "LElbow": (2, -4), "LWrist": (2, -2), "MidHip": (0, 0), "RHip": (-1, 0), "RKnee": (-1, 3), "RAnkle": (-1, 6),
    "LHip": (1, 0), "LKnee": (1, 3), "LAnkle": (1, 6),
}  # fmt: skip
WRIST = GYMNASTICS_15.index("RWrist")


def wrist_clips(count=96, frames=30, seed=0) -> Clips:
    """Bodies that sway and walk alike; in the middle third the right wrist goes up ("wave") or down ("push")."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(24, frames + 1, count)
    y = np.arange(count) % 2
    x = np.zeros((count, frames, 15, 2))
    for i, length in enumerate(lengths):
        t = np.linspace(0, 1, length)
        body = np.array([STANDING[joint] for joint in GYMNASTICS_15.joints]) / 8
        sway = 0.05 * np.sin(
            2 * np.pi * (t[:, None, None] * rng.uniform(0.5, 2, (15, 2)) + rng.random((15, 2)))
        )
        walk = t[:, None, None] * (rng.uniform(-1, 1), 0)
        x[i, :length] = body + sway + walk + rng.normal(0, 0.02, (length, 15, 2))
        bump = np.where((t > 1 / 3) & (t < 2 / 3), np.sin(3 * np.pi * (t - 1 / 3)) ** 2, 0)
        x[i, :length, WRIST, 1] += (-1, 1)[y[i]] * bump
    names = np.array(["wave", "push"])[y]
    return Clips.from_arrays(
        x, lengths=lengths, y=names, classes=["wave", "push"], skeleton=GYMNASTICS_15, fps=30
    )


def line_model(weights, frames, joints=15):
    """A model whose answer is known: softmax of two sums over all keypoints."""
    import keras

    keypoints = keras.Input((frames, joints, 2), name="keypoints")
    mask = keras.Input((frames,), dtype="bool", name="mask")
    head = keras.layers.Dense(2, activation="softmax", use_bias=False)
    model = keras.Model([keypoints, mask], head(keras.layers.Flatten()(keypoints)))
    head.set_weights([np.stack([weights.ravel(), -weights.ravel()], axis=1)])
    return model


@pytest.fixture(scope="module")
def learned():
    """A model that knows the two classes (a logistic regression as a keras.Model), clips it has not seen, its answers."""
    from sklearn.linear_model import LogisticRegression

    train, test = wrist_clips(), wrist_clips(12, seed=1)
    fitted = LogisticRegression(max_iter=1000).fit(train.x.reshape(len(train), -1), train.y)
    model = line_model(fitted.coef_.reshape(30, 15, 2) / -2, 30)
    answers = np.asarray(model([test.x, test.mask], training=False))
    assert (answers.argmax(axis=1) == test.y).all()
    return model, test, answers


@pytest.fixture(scope="module")
def explained(learned):
    model, clips, _ = learned
    return integrated_gradients(model, clips, baseline="others", tolerance=0.005)


# --- integrated gradients ---------------------------------------------------------------------------------


def test_attributions_of_a_known_function():
    """p depends on one number s, so each joint's share is its part of s: p'(s) integrates to the same factor for all."""
    rng = np.random.default_rng(0)
    clips = Clips.from_arrays(rng.normal(size=(3, 5, 15, 2)), lengths=[5, 4, 2], skeleton=GYMNASTICS_15)
    weights = rng.normal(scale=0.1, size=(5, 15, 2)).astype(np.float32)
    found = integrated_gradients(line_model(weights, 5), clips, target=0, tolerance=1e-4)
    s, start = (((x * weights).sum(axis=(1, 2, 3))).astype(float) for x in (clips.x, found.baseline))
    p, before = 1 / (1 + np.exp(-2 * s)), 1 / (1 + np.exp(-2 * start))
    np.testing.assert_allclose(found.probability, p, atol=1e-5)
    np.testing.assert_allclose(found.baseline_probability, before, atol=1e-5)
    way = clips.x - found.baseline
    factor = ((p - before) / (s - start))[:, None, None, None]
    root = GYMNASTICS_15.index("MidHip")
    expected = weights * (way - way[:, :, [root]]) * factor
    expected[:, :, root] = (weights.sum(axis=1) * way[:, :, root]) * factor[:, 0]  # travel moves all joints
    np.testing.assert_allclose(found.values[clips.mask], expected[clips.mask], atol=1e-4)
    assert np.isnan(found.values[~clips.mask]).all()
    assert found.row_names[root] == "travel" and found.row_names[0] == "Nose"


def test_the_sum_comes_out(learned, explained):
    """Completeness, recomputed from the model; and the steps are raised where the first were too few."""
    model, clips, answers = learned
    rows = np.arange(len(clips))
    before = np.asarray(model([explained.baseline, clips.mask], training=False))
    change = answers[rows, explained.target] - before[rows, explained.target]
    total = np.nansum(explained.values, axis=(1, 2, 3))
    np.testing.assert_allclose(total, change, atol=0.006)
    np.testing.assert_allclose(explained.error, total - change, atol=1e-4)
    assert (change > 0.5).all()  # there was something to explain
    few = integrated_gradients(model, clips, baseline="others", steps=1, tolerance=0.002)
    assert (np.abs(few.error) <= 0.002).all() and few.steps.min() > 1


def test_small_steps_are_taken_where_the_answer_turns():
    """tanh(k (a - 0.3)), whose mean slope is known: with k = 400 all happens on a hundredth of the way."""
    sharp = np.array([1.0, 400.0])

    def evaluate(clip, share):
        answer = np.tanh(sharp[clip] * (share - 0.3))
        slope = sharp[clip] * (1 - answer**2)
        return answer, slope, slope[:, None]

    known = np.tanh(0.7 * sharp) - np.tanh(-0.3 * sharp)
    options = {"steps": 4, "max_steps": 500, "tolerance": 1e-3}
    mean, error, used = mean_gradients(evaluate, 2, at_once=2, **options)
    np.testing.assert_allclose(mean[:, 0], known, atol=1e-3)
    np.testing.assert_allclose(error, mean[:, 0] - known, atol=1e-9)
    assert used[0] < used[1] < 100  # equal steps would have to be some thousand
    one_by_one = mean_gradients(evaluate, 2, at_once=1, **options)
    for these, those in zip(one_by_one, (mean, error, used), strict=True):
        np.testing.assert_array_equal(these, those)
    _, error, used = mean_gradients(evaluate, 2, at_once=2, steps=4, max_steps=8, tolerance=1e-3)
    assert used.max() == 8 and abs(error[1]) > 1  # as far as it went


def test_too_few_steps_are_refused(learned):
    model, clips, _ = learned
    with pytest.raises(
        ValueError,
        match=r"clip-\d+ worst.* 1e-05",
    ):
        integrated_gradients(model, clips, baseline="others", steps=1, max_steps=1, tolerance=1e-5)
    with pytest.raises(ValueError, match=r"`steps`.* got 9"):
        integrated_gradients(model, clips, steps=9, max_steps=8)


def test_the_wrist_and_its_third_come_out_on_top(explained):
    """Only the right wrist differs between the classes, and only in the middle third."""
    by_joint = np.nansum(explained.by_joint, axis=1)
    assert (by_joint.argmax(axis=1) == WRIST).all()
    thirds = explained.by_part_and_phase(
        {"wrist": ["RWrist"], "rest": [j for j in GYMNASTICS_15.joints if j != "RWrist"]}, phases=3
    )
    assert (thirds[:, :, 0].argmax(axis=1) == 1).all()
    share = thirds[:, 1, 0] / thirds.sum(axis=(1, 2))
    assert share.mean() > 0.7 and share.min() > 0.4, share
    table = explained.table()
    assert set(table["joint"]) == {"RWrist"} and set(table["phase"]) <= {"3/6", "4/6"}
    assert list(table["target"]) == [explained.clips.classes[k] for k in explained.target]


def test_padding_and_the_order_of_clips_change_nothing(learned, explained):
    model, clips, _ = learned
    turned = integrated_gradients(model, clips[::-1], baseline="others", tolerance=0.005)
    np.testing.assert_allclose(turned.values[::-1], explained.values, atol=1e-5)
    filled = replace(clips, x=np.where(clips.mask[..., None, None], clips.x, 0.1))
    others = integrated_gradients(
        model, filled, baseline=np.where(clips.mask[..., None, None], explained.baseline, 7)
    )
    assert (np.isnan(others.values) == ~clips.mask[..., None, None]).all()
    np.testing.assert_array_equal(
        others.baseline[~clips.mask], filled.x[~clips.mask]
    )  # padding explains nothing


def test_a_classifier_and_targets_by_name(learned):
    model, clips, answers = learned
    classifier = SimpleNamespace(model_=model, clips=lambda recordings: recordings)
    by_name = integrated_gradients(classifier, clips[:3], target="push")
    assert by_name.target.tolist() == [1, 1, 1]
    np.testing.assert_allclose(by_name.probability, answers[:3, 1], atol=1e-6)
    assert integrated_gradients(model, clips[:3], target=[0, "push", 1]).target.tolist() == [0, 1, 1]
    assert integrated_gradients(model, clips[:3]).target.tolist() == answers[:3].argmax(axis=1).tolist()


def test_inputs_may_be_a_dict_or_the_keypoints_alone(learned):
    import keras

    model, clips, _ = learned
    expected = integrated_gradients(model, clips[:2], steps=4, tolerance=0.2).values
    by_name = keras.Model({tensor.name: tensor for tensor in model.inputs}, model.outputs[0])
    np.testing.assert_array_equal(
        integrated_gradients(by_name, clips[:2], steps=4, tolerance=0.2).values, expected
    )
    keypoints = keras.Input((30, 15, 2), name="keypoints")
    alone = keras.Model(
        keypoints, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(keypoints))
    )
    assert integrated_gradients(alone, clips[:2]).values.shape == (2, 30, 15, 2)
    other = keras.Input((30, 15, 2), name="poses")
    wrong = keras.Model(other, keras.layers.Dense(2)(keras.layers.Flatten()(other)), name="wrong")
    with pytest.raises(ValueError, match="'wrong' takes poses"):
        integrated_gradients(wrong, clips[:2])
    framewise = keras.Model(keypoints, keras.layers.Dense(2)(keypoints), name="framewise")
    with pytest.raises(ValueError, match=r"'framewise'.*\(2, 30, 15, 2\)"):
        integrated_gradients(framewise, clips[:2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "jump"}, "wave, push .* got 'jump'"),
        ({"target": 2}, "a number below 2, got 2"),
        ({"target": [0, 1]}, "one class or one for each of 3 clips, got 2"),
        ({"baseline": "zero"}, "`baseline`.* got 'zero'"),
        (
            {"baseline": np.zeros((2, 2))},
            r"`baseline`.* got \(2, 2\)",
        ),
        ({"baseline": np.full((30, 15, 2), np.nan)}, "`baseline` must be finite"),
        ({"baseline": "others", "target": 0}, None),
    ],
)
def test_integrated_gradients_refuses(learned, options, message):
    model, clips, _ = learned
    if message is None:
        one_class = clips[clips.y == 0][:3]
        with pytest.raises(ValueError, match="another class than 0"):
            integrated_gradients(model, one_class, **options)
        with pytest.raises(ValueError, match="labels `y`"):
            integrated_gradients(model, replace(one_class, y=None), **options)
        return
    with pytest.raises(ValueError, match=message):
        integrated_gradients(model, clips[:3], **options)


def test_what_is_no_clip_is_refused(learned):
    model, clips, _ = learned
    with pytest.raises(TypeError, match=r"Clips .* got list"):
        integrated_gradients(model, [1])
    with pytest.raises(ValueError, match="holds no clip"):
        integrated_gradients(model, clips[:0])
    fast = replace(clips, channels=("vx", "vy"))
    with pytest.raises(ValueError, match=r"vx, vy.*Fix: give `baseline`"):
        integrated_gradients(model, fast)
    with pytest.raises(ValueError, match="channels vx, vy"):
        occlusion(model, fast)
    assert integrated_gradients(model, fast[:1], baseline=clips.x[0] * 0.9).values.shape == (1, 30, 15, 2)


# --- baselines --------------------------------------------------------------------------------------------


def test_baselines():
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    clips = Clips.from_arrays(x, lengths=[3, 2], y=["a", "b"])
    still, mean = make_baseline(clips), make_baseline(clips, "mean")
    np.testing.assert_array_equal(still[0], np.repeat(x[0, :1], 3, axis=0))
    np.testing.assert_array_equal(mean[1, :2], np.repeat(x[1, :2].mean(axis=0)[None], 2, axis=0))
    others = make_baseline(clips, "others", target=np.array([0, 1]))
    np.testing.assert_allclose(
        others[0], [x[1, 0], (x[1, 0] + x[1, 1]) / 2, x[1, 1]]
    )  # two frames over three
    np.testing.assert_allclose(others[1, :2], x[0, [0, 2]])
    for made in (still, mean, others):
        np.testing.assert_array_equal(made[1, 2], clips.x[1, 2])  # the padding is the clip's own
    confident = Clips.from_arrays(np.arange(18.0).reshape(1, 3, 2, 3))
    np.testing.assert_array_equal(make_baseline(confident)[..., 2], confident.x[..., 2])


def test_relative_to_root_and_back():
    x = np.random.default_rng(0).normal(size=(2, 4, 15, 3)).astype(np.float32)
    clips = Clips.from_arrays(x, skeleton=GYMNASTICS_15)
    relative = relative_to_root(clips.x, clips)
    np.testing.assert_allclose(relative_to_root(relative, clips, inverse=True), x, atol=1e-6)
    np.testing.assert_array_equal(relative[..., 2], x[..., 2])  # confidence stays
    shifted = relative_to_root(clips.x + np.array([5, 3, 0]), clips)
    root = GYMNASTICS_15.index("MidHip")
    others = np.delete(np.arange(15), root)
    np.testing.assert_allclose(shifted[:, :, others], relative[:, :, others], atol=1e-5)
    rootless = Clips.from_arrays(x)
    assert relative_to_root(x, rootless) is x and relative_to_root(x, rootless, inverse=True) is x


def test_parts_and_travel():
    rows = rows_by_part(GYMNASTICS_15)
    assert list(rows)[-1] == "travel" and rows["travel"] == [GYMNASTICS_15.index("MidHip")]
    assert sorted(row for some in rows.values() for row in some) == list(range(15))  # each once
    assert rows_by_part(Skeleton("s", ("a", "b"))) == {"a": [0], "b": [1]}
    with pytest.raises(ValueError, match="`parts` names no part"):
        rows_by_part(GYMNASTICS_15, {})
    with pytest.raises(ValueError, match="has no joint tail"):
        rows_by_part(GYMNASTICS_15, {"tail": ["tail"]})


# --- occlusion --------------------------------------------------------------------------------------------


def test_occlusion_finds_the_wrist_and_its_third(learned):
    model, clips, answers = learned
    found = occlusion(model, clips, phases=3)
    assert (
        found.drop.shape == (12, 3, 6)
        and found.part_drop.shape == (12, 6)
        and found.phase_drop.shape == (12, 3)
    )
    arm = found.parts.index("right_arm")
    assert (found.part_drop.argmax(axis=1) == arm).all()
    assert (found.phase_drop.argmax(axis=1) == 1).all()
    flat = found.drop.reshape(12, -1).argmax(axis=1)
    assert (flat == len(found.parts) + arm).all()  # the second phase of the right arm
    np.testing.assert_allclose(found.probability, answers.max(axis=1), atol=1e-6)


def test_what_is_taken_away_goes_straight():
    """A linear model sees exactly the change of the keypoints that the docstring describes."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1, 6, 15, 2))
    clips = Clips.from_arrays(x, lengths=[6], skeleton=GYMNASTICS_15)
    weights = rng.normal(scale=0.05, size=(6, 15, 2)).astype(np.float32)
    found = occlusion(line_model(weights, 6), clips, target=0, parts={"hand": ["RWrist"]}, phases=3)
    root = GYMNASTICS_15.index("MidHip")

    def p(keypoints):
        return 1 / (1 + np.exp(-2 * (keypoints * weights).sum()))

    hand = x[0, :, WRIST] - x[0, :, root]
    middle = x[0].copy()  # phase 2 of 3: frames 2 and 3, between 1 and 4
    middle[2, WRIST], middle[3, WRIST] = (
        x[0, f, root] + hand[1] + (hand[4] - hand[1]) * (f - 1) / 3 for f in (2, 3)
    )
    first, always, still = x[0].copy(), x[0].copy(), x[0].copy()
    first[:2, WRIST] = x[0, :2, root] + hand[2]
    always[:, WRIST] = x[0, :, root] + hand[0]
    still -= (x[0, :, root] - x[0, 0, root])[:, None]  # all the same, on the spot
    assert found.parts == ("hand", "travel")
    wanted = [p(x[0]) - p(some) for some in (first, middle, always, still)]
    got = [found.drop[0, 0, 0], found.drop[0, 1, 0], *found.part_drop[0]]
    np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_occlusion_refuses(learned):
    model, clips, _ = learned
    with pytest.raises(ValueError, match=r"`phases`.* got 0"):
        occlusion(model, clips, phases=0)
    with pytest.raises(ValueError, match="no joint Tail"):
        occlusion(model, clips, parts={"tail": ["Tail"]})


# --- belief -----------------------------------------------------------------------------------------------


def test_the_two_agree_and_forgetting_shows(learned, explained):
    model, clips, answers = learned
    found = occlusion(model, clips, phases=3)
    agreement = rank_agreement(explained, found)
    assert agreement.shape == (12,) and agreement.mean() > 0.2
    other_targets = occlusion(model, clips, phases=3, target=0)
    with pytest.raises(ValueError, match="`attribution` and `occluded`"):
        rank_agreement(explained, other_targets)
    own = {"arm": ["RWrist", "RElbow"]}
    with pytest.raises(ValueError, match="arm, travel"):
        rank_agreement(explained, occlusion(model, clips, parts=own))
    alike = randomization_check(model, explained, shuffles=3)
    assert alike.shape == (3, 12) and np.abs(alike).mean() < 0.3
    np.testing.assert_array_equal(randomization_check(model, explained, shuffles=1), alike[:1])  # by its seed
    np.testing.assert_array_equal(
        np.asarray(model([clips.x, clips.mask], training=False)), answers
    )  # weights are back


def test_agreement_is_spearmans(explained):
    cells = explained.by_part_and_phase(phases=3)
    parts = tuple(rows_by_part(GYMNASTICS_15))
    known = SimpleNamespace(clips=explained.clips, target=explained.target, parts=parts)
    known.drop = np.exp(3 * cells)
    np.testing.assert_allclose(rank_agreement(explained, known), 1)
    known.drop = -cells
    np.testing.assert_allclose(rank_agreement(explained, known), -1)
    known.drop = np.zeros_like(cells)
    assert np.isnan(rank_agreement(explained, known)).all()


# --- pictures ---------------------------------------------------------------------------------------------


def test_the_map_shows_every_joint_once_with_its_sum(explained):
    import matplotlib.pyplot as plt

    ax = plt.figure().subplots()
    assert plot_attribution_map(explained, 2, ax=ax) is ax
    length = explained.clips.lengths[2]
    drawn = ax.images[0].get_array()
    assert drawn.shape == (15, length)
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels[0] == "travel" and sorted(labels) == sorted(explained.row_names)
    row = labels.index("RWrist")
    np.testing.assert_array_equal(drawn[row], explained.by_joint[2, :length, WRIST])
    texts = [text.get_text() for text in ax.texts]
    assert texts[row] == f"{explained.by_joint[2, :length, WRIST].sum():+.2f}"
    low, high = ax.images[0].get_clim()
    assert low == -high  # white is nothing
    assert ax.get_xlabel() == "time (s)" and ax.get_title(loc="left").startswith("clip-2: wave ")
    assert "(mean of the other classes: " in ax.get_title(loc="left")
    frames = replace(explained, clips=replace(explained.clips, fps=None, y=None, classes=()))
    ax = plot_attribution_map(frames, 2)
    assert ax.get_xlabel() == "frame" and "class 0" in ax.get_title(loc="left")
    for unit, label in (("s", "time (s)"), ("frame", "frame")):  # resampled: when its last frame was
        ax = plot_attribution_map(frames, 2, end=(50.0, unit))
        step = 50 / (length - 1)
        assert ax.get_xlabel() == label
        np.testing.assert_allclose(ax.get_xlim(), (-step / 2, 50 + step / 2))
    told = plot_attribution_bodies(frames, 0, bodies=1, end=(50.0, "frame")).texts[0].get_text()
    last = explained.clips.lengths[0] - 1
    assert told.startswith(f"frame {round(last // 2 * 50 / last)}\n")
    with pytest.raises(ValueError, match=r"`clip`.* got 12"):
        plot_attribution_map(explained, 12)


def test_the_bodies_hold_every_frame(explained):
    ax = plot_attribution_bodies(explained, 0, bodies=3)
    length = explained.clips.lengths[0]
    sums = [
        explained.by_joint[0, round(k * length / 3) : round((k + 1) * length / 3)].sum() for k in range(3)
    ]
    told = [float(text.get_text().split("\n")[1]) for text in ax.texts]
    np.testing.assert_allclose(told, sums, atol=0.006)
    areas = np.stack([dots.get_sizes() for dots in ax.collections])
    assert np.unravel_index(areas.argmax(), areas.shape) == (1, WRIST)
    assert ax.yaxis_inverted() and ax.get_aspect() == 1
    own = plot_attribution_bodies(explained, 0, ax=ax)
    assert own is ax
    with pytest.raises(ValueError, match=r"`bodies`.* got 0"):
        plot_attribution_bodies(explained, 0, bodies=0)
    blind = replace(explained, clips=replace(explained.clips, channels=("u", "v")))
    with pytest.raises(ValueError, match=r"x and y.* u, v"):
        plot_attribution_bodies(blind, 0)
