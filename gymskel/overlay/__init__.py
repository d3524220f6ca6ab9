"""Looking at what was extracted: poses over the pictures that they came from.

    from gymskel import overlay, read_recordings

    everybody = read_recordings("keypoints/backflip-1-s07")
    overlay.write_overlay("backflip-1-s07.mov", everybody, "drawn.mp4", slow=4)             # or .gif
    overlay.write_contact_sheet("backflip-1-s07.mov", everybody[0], "sheet.png", seconds=1.5)
    overlay.write_overlays("videos", "keypoints", "drawn", kind="png")                      # one for each video

What a classifier says, in the corner and below: `write_overlay(..., beside=Beside({"backflip": 0.9}, strip=states))`.
A picture of one's own: `draw_pose(frame, pose)`, an array in and a new one out.
"""

from gymskel.overlay.annotation import Beside
from gymskel.overlay.batch import KINDS, Overlays, write_overlays
from gymskel.overlay.contact_sheet import write_contact_sheet
from gymskel.overlay.drawing import draw_pose
from gymskel.overlay.overlay_video import write_overlay

__all__ = [
    "KINDS",
    "Beside",
    "Overlays",
    "draw_pose",
    "write_contact_sheet",
    "write_overlay",
    "write_overlays",
]
