"""A store with one model, a repository that offers the next, and how a start finds the store."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from edge_export.repository.repository import ModelRepository
from edge_runtime.bundle import verify_all
from edge_runtime.bundle.installed import MODELS, is_store
from edge_runtime.errors import NotABundle
from edge_runtime.installation.store import ModelStore
from tiny_bundle import environment, write_film, write_tiny_bundle

OLD, NEW = 1, 2


def model(folder: Path, number: int) -> Path:
    """Write the tiny model of a number into `folder`: another tolerance makes another identity."""
    return write_tiny_bundle(folder / f"{number}.edge", tolerance=number / 1000)


@dataclass(frozen=True)
class Bed:
    """What trials are made of: `store` has the model `old`, and `repository` offers `new`."""

    folder: Path
    store: Path
    repository: Path
    root: Path
    film: Path
    old: str
    new: str

    @classmethod
    def made(cls, folder: Path) -> Bed:
        folder.mkdir(parents=True, exist_ok=True)
        models = [model(folder, number) for number in (OLD, NEW)]
        repository = ModelRepository(folder / "repository", folder / "keys")
        root = repository.init()
        repository.add(models[0], channel="stable")
        repository.publish()
        bed = cls(
            folder, folder / "store", folder / "repository", root,
            write_film(folder / "film.png"), *(_identity(path) for path in models),
        )  # fmt: skip
        done = bed.run(*bed.first(bed.store), keeps_bytecode=True)
        if done.returncode:
            raise AssertionError(done.stderr)
        repository.add(models[1], channel="stable")
        repository.publish()
        return bed

    def update(self, store: Path) -> list[str]:
        """Return the command line that updates a store."""
        return ["update", "--from", str(self.repository), "--store", str(store)]

    def first(self, store: Path) -> list[str]:
        """Return the command line that makes a store, with the newest model."""
        return [*self.update(store), "--root", str(self.root)]

    def run(
        self,
        *words: object,
        before: tuple[str, ...] = (),
        scratch: Path | None = None,
        keeps_bytecode: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run `edge-run`, with the words `before` in front of the command line.

        Bytecode is that of the bed alone: where other processes compile modules meanwhile, two runs
        of a command would make other calls.
        """
        place = scratch or self.folder
        line = [*before, sys.executable, "-m", "edge_runtime", *map(str, words)]
        told = environment(
            PYTHONPYCACHEPREFIX=str(self.folder / "bytecode"), PYTHONHASHSEED="0",
            TMPDIR=str(place), **({} if keeps_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}),
        )  # fmt: skip
        return subprocess.run(
            line, env=told, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def copy(self, name: str) -> Path:
        """Return a new copy of the store."""
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.store, target)
        return target

    def problems(self, store: Path, *, had_one: bool = True) -> list[str]:
        """Return what is wrong with a store at its next start, and with the update after that.

        It has to answer by exactly one model, whole and checked; where it never `had_one`, it may
        have none. The update then brings it to the new one.
        """
        wrong = self.start_problems(store, had_one=had_one)
        again = self.run(*(self.update(store) if is_store(str(store)) else self.first(store)))
        if again.returncode:
            wrong.append(f"update: status {again.returncode}: {again.stderr[-200:]}")
        else:
            wrong += self._of_update(store, had_one=had_one)
        return wrong

    def start_problems(self, store: Path, *, had_one: bool = True) -> list[str]:
        """Return what is wrong with a store at its next start alone."""
        answer = self.run("classify", self.film, "--bundle", store, "--format", "json")
        if answer.returncode == 0:
            return self._of_start(store, json.loads(answer.stdout)["bundle_sha256"])
        if had_one or answer.returncode != NotABundle.exit_status:
            return [f"start: status {answer.returncode}: {answer.stderr[-200:]}"]
        return []

    def _of_start(self, store: Path, by: str) -> list[str]:
        state, wrong = ModelStore(str(store)).state, []
        current = state.current.identity if state.current else "none"
        if by != current or by not in (self.old, self.new):
            wrong.append(f"answers by {by[:16]}, record {current[:16]}")
        if state.pending:
            wrong.append("a model waits after a start")
        with verify_all(ModelStore(str(store)).path(by)) as bundle:
            if bundle.identity != by:
                wrong.append("another model lies there")
        return wrong

    def _of_update(self, store: Path, *, had_one: bool) -> list[str]:
        state = ModelStore(str(store)).state
        models = {path.stem for path in (store / MODELS).iterdir()}
        left = [path.name for path in store.rglob("*.part")]
        expected = {self.old, self.new} if had_one else {self.new}
        wrong = [f"left over: {left}"] if left else []
        if state.current is None or state.current.identity != self.new or models != expected:
            wrong.append(f"after the update: {state.current}, {sorted(models)}")
        return wrong


def _identity(path: Path) -> str:
    with verify_all(path) as bundle:
        return bundle.identity


def written_bytes(trace: str) -> int:
    """Return how many bytes the calls of a trace wrote."""
    return sum(
        int(line.rpartition("= ")[2].split()[0])
        for line in trace.splitlines()
        if line.startswith(("write(", "pwrite64(", "writev(", "sendfile(", "copy_file_range("))
        and line.rpartition("= ")[2].split()[0].isdecimal()
    )


def has_strace() -> bool:
    """Tell whether system calls can be traced here, which some containers do not allow."""
    found = shutil.which("strace")
    if not found:
        return False
    done = subprocess.run([found, "-o", os.devnull, "true"], capture_output=True, check=False)
    return done.returncode == 0
