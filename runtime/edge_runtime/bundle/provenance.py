"""What made a bundle, as its exporter noted it in `parity.json`: sources, run, data, commands.

Bundles from before there was such a note have none, and are read like any other. Nothing here is
on the cold path.
"""
# Fields stand in the order they are read in:
# ruff: noqa: RUF023

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edge_runtime.bundle.records import sha256_hex, word
from edge_runtime.bundle.schema import (
    Record,
    SchemaError,
    integer,
    mapping,
    one_of,
    optional,
    record,
    text,
)
from edge_runtime.errors import NotABundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_runtime.bundle import Bundle

PARITY = "parity.json"
"""The file of a bundle that holds what its exporter measured and noted."""
KEY = "provenance"
"""The key of the note in it."""
_COMMAND = text(4096)


class Sources(Record):
    """The exporter: its version, and the digest of every file of its three packages."""

    version: str
    sha256: str
    __slots__ = {"version": text(64), "sha256": sha256_hex}


class ModelOrigin(Record):
    """The model it was exported from: a run of `edge-kit train`, or a file from elsewhere."""

    kind: str
    sha256: str
    __slots__ = {"kind": one_of("run", "file"), "sha256": sha256_hex}


class FilmSet(Record):
    """A set of films: how many, and the digest of their list."""

    films: int
    sha256: str
    __slots__ = {"films": integer(0, 1 << 32), "sha256": sha256_hex}


class Commands(Record):
    """The commands that trained and exported it, where they are known; paths are placeholders."""

    train: str | None
    export: str | None
    __slots__ = {"train": optional(_COMMAND), "export": optional(_COMMAND)}


class Provenance(Record):
    """What made a bundle.

    `data` are all films with labels and splits, `calibration` those that quantized the graphs;
    `packages` are the versions of the libraries beyond those in the manifest.
    """

    sources: Sources
    origin: ModelOrigin
    data: FilmSet
    calibration: FilmSet
    commands: Commands
    packages: Mapping[str, str]
    __slots__ = {
        "sources": record(Sources),
        "origin": record(ModelOrigin),
        "data": record(FilmSet),
        "calibration": record(FilmSet),
        "commands": record(Commands),
        "packages": mapping(word, text(64), 0, 64),
    }


def read_provenance(bundle: Bundle) -> Provenance | None:
    """Return what made `bundle`, None where it is not recorded.

    Raises:
        NotABundle: what is recorded is not as an exporter writes it.
        IntegrityError: the file that records it is not as it was written.
    """
    if PARITY not in bundle.manifest.files:
        return None
    try:
        content = json.loads(bytes(bundle.read(PARITY)))
        noted = content.get(KEY) if isinstance(content, dict) else None
        return None if noted is None else Provenance(**noted)
    except SchemaError as error:
        problem = f"{KEY} is not as it is written: {error}"
    except (ValueError, TypeError, RecursionError) as error:
        problem = f"is not the JSON that an exporter writes ({error})"
    raise NotABundle(PARITY, problem, "export the bundle again")
