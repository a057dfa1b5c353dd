"""What the names of folders and manifest cells mean: a class, a modality or a split."""

from __future__ import annotations

import csv
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from edge_export.films.film import SPLITS, Split
from edge_runtime.bundle.class_name import LONGEST, spelling_problem
from edge_runtime.errors import DataError, UsageError

Modality = Literal["xray", "ct", "other"]
MODALITIES: tuple[Modality, ...] = ("xray", "ct", "other")
"""X-rays, CT slices, and pictures of any other kind."""
CLASSES = ("covid", "noncovid")
"""The classes that have one canonical name for all spellings; all others keep their own."""

_PARTS = ("set", "data", "split")
_TRAIN, _VAL, _TEST = ("train", "training"), ("val", "valid", "validation", "dev"), ("test",)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "covid": ("covid19", "covid positive", "covid19 positive", "positive", "sars cov 2"),
    "noncovid": (
        *("no covid", "not covid", "covid negative", "negative", "normal", "healthy"),
        *("non covid19", "covid19 negative", "no finding", "no findings"),
    ),
    "xray": ("xrays", "cxr", "cxrs", "chest xray", "chest xrays", "radiographs"),
    "ct": ("cts", "ct scan", "ct scans", "chest ct"),
    "train": ("training", "trn", *(f"{name} {kind}" for name in _TRAIN for kind in _PARTS)),
    "val": ("valid", "validation", "dev", *(f"{name} {kind}" for name in _VAL for kind in _PARTS)),
    "test": ("testing", "tst", "holdout", *(f"{name} {kind}" for name in _TEST for kind in _PARTS)),
}
# Not value, valgus or testis; eval may be either.
_LIKE_A_SPLIT = re.compile(
    r"(?:eval(?:uation)?|hold\W?out|dev|trn|tst|train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?)"
    r"(?:[\W\d_].*|set.*|split.*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """The two classes, and for each class name on the disk the class that it belongs to.

    Names of neither class are missing in `of`.
    """

    positive: str
    negative: str
    of: Mapping[str, str]


def composed(name: str) -> str:
    """Return `name` with its accents composed (Unicode NFC): macOS writes them apart."""
    return unicodedata.normalize("NFC", name)


@lru_cache(maxsize=1 << 16)
def _plain(name: str) -> str:
    name = composed(name)
    # "COVID-" beside "COVID+" is a minus sign, not a hyphen: dropping it would turn the label.
    signed = re.sub(r"-\W*$", "negative", name.strip())
    return re.sub(r"[\W_]+", "", signed.casefold()) or name


_MEANING = {
    _plain(name): meaning for meaning, names in _NAMES.items() for name in (meaning, *names)
}


def class_key(name: str) -> str:
    """Return `covid`, `noncovid` or, for any other class, its name without case or marks."""
    meaning = _MEANING.get(_plain(name), "")
    return meaning if meaning in CLASSES else _plain(name)


def says_covid(name: str) -> bool:
    """Tell whether a class is called by COVID, and not only `positive` or `normal`."""
    return class_key(name) in CLASSES and re.search("covid|sarscov", _plain(name)) is not None


def modality_of(name: str) -> Modality | None:
    """Return the modality that the name of a folder or a cell means, if any.

    `other` is none of them: it is the name of a class as well. It has to be said.
    """
    return next((m for m in MODALITIES if m == _MEANING.get(_plain(name))), None)


def stated_modality(text: str) -> Modality | None:
    """Return the modality that an option or a manifest's column states, if it is one."""
    return "other" if _plain(text) == "other" else modality_of(text)


@lru_cache(maxsize=1 << 16)
def split_of(name: str) -> Split | None:
    """Return the split that `name` means, if any."""
    return next((split for split in SPLITS if split == _MEANING.get(_plain(name))), None)


def resembles_split(name: str) -> bool:
    """Tell whether `name` may be that of a split, though it is none that is known."""
    return split_of(name) is None and _LIKE_A_SPLIT.fullmatch(name.strip()) is not None


_MOST_LISTED = 12
"""How many names a line lists: a folder for each patient would fill a screen."""


def listed(counts: Mapping[str, int]) -> str:
    """Return names with their counts, for one line of an error."""
    names = sorted(counts)
    shown = ", ".join(f"{name} ({counts[name]})" for name in names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def match_classes(
    counts: Mapping[str, int], *, positive: str, negative: str | None = None, subject: object
) -> ClassMapping:
    """Sort class names into a positive and a negative; `counts` has the films of each name.

    Spellings of one class are merged. Where a name found or chosen says covid, covid and noncovid
    go by these names unless `positive` is a third class. Otherwise every class keeps the
    (alphabetically first) spelling found, and `positive` or `normal` mean nothing else.
    `positive` and `negative` may each name several classes, with commas between; without
    `negative`, it is the one class that is left. What neither names is not in the mapping.

    Raises:
        DataError: there are not exactly two classes, one is not as it is named, or a name cannot
            be printed.
        UsageError: a class is named as both.
    """
    if bad := [name for name in counts if not name.isprintable()]:
        raise DataError(subject, f"class name {bad[0]!a} cannot be printed", "rename it")
    key = keys_for((*counts, *class_names(positive), *class_names(negative or "")))
    chosen, others = _sides(counts, positive, negative, subject, key)
    canonical = key is class_key and any(name in CLASSES for name in chosen)
    label, other = (_label(side, counts, key, canonical=canonical) for side in (chosen, others))
    if canonical and chosen == ["covid"] and len(others) > 1:
        other = "noncovid"
    require_class_names((label, other), subject)
    of = {name: label for name in counts if key(name) in chosen}
    return ClassMapping(label, other, of | {name: other for name in counts if key(name) in others})


def require_class_names(names: Iterable[str], subject: object) -> None:
    """Refuse classes whose names would be taken for something else, or cannot be read.

    Raises:
        DataError: one of `names`, which `subject` holds, is no name of a class.
    """
    for name in names:
        if problem := spelling_problem(composed(name)):
            cure = "rename the class: letters, digits and a few signs"
            raise DataError(subject, f"class name {name[:LONGEST]!r} {problem}", cure)


ClassKey = Callable[[str], str]
"""Gives what the spellings of one class have in common."""


def keys_for(names: Iterable[str]) -> ClassKey:
    """Return what tells the classes of these names apart: meanings only where one says covid."""
    return class_key if any(map(says_covid, names)) else _plain


def _sides(
    counts: Mapping[str, int], positive: str, negative: str | None, subject: object, key: ClassKey
) -> tuple[list[str], list[str]]:
    """Return the keys of the positive and of the negative classes."""
    keys = {key(name) for name in counts}
    several = len(class_names(positive, counts)) > 1
    if negative is None and not several and len(keys) != 2:
        raise _not_two(counts, positive, subject, key)
    chosen = _named(positive, counts, "--positive", subject, key)
    if negative is None:
        others = sorted(keys - {*chosen})
        if len(others) != 1:
            raise _not_two(counts, positive, subject, key)
        return chosen, others
    others = _named(negative, counts, "--negative", subject, key)
    if both := {*chosen} & {*others}:
        names = sorted(name for name in counts if key(name) in both)
        raise UsageError("--negative", f"{names[0]!r} is positive too", "name it once")
    return chosen, others


def class_names(text: str, known: Iterable[str] = ()) -> list[str]:
    """Return the class names in `text`, each once, with commas between.

    A name may hold a comma where it is one of `known` (the longest that fits is taken), or stands
    in double quotes, as a cell of a CSV does.
    """
    parts = next(csv.reader([text], skipinitialspace=True), []) if '"' in text else text.split(",")
    keys = {_plain(name) for name in known if "," in name}
    names: dict[str, str] = {}
    while parts:
        fits = (n for n in range(len(parts), 1, -1) if _plain(",".join(parts[:n])) in keys)
        length = next(fits, 1)
        name = composed(",".join(parts[:length]).strip())
        if name:
            names.setdefault(_plain(name), name)
        parts = parts[length:]
    return list(names.values())


def _spelled(names: Iterable[str]) -> str:
    """Return names as an option takes them, quoted for a shell."""
    return shlex.quote(",".join(f'"{name}"' if "," in name else name for name in names))


def joined(names: Sequence[str]) -> str:
    """Return the name of a class that several make, which fits into a bundle's manifest."""
    name = "+".join(names)
    return (
        name
        if len(name) <= LONGEST or len(names) == 1
        else f"{names[0][:40]}+{len(names) - 1} more"
    )


def _not_two(counts: Mapping[str, int], positive: str, subject: object, key: ClassKey) -> DataError:
    keys: dict[str, str] = {}
    for name in sorted(counts):
        keys.setdefault(key(name), name)
    problem = f"two classes are needed, {len(keys)} found: {listed(counts)}"
    cure = "keep one folder or label for each of the two classes"
    if 2 < len(keys) <= _MOST_LISTED:
        wanted = {key(name) for name in class_names(positive, counts)}
        chosen = [name for found, name in keys.items() if found in wanted]
        lead = "say which are negative:" if chosen else "say which is which, for example"
        chosen = chosen or list(keys.values())[:1]
        others = [name for name in keys.values() if name not in chosen]
        option, other = map(_spelled, (chosen, others))
        cure = f"{lead} --positive {option} --negative {other}"
    elif len(keys) > 2:
        cure = "name them: --positive A --negative B,C"
    return DataError(subject, problem, cure)


def _named(
    text: str, counts: Mapping[str, int], option: str, subject: object, key: ClassKey
) -> list[str]:
    """Return the keys of the classes that an option names."""
    names, keys = class_names(text, counts), {key(name) for name in counts}
    if missing := [name for name in names if key(name) not in keys]:
        problem = f"no class is named {missing[0]!r}, found: {listed(counts)}"
        what = "the positive class" if option == "--positive" else "the negative classes"
        raise DataError(subject, problem, f"name {what} with {option}")
    if not names:
        raise UsageError(option, f"{text!r} names no class", "name one, or several with commas")
    return list(dict.fromkeys(map(key, names)))


def _label(
    keys: Sequence[str], counts: Mapping[str, int], key: ClassKey, *, canonical: bool
) -> str:
    """Return the label of a class: its canonical name, or the first spelling of each part."""
    spelled: dict[str, str] = {}
    for name in sorted(counts):
        found = key(name)
        spelled.setdefault(found, found if canonical and found in CLASSES else name)
    return joined([spelled[found] for found in keys])
