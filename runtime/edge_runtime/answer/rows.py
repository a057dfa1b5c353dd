"""Answers as rows: a table for people, JSON lines or CSV for machines."""

from __future__ import annotations

from edge_runtime.answer.classify import FIELDS
from edge_runtime.errors import Refusal
from edge_runtime.film.source import place
from edge_runtime.text import CsvTable, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from edge_runtime.answer.classify import Answer
    from edge_runtime.bundle import Bundle

    Writer = Callable[[Answer], None]
    Fields = Callable[[Answer], dict[str, object]]

FORMATS = ("table", "json", "csv")


def row_writer(
    form: str,
    out: TextIO,
    bundle: Bundle,
    engine: str,
    *,
    header: bool = True,
    start: str | None = None,
) -> Writer:
    """Return a function that writes one answer to `out` in format `form`, its header first.

    Without `header`, the rows continue a CSV that has one. Relative paths start from the folder
    `start`, or from the working directory.

    Each row is written at once and whole, so that a reader sees results as they come and a
    signal tears no line.
    """
    if form == "table":
        return _table(out)
    fields = fields_of(bundle, engine, start)
    return _json(out, fields) if form == "json" else _csv(out, fields, header)


def fields_of(bundle: Bundle, engine: str, start: str | None = None) -> Fields:
    """Return a function that gives the fields of an answer by their names, in their order.

    The last, `signed`, has no column in a CSV: files of rows that are continued (`--resume`) have
    the columns that they had, and the bundle's digest, of which `edge-run info` says who signed it.
    Relative paths start from the folder `start`, or from the working directory.
    """
    constant = {
        "threshold": bundle.manifest.decision.threshold,
        "bundle": f"{bundle.manifest.name}-{bundle.manifest.version}",
        "bundle_sha256": bundle.identity,
        "engine": engine,
    }
    signed = bundle.signers.to_json() if bundle.signers else None

    def fields(answer: Answer) -> dict[str, object]:
        row = {**_judgement(answer, start), **constant}
        return {**{name: row[name] for name in FIELDS}, "signed": signed}

    return fields


def _judgement(answer: Answer, start: str | None) -> dict[str, object]:
    """Return the fields that differ from film to film."""
    error, source = answer.error, answer.source
    return {
        "file": answer.file,
        "status": answer.status,
        "label": answer.label,
        "probability": answer.probability,
        "logit": answer.logit,
        "film_logit": answer.film_logit,
        "refusal": error.reason if isinstance(error, Refusal) else None,
        "problem": error.problem if error else None,
        "warning": answer.warning,
        "milliseconds": answer.milliseconds,
        "place": place(answer.file, start),
        "bytes": source.bytes if source else None,
        "sha256": source.sha256 if source else None,
        "stamp": source.stamp if source else None,
    }


def _table(out: TextIO) -> Writer:
    line = "{:<10} {:>11}  {}"
    out.write(line.format("answer", "probability", "file") + "\n")

    def write(answer: Answer) -> None:
        if answer.error is None:
            said, probability = str(answer.label), f"{answer.probability:.3f}"
            warning = f" (warning: {answer.warning})" if answer.warning else ""
            told = line.format(said, probability, answer.file + warning)
        else:
            told = line.format(answer.status, "-", answer.error)
        out.write(printable(told) + "\n")
        out.flush()

    return write


def _json(out: TextIO, fields: Fields) -> Writer:
    import json

    def write(answer: Answer) -> None:
        # ASCII, so that a name of any bytes survives any terminal and any reader.
        out.write(json.dumps(fields(answer), allow_nan=False) + "\n")
        out.flush()

    return write


def _csv(out: TextIO, fields: Fields, header: bool) -> Writer:
    table = CsvTable(out, paths=[FIELDS.index("file")], quoted=True)
    if header:
        table.write(FIELDS)

    def write(answer: Answer) -> None:
        row = fields(answer)
        table.write([row[name] for name in FIELDS])
        out.flush()

    return write
