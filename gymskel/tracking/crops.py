"""Crops: squares of the picture that an estimator is shown, with a body upright and others painted out.

Leans are in degrees, clockwise on screen: 0 = head up, 90 = head to the right, 180 = upside down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gymskel.skeleton import BODY_25
from gymskel.tracking.geometry import rotation_matrix
from gymskel.tracking.params import TrackingParams
from gymskel.tracking.prediction import CORE_JOINTS, Prediction

_MAX_COORDINATE = 1e4  # pixels; OpenCV draws no line that reaches further out

_TRUNK_LIMBS = "Neck-Nose Neck-MidHip RShoulder-LShoulder RHip-LHip".split()
_SIDE_LIMBS = "Shoulder-Hip Shoulder-Elbow Elbow-Wrist Hip-Knee Knee-Ankle".split()
_PAINTED_LIMBS = [
    *(BODY_25.indices(limb.split("-")) for limb in _TRUNK_LIMBS),
    *(BODY_25.indices(side + joint for joint in limb.split("-")) for side in "RL" for limb in _SIDE_LIMBS),
]


@dataclass(frozen=True)
class Crop:
    """A square of the picture, turned so that a body that leans by `lean` stands upright in it."""

    center: tuple[float, float]  # x, y of its middle in the picture, pixels
    side: float  # in the picture, pixels
    lean: float = 0.0  # degrees clockwise by which the square is turned
    size: int = TrackingParams.crop_size  # its side as it is shown, pixels

    @property
    def matrix(self) -> np.ndarray:
        """(2, 3) float64: pixels of the picture -> pixels of the crop."""
        rotation = self.size / self.side * rotation_matrix(-self.lean)
        middle = np.array([self.size, self.size]) / 2
        return np.column_stack([rotation, middle - rotation @ np.asarray(self.center)])

    def cut(self, frame: np.ndarray) -> np.ndarray:
        """Return the crop (size, size, 3) of a frame (height, width, 3), uint8; black beyond the picture's edge."""
        import cv2

        step, matrix = max(1, int(self.side / self.size)), self.matrix
        if step > 1:  # each of its pixels stands for several: average them first
            frame = cv2.resize(frame, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
            center = self.center[0] / step, self.center[1] / step
            matrix = Crop(center, self.side / step, self.lean, self.size).matrix
        # keypoints count from a pixel's corner, OpenCV from its middle
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - (0.5, 0.5)
        return cv2.warpAffine(frame, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR)

    def to_picture(self, people: np.ndarray) -> np.ndarray:
        """Return keypoints (people, joints, 3) found in the crop in pixels of the picture."""
        matrix = self.matrix
        placed = np.array(people, np.float32)
        inverse = np.linalg.inv(matrix[:, :2])
        placed[..., :2] = (people[..., :2] - matrix[:, 2]) @ inverse.T
        return placed


# --- around a predicted body ------------------------------------------------------------------------------------------


def propose_crops(
    predicted: Prediction, others: list[Prediction], params: TrackingParams, *, second_first: bool
) -> Iterator[tuple[Crop, list[Prediction]]]:
    """Yield the crops in which to look for a person, the likeliest first, each with the people to mask in it.

    First the whole body as it leans. Then the same crop with the `others` in it masked, or a closer crop if there are
    none. Then a closer crop with the others masked, and turned crops. With `second_first` the first two change places.
    """
    xy = predicted.pose[CORE_JOINTS, :2]
    low, high = np.nanmin(xy, axis=0), np.nanmax(xy, axis=0)
    x, y = (low + high) / 2
    side = max(params.crop_extents * float((high - low).max()), params.crop_torsos * predicted.torso)
    side *= min(1 + params.crop_growth * (predicted.gap - 1), 2)
    away = [np.linalg.norm(other.pose[CORE_JOINTS, :2] - (x, y), axis=1) for other in others]
    half_diagonal = side / np.sqrt(2)  # inside it, however the square is turned
    inside = [other for other, far in zip(others, away, strict=True) if (far < half_diagonal).any()]

    def crop(share: float = 1.0, turn: float = 0.0) -> Crop:
        return Crop((x, y), share * side, predicted.lean + turn, params.crop_size)

    close = params.closer_crop
    first = [(crop(), []), (crop(), inside) if inside else (crop(close), [])]
    yield from reversed(first) if second_first else first
    if inside:
        yield crop(close), inside
    share = 1.0 if inside or not second_first else close
    for turn in params.crop_turns:
        yield crop(share, turn), inside


def mask_people(
    picture: np.ndarray,
    crop: Crop,
    people: list[Prediction],
    params: TrackingParams,
    wanted: Prediction | None = None,
) -> np.ndarray:
    """Return the picture (size, size, 3) of a crop, people painted black along their limbs; the `wanted` one is spared."""
    import cv2

    mask = np.zeros(picture.shape[:2], np.uint8)
    for predicted in people:
        _draw_limbs(mask, crop, predicted, params.masked_width, 1)
    if wanted is not None:
        _draw_limbs(mask, crop, wanted, params.spared_width, 0)
    return cv2.bitwise_and(picture, picture, mask=1 - mask)


def _draw_limbs(mask: np.ndarray, crop: Crop, predicted: Prediction, torsos: float, value: int) -> None:
    """Set the mask to `value` along the limbs, as wide as so many `torsos`."""
    import cv2

    width = max(1, round(torsos * predicted.torso * crop.size / crop.side))
    xy = predicted.pose[:, :2] @ crop.matrix[:, :2].T + crop.matrix[:, 2]
    for a, b in _PAINTED_LIMBS:
        if np.isfinite(xy[[a, b]]).all() and abs(xy[[a, b]]).max() < _MAX_COORDINATE:
            start, end = ([int(v) for v in np.round(xy[joint])] for joint in (a, b))
            cv2.line(mask, start, end, [value], width)


# --- of the whole picture, for people who are not known yet -----------------------------------------------------------


def overview_crops(frame: np.ndarray, params: TrackingParams) -> list[Crop]:
    """Return a square around the whole picture; if one side is over 1.25 times the other, three squares along it too.

    The middle one comes first, then both ends. They are as large as the short side, and leave gaps beyond 3 to 1.
    """
    height, width = frame.shape[:2]
    middle, long, short = (width / 2, height / 2), max(height, width), min(height, width)
    whole = Crop(middle, long, size=params.overview_size)
    if long <= params.square_ratio * short:
        return [whole]
    places = [short / 2 + part * (long - short) for part in (1 / 2, 0, 1)]
    centers = [(at, middle[1]) if width > height else (middle[0], at) for at in places]
    return [whole, *(Crop(center, short, size=params.crop_size) for center in centers)]


def turned_overviews(frame: np.ndarray, params: TrackingParams) -> list[Crop]:
    """Return crops of the whole picture turned, for people who lean from the start."""
    height, width = frame.shape[:2]
    side = params.turned_margin * max(height, width)
    return [Crop((width / 2, height / 2), side, lean, params.overview_size) for lean in params.overview_turns]


def tile_crops(frame: np.ndarray, params: TrackingParams) -> list[Crop]:
    """Return squares of half the picture's short side, each overlapping the next by half, for people who look small."""
    height, width = frame.shape[:2]
    half = min(height, width) / 2
    rows, columns = (int(np.ceil(2 * side / half)) - 1 for side in (height, width))
    return [
        Crop((float(x), float(y)), half, size=params.crop_size)
        for y in np.linspace(half / 2, height - half / 2, rows)
        for x in np.linspace(half / 2, width - half / 2, columns)
    ]
