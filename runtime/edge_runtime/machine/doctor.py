"""What this machine lacks to classify films, and what would cure it.

What may crash, an engine on a processor it was not built for, is tried in a process of its own.
"""

from __future__ import annotations

import importlib.util
import json
import locale
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import edge_runtime
from edge_runtime import cures
from edge_runtime.answer.batch import processors
from edge_runtime.bundle.defaults import DefaultBundle, adding, data_folder, default_bundle
from edge_runtime.cures import installing
from edge_runtime.engines import ENGINES
from edge_runtime.engines.processor import is_x86
from edge_runtime.errors import NoEngine, UsageError
from edge_runtime.isolation import child
from edge_runtime.machine import computer
from edge_runtime.machine.finding import MISSING, OK, PROBLEM, Finding
from edge_runtime.memory.machine import memory, memory_limit

LEAST_MEMORY = 128 << 20
"""Bytes that a film of 4000 x 4000 pixels in 16 bits takes to classify."""
LEAST_DISK = 64 << 20
SECONDS = 60
"""Seconds after which an engine counts as not answering."""
_MIB = 1 << 20
_OFFLINE = "without a network add to pip install: --no-index --find-links FOLDER_OF_WHEELS\n"


def examine(bundle: str | None = None) -> list[Finding]:
    """Return what was found, in the order it is shown; `bundle` takes the default one's place."""
    return [
        _processor(),
        _memory(),
        _python(),
        _bytecode(),
        _pillow(),
        *_engines(),
        _dicom(),
        *_bundle(bundle),
        _folder(),
        _disk(),
        _clock(),
        _encoding(),
        *_proc(),
    ]


def status(findings: Sequence[Finding]) -> int:
    """Return 0 where a film could be classified now, else the status that says what is lacking."""
    wanting = lacking(findings)
    if {"Pillow", "engine"}.intersection(wanting):
        return NoEngine.exit_status
    (exit_status,) = (finding.facts["status"] for finding in findings if finding.name == "bundle")
    return exit_status if isinstance(exit_status, int) else 1


def lacking(findings: Sequence[Finding]) -> list[str]:
    """Return what keeps this machine from classifying: `Pillow`, `engine` or `bundle`."""
    states = {finding.name: finding.state for finding in findings}
    there = {
        "Pillow": states["Pillow"] != MISSING,  # without one of its decoders it has the others
        "engine": OK in (states[f"engine {name}"] for name in ENGINES),
        "bundle": states["bundle"] == OK,
    }
    return [name for name, is_there in there.items() if not is_there]


def summary(findings: Sequence[Finding]) -> str:
    """Return the end of the table: whether films can be classified, else what to mend."""
    offline = _OFFLINE if any("pip install" in finding.cure for finding in findings) else ""
    if wanting := lacking(findings):
        return f"\n{offline}this machine cannot classify yet: see {', '.join(wanting)}\n"
    return f"\n{offline}this machine can classify\n"


def document(findings: Sequence[Finding]) -> str:
    """Return the findings as one JSON document."""
    rows = [finding.to_json() for finding in findings]
    return json.dumps({"status": status(findings), "findings": rows}, indent=2) + "\n"


def _processor() -> Finding:
    architecture, features, cores = computer.architecture(), computer.features(), processors()
    facts = {"architecture": architecture, "features": features, "cores": cores}
    text = f"{architecture} ({' '.join(features) or 'no features known'}), {cores} core(s)"
    if is_x86() and features and "sse4_2" not in features:
        cure = "this processor is too old for the engines' wheels: use another machine"
        return Finding("processor", PROBLEM, f"{text}; no SSE 4.2", cure, facts)
    return Finding("processor", OK, text, facts=facts)


def _memory() -> Finding:
    total, free = memory()
    limit = memory_limit()
    facts = {"total": total, "available": free, "limit": limit}
    known = {"in all": total, "available": free, "allowed to this process": limit}
    text = ", ".join(f"{n // _MIB} MiB {what}" for what, n in known.items() if n is not None)
    least = min((n for n in (free, limit) if n is not None), default=LEAST_MEMORY)
    if least < LEAST_MEMORY:
        cure = f"large films may be refused below {LEAST_MEMORY // _MIB} MiB: close other programs"
        return Finding("memory", PROBLEM, text, cure, facts)
    return Finding("memory", OK, text or "not known", facts=facts)


