"""Simulated gymnasts: a built-in data set, and tests with known answers. No real person was filmed.

The path of a simulated recording, one file a step::

    athlete's name -> body, technique, camera             drawn from a hash of the name
    move -> keyframes -> angles of the joints over time   monotone cubic interpolation
    angles -> joints in metres                            feet or hands stand on the floor, or the hip flies
    metres -> camera -> pixels -> detector                noise and lost joints as in real detectors
    pixels -> a video of dots -> keypoints                a video, and an estimator that finds the dots

World: x forward (where the athlete looks at the start), y to the athlete's left, z up, metres, floor at 0.
Angles: degrees, positive = backward rotation, i.e. counterclockwise seen with x to the right and z up.
Simplified: both sides of the body move alike, the trunk is rigid, and the hip, not the centre of mass, flies on the
parabola.
"""

from gymskel.simulate.camera import IMAGE_SIZE
from gymskel.simulate.film import DotFinder, write_film
from gymskel.simulate.motion import GRAVITY, Motion, simulate_motion
from gymskel.simulate.moves import ACTIVITIES
from gymskel.simulate.recordings import simulate_bystander, simulate_recording, simulate_recordings
from gymskel.simulate.session import Session, simulate_session

__all__ = [
    "ACTIVITIES",
    "GRAVITY",
    "IMAGE_SIZE",
    "DotFinder",
    "Motion",
    "Session",
    "simulate_bystander",
    "simulate_motion",
    "simulate_recording",
    "simulate_recordings",
    "simulate_session",
    "write_film",
]
