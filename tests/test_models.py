"""The four networks: published sizes, masks that hold, the right joints for each part, and safe reloading."""

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from gymskel.activations import layer_outputs
from gymskel.models import (
    BUILDERS,
    PUBLISHED,
    conv_gru,
    dd_net,
    hierarchical_rnn,
    lstm,
    lstm_attention,
    simple_rnn,
)
from gymskel.models.blocks import DrawBlocks, KeepBlocks
from gymskel.models.layers import (
    AttentionPooling,
    Bones,
    Change,
    Distances,
    EveryNth,
    LargestOfFrames,
    PoolFrames,
    RelativeToRoot,
    TakeFeatures,
    TakeJoints,
    WithVelocity,
    ZeroBehindMask,
)
from gymskel.models.recurrent import CELLS
from gymskel.skeleton import BODY_25, COCO_17, GYMNASTICS_15, Skeleton

RECURRENT = ("simple_rnn", "lstm", "hierarchical_rnn", "lstm_attention")
PARTS = ("right_arm", "left_arm", "trunk", "right_leg", "left_leg")
SIZES = {"simple_rnn": 514, "lstm": 712, "hierarchical_rnn": 566}  # thesis, sec. 5.1.2


def made_inputs(clips=6, frames=12, *, joints=15, channels=2, seed=0):
    """Inputs of mixed length, the shortest one frame; noise behind the mask."""
    rng = np.random.default_rng(seed)
    lengths = np.linspace(1, frames, clips).round().astype(int)
    keypoints = rng.normal(0, 0.1, (clips, frames, joints, channels)).astype(np.float32)  # no unit saturates
    return {"keypoints": keypoints, "mask": np.arange(frames) < lengths[:, None]}


def answers(model, inputs) -> np.ndarray:
    return ops.convert_to_numpy(model(inputs, training=False))


@pytest.fixture(scope="module")
def masked() -> dict[str, keras.Model]:
    """One model of each kind, small, with its default head."""
    keras.utils.set_random_seed(1)
    return {
        name: build(3, filters=32) if name == "dd_net" else build(3, units=4)
        for name, build in BUILDERS.items()
    }


@pytest.fixture(scope="module")
def frame_by_frame() -> dict[str, keras.Model]:
    """The recurrent models with a state in every frame, each joint's own motion before them."""
    keras.utils.set_random_seed(1)
    return {name: BUILDERS[name](3, units=4, features="motion") for name in RECURRENT}


# --- sizes and names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIZES)
def test_published_size(name):
    model = BUILDERS[name](2, frames=110, **PUBLISHED[name])
    assert model.count_params() == SIZES[name]


def test_published_head_needs_frames():
    assert set(PUBLISHED) == set(SIZES)
    for name, arguments in PUBLISHED.items():
        with pytest.raises(ValueError, match="give `frames`"):
            BUILDERS[name](2, **arguments)


def test_published_head_takes_one_length_only():
    model = simple_rnn(2, frames=8, **PUBLISHED["simple_rnn"])
    assert model.input_shape == {"keypoints": (None, 8, 15, 2), "mask": (None, 8)} or model.input_shape == [
        (None, 8, 15, 2),
        (None, 8),
    ]
    assert answers(model, made_inputs(2, 8)).shape == (2, 2)
    with pytest.raises(ValueError, match="expected shape"):
        answers(model, made_inputs(2, 9))


def test_published_head_runs_over_the_padding():
    """As in the thesis: no mask. A test that the default below is no accident."""
    model = simple_rnn(2, frames=12, **PUBLISHED["simple_rnn"])
    model.get_layer("each_frame").bias.assign([1.0, 1.0])  # no dead relu
    inputs = made_inputs()
    other = {**inputs, "keypoints": np.where(inputs["mask"][..., None, None], inputs["keypoints"], 5)}
    assert np.abs(answers(model, inputs) - answers(model, other)).max() > 1e-4


