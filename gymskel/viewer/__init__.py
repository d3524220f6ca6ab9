"""Looking at a recording frame by frame, in a notebook or in one file that any browser opens.

    from gymskel import viewer

    viewer.view(recording)                                     # in Jupyter: play, step, drag
    viewer.view(recording, strip=states).save("backflip.html") # one file, nothing is loaded from anywhere

The parts are for pages of one's own: `pack_clip` makes what a player shows, `draw_player` its HTML, `draw_page` a page around it.
"""

from gymskel.viewer.packing import pack_keypoints, unpack_keypoints
from gymskel.viewer.page import draw_page
from gymskel.viewer.player import draw_data, draw_player, pack_clip
from gymskel.viewer.recording_viewer import Viewer, view

__all__ = [
    "Viewer",
    "draw_data",
    "draw_page",
    "draw_player",
    "pack_clip",
    "pack_keypoints",
    "unpack_keypoints",
    "view",
]
