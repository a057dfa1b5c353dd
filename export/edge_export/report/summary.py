"""The parity matrix as text."""

from __future__ import annotations

from edge_export.proof.parity import ROWS, Comparison
from edge_export.proof.prove import Proof


def parity_table(proof: Proof, markdown: bool = False) -> str:
    """Return the parity matrix as text, a row for each artefact and set of rows."""
    header: tuple[str, ...] = (
        "artefact", "rows", "n", "accuracy", "sensitivity", "specificity", "AUC",
        "flips", "max dp", "mean dp", "MB", "ms",
    )  # fmt: skip
    lines = [header]
    for file, by_rows in proof.comparisons.items():
        for rows in ROWS:
            lines.append((file, rows, *_cells(by_rows[rows]), *_cost(proof, file)))
    if markdown:
        # A card names no latency: it is another one every time.
        lines = [line[:-1] for line in lines]
        header = lines[0]
        rule = tuple("---" for _ in header)
        return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *lines[1:])) + "\n"
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rendered = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "\n".join(rendered) + "\n"


def _cells(one: Comparison) -> tuple[str, ...]:
    metrics = one.metrics
    return (
        str(one.n),
        f"{metrics.accuracy.value:.3f}",
        f"{metrics.sensitivity.value:.3f}",
        f"{metrics.specificity.value:.3f}",
        f"{metrics.auc.value:.4f}",
        str(one.flips),
        f"{one.largest_difference:.4f}",
        f"{one.mean_difference:.5f}",
    )


def _cost(proof: Proof, file: str) -> tuple[str, str]:
    if file not in proof.sizes:
        return "-", "-"
    return f"{proof.sizes[file] / 1e6:.2f}", f"{proof.measured[file].milliseconds:.2f}"
