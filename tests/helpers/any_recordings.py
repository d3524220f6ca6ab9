"""Recordings of any form for hypothesis, and their comparison."""

import numpy as np
from hypothesis import strategies as st

from gymskel.recording import Recording
from gymskel.skeleton import BODY_25, COCO_17, Skeleton

STICK = Skeleton("stick", ("Head", "RFoot", "LFoot"), limbs=(("Head", "RFoot"),), parts={"legs": ("RFoot",)})
FIELDS = (
    "fps activity sample athlete skeleton history video person first_frame image_size estimator space".split()
)


def assert_same(one: Recording, other: Recording) -> None:
    """Every field equal, of the same type, numbers bit for bit."""
    for name in FIELDS:
        a, b = getattr(one, name), getattr(other, name)
        assert a == b and type(a) is type(b), name
    for name in ("keypoints", "timestamps"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        assert a is None or (a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()), name


@st.composite
def recordings(draw, skeletons=(BODY_25, COCO_17, STICK)) -> Recording:
    """Any Recording: unseen joints, odd texts, clocks, histories."""
    layout, frames = draw(st.sampled_from(skeletons)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    keypoints = rng.normal(0, 1e3, (frames, len(layout), 3)).astype(np.float32)
    keypoints[..., 2] = rng.uniform(0, 1.2, keypoints.shape[:2])
    keypoints[rng.random(keypoints.shape[:2]) < draw(st.sampled_from([0, 0.3, 1]))] = np.nan, np.nan, 0
    text = st.none() | st.text(max_size=8)
    value = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text()
        | st.lists(st.text())
    )
    entry = st.dictionaries(st.text(max_size=5), value, max_size=3).map(lambda some: {**some, "step": "fill"})
    return Recording(
        keypoints,
        fps=draw(st.none() | st.integers(1, 240) | st.floats(0.01, 1e4)),
        activity=draw(text),
        sample=draw(st.text(max_size=8)),
        athlete=draw(text),
        skeleton=layout,
        history=tuple(draw(st.lists(entry, max_size=2))),
        video=draw(text),
        person=draw(st.integers(0, 9)),
        first_frame=draw(st.integers(0, 10**6)),
        image_size=draw(st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999))),
        estimator=draw(text),
        timestamps=draw(st.none() | st.just(np.cumsum(rng.uniform(0.001, 1, frames)))),
        space=draw(st.sampled_from(["image", "body"])),
    )
