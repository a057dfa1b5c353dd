"""What a class may be called: a name that is read as one wherever it stands.

A class stands in a column of results beside our own words, in CSV files that spreadsheets open, in
lines of a terminal and in papers. On the cold path, hence what it does not import.
"""

from __future__ import annotations

from edge_runtime.bundle.schema import SchemaError, text
from edge_runtime.errors import REFUSALS

LONGEST = 64
_printable = text(LONGEST)
SIGNS = " -_.,()+&'/\u2019"
"""What may stand in a name beside letters, digits and marks of any script."""

OUR_WORDS = frozenset({"uncertain", "refused", "ok", "error", "skipped", "interrupted", *REFUSALS})
"""What stands in a result where no class does; in small letters."""

_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
# Letters and marks of Unicode that nobody sees.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0000, 0xE0FFF))


def class_name_problem(name: str) -> str:
    """Return why no bundle may have a class called `name`, or nothing where one may."""
    if not 1 <= len(name) <= LONGEST:
        return f"is empty or longer than {LONGEST} characters"
    if not name.isprintable() or any(map(_is_unseen, name)):
        return "holds characters that cannot be seen"
    if name[0] in _FORMULA or name[0] == " " or name[-1] == " ":
        return "begins with one of = + - @, or begins or ends with a space"
    if name.lower() in OUR_WORDS:
        return "is a word that results have for films without an answer"
    return ""


def class_name(value: object) -> object:
    """Accept the name of a class; the rule of a manifest."""
    if problem := class_name_problem(str(_printable(value))):
        raise SchemaError(f"the name of a class {problem}")
    return value


def spelling_problem(name: str) -> str:
    """Return why a new class may not be called `name`: as above, or by a sign that is in no name.

    Bundles from before may have such signs, and are opened as ever.
    """
    if problem := class_name_problem(name):
        return problem
    if name.isascii():
        plain, begins = name, True
    else:
        from unicodedata import category, normalize

        # The wide and the ringed forms of our words are these words to a reader.
        if problem := class_name_problem(normalize("NFKC", name).strip() or "?"):
            return problem
        begins = not category(name[0]).startswith("M")
        plain = "".join(letter for letter in name if not category(letter).startswith("M"))
    if not begins or not any(map(str.isalnum, plain)):
        return "holds no letter and no digit, or begins with a mark"
    if strange := [letter for letter in plain if not (letter.isalnum() or letter in SIGNS)]:
        return f"holds {strange[0]!r}, which is no letter, no digit and none of {SIGNS.strip()}"
    return ""


def _is_unseen(letter: str) -> bool:
    return letter in _UNSEEN or any(low <= ord(letter) <= high for low, high in _SELECTORS)
