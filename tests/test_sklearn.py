"""SkeletonClassifier among scikit-learn's estimators: its own checks, searches, workers, plain arrays."""

from dataclasses import replace

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from test_training import quick

from test_training import quick

from gymskel.classifier import SkeletonClassifier
from gymskel.training import Recipe

TINY = Recipe("tiny", epochs=10, batch_size=32, learning_rate=0.3, validation=0.0)
EXPECTED: dict[str, str] = {}


@parametrize_with_checks(
    [SkeletonClassifier(quick, recipe=TINY)],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)
