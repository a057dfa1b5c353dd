"""`edge-run bench`: cold start, latency, throughput and memory, beside its baselines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_runtime.bench.measure import Plan, measure
from edge_runtime.commands import only_bundle, open_named
from edge_runtime.console import say, write
from edge_runtime.errors import UsageError

OPTIONS = ("bundle=", "engine=", "films=", "format=", "quick", "rounds=")
USAGE = """\
usage: edge-run bench [BUNDLE] [--rounds N] [--films DIR] [--quick] [--format F]

Measure cold start, latency in a running process, throughput of a folder and
peak memory, each beside three scripts in the same run and in turn: the floor
(Python and Pillow decode and resize, no more) and the customary ones (numpy,
Pillow and LiteRT or ONNX Runtime). Films are drawn: PNG of 1024 x 1024 and JPEG
of 2000 x 2000 pixels.

  --bundle B   the bundle, like BUNDLE
  --engine E   the engine that edge-run uses
  --rounds N   cold starts of each film, 31 unless told; more is steadier
  --films DIR  measure on the films of DIR instead: one, and the whole folder
  --quick      few rounds and films: figures to look at, not to keep
  --format F   table or json

Exit status: 0 measured, whatever the figures; 3 not a bundle, 6 no engine,
9 DIR holds no film that is answered.
"""
MOST_ROUNDS = 10_000


def run(paths: list[str], options: dict[str, str]) -> int:
    """Write what was measured."""
    form = options.get("format", "table")
    if form not in ("table", "json"):
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    plan = _plan(options)
    with open_named(only_bundle(paths, options)) as bundle:
        figures = measure(bundle, plan, say)
    write(json.dumps(figures, indent=2) + "\n" if form == "json" else table(figures))
    return 0


def _plan(options: dict[str, str]) -> Plan:
    plan = Plan(engine=options.get("engine", "auto"))
    if "quick" in options:
        plan = replace(plan, rounds=5, laps=15, folder_rounds=1, copies=8)
    if "rounds" in options:
        text = options["rounds"]
        if not text.isdecimal() or not 1 <= int(text) <= MOST_ROUNDS:
            raise UsageError("--rounds", f"{text!r} is no number of rounds", f"1 to {MOST_ROUNDS}")
        plan = replace(plan, rounds=int(text))
    if "films" in options:
        films = Path(options["films"])
        if not films.is_dir():
            raise UsageError("--films", f"{films} is no folder", "name a folder of films")
        plan = replace(plan, films=films)
    return plan


def table(figures: dict[str, Any]) -> str:
    """Return what was measured as tables for people."""
    context = figures["context"]
    software = ", ".join(f"{name} {ours}" for name, ours in context["software"].items() if ours)
    lines = [
        f"{context['bundle']} on {context['engine']}; {context['processor']} "
        f"({' '.join(context['features'])}), {context['cores']} core(s); "
        f"Python {context['python']}, {software}",
        "ratio: edge-run / this, median over the rounds (the middle half of them)",
    ]
    for film in figures["cold_start"]:
        columns = {"wall ms": "wall_ms", "cpu ms": "cpu_ms", "peak MiB": "peak_mib"}
        lines += _rows(f"cold start, {film['film']}", columns, film["figures"])
    for film in figures["warm"]:
        columns = {"p50 ms": "p50_ms", "p95 ms": "p95_ms"}
        columns |= {"engine p50": "engine_p50_ms", "engine p95": "engine_p95_ms"}
        lines += _rows(f"already running, {film['film']}", columns, film["figures"])
    for folder in figures["throughput"]:
        title = f"{folder['count']} films, {folder['films']}, {folder['threads']} thread(s)"
        columns = {"films/s": "films_per_second", "peak MiB": "peak_mib"}
        lines += _rows(title, columns, folder["figures"])
    lines += ["", "targets"]
    for target in figures["targets"]:
        limit = f"{target['relation']} {target['limit']:g}"
        verdict = "met" if target["met"] else "MISSED"
        lines.append(f"  {target['what']:<56}{target['figure']:>6.2f}  {limit:<8}{verdict}")
    lines += [f"not measured: {name} ({why})" for name, why in figures["not_measured"].items()]
    return "\n".join(lines) + "\n"


def _rows(title: str, columns: dict[str, str], figures: dict[str, Any]) -> list[str]:
    lines = ["", f"{title:<38}" + "".join(f"{column:>11}" for column in columns) + "   ratio"]
    for name, row in figures.items():
        cells = "".join(f"{_number(row[key]):>11}" for key in columns.values())
        told = ""
        if ratio := row.get("ratio"):
            middle = f"{ratio['low']:.2f} to {ratio['high']:.2f}"
            told = f"{ratio['median']:.2f} ({middle}, n {ratio['n']})"
        lines.append(f"  {name:<36}{cells}   {told}".rstrip())
    return lines


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1f}"
