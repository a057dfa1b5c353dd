"""The summary of an archive's answers for the person who ordered them: JSON, and one HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_export.report.html import template
from edge_export.statistics.estimates import proportion
from edge_kit.files import json_bytes
from edge_kit.scoring.drift import ArchiveDrift, drift
from edge_kit.scoring.journal import Told
from edge_kit.scoring.manifest import FilmManifest
from edge_kit.scoring.summary import LEAST_FILMS, Group, Summary, summarise
from edge_runtime.bundle import open_bundle
from edge_runtime.output import write_together

JSON, HTML = "summary.json", "summary.html"
SCHEMA = 1
BARS = 20
"""Bars of the drawn distribution of scores."""


def write_summary(
    out: Path,
    manifest: FilmManifest,
    parts: Mapping[int, Told],
    bundle: str | None,
) -> None:
    """Write both files into `out`; of a bundle that is not named, no drift is told.

    Raises:
        DataError: a part is not what was written.
        CannotWrite: the disk does not take them.
    """
    summary = summarise(out, manifest, parts)
    moved = drift(summary.whole, bundle) if bundle else None
    content = document(summary, moved)
    modality = "xray"
    if bundle:
        with open_bundle(bundle) as opened:
            content["bundle"] = f"{opened.manifest.name}-{opened.manifest.version}"
            modality = opened.manifest.intended_use.modality
    content["rows_in_manifest"] = manifest.rows
    page = render(content, modality)
    write_together({out / JSON: json_bytes(content), out / HTML: page.encode()})


def document(summary: Summary, moved: ArchiveDrift | None) -> dict[str, Any]:
    """Return the summary as JSON: counts, and shares with their intervals and n."""
    films = summary.whole.films
    refusals = [
        {"reason": reason, **asdict(proportion(count, films)), "count": count}
        for reason, count in summary.refusals.most_common()
    ]
    return {
        "schema": SCHEMA,
        "bundle": None,
        "films": films,
        "whole": _told(summary.whole),
        "refusals": refusals,
        "sites": [{"name": name, **_told(group)} for name, group in summary.named_sites().items()],
        "months": [
            {"name": name, **_told(summary.months[name])} for name in sorted(summary.months)
        ],
        "scores": bars(summary.whole),
        "drift": moved and asdict(moved),
    }


def render(content: Mapping[str, Any], modality: str) -> str:
    """Return the page; it asks nothing of any network and runs no script."""
    scores = content["scores"]
    page = template("edge_kit.scoring", "summary.html.j2", modality)
    return page.render(content, most=max([1, *scores]), bars=BARS, least_films=LEAST_FILMS)


def bars(group: Group) -> list[int]:
    """Return how many answered films have a probability in each twentieth."""
    return [int(count) for count in group.scores.reshape(BARS, -1).sum(axis=1)]


def _told(group: Group) -> dict[str, Any]:
    shares = {name: value and asdict(value) for name, value in group.shares().items()}
    quartiles = [group.quantile(share) for share in (0.25, 0.5, 0.75)]
    counts = {name: group.statuses[name] for name in ("ok", "refused", "error")}
    return {"films": group.films, **counts, **shares, "quartiles": quartiles}
