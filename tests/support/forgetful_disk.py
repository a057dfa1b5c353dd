"""What a disk may hold after a power cut that keeps only what it was told to wait for.

The calls of a run are recorded with their bytes and replayed in memory. A file's bytes are sure
once the file was synced, a change of a folder once that folder was; everything else may be there or
not, and need not be there in the order in which it was done. After each call these are looked at:
nothing of it, all of the names without the bytes, all of the bytes without the names, and each
single change of a name alone, with the bytes and without.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from update_bed import Bed

_LINE = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")
_CALLS = "openat,write,rename,unlink,mkdir,rmdir,fsync,fdatasync,ftruncate,symlink,link"

Names = dict[str, int]
Contents = dict[int, bytes]


@dataclass(frozen=True)
class Step:
    """One call: `kind` is open, write, sync, rename, unlink or mkdir, all on paths."""

    kind: str
    path: str
    other: str = ""
    data: bytes = b""


def recorded(bed: Bed, words: list[str], log: Path) -> list[Step]:
    """Run a command, and return the steps by which it changed the store that it names last."""
    before = ("strace", "-o", str(log), "-y", "-xx", "-s", "100000000", "-e", f"trace={_CALLS}")
    done = bed.run(*words, before=before)
    if done.returncode:
        raise AssertionError(done.stderr)
    return [step for line in log.read_text("ascii").splitlines() for step in _steps(line)]


def _steps(line: str) -> Iterator[Step]:
    match = _LINE.match(line)
    if not match or match[3].startswith("-"):
        return
    name, words, opened = match[1], match[2], match[4] or ""
    texts = [ast.literal_eval(f"b{text}") for text in _STRING.findall(words)]
    on = _DESCRIPTOR.match(words)
    place = _unescaped(on[1]) if on else ""
    if name == "openat" and re.search(r"O_CREAT|O_TRUNC", words):
        yield Step("truncate" if "O_TRUNC" in words else "open", _unescaped(opened))
    elif name == "write":
        yield Step("write", place, data=texts[0][: int(match[3])])
    elif name in ("fsync", "fdatasync"):
        yield Step("sync", place)
    elif name == "rename":
        yield Step("rename", texts[0].decode(), texts[1].decode())
    elif name in ("unlink", "mkdir"):
        yield Step(name, texts[0].decode())
    elif name in ("ftruncate", "symlink", "link", "rmdir"):
        yield Step(name, texts[0].decode() if texts else place)


def _unescaped(text: str) -> str:
    """Return a path as it is: with -xx strace writes those of descriptors in hexadecimal, too."""
    return str(ast.literal_eval(f"b'{text}'").decode()) if "\\x" in text else text


@dataclass
class Disk:
    """Files by their names, as programs see them, and what of it is sure."""

    root: str
    names: Names = field(default_factory=dict)
    contents: Contents = field(default_factory=dict)
    sure_names: Names = field(default_factory=dict)
    sure_contents: Contents = field(default_factory=dict)
    changes: list[Callable[[Names], None]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, store: Path) -> Disk:
        """Return a disk that has a store, all of it sure."""
        disk = cls(str(store))
        for number, path in enumerate(path for path in store.rglob("*") if path.is_file()):
            disk.names[str(path)] = number
            disk.contents[number] = path.read_bytes()
        disk.sure_names, disk.sure_contents = dict(disk.names), dict(disk.contents)
        return disk

    def take(self, step: Step) -> None:
        """Carry out one step."""
        if not f"{step.path}/".startswith(f"{self.root}/"):
            return
        if step.kind in ("ftruncate", "symlink", "link", "rmdir"):
            raise AssertionError(f"nothing here knows {step.kind}: {step.path}")
        getattr(self, f"_{step.kind}")(step)

    def _open(self, step: Step) -> None:
        if step.path not in self.names:
            number = len(self.contents)
            self.contents[number] = b""
            self._change(step.path, lambda names: names.__setitem__(step.path, number))

    def _truncate(self, step: Step) -> None:
        self._open(step)
        self.contents[self.names[step.path]] = b""

    def _write(self, step: Step) -> None:
        self.contents[self.names[step.path]] += step.data

    def _rename(self, step: Step) -> None:
        number = self.names[step.path]

        def change(names: Names) -> None:
            names.pop(step.path, None)
            names[step.other] = number

        self._change(step.other, change)

    def _unlink(self, step: Step) -> None:
        def change(names: Names) -> None:
            names.pop(step.path, None)

        self._change(step.path, change)

    def _mkdir(self, step: Step) -> None:
        """Folders are made when a disk is looked at: what counts is what lies in them."""

    def _sync(self, step: Step) -> None:
        if step.path in self.names:
            number = self.names[step.path]
            self.sure_contents[number] = self.contents[number]
            return
        kept = []
        for change, folder in zip(self.changes, self.folders, strict=True):
            if folder == step.path:
                change(self.sure_names)
            else:
                kept.append((change, folder))
        self.changes = [change for change, _ in kept]
        self.folders = [folder for _, folder in kept]

    def _change(self, path: str, change: Callable[[Names], None]) -> None:
        change(self.names)
        self.changes.append(change)
        self.folders.append(str(PurePosixPath(path).parent))

    def after_a_power_cut(self) -> Iterator[dict[str, bytes]]:
        """Yield what the disk may hold now, by name."""
        unsure = [{number: self.sure_contents.get(number, b"") for number in self.contents}]
        unsure.append(self.contents)
        for contents in unsure:
            halves = {number: data[: len(data) // 2] for number, data in self.contents.items()}
            torn = {**halves, **self.sure_contents} if contents is not self.contents else contents
            for names in self._possible_names():
                yield {name: contents[number] for name, number in names.items()}
                yield {name: torn[number] for name, number in names.items()}

    def _possible_names(self) -> Iterator[Names]:
        yield dict(self.sure_names)
        for count in range(1, len(self.changes) + 1):
            yield self._with(self.changes[:count])
            yield self._with(self.changes[count - 1 : count])
            yield self._with([*self.changes[: count - 1], *self.changes[count:]])

    def _with(self, changes: list[Callable[[Names], None]]) -> Names:
        names = dict(self.sure_names)
        for change in changes:
            change(names)
        return names


def write_disk(root: Path, files: dict[str, bytes]) -> None:
    """Write what a disk holds as a folder."""
    for name, data in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "models").mkdir(parents=True, exist_ok=True)
