"""Recordings <-> xarray, in the layout of movement; needs `pip install "gymskel[xarray]"`.

A Dataset of one video: `position` (time, space, keypoints, individuals) in pixels and `confidence` (time, keypoints,
individuals); `time` in seconds, or in frames if no frame rate is known. Its attributes are movement's (fps, time_unit,
source_software, source_file, ds_type), and `gymskel`, a JSON text with all other metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.formats.columns import columns_to_json, fields_from_json, make_columns, make_recordings
from gymskel.formats.coordinates import find_layout, join_points
from gymskel.recording import Recording, parse_video_name
from gymskel.recording.model import VideoName
from gymskel.recording.times import frame_times
from gymskel.skeleton import Skeleton

if TYPE_CHECKING:
    import xarray as xr

_DIMS = ("time", "space", "keypoints", "individuals")
_NUMBERED_NAME = re.compile(r"(?:id|individual|person)_\d+")
_UNEVEN = 1e-3
"""Share of the mean step by which times or a frame rate may differ and still count as even or equal."""


def to_xarray(recordings: Recording | Iterable[Recording]) -> xr.Dataset:
    """Return the people of one video as a Dataset for movement; `from_xarray` returns them bit for bit.

    Raises:
        ValueError: xarray is not installed; no recordings; their lengths, layouts, frame rates or times differ.
    """
    try:
        import xarray
    except ImportError as error:
        raise ValueError(f'This needs xarray ({error}). Fix: pip install "gymskel[xarray]"') from None
    recordings = [recordings] if isinstance(recordings, Recording) else list(recordings)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to put into a Dataset.")
    first = recordings[0]
    for recording in recordings[1:]:
        for name, is_same in (
            ("frames", len(recording) == len(first)),
            ("layouts", recording.skeleton == first.skeleton),
            ("frame rates", recording.fps == first.fps),
            ("times", np.array_equal(frame_times(recording)[0], frame_times(first)[0])),
        ):
            if not is_same:
                raise ValueError(
                    f"{recording.name} and {first.name} differ in their {name}: a Dataset holds the people of one "
                    "video. Fix: make one Dataset of each."
                )
    names = [recording.athlete for recording in recordings]
    if None in names or len(set(names)) < len(names):
        names = [f"person_{k}" for k in range(len(recordings))]
    points = np.stack([recording.keypoints for recording in recordings], axis=-1)
    times, unit = frame_times(first)
    attrs: dict[str, Any] = {"source_software": first.estimator or "gymskel", "ds_type": "poses"}
    attrs |= {"fps": first.fps} if first.fps is not None else {}
    attrs |= {"source_file": first.video} if first.video is not None else {}
    attrs["time_unit"] = "seconds" if unit == "s" else "frames"
    attrs["gymskel"] = columns_to_json(make_columns(recordings)).decode()
    return xarray.Dataset(
        {
            "position": (_DIMS, points[:, :, :2].swapaxes(1, 2)),
            "confidence": (("time", "keypoints", "individuals"), points[:, :, 2]),
        },
        {"time": times, "space": ["x", "y"], "keypoints": list(first.skeleton.joints), "individuals": names},
        attrs,
    )


def from_xarray(
    dataset: xr.Dataset, *, fps: float | None = None, skeleton: Skeleton | None = None
) -> list[Recording]:
    """Return the individuals of a Dataset in movement's layout, a Recording each.

    A Dataset by `to_xarray` gives back its recordings, with the Dataset's present keypoints. In another Dataset an
    individual's name is the athlete, unless it is only a number (`id_0`); the name of `source_file` gives the rest.

    Args:
        dataset: with `position` and `confidence`; dimensions in any order.
        fps: frames a second; overrides the Dataset.
        skeleton: layout with exactly these keypoints; by default the known one of these names, else a new one.

    Raises:
        ValueError: other variables or dimensions; points in 3-D; times that are not those of `fps`; an invalid place
            or confidence, with individual, frame and joint.
    """
    _check_dimensions(dataset)
    position = dataset["position"].transpose(*_DIMS).to_numpy()
    confidence = dataset["confidence"].transpose("time", "keypoints", "individuals").to_numpy()
    has_confidence = not np.isnan(confidence).all()  # movement fills in NaN if there is none
    joints = [str(name) for name in dataset["keypoints"].to_numpy()]
    people = [str(name) for name in dataset["individuals"].to_numpy()]
    rate, times, is_even = _read_clock(dataset, fps)
    fields = _own_metadata(dataset, joints, people)
    if fields is None:
        layout = find_layout(joints, skeleton, label="The Dataset")
        fields = _foreign_metadata(dataset, people, rate, layout)
        timestamps = [None if is_even else times] * len(people)
    else:
        layout = fields["skeleton"][0]
        fields["fps"] = [own if own == rate else rate for own in fields["fps"]]  # keeps int and float
        timestamps = [times if timed and fps is None else None for timed in fields["timed"]]
    order = [joints.index(joint) for joint in layout.joints]
    keypoints = [
        join_points(
            position[:, :, order, k].swapaxes(1, 2),
            confidence[:, order, k] if has_confidence else None,
            label=f"individual {name}",
            joints=layout.joints,
        )
        for k, name in enumerate(people)
    ]
    return make_recordings("The Dataset", fields, keypoints, timestamps, range(len(people)))


def _check_dimensions(dataset: xr.Dataset) -> None:
    """Raise ValueError if variables, dimensions or space are not movement's, or a dimension is empty."""
    found = {
        name: set(dataset[name].dims) if name in dataset else set() for name in ("position", "confidence")
    }
    if found != {"position": set(_DIMS), "confidence": set(_DIMS) - {"space"}}:
        shown = ", ".join(f"{name} {sorted(map(str, dims))}" for name, dims in found.items())
        raise ValueError(f"The Dataset has {shown}; expected movement's dimensions {', '.join(_DIMS)}.")
    space = [str(name) for name in dataset["space"].to_numpy()]
    if space != ["x", "y"]:
        raise ValueError(f"The Dataset's space is {', '.join(space)}; a Recording holds x and y.")
    if not all(dataset.sizes[name] for name in _DIMS):
        raise ValueError(f"The Dataset is empty: {dict(dataset.sizes)}.")


