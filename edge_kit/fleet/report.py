"""The report on a fleet: one HTML file that asks nothing of any network, or JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge_export.report.html import template
from edge_export.report.plots import BLUE, ORANGE, Plot, canvas, drawn, house_style, legend
from edge_export.statistics.drift import MARK
from edge_kit.evaluation.score_reference import LEAST_ANSWERS
from edge_kit.fleet.drift import RECENT, recent, summed
from edge_kit.fleet.problems import KINDS, LEAST_FREE
from edge_runtime.fleet.records import BINS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_export.statistics.estimates import Estimate
    from edge_kit.fleet.judging import BoxStanding, Fleet

SCHEMA = 1
MOST_SHOWN = 200
"""Files, and keys, that the page names; all of them are in the JSON."""


def document(fleet: Fleet) -> dict[str, Any]:
    """Return all that is known of a fleet as JSON."""
    by, reading = fleet.judged_by, fleet.reading
    return {
        "schema": SCHEMA,
        "written": f"{by.now:%FT%TZ}",
        "is_well": fleet.is_well,
        "keys": "list" if by.known is not None else "first use",
        "silent_after_days": by.silent_after,
        "require_signature": by.require_signature,
        "references": {name: one.words for name, one in sorted(by.references.items())},
        "files": reading.files,
        "copies": reading.copies,
        "problems": problem_counts(fleet),
        "groups": groups(fleet.boxes),
        "boxes": [_box(box) for box in fleet.boxes],
        "rejected": [{"file": file, "problem": why} for file, why in reading.rejected],
        "unknown_keys": [
            {"box": box, "key": key, "receipts": count} for box, key, count in fleet.unknown
        ],
    }


def render(fleet: Fleet) -> str:
    """Return the report as HTML, the same text for the same fleet at the same time."""
    by = fleet.judged_by
    with house_style():
        plots = _plots(fleet)
    return template("edge_kit.fleet", "report.html.j2").render(
        fleet=fleet,
        by=by,
        counts={KINDS[kind]: count for kind, count in problem_counts(fleet).items()},
        groups=groups(fleet.boxes),
        rows=[_box(box) for box in fleet.boxes],
        plots=plots,
        most=MOST_SHOWN,
        months=RECENT,
        mark=MARK,
        least_answers=LEAST_ANSWERS,
        least_free=LEAST_FREE,
        kinds=KINDS,
    )


def problem_counts(fleet: Fleet) -> dict[str, int]:
    """Return how many boxes have a problem of each kind, the gravest first."""
    found = Counter(kind for box in fleet.boxes for kind in box.kinds)
    return {kind: found[kind] for kind in KINDS if found[kind]}


def groups(boxes: Sequence[BoxStanding]) -> list[dict[str, Any]]:
    """Return how many boxes run which bundle on which processor by which engine.

    `largest` is the largest difference of a golden film's logit in the group.
    """
    rows: dict[tuple[str, ...], list[BoxStanding]] = {}
    for box in boxes:
        told = _box(box)
        keys = ("bundle", "identity", "signed", "processor", "engine")
        if box.receipt is not None:
            rows.setdefault(tuple(str(told[key] or "") for key in keys), []).append(box)
    listed = []
    for (bundle, identity, signed, processor, engine), members in rows.items():
        largest = [value for box in members if (value := _largest(box)) is not None]
        listed.append(
            {
                "bundle": bundle, "identity": identity, "signed": signed, "processor": processor,
                "engine": engine, "boxes": len(members), "largest": max(largest, default=None),
            }
        )  # fmt: skip
    return sorted(listed, key=lambda row: (-row["boxes"], *map(str, row.values())))


def _box(box: BoxStanding) -> dict[str, Any]:
    receipt = box.receipt
    row: dict[str, Any] = {
        "box": box.box, "title": box.title, "key": box.key, "receipts": box.receipts,
        "heard": f"{box.heard:%FT%TZ}" if box.heard else None,
        "problems": [asdict(problem) for problem in box.problems],
        "refused": _estimate(box.refused), "index": _estimate(box.index),
        "reference": box.reference, "largest": _largest(box), **_NO_RECEIPT,
    }  # fmt: skip
    if receipt is None:
        return row
    engine, bundle = receipt.check_result.engine, receipt.bundle
    row |= {
        "counter": receipt.counter,
        "processor": f"{receipt.processor} ({receipt.architecture})",
        "runtime": receipt.health.edge_runtime,
        "disk_free": receipt.health.disk_free,
        "uptime": receipt.health.uptime,
        "bundle_written": receipt.health.bundle_written,
        "trails": [
            {"first": trail.first, "head": f"{trail.counter}:{trail.digest}"}
            for trail in receipt.trails
        ],
    }
    if engine:
        row |= {"engine": f"{engine.engine} {engine.version or ''}".strip()}
        row |= {"graph": engine.graph, "tolerance": engine.tolerance}
    if bundle:
        row |= {"bundle": f"{bundle.name} {bundle.version}", "identity": bundle.identity}
        row |= {"signed": ", ".join(bundle.signed_by)}
    return row


_NO_RECEIPT = dict.fromkeys(
    ("counter", "processor", "runtime", "disk_free", "uptime", "bundle_written", "trails",
     "engine", "graph", "tolerance", "bundle", "identity", "signed")
)  # fmt: skip


def _largest(box: BoxStanding) -> float | None:
    engine = box.receipt.check_result.engine if box.receipt else None
    return engine.largest if engine else None


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else asdict(estimate)


def _plots(fleet: Fleet) -> list[Plot]:
    """Return the scores of the fleet beside those of each proof that was given."""
    return [
        plot
        for identity, reference in sorted(fleet.judged_by.references.items())
        if (plot := _scores(fleet, identity, reference.counts, reference.edges)) is not None
    ]


def _scores(fleet: Fleet, identity: str, proof: Sequence[int], edges: Sequence[int]) -> Plot | None:
    rows = [
        row
        for box in fleet.boxes
        if box.receipt and box.receipt.bundle and box.receipt.bundle.identity == identity
        for row in recent(box.receipt)
    ]
    scores = summed(rows)
    total = sum(scores)
    if not total:
        return None
    ends = [*edges[1:], BINS]
    joined = [sum(scores[a:b]) for a, b in zip(edges, ends, strict=True)]
    figure, axes = canvas(6.6, 2.8)
    steps = [edge / BINS for edge in (*edges, BINS)]
    shares = [count / sum(proof) for count in proof]
    axes.stairs([count / total for count in joined], steps, fill=True, color=BLUE, alpha=0.35,
                label=f"{total} answers of the fleet")  # fmt: skip
    axes.stairs(
        shares, steps, color=ORANGE, linewidth=1.6, label=f"{sum(proof)} films of the proof"
    )
    axes.set(xlabel="probability", ylabel="share", xlim=(0, 1))
    legend(figure)
    alt = f"Shares of probabilities: {total} answers of the fleet, {sum(proof)} of the proof."
    return drawn(figure, f"Scores of bundle {identity[:12]}", alt)
