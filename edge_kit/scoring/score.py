"""An archive scored: listed, then part after part, with what was done before taken as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from time import monotonic

from edge_kit.scoring.board import At
from edge_kit.scoring.executor import Executor, Processes
from edge_kit.scoring.journal import (
    INDEX,
    JOURNAL,
    MANIFEST,
    RESULTS,
    Binding,
    PartJournal,
    Told,
    held,
    write_index,
)
from edge_kit.scoring.manifest import (
    ArchivePart,
    FilmManifest,
    is_manifest,
    read_manifest,
    write_manifest,
)
from edge_kit.scoring.process import Setup
from edge_kit.scoring.progress import shares, shown
from edge_kit.scoring.remote import is_url
from edge_kit.scoring.sources import films_of, local_path
from edge_kit.scoring.tables import holds, part_name, text
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import open_engine
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.film.walk import in_words

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ScoringOrder:
    """What is to be scored by what; `again` are parts with films that could not be read."""

    source: str
    bundle: str
    out: Path
    engine: str = "auto"
    shard: tuple[int, int] = (0, 1)
    resume: bool = False
    again: bool = False
    part_rows: int = 10_000
    workers: int = 1
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """What is there after a run, and what this run has done for it."""

    binding: Binding
    manifest: FilmManifest
    parts: Mapping[int, Told]
    at: At
    seconds: float
    workers: int

    def line(self) -> str:
        """Return the counts, and where the time of this run went."""
        counts = [
            sum(part[key] for part in self.parts.values()) for key in ("ok", "refused", "error")
        ]
        told = "{} films answered, {} refused, {} not read".format(*counts)
        if not self.at.films:
            return f"{told}; all of it was done before"
        spent = shares(self.at, self.workers, self.seconds)
        words = ", ".join(f"{name} {share:.0%}" for name, share in spent.items())
        rate = self.at.films / self.seconds
        return f"{told}; {self.at.films} in this run, {rate:.1f}/s, the workers' time: {words}"


def list_films(source: str, folder: Path, part_rows: int, say: Say) -> FilmManifest:
    """Write the manifest of `source` into `folder`.

    Raises:
        UsageError: the source cannot be read or holds no film.
        CannotWrite: the disk does not take the manifest.
    """
    passed_over: dict[str, int] = {}
    films = films_of(source, lambda _: None, passed_over)
    first = list(islice(films, 1))
    if first:  # a manifest of nothing would be gone on with
        manifest = write_manifest(chain(first, films), folder, source=source, rows=part_rows)
    if passed_over:
        say(in_words(passed_over))
    if not first:
        raise UsageError(source, "holds no film", "name a folder, a list or a bucket with films")
    say(f"manifest: {manifest.rows} films in {len(manifest.parts)} parts")
    return manifest


def require_beside(source: str, out: Path) -> None:
    """Refuse a folder for results that lies in the folder of films, for it would be listed too.

    Raises:
        UsageError: it does.
    """
    if not is_url(source) or source.startswith("file://"):
        folder = Path(local_path(source))
        if folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                out, f"lies in {source}, whose films are listed", "name a folder beside it"
            )


def score(order: ScoringOrder, say: Say) -> Scored:
    """Score what is not scored yet, and write the index; what is answered, is so once.

    Raises:
        EdgeError: as the kinds say; what was scored stays, and `resume` goes on from it.
    """
    with open_bundle(order.bundle) as bundle:
        open_engine(bundle, order.engine).close()
        name, identity = f"{bundle.manifest.name}-{bundle.manifest.version}", bundle.identity
    if not order.resume and (order.out / MANIFEST).exists() | (order.out / JOURNAL).exists():
        raise CannotWrite(order.out, "exists already", "go on with --resume, or name a new folder")
    if not (is_manifest(order.source) or is_manifest(order.out / MANIFEST)):
        require_beside(order.source, order.out)
    with held(order.out):
        manifest = _manifest(order, say)
        binding = Binding(name, identity, manifest.sha256, str(manifest.folder), order.shard)
        with closing(PartJournal(order.out, binding)) as journal:
            pending = _pending(order, manifest, journal.parts)
            at, seconds = _run(order, _setup(order, binding), pending, journal, say)
            write_index(order.out, binding, journal.parts)
            return Scored(binding, manifest, journal.parts, at, seconds, order.workers)


def numbers(manifest: FilmManifest, shard: tuple[int, int]) -> range:
    """Return the parts of a shard: i, i + N and so on."""
    return range(shard[0], len(manifest.parts), shard[1])


def _manifest(order: ScoringOrder, say: Say) -> FilmManifest:
    """Return the manifest that the source is, that was written before, or that is written now."""
    if is_manifest(order.source):
        return read_manifest(Path(order.source))
    folder = order.out / MANIFEST
    if not is_manifest(folder):
        return list_films(order.source, folder, order.part_rows, say)
    manifest = read_manifest(folder)
    if manifest.source != text(order.source):
        problem = f"has the films of {manifest.source}"
        raise UsageError(order.out, problem, "name that source, or another --out")
    return manifest


def _pending(
    order: ScoringOrder, manifest: FilmManifest, parts: dict[int, Told]
) -> list[ArchivePart]:
    """Return the parts without answers that hold, which are forgotten where they do not."""
    results, own = order.out / RESULTS, numbers(manifest, order.shard)
    for number, told in list(parts.items()):
        torn = not holds(results / part_name(number), told["sha256"])
        if torn or number not in own or (order.again and told["error"]):
            del parts[number]
    return [manifest.part(number) for number in own if number not in parts]


def _setup(order: ScoringOrder, binding: Binding) -> Setup:
    return Setup(
        bundle=str(Path(order.bundle).resolve()),
        identity=binding.bundle_sha256,
        engine=order.engine,
        results=str((order.out / RESULTS).resolve()),
        manifest=binding.manifest,
    )


def _run(
    order: ScoringOrder,
    setup: Setup,
    pending: Sequence[ArchivePart],
    journal: PartJournal,
    say: Say,
) -> tuple[At, float]:
    if not pending:
        return At(), 0.0
    (order.out / INDEX).unlink(missing_ok=True)  # which tells of what is whole
    if len(pending) < order.workers:
        say(f"{len(pending)} parts for {order.workers} workers: a smaller --part employs them all")
    executor, began = _executor(order, setup), monotonic()
    rows = sum(part.rows for part in pending)
    with closing(executor), shown(executor.at, rows, order.workers, say):
        for told in executor.run(pending):
            journal.add(told)
        return executor.at(), monotonic() - began


def _executor(order: ScoringOrder, setup: Setup) -> Executor:
    if order.cluster is None:
        return Processes(setup, order.workers)
    from edge_kit.scoring.cluster import Cluster

    return Cluster(setup, order.workers, order.cluster)
