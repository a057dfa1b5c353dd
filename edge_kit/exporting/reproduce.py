"""Exports a bundle's run again, by the command that the bundle records, and compares the two."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_export.examine import Say
from edge_kit.data.reader import FilmReader
from edge_kit.exporting.comparison import Likeness, Part, compare, outcome
from edge_kit.exporting.export import export_source
from edge_kit.exporting.order import ExportOrder
from edge_kit.exporting.origin import model_digest
from edge_runtime.bundle import Bundle, verify_all
from edge_runtime.bundle.provenance import Provenance, read_provenance
from edge_runtime.errors import DataError, ParityFailed, UsageError
from edge_runtime.machine.computer import architecture, processor_name


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A bundle and what a second export of its run gave.

    `parts` are compared and decide; `noted` are versions and sources, which explain and do not.
    """

    identity: str
    again: str
    parts: list[Part]
    noted: list[Part]
    seconds: float

    @property
    def outcome(self) -> Likeness:
        """How far the bundle was reproduced."""
        return outcome(self.parts)

    def to_json(self) -> dict[str, Any]:
        """Return it as `json` writes it."""
        return {
            "identity": self.identity,
            "again": self.again,
            "outcome": self.outcome.value,
            "parts": [_json(part) for part in self.parts],
            "noted": [_json(part) for part in self.noted],
            "processor": processor_name() or architecture(),
            "seconds": round(self.seconds, 1),
        }


def _json(part: Part) -> dict[str, str]:
    return {"part": part.name, "agreement": part.agreement.value, "text": part.text}


def require_reproducible(bundle: Bundle, run: Path) -> Provenance | None:
    """Return what made `bundle`, once it is sure that an export of `run` is worth its minutes.

    Raises:
        UsageError: a site fitted the decision again, on films of its own.
        DataError: the bundle records that it was exported from another run.
    """
    if site := bundle.manifest.site:
        problem = f"was fitted again at a site; what was exported is bundle {site.bundle[:16]}"
        raise UsageError(bundle.path, problem, "reproduce that one")
    noted = read_provenance(bundle)
    if noted and noted.origin.sha256 != (digest := model_digest(run)):
        problem = f"is not what the bundle was exported from: {digest[:16]}, not "
        problem += noted.origin.sha256[:16]
        raise DataError(run, problem, "name the run or file that it was")
    return noted


def reproduce(
    bundle: Bundle, noted: Provenance | None, order: ExportOrder, reader: FilmReader, say: Say
) -> Reproduction:
    """Carry out `order` and return how far its bundle is `bundle` again.

    Raises:
        ParityFailed: the graphs made again do not pass their proof.
        EdgeError: any of those of `export_source`.
    """
    began = time.monotonic()
    try:
        export_source(order, reader, say, lambda _: None)
    except ParityFailed as error:
        problem = f"its graphs fail when they are made again: {error.problem}"
        raise ParityFailed(bundle.path, problem, "another version or processor?") from error
    with verify_all(order.out) as again:
        return Reproduction(
            identity=bundle.identity,
            again=again.identity,
            parts=compare(bundle, again),
            noted=[*_noted(noted, read_provenance(again)), *_tools(bundle, again)],
            seconds=time.monotonic() - began,
        )


def _noted(before: Provenance | None, now: Provenance | None) -> list[Part]:
    """Return whether sources and films are those that the bundle records."""
    if before is None or now is None:
        return [Part("provenance", Likeness.DIFFERENT, "not recorded in the bundle")]
    return [
        _part("sources", before.sources.to_json(), now.sources.to_json()),
        _part("films", before.data.to_json(), now.data.to_json()),
        _part("packages", before.packages, now.packages),
    ]


def _tools(shipped: Bundle, again: Bundle) -> list[Part]:
    """Return whether the libraries in the manifest are of the same versions."""
    return [_part("tools", shipped.manifest.tools, again.manifest.tools)]


def _part(name: str, before: Mapping[str, object], now: Mapping[str, object]) -> Part:
    """Return whether what is recorded is what is here, key by key."""
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    if not changed:
        return Part(name, Likeness.SAME, "as recorded")
    told = (f"{key} {_short(before.get(key))} -> {_short(now.get(key))}" for key in changed)
    return Part(name, Likeness.DIFFERENT, ", ".join(told))


def _short(value: object) -> str:
    return "none" if value is None else str(value)[:16]