def _python() -> Finding:
    bits = 64 if sys.maxsize > 2**32 else 32
    runtime = computer.installed("edge-runtime")
    ours = f"edge-runtime {runtime or 'of unknown version'}"
    facts = {"python": platform.python_version(), "bits": bits, "edge_runtime": runtime}
    text = f"{platform.python_version()}, {bits} bit, {platform.system()}; {ours}"
    return Finding("Python", OK, text, facts=facts)


def _bytecode() -> Finding:
    """Tell whether modules are kept compiled: else each start compiles them again."""
    folder = Path(edge_runtime.__file__).parent
    if not folder.is_dir():
        return Finding("compiled", OK, "runs from one file, which starts more slowly")
    modules = list(folder.rglob("*.py"))
    kept = [Path(importlib.util.cache_from_source(str(module))).exists() for module in modules]
    text = f"{sum(kept)} of {len(kept)} modules are kept compiled"
    writable = os.access(folder, os.W_OK) and not sys.dont_write_bytecode
    if sum(kept) < len(kept) and not writable:
        cure = f'"{sys.executable}" -m compileall -q "{folder}", once, as who may write there'
        return Finding("compiled", PROBLEM, f"{text}, and no more can be", cure)
    return Finding("compiled", OK, text)


def _pillow() -> Finding:
    try:
        from PIL import __version__ as version
        from PIL import features
    except ImportError as error:
        cure = installing(again=computer.installed("pillow") is not None)
        return Finding("Pillow", MISSING, f"cannot be loaded ({error})", cure)
    needed = {"PNG": "zlib", "JPEG": "jpg", "TIFF": "libtiff", "WebP": "webp"}
    codecs = {name: bool(features.check(feature)) for name, feature in needed.items()}
    has = [name for name, is_there in codecs.items() if is_there]
    lacks = [name for name, is_there in codecs.items() if not is_there]
    facts = {"version": version, "codecs": codecs}
    text = f"{version}, reads {', '.join(has)}"
    if lacks:
        cure = installing(again=True)
        return Finding("Pillow", PROBLEM, f"{text}, and no {', '.join(lacks)}", cure, facts)
    return Finding("Pillow", OK, text, facts=facts)


def _engines() -> Iterator[Finding]:
    """Try each engine; once one runs, those after it need not be installed."""
    enough = False
    for name, (_, _, extra) in ENGINES.items():
        label, version = f"engine {name}", computer.installed(computer.DISTRIBUTIONS[name])
        outcome = _probe("engine", name) if version else {"problem": "", "lacks": "it"}
        facts = {"version": version, "usable": not outcome["problem"]} if version else {}
        if lacks := outcome.get("lacks"):
            # A lean wheelhouse leaves numpy out, which is no fault of it.
            text = f"{version} without {lacks}, which it needs" if version else "not installed"
            text += "; not needed here" if enough else "; one engine is enough"
            cure = "" if enough else installing(extra)
            yield Finding(label, MISSING, text, cure, facts)
        elif outcome["problem"]:
            text = f"{version} cannot be used: {outcome['problem']}"
            yield Finding(label, PROBLEM, text, installing(extra, again=True), facts)
        else:
            enough = True
            yield Finding(label, OK, f"{version} runs a graph", facts=facts)


def _dicom() -> Finding:
    cure = installing("dicom")
    version = computer.installed("pydicom")
    if version is None:
        return Finding("DICOM", MISSING, "not installed; needed for DICOM files alone", cure)
    outcome = _probe("dicom", "")
    if outcome["problem"]:
        return Finding("DICOM", PROBLEM, f"pydicom {version}: {outcome['problem']}", cure)
    kinds = outcome["decodes"]
    has = ["uncompressed", *(kind for kind, there in kinds.items() if there)]
    lacks = [kind for kind, there in kinds.items() if not there]
    text = f"pydicom {version}, decodes {', '.join(has)}"
    facts = {"version": version, "decodes": kinds}
    if lacks:
        return Finding("DICOM", PROBLEM, f"{text}, and no {', '.join(lacks)}", cure, facts)
    return Finding("DICOM", OK, text, facts=facts)


