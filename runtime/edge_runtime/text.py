"""Text made fit for where it goes: a terminal, a table for spreadsheets, a page.

Names of files, of classes and what decoders say come from strangers. A terminal carries out control
characters, a reader is misled by those that turn the direction of writing, and a spreadsheet
computes a cell that begins with `=`, `+`, `-` or `@`, whether it is quoted or not. Whatever this
project prints or writes into a table goes through here; pages do through the template engine, which
escapes what HTML means, after `lines`.

In a table a path gets `./` before it, which names the same file to every reader. Any other text
gets an apostrophe, as spreadsheets themselves have it; one more, where it has some already, so that
`unguarded` gives the text back.

On the cold path of `edge-run`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import TextIO

# In some languages spreadsheets take the wide forms for the four; they skip a tab and a line's end
# in front of them.
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def printable(text: object) -> str:
    """Return `text` on one line, with control characters and undecodable bytes escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def lines(text: object) -> str:
    """Return `text` with each of its lines `printable`."""
    return "\n".join(map(printable, str(text).split("\n")))


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


class CsvTable:
    """Rows of cells that no spreadsheet computes, one of which may be a path.

    Every text is quoted where `quoted`: before Python 3.13 a bare carriage return in a name would
    not be. On a terminal each is `printable`; in a file or a pipe it is what it was, so that
    a program finds the file that a path names.
    """

    def __init__(
        self, stream: TextIO, *, paths: Collection[int] = (), quoted: bool = False
    ) -> None:
        """Write to `stream`; the cells at the places `paths` are paths of files."""
        import csv  # which not every command writes

        self._rows = csv.writer(
            stream,
            lineterminator="\n",
            quoting=csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL,
        )
        self._paths = paths
        self._is_watched = stream.isatty()

    def write(self, row: Sequence[object]) -> None:
        """Write one row; what is no text stays what it is."""
        self._rows.writerow([self._fit(place, cell) for place, cell in enumerate(row)])

    def write_all(self, rows: Iterable[Sequence[object]]) -> None:
        """Write several rows."""
        for row in rows:
            self.write(row)

    def _fit(self, place: int, cell: object) -> object:
        if not isinstance(cell, str):
            return cell
        cell = printable(cell) if self._is_watched else cell
        return guarded_path(cell) if place in self._paths else guarded(cell)
