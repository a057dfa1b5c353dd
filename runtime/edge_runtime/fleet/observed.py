"""What a box finds out about itself: its bundle, its golden films, its trails, its disk."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.audit_trail import TrailHead, verify
from edge_runtime.audit_trail.line import EMPTY
from edge_runtime.audit_trail.segments import Segments
from edge_runtime.bundle import open_bundle, policy_path
from edge_runtime.bundle.defaults import open_default
from edge_runtime.bundle.digest import sha256
from edge_runtime.engines import open_engine, require_sound_graphs
from edge_runtime.errors import DataError, EdgeError, NoEngine, UsageError
from edge_runtime.fleet.records import (
    LONGEST_NAME,
    LONGEST_PROBLEM,
    BoxBundle,
    BoxCheck,
    BoxEngine,
    BoxHealth,
    BoxTrail,
    GoldenResult,
)
from edge_runtime.machine import computer
from edge_runtime.machine.check import Replay, replay
from edge_runtime.text import printable
from edge_runtime.trust import verify_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge_runtime.audit_trail.line import Line
    from edge_runtime.bundle import Bundle
    from edge_runtime.fleet.box import Box
    from edge_runtime.fleet.counts import DecisionCounts

_UPTIME = Path("/proc/uptime")


@dataclass(slots=True)
class ObservedBundle:
    """The bundle that was proved here, as far as it came, and the error that ended it."""

    bundle: BoxBundle | None = None
    whole: bool = False
    replay: Replay | None = None
    written: str | None = None
    error: EdgeError | None = None

    def check(self) -> BoxCheck:
        """Return the result for a receipt, in which no path of this machine stands."""
        problem = None
        if self.error:
            words = "no engine can run it" if isinstance(self.error, NoEngine) else ""
            problem = printable(words or self.error.problem)[:LONGEST_PROBLEM]
        return BoxCheck(
            passed=self.error is None,
            problem=problem,
            every_byte_as_written=self.whole,
            engine=_engine(self.replay) if self.replay else None,
        )


def observe_bundle(path: str | None, engine: str, say: Callable[[str], None]) -> ObservedBundle:
    """Prove the bundle at `path`, or the one in use, as `edge-run check` does.

    Raises:
        UsageError: nobody can tell which one is in use; why that is would name a path.
    """
    outcome = ObservedBundle()
    try:
        with open_default() if path is None else open_bundle(path) as bundle:
            outcome.written = _written(bundle.path)
            try:
                if bundle.signatures or policy_path():
                    verify_bundle(bundle)
            finally:  # a receipt also names a bundle that this machine does not trust
                outcome.bundle = _named(bundle)
            bundle.verify()
            outcome.whole = True
            require_sound_graphs(bundle)
            with closing(open_engine(bundle, engine, say)) as opened:
                outcome.replay = replay(bundle, opened)
            outcome.replay.require_parity(bundle.path)
    except UsageError:
        raise
    except EdgeError as error:
        outcome.error = error
    return outcome


def trail_place(path: str) -> str:
    """Return by what a box knows a trail again, which does not tell where it is."""
    return sha256(os.fsencode(os.path.realpath(path)))


def observe_trail(path: str, box: Box, counts: DecisionCounts) -> tuple[BoxTrail, str | None]:
    """Return the head of the trail whose first file is `path`, and what is wrong with it.

    Its decisions are added to `counts`. What cannot be read has no head, which is for the receipt
    to tell: a trail that somebody has removed is one of the reasons for receipts.
    """
    kept, seen = box.head(trail_place(path)), False

    def each(line: Line) -> None:
        nonlocal seen
        seen = seen or line.head == kept
        counts.add(line)

    try:
        found = verify(_files(path), each=each)
    except DataError as error:
        lost = BoxTrail(first=None, counter=0, digest=EMPTY.digest, answers=0, whole=False,
                        continued=None if kept is None else False)  # fmt: skip
        return lost, str(error)
    head, first, problems = found.head or EMPTY, found.first, list(found.problems)
    if kept is not None and not seen:
        problems.insert(0, f"{path}: line {kept.counter} of the receipt before is not in it")
    trail = BoxTrail(
        first=first.digest if first else None,
        counter=head.counter,
        digest=head.digest,
        answers=found.answers,
        whole=not found.problems,
        continued=None if kept is None else seen,
    )
    return trail, problems[0] if problems else None


def new_heads(trails: Iterable[tuple[str, BoxTrail]]) -> dict[str, str]:
    """Return the heads of trails by their places, to be kept until the next receipt."""
    return {
        trail_place(path): str(TrailHead(trail.counter, trail.digest))
        for path, trail in trails
        if trail.counter
    }


def observe_health(folder: Path, written: str | None, *, plausible: bool) -> BoxHealth:
    """Return the state of the disk that has `folder`, and of this machine."""
    disk = shutil.disk_usage(folder)
    return BoxHealth(
        disk_free=disk.free,
        disk_size=disk.total,
        uptime=_uptime(),
        bundle_written=written,
        edge_runtime=computer.installed("edge-runtime") or "unknown",
        clock_plausible=plausible,
    )


def _files(path: str) -> list[Path]:
    """Return the files of a trail in their order.

    Raises:
        DataError: the folder of the trail cannot be listed.
    """
    segments = Segments(Path(path))
    try:
        last = segments.last()
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "name an audit trail") from error
    return [segments.path(number) for number in range(1, last + 1)]


def _named(bundle: Bundle) -> BoxBundle:
    manifest = bundle.manifest
    return BoxBundle(
        name=manifest.name,
        version=manifest.version,
        identity=manifest.identity,
        verdict=manifest.verdict,
        signed_by=_signed_by(bundle),
    )


def _signed_by(bundle: Bundle) -> tuple[str, ...]:
    """Return the ids of the keys that signed a bundle; none where nobody signed its model."""
    signers = bundle.signers
    if signers is None or not signers.are_checked or signers.model is None:
        return ()
    return tuple(dict.fromkeys(filter(None, (signers.model, signers.decision))))


def _written(path: str) -> str | None:
    """Return when a bundle was written here: the last update of this box, if nobody touched it."""
    try:
        moment = Path(path).stat().st_mtime
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OSError, ValueError, OverflowError):
        return None


def _engine(replayed: Replay) -> BoxEngine:
    version = computer.installed(computer.DISTRIBUTIONS[replayed.engine])
    films = [
        GoldenResult(
            film=golden.film,
            difference=golden.difference if golden.difference <= 1e6 else None,
            passed=golden.difference <= replayed.tolerance,
        )
        for golden in replayed.comparisons
    ]
    return BoxEngine(
        engine=replayed.engine,
        version=version[:LONGEST_NAME] if version else None,
        graph=replayed.graph,
        tolerance=replayed.tolerance,
        films=tuple(films),
    )


def _uptime() -> int | None:
    """Return for how many seconds this machine has run, as Linux tells it."""
    try:
        return int(float(_UPTIME.read_text(encoding="ascii").split()[0]))
    except (OSError, ValueError, IndexError):
        return None
