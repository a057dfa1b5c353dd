"""The next receipt of a box: made, signed, kept, and brought to its folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import CannotWrite, DataError
from edge_runtime.fleet.counts import DecisionCounts
from edge_runtime.fleet.envelope import receipt_name, sealed
from edge_runtime.fleet.observed import (
    new_heads,
    observe_bundle,
    observe_health,
    observe_trail,
)
from edge_runtime.fleet.records import FORMAT, LARGEST, LONGEST_NAME, BoxReceipt
from edge_runtime.machine import computer
from edge_runtime.output import as_cannot_write, write_whole
from edge_runtime.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_runtime.errors import EdgeError
    from edge_runtime.fleet.box import BoxFile
    from edge_runtime.fleet.observed import ObservedBundle
    from edge_runtime.fleet.records import BoxCounts, BoxTrail


@dataclass(frozen=True, slots=True)
class WrittenReceipt:
    """A receipt and its file; `problems` are those of trails, `error` is that of the bundle."""

    receipt: BoxReceipt
    path: Path
    problems: tuple[str, ...]
    error: EdgeError | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a receipt is to be about: a bundle, or the one in use, an engine, audit trails."""

    trails: Sequence[str]
    bundle: str | None = None
    engine: str = "auto"


def write_receipt(
    kept: BoxFile, out: Path, asked: Asked, say: Callable[[str], None]
) -> WrittenReceipt:
    """Write the next receipt of a box into the folder `out`, and return it.

    A receipt that did not reach its folder before is written first.

    Raises:
        CannotWrite: the folder is none, or does not take it; what was signed is kept.
        UsageError: it cannot be signed, or nobody can tell which bundle is in use.
    """
    with as_cannot_write(out):
        if not out.is_dir():
            raise CannotWrite(out, "is no folder", "name the folder of the stick")
    if kept.box.pending is not None:
        _deliver(kept, out)
    box, counts = kept.box, DecisionCounts()
    observed = observe_bundle(asked.bundle, asked.engine, say)
    looked = [observe_trail(path, box, counts) for path in asked.trails]
    heads = tuple(trail for trail, _ in looked)
    receipt = _next(kept, observed, heads, counts.records())
    data = sealed(receipt, box.sign)
    if len(data) > LARGEST:
        raise DataError(out, "the receipt would be too large", "name fewer trails")
    kept.keep(
        replace(
            box,
            counter=receipt.counter,
            previous=sha256(data),
            heads=box.heads | new_heads(zip(asked.trails, heads, strict=True)),
            pending=data.decode("ascii"),
        )
    )
    path = _deliver(kept, out)
    problems = tuple(problem for _, problem in looked if problem)
    return WrittenReceipt(receipt, path, problems, observed.error)


def _next(
    kept: BoxFile,
    observed: ObservedBundle,
    trails: tuple[BoxTrail, ...],
    counts: tuple[BoxCounts, ...],
) -> BoxReceipt:
    """Return the receipt that follows the last one of a box, at this moment."""
    box = kept.box
    time, plausible = computer.clock()
    return BoxReceipt(
        format=FORMAT,
        box=box.name,
        key=box.public,
        counter=box.counter + 1,
        previous=box.previous,
        time=time,
        bundle=observed.bundle,
        architecture=computer.architecture()[:LONGEST_NAME],
        processor=printable(computer.processor_name())[:LONGEST_NAME] or "unknown",
        check_result=observed.check(),
        trails=trails,
        counts=counts,
        health=observe_health(kept.folder, observed.written, plausible=plausible),
    )


def _deliver(kept: BoxFile, out: Path) -> Path:
    """Write the receipt that waits into `out`; what is there already is not written again.

    Raises:
        CannotWrite: another file has its name, or the disk does not take it.
    """
    path = out / receipt_name(kept.box.name, kept.box.counter)
    data = (kept.box.pending or "").encode("ascii")
    with as_cannot_write(path, len(data)):
        is_there = path.exists()
        if is_there and path.read_bytes() != data:
            raise CannotWrite(path, "is there, and is another one", "move it to another folder")
    if not is_there:
        write_whole(path, data)
    kept.delivered()
    return path
