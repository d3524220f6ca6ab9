"""Recordings <-> xarray, in the layout of movement; needs `pip install "gymskel[xarray]"`.

A Dataset of one video: `position` (time, space, keypoints, individuals) in pixels and `confidence` (time, keypoints,
individuals); `time` in seconds, or in frames where no frame rate is known. Its attributes are movement's (fps, time_unit,
source_software, source_file, ds_type), and `gymskel`, a JSON text with all that these do not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gymskel.formats.coordinates import find_layout, join_points
from gymskel.formats.pack import columns_of, facts_text, fields_of, read_facts, recordings_of
from gymskel.recording import Recording, parse_video_name
from gymskel.skeleton import Skeleton

if TYPE_CHECKING:
    import xarray as xr

_DIMS = ("time", "space", "keypoints", "individuals")
_NUMBERED = re.compile(r"(?:id|individual|person)_\d+")


def to_xarray(recordings: Recording | Iterable[Recording]) -> xr.Dataset:
    """The people of one video as an xarray.Dataset that movement takes; `from_xarray` gives them back bit for bit.

    Args:
        recordings: one, or several of one video: of one length, layout and clock.

    Raises:
        ValueError: xarray is not installed; no recordings; lengths, layouts, frame rates or times differ.
    """
    xarray = _xarray()
    recordings = [recordings] if isinstance(recordings, Recording) else list(recordings)
    if not recordings:
        raise ValueError("`recordings` is empty: nothing to put into a Dataset.")
    first = recordings[0]
    for one in recordings[1:]:
        for name, same in (
            ("frames", len(one) == len(first)),
            ("layouts", one.skeleton == first.skeleton),
            ("frame rates", one.fps == first.fps),
            ("times", np.array_equal(one.timestamps, first.timestamps) if len(one) == len(first) else True),
        ):
            if not same:
                raise ValueError(
                    f"{one.name} and {first.name} differ in their {name}: a Dataset holds the people of one video. "
                    "Make one of each."
                )
    names = [one.athlete for one in recordings]
    if None in names or len(set(names)) < len(names):
        names = [f"person_{k}" for k in range(len(recordings))]
    points = np.stack([one.keypoints for one in recordings], axis=-1)  # (frames, joints, 3, people)
    clocked = first.timestamps is not None or first.fps is not None
    time = first.timestamps if first.timestamps is not None else np.arange(len(first)) / (first.fps or 1)
    attrs: dict[str, Any] = {"source_software": first.estimator or "gymskel", "ds_type": "poses"}
    attrs |= {"fps": first.fps} if first.fps is not None else {}
    attrs |= {"source_file": first.video} if first.video is not None else {}
    attrs["time_unit"] = "seconds" if clocked else "frames"
    attrs["gymskel"] = facts_text({"columns": columns_of(recordings)}).decode()
    return xarray.Dataset(
        {
            "position": (_DIMS, points[:, :, :2].swapaxes(1, 2)),
            "confidence": (("time", "keypoints", "individuals"), points[:, :, 2]),
        },
        coords={
            "time": np.asarray(time, float) if clocked else np.arange(len(first)),
            "space": ["x", "y"],
            "keypoints": list(first.skeleton.joints),
            "individuals": names,
        },
        attrs=attrs,
    )


def from_xarray(
    dataset: xr.Dataset, *, fps: float | None = None, skeleton: Skeleton | None = None
) -> list[Recording]:
    """The individuals of a Dataset in movement's layout, a Recording each.

    What `to_xarray` wrote comes back as it was, keypoints as they are now. From others an individual's name
    is the athlete, unless it is only a number (`id_0`), and the name of `source_file` says the rest.

    Args:
        dataset: with `position` and `confidence`; dimensions in any order.
        fps: frames a second; overrides what the Dataset says.
        skeleton: layout with exactly these keypoints; by default the known one of these names, else one of its own.

    Raises:
        ValueError: other variables or dimensions; points in 3-D; times that are not those of `fps`; a number that
            is no place or no confidence, with individual, frame and joint.
    """
    dims = {
        name: set(dataset[name].dims) if name in dataset else set() for name in ("position", "confidence")
    }
    wanted = {"position": set(_DIMS), "confidence": set(_DIMS) - {"space"}}
    if dims != wanted:
        told = ", ".join(f"{name} {sorted(found)}" for name, found in dims.items())
        raise ValueError(f"The Dataset has {told}; expected movement's dimensions {', '.join(_DIMS)}.")
    space = [str(name) for name in dataset["space"].to_numpy()]
    if space != ["x", "y"]:
        raise ValueError(
            f"The Dataset's space is {', '.join(space)}; a Recording holds x and y in the picture."
        )
    if not all(dataset.sizes[name] for name in _DIMS):
        raise ValueError(f"The Dataset is empty: {dict(dataset.sizes)}.")
    position = dataset["position"].transpose(*_DIMS).to_numpy()
    confidence = dataset["confidence"].transpose("time", "keypoints", "individuals").to_numpy()
    known = not np.isnan(confidence).all()  # movement fills in NaN where there is none
    joints = [str(name) for name in dataset["keypoints"].to_numpy()]
    people = [str(name) for name in dataset["individuals"].to_numpy()]
    rate, clock, even = _clock(dataset, fps)
    told = dataset.attrs.get("gymskel")
    fields = None if told is None else fields_of("gymskel", read_facts("gymskel", told.encode())["columns"])
    if (
        fields is not None
        and len(fields["fps"]) == len(people)
        and list(fields["skeleton"][0].joints) == joints
    ):
        layout = fields["skeleton"][0]
        fields["fps"] = [told if told == rate else rate for told in fields["fps"]]
        clocks = [clock if timed and fps is None else None for timed in fields["timed"]]
    else:
        layout = find_layout(joints, skeleton, label="The Dataset")
        fields, clocks = _fields(dataset, people, rate, layout), [None if even else clock] * len(people)
    order = [joints.index(joint) for joint in layout.joints]
    keypoints = [
        join_points(
            position[:, :, order, k].swapaxes(1, 2),
            confidence[:, order, k] if known else None,
            label=f"individual {name}",
            joints=layout.joints,
        )
        for k, name in enumerate(people)
    ]
    return recordings_of("The Dataset", fields, keypoints, clocks, range(len(people)))


def _clock(dataset: xr.Dataset, wanted: float | None) -> tuple[float | None, np.ndarray | None, bool]:
    """Frame rate, times in seconds where they are told, and whether these are as even as a rate."""
    rate = wanted if wanted is not None else dataset.attrs.get("fps")
    rate = None if rate is None else float(rate)
    if wanted is not None or dataset.attrs.get("time_unit") != "seconds" or "time" not in dataset.coords:
        return rate, None, True
    time = dataset["time"].to_numpy().astype(float)
    steps = np.diff(time)
    even = len(steps) == 0 or np.ptp(steps) <= 1e-3 * abs(steps.mean())
    ours = "gymskel" in dataset.attrs  # a Recording may have timestamps beside a nominal rate
    if rate is not None and not ours and even and len(steps) and abs(steps.mean() * rate - 1) > 1e-3:
        raise ValueError(
            f"The Dataset says fps = {rate:g}, but its times are {steps.mean():g} s apart: {1 / steps.mean():g} fps. Give fps=."
        )
    return rate, time, even


def _fields(
    dataset: xr.Dataset, people: list[str], rate: float | None, layout: Skeleton
) -> dict[str, list[Any]]:
    """What the attributes of others say of each individual."""
    file, software = dataset.attrs.get("source_file"), dataset.attrs.get("source_software")
    names = (
        parse_video_name(Path(str(file)).stem) if file else {"activity": None, "sample": "1", "athlete": None}
    )
    athletes = [names["athlete"] if _NUMBERED.fullmatch(name) else name for name in people]
    same = {
        "fps": rate,
        "activity": names["activity"],
        "sample": names["sample"],
        "skeleton": layout,
        "history": ({"step": "from_xarray"},),
        "video": Path(str(file)).name if file else None,
        "first_frame": 0,
        "image_size": None,
        "estimator": str(software) if software else None,
        "space": "image",
    }
    fields = {name: [value] * len(people) for name, value in same.items()}
    return {**fields, "athlete": athletes, "person": list(range(len(people)))}


def _xarray() -> Any:
    try:
        import xarray
    except ImportError as fault:
        raise ValueError(f'This needs xarray: pip install "gymskel[xarray]" ({fault})') from None
    return xarray
