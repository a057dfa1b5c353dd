"""What the answers to an archive say together: scores by site and month, refusals, drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.statistics.estimates import Estimate, proportion
from edge_kit.scoring.journal import RESULTS, Told
from edge_kit.scoring.manifest import FilmManifest
from edge_kit.scoring.tables import MONTH, SITE, part_name, read_table
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BINS = 1000
"""Steps of probability in which scores are counted; quartiles are as fine as one of them."""
LEAST_FILMS, MOST_GROUPS = 20, 60
"""A site of fewer films is not named, since it may be a patient's folder; of more sites than that
the largest are shown."""
UNSTATED, SMALLER = "not stated", "smaller sites, together"
_COLUMNS = ["status", "probability", "threshold", "refusal"]


@dataclass(slots=True)
class Group:
    """Films of one site, of one month, or all: how many had which answer, and which scores."""

    statuses: Counter[str] = field(default_factory=Counter)
    positive: int = 0
    scores: np.ndarray[Any, np.dtype[np.int64]] = field(
        default_factory=lambda: np.zeros(BINS, np.int64)
    )

    @property
    def films(self) -> int:
        """How many there are."""
        return self.statuses.total()

    def add(self, statuses: Any, scores: Any, positive: Any) -> None:
        """Count films: arrays of their statuses, and of scores and decisions, which some have."""
        self.statuses.update(statuses.tolist())
        steps = np.clip((scores * BINS).astype(int), 0, BINS - 1)
        self.scores += np.bincount(steps, minlength=BINS)
        self.positive += int(positive.sum())

    def join(self, group: Group) -> None:
        """Count the films of another group, too."""
        self.statuses.update(group.statuses)
        self.scores += group.scores
        self.positive += group.positive

    def quantile(self, share: float) -> float | None:
        """Return the probability below which that share of the answered films lies."""
        total = int(self.scores.sum())
        if not total:
            return None
        return (int(np.searchsorted(np.cumsum(self.scores), share * total)) + 0.5) / BINS

    def shares(self) -> dict[str, Estimate | None]:
        """Return the share called positive of those answered, and that without an answer of all."""
        answered = self.statuses["ok"]
        return {
            "positive": proportion(self.positive, answered) if answered else None,
            "without": proportion(self.films - answered, self.films) if self.films else None,
        }


@dataclass(slots=True)
class Summary:
    """The groups of an archive, and why films were refused."""

    whole: Group = field(default_factory=Group)
    sites: dict[str, Group] = field(default_factory=dict)
    months: dict[str, Group] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)

    def named_sites(self) -> dict[str, Group]:
        """Return the sites that may be named, the largest first, and the others as one."""
        known = {site: group for site, group in self.sites.items() if site != UNSTATED}
        large = [site for site, group in known.items() if group.films >= LEAST_FILMS]
        large = sorted(large, key=lambda site: (-known[site].films, site))[:MOST_GROUPS]
        named = {site: known[site] for site in large}
        rest = Group()
        for site in known.keys() - named.keys():
            rest.join(known[site])
        named |= {SMALLER: rest} if rest.films else {}
        unstated = self.sites.get(UNSTATED)
        return named | ({UNSTATED: unstated} if unstated else {})


def summarise(out: Path, manifest: FilmManifest, parts: Mapping[int, Told]) -> Summary:
    """Return the summary of the answers in `out`, part after part; each is compared on the way.

    Raises:
        DataError: a part is not what was written.
    """
    summary = Summary()
    for number in sorted(parts):
        part = manifest.part(number)
        path = out / RESULTS / part_name(number)
        answers = read_table(path, str(parts[number]["sha256"]), _COLUMNS)
        if len(answers) != part.rows:
            raise DataError(path, "has not as many rows as its part", "go on with --resume")
        _add(summary, answers, part.table())
    return summary


def _add(summary: Summary, answers: pa.Table, films: pa.Table) -> None:
    statuses = _texts(answers, "status")
    answered = statuses == "ok"
    scores = answers.column("probability").to_numpy()
    positive = scores >= answers.column("threshold").to_numpy()
    summary.refusals.update(_texts(answers, "refusal")[statuses == "refused"].tolist())
    for groups, names in (
        ({"": summary.whole}, np.full(len(statuses), "")),
        (summary.sites, _texts(films, SITE)),
        (summary.months, _texts(films, MONTH)),
    ):
        for name, chosen in _chosen(names):
            known = chosen & answered
            group = groups.setdefault(name, Group())
            group.add(statuses[chosen], scores[known], positive[known])


def _chosen(names: Any) -> Iterator[tuple[str, Any]]:
    for name in np.unique(names):
        yield str(name), names == name


def _texts(table: pa.Table, column: str) -> Any:
    values = table.column(column).to_pylist()
    return np.array([UNSTATED if value is None else value for value in values], dtype=str)
