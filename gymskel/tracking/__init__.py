"""People of each frame -> persons over time, from keypoints and the colours of clothes.

geometry.py        bodies as arrays: bones, centres, torso lengths
prediction.py      where a person should be in the next frame
association.py     the cost of matching a pose to a person
track.py           one person over time
tracker.py         people of each frame joined to tracks
tracklets.py       runs of poses, cut and chained
stitching.py       tracks mended when all frames are known
appearance.py      colours of clothes
identity_swaps.py  two people exchanged where they met
selection.py       which person is the athlete
crops.py           squares of the picture for the estimator; crop_proposals.py, picture_crops.py
masking.py         known people painted out of a crop
follower.py        people followed with any estimator, upside down too
"""
