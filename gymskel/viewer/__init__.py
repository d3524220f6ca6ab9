"""Play a recording frame by frame, in a notebook or in one HTML file that any browser opens.

    from gymskel import viewer

    viewer.view(recording)                                     # in Jupyter: play, step, drag
    viewer.view(recording, strip=states).save("backflip.html") # one file that loads nothing from elsewhere

To build other pages: `pack_clip` makes the data of a player, `render_player` its HTML, `render_page` a page around it.
"""

from gymskel.viewer.html_page import render_page
from gymskel.viewer.packing import pack_keypoints
from gymskel.viewer.player import pack_clip, render_clip_data, render_player
from gymskel.viewer.recording_viewer import Viewer, view

__all__ = [
    "Viewer",
    "pack_clip",
    "pack_keypoints",
    "render_clip_data",
    "render_page",
    "render_player",
    "view",
]