def test_layer_names(masked):
    for name, model in masked.items():
        assert model.name == name
        assert [tensor.name for tensor in model.inputs] == ["keypoints", "mask"]
        layers = {layer.name for layer in model.layers}
        if name in ("dd_net", "hierarchical_rnn"):
            wanted = (
                {*PARTS, "upper_body", "full_body", "mean"} if name != "dd_net" else {"distances", "largest"}
            )
        else:
            wanted = {"recurrent"}
            wanted |= {"attention"} if name in ("lstm_attention", "conv_gru") else set()
            wanted |= {"mean"} if name != "lstm_attention" else set()
        assert {*wanted, "probabilities"} <= layers
    one_way = {name: BUILDERS[name](2, bidirectional=False) for name in ("simple_rnn", "lstm")}
    kinds = {name: type(model.get_layer("recurrent")).__name__ for name, model in one_way.items()}
    assert kinds == {"simple_rnn": "SimpleRNN", "lstm": "LSTM"}
    assert masked["hierarchical_rnn"].get_layer("full_body").output.shape[-1] == 2 * 4
    published = hierarchical_rnn(2, frames=9, **PUBLISHED["hierarchical_rnn"])
    assert published.get_layer("full_body").output.shape[-1] == 8 * 2


def test_arguments_reach_the_model():
    model = lstm(
        5, skeleton=BODY_25, channels=3, units=7, dropout=0.25, features="raw", bidirectional=False, depth=2
    )
    assert [model.get_layer(name).units for name in ("recurrent_1", "recurrent")] == [7, 7]
    assert model.get_layer("keypoints").batch_shape == (None, None, 25, 3)
    kernels = [
        one.get_layer("recurrent").cell.kernel.shape[0]
        for one in (model, *(lstm(2, features=f, bidirectional=False) for f in ("raw", "motion", "conv")))
    ]
    assert kernels == [7, 30, 60, 64]
    assert model.get_layer("recurrent_1").cell.kernel.shape[0] == 75
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.25]
    assert model.output_shape == (None, 5)
    assert lstm_attention(2, attention_units=9).get_layer("attention").units == 9
    assert lstm_attention(2, units=5, heads=3).get_layer("attention").output.shape == (None, 3 * 2 * 5)
    assert conv_gru(2, filters=(3, 5, 7)).get_layer("conv_2").filters == 7


def test_refusals():
    with pytest.raises(ValueError, match=r"`head` .*'max'"):
        simple_rnn(2, head="max")
    with pytest.raises(ValueError, match=r"`features` .*'speed'"):
        simple_rnn(2, features="speed")
    with pytest.raises(ValueError, match=r"`depth` .* got 0"):
        lstm(2, depth=0)
    with pytest.raises(ValueError, match=r"`cell` .* gru, got 'rnn'"):
        hierarchical_rnn(2, cell="rnn")
    with pytest.raises(ValueError, match=r"`fusion` .*'sum'"):
        hierarchical_rnn(2, fusion="sum")
    with pytest.raises(ValueError, match=r"`classes` .* got 1"):
        lstm_attention(1)
    with pytest.raises(ValueError, match=r"COCO_17 .* trunk"):
        hierarchical_rnn(2, skeleton=COCO_17)
    with pytest.raises(ValueError, match=r"stick .* left_arm, .*trunk"):
        hierarchical_rnn(2, skeleton=Skeleton(name="stick", joints=("Head", "Foot")))


