"""The result of an export in lines for a terminal, the verdict first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_export.cautions import on_elsewhere
from edge_export.graph.artefact import Artefact
from edge_export.proof.findings import Findings
from edge_export.proof.parity import FILM_SETS, REFERENCE, Comparison
from edge_export.words import words

if TYPE_CHECKING:
    from edge_export.description import BundleDescription

_WORDS = {
    "pass": "PASS: the small graphs decide like the model",
    "fail": "FAIL: no bundle was written",
    "undecided": "UNDECIDED: too few films to tell",
}


def summary(findings: Findings, description: BundleDescription) -> str:
    """Return verdict, warnings, a line of figures for each graph, the matrix, and the caveat.

    What films from elsewhere say stands before all of it.
    """
    elsewhere, caveat = on_elsewhere(findings.caveat)
    lines = [*elsewhere, f"{description.name} {description.version}: {_WORDS[findings.answer]}"]
    passed = findings.answer == "pass"
    lines += [f"  {line}" for line in (_bounds(findings) if passed else _merged(findings.reasons))]
    lines += [f"  {disagreement}" for disagreement in findings.proof.located]
    cautions = [line for line in findings.cautions if line not in findings.reasons]
    lines += [f"  {line}" for line in (*_remedies(findings), *cautions, *findings.slower)]
    if findings.preparation:
        said = "".join(findings.reasons)
        lines += [f"  {line}" for line in findings.preparation.lines() if line not in said]
    lines += _film_checks(findings)
    tables = ["", *_graphs(findings), "", *_matrix(findings)]
    kept = description.name, description.negative, description.positive
    told = words(description.intended_use.modality, *kept)
    return told("\n".join([*lines, *tables, *caveat]) + "\n")


def _merged(reasons: Sequence[str]) -> list[str]:
    """Return reasons (`subject: reason`), with one line where several subjects share a reason."""
    subjects: dict[str, list[str]] = {}
    for line in reasons:
        subject, _, reason = line.partition(": ")
        subjects.setdefault(reason, []).append(subject)
    return [f"{', '.join(names)}: {reason}" for reason, names in subjects.items()]


def _remedies(findings: Findings) -> list[str]:
    """Return the remedy that was needed."""
    remedies = [attempt for attempt in findings.ladder[1:] if attempt.answer != "fail"]
    return [f"remedy: {attempt.step}, {attempt.changed}" for attempt in remedies]


def _bounds(findings: Findings) -> list[str]:
    """Return one line: the largest losses of any shipped graph."""
    losses = [findings.proof.evidence[file].losses for file in findings.shipped]
    words = []
    for name in losses[0]:
        dearest = max((graph_losses[name] for graph_losses in losses), key=lambda loss: loss.high)
        words.append(f"{100 * dearest.high:.1f} points of {name} (n {dearest.n})")
    margin = f"margin {100 * findings.budget.margin:g}"
    return [f"they lose at most {' and '.join(words)}, one-sided 95 %, {margin}"]


def _film_checks(findings: Findings) -> list[str]:
    """Return a line for each shipped graph: what its out-of-distribution check does to films."""
    film_checks, lines = findings.proof.film_checks, []
    for file in findings.shipped if film_checks else ():
        parity, keras = film_checks[file], film_checks[REFERENCE]
        lines.append(
            f"  {file}: the out-of-distribution check refuses {parity.refused} of {parity.n} films "
            f"(Keras {keras.refused}), {parity.changed} change sides, its logit by at most "
            f"{parity.largest_difference:.2g}"
        )
    return lines


def _graphs(findings: Findings) -> list[str]:
    """Return a row for each graph: what it costs, and what it loses on all held-out films."""
    header = (
        "graph", "MB", "ms", "of float", "verdict", "flips", "max dp", "AUC",
        "sensitivity lost", "specificity lost",
    )  # fmt: skip
    rows: list[tuple[str, ...]] = [header]
    keras = findings.proof.comparisons[REFERENCE]["both"].metrics
    rows.append((REFERENCE, "", "", "", "", "", "", f"{keras.auc.value:.4f}", "", ""))
    rows += [_graph(findings, artefact) for artefact in findings.artefacts]
    n = findings.proof.comparisons[REFERENCE]["both"].n
    star = "ordered" if findings.answer == "fail" else "in the bundle"
    notes = f"* {star}; losses in points, of {n} films, with one-sided 95 % bounds, margin "
    return [*aligned(rows), notes + f"{100 * findings.budget.margin:g}"]


def _graph(findings: Findings, artefact: Artefact) -> tuple[str, ...]:
    both = findings.proof.comparisons[artefact.file]["both"]
    evidence = findings.proof.evidence[artefact.file]
    timed, losses = findings.latencies[artefact.file], evidence.losses.values()
    return (
        artefact.file + (" *" if artefact.file in findings.shipped else ""),
        f"{len(artefact.graph) / 1e6:.2f}",
        f"{timed.milliseconds:.2f}",
        f"{timed.ratio.value:.2f}",
        evidence.verdict.answer,
        str(both.flips),
        f"{both.largest_difference:.4f}",
        f"{evidence.area.value:+.4f}",
        *(f"{100 * loss.value:+.1f} (<= {100 * loss.high:.1f})" for loss in losses),
    )


def _matrix(findings: Findings) -> list[str]:
    """Return each graph against each: flips below the diagonal, largest dp above it."""
    files = [REFERENCE, *(artefact.file for artefact in findings.artefacts)]
    numbers = [str(number) for number, _ in enumerate(files, 1)]
    rows: list[tuple[str, ...]] = [("", "flips \\ max dp", *numbers)]
    for place, file in enumerate(files):
        cells = []
        for column, other_file in enumerate(files):
            pair = (file, other_file) if place < column else (other_file, file)
            if place == column:
                cells.append("-")
            elif place < column:
                cells.append(f"{findings.proof.matrix[pair].largest_difference:.4f}")
            else:
                cells.append(str(findings.proof.matrix[pair].flips))
        rows.append((numbers[place], file, *cells))
    return aligned(rows)


def parity_table(findings: Findings) -> str:
    """Return the figures of each graph beside Keras's, by film set, in Markdown for the card."""
    header = (
        "artefact", "rows", "n", "accuracy", "sensitivity", "specificity", "AUC",
        "flips", "max dp", "mean dp", "MB",
    )  # fmt: skip
    sizes = {artefact.file: f"{len(artefact.graph) / 1e6:.2f}" for artefact in findings.artefacts}
    lines: list[tuple[str, ...]] = [header, tuple("---" for _ in header)]
    for file, by_set in findings.proof.comparisons.items():
        for film_set in FILM_SETS:
            lines.append((file, film_set, *_cells(by_set[film_set]), sizes.get(file, "-")))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cells(comparison: Comparison) -> tuple[str, ...]:
    metrics = comparison.metrics
    return (
        str(comparison.n),
        f"{metrics.accuracy.value:.3f}",
        f"{metrics.sensitivity.value:.3f}",
        f"{metrics.specificity.value:.3f}",
        f"{metrics.auc.value:.4f}",
        str(comparison.flips),
        f"{comparison.largest_difference:.4f}",
        f"{comparison.mean_difference:.5f}",
    )


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each row, its cells in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
