"""What a bundle holds of itself, as each of the documents tells it; and how a blank is marked.

Nothing is said here that the bundle does not hold: what nobody measured is a blank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edge_export.report.card import CARD, limits_of
from edge_export.words import Words, words
from edge_kit.evaluation.papers import papers_of
from edge_runtime.bundle import Bundle
from edge_runtime.bundle.info import use_in_words
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.bundle.provenance import Provenance, read_provenance
from edge_runtime.text import printable

NOT_A_DEVICE = (
    "Research use; not a medical device. Nobody may be diagnosed, treated or turned away by its "
    "answer."
)
PROVED = {
    "pass": "Proved: its graphs lose less sensitivity and specificity against the float model than "
    "the margin.",
    "undecided": "Undecided: too few films to prove that its graphs decide like the float model.",
}
_SHARES = ("accuracy", "sensitivity", "specificity")


def blank(what: str) -> str:
    """Return the mark for what somebody has to write, as the bundle does not hold it."""
    return f"TO BE FILLED IN: {what}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure with its 95 % interval, on `n` films of a split, of one graph."""

    name: str
    value: float
    low: float
    high: float
    n: int
    graph: str
    split: str

    @property
    def is_share(self) -> bool:
        """Whether it is a share of films, which an AUC is not."""
        return self.name in _SHARES

    def __str__(self) -> str:
        """Return it as all our reports write it."""
        return f"{self.name} {self.value:.3f} ({self.low:.3f} to {self.high:.3f}, n {self.n})"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a graph loses against the float model, as a share, its one-sided 95 % bound, a margin.

    On `n` held-out films of the class that the figure `name` counts.
    """

    name: str
    value: float
    bound: float
    margin: float
    n: int
    graph: str

    def __str__(self) -> str:
        """Return it in points of a hundred."""
        return (
            f"{self.graph}: {self.name} loses {100 * self.value:.1f} points, at most "
            f"{100 * self.bound:.1f} (one-sided 95 %, n {self.n}), margin {100 * self.margin:.1f}"
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the bundle `manifest` and its papers hold.

    `figures` are those on the test films, `losses` what the graphs lose against the float model;
    `cautions` what has to be said before any figure; `limits` what the maker stated of
    the data, as Markdown.
    """

    manifest: Manifest
    identity: str
    noted: Provenance | None
    figures: tuple[Figure, ...]
    losses: tuple[Loss, ...]
    cautions: tuple[str, ...]
    splits: Mapping[str, Mapping[str, int]]
    limits: str
    told: Words

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.manifest.name} {self.manifest.version}"

    @property
    def use(self) -> str:
        """The intended use, in words."""
        return use_in_words(self.manifest.intended_use)

    @property
    def classes(self) -> tuple[str, str]:
        """The negative and the positive class."""
        return self.manifest.classes.negative, self.manifest.classes.positive

    @property
    def proof(self) -> str:
        """What was proved, in a sentence."""
        if self.manifest.site and self.manifest.verdict == "undecided":
            return "Undecided: fitted again at a site, where nothing was proved at this threshold."
        return PROVED[self.manifest.verdict]

    @property
    def packages(self) -> dict[str, str]:
        """The versions of all libraries that are recorded, by name."""
        return {**self.manifest.tools, **(self.noted.packages if self.noted else {})}

    def counts(self, split: str) -> str:
        """Return how many films of each class a split had, or a blank."""
        counted = self.splits.get(split, {})
        if not counted:
            return blank(f"films of the {split} split")
        return ", ".join(f"{number} {name}" for name, number in counted.items())


def facts_of(bundle: Bundle) -> Facts:
    """Return what `bundle` holds for the documents.

    Raises:
        NotABundle: what made it is not as an exporter notes it.
        IntegrityError: one of its files is not as it was written.
    """
    manifest, papers = bundle.manifest, papers_of(bundle)
    card = bytes(bundle.read(CARD)).decode("utf-8", "replace") if CARD in manifest.files else ""
    shipped = [graph.file for graph in manifest.graphs]
    return Facts(
        manifest=manifest,
        identity=bundle.identity,
        noted=read_provenance(bundle),
        figures=tuple(_figures(papers, shipped)),
        losses=tuple(_losses(papers, shipped)),
        cautions=(
            *_of_site(manifest, papers),
            *_lines(papers, "warnings"),
            *_lines(papers, "caveat"),
        ),
        splits=_splits(papers),
        limits=limits_of(card),
        told=words(manifest.intended_use.modality, manifest.name, *_classes(manifest)),
    )


def _classes(manifest: Manifest) -> tuple[str, str]:
    return manifest.classes.negative, manifest.classes.positive


def _of_site(manifest: Manifest, papers: Mapping[str, Any]) -> list[str]:
    """Return what has to be said where a site fitted the decision again, first."""
    if manifest.site is None:
        return []
    told = papers.get("site")
    line = "A site fitted the decision again: the figures here are of the bundle before."
    return [line, *(_lines(told, "warnings") if isinstance(told, dict) else [])]


def _lines(papers: Mapping[str, Any], key: str) -> list[str]:
    """Return the sentences that papers hold at `key`, each fit for a page."""
    told = papers.get(key)
    return (
        [printable(line) for line in told if isinstance(line, str)]
        if isinstance(told, list)
        else []
    )


def _figures(papers: Mapping[str, Any], shipped: Sequence[str]) -> list[Figure]:
    """Return the figures of each shipped graph on the test films, as far as papers have them."""
    figures = []
    for file in shipped:
        for name in (*_SHARES, "auc"):
            with suppress(LookupError, TypeError, ValueError):
                told = papers["artefacts"][file]["rows"]["test"]["metrics"][name]
                figures.append(
                    Figure(
                        name="AUC" if name == "auc" else name,
                        value=float(told["value"]),
                        low=float(told["low"]),
                        high=float(told["high"]),
                        n=int(told["n"]),
                        graph=file,
                        split="test",
                    )
                )
    return figures


def _losses(papers: Mapping[str, Any], shipped: Sequence[str]) -> list[Loss]:
    """Return what each shipped graph loses against the float model, as far as papers have it."""
    losses = []
    for file in shipped:
        for name in ("sensitivity", "specificity"):
            with suppress(LookupError, TypeError, ValueError):
                told = papers["artefacts"][file]["losses"][name]
                numbers = float(told["value"]), float(told["high"])
                margin = float(papers["verdict"]["margin"])
                losses.append(Loss(name, *numbers, margin, int(told["n"]), file))
    return losses


def _splits(papers: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return how many films of each class each split had, as far as the papers have it."""
    with suppress(LookupError, TypeError, ValueError, AttributeError):
        return {
            str(split): {str(name): int(number) for name, number in counted.items()}
            for split, counted in papers["splits"].items()
        }
    return {}
