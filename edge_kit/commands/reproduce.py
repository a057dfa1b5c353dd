"""`edge-kit reproduce`: a bundle exported again from its run, and compared byte for byte."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from edge_kit.arguments import (
    Parser,
    cache_options,
    elsewhere_option,
    folders_option,
    out_file,
    reader_of,
)
from edge_kit.commands import export
from edge_kit.console import say, write
from edge_runtime.errors import CannotWrite, ParityFailed, UsageError
from edge_runtime.output import require_place, write_whole
from edge_runtime.text import printable

if TYPE_CHECKING:
    from edge_kit.exporting.order import ExportOrder
    from edge_kit.exporting.reproduce import Reproduction
    from edge_runtime.bundle import Bundle
    from edge_runtime.bundle.provenance import Provenance

HELP = "export a bundle's run again and compare the two, byte for byte"
_SHOWN = {"same": "same", "rounding": "ROUNDING", "different": "DIFFERENT"}
_OUTCOME = {
    "same": "the same, byte for byte",
    "rounding": "the same within rounding, as on another kind of processor",
    "different": "DIFFERENT",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="what was exported")
    parser.add_argument(
        "--run",
        dest="source",
        type=Path,
        required=True,
        metavar="RUN|MODEL.keras",
        help="what it was exported from; how is what the bundle records",
    )
    folders_option(parser, "default: what RUN trained on")
    elsewhere_option(parser)
    parser.add_argument(
        "--limits", type=Path, metavar="FILE", help="of the export; default: those in the card"
    )
    parser.add_argument(
        "--exact", action="store_true", help="leave with 7 unless every byte is the same"
    )
    parser.add_argument(
        "--out", type=out_file, metavar="NEW.edge", help="keep the bundle that is made again"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    cache_options(parser)
    parser.epilog = (
        "exit status: 0 the same, or within rounding; 7 something differs by more, 9 RUN or its "
        "films are not those of the bundle"
    )


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.exporting.reproduce import reproduce, require_reproducible
    from edge_runtime.bundle import verify_all

    _require_new(options.out)
    with verify_all(options.bundle) as bundle, TemporaryDirectory() as name:
        noted = require_reproducible(bundle, options.source)
        order = _order(options, bundle, noted, Path(name))
        outcome = reproduce(bundle, noted, order, reader_of(options), say)
        if options.out:
            write_whole(options.out, order.out.read_bytes())
            say(f"wrote {options.out}, identity {outcome.again}")
    write(_json(outcome) if options.format == "json" else _table(outcome))
    _require_reproduced(options, outcome)


def _require_new(out: Path | None) -> None:
    if out is None:
        return
    export.require_bundle_name(out)
    if out.exists():
        raise CannotWrite(out, "exists already", "name a new file")
    require_place(out, "a .edge file")


def _order(
    options: argparse.Namespace, bundle: Bundle, noted: Provenance | None, folder: Path
) -> ExportOrder:
    """Return the order that exports the bundle again, to `folder`."""
    from edge_kit.exporting.recorded import limits_for, recorded_command, repeated_options
    from edge_kit.training.run import is_run

    words = recorded_command(bundle, noted)
    parser = Parser(prog="edge-kit export")
    export.add_options(parser)
    # By its own name, which a card may not name beside it; where it is kept is said later.
    out = folder / f"{bundle.manifest.name}.edge"
    again = repeated_options(words, parser, str(options.bundle), options.data, out)
    again.source = options.source
    if options.data is None and not is_run(options.source):
        problem = f"{options.source} is no run, and does not say on which films it was exported"
        raise UsageError("--data", problem, "add --data DIR")
    if again.limits is not None:
        again.limits = limits_for(bundle, options.limits, folder)
    if again.elsewhere is not None:
        if options.elsewhere is None:
            problem = "was exported with films from elsewhere"
            raise UsageError(options.bundle, problem, "add --elsewhere DIR")
        again.elsewhere = options.elsewhere
    return export.order(again)


def _table(outcome: Reproduction) -> str:
    rows = [(part.name, _SHOWN[part.agreement], part.text) for part in outcome.parts]
    rows += [
        (part.name, "noted" if part.agreement == "different" else "same", part.text)
        for part in outcome.noted
    ]
    width = max(len(name) for name, *_ in rows)
    lines = [f"{name:<{width}}  {state:<9}  {printable(text)}\n" for name, state, text in rows]
    return "".join([*lines, f"\n{_OUTCOME[outcome.outcome]}, in {outcome.seconds:.0f} s\n"])


def _json(outcome: Reproduction) -> str:
    return json.dumps(outcome.to_json(), indent=2, sort_keys=True, allow_nan=False) + "\n"


def _require_reproduced(options: argparse.Namespace, outcome: Reproduction) -> None:
    """Raise what is not as it was ordered to be.

    Raises:
        ParityFailed: something differs by more than rounding, or at all where that was asked for.
    """
    accepted = ("same",) if options.exact else ("same", "rounding")
    if outcome.outcome in accepted:
        return
    parts = [part.name for part in outcome.parts if part.agreement not in accepted]
    problem = f"is not what {options.source} gives here: {', '.join(parts)} differ"
    cure = "compare versions, films and processor, see the table"
    raise ParityFailed(options.bundle, problem, cure)
