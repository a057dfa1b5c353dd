"""Markdown of the drafts: headings, lists of what is known, and marked blanks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_kit.documents.facts import NOT_A_DEVICE, Facts, blank
from edge_runtime.text import lines


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a draft: its heading, what the bundle holds of it, and what it does not."""

    heading: str
    known: Sequence[str]
    blanks: Sequence[str]


def draft(facts: Facts, title: str, foreword: str, sections: Iterable[Section]) -> bytes:
    """Return a draft about a bundle as Markdown; `foreword` says of what it is a draft."""
    head = [
        f"# {title}: {facts.title}",
        f"**{NOT_A_DEVICE}**",
        f"{foreword} It is a draft by a program: what the bundle holds is filled in, and what it "
        f"does not is marked `{blank('...')}`. Nothing in it was reviewed, and it claims no "
        "conformity.",
        f"Bundle `{facts.identity}`.",
    ]
    body = [part for section in sections for part in _section(section)]
    return (facts.told(lines("\n\n".join([*head, *body]))) + "\n").encode()


def _section(section: Section) -> list[str]:
    level = "###" if section.heading[:1] == "(" else "##"
    parts = [f"{level} {section.heading}", *section.known]
    listed = "\n".join(f"- {blank(what)}" for what in section.blanks)
    return [*parts, *([listed] if listed else [])]


def figures(facts: Facts) -> str:
    """Return the figures on the test films as a list."""
    lines = (f"`{figure.graph}` {figure}" for figure in facts.figures)
    return listed(lines, "figures on test films")


def losses(facts: Facts) -> str:
    """Return what the graphs lose against the float model as a list."""
    return listed(map(str, facts.losses), "what the graphs lose against the float model")


def listed(items: Iterable[str], otherwise: str) -> str:
    """Return a list of `items`, or a blank for what they would be."""
    return "\n".join(f"- {item}" for item in items) or f"- {blank(otherwise)}"
