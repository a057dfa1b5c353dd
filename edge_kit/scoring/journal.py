"""Which parts of an archive have their answers: one line for each, and what they are bound to.

The first line names the bundle and the manifest. A line is on the disk after the answers that it
tells of, so a kill between the two costs a part, and a torn last line is none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from edge_kit.files import json_bytes, try_lock
from edge_kit.scoring.tables import part_name
from edge_runtime.errors import CannotWrite, DataError, UsageError
from edge_runtime.output import as_cannot_write, sync_folder, write_whole

JOURNAL, RESULTS, INDEX, MANIFEST = "journal.jsonl", "results", "index.json", "manifest"
SCHEMA = 1
Told = Mapping[str, Any]
"""What is known of a part: its number, rows, digest, and how many films have which status."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What all answers in a folder have in common; `manifest` is a digest, `place` its folder."""

    bundle: str
    bundle_sha256: str
    manifest: str
    place: str
    shard: tuple[int, int]

    def require(self, before: Binding, out: Path) -> None:
        """Refuse to add to the answers that are bound to `before`.

        Raises:
            UsageError: they are another bundle's, of other films, or of another shard.
        """
        cure = f"name what {out} was begun with, or another --out"
        if before.bundle_sha256 != self.bundle_sha256:
            problem = f"has answers of another bundle, {before.bundle} {before.bundle_sha256}"
            raise UsageError(out, problem, cure)
        if before.manifest != self.manifest:
            raise UsageError(out, "has answers to the films of another manifest", cure)
        if before.shard != self.shard:
            shard = f"{before.shard[0]}/{before.shard[1]}"
            raise UsageError(out, f"has the answers of shard {shard}", cure)


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the folder `out` against other processes inside the block.

    Raises:
        CannotWrite: another one writes it, or the disk does not let us.
    """
    with as_cannot_write(out):
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("wb")
    with lock:
        if not try_lock(lock):
            raise CannotWrite(out, "is being written by another command", "wait for it")
        yield


class PartJournal:
    """The journal in the folder `out`, opened to go on."""

    def __init__(self, out: Path, binding: Binding) -> None:
        """Read what is there, or begin.

        Raises:
            UsageError: it is bound to something else.
            DataError: it is no journal.
            CannotWrite: the disk does not let us.
        """
        self.path, self._out = out / JOURNAL, out
        before, self.parts, sound = read_journal(out)
        if before:
            binding.require(before, out)
        with as_cannot_write(self.path):
            (out / RESULTS).mkdir(exist_ok=True)
            for draft in (out / RESULTS).glob(".*.part"):  # of a process that was killed
                draft.unlink()
            self._stream: IO[bytes] = self.path.open("r+b" if before else "wb")
            self._stream.truncate(sound)
            self._stream.seek(sound)
            if not before:
                self._append({"journal": SCHEMA, **asdict(binding)})
        sync_folder(out)

    def add(self, told: Told) -> None:
        """Note that a part has its answers, on the disk when this returns.

        Raises:
            CannotWrite: the disk does not take it.
        """
        with as_cannot_write(self.path):
            self._append(told)
        self.parts[int(told["part"])] = told

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _append(self, line: Told) -> None:
        self._stream.write(json.dumps(line).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())


def read_journal(out: Path) -> tuple[Binding | None, dict[int, Told], int]:
    """Return what the answers in `out` are bound to, its parts, and the bytes that are sound.

    Of two lines about one part the later one counts.

    Raises:
        DataError: there is a file that is no journal.
    """
    path = out / JOURNAL
    try:
        whole = [line for line in path.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"]
    except FileNotFoundError:
        whole = []
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", "check the rights") from error
    if not whole:
        return None, {}, 0
    try:
        head, *lines = map(json.loads, whole)
        if head.pop("journal") != SCHEMA:
            raise ValueError("another schema")
        binding = Binding(**{**head, "shard": tuple(head["shard"])})
        parts = {int(line["part"]): line for line in lines}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(path, "is no journal of scoring", "name another --out") from error
    return binding, parts, sum(map(len, whole))


def write_index(out: Path, binding: Binding, parts: Mapping[int, Told]) -> None:
    """Write the index of all answers: once it is there, they are, each film's once.

    Raises:
        CannotWrite: the disk does not take it.
    """
    listed = [
        {"file": f"{RESULTS}/{part_name(number)}", **parts[number]} for number in sorted(parts)
    ]
    content = {
        "results": SCHEMA,
        "bundle": binding.bundle,
        "bundle_sha256": binding.bundle_sha256,
        "manifest_sha256": binding.manifest,
        "shard": list(binding.shard),
        "rows": sum(part["rows"] for part in listed),
        "parts": listed,
    }
    write_whole(out / INDEX, json_bytes(content))
