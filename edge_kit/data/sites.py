"""Folders above those of patients, such as hospitals: told by the names of the folders in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from edge_export.words import counted
from edge_kit.data.labels import class_key

# `p001`, `Patient 12`, `sub-01`; or a number alone, which a study may have as well as a patient.
_PATIENT = re.compile(
    r"(?:p|pt|pat|patient|pid|person|case|sub|subj|subject|id)[\W_]*\d+\w*", re.IGNORECASE
)
_NUMBER = re.compile(r"(?!(?:19|20)\d{6}$)\d+")  # but no day
_FEW = 4
"""Folders called by numbers alone are studies where a folder holds fewer of them on average."""

FolderWay = tuple[str, ...]


def hold_patients(ways: Iterable[FolderWay]) -> bool:
    """Tell whether `ways` are class, place, patient, with several places to a class.

    So they are where all third folders are called as patients are and no second one is. Where that
    is not sure, the second folder is the patient and the others are studies: a group that is too
    large is no leak.
    """
    triples = {way[:3] for way in ways}
    pairs = {triple[1:] for triple in triples}
    classes = [triple[0] for triple in {triple[:2] for triple in triples}]
    if len(set(classes)) == len(classes) or any(len(pair) < 2 for pair in pairs):
        return False
    places, inner = {place for place, _ in pairs}, {name for _, name in pairs}
    if any(_PATIENT.fullmatch(name) or re.search(r"\d{3}", name) for name in places):
        return False
    if all(map(_PATIENT.fullmatch, inner)):
        return True
    named = any(map(str.isdecimal, places))
    return all(map(_NUMBER.fullmatch, inner)) and not named and len(pairs) >= _FEW * len(places)


def class_below_place(ways: Collection[FolderWay], skipped: int, known: Collection[str]) -> bool:
    """Tell whether `ways` are place, class, patient from the folder at `skipped` on.

    `known` are keys of names that are known to be classes, which no place is called by.
    """
    inner = [way[skipped:] for way in ways]
    if any(len(way) < 3 or class_key(way[0]) in known for way in inner):
        return False
    classes = {class_key(way[1]) for way in inner}
    patients = [(way[1], way[0], way[2]) for way in inner]
    return len(classes) > 1 and bool(classes & {*known}) and hold_patients(patients)


def joined(way: FolderWay) -> FolderWay:
    """Return a way, from the place on, with the place in the patient's name."""
    place, patient, *below = way
    return (f"{place}/{patient}", *below)


def places_told(class_name: str, ways: Iterable[FolderWay]) -> str:
    """Return in a line how the places below a class were taken, and name none."""
    pairs = {way[:2] for way in ways}
    number = len({place for place, _ in pairs})
    recurring = len(pairs) - len({name for _, name in pairs})
    again = f" ({recurring} here; write a manifest.csv if they are one)" if recurring else ""
    return (
        f"{counted(number, 'folder')} below {class_name}, hospitals perhaps, with folders of "
        "patients inside: groups are those, and equal names in two of them are two groups"
        f"{again}"
    )