# --- what must not change an answer -------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILDERS)
def test_probabilities(masked, name):
    probabilities = answers(masked[name], made_inputs())
    assert probabilities.shape == (6, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.ptp(probabilities, axis=0).max() > 1e-3  # they depend on the clip


@pytest.mark.parametrize("name", BUILDERS)
def test_padding_never_changes_an_answer(masked, name):
    inputs = made_inputs()
    expected = answers(masked[name], inputs)
    inside = inputs["mask"][..., None, None]
    for padding in (0, 1e4):
        content = {**inputs, "keypoints": np.where(inside, inputs["keypoints"], np.float32(padding))}
        np.testing.assert_allclose(answers(masked[name], content), expected, atol=1e-6)
    longer = {
        "keypoints": np.pad(inputs["keypoints"], [(0, 0), (0, 21), (0, 0), (0, 0)], constant_values=3),
        "mask": np.pad(inputs["mask"], [(0, 0), (0, 21)]),
    }
    np.testing.assert_allclose(answers(masked[name], longer), expected, atol=1e-6)
    lengths = inputs["mask"].sum(axis=1)
    for row in (0, 2, 4):  # and no padding at all
        length = lengths[row]
        alone = {key: array[row : row + 1, :length] for key, array in inputs.items()}
        np.testing.assert_allclose(answers(masked[name], alone), expected[row : row + 1], atol=1e-6)


@pytest.mark.parametrize("name", BUILDERS)
def test_every_real_frame_counts(masked, name):
    """The last frame before the mask changes the answer; so does the mask itself."""
    inputs = made_inputs()
    expected = answers(masked[name], inputs)
    last = inputs["mask"].sum(axis=1) - 1
    keypoints = inputs["keypoints"].copy()
    keypoints[np.arange(6), last, :7] += 0.3
    moved = np.abs(answers(masked[name], {**inputs, "keypoints": keypoints}) - expected).max(axis=1)
    assert (moved > 1e-5).all()
    unmasked = answers(masked[name], {**inputs, "mask": np.ones_like(inputs["mask"])})
    assert (np.abs(unmasked - expected).max(axis=1)[:-1] > 1e-5).all()


@pytest.mark.parametrize("name", BUILDERS)
def test_order_of_the_batch_is_nothing(masked, name):
    inputs, order = made_inputs(), np.array([3, 0, 5, 1, 4, 2])
    shuffled = answers(masked[name], {key: array[order] for key, array in inputs.items()})
    np.testing.assert_allclose(shuffled, answers(masked[name], inputs)[order], atol=1e-6)


@pytest.mark.parametrize("name", BUILDERS)
def test_gradients_are_finite_and_reach_every_weight(masked, name):
    inputs, model = made_inputs(frames=24), masked[name]  # the highest level sees two steps of them
    with tf.GradientTape() as tape:
        loss = ops.mean(keras.losses.categorical_crossentropy(np.eye(3)[[0, 1, 2] * 2], model(inputs)))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert len(gradients) == len(model.trainable_weights) > 0
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 0, weight.path


# --- parts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fusion", ["recurrent", "concatenate"])
@pytest.mark.parametrize(
    ("skeleton", "features"), [(GYMNASTICS_15, "raw"), (BODY_25, "motion"), (GYMNASTICS_15, "conv")]
)
def test_each_part_reads_its_own_joints(skeleton, features, fusion):
    """The published notebook feeds the right arm to all five parts. "motion" and "conv" are relative to the root."""
    model = hierarchical_rnn(2, skeleton=skeleton, units=2, features=features, fusion=fusion)
    inputs = made_inputs(3, 6, joints=len(skeleton))
    joints = [joint for part in PARTS for joint in skeleton.parts[part]]
    keypoints = np.stack(
        [inputs["keypoints"]] * (1 + len(joints))
    )  # as they are, then each joint moved in turn
    for number, joint in enumerate(joints, 1):
        keypoints[number, :, :, skeleton.index(joint)] += 0.5
    many = {
        "keypoints": keypoints.reshape(-1, *keypoints.shape[2:]),
        "mask": np.tile(inputs["mask"], (len(keypoints), 1)),
    }
    states = {part: np.split(layer_outputs(model, many, part), len(keypoints)) for part in PARTS}
    for moved in PARTS:
        for joint in skeleton.parts[moved]:
            number = joints.index(joint)
            changed = [
                part
                for part, (before, *after) in states.items()
                if not np.allclose(before, after[number], rtol=0, atol=1e-6, equal_nan=True)
            ]
            if features == "conv":  # a bone from another part's joint belongs to the part of its outer end
                outer = {part for part in PARTS if any((joint, j) in BONES for j in skeleton.parts[part])}
                everything = joint == skeleton.root
                assert set(changed) == (set(PARTS) if everything else {moved, *outer}), joint
                continue
            everything = features == "motion" and joint == skeleton.root
            assert changed == (list(PARTS) if everything else [moved]), joint


BONES = set(GYMNASTICS_15.bones_outwards())


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_parts_in_one_scan_are_as_if_alone(cell):
    """The scan over all parts at once gives each part what a layer of its own with its weights would."""
    model, inputs = hierarchical_rnn(2, units=3, cell=cell, features="motion"), made_inputs(4, 7)
    together = model.get_layer("level_1")
    values = ops.convert_to_numpy(keras.Model(model.inputs, together.input[0])(inputs))
    alone = CELLS[cell][0](3, return_sequences=True)
    alone.build((None, None, 12))
    seen = np.repeat(np.arange(5), 12)  # the part that each value belongs to: three joints, their motion
    for number, part in enumerate(PARTS):
        own = []
        for weight in together.forward_layer.get_weights():
            mine = np.tile(np.repeat(np.arange(5), 3) == number, weight.shape[-1] // 15)
            rows = {len(seen): seen == number, 15: np.repeat(np.arange(5), 3) == number}.get(len(weight))
            kernel = weight.ndim == 2 and rows is not None
            own.append(weight[rows][:, mine] if kernel else weight[..., mine])
        alone.set_weights(own)
        expected = ops.convert_to_numpy(alone(values[..., seen == number], mask=inputs["mask"]))
        got = layer_outputs(model, inputs, part, padding=True)[..., :3]
        np.testing.assert_allclose(got[inputs["mask"]], expected[inputs["mask"]], atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "features"),
    [
        ("gru", "motion"),
        pytest.param("simple_rnn", "conv", marks=pytest.mark.slow),
        pytest.param("lstm", "motion", marks=pytest.mark.slow),
    ],
)
def test_training_keeps_the_parts_apart(cell, features):
    """After steps of the optimizer the kernels are 0 outside their blocks, and what is inside has moved."""
    keras.utils.set_random_seed(0)
    model, inputs = hierarchical_rnn(3, units=2, cell=cell, features=features), made_inputs()
    kept = [w for w in model.trainable_weights if isinstance(w.constraint, KeepBlocks)]
    before = [w.numpy() for w in kept]
    assert len(kept) == 3 * 2 * 2 + (10 if features == "conv" else 0)  # three levels both ways; convolutions
    model.compile(
        optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.01),
        loss="categorical_crossentropy",
        run_eagerly=True,  # for three steps quicker than a trace
    )
    for _ in range(3):
        model.train_on_batch(inputs, np.eye(3, dtype=np.float32)[[0, 1, 2] * 2])
    for weight, was in zip(kept, before, strict=True):
        inside = ops.convert_to_numpy(weight.constraint(np.ones(weight.shape, np.float32))) == 1
        assert 0 < inside.mean() < 1
        assert (weight.numpy()[~inside] == 0).all() and (was[~inside] == 0).all(), weight.path
        assert (was[inside] != 0).mean() > 0.99 and (weight.numpy() != was)[inside].any(), weight.path


