"""Build a box: a virtual environment whose `python` is an emulated one, and what lies in it.

    CACHE/systems/NAME/   root (Debian's packages), site (a clinic's wheels), tools (the tests')
    CACHE/boxes/NAME/     pyvenv.cfg, bin/python, lib -> its system's site

A finished part is kept until what it is made from changes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardware import compile, debian
from hardware.boxes import X86_64, Box, System
from hardware.commands import NotHad, require

SCHEMA = Path("ai_edge_litert", "schema_py_generated.py")


@dataclass(frozen=True, slots=True)
class Built:
    """A box that is ready: it, its Python, and what makes the folder that its tests need."""

    box: Box
    python: Path
    tools: Callable[[], Path]


def build(box: Box, cache: Path, constraints: Path) -> Built:
    """Return `box`, built in `cache` from the versions of `constraints`.

    Raises:
        NotHad: the emulator or a package could not be had.
    """
    system = box.system
    if box.cpu and shutil.which(box.emulator) is None:
        package = "qemu-user" if box.counted else "qemu-user-static"
        raise NotHad(f"{box.emulator} is missing: apt install {package}")
    folder = cache / "systems" / system.name
    if system.debian:
        _once(folder / "root", repr(system), lambda root: debian.sysroot(system, root))
    python = _environment(box, folder, cache / "boxes" / box.name)
    pins = constraints.read_text(encoding="utf-8")

    def fill(site: Path) -> None:
        _install(system, system.wheels, site, pins)
        for requirement in system.compiled:
            pinned = next((pin for pin in pins.split() if pin.startswith(requirement)), requirement)
            scratch = folder / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            compile.pillow(pinned, python, folder / "root", scratch, site)

    _once(folder / "site", repr(system) + pins, fill)

    def tools() -> Path:
        return _once(
            folder / "tools", repr(system) + pins, lambda site: _tools(system, site, pins, cache)
        )

    return Built(box, python, tools)


def _once(folder: Path, recipe: str, fill: Callable[[Path], None]) -> Path:
    """Return `folder`, filled if it is not there or was made by another `recipe`."""
    note = folder.with_name(f"{folder.name}.recipe")
    if not (note.is_file() and note.read_text(encoding="utf-8") == recipe):
        note.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        fill(folder)
        note.write_text(recipe, encoding="utf-8")
    return folder


def _environment(box: Box, folder: Path, place: Path) -> Path:
    """Return the Python of `box`, a virtual environment in `place` over the system in `folder`.

    It is a script in front of the emulator, so that processes which it starts are emulated too.
    """
    system, root = box.system, folder / "root"
    own = Path(os.path.realpath(sys.executable))
    real = root / "usr" / "bin" / f"python{system.python}" if system.debian else own
    shutil.rmtree(place, ignore_errors=True)
    library = place / "lib" / f"python{system.python}"
    for made in (place / "bin", library):
        made.mkdir(parents=True)
    (library / "site-packages").symlink_to(folder / "site")
    inherits = "true" if system.packages else "false"
    (place / "pyvenv.cfg").write_text(
        f"home = {real.parent}\ninclude-system-site-packages = {inherits}\n", encoding="utf-8"
    )
    python = place / "bin" / "python"
    if not box.cpu:
        python.symlink_to(real)
        return python
    prefix = ["-L", root] if system.debian else []
    caches = ["-X", f"pycache_prefix={place / 'pycache'}"]
    command = [box.emulator, *prefix, "-cpu", box.cpu, "-0", python, real, *caches]
    line = " ".join(shlex.quote(str(part)) for part in command)
    python.write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return python


def _tools(system: System, site: Path, pins: str, cache: Path) -> None:
    """Fill `site` with what the tests need."""
    _install(system, system.tools, site, pins, alone=False)
    if "ai-edge-litert" not in system.wheels:
        # The tests make graphs with this one module of LiteRT, which is pure Python.
        shutil.copy(cache / "systems" / X86_64.name / "site" / SCHEMA, site)


def _install(
    system: System, requirements: Sequence[str], site: Path, pins: str, *, alone: bool | None = None
) -> None:
    """Unpack the wheels of `requirements`, with what they need, into `site`.

    `alone`: without what they need; by default where Debian's packages take its place.
    """
    for_python: list[str] = []
    if system.platforms:
        for_python = ["--implementation", "cp", "--python-version", system.python]
        for_python += [part for tag in system.platforms for part in ("--platform", tag)]
    if bool(system.compiled) if alone is None else alone:
        for_python.append("--no-deps")
    own = {one.split("<")[0].split("=")[0] for one in requirements if "<" in one or "=" in one}
    # What goes with an old numpy is older itself.
    kept = "" if "numpy" in own else pins
    chosen = site.with_name(f"{site.name}.constraints")
    chosen.write_text(kept, encoding="utf-8")
    require(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--only-binary", ":all:", "--constraint", chosen, "--target", site),
            *(*for_python, *requirements),
        ],
        f"wheels for {system.name}",
    )
