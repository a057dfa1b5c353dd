"""Cells of a CSV that no spreadsheet takes for a formula, for every CSV that this project writes.

A spreadsheet computes a cell that begins with `=`, `+`, `-` or `@`, whether it is quoted or not,
and so a name that somebody gave to a film would be carried out. A path gets `./` before it, which
names the same file to every reader. Any other text gets an apostrophe, as spreadsheets themselves
have it; one more, where it has some already, so that `unguarded` gives the text back.
"""

from __future__ import annotations

# In some languages spreadsheets take the wide forms for the four; they skip a tab and a line's end
# in front of them.
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def guarded_path(path: str) -> str:
    """Return `path`, with `./` before it where it would be a formula."""
    return f"./{path}" if path[:1] in _FORMULA else path


def guarded(text: str) -> str:
    """Return `text`, with an apostrophe before it where it would be a formula."""
    return f"'{text}" if _is_formula(text) else text


def unguarded(cell: str) -> str:
    """Return the text that `guarded` made `cell` of."""
    return cell[1:] if cell[:1] == "'" and _is_formula(cell[1:]) else cell


def _is_formula(text: str) -> bool:
    return text.lstrip("'")[:1] in _FORMULA
