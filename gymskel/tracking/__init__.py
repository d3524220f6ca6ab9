"""People found in each frame -> persons over time, from keypoints and the colours of clothes.

params.py          the numbers that steer all of it
geometry.py        BODY_25 poses as arrays: bones, centers, turns, distances
body_states.py     the state of bodies, and the prediction of their joints
track.py           one person over time
association.py     the cost that a pose continues a body
tracker.py         people of each frame assigned to tracks

prediction.py      the pose of a person in the next frame
crops.py           squares of the picture for the estimator, known people painted out
appearance.py      colours of clothes
search.py          crops shown to the estimator until a pose continues the person
person.py          a followed person
follower.py        people followed with any estimator, upside down too

identity_swaps.py  when all frames are known: observations given back to whom they belong
tracklets.py       runs of observations: split, chained, put into gaps
stitching.py       tracks split and joined again
selection.py       the wanted person among the tracks
"""