def _bundle(named: str | None) -> Iterator[Finding]:
    """Examine the bundle, and tell which engine judges many films of it."""
    try:
        default = DefaultBundle(named, "named") if named is not None else default_bundle()
    except UsageError as error:
        yield Finding("bundle", MISSING, error.problem, error.cure, {"status": 3})
        return
    path = default.path
    outcome = _probe("bundle" if named is not None else "default_bundle", path)
    facts = {"path": path, "status": outcome["status"]}
    if outcome["problem"]:
        subject = outcome.get("subject", path)  # which may be a file in the bundle
        cure = outcome["cure"] or f"try {cures.program()} check with each --engine that is ok above"
        yield Finding("bundle", PROBLEM, f"{subject}: {outcome['problem']}", cure, facts)
        return
    text = f"{path}: {outcome['name']} {outcome['version']}, whole, runs on {outcome['engine']}"
    text += "" if named is not None else f" ({default.why})"
    yield Finding("bundle", OK, text, facts=facts)
    words, choice = outcome["many_films"]
    yield Finding("many films", OK, words, facts={"choice": choice})


def _folder() -> Finding:
    place = data_folder()
    folder = Path(place) if place else None
    if folder is None:
        cure = "name bundles with --bundle or EDGE_BUNDLE"
        return Finding("data folder", MISSING, "this user has no home folder", cure)
    facts = {"path": str(folder)}
    if not os.path.isdir(folder):  # noqa: PTH112 -- pathlib's raises where this user may not look
        cure = adding("make it")
        text = f"{folder} does not exist, or is hidden from this user"
        return Finding("data folder", MISSING, text, cure, facts)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{folder} is not writable ({error.strerror}); bundles there are found and used"
        return Finding("data folder", OK, text, facts=facts)
    return Finding("data folder", OK, f"{folder} is writable", facts=facts)


def _disk() -> Finding:
    folder = Path(data_folder() or Path.cwd())
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110 -- as above
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", PROBLEM, f"{folder}: {error.strerror}", "mount it again")
    text, facts = f"{free // _MIB} MiB free on the disk of {folder}", {"free": free}
    if free < LEAST_DISK:
        return Finding("disk", PROBLEM, text, "free some before you copy a bundle there", facts)
    return Finding("disk", OK, text, facts=facts)


def _clock() -> Finding:
    time, sane = computer.clock()
    facts = {"time": time}
    if sane:
        return Finding("clock", OK, f"{time}", facts=facts)
    cure = "set the clock: answers do not need it, receipts carry its time"
    return Finding("clock", PROBLEM, f"{time} is implausible", cure, facts)


def _encoding() -> Finding:
    names = sys.getfilesystemencoding()
    facts = {"file_names": names, "locale": locale.getlocale()[0]}
    text = f"file names in {names}, locale {facts['locale'] or 'C'}; output is always UTF-8"
    return Finding("encoding", OK, text, facts=facts)


def _proc() -> Iterator[Finding]:
    if sys.platform != "linux":
        return
    if Path("/proc/self/status").exists() and Path("/proc/cpuinfo").exists():
        yield Finding("/proc", OK, "is mounted")
    else:
        cure = "mount -t proc proc /proc, or use ONNX Runtime, which does without"
        yield Finding("/proc", MISSING, "is not mounted: LiteRT cannot start", cure)


def _probe(what: str, which: str) -> dict[str, Any]:
    """Try something in a process of its own; a crash there is reported as a problem."""
    try:
        done = child.module("machine.probe", what, which, seconds=SECONDS)
        outcome: dict[str, Any] = json.loads(done.stdout) if not done.returncode else {}
    except subprocess.TimeoutExpired:
        return {"status": 1, "cure": "", "problem": f"no answer within {SECONDS} s"}
    except (OSError, ValueError) as error:
        return {"status": 1, "cure": "", "problem": f"could not be tried ({error})"}
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        last = f": {said[-1]}" if said and done.returncode > 0 else ""
        return {"status": 1, "cure": "", "problem": f"{child.ending(done.returncode)}{last}"}
    return {"cure": "", **outcome}
