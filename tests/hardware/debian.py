"""Debian's packages of another architecture, unpacked into a folder: no root, nothing installed."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from hardware.boxes import System
from hardware.commands import NotHad, require

SYSTEM = Path("/etc/os-release")
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))


def sysroot(system: System, folder: Path) -> None:
    """Fill `folder` with `system`'s packages, all that they depend on, and its cpuinfo.

    Raises:
        NotHad: apt is not there, or does not have them.
    """
    state = folder.with_name(f"{folder.name}.apt")
    apt = _apt(system, state)
    # One index of several may be out of step; what matters is whether the packages come.
    with suppress(NotHad):
        require([*apt, "update"], "apt-get update")
    packages = ["install", "--yes", "--download-only", *system.packages]
    require([*apt, *packages], f"Debian's packages for {system.debian}")
    for package in sorted((state / "cache" / "archives").glob("*.deb")):
        require(["dpkg-deb", "--extract", package, folder], package.name)
    _merged(folder)
    _alternatives(folder)
    (folder / "proc").mkdir()
    (folder / "proc" / "cpuinfo").write_text(system.cpuinfo)


def _apt(system: System, state: Path) -> list[str]:
    """Return an apt-get that keeps everything in `state` and thinks that nothing is installed."""
    for name in ("lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True, exist_ok=True)
    (state / "status").write_bytes(b"")
    sources = _sources(system.release, state)
    options = {
        "APT::Architecture": system.debian,
        "APT::Architectures::": system.debian,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
        "Dir::Cache": f"{state}/cache",
        "Dir::Etc::sourcelist": f"{sources}",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": f"{state}",
        "Dir::State::lists": f"{state}/lists",
        "Dir::State::status": f"{state}/status",
    }
    return ["apt-get", "--quiet", *(f"--option={name}={value}" for name, value in options.items())]


def _sources(release: str, state: Path) -> Path:
    """Return a list of sources in `state`: this machine's, but of one `release` of Debian.

    Raises:
        NotHad: this machine has no list of Debian's sources.
    """
    found = next((source for source in SOURCES if source.is_file()), None)
    own = re.search(r"^VERSION_CODENAME=(\w+)", SYSTEM.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None or own is None:
        raise NotHad("this machine has no list of Debian's sources")
    sources = state / found.name
    text = found.read_text(encoding="utf-8")
    sources.write_text(re.sub(rf"\b{own[1]}\b", release, text), encoding="utf-8")
    return sources


def _merged(folder: Path) -> None:
    """Link what programs look for in /lib to /usr/lib, where Debian 13 keeps it all."""
    for name in ("lib", "lib64"):
        if not (folder / name).exists():
            (folder / name).symlink_to(f"usr/{name}")


def _alternatives(folder: Path) -> None:
    """Link BLAS and LAPACK to where programs look, as their packages do when they are installed."""
    for path in folder.glob("usr/lib/*/*/lib*.so.3"):
        if path.parent.name in ("blas", "lapack"):
            link = path.parent.parent / path.name
            link.unlink(missing_ok=True)
            link.symlink_to(f"{path.parent.name}/{path.name}")
