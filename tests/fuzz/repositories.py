"""Damaged and forged repositories of models: a box takes what was signed, or a line says no."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets

from edge_export.repository.repository import ModelRepository
from edge_runtime.errors import EdgeError
from edge_runtime.installation.record import StoreState
from edge_runtime.updates.choice import choose
from edge_runtime.updates.client import Repository
from edge_runtime.updates.fetching import BoundedFetcher, reading_folder
from edge_runtime.updates.release import Release, releases
from edge_runtime.updates.trusted import Trusted
from fuzz.mutate import ANY, damaged
from fuzz.seeds import warp
from tiny_bundle import write_tiny_bundle

_NOW = datetime(2026, 12, 1, tzinfo=UTC)
_STATE = StoreState(box="0" * 32)
_ROLES = ("timestamp", "snapshot", "targets", "root")


class _Offered:
    """A maker's repository of two releases, its mirror, and a box that has seen the first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mirror = folder, folder / "mirror"
        maker = ModelRepository(folder / "maker", folder / "keys", lambda: _NOW)
        self.first = Trusted.beginning(maker.init().read_bytes(), "the root")
        self._add(maker, 1)
        self.signers = maker.keys.signers()
        self.kept = self._seen()
        maker.rotate("timestamp")
        self.signers |= maker.keys.signers()
        self._add(maker, 2)
        seen = self._seen()
        self.targets = self._targets(seen)
        self.root = Metadata[Root].from_bytes(seen.roots["2.root.json"].encode()).signed
        self.seeds = {path.name: path.read_bytes() for path in self._newest(maker)}

    def _add(self, maker: ModelRepository, number: int) -> None:
        model = write_tiny_bundle(self.folder / f"{number}.edge", tolerance=number / 1000)
        maker.add(model, channel="stable")
        maker.publish()
        shutil.rmtree(self.mirror, ignore_errors=True)
        shutil.copytree(maker.folder, self.mirror)
        self.model = model.read_bytes()

    def _newest(self, maker: ModelRepository) -> Iterator[Path]:
        for role in _ROLES:
            yield maker.metadata.path(role, maker.metadata.version(role))

    def _seen(self) -> Trusted:
        with self.asked(self.first) as repository:
            repository.refresh()
            return repository.trusted

    def _targets(self, trusted: Trusted) -> dict[str, Any]:
        return (
            Metadata[Targets].from_bytes(trusted.metadata["targets.json"].encode()).signed.targets
        )

    @contextmanager
    def asked(self, trusted: Trusted) -> Iterator[Repository]:
        """Yield the mirror as a box sees it."""
        address = str(self.mirror)
        with tempfile.TemporaryDirectory() as name:
            fetcher = BoundedFetcher(reading_folder(address))
            yield Repository(address, fetcher, trusted, Path(name), lambda: _NOW)

    def is_signed_anew(self, name: str, data: bytes) -> bool:
        """Tell whether the keys of its role signed something else than the maker published."""
        role = name.split(".")[-2]
        try:
            metadata = Metadata[Any].from_bytes(data)
            self.root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        except (RepositoryError, ValueError, RecursionError):
            return False
        seed = Metadata[Any].from_bytes(self.seeds[name])
        return bool(metadata.signed_bytes != seed.signed_bytes)


def repository_case() -> Callable[[Random], tuple[bytes, Callable[[bytes], str]]]:
    """Return what damages one file of a repository, and lets a box update from it."""
    offered = _Offered(Path(tempfile.mkdtemp(prefix="fuzz-")))

    def judge(data: bytes) -> str:
        name, _, content = data.partition(b"\n")
        place = offered.mirror / "metadata" / name.decode()
        place.write_bytes(content)
        anew = offered.is_signed_anew(name.decode(), content)
        with offered.asked(offered.kept) as repository:
            try:
                outcome = _updated(repository, offered, anew=anew)
            except EdgeError as error:
                assert "\n" not in str(error) and len(str(error)) < 2000, str(error)
                outcome = type(error).__name__
            kept = repository.trusted
        place.write_bytes(offered.seeds[name.decode()])
        if not anew:  # what was not signed leaves no trace: the next mirror is believed
            with offered.asked(kept) as repository:
                assert _updated(repository, offered, anew=False) == "accepted"
        return outcome

    return lambda chance: (_damaged(offered, chance), judge)


def _updated(repository: Repository, offered: _Offered, *, anew: bool) -> str:
    """Look at what is offered as an update does, and fetch the model of it."""
    repository.refresh()
    targets = repository.targets()
    assert anew or targets == offered.targets, "other targets than those that were signed"
    chosen = choose(_STATE, releases(targets, "stable", None), [], whole=False)
    if chosen.maker is None:
        return "nothing offered"
    release: Release = chosen.maker
    data = repository.download(release.path).read_bytes()
    assert anew or data == offered.model, "another model than the newest"
    return "signed anew" if anew else "accepted"


def _damaged(offered: _Offered, chance: Random) -> bytes:
    name = chance.choice([*offered.seeds])
    seed, deed = offered.seeds[name], chance.random()
    if deed < 0.3:
        return name.encode() + b"\n" + bytes(damaged(seed, chance, [seed], ANY))
    document = json.loads(seed)
    for _ in range(chance.choice((1, 1, 2, 4))):
        warp(document if deed < 0.5 else document["signed"], chance)
    if deed >= 0.6:
        _sign(document, offered, name.split(".")[-2], chance)
    try:
        return name.encode() + b"\n" + json.dumps(document).encode()
    except (ValueError, RecursionError):
        return name.encode() + b"\n" + seed


def _sign(document: dict[str, Any], offered: _Offered, role: str, chance: Random) -> None:
    """Sign anew: mostly by the keys of the role, as its thief would, else by those of another."""
    role = role if chance.random() < 0.8 else chance.choice(_ROLES)
    try:
        payload = (encode_canonical(document["signed"]) or "").encode()
    except (FormatError, UnicodeEncodeError, RecursionError):
        return  # values that have no canonical form: the signatures stay
    keys = offered.root.roles[role].keyids
    document["signatures"] = [
        {"keyid": keyid, "sig": offered.signers[keyid].sign(payload).signature}
        for keyid in keys[: chance.choice((1, 2, 3))]
    ]
