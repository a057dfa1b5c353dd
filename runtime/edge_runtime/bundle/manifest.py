"""The manifest of a bundle, schema 1 or 2, as one data model that cannot hold a bad value.

Its bytes are canonical JSON (sorted keys, no spaces, ASCII, one final newline) and carry
`identity`: the SHA-256 of those bytes without that key, the bundle's name as zip or as folder.
"""
# Fields stand in the order they are read in:
# ruff: noqa: RUF023

from __future__ import annotations

import json

from edge_runtime.bundle.archive import MOST_MEMBERS, SIGNATURES, names_problem
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.records import (
    Classes,
    Decision,
    File,
    FilmGate,
    Golden,
    Graph,
    IntendedUse,
    Preprocess,
    Quantization,
    Site,
    Training,
    member_name,
    word,
)
from edge_runtime.bundle.schema import (
    Record,
    SchemaError,
    expected,
    mapping,
    one_of,
    optional,
    record,
    sequence,
    text,
)
from edge_runtime.errors import IntegrityError, NotABundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Never

SCHEMA = 2
"""The schema that is written."""
UNSIGNED_SCHEMA = 1
"""The schema before, which has no place for signatures."""
LARGEST_MANIFEST = 1 << 20

SITE = "+site"
"""The end of the version of a bundle whose decision was fitted again on a site's own films."""
SITE_FILES = "site/"
"""The folder of what a site says of its decision, which its maker has not signed (schema 2)."""

_CURE = "export the bundle again"


def released(value: object) -> object:
    """Accept digits and dots such as `0.1.0`, and `+site` where a site fitted the decision anew."""
    digits = value.removesuffix(SITE) if isinstance(value, str) else ""
    if not all(digits.split(".")) or len(digits) > 32 or digits.strip("0123456789."):
        raise expected("a version of digits and dots", value)
    return value


class Manifest(Record):
    """Everything a clinic's machine needs to know of a bundle."""

    schema: int
    name: str
    version: str
    intended_use: IntendedUse
    classes: Classes
    preprocess: Preprocess
    decision: Decision
    film_gate: FilmGate | None
    graphs: tuple[Graph, ...]
    golden: Golden
    quantization: Quantization
    verdict: str
    training: Training
    tools: Mapping[str, str]
    files: Mapping[str, File]
    site: Site | None
    __slots__ = {
        "schema": one_of(UNSIGNED_SCHEMA, SCHEMA),
        "name": word,
        "version": released,
        "intended_use": record(IntendedUse),
        "classes": record(Classes),
        "preprocess": record(Preprocess),
        "decision": record(Decision),
        "film_gate": optional(record(FilmGate)),
        "graphs": sequence(record(Graph), 1, MOST_MEMBERS),
        "golden": record(Golden),
        "quantization": record(Quantization),
        "verdict": one_of("pass", "undecided"),
        "training": record(Training),
        "tools": mapping(text(64), text(64), 0, 64),
        "files": mapping(member_name, record(File), 1, MOST_MEMBERS - 1),
        "site": optional(record(Site)),
    }
    LEFT_OUT = frozenset({"site"})

    def check(self) -> None:
        """Refuse files that clash, are named but not listed, or have no or foreign logits."""
        self._check_files()
        self._check_outputs()

    def _check_files(self) -> None:
        """Refuse a version, or names of files, that other fields contradict."""
        if self.version.endswith(SITE) != (self.site is not None):
            raise SchemaError(f"a version with {SITE} belongs to a site's note", "version")
        if problem := names_problem(self.files):
            raise SchemaError(problem, "files")
        if self.schema != UNSIGNED_SCHEMA:
            self._check_folders()
        graphs = [graph.file for graph in self.graphs]
        films = [film.file for film in self.golden.films]
        for key, names in (("graphs", graphs), ("golden.films", films)):
            if len(set(names)) < len(names):
                raise SchemaError("a file appears twice", key)
            if unlisted := set(names) - self.files.keys():
                raise SchemaError(f"{min(unlisted)} is not listed in files", key)

    def _check_folders(self) -> None:
        """Refuse files where signatures lie, and those of a site where no site fitted anything."""
        for name in self.files:
            if name.lower().startswith(SIGNATURES):
                raise SchemaError(f"{name} lies where signatures do, which are not listed", "files")
            if name.lower().startswith(SITE_FILES) and self.site is None:
                raise SchemaError(f"{name} belongs to a site's note", "files")

    def _check_outputs(self) -> None:
        """Refuse graphs and films whose outputs are not as many as `film_gate` says."""
        graphs = {graph.file for graph in self.graphs}
        outputs = 1 if self.film_gate is None else 2
        for index, graph in enumerate(self.graphs):
            if len(graph.outputs) not in (0, outputs):
                problem = f"not {outputs} integer output(s), or none, as film_gate says"
                raise SchemaError(problem, "graphs", index)
        for index, film in enumerate(self.golden.films):
            if film.logits.keys() != graphs:
                raise SchemaError(
                    "the logits are not those of the graphs", "golden", "films", index
                )
            if any(len(logits) != outputs for logits in film.logits.values()):
                problem = f"not {outputs} logit(s) of each graph, as film_gate says"
                raise SchemaError(problem, "golden", "films", index)

    def graph(self, form: str) -> Graph | None:
        """Return the graph of a format that our engines run: the first that gives a float."""
        fit = (graph for graph in self.graphs if graph.format == form and not graph.outputs)
        return next(fit, None)

    @property
    def identity(self) -> str:
        """The SHA-256 of the canonical manifest without this key, in hex."""
        return sha256(canonical(self.to_json()))

    def to_bytes(self) -> bytes:
        """Return the one encoding this manifest has, identity included."""
        return canonical({**self.to_json(), "identity": self.identity})


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return `document` as canonical JSON: each document has one encoding.

    Raises:
        ValueError: it holds a number that JSON has no word for.
    """
    return (
        json.dumps(
            document,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
            allow_nan=False,
        )
        + "\n"
    ).encode("ascii")


def parse(data: bytes, subject: str) -> Manifest:
    """Return the manifest whose canonical encoding is `data`.

    Raises:
        NotABundle: it is no JSON, of an unknown schema, or holds what the schema does not allow.
        IntegrityError: it is not the manifest that its identity names, or spelled differently.
    """
    if len(data) > LARGEST_MANIFEST:
        raise NotABundle(subject, f"is larger than {LARGEST_MANIFEST >> 20} MiB", _CURE)
    try:
        document = json.loads(str(data, "ascii"), parse_constant=_no_constants)
        if not isinstance(document, dict):
            raise ValueError("not an object")
        identity = document.pop("identity", None)
        computed = sha256(canonical(document))
    except (ValueError, RecursionError) as error:
        raise NotABundle(subject, f"is not the JSON of a manifest ({error})", _CURE) from None
    schema = document.get("schema")
    if type(schema) is not int or schema not in (UNSIGNED_SCHEMA, SCHEMA):
        raise NotABundle(
            subject,
            f"has the schema {json.dumps(schema)[:60]}, and only 1 and 2 are known here",
            "update edge-runtime or export the bundle again",
        )
    if identity != computed:
        raise IntegrityError(subject, "does not match its own identity", "copy the bundle again")
    try:
        manifest = Manifest(**document)
    except SchemaError as error:
        raise NotABundle(subject, str(error), _CURE) from None
    if canonical({**manifest.to_json(), "identity": identity}) != data:
        raise IntegrityError(subject, "is not spelled as it was written", "copy the bundle again")
    return manifest


def _no_constants(name: str) -> Never:
    raise ValueError(f"{name} is no number")
