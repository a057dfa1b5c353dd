"""The linear baseline: what a method of 2005 makes of the same training films.

A network that does no better on films from elsewhere is not worth its size there.
"""

from __future__ import annotations

import numpy as np

from edge_export.films.pixels import FilmPixels, blocks
from edge_export.statistics.estimates import Bools, Floats
from edge_kit.audit.hog import hog
from edge_kit.audit.regression import regression
from edge_kit.evaluation.evaluated import Predict

# By five-fold cross-validation by groups within the training films of the X-rays at hand: of 1e-4,
# 1e-3, 0.01, 0.1 and 1 the highest AUC, 0.90. Films from elsewhere had no say.
INVERSE_PENALTY = 0.01


def baseline(pixels: FilmPixels, positive: Bools) -> Predict:
    """Return a logistic regression on HOG features, fitted on `(n, height, width, channels)` films.

    It takes such pixels and gives scores `(n,)`, higher for the positive class.
    """
    fitted = regression(INVERSE_PENALTY).fit(hog(pixels), positive)

    def predict(films: FilmPixels) -> Floats:
        # The features of a film are 14 KB, so those of all films are not kept.
        scores = [fitted.decision_function(hog(block)) for block in blocks(films)]
        return np.concatenate(scores, dtype=np.float64)

    return predict
