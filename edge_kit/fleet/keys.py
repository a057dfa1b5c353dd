"""Which key is that of a box: by a list of known boxes, or by the first receipt that is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.errors import DataError

_LARGEST = 16 << 20  # bytes of a list
_LINE = re.compile(r"(?:box )?([0-9a-f]{32}) (?:key )?([0-9a-f]{64})(?: receipt \d+| (.{1,100}))?")


@dataclass(frozen=True, slots=True)
class KnownBox:
    """A box of a list: its key in hex, and what people call it."""

    key: str
    title: str


def read_boxes(path: Path) -> dict[str, KnownBox]:
    """Return the boxes in the list `path`, by their names.

    A line holds a box, its key and what people call it, or what `edge-run receipt` printed; `#`
    begins a remark.

    Raises:
        DataError: it cannot be read, or a line is none.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        raise DataError(path, f"cannot be read ({error})", "name a list of boxes") from error
    if len(data) > _LARGEST:
        raise DataError(path, f"is larger than {_LARGEST} bytes", "name a list of boxes")
    boxes: dict[str, KnownBox] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = " ".join(raw.split())
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            cure = "write: the box's name, its key, and what you call it"
            raise DataError(path, f"line {number} is no box with its key", cure)
        box = KnownBox(match[2], match[3] or "")
        if boxes.setdefault(match[1], box).key != box.key:
            cure = "keep the one that the box prints"
            raise DataError(path, f"line {number} gives a box another key", cure)
    return boxes
