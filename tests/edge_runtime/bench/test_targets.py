"""A figure meets its target or misses it: drawn films and real ones have limits of their own."""

from __future__ import annotations

from edge_runtime.bench.baselines import FLOOR, LITERT
from edge_runtime.bench.targets import rate_targets


def test_a_folder_is_held_against_the_floor_or_for_real_films_against_the_loops() -> None:
    figures = {FLOOR: {"ratio": {"median": 0.5}}, LITERT: {"ratio": {"median": 1.8}}}
    rates = [{"films": "x", "figures": figures}]
    (drawn,), (real,) = (list(rate_targets(rates, drawn=drawn)) for drawn in (True, False))
    assert (drawn["limit"], drawn["met"]) == (0.9, False)
    assert (real["limit"], real["met"]) == (1.7, True)
