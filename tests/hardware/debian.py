"""Debian's packages of another architecture, unpacked into a folder: no root, nothing installed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from hardware.boxes import System
from hardware.commands import NotHad, require

SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))


def sysroot(system: System, folder: Path) -> None:
    """Fill `folder` with `system`'s packages, all that they depend on, and its cpuinfo.

    Raises:
        NotHad: apt is not there, or does not have them.
    """
    state = folder.with_name(f"{folder.name}.apt")
    apt = _apt(system.debian, state)
    # One index of several may be out of step; what matters is whether the packages come.
    with suppress(NotHad):
        require([*apt, "update"], "apt-get update")
    packages = ["install", "--yes", "--download-only", *system.packages]
    require([*apt, *packages], f"Debian's packages for {system.debian}")
    for package in sorted((state / "cache" / "archives").glob("*.deb")):
        require(["dpkg-deb", "--extract", package, folder], package.name)
    _alternatives(folder)
    (folder / "proc").mkdir()
    (folder / "proc" / "cpuinfo").write_text(system.cpuinfo)


def _apt(architecture: str, state: Path) -> list[str]:
    """Return an apt-get that keeps everything in `state` and thinks that nothing is installed."""
    sources = next((source for source in SOURCES if source.is_file()), SOURCES[-1])
    for name in ("lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True, exist_ok=True)
    (state / "status").write_bytes(b"")
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
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


def _alternatives(folder: Path) -> None:
    """Link BLAS and LAPACK to where programs look, as their packages do when they are installed."""
    for path in folder.glob("usr/lib/*/*/lib*.so.3"):
        if path.parent.name in ("blas", "lapack"):
            link = path.parent.parent / path.name
            link.unlink(missing_ok=True)
            link.symlink_to(f"{path.parent.name}/{path.name}")
