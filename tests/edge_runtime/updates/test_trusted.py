"""What a store trusts is one file that is read as it was written, and tells the time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.bundle.installed import sealed
from edge_runtime.errors import IntegrityError, NotABundle
from edge_runtime.machine.computer import RELEASED
from edge_runtime.updates.trusted import SIGNED_AT, TRUST, Trusted
from simulated_repository import NOW, Simulated, forged, keys_of

LONG_AGO = RELEASED - timedelta(days=9000)


@pytest.fixture
def published(by_folder: Simulated) -> Simulated:
    by_folder.publish(1)
    by_folder.copy()
    by_folder.update()
    return by_folder


def trusted(simulated: Simulated) -> Trusted:
    return Trusted.read(simulated.store.folder)


def unsigned(root: bytes) -> bytes:
    return json.dumps({**json.loads(root), "signatures": []}).encode()


def signed_once(root: bytes) -> bytes:
    document = json.loads(root)
    return json.dumps({**document, "signatures": document["signatures"][:1]}).encode()


@pytest.mark.parametrize("change", [unsigned, signed_once, lambda _: b"{}", lambda _: b"\xff"])
def test_trust_begins_with_a_root_that_signs_itself(
    change: Callable[[bytes], bytes], by_folder: Simulated
) -> None:
    root = by_folder.root.read_bytes()
    assert Trusted.beginning(root, "root.json") == Trusted(root.decode(), {}, {})
    with pytest.raises(IntegrityError) as said:
        Trusted.beginning(change(root), "root.json")
    assert str(said.value).startswith("root.json: is no root of a repository (")
    assert str(said.value).endswith("); take the root.json that the repository's maker handed over")


@pytest.mark.parametrize("role", ["timestamp", "targets"])
def test_trust_does_not_begin_with_the_metadata_of_another_role(
    role: str, published: Simulated
) -> None:
    (path, *_) = published.mirror.glob(f"metadata/*{role}.json")
    with pytest.raises(IntegrityError, match=r"no root of a repository \(not the metadata of a"):
        Trusted.beginning(path.read_bytes(), path)


def test_trust_is_read_as_it_was_written(tmp_path: Path) -> None:
    told = Trusted("root", {"2.root.json": "zwei"}, {"timestamp.json": "\u00e9\n"})
    told.write(str(tmp_path))
    assert Trusted.read(str(tmp_path)) == told
    assert (tmp_path / "trust.json").read_bytes() == told.to_bytes()
    with pytest.raises(NotABundle, match="cannot be read"):
        Trusted.read(str(tmp_path / "nothing"))


@pytest.mark.parametrize("content", [{"root": "x"}, {"root": "", "roots": {}, "keys": {}}])
def test_trust_with_other_parts_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / TRUST).write_bytes(sealed(content))
    with pytest.raises(IntegrityError) as said:
        Trusted.read(str(tmp_path))
    cure = "install into a new store with --root"
    assert str(said.value) == f"{tmp_path / TRUST}: is not what edge-run wrote; {cure}"


def test_no_more_is_read_than_trust_may_have(tmp_path: Path) -> None:
    (tmp_path / TRUST).write_bytes(b" " * ((16 << 20) + 1))
    with pytest.raises(IntegrityError, match="is too long for what edge-run wrote"):
        Trusted.read(str(tmp_path))
    (tmp_path / TRUST).write_bytes(b" " * (16 << 20))
    with pytest.raises(IntegrityError, match="is not what edge-run wrote"):
        Trusted.read(str(tmp_path))


def test_what_is_unfolded_is_folded_again_without_a_link_and_drafts(tmp_path: Path) -> None:
    told = Trusted("root", {"2.root.json": "z\u00fc"}, {"timestamp.json": "\u00e9\r\n"})
    told.unfold(tmp_path)
    assert (tmp_path / "timestamp.json").read_bytes() == b"\xc3\xa9\r\n"
    assert (tmp_path / "root_history" / "2.root.json").read_bytes() == b"z\xc3\xbc"
    (tmp_path / "root.json").write_bytes(b"a link")
    (tmp_path / "tmpx1").write_bytes(b"a draft")
    assert told.folded(tmp_path) == told


def test_the_time_is_the_latest_of_clock_signature_and_release(published: Simulated) -> None:
    told = trusted(published)
    assert told.time(LONG_AGO) == NOW
    assert told.time(NOW + timedelta(days=3)) == NOW + timedelta(days=3)
    assert Trusted(told.root, {}, {}).time(LONG_AGO) == RELEASED
    assert '"x-edge-kit-signed-at":' in told.metadata["timestamp.json"]


def forged_time(published: Simulated, change: Callable[[Any], None]) -> Trusted:
    """Return the trust in a timestamp that was signed with a change."""
    path = published.file("timestamp.json")
    forged(path, keys_of(published, "timestamp"), change)
    told = trusted(published)
    return Trusted(told.root, told.roots, {"timestamp.json": path.read_text("utf-8")})


def test_a_time_after_the_end_of_its_timestamp_is_that_end(published: Simulated) -> None:
    def lie(signed: Any) -> None:
        signed.unrecognized_fields[SIGNED_AT] = "2099-01-01T00:00:00Z"
        signed.expires = NOW + timedelta(days=5)

    assert forged_time(published, lie).time(LONG_AGO) == NOW + timedelta(days=5)


def test_a_time_before_this_version_was_released_is_that_of_the_release(
    published: Simulated,
) -> None:
    def lie(signed: Any) -> None:
        signed.unrecognized_fields[SIGNED_AT] = "2001-01-01T00:00:00Z"

    assert forged_time(published, lie).time(LONG_AGO) == RELEASED


@pytest.mark.parametrize("text", ["yesterday", "", 7, None, [], "2026-12-01T00:00:00"])
def test_a_time_that_is_none_tells_nothing(text: object, published: Simulated) -> None:
    def lie(signed: Any) -> None:
        signed.unrecognized_fields[SIGNED_AT] = text

    assert forged_time(published, lie).time(LONG_AGO) == RELEASED


def test_a_timestamp_that_does_not_say_when_it_was_signed_tells_nothing(
    published: Simulated,
) -> None:
    told = forged_time(published, lambda signed: signed.unrecognized_fields.clear())
    assert told.time(LONG_AGO) == RELEASED


@pytest.mark.parametrize("text", ["{}", "no metadata"])
def test_a_timestamp_that_is_none_tells_nothing(text: str, published: Simulated) -> None:
    told = trusted(published)
    assert Trusted(told.root, told.roots, {"timestamp.json": text}).time(LONG_AGO) == RELEASED


def test_the_newest_root_is_the_one_of_the_largest_number(published: Simulated) -> None:
    told = trusted(published)
    good, metadata = told.root, told.metadata
    for roots, time in (
        ({"9.root.json": "{}", "10.root.json": good}, NOW),
        ({"10.root.json": good, "9.root.json": "{}"}, NOW),
        ({"10.root.json": "{}", "9.root.json": good}, RELEASED),
        ({}, NOW),
    ):
        assert Trusted(good, roots, metadata).time(LONG_AGO) == time
