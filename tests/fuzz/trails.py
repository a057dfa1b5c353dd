"""Damaged and forged audit trails: no change passes a head that was kept elsewhere."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from unittest.mock import patch

from edge_runtime.audit_trail import TrailHead, verify
from edge_runtime.audit_trail.line import BEGUN, written
from edge_runtime.errors import CannotWrite, DataError, IntegrityError
from fuzz.mutate import ANY, damaged
from fuzz.seeds import VALUES
from trails import entry, opened, write_trail

_WARPED = ("counter", "previous", "time", "kind", "film", "torn_bytes", "torn_sha256", "format")


def trail_case() -> Callable[[Random], tuple[bytes, Callable[[bytes], str]]]:
    """Return what damages trails, and verifies them and writes on in them."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    path = folder / "trail.jsonl"
    with patch("os.fsync"):
        seed, head = _seed(path)

    def judge(data: bytes) -> str:
        path.write_bytes(data)
        _require_found(path, data, seed, head)
        with patch("os.fsync"):
            return _written_on(path, data)

    def case(chance: Random) -> tuple[bytes, Callable[[bytes], str]]:
        deed = chance.random()
        if deed < 0.4:
            return bytes(damaged(seed, chance, [seed], ANY)), judge
        return (_moved(seed, chance) if deed < 0.6 else _forged(seed, chance)), judge

    return case


def _seed(path: Path) -> tuple[bytes, TrailHead]:
    """Return a trail of seven lines, one of which tells of a torn one, and its head."""
    content = write_trail(path, 3).read_bytes()
    path.write_bytes(content + content.splitlines(keepends=True)[-1][:60])
    path.write_bytes(content[:-40])
    with opened(path) as trail:
        trail.record(entry(4), entry(5))
        head = trail.head
    return path.read_bytes(), head


def _require_found(path: Path, data: bytes, seed: bytes, head: TrailHead) -> None:
    """Fail where a trail is taken for the one with that head, and is not."""
    try:
        found = verify([path], head)
    except DataError as error:
        assert "\n" not in str(error)
        return
    for line in (*found.problems, *found.notes):
        assert "\n" not in line and len(line) < 400, line
    if not found.problems:
        assert data.startswith(seed) or data + b"\n" == seed, "changed, and nothing is said"


def _written_on(path: Path, data: bytes) -> str:
    """Write on in a trail: it only grows, and is whole afterwards, or it is refused."""
    try:
        with opened(path) as trail:
            trail.record(entry(6))
    except (IntegrityError, CannotWrite) as error:
        assert "\n" not in str(error)
        assert path.read_bytes().startswith(data)
        return type(error).__name__
    assert path.read_bytes().startswith(data), "what was written is gone"
    problems = verify([path]).problems
    # A first line that follows others is a file of a trail whose files before were not named.
    assert all("are in no file that is named" in problem for problem in problems), problems
    return "written on"


def _moved(seed: bytes, chance: Random) -> bytes:
    """Return the trail with whole lines in other places, twice, or not at all."""
    lines = seed.splitlines(keepends=True)
    for _ in range(chance.choice((1, 1, 2, 5))):
        line = lines.pop(chance.randrange(len(lines)))
        lines[chance.randrange(len(lines) + 1) :][:0] = [line]
        for _ in range(chance.choice((0, 1, 1, 2))):
            lines.insert(chance.randrange(len(lines) + 1), line)
        lines = lines or [b"\n"]
    return b"".join(lines)


def _forged(seed: bytes, chance: Random) -> bytes:
    """Return the trail with a line that somebody wrote who knows how digests are made."""
    lines = seed.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    try:
        fields = json.loads(lines[at])
        before = TrailHead(fields.pop("counter") - 1, fields.pop("previous"))
    except (ValueError, KeyError):
        fields, before = {"kind": BEGUN}, TrailHead(at, "0" * 64)
    fields.pop("digest", None)
    kind = str(fields.pop("kind", BEGUN))
    for _ in range(chance.choice((1, 1, 3))):
        fields[chance.choice(_WARPED)] = chance.choice(VALUES)
    if chance.random() < 0.3:
        before = TrailHead(chance.choice((0, 1, before.counter + 1, 10**17)), before.digest)
    if chance.random() < 0.3:
        kind = chance.choice(("begun", "answer", "mended", "", "x"))
    try:
        lines[at] = written(before, 1.8e9, kind, fields)
    except (ValueError, OverflowError):
        lines[at] = b"{}\n"
    return b"".join(lines)
