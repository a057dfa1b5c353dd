"""The command that exported a bundle, as the bundle records it, made ready to be carried out again.

Paths stand in it as placeholders, and none is taken from it: what a bundle says is not trusted to
name a file of this machine.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from edge_export.report.card import CARD, limits_of
from edge_kit.arguments import Parser
from edge_kit.data.film_folders import Folders
from edge_kit.exporting.preprocessing import PRESETS
from edge_runtime.bundle import Bundle
from edge_runtime.bundle.provenance import Provenance
from edge_runtime.errors import EdgeError, UsageError

_START = ["edge-kit", "export"]
_OURS = ("--data", "--out")  # which are said anew
_FILES = ("expected_predictions", "cache")


def recorded_command(bundle: Bundle, noted: Provenance | None) -> list[str]:
    """Return the words of the command that exported `bundle`, from its note or else from its card.

    Raises:
        UsageError: it records none.
    """
    line = noted.commands.export if noted else None
    words = shlex.split(line) if line else _in_card(bundle)
    if words[:2] != _START or len(words) < 3:
        cure = "export the run with edge-kit export, and compare with edge-run info"
        raise UsageError(bundle.path, "does not record the command that exported it", cure)
    return words


def _in_card(bundle: Bundle) -> list[str]:
    """Return the command that a card shows as a block, indented, its lines joined."""
    if CARD not in bundle.manifest.files:
        return []
    text = bytes(bundle.read(CARD)).decode("utf-8", "replace").replace("\\\n", " ")
    line = next((row for row in text.splitlines() if row.startswith("    edge-kit export ")), "")
    try:
        return shlex.split(line)
    except ValueError:
        return []


def repeated_options(
    words: list[str], parser: Parser, subject: str, data: Folders | None, out: Path
) -> argparse.Namespace:
    """Return the options of `parser`, that of `edge-kit export`, by the recorded `words`.

    The films are those in `data`, by default what the run was trained on; the bundle is `out`.

    Raises:
        UsageError: they are not of this version, or name a file that only its maker has.
    """
    kept = _without(words[2:], _OURS)
    try:
        options = parser.parse_args([*kept, "--out", str(out)])
    except EdgeError as error:
        problem = f"records a command that is not of this version ({error.problem})"
        raise UsageError(subject, problem, "use the edge-kit that `edge-run info` names") from None
    files = [*_FILES, *([] if options.preprocessing in PRESETS else ["preprocessing"])]
    for name in files:
        if getattr(options, name) is not None:
            option = "--" + name.replace("_", "-")
            problem = f"was exported with {option}, whose file it does not hold"
            raise UsageError(subject, problem, "export it with edge-kit export")
    options.data = data
    return options


def _without(words: list[str], options: tuple[str, ...]) -> list[str]:
    """Return `words` without these options and their values."""
    kept: list[str] = []
    skip = False
    for word in words:
        if not (skip or word in options):
            kept.append(word)
        skip = word in options and not skip
    return kept


def limits_for(bundle: Bundle, limits: Path | None, folder: Path) -> Path:
    """Return the file with the limits of the data: `limits`, or what the card says of them.

    The latter is written to `folder`.

    Raises:
        UsageError: the card has no limits.
    """
    if limits is not None:
        return limits
    text = bytes(bundle.read(CARD)).decode() if CARD in bundle.manifest.files else ""
    said = limits_of(text)
    if not said:
        raise UsageError(bundle.path, "has a card without limits of the data", "add --limits FILE")
    path = folder / "limits.md"
    path.write_text(said, encoding="utf-8")
    return path
