"""How far the scores of an archive are from those of the films that the bundle was proved on."""

from __future__ import annotations

from dataclasses import dataclass

from edge_export.statistics.estimates import Estimate
from edge_kit.evaluation.score_reference import drifts, reference_of
from edge_kit.scoring.summary import Group
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import NotABundle
from edge_runtime.fleet.records import BINS


@dataclass(frozen=True, slots=True)
class ArchiveDrift:
    """The index of an archive, and the shares of films, of its proof and here, above each edge."""

    index: Estimate
    is_large: bool
    of: str
    edges: tuple[float, ...]
    proof: tuple[float, ...]
    here: tuple[float, ...]


def drift(group: Group, bundle: str) -> ArchiveDrift | None:
    """Return the drift of the answered films of `group`; None where too few, or nothing to compare.

    Raises:
        NotABundle, IntegrityError: the bundle cannot be opened.
    """
    with open_bundle(bundle) as opened:
        try:
            reference = reference_of(opened)
        except NotABundle:  # a bundle that was never proved
            return None
    scores = group.scores.reshape(BINS, -1).sum(axis=1).tolist()
    index = reference.compare(scores)
    if index is None:
        return None
    return ArchiveDrift(
        index, drifts(index), reference.words, (*(edge / BINS for edge in reference.edges), 1.0),
        _shares(reference.counts), _shares(reference.joined(scores)),
    )  # fmt: skip


def _shares(counts: tuple[int, ...] | list[int]) -> tuple[float, ...]:
    return tuple(count / sum(counts) for count in counts)
