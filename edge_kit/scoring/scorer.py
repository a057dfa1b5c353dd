"""One part of a manifest, scored: read, judged film by film, and written as one Parquet."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from edge_kit.scoring import remote
from edge_kit.scoring.board import IDLE, At, Board
from edge_kit.scoring.manifest import ArchivePart
from edge_kit.scoring.tables import PATH, RAW, answer_table, part_name, text, write_table
from edge_runtime.answer.classify import FIELDS, STATUSES, Answer, classify
from edge_runtime.answer.rows import fields_of
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.digest import sha256
from edge_runtime.engines import open_engine
from edge_runtime.errors import FilmError
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.film.source import LARGEST, SourceFile
from edge_runtime.trust import verify_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from edge_runtime.engines import Engine
    from edge_runtime.film.preprocess import FilmInput

_KILLER = "ended the process that read it, twice"


class Scorer:
    """A bundle opened once, and an engine of one thread, that score part after part."""

    def __init__(self, bundle: str, engine: str, board: Board) -> None:
        """Open the bundle and its engine.

        Raises:
            EdgeError: as `open_bundle`, `verify_bundle` and `open_engine` do.
        """
        self._bundle = open_bundle(bundle)
        verify_bundle(self._bundle)
        self._plain = open_engine(self._bundle, engine)
        self._engine: Engine = _Timed(self._plain, self._spent)
        self._fields = fields_of(self._bundle, self._plain.name)
        self._board, self._at = board, At()

    @property
    def identity(self) -> str:
        """The bundle's."""
        return self._bundle.identity

    def score(
        self, part: ArchivePart, results: Path, manifest: str, killers: set[int]
    ) -> dict[str, Any]:
        """Write the answers to `part` into `results`; return their count, digest and statuses.

        The films at the rows `killers` are not read. `manifest` is the digest of all parts.

        Raises:
            DataError: the part is not what was written.
            CannotWrite: the disk does not take the answers.
        """
        columns: dict[str, list[Any]] = {name: [] for name in (*FIELDS, RAW)}
        counts = dict.fromkeys(STATUSES, 0)
        for row, raw in enumerate(part.table().column(PATH).to_pylist()):
            answer = self._judged(row, os.fsdecode(raw), killed=row in killers)
            counts[answer.status] += 1
            fields = self._fields(answer)
            for name in FIELDS:
                columns[name].append(text(fields[name]))
            columns[RAW].append(None if columns["file"][-1] == answer.file else raw)
        self._note(row=IDLE)
        bound = {
            "edge_kit.bundle": self.identity,
            "edge_kit.manifest": manifest,
            "edge_kit.part": str(part.number),
        }
        digest = write_table(results / part_name(part.number), answer_table(columns, bound))
        return {"part": part.number, "rows": part.rows, "sha256": digest, **counts}

    def _judged(self, row: int, path: str, *, killed: bool) -> Answer:
        self._note(row=row)
        began = perf_counter()
        if killed:
            cure = "look at the file before anything opens it"
            answer = Answer(path, 0.0, error=FilmError(path, _KILLER, cure))
        elif remote.is_url(path):
            answer = self._of_store(path, began)
        else:
            answer = classify(path, self._bundle, self._engine, digested=True, read=self._read)
        spent = perf_counter() - began
        self._at = self._at._replace(films=self._at.films + 1, busy=self._at.busy + spent)
        return answer

    def _of_store(self, url: str, began: float) -> Answer:
        """Return the answer for a film that is fetched first."""
        source = SourceFile(digested=True)
        try:
            data = remote.fetched(url)
        except FilmError as error:
            self._spent("storage", perf_counter() - began)
            return Answer(url, _milliseconds(began), error=error)
        self._spent("storage", perf_counter() - began)
        source.bytes = len(data)
        source.sha256 = sha256(data) if len(data) <= LARGEST else None
        answer = classify(data, self._bundle, self._engine, file=url, read=self._read)
        answer.source, answer.milliseconds = source, _milliseconds(began)
        return answer

    def _read(
        self,
        film: FilmInput,
        name: str,
        warn: Callable[[str], None],
        source: SourceFile | None,
    ) -> bytes:
        """Return the pixels of a film, with the seconds of storage and of decoding apart."""
        del name  # which is its path
        began, before = perf_counter(), self._at.storage
        recipe, use = self._bundle.manifest.preprocess, self._bundle.manifest.intended_use
        watch = self._watching(source) if source else _plainly
        try:
            return film_pixels(film, recipe, use, warn, watch)
        finally:
            taken = perf_counter() - began - (self._at.storage - before)
            self._spent("decode", taken)

    def _watching(
        self, source: SourceFile
    ) -> Callable[[BinaryIO], AbstractContextManager[BinaryIO]]:
        @contextmanager
        def watch(stream: BinaryIO) -> Iterator[BinaryIO]:
            began = perf_counter()
            with source.watch(stream) as seen:  # which reads and digests
                self._spent("storage", perf_counter() - began)
                yield seen

        return watch

    def _spent(self, on: str, seconds: float) -> None:
        self._at = self._at._replace(**{on: getattr(self._at, on) + seconds})

    def _note(self, *, row: int) -> None:
        self._at = self._at._replace(row=row)
        self._board.write(self._at)


class _Timed:
    """An engine whose seconds are counted."""

    def __init__(self, engine: Engine, spent: Callable[[str, float], None]) -> None:
        self.name = engine.name
        self._engine, self._spent = engine, spent

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return what the engine answers."""
        began = perf_counter()
        try:
            return self._engine.logits(pixels)
        finally:
            self._spent("inference", perf_counter() - began)

    def close(self) -> None:
        """Free the engine."""
        self._engine.close()


@contextmanager
def _plainly(stream: BinaryIO) -> Iterator[BinaryIO]:
    yield stream


def _milliseconds(began: float) -> float:
    return round(1000 * (perf_counter() - began), 3)


def part_of(message: Mapping[str, Any]) -> ArchivePart:
    """Return the part that a message names."""
    return ArchivePart(message["number"], message["rows"], message["sha256"], Path(message["path"]))
