"""Wheels on a disk: what each is, what it needs, and whether it fits a machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from edge_runtime.errors import DataError

_LINUX = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
_WINDOWS = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"}


def _glibc(machine: str) -> tuple[str, ...]:
    """Return the platform tags of a Linux with glibc 2.28 (2018) or newer, the newest first."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(28, 16, -1)]
    return (*tags, f"manylinux2014_{machine}", f"linux_{machine}")


ARCHITECTURES: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "x86_64": (_glibc("x86_64"), {**_LINUX, "platform_machine": "x86_64"}),
    "aarch64": (_glibc("aarch64"), {**_LINUX, "platform_machine": "aarch64"}),
    "win_amd64": (("win_amd64",), {**_WINDOWS, "platform_machine": "AMD64"}),
}
"""Architecture -> (platform tags, the values that PEP 508 markers have there)."""


RUNTIME = Path(__file__).resolve().parents[1]


def pip(*arguments: object) -> None:
    """Run the pip of this Python.

    Raises:
        DataError: it failed, and said why on stderr.
    """
    command = [sys.executable, "-m", "pip", *map(str, arguments), "--quiet"]
    if subprocess.run([*command, "--disable-pip-version-check"], check=False).returncode:
        raise DataError("pip", f"{arguments[0]} failed", "see what it says above")


def build_runtime(folder: Path) -> Path:
    """Return the wheel of edge-runtime, newly built into `folder`; needs hatchling, no network.

    Raises:
        DataError: pip could not build it.
    """
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, RUNTIME)
    (wheel,) = folder.glob("edge_runtime-*.whl")
    return wheel


@dataclass(frozen=True, slots=True)
class Target:
    """The machines that wheels are collected for: `arch` of `ARCHITECTURES`, CPython `python`."""

    arch: str
    python: str

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags its wheels may carry."""
        return ARCHITECTURES[self.arch][0]

    @property
    def tags(self) -> frozenset[Tag]:
        """Every tag a wheel for it may carry."""
        version = tuple(map(int, self.python.split(".")))
        interpreter = "cp" + self.python.replace(".", "")
        return frozenset(
            (
                *cpython_tags(version, platforms=self.platforms, abis=[interpreter]),
                *compatible_tags(version, interpreter, self.platforms),
            )
        )

    def needs(self, requirement: Requirement, extras: Collection[str] = ()) -> bool:
        """Tell whether `requirement`, of a wheel asked for with `extras`, holds there."""
        if requirement.marker is None:
            return True
        values = {
            **ARCHITECTURES[self.arch][1],
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        return any(
            requirement.marker.evaluate({**values, "extra": extra}) for extra in ("", *extras)
        )


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel: `unpacked` is its size in bytes once installed, without compiled modules."""

    path: Path
    name: str
    version: Version
    tags: frozenset[Tag]
    requires: tuple[Requirement, ...]
    unpacked: int


def read_wheel(path: Path) -> Wheel:
    """Return what the wheel at `path` says of itself.

    Raises:
        DataError: it is none.
    """
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
        with ZipFile(path) as file:
            unpacked = sum(info.file_size for info in file.infolist())
            (metadata,) = (
                member for member in file.namelist() if member.endswith(".dist-info/METADATA")
            )
            # Not validated: what an old wheel says about its licence is not our concern.
            parsed = Metadata.from_email(file.read(metadata), validate=False)
        return Wheel(path, name, version, tags, tuple(parsed.requires_dist or ()), unpacked)
    except (InvalidWheelFilename, BadZipFile, OSError, ValueError) as error:
        raise DataError(path, f"is not a wheel ({error})", "remove it and start again") from error


def wheels_in(folder: Path) -> Iterator[Wheel]:
    """Yield every wheel in `folder`, by name."""
    return map(read_wheel, sorted(folder.glob("*.whl")))


def complete(
    folder: Path,
    requirements: Iterable[Requirement],
    target: Target,
    fetch: Callable[[list[Requirement]], None],
    opaque: Collection[str] = (),
) -> list[Wheel]:
    """Return the wheels in `folder` after `fetch` brought what `requirements` need, and no more.

    `fetch` puts a wheel for each requirement it is given into the folder. It resolves nothing: pip
    would ask the markers about this machine, and the wheels are for another. What wheels of the
    names `opaque` need is left out.

    Raises:
        DataError: a wheel is missing, not needed, for another machine, or of a version not wanted.
    """
    asked: dict[str, Requirement] = {}
    waiting = list(requirements)
    while waiting:
        asked |= {str(requirement): requirement for requirement in waiting}
        have = {wheel.name for wheel in wheels_in(folder)}
        if missing := [
            requirement
            for requirement in waiting
            if canonicalize_name(requirement.name) not in have
        ]:
            fetch(missing)
        wheels = {wheel.name: wheel for wheel in wheels_in(folder)}
        needed = [
            need
            for requirement in waiting
            if (wheel := _answer(requirement, wheels, folder)).name not in opaque
            for need in wheel.requires
            if target.needs(need, requirement.extras)
        ]
        waiting = [need for text, need in {str(need): need for need in needed}.items()
                   if text not in asked]  # fmt: skip
    names = {canonicalize_name(requirement.name) for requirement in asked.values()}
    _refuse_needless(wheels.values(), names, target)
    return list(wheels.values())


def _refuse_needless(wheels: Iterable[Wheel], names: Collection[str], target: Target) -> None:
    """Refuse a wheel that is not among `names`, or not for `target`."""
    tags = target.tags
    for wheel in wheels:
        if wheel.name not in names:
            raise DataError(wheel.path, "is not needed", "start with an empty folder")
        if not wheel.tags & tags:
            cure = "give another --arch or --python"
            raise DataError(wheel.path, f"is not for {target.arch}, Python {target.python}", cure)


def _answer(requirement: Requirement, wheels: Mapping[str, Wheel], folder: Path) -> Wheel:
    """Return the wheel that meets a requirement."""
    wheel = wheels.get(canonicalize_name(requirement.name))
    if wheel is None:
        raise DataError(folder, f"has no wheel of {requirement}", "see what pip says above")
    if not requirement.specifier.contains(wheel.version, prereleases=True):
        problem = f"is not what another wheel needs: {requirement}"
        raise DataError(wheel.path, problem, "change constraints.txt")
    return wheel
