"""Videos in, recordings out.

    from gymskel import extract

    extract.extract_video("backflip-1-s07.mov")                  # the athlete's Recording, in a list
    extract.extract_videos("videos", "keypoints", fps=60)        # per-frame CSVs on disk, resumable
    print(extract.plan_videos("videos", "keypoints"))            # what that would do

Any callable with a `name` and a `skeleton` can be the `estimator`; see `Estimator`. Importing this module loads no pose
estimator and no OpenCV. A host that only extracts needs numpy, pandas, scipy and OpenCV.
"""

from gymskel.estimators.estimator import Estimator
from gymskel.estimators.mediapipe import MediaPipe
from gymskel.estimators.openpose import OpenPose
from gymskel.estimators.rtmpose import RTMPose
from gymskel.extract.batch import Extraction, extract_videos
from gymskel.extract.one_video import ExtractionWarning, extract_video
from gymskel.extract.plan import Plan, plan_videos
from gymskel.tracking.params import TrackingParams

__all__ = [
    "Estimator",
    "Extraction",
    "ExtractionWarning",
    "MediaPipe",
    "OpenPose",
    "Plan",
    "RTMPose",
    "TrackingParams",
    "extract_video",
    "extract_videos",
    "plan_videos",
]
