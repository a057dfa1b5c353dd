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

from edge_export.proof.prove import Proof
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


def _rounded(value: Any) -> Any:
    """Keep six significant digits: what remains is the same from run to run."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return value