def _read_clock(dataset: xr.Dataset, fps: float | None) -> tuple[float | None, np.ndarray | None, bool]:
    """Return the frame rate (the caller's first), seconds if the caller gives no rate, and True if they are even."""
    rate = fps if fps is not None else dataset.attrs.get("fps")
    rate = None if rate is None else float(rate)
    if fps is not None or dataset.attrs.get("time_unit") != "seconds" or "time" not in dataset.coords:
        return rate, None, True
    times = dataset["time"].to_numpy().astype(float)
    steps = np.diff(times)
    is_even = len(steps) == 0 or bool(np.ptp(steps) <= _UNEVEN * abs(steps.mean()))
    is_own = "gymskel" in dataset.attrs  # a Recording may have timestamps beside a nominal rate
    if rate is not None and not is_own and is_even and len(steps) and abs(steps.mean() * rate - 1) > _UNEVEN:
        raise ValueError(
            f"The Dataset says fps = {rate:g}, but its times are {steps.mean():g} s apart: {1 / steps.mean():g} fps. "
            "Fix: give fps=."
        )
    return rate, times, is_even


def _own_metadata(dataset: xr.Dataset, joints: list[str], people: list[str]) -> dict[str, list[Any]] | None:
    """Return the metadata that `to_xarray` wrote; None if there is none, or people or joints are others now."""
    text = dataset.attrs.get("gymskel")
    if text is None:
        return None
    fields, _ = fields_from_json("gymskel", text.encode())
    fits = len(fields["fps"]) == len(people) and list(fields["skeleton"][0].joints) == joints
    return fields if fits else None


def _foreign_metadata(
    dataset: xr.Dataset, people: list[str], fps: float | None, layout: Skeleton
) -> dict[str, list[Any]]:
    """Return the metadata that the attributes of another program's Dataset give."""
    file, software = dataset.attrs.get("source_file"), dataset.attrs.get("source_software")
    unnamed: VideoName = {"activity": None, "sample": "1", "athlete": None}
    parts = parse_video_name(Path(str(file)).stem) if file else unnamed
    common = {
        "fps": fps,
        **parts,
        "skeleton": layout,
        "history": ({"step": "from_xarray"},),
        "video": Path(str(file)).name if file else None,
        "first_frame": 0,
        "image_size": None,
        "estimator": str(software) if software else None,
        "space": "image",
    }
    fields = {name: [value] * len(people) for name, value in common.items()}
    athletes = [parts["athlete"] if _NUMBERED_NAME.fullmatch(name) else name for name in people]
    return {**fields, "athlete": athletes, "person": list(range(len(people)))}
