"""Bills of materials of both distributions and of the bundles we ship, in CycloneDX 1.7.

    python -m offline.sbom --out build/sbom models/NAME.edge

Versions are those of `constraints.txt`, licences those that the packages name; the extras that ask
for a package are its properties. What is listed is for this operating system and Python.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edge_kit.documents.bom import bom_bytes, require_library, written_at
from edge_kit.documents.facts import facts_of
from edge_kit.documents.model_bom import model_bom
from edge_runtime.bundle import verify_all
from edge_runtime.errors import EdgeError
from edge_runtime.output import write_whole
from offline.pins import ROOT, Package, closure, read_pins

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

PROJECTS = {"edge-kit": ROOT / "pyproject.toml", "edge-runtime": ROOT / "runtime/pyproject.toml"}
"""Distribution -> the file that says what it needs."""
NOT_PINNED = {
    "edge-kit": {"gpu": "NVIDIA's libraries, of the versions that TensorFlow asks for"},
    "edge-runtime": {"tflite": "tflite-runtime and numpy below 2, for 32-bit ARM"},
}
"""Extras whose packages no file pins -> what they are."""


@dataclass(frozen=True, slots=True)
class Project:
    """What a `pyproject.toml` says: name, version, licence, and requirements by extra."""

    name: str
    version: str
    description: str
    licence: str
    requirements: Mapping[str, Sequence[Requirement]]


def main() -> int:
    """Carry out the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("bundles", type=Path, nargs="*", metavar="BUNDLE")
    options.add_argument("--out", type=Path, default=ROOT / "build" / "sbom")
    arguments = options.parse_args()
    try:
        require_library()
        for name, data in documents(arguments.bundles).items():
            arguments.out.mkdir(parents=True, exist_ok=True)
            write_whole(arguments.out / name, data)
            sys.stdout.write(f"{arguments.out / name}: {len(data) / 1e3:.0f} kB\n")
    except EdgeError as error:
        sys.stderr.write(f"sbom: {error}\n")
        return error.exit_status
    return 0


def documents(bundles: Sequence[Path]) -> dict[str, bytes]:
    """Return the bill of materials of each distribution and bundle, by the name of its file.

    Raises:
        DataError: a package is not pinned, or a document not as its schema says.
        NotABundle, IntegrityError: as `verify_all` says of the bundles.
    """
    made = {f"{name}.cdx.json": distribution_bom(read_project(path)) for name, path in
            PROJECTS.items()}  # fmt: skip
    for path in bundles:
        with verify_all(path) as bundle:
            made[f"{path.stem}.cdx.json"] = model_bom(facts_of(bundle))
    return made


def read_project(path: Path) -> Project:
    """Return what the project file at `path` says; extras that nobody pins are left out."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    left_out = NOT_PINNED[told["name"]]
    named = {"": told["dependencies"], **told["optional-dependencies"]}
    return Project(
        told["name"], told["version"], told["description"], told["license"],
        {extra: [*map(Requirement, lines)] for extra, lines in named.items()
         if extra not in left_out},
    )  # fmt: skip


def distribution_bom(project: Project) -> bytes:
    """Return the bill of materials of a distribution.

    Raises:
        DataError: a package is not pinned here as it is installed.
    """
    from cyclonedx.model.bom import Bom, BomMetaData

    packages = closure(outside(project), read_pins())
    root = _root(project)
    parts = {package.key: _component(package) for package in packages}
    own = {name: _root(read_project(path)) for name, path in PROJECTS.items()
           if name != project.name and _asks_for(project, name)}  # fmt: skip
    bom = Bom(metadata=BomMetaData(component=root, timestamp=written_at()))
    bom.components.update([*parts.values(), *own.values()])
    direct = {canonicalize_name(one.name) for asked in outside(project).values() for one in asked}
    bom.register_dependency(root, [*(parts[name] for name in sorted(direct)), *own.values()])
    for package in packages:
        needed = [parts[name] for name in sorted(package.needs)]
        bom.register_dependency(parts[package.key], needed)
    return bom_bytes(bom, project.name)


def _asks_for(project: Project, name: str) -> bool:
    return any(one.name == name for asked in project.requirements.values() for one in asked)


def outside(project: Project) -> dict[str, list[Requirement]]:
    """Return the requirements by extra; in place of our own distributions what those need."""
    return {
        extra: [*_of_others(requirements, project)]
        for extra, requirements in project.requirements.items()
    }


def _of_others(requirements: Iterable[Requirement], project: Project) -> Iterator[Requirement]:
    for requirement in requirements:
        if requirement.name not in PROJECTS:
            yield requirement
            continue
        other = read_project(PROJECTS[requirement.name])
        # An extra that asks for another one of the same distribution does not bring all of it.
        always = [] if other.name == project.name else [""]
        for extra in (*always, *requirement.extras):
            yield from _of_others(other.requirements[extra], project)


def _root(project: Project) -> Component:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.component import Component, ComponentType

    about = {f"extra:{extra}": f"not listed: {what}" for extra, what in
             NOT_PINNED[project.name].items()}  # fmt: skip
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Component(
        type=ComponentType.APPLICATION,
        name=project.name,
        version=project.version,
        description=project.description,
        bom_ref=project.name,
        purl=_purl(project.name, project.version),
        licenses=[LicenseFactory().make_from_string(project.licence)],
        properties=_properties({"environment": system, **about}),
    )


def _component(package: Package) -> Component:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.component import Component, ComponentScope, ComponentType

    always = "" in package.extras
    extras = ", ".join(sorted(package.extras - {""}))
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=f"{package.name}=={package.version}",
        purl=_purl(package.key, package.version),
        scope=ComponentScope.REQUIRED if always else ComponentScope.OPTIONAL,
        licenses=[LicenseFactory().make_from_string(package.licence)],
        properties=_properties({"extras": extras} if extras else {}),
    )


def _purl(name: str, version: str) -> Any:
    from packageurl import PackageURL

    return PackageURL("pypi", name=name, version=version)


def _properties(values: Mapping[str, str]) -> list[Any]:
    from cyclonedx.model import Property

    return [Property(name=f"edge-kit:{name}", value=value) for name, value in values.items()]


if __name__ == "__main__":
    sys.exit(main())
