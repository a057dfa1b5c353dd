"""The packages of `constraints.txt` as installed here: what each needs, and its licence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from edge_runtime.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
NOT_HERE = "not installed on this system"
"""What stands for the licence of a package of another operating system."""
_LONGEST = 60  # of a licence's name; what is longer is its text
_CLASSIFIER = "License :: "
# Two names of one licence, in the words of setuptools' time -> its identifier in SPDX's list.
_SPDX = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "2-clause bsd license": "BSD-2-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "mit": "MIT",
    "mit license": "MIT",
    "python software foundation license": "PSF-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "isc license (iscl)": "ISC",
}


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned package: why it is there, by the extras that ask for it, and what it needs.

    An empty extra is the distribution itself. `needs` are names of packages.
    """

    name: str
    version: str
    licence: str
    extras: frozenset[str] = frozenset()
    needs: frozenset[str] = field(default_factory=frozenset)

    @property
    def key(self) -> str:
        """Its canonical name."""
        return canonicalize_name(self.name)


def read_pins(path: Path = CONSTRAINTS) -> dict[str, tuple[str, str]]:
    """Return name and version of each pin by its canonical name, in the order of the file.

    Raises:
        DataError: a line pins nothing, or a package is pinned twice.
    """
    pins: dict[str, tuple[str, str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, equals, version = line.partition("==")
        key = canonicalize_name(name)
        if not equals or key in pins:
            problem = "is pinned twice" if equals else "is no NAME==VERSION"
            raise DataError(path.name, f"{line!r} {problem}", "correct it")
        pins[key] = name, version
    return pins


def licence_of(name: str) -> str:
    """Return the licence of an installed package as its metadata names it, by SPDX where it can.

    Of one that is not installed, `NOT_HERE`; of one that says nothing, that it does not.
    """
    try:
        metadata = distribution(name).metadata
    except PackageNotFoundError:
        return NOT_HERE
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"])
    text = str(metadata["License"]).strip() if "License" in metadata else ""
    classifiers = metadata.get_all("Classifier") or []
    named = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith(_CLASSIFIER)]
    if text.lower() in _SPDX or not named:
        named = [text] if len(text) <= _LONGEST and "\n" not in text else []
    names = dict.fromkeys(_SPDX.get(word.lower(), word) for word in named if word)
    return ", ".join(names) or "not stated in its metadata"


def closure(
    requirements: Mapping[str, Sequence[Requirement]], pins: Mapping[str, tuple[str, str]]
) -> list[Package]:
    """Return every package that the requirements of each extra need here, sorted, each pinned.

    Raises:
        DataError: one is not pinned, not installed, or of another version than its pin.
    """
    extras: dict[str, set[str]] = {}
    needs: dict[str, set[str]] = {}
    for extra, asked in requirements.items():
        waiting, seen = list(asked), set[tuple[str, frozenset[str]]]()
        while waiting:
            requirement = waiting.pop()
            key = canonicalize_name(requirement.name)
            extras.setdefault(key, set()).add(extra)
            if (key, frozenset(requirement.extras)) in seen:
                continue
            seen.add((key, frozenset(requirement.extras)))
            inner = list(_needed(_installed(key, pins), requirement.extras))
            needs.setdefault(key, set()).update(canonicalize_name(one.name) for one in inner)
            waiting += inner
    return [
        Package(
            *pins[key], licence_of(key), extras=frozenset(why), needs=frozenset(needs.get(key, ()))
        )
        for key, why in sorted(extras.items())
    ]


def _installed(key: str, pins: Mapping[str, tuple[str, str]]) -> Distribution:
    """Return the installed package, which has to be the one that is pinned."""
    if key not in pins:
        raise DataError(CONSTRAINTS.name, f"does not pin {key}", "add its version")
    try:
        found = distribution(key)
    except PackageNotFoundError as error:
        raise DataError(key, "is not installed here", "make setup") from error
    if found.version != pins[key][1]:
        problem = f"is {found.version} here, and {pins[key][1]} in {CONSTRAINTS.name}"
        raise DataError(key, problem, "make setup, or correct the pin")
    return found


def _needed(package: Distribution, extras: Collection[str]) -> Iterator[Requirement]:
    """Yield what a package needs on this system, with these extras of it."""
    for line in package.requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:  # of a time before there was a rule
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": one}) for one in ("", *extras)):
            yield requirement
