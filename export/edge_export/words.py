"""The words of papers and messages by modality: those of films, or of pictures of any other kind.

Sentences are written of films of the chest. Where the modality is `other`, the films are pictures
that need show no patient and no lung, and this is the one place that says in which words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Words = Callable[[str], str]
"""Turns a sentence about films into one about what is there."""

# Literal sentences and their parts; the first that fits counts.
_OF_PICTURES = {
    "the lungs' centre": "the centre",
    "without a look at the lungs": "by simple features alone",
    "without the lungs": "without the centre",
    "the lungs hidden": "the centre hidden",
    "recognises disease": "sees more than simple features",
    "Nothing tells it films from other pictures": "Nothing tells it what it was made for from "
    "other pictures",
    "does not look like a film to": "does not look like its pictures to",
    "not a film": "unlike its pictures",
    "All of these are films": "All of these are its pictures",
    "pictures that are none": "others",
    "answers for the disease": "answers for the class",
    "no evidence of medicine": "no evidence that it looks at what the pictures show",
    "in another hospital": "on pictures from elsewhere",
    "groups of patients and near-duplicates": "groups that no split may part",
    "share a patient or a near-duplicate with films": "share a group or a near-duplicate with "
    "pictures",
    "(a patient, a film and its copies)": "(pictures that belong together, one and its copies)",
    "Copies add no patients": "Copies add nothing new",
    "Different films of one patient whom no manifest names cannot be found by looking; add a": (
        "Different pictures of one thing that no manifest names cannot be found by looking; add a"
    ),
    "other exposures of one patient": "other exposures of one thing",
    "those of one patient": "those of one group",
    "share no patient and no": "share no group and no",
    "no patient is known": "no group is known",
    "groups (patients)": "groups",
    "which no patient has": "which is too many for a group",
    "if these are the patients": "if these belong together",
    ", hospitals perhaps, with folders of patients inside": " with folders of groups inside",
    "one film a patient and class counts, as far as patients are known": "one picture a group and "
    "class counts",
    "one film a patient and class": "one picture a group and class",
    "films of this hospital alone": "pictures of this place alone",
    "another hospital, other equipment or other patients need": "pictures from elsewhere need",
    "Films of one patient": "Pictures of one group",
    "as if they were of several": "as if they were of several groups",
    "where so many patients are": "where so many pictures are",
    "is nobody's waiting room": "need not be so elsewhere",
    "what treating by the answer gains": "what acting on the answer gains",
    "at which one would treat": "at which one would act",
    "true positives a patient": "true positives a picture",
    "treat all": "act on all",
    "treat none": "act on none",
    "other age groups, other projections, other diseases, other equipment than": "anything else "
    "than what is shown, and other equipment than",
}
# No part of a name: `not_a_film`, --calibration-films, class="films", films.csv and films/a.png
# stay, but films/s is a speed.
_FILM = r'(?<![\w/.-])(?<!class=")([Ff])ilm(?=s?\b)(?![\w-]*(?:\.\w|/(?!s\b)))'


_spoken: ContextVar[Words] = ContextVar("spoken", default=str)


@contextmanager
def speaking(told: Words) -> Iterator[None]:
    """Let `spoken` say by `told` what is said inside the block.

    For lines from deep down, where nobody knows the modality: how far the reading of films is.
    """
    before = _spoken.set(told)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken(text: str) -> str:
    """Return `text` in the words of the block that it is said in; those of films outside of any."""
    return _spoken.get()(text)


def counted(number: int, noun: str) -> str:
    """Return a number of things, whose name is given for one of them: "2 batches"."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{number} {noun}es"
    if re.search("[^aeiou]y$", noun):
        return f"{number} {noun[:-1]}ies"
    return f"{number} {noun}s"


def words(modality: str, *kept: str) -> Words:
    """Return the words for films of `modality`; what is in `kept`, as names of classes, stays."""
    if modality != "other":
        return str
    names = "|".join(re.escape(name) for name in sorted(kept, key=len, reverse=True) if name)
    names = rf"(?<!\w)(?:{names})(?!\w)" if names else ""
    phrases = "|".join(map(re.escape, _OF_PICTURES))
    pattern = re.compile(f"(?P<kept>{names or '(?!)'})|(?P<phrase>{phrases})|{_FILM}")
    return lambda text: pattern.sub(_of_pictures, text)


def _of_pictures(found: re.Match[str]) -> str:
    if found["kept"]:
        return found["kept"]
    if found["phrase"]:
        return _OF_PICTURES[found["phrase"]]
    return "Picture" if found[3] == "F" else "picture"
