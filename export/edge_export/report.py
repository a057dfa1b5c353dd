"""What was measured: a table for the terminal, JSON for the bundle and for the file beside it."""

from __future__ import annotations

import datetime
import json
import shlex
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.parity import ROWS, Comparison
from edge_export.prove import Proof
from edge_runtime.errors import CannotWrite

if TYPE_CHECKING:
    from edge_export.facts import BundleFacts


def report_path(out: Path) -> Path:
    """Return the path of the report beside the bundle `out`: `NAME.report.json`."""
    return out.with_name(out.stem + ".report.json")


def parity_json(proof: Proof) -> dict[str, Any]:
    """Return the measurements that do not change from run to run, to six digits."""
    return {
        "decision": proof.decision.to_json(),
        "artefacts": {
            file: {
                "bytes": proof.sizes.get(file),
                "rows": {rows: _rounded(asdict(one)) for rows, one in by_rows.items()},
            }
            for file, by_rows in proof.comparisons.items()
        },
    }


def write_report(out: Path, proof: Proof, facts: BundleFacts) -> None:
    """Write the report beside the bundle `out`: parity, and all that changes from run to run.

    Raises:
        CannotWrite: the disk refused.
    """
    path = report_path(out)
    now = datetime.datetime.now(datetime.UTC)
    content = {
        "bundle": str(out),
        "name": facts.name,
        "version": facts.version,
        "written": now.isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "verdict": "fail" if proof.failures else "pass",
        "failures": list(proof.failures),
        "milliseconds": {file: round(one.milliseconds, 3) for file, one in proof.measured.items()},
        "engines": {file: one.engine for file, one in proof.measured.items()},
        "parity": parity_json(proof),
        "losses": {
            file: {name: asdict(loss) for name, loss in by_name.items()}
            for file, by_name in proof.losses.items()
        },
    }
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        problem = error.strerror or str(error)
        raise CannotWrite(path, problem, "choose a folder that you may write to") from error


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


def _rounded(value: Any) -> Any:
    """Keep six significant digits: what remains is the same from run to run."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return value
