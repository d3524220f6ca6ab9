"""Draw extracted poses over the pictures that they came from.

    from gymskel import overlay, read_recordings

    people = read_recordings("keypoints/backflip-1-s07")
    overlay.write_overlay("backflip-1-s07.mov", people, "drawn.mp4", slow=4)             # or .gif
    overlay.write_contact_sheet("backflip-1-s07.mov", people[0], "sheet.png", seconds=1.5)
    overlay.write_overlays("videos", "keypoints", "drawn", output_format="png")          # one for each video

A classifier's probabilities and states: `write_overlay(..., annotation=Annotation({"backflip": 0.9}, strip=states))`.
A single picture: `draw_pose(frame, pose)`, an array in and a new one out.
"""

from gymskel.overlay.annotation import Annotation
from gymskel.overlay.batch import OUTPUT_FORMATS, OverlayResult, write_overlays
from gymskel.overlay.contact_sheet import write_contact_sheet
from gymskel.overlay.drawing import draw_pose
from gymskel.overlay.overlay_video import write_overlay

__all__ = [
    "OUTPUT_FORMATS",
    "Annotation",
    "OverlayResult",
    "draw_pose",
    "write_contact_sheet",
    "write_overlay",
    "write_overlays",
]