def test_blocks_are_drawn_one_by_one():
    """Each block is orthogonal by itself, no two are alike, and every gate has its own."""
    keras.utils.set_random_seed(0)
    draw = DrawBlocks([3, 3], [3, 3], 2, "orthogonal")
    kernel = ops.convert_to_numpy(draw((6, 12)))
    blocks = [kernel[rows : rows + 3, at + rows : at + rows + 3] for at in (0, 6) for rows in (0, 3)]
    for number, block in enumerate(blocks):
        np.testing.assert_allclose(block @ block.T, np.eye(3), atol=1e-5)
        assert all(np.abs(block - other).max() > 1e-3 for other in blocks[:number])
    np.testing.assert_array_equal(kernel, KeepBlocks([3, 3], [3, 3], 2)(kernel))
    uneven = ops.convert_to_numpy(DrawBlocks([0, 2, 1], [1, 2, 1])((3, 3, 4)))
    wanted = [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    assert ((uneven != 0) == np.array(wanted, bool)).all()
    config = {"rows": [0, 2, 1], "columns": [1, 2, 1], "repeats": 1, "base": "glorot_uniform"}
    assert DrawBlocks([0, 2, 1], [1, 2, 1]).get_config() == config


def test_levels_halve_the_frames():
    """Four levels in twice the steps of the first."""
    model = hierarchical_rnn(2, features="motion", frames=16)
    frames = [
        model.get_layer(name).output.shape[1] for name in ("level_1", "level_2", "level_3", "full_body")
    ]
    assert frames == [16, 8, 4, 4]


def test_parts_are_joined_limb_by_limb():
    model = hierarchical_rnn(2, units=2, features="motion", fusion="concatenate", bidirectional=False)
    inputs = made_inputs(3, 6)
    arm, trunk, body = (layer_outputs(model, inputs, name) for name in ("left_leg", "trunk", "full_body"))
    np.testing.assert_array_equal(body[..., -4:], np.concatenate([arm, trunk], axis=-1))
    upper = layer_outputs(model, inputs, "upper_body")
    first = [layer_outputs(model, inputs, name) for name in ("right_arm", "trunk", "left_arm", "trunk")]
    np.testing.assert_array_equal(upper, np.concatenate(first, axis=-1))
    np.testing.assert_array_equal(body[..., :8], upper)


# --- the custom layers --------------------------------------------------------------------------------------

LAYERS = {
    "TakeJoints": (TakeJoints([3, 0], name="some"), (4, 5, 6, 2)),
    "RelativeToRoot": (RelativeToRoot(3, travel=0.5, name="some"), (4, 5, 6, 3)),
    "WithVelocity": (WithVelocity(gain=4, steps=(1, 4), name="some"), (4, 5, 6)),
    "Change": (Change(3, gain=2, name="some"), (4, 5, 6)),
    "Distances": (Distances(name="some"), (4, 5, 6, 2)),
    "LargestOfFrames": (LargestOfFrames(name="some"), (4, 5, 6)),
    "TakeFeatures": (TakeFeatures([3, 0, 3], name="some"), (4, 5, 6)),
    "Bones": (Bones([0, 1], [1, 4], name="some"), (4, 5, 6, 3)),
    "PoolFrames": (PoolFrames(2, name="some"), (4, 5, 6)),
    "ZeroBehindMask": (ZeroBehindMask(name="some"), (4, 5, 6)),
    "AttentionPooling": (AttentionPooling(7, heads=2, name="some"), (4, 5, 6)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16"])
def test_layer_contract(name, dtype):
    first, shape = LAYERS[name]
    layer = type(first).from_config({**first.get_config(), "dtype": dtype})
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    y = layer(x)
    compute = "float16" if dtype == "mixed_float16" else dtype
    assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype == compute
    assert np.isfinite(ops.convert_to_numpy(y)).all()
    assert tuple(y.shape) == tuple(layer.compute_output_shape(shape))
    symbolic = layer(keras.KerasTensor((None, None, *shape[2:]), dtype="float32"))
    assert tuple(symbolic.shape) == tuple(layer.compute_output_shape((None, None, *shape[2:])))

    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    again.build(shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(ops.convert_to_numpy(again(x)), ops.convert_to_numpy(y))
    assert keras.saving.get_registered_name(type(layer)) == f"gymskel>{name}"


def test_pooled_frames_against_a_loop():
    rng = np.random.default_rng(0)
    x, lengths = rng.normal(size=(5, 7, 3)).astype(np.float32), [7, 6, 3, 2, 1]
    mask = np.arange(7) < np.array(lengths)[:, None]
    pooled = ops.convert_to_numpy(PoolFrames(3)(x, mask=mask))
    wanted = np.zeros((5, 3, 3), np.float32)
    for clip, length in enumerate(lengths):
        for step, start in enumerate(range(0, length, 3)):
            wanted[clip, step] = x[clip, start : min(start + 3, length)].max(axis=0)
    np.testing.assert_array_equal(pooled, wanted)
    real = ops.convert_to_numpy(EveryNth(3)(mask))
    np.testing.assert_array_equal(real.sum(axis=1), [3, 2, 1, 1, 1])
    assert real.dtype == bool and EveryNth.from_config(EveryNth(3).get_config()).size == 3
    assert keras.backend.standardize_dtype(EveryNth(3)(keras.KerasTensor((None, 7), "bool")).dtype) == "bool"


def test_distances_and_largest_against_numpy():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 3)).astype(np.float32)
    apart = np.linalg.norm(x[:, :, :, None, :2] - x[:, :, None, :, :2], axis=-1)
    first, second = np.triu_indices(4, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(Distances()(x)), apart[..., first, second], atol=1e-5)
    mask = np.array([[True, True, False], [True, False, False]])
    largest = ops.convert_to_numpy(LargestOfFrames()(x[..., 0], mask=mask))
    np.testing.assert_array_equal(largest, [x[0, :2, :, 0].max(axis=0), x[1, 0, :, 0]])


def test_size_of_dd_net():
    """Yang et al. 2019, table 2: 1.82 and 0.15 million parameters (of 14 classes and 15 joints: a little fewer)."""
    sizes = [dd_net(14, filters=filters).count_params() for filters in (64, 16)]
    assert [round(size / 1e6, 2) for size in sizes] == [1.8, 0.15]


def test_bones_against_numpy():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 3)).astype(np.float32)
    made = ops.convert_to_numpy(Bones([0, 2], [1, 3])(x)).reshape(2, 3, 2, 2)
    np.testing.assert_allclose(made, x[:, :, [1, 3], :2] - x[:, :, [0, 2], :2], atol=1e-6)


