"""A folder of receipts, as whoever can write to it has left it: nothing in it is believed yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from edge_kit.fleet.opening import SignedReceipt, open_receipt
from edge_runtime.errors import DataError
from edge_runtime.fleet.records import BoxReceipt, BoxTrail

MOST_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class ReceiptLink:
    """What the chain of a box's receipts is judged by: one receipt, without the rest of it.

    `plausible` is what the box thinks of its own clock: many have no battery for it.
    """

    counter: int
    digest: str
    previous: str
    time: datetime
    plausible: bool
    trails: tuple[BoxTrail, ...]


@dataclass(slots=True)
class BoxHistory:
    """The receipts of one box that one key signed, each once; the first and the newest in full."""

    box: str
    key: str
    first: BoxReceipt
    newest: BoxReceipt
    links: dict[str, ReceiptLink] = field(default_factory=dict)

    def add(self, signed: SignedReceipt) -> bool:
        """Take a receipt in; tell whether it is a new one."""
        receipt = signed.receipt
        if signed.digest in self.links:
            return False
        self.links[signed.digest] = ReceiptLink(
            receipt.counter,
            signed.digest,
            receipt.previous,
            signed.time,
            receipt.health.clock_plausible,
            receipt.trails,
        )
        if receipt.counter < self.first.counter:
            self.first = receipt
        if receipt.counter >= self.newest.counter:
            self.newest = receipt
        return True

    def in_order(self) -> list[ReceiptLink]:
        """Return the receipts by their counters."""
        return sorted(self.links.values(), key=lambda link: (link.counter, link.time, link.digest))


@dataclass(slots=True)
class FleetReading:
    """What a folder holds: histories by box and key, copies, and files that are no receipts."""

    files: int = 0
    copies: int = 0
    histories: dict[str, dict[str, BoxHistory]] = field(default_factory=dict)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def read_receipts(folder: Path) -> FleetReading:
    """Read every receipt below `folder`.

    Raises:
        DataError: it is no folder, or holds too many files.
    """
    reading = FleetReading()
    for path in _files(folder):
        reading.files += 1
        if reading.files > MOST_FILES:
            raise DataError(folder, f"holds more than {MOST_FILES} files", "read part of them")
        try:
            signed = open_receipt(path)
        except DataError as error:
            reading.rejected.append((str(path.relative_to(folder)), error.problem))
            continue
        receipt = signed.receipt
        keys = reading.histories.setdefault(receipt.box, {})
        history = keys.setdefault(
            receipt.key, BoxHistory(receipt.box, receipt.key, receipt, receipt)
        )
        reading.copies += not history.add(signed)
    return reading


def _files(folder: Path) -> Iterator[Path]:
    """Yield what may be a receipt: files that are not hidden, in folders that are not.

    macOS and programs that synchronise leave hidden files of their own.
    """

    def refuse(error: OSError) -> None:
        cure = "name a folder of receipts"
        raise DataError(error.filename, error.strerror or str(error), cure) from error

    for here, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here) / name for name in sorted(names) if not name.startswith("."))
