"""The bundles in the data folder: what each is, and adding, choosing and removing them.

What is written here `edge_runtime.bundle.defaults` reads. Nothing of this is on the cold path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.bundle import Bundle, verify_all
from edge_runtime.bundle.defaults import (
    RECORD,
    SUFFIX,
    DamagedRecord,
    DefaultBundle,
    bundle_names,
    record,
    require_chosen,
)
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.bundle.pack import pack
from edge_runtime.errors import CannotWrite, EdgeError, UsageError
from edge_runtime.output import write_whole
from edge_runtime.ownership import require_own

if TYPE_CHECKING:
    from edge_runtime.bundle.defaults import BundlesRecord

ADDED, THERE, REPLACED = "added", "was there", "replaced"


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """A bundle at `path`: its `manifest`, or the `problem` for which it cannot be used."""

    path: str
    manifest: Manifest | None = None
    problem: EdgeError | None = None

    @property
    def words(self) -> str:
        """Return what it is in a few words."""
        if self.manifest is None:
            return "cannot be used"
        manifest = self.manifest
        return f"{manifest.name} {manifest.version}, identity {manifest.identity[:16]}"


@dataclass(frozen=True, slots=True)
class Addition:
    """What was done with a bundle that was to be added; `before` is what was replaced."""

    entry: StoredBundle
    state: str
    before: StoredBundle | None = None


def examine(default: DefaultBundle) -> StoredBundle:
    """Return what is at a path, every byte of it checked, and whether it is what was chosen."""
    try:
        with require_chosen(default) as bundle:
            bundle.verify()
            return StoredBundle(default.path, bundle.manifest)
    except EdgeError as error:
        return StoredBundle(default.path, problem=error)


class Store:
    """The bundles in one folder, which need not exist yet."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return str(Path(self.folder, name))

    def entries(self) -> list[StoredBundle]:
        """Return every bundle in the folder, broken ones too, in the order of their names.

        Raises:
            UsageError: the folder cannot be listed.
        """
        return [examine(self._at(name)) for name in bundle_names(self.folder)]

    def named(self, text: str) -> str:
        """Return the file that `text` names: as it is, without its ending, or by its path.

        Raises:
            UsageError: none does.
        """
        names = bundle_names(self.folder)
        path = Path(text)
        here = path.name == text or _is_same(path.parent, Path(self.folder))
        for name in (path.name, path.name + SUFFIX):
            if here and name in names:
                return name
        cure = f"one of: {', '.join(names)}" if names else "there is none"
        raise UsageError(text, f"is no bundle in {self.folder}", cure)

    def choose(self, name: str, *, asked: bool = True) -> StoredBundle:
        """Make the file `name` the one that is used when none is named.

        One that was `asked` for by name no installer replaces from then on.

        Raises:
            NotABundle, IntegrityError: it cannot be used.
            CannotWrite: the disk did not take it; the former choice holds.
        """
        with verify_all(self.path(name)) as bundle:
            content = self._record()
            content["chosen"] = {"file": name, "identity": bundle.identity}
            self._write(_named_by_user(content, name) if asked else content)
            return StoredBundle(bundle.path, bundle.manifest)

    def add(
        self, sources: Sequence[str], *, replace: bool = False, keep: bool = False
    ) -> list[Addition]:
        """Copy bundles into the folder, each byte checked, and change nothing else by it.

        The one that is used stays the one that is used: it becomes the chosen one where nobody
        chose. The first in an empty folder is chosen. A replaced one that was chosen stays so.
        `keep` is for installers: a file that an installer wrote is replaced, if nobody has changed
        or named it since; beside any other file the new one gets a name of its own.

        Raises:
            UsageError: a name is none, or stands twice.
            NotABundle, IntegrityError: one of them cannot be used; none was copied.
            CannotWrite: a file of that name holds something else and `replace` is false, or the
                disk did not take one.
        """
        before = bundle_names(self.folder)
        planned = [self._planned(source, replace=replace, keep=keep) for source in sources]
        names = [Path(change.entry.path).name for _, change in planned]
        if twice := {name for name in names if names.count(name) > 1}:
            raise UsageError(min(twice), "stands there twice", "rename one, or leave one out")
        _make(self.folder)
        chosen = self._chosen_before(before)
        for (source, change), name in zip(planned, names, strict=True):
            if change.state != THERE:
                pack(source, change.entry.path)
                self._note(name, installed=keep)
            elif not keep and name in self._record().get("installed", ()):
                self._write(_named_by_user(self._record(), name))
            if change.state == REPLACED and chosen and chosen["file"] == name:
                self.choose(name, asked=False)
        if chosen is None and not before and len(names) == 1:
            self.choose(names[0], asked=False)
        return [change for _, change in planned]

    def remove(self, name: str) -> None:
        """Remove the file `name`, and with the chosen one the choice.

        Raises:
            CannotWrite: the disk does not let us, or it is a folder.
        """
        path, content = Path(self.path(name)), record(self.folder)
        if path.is_dir() and not path.is_symlink():
            raise CannotWrite(path, "is a folder", "remove it yourself")
        try:
            path.unlink()
        except OSError as error:
            problem = f"cannot be removed ({error.strerror or error})"
            raise CannotWrite(path, problem, "ask for the right to, or mount the disk") from error
        content["added"].pop(name, None)
        _named_by_user(content, name)
        if content["chosen"] and content["chosen"]["file"] == name:
            content["chosen"] = None
        self._write(content)

    def _at(self, name: str) -> DefaultBundle:
        return DefaultBundle(self.path(name), "")

    def _planned(self, source: str, *, replace: bool, keep: bool) -> tuple[str, Addition]:
        """Return what is to be done with one, having checked every byte of it."""
        with verify_all(source) as bundle:
            new = StoredBundle(self.path(_name(bundle)), bundle.manifest)
        if keep:
            return source, self._kept(new, bundle.identity)
        if not os.path.lexists(new.path):
            return source, Addition(new, ADDED)
        old = examine(self._at(Path(new.path).name))
        if _is(old, bundle.identity):
            return source, Addition(new, THERE)
        if not replace:
            what = f"is another bundle ({old.words})" if old.manifest else old.words
            problem = f"is there already, and {what}"
            raise CannotWrite(new.path, problem, "add --replace, or rename the new one")
        return source, Addition(new, REPLACED, old)

    def _kept(self, new: StoredBundle, identity: str) -> Addition:
        """Return what an installer does with `new`: it replaces nothing that a user put there."""
        name = Path(new.path).name
        there = sorted(self.entries(), key=lambda entry: Path(entry.path).name != name)
        for entry in there:
            if _is(entry, identity):
                return Addition(entry, THERE)
        if not os.path.lexists(new.path):
            return Addition(new, ADDED)
        old = examine(self._at(name))
        if self._is_as_installed(name):
            return Addition(new, REPLACED, old)
        for digits in (8, 16, len(identity)):
            path = f"{new.path[: -len(SUFFIX)]}-{identity[:digits]}{SUFFIX}"
            if not os.path.lexists(path):
                return Addition(StoredBundle(path, new.manifest), ADDED, old)
        raise CannotWrite(new.path, "is there already", f"name another: {name} was not copied")

    def _is_as_installed(self, name: str) -> bool:
        """Tell whether an installer wrote the file `name`, and nobody has touched it since."""
        content, path = self._record(), Path(self.path(name))
        return (
            name in content.get("installed", ())
            and path.is_file()
            and not path.is_symlink()
            and sha256(path.read_bytes()) == content["added"].get(name)
        )

    def _chosen_before(self, before: list[str]) -> dict[str, str] | None:
        """Return what is chosen before anything is added: the only one, where nobody chose.

        Nothing is chosen in place of what a damaged record held, which nobody knows.
        """
        try:
            chosen = record(self.folder)["chosen"]
        except DamagedRecord:
            return None
        if chosen is None and len(before) == 1 and examine(self._at(before[0])).manifest:
            self.choose(before[0], asked=False)
            return record(self.folder)["chosen"]
        return chosen

    def _record(self) -> BundlesRecord:
        """Return what was written down, or a new record where that cannot be read."""
        try:
            return record(self.folder)
        except UsageError:  # the cure for which is to write it anew
            return {"chosen": None, "added": {}}

    def _note(self, name: str, *, installed: bool) -> None:
        """Write down that the file `name` is ours, so that uninstalling removes it."""
        content = _named_by_user(self._record(), name)
        content["added"][name] = sha256(Path(self.path(name)).read_bytes())
        if installed:
            content["installed"] = [*content.get("installed", ()), name]
        self._write(content)

    def _write(self, content: BundlesRecord) -> None:
        text = json.dumps(content, indent=1, sort_keys=True) + "\n"
        write_whole(self.path(RECORD), text.encode("ascii"))


