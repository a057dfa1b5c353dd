"""What has to be said beside figures: printed as it is found, and first in every paper.

The line on the terminal and the line on paper come from one list, so that they cannot differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge_export.words import Words

WARNING = "warning: "
HEADING = "## Before you read on"
"""The heading of the section that stands first in a card and in a checklist."""
ELSEWHERE = "Elsewhere: "
"""How a sentence begins on films from elsewhere; such sentences stand before all others."""
FIRST = ("site", "warnings", "caveat")
"""The keys with which a paper in JSON begins; those of a site come before the maker's."""


class Cautions:
    """What one command has to say beside its figures, in the order in which it was found.

    `warnings` name no film and no path, for papers are for every reader. `caveat` is what an audit
    says the figures are worth, in sentences, the conclusion first.
    """

    def __init__(
        self, say: Callable[[str], None], told: Words = str, warnings: Sequence[str] = ()
    ) -> None:
        """Begin with `warnings` that were said before; `say` gets a line for each new one.

        Warnings are said and kept in the words of `told`.
        """
        self._say, self._told = say, told
        self._warnings, self._caveat = list(warnings), list[str]()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was said so far."""
        return tuple(self._warnings)

    @property
    def caveat(self) -> tuple[str, ...]:
        """What the figures are worth, as far as it is known."""
        return tuple(self._caveat)

    def warn(self, *lines: str) -> None:
        """Say each of `lines`, and keep it for the papers; a line that was said is not said again.

        A line is a sentence without its full stop.
        """
        for line in map(self._told, lines):
            if line not in self._warnings:
                self._warnings.append(line)
                self._say(WARNING + line)

    def weigh(self, *sentences: str) -> None:
        """Add `sentences` on what the figures are worth; whoever shows the figures shows them."""
        self._caveat.extend(sentences)

    def part(self, name: str) -> Cautions:
        """Return the cautions of a part, such as a fold: all of these, and its own.

        What is said of the part is kept here as well, with its name before it.
        """

        def say(line: str) -> None:
            self.warn(f"{name}: {line.removeprefix(WARNING)}")

        return Cautions(say, self._told, self.warnings)


def first_section(warnings: Sequence[str], caveat: Sequence[str] = ()) -> str:
    """Return the first section of a paper in Markdown; nothing where there is nothing to say.

    The conclusion of the caveat stands first, then the warnings, then what the caveat rests on.

    Each sentence is one line, however long, so that a search finds it as it was printed.
    """
    if not (warnings or caveat):
        return ""
    listed = "".join(f"- {line}\n" for line in warnings)
    conclusion = "".join(f"**{sentence}**\n" for sentence in caveat[:1])
    reasons = "".join(f"- {sentence}\n" for sentence in caveat[1:])
    parts = (f"{HEADING}\n", conclusion, listed, reasons)
    return "\n".join(part for part in parts if part) + "\n"


def on_elsewhere(caveat: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the sentences of a `caveat` on films from elsewhere, and the others."""
    found = [sentence for sentence in caveat if sentence.startswith(ELSEWHERE)]
    return found, [sentence for sentence in caveat if not sentence.startswith(ELSEWHERE)]


def foremost(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain JSON `content` with the keys of `FIRST` at its head, all others in their order.

    Raises:
        ValueError: a number in it is not finite.
    """
    ordered: dict[str, Any] = json.loads(json.dumps(content, sort_keys=True, allow_nan=False))
    return {key: ordered[key] for key in FIRST if key in ordered} | ordered
