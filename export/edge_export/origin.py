"""What an export was made from, and the digests that name it in the bundle.

A digest of the sources stands for the revision: an installed package has no history, a checkout has
uncommitted changes, and the same sources have to give the same bundle wherever they lie.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

PACKAGES = ("litert-lm-builder", "ml-dtypes", "protobuf", "scikit-learn", "scipy")
"""Libraries that have a part in the numbers of a bundle, beyond those in its manifest."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What an export is made from.

    `kind` says whether the model is a run of ours or a file; `model` is its digest. `data` is the
    digest of the table of the `films` films, with labels and splits. `sources` is the digest of the
    packages that export.
    """

    kind: Literal["run", "file"]
    model: str
    data: str
    films: int
    sources: str

    def to_json(self, calibration: Sequence[str], made_by: str, exported_by: str) -> dict[str, Any]:
        """Return what made a bundle, as its `parity.json` notes it.

        `calibration` are the digests of the films that quantized it; the commands are empty where
        they are not known.
        """
        return {
            "sources": {"version": version("edge-kit"), "sha256": self.sources},
            "origin": {"kind": self.kind, "sha256": self.model},
            "data": {"films": self.films, "sha256": self.data},
            "calibration": {"films": len(calibration), "sha256": lines_digest(calibration)},
            "commands": {"train": _line(made_by), "export": _line(exported_by)},
            "packages": {
                "python": platform.python_version(),
                **{name: version(name) for name in PACKAGES},
            },
        }


def _line(command: str) -> str | None:
    """Return a command that a card shows on several lines as the one line that it is."""
    return " ".join(command.replace("\\\n", " ").split()) or None


def lines_digest(lines: Iterable[str]) -> str:
    """Return the SHA-256, in hex, of sorted lines, each with its end."""
    return hashlib.sha256("".join(f"{line}\n" for line in sorted(lines)).encode()).hexdigest()


def contents_digest(contents: Iterable[tuple[str, bytes]]) -> str:
    """Return the SHA-256, in hex, of named contents: of a line `digest  name` for each, sorted."""
    return lines_digest(f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in contents)


def files_digest(files: Iterable[tuple[str, Path]]) -> str:
    """Return the `contents_digest` of named files.

    Raises:
        OSError: one of them cannot be read.
    """
    return contents_digest((name, path.read_bytes()) for name, path in files)


def sources_digest(packages: Iterable[Path]) -> str:
    """Return the digest of every file of the packages in these folders, but what Python compiled.

    It does not depend on where they lie, or on whether a wheel or a checkout holds them.
    """
    return files_digest(
        (path.relative_to(package.parent).as_posix(), path)
        for package in packages
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    )
