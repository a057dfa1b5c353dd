"""Labels as the arrays that statistics take."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Film


def are_positive(films: Iterable[Film], positive: str) -> NDArray[np.bool_]:
    """Return `(n,)`, in the order of `films`: whether the label is that of the class `positive`."""
    return np.array([film.label == positive for film in films], np.bool_)
