"""Targets: a limit for each figure, relative to this machine's own baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edge_runtime.bench.baselines import EDGE_RUN, FLOOR, LITERT, ONNX

AT_MOST = {FLOOR: 1.35, LITERT: 0.6, ONNX: 0.45}
"""The most that the wall time of a cold start may be of each baseline's."""
PEAK_AT_MOST = 40.0
"""The most memory in MiB."""
AT_LEAST = {FLOOR: 0.9}
"""The least that the rate of films may be of each baseline's."""
AT_LEAST_OF_LOOP = 1.7
"""The same of the customary loops, on films that take no longer to decode than to judge."""


def cold_targets(cold: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the targets of cold starts: wall time beside each baseline, and peak memory."""
    for film in cold:
        for name, most in AT_MOST.items():
            if name in film["figures"]:
                ratio = film["figures"][name]["ratio"]["median"]
                yield _target(f"cold start, {film['film']}, / {name}", ratio, "<=", most)
        peak = film["figures"][EDGE_RUN]["peak_mib"]
        if peak is not None:
            yield _target(f"cold start, {film['film']}, peak MiB", peak, "<=", PEAK_AT_MOST)


def rate_targets(rates: Sequence[dict[str, Any]], *, drawn: bool) -> Iterator[dict[str, Any]]:
    """Yield the targets of folders: drawn films are hard to decode, others may be hard to judge."""
    limits = AT_LEAST if drawn else dict.fromkeys((LITERT, ONNX), AT_LEAST_OF_LOOP)
    for folder in rates:
        for name, least in limits.items():
            if name in folder["figures"]:
                ratio = folder["figures"][name]["ratio"]["median"]
                yield _target(f"films/s, {folder['films']}, / {name}", ratio, ">=", least)


def _target(what: str, figure: float, relation: str, limit: float) -> dict[str, Any]:
    met = figure <= limit if relation == "<=" else figure >= limit
    return {"what": what, "figure": figure, "relation": relation, "limit": limit, "met": met}