def test_conv_gru_of_layouts_without_a_tree():
    """No bones then, and everything else works."""
    model = conv_gru(2, skeleton=Skeleton("loose", ("a", "b", "c")), units=3)
    assert "bones" not in {layer.name for layer in model.layers}
    rootless = conv_gru(2, skeleton=Skeleton("loose", ("a", "b", "c"), root="a"), units=3)
    assert "bones" not in {layer.name for layer in rootless.layers}  # nothing hangs on the root
    inputs = made_inputs(joints=3)
    assert answers(model, inputs).shape == (6, 2)
    assert "bones" in {layer.name for layer in conv_gru(2, units=3).layers}


def test_layer_options_survive_the_config():
    assert TakeJoints.from_config(TakeJoints(np.array([3, 0])).get_config()).joints == [3, 0]
    root = RelativeToRoot.from_config(RelativeToRoot(3, travel=0.5).get_config())
    assert (root.root, root.travel) == (3, 0.5)
    velocity = WithVelocity.from_config(WithVelocity(gain=4, steps=(1, 3)).get_config())
    assert (velocity.gain, velocity.steps) == (4, [1, 3])
    assert AttentionPooling.from_config(AttentionPooling(7).get_config()).units == 7


def test_take_joints():
    x = np.arange(2 * 3 * 4 * 2, dtype=np.float32).reshape(2, 3, 4, 2)
    taken = ops.convert_to_numpy(TakeJoints([2, 0])(x))
    np.testing.assert_array_equal(taken, np.concatenate([x[:, :, 2], x[:, :, 0]], axis=-1))


