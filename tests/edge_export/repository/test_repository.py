"""A repository is signed by keys that only their owner reads, and by as many as it says."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from edge_export.repository.keys import KeyFolder, public_key
from edge_export.repository.repository import ModelRepository
from edge_export.signing.keys import new_key
from edge_runtime.errors import CannotWrite, DataError, UsageError
from tiny_bundle import write_tiny_bundle


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    made = ModelRepository(tmp_path / "repository", tmp_path / "keys")
    made.init()
    return made


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "m.edge")


def test_two_of_three_keys_sign_for_the_root_and_one_for_each_other_role(
    repository: ModelRepository,
) -> None:
    root = repository.metadata.read(Root, "root").signed
    assert (root.roles["root"].threshold, len(root.roles["root"].keyids)) == (2, 3)
    for role in ("targets", "snapshot", "timestamp"):
        assert (root.roles[role].threshold, len(root.roles[role].keyids)) == (1, 1)
    assert len({keyid for role in root.roles.values() for keyid in role.keyids}) == 6


@pytest.mark.skipif(os.name != "posix", reason="modes of files of Unix")
def test_a_key_is_for_its_owner_alone(repository: ModelRepository) -> None:
    paths = [*repository.keys.folder.iterdir()]
    assert len(paths) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE(repository.keys.folder.stat().st_mode) == 0o700
    paths[0].chmod(0o640)
    with pytest.raises(UsageError, match="can be read by other users"):
        repository.publish()


def test_no_key_lies_in_what_is_published(repository: ModelRepository, bundle: Path) -> None:
    repository.add(bundle, channel="stable")
    repository.publish()
    for path in repository.folder.rglob("*"):
        assert not path.is_file() or b"PRIVATE KEY" not in path.read_bytes()


def test_nothing_is_signed_by_fewer_keys_than_have_to(
    repository: ModelRepository, bundle: Path
) -> None:
    (repository.keys.folder / "targets-1.pem").unlink()
    with pytest.raises(DataError, match="needs 1 of 1 keys"):
        repository.add(bundle, channel="stable")
    for number in (1, 2):
        (repository.keys.folder / f"root-{number}.pem").unlink()
    with pytest.raises(DataError, match="needs 2 of 3 keys"):
        repository.rotate("timestamp")
    assert repository.metadata.version("root") == 1


def test_what_is_added_is_seen_when_it_is_published(
    repository: ModelRepository, bundle: Path
) -> None:
    before = repository.metadata.read(Timestamp, "timestamp").signed.snapshot_meta.version
    repository.add(bundle, channel="stable")
    stamp = repository.metadata.read(Timestamp, "timestamp").signed
    assert stamp.snapshot_meta.version == before
    repository.publish()
    snapshot = repository.metadata.read(Snapshot, "snapshot").signed
    assert snapshot.meta["targets.json"].version == repository.metadata.version("targets")


def test_a_model_that_is_added_again_keeps_its_number(
    repository: ModelRepository, tmp_path: Path, bundle: Path
) -> None:
    path = repository.add(bundle, channel="stable", percent=10)
    repository.add(write_tiny_bundle(tmp_path / "n.edge", tolerance=0.5), channel="stable")
    assert repository.add(bundle, channel="stable", percent=90) == path
    targets = repository.metadata.read(Targets, "targets").signed.targets
    customs = [(target.custom or {}) for target in targets.values()]
    assert sorted((each["release"], each["percent"]) for each in customs) == [(1, 90), (2, 100)]


def test_a_number_is_not_given_again_where_a_model_was_removed(
    repository: ModelRepository, tmp_path: Path, bundle: Path
) -> None:
    repository.add(bundle, channel="stable")
    newer = repository.add(write_tiny_bundle(tmp_path / "n.edge", tolerance=0.5), channel="stable")
    repository.remove(newer)
    path = repository.add(write_tiny_bundle(tmp_path / "o.edge", tolerance=0.6), channel="stable")
    targets = repository.metadata.read(Targets, "targets").signed.targets
    assert (targets[path].custom or {})["release"] == 3


def test_a_region_signs_with_a_key_that_its_maker_never_has(
    repository: ModelRepository, tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    path = tmp_path / "north.pem"
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    repository.delegate("north", public_key(path))
    repository.publish()
    assert not [*repository.keys.folder.glob("north*")]
    path.write_bytes(b"no key")
    with pytest.raises(UsageError, match="is no public key"):
        public_key(path)


@pytest.mark.parametrize("name", ["stable", "root", "timestamp", "", "a/b", "..", "nörd"])
def test_a_region_has_a_name_that_nothing_else_has(name: str, repository: ModelRepository) -> None:
    with pytest.raises(UsageError, match="is no name of a region"):
        repository.delegate(name)


def test_a_folder_with_something_in_it_becomes_no_repository(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "x").touch()
    with pytest.raises(CannotWrite, match="exists already"):
        ModelRepository(tmp_path / "repository", tmp_path / "keys").init()


def test_what_is_no_key_or_no_repository_is_one_line(
    repository: ModelRepository, tmp_path: Path
) -> None:
    (repository.keys.folder / "x.pem").write_text("no key")
    (repository.keys.folder / "x.pem").chmod(0o600)
    with pytest.raises(UsageError, match=r"x\.pem: is no private key in PEM"):
        repository.publish()
    (repository.keys.folder / "x.pem").unlink()
    new_key(repository.keys.folder / "x", "a passphrase")
    with pytest.raises(UsageError, match=r"x\.pem: is encrypted; give a key without a passphrase"):
        repository.publish()
    with pytest.raises(DataError, match="cannot be read"):
        KeyFolder(tmp_path / "nowhere").signers()
    shutil.rmtree(repository.folder)
    with pytest.raises(DataError, match="is no metadata of a repository"):
        repository.timestamp()
