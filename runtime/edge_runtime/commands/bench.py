"""`edge-run bench`: cold start, latency, throughput and memory, beside its baselines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_runtime.answer.batch import processors
from edge_runtime.bench.measure import Plan, measure
from edge_runtime.commands import only_bundle, open_named, threads_of
from edge_runtime.console import say, write
from edge_runtime.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle

OPTIONS = (
    *("bundle=", "choose", "engine=", "films=", "forget", "format=", "quick", "rounds="),
    "threads=",
)
USAGE = """\
usage: edge-run bench [BUNDLE] [--rounds N] [--films DIR] [--quick] [--format F]
       edge-run bench [BUNDLE] --choose [--threads N] | --forget

Measure cold start, latency in a running process, throughput of a folder and
peak memory, each beside three scripts in the same run and in turn: the floor
(Python and Pillow decode and resize, no more) and the customary ones (numpy,
Pillow and LiteRT or ONNX Runtime). Films are drawn: PNG of 1024 x 1024 and JPEG
of 2000 x 2000 pixels. Beside that, each graph of the bundle by itself, in turn:
int8 and float, where it was exported with --int8 --recipe float32; processor
time of one thread (on Windows, time).

  --bundle B   the bundle, like BUNDLE
  --engine E   the engine that edge-run uses
  --rounds N   cold starts of each film, 31 unless told; more is steadier
  --films DIR  measure on the films of DIR instead: one, and the whole folder
  --quick      few rounds and films: figures to look at, not to keep
  --choose     time the engines that are here on the golden films instead, and
               remember the fastest for many films: classify takes it from 500
               films for each thread on, and measures by itself the first time
  --threads N  with --choose: for so many films at once
  --forget     forget what was chosen for the bundle
  --format F   table or json

Exit status: 0 measured, whatever the figures; 3 not a bundle, 6 no engine, or
nothing to choose from, 9 DIR holds no film that is answered, 10 cannot write.
"""
MOST_ROUNDS = 10_000


def run(paths: list[str], options: dict[str, str]) -> int:
    """Write what was measured."""
    form = options.get("format", "table")
    if form not in ("table", "json"):
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    plan, chosen = _plan(options), {"choose", "forget"}.intersection(options)
    _refuse_what_clashes(options, sorted(chosen))
    with open_named(only_bundle(paths, options), options) as bundle:
        if chosen:
            write(_chosen(bundle, options, form))
            return 0
        figures = measure(bundle, plan, say)
    write(json.dumps(figures, indent=2) + "\n" if form == "json" else table(figures))
    return 0


def _refuse_what_clashes(options: dict[str, str], chosen: list[str]) -> None:
    """Refuse what goes with no choice of an engine, and what goes with one alone."""
    if not chosen:
        if "threads" in options:
            raise UsageError("--threads", "is for --choose", "add --choose, or leave it out")
        return
    fit = {chosen[0], "bundle", "format", *(["threads"] if chosen[0] == "choose" else [])}
    if clash := sorted(options.keys() - fit):
        raise UsageError(f"--{clash[0]}", f"does not go with --{chosen[0]}", "leave it out")


def _chosen(bundle: Bundle, options: dict[str, str], form: str) -> str:
    """Choose the engine for many films, or forget the choice; return what is to be printed."""
    from edge_runtime.machine import many_films

    if "forget" in options:
        count = many_films.forget_all(bundle)
        document: dict[str, Any] = {"forgotten": count}
        words = f"forgotten: {count} choice(s) of an engine for many films"
    else:
        choice = many_films.choose(bundle, threads_of(options) or processors())
        document, words = choice.to_json(), f"engine for many films: {choice.words}"
    return json.dumps(document, indent=2) + "\n" if form == "json" else f"{words}\n"


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
        f"{context['bundle']} on {context['engine']}; {_processor(context)}; "
        f"Python {context['python']}, {software}",
        f"many films: {context['many_films']}",
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
    columns = {"p50 ms": "p50_ms", "p95 ms": "p95_ms"}
    graphs = {f"{file} ({row['engine']})": row for file, row in figures["graphs"].items()}
    lines += _rows("a graph alone, cpu; ratio: / float32", columns, graphs)
    lines += ["", "targets"]
    for target in figures["targets"]:
        limit = f"{target['relation']} {target['limit']:g}"
        verdict = "met" if target["met"] else "MISSED"
        lines.append(f"  {target['what']:<56}{target['figure']:>6.2f}  {limit:<8}{verdict}")
    lines += [f"not measured: {name} ({why})" for name, why in figures["not_measured"].items()]
    return "\n".join(lines) + "\n"


def _processor(context: dict[str, Any]) -> str:
    name = context["processor_name"] or "processor of no known name"
    features = " ".join(context["features"])
    return f"{name}, {context['processor']} ({features}), {context['cores']} core(s)"


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