def test_zero_behind_mask():
    x, mask = np.float32([[[1], [2]], [[3], [4]]]), np.array([[True, True], [True, False]])
    layer = ZeroBehindMask()
    assert ops.convert_to_numpy(layer(x, mask=mask))[..., 0].tolist() == [[1, 2], [3, 0]]
    assert ops.convert_to_numpy(layer(x)).tolist() == x.tolist()


def test_features():
    """Each sight has its layers, and the paper's network has none of them."""
    added = {
        "motion": {"pose_and_travel", "velocity"},
        "conv": {"pose_and_travel", "fast", "bones", "conv_2"},
    }
    for features, names in added.items():
        assert names <= {layer.name for layer in lstm_attention(2, features=features).layers}
    paper = lstm_attention(2, features="raw", bidirectional=False)
    assert not set().union(*added.values()) & {layer.name for layer in paper.layers}
    assert paper.get_layer("recurrent").cell.kernel.shape[0] == 30


def test_training_never_sees_the_padding():
    """The convolutions' statistics and the gradients are those of the frames of the mask alone."""
    keras.utils.set_random_seed(1)
    model, inputs = conv_gru(3, units=4, filters=(5, 6, 7), dropout=0), made_inputs()
    inside = inputs["mask"][..., None, None]
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(0.1), loss="categorical_crossentropy", run_eagerly=True)
    after = []
    for padding in (0, 1e4):
        model.set_weights(before)
        keypoints = np.where(inside, inputs["keypoints"], np.float32(padding))
        model.train_on_batch({**inputs, "keypoints": keypoints}, np.eye(3, dtype=np.float32)[[0, 1, 2] * 2])
        after.append(model.get_weights())
    for here, there in zip(*after, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-4)


