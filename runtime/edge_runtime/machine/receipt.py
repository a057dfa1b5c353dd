"""The receipt of a check: what was proved of which bundle, on what kind of machine, and when.

Canonical JSON, as the manifest is, and bound to its content like it: `sha256` is the digest of the
canonical document without that key. Nothing in it says whose machine it was, or whose films.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import Manifest, canonical
from edge_runtime.errors import EdgeError, IntegrityError, NoEngine
from edge_runtime.machine import computer
from edge_runtime.machine.check import Replay

if TYPE_CHECKING:
    from datetime import datetime

VERSION = 1


@dataclass(slots=True)
class CheckResult:
    """What a check has found so far: `whole` once every byte was as its maker wrote it.

    `replays` are of the engines that answered, `without` of those that did not: engine -> why.
    """

    manifest: Manifest | None = None
    whole: bool = False
    replays: list[Replay] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    problem: EdgeError | None = None


def receipt(outcome: CheckResult, now: datetime | None = None) -> bytes:
    """Return the receipt of a check that ended as `outcome`, at `now` or at this moment."""
    time, sane = computer.clock(now)
    manifest, problem = outcome.manifest, outcome.problem
    document = {
        "receipt": VERSION,
        "result": "failed" if problem else "passed",
        "status": problem.exit_status if problem else 0,
        "problem": _problem(problem) if problem else None,
        "bundle": _bundle(manifest) if manifest else None,
        "every_byte_as_written": outcome.whole,
        "engines": [*map(_engine, outcome.replays), *_absent(outcome.without)],
        "software": {
            "edge-runtime": computer.installed("edge-runtime"),
            "pillow": computer.installed("pillow"),
        },
        "processor": {"architecture": computer.architecture(), "features": computer.features()},
        "clock": {"time": time, "plausible": sane},
    }
    return canonical({**document, "sha256": sha256(canonical(document))})


def opened(data: bytes, subject: str) -> dict[str, Any]:
    """Return the receipt in `data` as the document it was written from.

    Raises:
        IntegrityError: it is no receipt, or not the one that was written.
    """
    try:
        document = json.loads(str(data, "ascii"))
        digest = document.pop("sha256")
        whole = digest == sha256(canonical(document))
        whole = whole and data == canonical({**document, "sha256": digest})
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        whole = False
    if not whole:
        raise IntegrityError(subject, "is not a receipt as it was written", "check once more")
    return dict(document)


def _problem(error: EdgeError) -> str:
    """Return what went wrong without a path of this machine, which may name its user."""
    return "no engine can run it" if isinstance(error, NoEngine) else error.problem


def _bundle(manifest: Manifest) -> dict[str, str]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "identity": manifest.identity,
        "verdict": manifest.verdict,
    }


def _engine(replay: Replay) -> dict[str, Any]:
    passed = replay.largest <= replay.tolerance
    return {
        "engine": replay.engine,
        "version": computer.installed(computer.DISTRIBUTIONS[replay.engine]),
        "result": "passed" if passed else "failed",
        "graph": replay.graph,
        "tolerance": replay.tolerance,
        "largest_difference": _number(replay.largest),
        "films": [
            {
                "film": film.film,
                "expected": _numbers(film.expected),
                "answered": _numbers(film.actual),
                "difference": _number(film.difference),
            }
            for film in replay.comparisons
        ],
    }


def _absent(without: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "engine": engine,
            "version": computer.installed(computer.DISTRIBUTIONS[engine]),
            "result": why,
        }
        for engine, why in without.items()
    ]


def _numbers(logits: Sequence[float]) -> list[float | None]:
    return [_number(logit) for logit in logits]


def _number(value: float) -> float | None:
    """Return `value`, or nothing where JSON has no word for it."""
    return value if math.isfinite(value) else None
