"""Checking a CSV to resume: its header, its rows, and the torn row that a killed run leaves."""

from __future__ import annotations

import re

from edge_runtime.answer.classify import FIELDS, STATUSES
from edge_runtime.errors import UsageError

ANOTHER = "give the name of another file"
HEADER = ",".join(f'"{name}"' for name in FIELDS).encode() + b"\n"

_STATUS = FIELDS.index("status")
_OURS = {"file", "status", "bundle_sha256"}
"""Columns by which a CSV is known as ours, of whatever version."""
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_QUOTED = re.compile(rb'"((?:[^"]|"")*)("?)')
_BARE = re.compile(rb'[^",\r\n]*')


def require_header(path: str, columns: list[str], raw: bytes) -> None:
    """Refuse a file that is no CSV of ours, or one whose columns are not those that we write.

    Raises:
        UsageError: its columns are others.
    """
    if columns == list(FIELDS):
        return
    for separator, words in _SEPARATORS.items():
        if set(raw.decode("utf-8", "replace").replace('"', "").split(separator)) >= _OURS:
            problem = f"has {words} between its columns"
            raise UsageError(path, problem, f"save it with commas, or {ANOTHER}")
    if not _OURS.issubset(columns):
        raise UsageError(path, "is no CSV of edge-run classify", ANOTHER)
    foreign = [name for name in columns if name not in FIELDS]
    if not set(FIELDS).issubset(columns):
        raise UsageError(path, "has the columns of another version of edge-run", ANOTHER)
    if foreign:
        problem = f"has a column that edge-run does not write, {foreign[0][:40]!r}"
        raise UsageError(path, problem, f"remove it, or {ANOTHER}")
    raise UsageError(path, "has its columns in another order", f"put them back, or {ANOTHER}")


def is_row(row: list[str], raw: bytes) -> bool:
    """Tell whether a line is a whole row. A spreadsheet may have left out the last line's end."""
    if len(row) != len(FIELDS) or row[_STATUS] not in STATUSES:
        return False
    # Our own last cell is in quotes; a line without them was not torn by a killed process.
    return raw.endswith((b"\n", b'"')) or not raw.startswith(b'"')


def is_blank(row: list[str], raw: bytes) -> bool:
    """Tell whether a line holds nothing, as spreadsheets and editors leave it."""
    return raw.endswith(b"\n") and (not raw.strip() or (bool(row) and not any(row)))


def is_torn(raw: bytes) -> bool:
    """Tell whether a line that is no row may be one torn by a killed process or a power failure.

    A killed process leaves the beginning of one row, and a power failure NULs. Anything else was
    written by somebody, and is not ours to remove.
    """
    return b"\0" in raw or (raw.startswith(b'"') and _begins_a_row(raw))


def _begins_a_row(raw: bytes) -> bool:
    """Tell whether a row that we write can begin like this and go on."""
    place = 0
    for column in range(len(FIELDS)):
        if quoted := _QUOTED.match(raw, place):
            text, place = quoted[1], quoted.end()
            if column == _STATUS and not _is_status(text, whole=bool(quoted[2])):
                return False
            if not quoted[2]:
                return True
        else:
            bare = _BARE.match(raw, place)
            place = bare.end() if bare else place
            if column == _STATUS and place != len(raw):
                return False
        if place == len(raw):
            return True
        if raw[place : place + 1] != b",":
            return raw[place:] == b"\r" and column == len(FIELDS) - 1
        place += 1
    return False


def _is_status(text: bytes, *, whole: bool) -> bool:
    known = [status.encode() for status in STATUSES]
    return text in known if whole else any(status.startswith(text) for status in known)