def test_relative_to_root_against_numpy():
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    wanted = x.copy()
    wanted[..., :2] -= x[:, :, [2], :2]
    wanted[:, :, 2, :2] = 0.5 * x[:, :, 2, :2]
    np.testing.assert_allclose(ops.convert_to_numpy(RelativeToRoot(2, travel=0.5)(x)), wanted, atol=1e-6)


def test_motion_and_raw():
    """Motion splits the pose from its travel where there is a root; raw leaves the keypoints alone."""
    raw, motion = ({layer.name for layer in lstm(2, features=f).layers} for f in ("raw", "motion"))
    assert not raw & {"pose_and_travel", "velocity"}
    assert {"pose_and_travel", "velocity"} <= motion
    assert "pose_and_travel" not in {layer.name for layer in lstm(2, skeleton=COCO_17).layers}
    model, inputs = lstm(2), made_inputs()
    split = keras.Model(model.inputs, model.get_layer("pose_and_travel").output)
    moved = {**inputs, "keypoints": inputs["keypoints"] + np.float32(0.5)}  # the same pose elsewhere
    here, there = (ops.convert_to_numpy(split(given)) for given in (inputs, moved))
    hip = GYMNASTICS_15.index("MidHip")
    np.testing.assert_allclose((there - here)[:, :, hip], 0.2 * 0.5, atol=1e-6)
    np.testing.assert_allclose(np.delete(there - here, hip, axis=2), 0, atol=1e-6)


def test_with_velocity_against_numpy():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    change = np.zeros_like(x)
    change[:, 1:] = 4 * np.diff(x, axis=1)
    np.testing.assert_allclose(
        ops.convert_to_numpy(WithVelocity(gain=4)(x)), np.concatenate([x, change], -1), atol=1e-6
    )
    uniform = np.float32([[[0], [2], [4]]])  # two a frame
    assert ops.convert_to_numpy(WithVelocity(gain=1)(uniform))[0, :, 1].tolist() == [0, 2, 2]
    assert ops.convert_to_numpy(WithVelocity()(uniform[:, :1])).tolist() == [[[0, 0]]]  # a single frame


def test_slow_velocity_against_numpy():
    """The change a frame, over one and over three frames; 0 where there is nothing to compare with."""
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    change = np.zeros_like(x)
    change[:, 3:] = 6 * (x[:, 3:] - x[:, :-3]) / 3
    both = ops.convert_to_numpy(WithVelocity(gain=6, steps=(1, 3))(x))
    np.testing.assert_array_equal(both[..., :6], ops.convert_to_numpy(WithVelocity(gain=6)(x)))
    np.testing.assert_allclose(both[..., 6:], change, atol=1e-5)
    short = ops.convert_to_numpy(WithVelocity(steps=(4,))(x[:, :2]))
    assert (short[..., 3:] == 0).all()  # fewer frames than the step


