"""The numbers that steer tracking, each in one place, and the constants of bodies that do not."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

DEFAULT_FPS = 30.0  # frames a second where the frame rate is unknown
MIN_JOINTS = 4  # fewest joints from which two poses are compared: three fix a place, a size and a turn
MIN_BONE = 1e-3  # pixels; shorter bones count as this long, so that their ratio has a logarithm

# Bones in torso lengths: medians of the 113 published recordings, each bone at its longest (80th percentile);
# the shoulder, which those show from the side, as wide as from the front. Left and right are measured
# together, as estimators mistake one for the other.
USUAL_BONES = {
    ("Neck", "MidHip"): 1.0,
    ("RShoulder", "RHip"): 1.03,
    ("Neck", "RShoulder"): 0.36,
    ("RShoulder", "RElbow"): 0.63,
    ("RElbow", "RWrist"): 0.58,
    ("RHip", "RKnee"): 0.84,
    ("RKnee", "RAnkle"): 0.87,
    ("Neck", "Nose"): 0.48,
}
BONE_QUANTILE = 0.75  # of the torso lengths that the bones of one pose give: those turned away look short
UPRIGHT_SLOPE = 3.0  # rise over run of a torso that is taken for upright: 18 degrees from it
BOX_TORSOS = 3.0  # height of a standing body in torso lengths


@dataclass(frozen=True)
class TrackingParams:
    """The numbers that steer tracking, with one default for all videos.

    Unless a unit is given, lengths and costs are in torso lengths of the person, times in seconds, so that neither the
    picture's size nor the frame rate needs settings. Numbers whose change moves no benchmark are not here:
    docs/experiments says what halving and doubling each of these does.
    """

    # --- motion of a body -------------------------------------------------------------------------------------------
    motion_window: float = 0.3  # before the last frame: the steps whose median is the velocity
    following_window: float = 0.05  # the same for the next frame alone, where a take-off counts
    sideways_decay: float = 2.0  # time in which motion sideways dies away
    vertical_decay: float = 0.4  # the same up or down
    turn_decay: float = 0.3  # the same of turning
    step_doubt: float = 0.3  # steps that a velocity is worth less: one step alone is not much trusted
    fresh_joint: float = 0.2  # a joint seen within this time must go along with the body
    foreign_distance: float = 0.5  # from where it should be, beyond which a joint is another person's
    foreign_ratio: float = 3.0  # ... and in medians of such distances of the other joints
    gravity: float = 20.0  # torso lengths / s^2: 9.81 m/s^2 for a torso of half a metre
    jump_speed: float = 1.5  # torso lengths / s upwards, from which a body flies
    longest_flight: float = 0.5
    bone_growth: float = 0.02  # share by which a bone grows in a frame at most
    young_bone_growth: float = 0.2  # the same in the first frame, less with each
    bone_update: float = 0.2  # share of its change that a bone that looks longer takes on in a frame
    bone_shrinking: float = 3.0  # time in which a bone becomes as short as it looks
    bone_memory: float = 0.1  # time over which bones are averaged to tell how they look now
    state_seconds: float = 0.5  # of a tracklet from which the state at its end is computed
    extrapolated_frames: int = 4  # frames after which an unseen body is no longer taken to fly and turn on
    predicting_poses: int = 6  # nearest poses from which motion within a track, or backwards, is computed

    # --- cost of a pose that continues a body -----------------------------------------------------------------------
    gate: float = 0.9  # largest cost at which a pose may continue a body
    usual_cost: float = 0.12  # cost from which an assignment loses little more
    near_margin: float = 1.5  # beyond the search radius, within which a pose is compared with a body at all
    radius_growth: float = 3.0  # torso lengths / s by which the search radius grows while a body is unseen
    radius_speed: float = 0.6  # share of the body's own speed that it grows by as well
    gap_cost: float = 0.2  # a second unseen
    size_seconds: float = 0.25  # unseen, from which size counts fully
    size_cost: float = 2.0  # of a pose larger or smaller by a factor e
    free_size: float = 0.08  # logarithm of the size ratio that costs nothing
    max_larger_cost: float = 0.4
    max_smaller_cost: float = 0.8
    free_turn: float = 10.0  # degrees beyond the predicted turning by which a pose may be turned
    free_turn_rate: float = 500.0  # degrees / s by which they grow with the gap
    turn_cost: float = 0.05  # a radian of such a turn
    kept_share: float = 2 / 3  # of the joints' distances that count, the smallest
    joint_memory: float = 0.15  # time in which the place of an unseen joint loses its weight
    mirror_cost: float = 0.1  # of left and right taken for each other
    size_bias: float = 0.08  # logarithm by which bones look shorter in a single pose
    build_change: float = 0.12  # logarithm by which bones may change from pose to pose
    build_change_rate: float = 0.6  # ... more a second: turning away from the camera takes a while
    build_cost: float = 2.0  # of bones that changed by a factor e beyond that
    max_longer_cost: float = 0.3
    max_shorter_cost: float = 0.5
    free_stretch: float = 0.25  # logarithm by which a bone may be longer than it ever was
    stretch_cost: float = 0.5  # of all bones longer by a factor e beyond that
    sure_bones: float = 4.0  # bones from which their change counts fully
    few_joints_cost: float = 0.4  # of one joint in common; less with each

    # --- tracks, frame after frame ----------------------------------------------------------------------------------
    duplicate_distance: float = 0.3  # from a person of the same frame, within which a pose is the same person
    shared_joint: float = (
        0.15  # from the same joint of a more complete pose, within which it is that person's
    )
    recent_seconds: float = (
        0.1  # a track seen within this time, found as well in a duplicate of another's pose
    )
    recent_margin: float = 0.15  # ... keeps it unless it fits the other by so much better
    first_memory: float = 0.3  # out of sight, after which a new track is not continued
    memory_growth: float = 3.0  # seconds more for each second that it was seen, up to `long_gap`

    # --- stitching, when all frames are known -----------------------------------------------------------------------
    short_gap: float = 0.5  # joined first; brief tracklets are joined over no longer ones
    medium_gap: float = 1.5  # joined second; over longer ones what the tracker linked counts no more
    long_gap: float = 10.0  # longest gap
    brief_frames: int = 5  # a tracklet of no more frames fills gaps; it may be a false detection
    brief_duplicate: float = 0.1  # from a longer tracklet, within which a brief one is the same person
    brief_gate: float = 0.65  # largest cost of a link to a brief tracklet
    compared_poses: int = 3  # of the other tracklet
    far_successor_cost: float = 2.7  # of a pose that is too far away to compare
    link_reach: float = 6.0  # distance within which two tracklets are compared
    link_reach_speed: float = 3.0  # seconds of the body's own speed that are added to it
    online_gain: float = 0.15  # by which a link of the tracker costs less
    online_link_cost: float = 0.5  # largest cost of such a link
    reentry_seconds: float = 0.2  # fewest between leaving the picture and coming back
    reentry_edge: float = 1.5  # from the edge of the picture, within which a person comes back
    reentry_reach: float = (
        1.0  # from the last place, within which somebody who did not reach the edge may come back
    )
    reentry_speed: float = 5.0  # torso lengths / s by which it grows
    edge_reentry_cost: float = 0.4  # of coming back there
    reentry_size_cost: float = 2.5  # of coming back larger or smaller by a factor e, while frames come
    max_height: float = 0.4  # torso lengths higher or lower that count, while frames come
    edge_reach: float = 0.5  # from the edge of the picture, within which a body may leave it
    reentry_cost: float = 0.25  # of coming back
    height_cost: float = 1.5  # of coming back a torso length higher or lower
    free_height: float = 0.1
    return_size_cost: float = 10.0  # of coming back larger or smaller by a factor e
    return_free_size: float = 0.04
    return_free_bones: float = 0.12
    stay_size_cost: float = 8.0  # of another size by a factor e, where the person stayed in the picture
    stay_free_size: float = 0.1
    measured_seconds: float = 1.5  # of a tracklet from which its size and height are measured
    size_frames: int = 10  # fewest upright poses for that
    size_spread: float = 0.05  # largest usual deviation of their torso lengths
    fill_gate: float = 1.0  # largest cost at which a brief tracklet fills a gap
    fill_reach: float = 3.0  # distance within which it is compared with the tracklet around the gap
    fill_gap_cost: float = 0.3  # a second from the nearer side of the gap
    center_only_cost: float = 0.15  # of being compared by the body's center alone
    same_track_gain: float = 0.35  # by which it costs less to fill a gap of the track it was in
    other_track_cost: float = 0.55  # of taking it out of another long track

    # --- crops ------------------------------------------------------------------------------------------------------
    crop_size: int = 384  # pixels to which a crop is scaled
    crop_extents: float = 1.9  # side of a crop in extents of the body: detectors want some picture around it
    crop_torsos: float = 5.5  # ... and at least in torso lengths: a tucked body opens within a few frames
    crop_growth: float = 0.1  # share by which a crop grows a frame unseen, up to twice the side
    closer_crop: float = 0.65  # share of that side, for a closer crop
    crop_turns: tuple[float, ...] = (-45.0, 45.0, -90.0, 90.0, 180.0)  # degrees beside the predicted lean
    overview_size: int = 512  # pixels to which the whole picture is scaled
    overview_turns: tuple[float, ...] = (180.0, 120.0, 240.0, 60.0, 300.0)  # degrees
    turned_margin: float = 1.1  # side of a turned overview, in long sides of the picture
    square_ratio: float = 1.25  # of the picture's sides, above which parts are shown as well
    masked_width: float = 0.4  # painted along the limbs of a person who is masked
    spared_width: float = 0.3  # left along the limbs of the person wanted

    # --- following --------------------------------------------------------------------------------------------------
    max_joint_cost: float = 1.5  # of a joint far from its place
    unseen_joint_cost: float = 0.4  # of a predicted joint that is unseen
    longer_torso: float = 0.4  # logarithm by which a torso may be longer than the body's
    unseen_torso_cost: float = 0.1
    lean_slack: float = 40.0  # degrees beside the predicted lean that cost nothing
    lean_slack_rate: float = 20.0  # degrees more for each frame since
    good_cost: float = 0.4  # below which no further crop is tried
    good_cost_growth: float = 0.2  # share by which it grows a frame unseen
    good_cost_frames: int = 5  # frames for which it grows
    tolerance: float = 1.1  # of a cost that further crops did not reduce, in such costs
    tolerance_decay: float = 0.95  # share that is left of it a frame
    max_tolerated_cost: float = 0.6
    confirming_frames: int = 3  # found as predicted, which confirm a person
    max_followed: int = 3  # people followed in each frame, where one athlete is wanted
    tentative_crops: int = 3  # tried for a tentative person, and backwards
    tentative_gap: int = 3  # frames without a tentative person, after which the search ends
    confirmed_seconds: float = 1.0  # without a confirmed person, after which only overviews find them
    rare_gap: int = 8  # frames without a person, after which the search becomes rarer
    rare_step: int = 3  # frames from one such search to the next
    poor_first_cost: float = 0.25  # from which a first pose is searched for again
    beside_distance: float = 0.75  # from a known person, within which a pose is no new person
    overview_seconds: float = 0.25  # between two searches of the next part of the whole picture
    speed_lag: float = 0.1  # over which a movement shows against an estimator's trembling
    liveliness_quantile: float = 0.75  # of the limb speeds of the last second
    kept_frames: int = 32  # of the last frames, for searching backwards
    kept_bytes: int = 200 << 20  # of memory for them

    # --- appearance -------------------------------------------------------------------------------------------------
    sampled_torso: float = (
        10.0  # pixels of a torso in the picture that is sampled; each is the mean of a patch
    )
    lightness_weight: float = 0.5  # of lightness beside colour, as it changes with the light
    same_color_distance: float = 8.0  # Lab, up to which colours are taken for the same
    other_color_distance: float = 20.0  # Lab, beyond the one above, from which colours are certainly others
    appearance_cost: float = 0.6  # where all colours are others
    appearance_weight: float = 1.5  # of the appearance cost over a gap
    appearance_update: float = 0.05  # weight of a new frame in the means
    appearance_frames: int = 5  # after which an appearance is known
    swap_reach: float = 1.5  # between two people, within which they may be taken for each other
    swap_min_distance: float = 0.15  # 0 to 1; closer appearances cannot tell two people apart
    swap_cost: float = 1.0  # of one swap while they are close; a sum of colour distances

    # --- selection --------------------------------------------------------------------------------------------------
    speed_seconds: float = 0.5  # of the fastest movement, over which limb speed is a median
    speed_outliers: int = 2  # fastest joints that do not count: an estimator's mistakes
    upside_down_bonus: float = 2.0  # torso lengths / s added for a person who turns upside down
    upside_down_seconds: float = 0.2
    still_speed: float = 0.15  # torso lengths / s of limb speed, below which a body does not move in itself
    still_travel: float = 0.3  # through the picture, below which a body stays in its place
    still_moments: int = 5  # parts of a track whose places are compared for that
    selected_seconds: float = 0.2  # a track of fewer frames is brief

    def __post_init__(self) -> None:
        for field in fields(self):
            value, default = getattr(self, field.name), field.default
            several = isinstance(default, tuple)
            kind: Any = Integral if isinstance(default, int) else Real
            numbers = value if several and isinstance(value, tuple) else (value,)
            if not all(isinstance(number, kind) and np.isfinite(number) for number in numbers):
                wanted = "a tuple of finite numbers" if several else f"a finite number, such as {default}"
                raise ValueError(f"TrackingParams.{field.name} must be {wanted}, got {value!r}.")
            if not several and value < 0:
                raise ValueError(f"TrackingParams.{field.name} must not be negative, got {value!r}.")

    def changes(self) -> dict[str, Any]:
        """Return the numbers that differ from the defaults, by name; tuples as lists, as JSON has them."""
        changed = {field.name: getattr(self, field.name) for field in fields(self)}
        changed = {name: value for name, value in changed.items() if value != getattr(TrackingParams, name)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}


DEFAULT_PARAMS = TrackingParams()
