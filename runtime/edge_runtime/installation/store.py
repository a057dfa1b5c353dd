"""Installing a model: it is written, checked on this machine, and only then answers.

Every change is one file that is replaced after it and its folder are on the disk. A model lies
under its identity, so that none is ever written over. The order is: the model, the record that it
is pending, the check, the record that it answers. Whatever ends the process in between, the model
that answered before still does, and the next start checks the pending one or throws it out.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.bundle import verify_all
from edge_runtime.bundle.installed import (
    MODELS,
    STORE_RECORD,
    is_store,
    model_path,
    store_content,
)
from edge_runtime.errors import CannotWrite, EdgeError, IntegrityError, UsageError
from edge_runtime.installation.golden import Unfinished, replayed_here
from edge_runtime.installation.record import InstalledModel, StoreState
from edge_runtime.lock import lock
from edge_runtime.output import as_cannot_write, replacing, sync_folder, write_whole
from edge_runtime.ownership import require_own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    Say = Callable[[str], None]

LOCK = "lock"
DRAFT = ".part"
"""How the names end of what is being written, here and in `edge_runtime.output`."""
MOST_ATTEMPTS = 2
"""Checks of one model that may be cut short: one that ends the machine must not do it for ever."""
_PIECE = 1 << 20  # bytes that are copied at once
_CURE = "wait for it: a store has one writer"


class ModelStore:
    """The store in `folder`, which has to be one already; see `made`."""

    def __init__(self, folder: str) -> None:
        """Take the store at `folder`.

        Raises:
            UsageError: there is none.
        """
        if not is_store(folder):
            cure = "make one: edge-run update --from URL|FOLDER --store DIR --root ROOT.json"
            raise UsageError(folder, "is no store of installed models", cure)
        self.folder = folder

    @classmethod
    def made(cls, folder: str, others: dict[str, bytes]) -> ModelStore:
        """Make a new store in `folder`, with the files `others` beside its record.

        The record comes last: a folder without it is none yet, and is made again.

        Raises:
            CannotWrite: the folder holds something else, or the disk does not take it.
        """
        place = Path(folder)
        expected = {MODELS, LOCK, *others}
        with as_cannot_write(folder):
            place.mkdir(parents=True, exist_ok=True)
            strange = [name for name in os.listdir(folder)  # noqa: PTH208
                       if name not in expected and not name.endswith(DRAFT)]  # fmt: skip
            if strange:
                raise CannotWrite(folder, f"holds {min(strange)}", "name a new folder")
            require_own(folder, CannotWrite, "name a folder of your own")
            (place / MODELS).mkdir(exist_ok=True)
            sync_folder(place)
            sync_folder(place.parent)
        for name, data in others.items():
            write_whole(place / name, data)
        write_whole(place / STORE_RECORD, StoreState(box=secrets.token_hex(16)).to_bytes())
        return cls(folder)

    @property
    def state(self) -> StoreState:
        """What the record says now.

        Raises:
            NotABundle, IntegrityError: it cannot be read, or is not what was written.
        """
        return StoreState.of(store_content(self.folder), self._path(STORE_RECORD))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out inside the block, and begin it without what a kill left over.

        Raises:
            UsageError: another process writes the store.
            CannotWrite: the disk does not let us.
        """
        with self._locked():
            self.tidy()
            yield

    def change(self, state: StoreState) -> None:
        """Let the record say `state`: the one moment at which the store becomes another.

        Raises:
            CannotWrite: the disk does not take it, and the store is as it was.
        """
        write_whole(self._path(STORE_RECORD), state.to_bytes())

    def add(self, source: Path, identity: str) -> None:
        """Copy the model at `source` into the store, where it does not answer yet.

        Raises:
            IntegrityError: it is not the model `identity`, or not whole, here or after the copy.
            CannotWrite: the disk does not take it, and nothing of it stays.
        """
        target = Path(self.path(identity))
        with verify_all(source) as bundle:
            _require(bundle.identity, identity, source)
        if not self.is_whole(identity):
            with replacing(target, source.stat().st_size) as out, source.open("rb") as stream:
                _copy(stream, out)
            with verify_all(target) as bundle:
                _require(bundle.identity, identity, target)

    def is_whole(self, identity: str) -> bool:
        """Tell whether the store has a model, every byte of it as it was written."""
        try:
            with verify_all(self.path(identity)) as bundle:
                return bundle.identity == identity
        except EdgeError:
            return False

    def path(self, identity: str) -> str:
        """Return where the model `identity` lies."""
        return model_path(self.folder, identity)

    def propose(self, model: InstalledModel) -> None:
        """Let a model that was added wait for its check.

        Raises:
            CannotWrite: the disk does not take it.
        """
        self.change(replace(self.state, pending=model, attempts=0))

    def settle(self, say: Say) -> None:
        """Check the pending model, if there is one: it answers from then on, or is thrown out.

        Raises:
            CannotWrite: the disk does not take the outcome; the model before goes on.
        """
        state = self.state
        if state.pending is None:
            return
        if state.attempts >= MOST_ATTEMPTS:
            reason = f"its check was cut short {state.attempts} times"
        else:
            self.change(replace(state, attempts=state.attempts + 1))
            try:
                reason = replayed_here(self.path(state.pending.identity))
            except Unfinished as error:
                say(f"{state.pending}: {error}; the next start checks it again")
                return
        if reason:
            say(f"{state.pending} was thrown out: {reason}")
            self.change(state.thrown_out(reason))
        else:
            self.change(state.confirmed())
            say(f"{state.pending} answers from now on")
        self.tidy()

    def roll_back(self, say: Say) -> InstalledModel:
        """Let the model before the current one answer again; that one is held.

        Raises:
            UsageError: there is none before it.
            IntegrityError: it is not whole, or does not answer as its maker says.
            CannotWrite: the disk does not take it, and the current one goes on.
        """
        state = self.state
        back = state.previous
        if back is None:
            raise UsageError(self.folder, "has no model before the current one", "update it")
        reason = replayed_here(self.path(back.identity))
        if reason:
            cure = "the current one goes on"
            raise IntegrityError(self.path(back.identity), f"cannot answer ({reason})", cure)
        if state.current:
            state = state.holding(state.current.identity, "somebody went back from it")
        held = {key: text for key, text in state.held.items() if key != back.identity}
        self.change(replace(state, current=back, previous=state.current, held=held))
        say(f"{back} answers from now on")
        return back

    def tidy(self) -> None:
        """Remove models that nobody needs any more, and what was left half-written."""
        needed = {f"{identity}.edge" for identity in self.state.needed}
        models, root = Path(self.folder, MODELS), Path(self.folder)
        for folder, kept in ((models, needed), (root, None)):
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(DRAFT) if kept is None else entry.name not in kept:
                        with suppress(OSError):  # a read-only disk; the next time
                            (folder / entry.name).unlink()

    def _path(self, name: str) -> str:
        return str(Path(self.folder, name))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with as_cannot_write(self.folder):
            descriptor = os.open(self._path(LOCK), os.O_RDWR | os.O_CREAT, 0o640)
        try:
            lock(descriptor, self.folder, _CURE)
            yield
        finally:
            os.close(descriptor)


def settle_at_start(folder: str, say: Say) -> None:
    """Settle what waits in the store `folder`, as every command does before it answers.

    Whoever may not write there, or comes while an update is at it, goes on with the model that was
    confirmed last.

    Raises:
        NotABundle, IntegrityError: the record cannot be read, or is not what was written.
    """
    store = ModelStore(folder)
    if store.state.pending is None:
        return
    try:
        with store.writing():
            store.settle(say)
    except (CannotWrite, UsageError) as error:
        say(f"the model that waits in {folder} is not checked yet: {error.problem}")


def _copy(stream: BinaryIO, out: BinaryIO) -> None:
    while piece := stream.read(_PIECE):
        out.write(piece)


def _require(identity: str, expected: str, place: Path) -> None:
    if identity != expected:
        problem = f"is another model ({identity[:16]}) than was published ({expected[:16]})"
        raise IntegrityError(place, problem, "ask who published it")