def test_attention_against_numpy():
    """Zhang et al., eq. 9-11."""
    rng = np.random.default_rng(0)
    states, mask = rng.normal(size=(3, 5, 4)).astype(np.float32), made_inputs(3, 5)["mask"]
    layer = AttentionPooling(6)
    layer.build(states.shape)
    assert [w.shape for w in layer.weights] == [(4, 6), (6,), (6, 1)]
    kernel, query, score = weights = [rng.normal(size=w.shape).astype(np.float32) for w in layer.weights]
    layer.set_weights(weights)
    b = np.where(mask, (np.tanh(states @ kernel + query) @ score)[..., 0], -np.inf)
    a = np.exp(b) / np.exp(b).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.weights_of(states, mask)), a, atol=1e-6)
    pooled = (a[..., None] * states).sum(axis=1)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(states, mask=mask)), pooled, atol=1e-5)
    several = AttentionPooling(6, heads=2)
    several.build(states.shape)
    several.set_weights([kernel, query, np.concatenate([score, -score], axis=1)])
    both = ops.convert_to_numpy(several.weights_of(states, mask))
    np.testing.assert_allclose(both[..., 0], a, atol=1e-6)
    means = ops.convert_to_numpy(several(states, mask=mask))
    np.testing.assert_allclose(means[:, :4], pooled, atol=1e-5)
    np.testing.assert_allclose(means[:, 4:], (both[..., 1:] * states).sum(axis=1), atol=1e-5)
    free = ops.convert_to_numpy(layer.weights_of(states))
    np.testing.assert_allclose(free.sum(axis=1), 1, atol=1e-6)
    assert (free > 0).all()


def test_attention_sums_to_one_and_is_zero_behind_the_mask(frame_by_frame):
    inputs, model = made_inputs(), frame_by_frame["lstm_attention"]
    states = layer_outputs(model, inputs, "recurrent", padding=True)
    weights = ops.convert_to_numpy(model.get_layer("attention").weights_of(states, inputs["mask"]))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert (weights[~inputs["mask"]] == 0).all()
    assert (weights[inputs["mask"]] > 0).all()
    assert weights[0, 0] == 1  # a clip of one frame


# --- reloading ----------------------------------------------------------------------------------------------

RELOAD = """
import sys
from pathlib import Path
import keras, numpy as np
import gymskel.models
assert "gymskel.classifier" not in sys.modules
for path in sorted(Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(path, safe_mode=True)
    with np.load(path.with_suffix(".npz")) as saved:
        inputs = {"keypoints": saved["keypoints"], "mask": saved["mask"]}
        off = np.abs(np.asarray(model(inputs, training=False)) - saved["answers"]).max()
    print(path.stem, model.name, bool(off < 1e-6), off)
"""


@pytest.mark.parametrize("name", ["hierarchical_rnn", "conv_gru", "dd_net"])  # all of them below
def test_every_model_reloads(tmp_path, masked, name):
    masked[name].save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(
        answers(loaded, made_inputs()), answers(masked[name], made_inputs()), atol=1e-6
    )


@pytest.mark.slow
def test_every_model_reloads_in_a_fresh_process(tmp_path, masked, frame_by_frame):
    published = {f"{name}-published": BUILDERS[name](2, frames=12, **PUBLISHED[name]) for name in PUBLISHED}
    own = {"own": lstm_attention(4, skeleton=COCO_17, channels=3, units=3, heads=2, features="raw")}
    own |= {f"{name}-frames": model for name, model in frame_by_frame.items()}
    models = {**masked, **published, **own}
    for name, model in models.items():
        joints, channels = model.get_layer("keypoints").batch_shape[2:]
        inputs = made_inputs(joints=joints, channels=channels)
        model.save(tmp_path / f"{name}.keras")
        np.savez(tmp_path / f"{name}.npz", **inputs, answers=answers(model, inputs))
    script = textwrap.dedent(RELOAD)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [line.split() for line in done.stdout.splitlines()]
    assert {(words[0], words[1], words[2]) for words in told} == {
        (n, m.name, "True") for n, m in models.items()
    }
