"""Films from elsewhere: none of the training's, judged when all is chosen, beside a baseline.

They choose nothing: no epoch, no threshold, no calibration. Their decisions are those that the
network makes anyway. Its film branch is not asked, so that the network and the baseline judge the
same films.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_export.films.film import Film
from edge_export.films.labels import are_positive
from edge_export.statistics.clustered import grouped_auc, grouped_auc_difference
from edge_export.statistics.estimates import Estimate, Floats
from edge_export.statistics.stratified import LEAST, differences_within, mean, weights, within
from edge_kit.data.film_attributes import FilmAttributes
from edge_kit.data.films import list_films
from edge_kit.data.fingerprints import Fingerprint, near_duplicates
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import FilmOutcome
from edge_kit.evaluation.figures import Judged, judged
from edge_kit.evaluation.films import LabelledFilms, labelled_films
from edge_kit.evaluation.yardstick import Yardstick, columns, yardstick
from edge_runtime.bundle.records import Decision, Preprocess
from edge_runtime.errors import DataError, EdgeError

ClassNames = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class ElsewhereFilms:
    """Films from elsewhere, with what their manifest says of each.

    `copies` were left out as they, or films of their groups, are also among those of the training;
    `kept_back` as their folder's own splits have them for training or for choosing.
    """

    root: Path
    films: tuple[Film, ...]
    attributes: tuple[FilmAttributes, ...]
    negative: str
    positive: str
    copies: int
    kept_back: int


@dataclass(frozen=True, slots=True)
class Areas:
    """AUCs by group: of all films, and the mean within sources where there is one."""

    all: Estimate
    within: Estimate | None

    @property
    def fair(self) -> Estimate:
        """The one that differences between sources cannot help, as far as there is one."""
        return self.within or self.all


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What films from elsewhere say of a network, of the baseline, and of their difference.

    The `difference` of AUCs is paired, within sources where any has both classes. There is no
    network, and no difference, where the baseline alone was asked; there is no baseline where the
    films that it would be fitted on are not known.
    """

    folder: str
    positive: int
    negative: int
    copies: int
    kept_back: int
    network: Areas | None
    baseline: Areas | None
    difference: Estimate | None
    yardstick: Yardstick

    @property
    def no_better(self) -> bool:
        """Whether the network was not shown to do better than the baseline."""
        return self.difference is not None and self.difference.low <= 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON content, which names no film and no path."""
        return asdict(self) | {"no_better": self.no_better}


def elsewhere_films(
    root: Path,
    own: Sequence[Film],
    *,
    digests: Collection[str] = (),
    modality: str,
    names: Sequence[ClassNames],
    preprocess: Preprocess,
    skip_unreadable: bool,
    reader: FilmReader,
) -> ElsewhereFilms:
    """Return the films below `root` that are none of the training's `own`, nor of their groups.

    `digests` are of films of its own as well, wherever they may be. `names` are pairs of a positive
    and a negative class; the first that the folder has count. Where the folder gives splits, its
    test films are judged.

    Raises:
        DataError: too few are left of a class, or a film cannot be read.
    """
    positive, negative = _names(root, modality, names)
    labelled = labelled_films(
        root,
        modality=modality,
        positive=positive,
        negative=negative,
        skip_unreadable=skip_unreadable,
        reader=reader,
    )
    foreign = _left(root, labelled, _known(labelled, own, digests, reader))
    # Now, and not when a training is over, whatever stands in the way is to be said.
    reader.read(foreign.films, preprocess)
    return foreign


def _left(root: Path, labelled: LabelledFilms, known: set[str]) -> ElsewhereFilms:
    """Return the films of `labelled` to judge, whose groups are not `known` from the training."""
    films, given = labelled.films, "test" in labelled.splits
    kept = [
        place
        for place, (film, split) in enumerate(zip(films, labelled.splits, strict=True))
        if film.group not in known and not (given and split in ("train", "val"))
    ]
    copies = sum(film.group in known for film in films)
    foreign = ElsewhereFilms(
        root=root,
        films=tuple(films[place] for place in kept),
        attributes=tuple(labelled.attributes[place] for place in kept),
        negative=labelled.negative,
        positive=labelled.positive,
        copies=copies,
        kept_back=len(films) - len(kept) - copies,
    )
    return _enough(foreign)


def _enough(foreign: ElsewhereFilms) -> ElsewhereFilms:
    cases = int(are_positive(foreign.films, foreign.positive).sum())
    if min(cases, len(foreign.films) - cases) >= LEAST:
        return foreign
    controls = len(foreign.films) - cases
    problem = (
        f"has {cases} {foreign.positive} and {controls} {foreign.negative} films from elsewhere"
    )
    if foreign.copies:
        problem += f", and {foreign.copies} that are among those of the training's folder"
    raise DataError(foreign.root, problem, f"give a folder of other films, {LEAST} of each class")


def _names(root: Path, modality: str, names: Sequence[ClassNames]) -> ClassNames:
    for positive, negative in names[:-1]:
        with suppress(EdgeError):
            list_films(root, modality=modality, positive=positive, negative=negative)
            return positive, negative
    return names[-1]


def _known(
    labelled: LabelledFilms, own: Sequence[Film], more: Collection[str], reader: FilmReader
) -> set[str]:
    """Return the groups of `labelled` with a film that is a copy, or nearly, of one of `own`."""
    digests = {*more, *(film.sha256 for film in own)}
    known = {film.group for film in labelled.films if film.sha256 in digests}
    scanned = [
        (outcome, group)
        for films, named in ((own, False), (labelled.films, True))
        for outcome, group in zip(
            reader.scan([film.path for film in films]),
            [film.group if named else "" for film in films],
            strict=True,
        )
        if isinstance(outcome, Fingerprint)
    ]
    groups = [group for _, group in scanned]
    pairs = near_duplicates([fingerprint for fingerprint, _ in scanned])
    for first, second in pairs.tolist():
        if bool(groups[first]) != bool(groups[second]):
            known.add(groups[first] or groups[second])
    return known


def judge_elsewhere(
    foreign: ElsewhereFilms, network: Floats | None, baseline: Floats | None, decision: Decision
) -> Elsewhere:
    """Return what the logits `(n,)` of a network and of the baseline are worth on `foreign` films.

    Raises:
        ValueError: a logit is not finite.
    """
    positive = are_positive(foreign.films, foreign.positive)
    groups = [film.group for film in foreign.films]
    sources = [film.get("source", "").strip().lower() for film in foreign.attributes]
    difference = None
    if network is not None and baseline is not None:
        apart = differences_within(positive, baseline, network, groups, sources)
        difference = (
            mean(apart, weights(positive, sources, list(apart)))
            if apart
            else grouped_auc_difference(positive, baseline, network, groups)
        )

    def areas(scores: Floats | None) -> Areas | None:
        if scores is None:
            return None
        inside = within(positive, scores, groups, sources)
        share = weights(positive, sources, list(inside))
        return Areas(grouped_auc(positive, scores, groups), mean(inside, share) if inside else None)

    return Elsewhere(
        folder=foreign.root.resolve().name,
        positive=int(positive.sum()),
        negative=int((~positive).sum()),
        copies=foreign.copies,
        kept_back=foreign.kept_back,
        network=areas(network),
        baseline=areas(baseline),
        difference=difference,
        yardstick=_yardstick(foreign, network, decision),
    )


def _yardstick(foreign: ElsewhereFilms, network: Floats | None, decision: Decision) -> Yardstick:
    if network is None:
        return Yardstick()
    positive = are_positive(foreign.films, foreign.positive)
    outcomes = [FilmOutcome(float(logit)) for logit in network]
    films: Judged = judged(positive, [film.group for film in foreign.films], outcomes, decision)
    by = columns(foreign.root.resolve().name, foreign.attributes, None)
    return yardstick(films, foreign.attributes, decision.threshold, by)
