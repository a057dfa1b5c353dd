"""What all records in a folder have in common: the plan, the code of networks, and the films."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_kit.files import json_bytes
from edge_kit.sweeping.plan import SweepPlan
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError, UsageError
from edge_runtime.output import write_whole

BINDING = "plan.json"
SCHEMA = 1


def read_binding(out: Path) -> tuple[SweepPlan, str]:
    """Return the plan that `out` was begun with, and the digest of its films.

    Raises:
        DataError: there is none.
    """
    plan, films, _ = _read(out / BINDING)
    return plan, films


def begun(out: Path) -> bool:
    """Tell whether a sweep was begun in `out`."""
    return (out / BINDING).exists()


def require_same(out: Path, plan: SweepPlan) -> None:
    """Refuse another plan than that which `out` was begun with, but for how often it retries.

    Raises:
        UsageError: it differs.
        DataError: the file is not what a sweep writes.
    """
    before, _, code = _read(out / BINDING)
    old, new = before.to_json(), plan.to_json()
    differ = [name for name in new if old[name] != new[name] and name != "retries"]
    differ += ["the code of a network"] if code != _code(plan) else []
    if differ:
        problem = f"was begun by another plan (other: {', '.join(differ)})"
        raise UsageError(out, problem, "give the plan that it was begun with, or another --out")


def bind(out: Path, plan: SweepPlan, films: str) -> None:
    """Write what `out` is bound to, or hold it against what is there; retries may be others.

    Raises:
        DataError: the films are others.
        CannotWrite: the disk does not take it.
    """
    path = out / BINDING
    if begun(out):
        before, known, _ = _read(path)
        if known != films:
            problem = "holds other films than the sweep was begun with"
            raise DataError(plan.folders, problem, "bring them back, or name another --out")
        plan = replace(before, retries=plan.retries)
    content = {"sweep": SCHEMA, "plan": plan.to_json(), "films": films, "code": _code(plan)}
    write_whole(path, json_bytes(content))


def _code(plan: SweepPlan) -> dict[str, str]:
    """Return the digest of the file of each network that has one."""
    files = {model.rpartition(":")[0] for model in plan.models}
    return {name: sha256(Path(name).read_bytes()) for name in sorted(files) if name[-3:] == ".py"}


def _read(path: Path) -> tuple[SweepPlan, str, dict[str, Any]]:
    try:
        content = json.loads(path.read_bytes())
        if content["sweep"] != SCHEMA:
            raise ValueError("another schema")
        plan = SweepPlan.from_json(content["plan"])
        return plan, str(content["films"]), dict(content["code"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(path, "is no plan of a sweep", "name the folder of a sweep") from error
