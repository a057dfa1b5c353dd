"""What the names of folders and manifest cells mean: a class, a modality or a split."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edge_export.films.film import SPLITS, Split
from edge_runtime.errors import DataError

Modality = Literal["xray", "ct", "other"]
MODALITIES: tuple[Modality, ...] = ("xray", "ct", "other")
"""X-rays, CT slices, and pictures of any other kind."""
CLASSES = ("covid", "noncovid")
"""The classes that have one canonical name for all spellings; all others keep their own."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "covid": ("covid19", "covid positive", "covid19 positive", "positive", "sars cov 2"),
    "noncovid": (
        *("no covid", "not covid", "covid negative", "negative", "normal", "healthy"),
        *("non covid19", "covid19 negative", "no finding", "no findings"),
    ),
    "xray": ("xrays", "cxr", "cxrs", "chest xray", "chest xrays", "radiographs"),
    "ct": ("cts", "ct scan", "ct scans", "chest ct"),
    "train": ("training",),
    "val": ("valid", "validation"),
    "test": ("testing",),
}


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """The two classes, and for each class name on the disk the class that it belongs to."""

    positive: str
    negative: str
    of: Mapping[str, str]


def _plain(name: str) -> str:
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


def modality_of(name: str) -> Modality | None:
    """Return the modality that the name of a folder or a cell means, if any.

    `other` is none of them: it is the name of a class as well. It has to be said.
    """
    return next((m for m in MODALITIES if m == _MEANING.get(_plain(name))), None)


def stated_modality(text: str) -> Modality | None:
    """Return the modality that an option or a manifest's column states, if it is one."""
    return "other" if _plain(text) == "other" else modality_of(text)


def split_of(name: str) -> Split | None:
    """Return the split that `name` means, if any."""
    return next((split for split in SPLITS if split == _MEANING.get(_plain(name))), None)


def listed(counts: Mapping[str, int]) -> str:
    """Return names with their counts, for one line of an error."""
    return ", ".join(f"{name} ({counts[name]})" for name in sorted(counts))


def match_classes(counts: Mapping[str, int], *, positive: str, subject: object) -> ClassMapping:
    """Sort class names into a positive and a negative; `counts` has the films of each name.

    Spellings of one class are merged. covid and noncovid go by these names unless `positive` is
    a third class: then every class keeps the (alphabetically first) spelling found.

    Raises:
        DataError: there are not exactly two classes, none is `positive`, or a name cannot be
            printed.
    """
    if bad := [name for name in counts if not name.isprintable()]:
        raise DataError(subject, f"class name {bad[0]!a} cannot be printed", "rename it")
    canonical = class_key(positive) in CLASSES
    names: dict[str, str] = {}
    for name in sorted(counts):
        key = class_key(name)
        names.setdefault(key, key if canonical and key in CLASSES else name)
    if len(names) != 2:
        raise DataError(
            subject,
            f"two classes are needed, {len(names)} found: {listed(counts)}",
            "keep one folder or label for each of the two classes",
        )
    if class_key(positive) not in names:
        raise DataError(
            subject,
            f"no class is named {positive!r}, found: {listed(counts)}",
            "name the positive class with --positive",
        )
    chosen = names.pop(class_key(positive))
    (negative,) = names.values()
    return ClassMapping(
        positive=chosen,
        negative=negative,
        of={
            name: chosen if class_key(name) == class_key(positive) else negative for name in counts
        },
    )
