"""Files as OpenPose writes them with --write_json, of a simulated gymnast."""

import json

import numpy as np
import pytest

from gymskel.simulate import simulate_recordings
from gymskel.skeleton import BODY_25

SIZE = (1920, 1080)
LAST = np.array([1919.0, 1079.0])


@pytest.fixture(scope="module")
def body():
    """(frames, 25, 3) of a simulated gymnast, some joints unseen."""
    keypoints = simulate_recordings(athletes=1, per_athlete=1, fps=30, seed=3)[0].keypoints[:12].copy()
    low = np.nanmin(keypoints[..., :2], axis=(0, 1))
    high = np.nanmax(keypoints[..., :2], axis=(0, 1))
    keypoints[..., :2] = 300 + (keypoints[..., :2] - low) / (high - low).max() * 600
    keypoints[..., 2] = np.where(np.isnan(keypoints[..., 0]), 0, 0.8)
    keypoints[2:4, BODY_25.indices(["RAnkle", "LEar"])] = np.nan, np.nan, 0
    return keypoints


def numbers(points, scale=0):
    """x, y, c of (points, 3) in a row, as OpenPose writes them: unseen ones are 0, 0, 0 before they are scaled."""
    points = np.nan_to_num(np.array(points, float))
    if scale in (3, 4):
        points[:, :2] /= LAST
    if scale == 4:
        points[:, :2] = points[:, :2] * 2 - 1
    return points.ravel().tolist()


def people_of(*bodies, key="pose_keypoints_2d", version=1.3, ids=None):
    people = [{key: body, "face_keypoints_2d": [], "hand_left_keypoints_2d": []} for body in bodies]
    for person, known in zip(people, ids or [], strict=False):
        person["person_id"] = [known]
    return json.dumps({"version": version, "people": people})


def write(
    folder, frames, stem="backflip-1-s07", first=0, form="{stem}_{frame:012d}_keypoints.json", **options
):
    """A file for each frame; a frame is a list of bodies."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame, bodies in enumerate(frames, first):
        path = folder / form.format(stem=stem, frame=frame)
        path.write_text(people_of(*bodies, **options))
    return folder


def alone(body, scale=0):
    return [[numbers(points, scale)] for points in body]


def same(one, other, atol=1e-3):
    np.testing.assert_allclose(one, other, atol=atol)


def two(body, shift=700):
    """Two people side by side, in an order that changes from frame to frame; the second one moves less."""
    other = body[4] + 0.4 * (body[::-1] - body[4]) + np.array([shift, 0, 0])
    other[..., 2] = np.where(np.isnan(other[..., 0]), 0, 0.8)
    frames = [[numbers(a), numbers(b)] for a, b in zip(body, other, strict=True)]
    return other, [bodies[:: -1 if number % 3 else 1] for number, bodies in enumerate(frames)]
