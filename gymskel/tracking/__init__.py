"""People found in each frame -> persons over time, from keypoints and the colours of clothes.

geometry.py        BODY_25 poses as arrays: bones, centers, turns, distances
body_states.py     the state of many bodies, and the prediction of their joints
association.py     the cost that a pose continues a body
track.py           one person over time
tracker.py         people of each frame assigned to tracks
tracklets.py       runs of poses: split, chained, put into gaps
stitching.py       tracks split and joined again when all frames are known
selection.py       the wanted person among the tracks
appearance.py      colours of clothes
identity_swaps.py  tracks that have each other's poses
prediction.py      the pose of a person in the next frame
crops.py           squares of the picture for the estimator, known people painted out
track_state.py     the record of a followed person
follower.py        people followed with any estimator, upside down too
"""