def _is(entry: StoredBundle, identity: str) -> bool:
    return entry.manifest is not None and entry.manifest.identity == identity


def _named_by_user(content: BundlesRecord, name: str) -> BundlesRecord:
    """Note that a user has named the file `name`: no installer replaces it any more."""
    others = [file for file in content.pop("installed", ()) if file != name]
    if others:
        content["installed"] = others
    return content


def _is_same(left: Path, right: Path) -> bool:
    try:
        return left.samefile(right)
    except OSError:
        return False


def _name(bundle: Bundle) -> str:
    """Return what a bundle is to be called in the data folder.

    Raises:
        UsageError: it would not be found under that name.
    """
    path = Path(os.path.normpath(bundle.path)).absolute()
    name = path.name + (SUFFIX if path.is_dir() and path.suffix.lower() != SUFFIX else "")
    if name.startswith(".") or not name.lower().endswith(SUFFIX):
        raise UsageError(bundle.path, f"is not called NAME{SUFFIX}", "rename it")
    return name


def _make(folder: str) -> None:
    if os.path.islink(folder) and not os.path.isdir(folder):  # noqa: PTH112, PTH114
        cure = "mount the disk that it leads to, or remove the link"
        raise CannotWrite(folder, "is a link that leads to no folder", cure)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot be made ({error.strerror or error})"
        raise CannotWrite(folder, problem, "name bundles with --bundle or EDGE_BUNDLE") from error
    require_own(folder, CannotWrite, "name bundles with --bundle or EDGE_BUNDLE")
