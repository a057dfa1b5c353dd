# ruff: noqa: RUF001 - letters of other scripts are meant
"""What a text says of the part of the body that a film shows: words of many languages -> parts.

Nothing is said by a word that is not known, so that it refuses no film.
"""

from __future__ import annotations

from functools import cache
from unicodedata import category, normalize

from edge_runtime.film.dicom.body_words import BESIDE, OTHER_TERMS, WORDS

# Letters that decompose into nothing simpler, and those that Arabic and Persian keyboards have
# two of.
_ALIKE = str.maketrans({
    "đ": "d", "ð": "d", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th",
    "ی": "ي", "ى": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ة": "ه", "ə": "a",
})  # fmt: skip
_LONGEST_WORD = 64  # letters that are taken apart: DICOM allows 16 in all


def folded(text: str) -> str:
    """Return `text` in small letters, without accents, in one form of Unicode."""
    if text.isascii():
        return text.lower()
    plain = normalize("NFKD", normalize("NFKD", text).casefold().translate(_ALIKE))
    return "".join(
        letter for letter in plain if category(letter)[0] != "M" and category(letter) != "Cf"
    )


def words(text: str) -> list[str]:
    """Return the folded words of `text`, split at what is neither letter nor digit."""
    return "".join(letter if letter.isalnum() else " " for letter in folded(text)).split()


@cache
def _vocabulary() -> dict[str, frozenset[str]]:
    """Return the parts that each folded word can mean."""
    meanings: dict[str, frozenset[str]] = {
        folded(term): frozenset({term}) for term in OTHER_TERMS.split()
    }
    for part, names in WORDS.items():
        for name in names.split():
            meanings[folded(name)] = meanings.get(folded(name), frozenset()) | {part}
    return meanings


@cache
def _pieces() -> dict[str, frozenset[str]]:
    """Return what a word can be joined from: words for parts, and others that mean no part."""
    return {**_vocabulary(), **{folded(word): frozenset() for word in BESIDE.split()}}


def meant(term: str) -> frozenset[str]:
    """Return the parts that a bundle means by one of its terms, such as `CHEST` by `LUNG`."""
    return _vocabulary().get(folded(term), frozenset({term}))


def named(text: str) -> list[frozenset[str]]:
    """Return the parts that each understood word of `text` can mean; there may be none."""
    terms = words(text)
    if whole := _pieces().get("".join(terms)):  # C-SPINE, WHOLE BODY
        return [whole]
    return [parts for word in terms for parts in _parts(word) if parts]


def _parts(word: str) -> list[frozenset[str]]:
    """Return the meanings of the pieces that fill `word` wholly: `CHESTPA`, `ABDOMENPELVIS`."""
    pieces = _pieces()
    if word in pieces:
        return [pieces[word]]
    if len(word) > _LONGEST_WORD:
        return []
    # The meanings of what begins at each letter, from the last letter to the first; the longest
    # piece counts, so that a thoracic spine is no chest.
    rest: list[list[frozenset[str]] | None] = [None] * len(word) + [[]]
    for start in reversed(range(len(word))):
        for end in range(len(word), start, -1):
            follows, piece = rest[end], pieces.get(word[start:end])
            if follows is not None and piece is not None:
                rest[start] = [piece, *follows]
                break
    return rest[0] or []
