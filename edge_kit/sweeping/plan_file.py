"""PLAN.toml: read strictly, and each mistake said in a line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, NoReturn

from edge_export.quantize.calibrate import CalibrationFault
from edge_export.quantize.ranges import METHODS
from edge_export.quantize.recipe import RECIPES
from edge_kit.models.registry import architecture
from edge_kit.sweeping.plan import MOST_TRIALS, Halving, SweepPlan
from edge_runtime.errors import UsageError

Check = Callable[[Any], Any]


def read_plan(path: Path) -> SweepPlan:
    """Return the plan in the file `path`; folders and files in it are relative to its own folder.

    Raises:
        UsageError: it cannot be read, is no plan, or asks for what there is not.
    """
    try:
        content = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise UsageError(path, problem, "name a PLAN.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(path, f"is not TOML ({error})", "see docs/sweep.md") from error
    known = {field.name for field in fields(SweepPlan)}
    if unknown := sorted(content.keys() - known):
        _refuse(path, f"has an unknown key, {unknown[0]!r}", f"known are {', '.join(_CHECKS)}")
    values = {name: _checked(path, name, content[name], _CHECKS[name]) for name in content}
    for field in fields(SweepPlan):
        if field.default is MISSING and field.name not in values:
            _refuse(path, f"has no {field.name!r}", f"add {field.name} = [...]")
    return _sound(path, SweepPlan(**_placed(path, values)))


def _placed(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with the paths in them as seen from the plan's folder."""
    here = path.resolve().parent
    models = [
        str(here / model) if model.rpartition(":")[0].endswith(".py") else model
        for model in values["models"]
    ]
    folders = tuple(str((here / folder).resolve()) for folder in values["data"])
    return {**values, "models": tuple(models), "data": folders}


def _sound(path: Path, plan: SweepPlan) -> SweepPlan:
    """Return the plan, whose values fit each other.

    Raises:
        UsageError: they do not.
    """
    for folder in plan.data:
        if not Path(folder).is_dir():
            _refuse(path, f"data: there is no folder {folder}", "name a folder of films")
    for model in plan.models:
        try:
            architecture(model)
        except UsageError as error:
            _refuse(path, f"models: {error.subject} {error.problem}", error.cure)
    count, words = plan.trial_count()
    if count > MOST_TRIALS:
        problem = f"asks for {count} trials ({words}), at most {MOST_TRIALS} are taken"
        _refuse(path, problem, "shorten a list, or make several plans of it")
    if plan.early_stopping and len(plan.models) == 1:
        problem = "early_stopping compares networks with each other, and there is one"
        _refuse(path, problem, "name more models, or leave it out")
    return plan


def _checked(path: Path, name: str, value: Any, check: Check) -> Any:
    try:
        return check(value)
    except ValueError as error:
        return _refuse(path, f"{name}: {error}", "see docs/sweep.md")


def _refuse(path: Path, problem: str, cure: str) -> NoReturn:
    raise UsageError(path, problem, cure)


def _whole(low: int, high: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise ValueError(f"{_shown(value)} is not a whole number from {low} to {high}")

    return check


def _number(low: float, high: float, *, ends: bool = False) -> Check:
    def check(value: Any) -> float:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if plain and (low < value < high or (ends and value in (low, high))):
            return float(value)
        words = f"from {low:g} to {high:g}" if ends else f"above {low:g} and below {high:g}"
        raise ValueError(f"{_shown(value)} is not a number {words}")

    return check


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{_shown(value)} is neither true nor false")


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"{_shown(value)} is not a name")


def _among(names: tuple[str, ...]) -> Check:
    def check(value: Any) -> str:
        if value in names:
            return str(value)
        raise ValueError(f"{_shown(value)} is not one of {', '.join(names)}")

    return check


def _list(check: Check, *, alone: bool = False, may_be_empty: bool = False) -> Check:
    """Return what checks a list whose entries are different; `alone` takes one entry for a list."""

    def checked(value: Any) -> tuple[Any, ...]:
        entries = [value] if alone and isinstance(value, str) else value
        if not isinstance(entries, list):
            raise ValueError(f"{_shown(value)} is not a list")
        if not (entries or may_be_empty):
            raise ValueError("the list is empty, and nothing would be tried")
        found = tuple(check(entry) for entry in entries)
        for entry in found:
            if found.count(entry) > 1:
                raise ValueError(f"{_shown(entry)} is there twice")
        return found

    return checked


def _halving(value: Any) -> Halving:
    if not isinstance(value, dict):
        raise ValueError(f"{_shown(value)} is not a table, [early_stopping]")
    checks = {"reduction_factor": _whole(2, 10), "grace_epochs": _whole(1, 10_000)}
    if unknown := sorted(value.keys() - checks):
        raise ValueError(f"unknown key {unknown[0]!r}, known are {', '.join(checks)}")
    return Halving(**{name: _named(name, value[name], checks[name]) for name in value})


def _named(name: str, value: Any, check: Check) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_CHECKS: dict[str, Check] = {
    "data": _list(_text, alone=True),
    "models": _list(_text),
    "folds": _whole(2, 20),
    "seeds": _list(_whole(0, 2**32 - 1)),
    "recipes": _list(_among(tuple(RECIPES))),
    "calibration_methods": _list(_among(METHODS)),
    "specificity": _number(0, 1),
    "epochs": _whole(1, 10_000),
    "batch_size": _whole(1, 100_000),
    "learning_rate": _number(0, 1),
    "side": _whole(64, 1024),
    "film_gate": _flag,
    "calibration_films": _whole(1, 100_000),
    "allow_calibration": _list(_among(tuple(CalibrationFault)), may_be_empty=True),
    "modality": _among(("xray", "ct", "other")),
    "positive": _text,
    "negative": _text,
    "split_seed": _whole(0, 2**32 - 1),
    "latency": _flag,
    "cpus": _whole(1, 1024),
    "gpus": _number(0, 64, ends=True),
    "retries": _whole(0, 20),
    "early_stopping": _halving,
}
