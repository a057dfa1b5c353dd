"""Stolen keys bring no other model, and are worth nothing once they were exchanged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tuf.api.metadata import MetaFile, Root

from edge_runtime.errors import DataError, IntegrityError
from edge_runtime.updates.trusted import SIGNED_AT, Trusted
from simulated_repository import NOW, Simulated, forged, keys_of, refused, version

FAR = 1_000_000
"""A version that nobody reaches by publishing."""


@pytest.mark.parametrize("forges", [True, False], ids=["signs a snapshot", "names one"])
def test_a_stolen_timestamp_key_brings_no_other_model(forges: bool, simulated: Simulated) -> None:
    stolen, now = keys_of(simulated, "timestamp"), version(simulated, "snapshot")

    def more(signed: Any) -> None:
        signed.version += 1

    def lie(signed: Any) -> None:
        signed.version += 1
        signed.snapshot_meta = MetaFile(now + 1)

    if forges:
        path = simulated.file(f"{now}.snapshot.json")
        forged(path, stolen, more)
        path.rename(simulated.file(f"{now + 1}.snapshot.json"))
    forged(simulated.file("timestamp.json"), stolen, lie)
    if forges:
        refused(simulated, IntegrityError, "not what was signed")
    else:
        refused(simulated, DataError, "not all of it")


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_a_fast_forward_is_recovered_from_by_new_keys(role: str, simulated: Simulated) -> None:
    stolen = {name: keys_of(simulated, name) for name in ("timestamp", "snapshot")}
    now = version(simulated, "snapshot")

    def far(signed: Any) -> None:
        signed.version = FAR

    if role == "snapshot":
        path = simulated.file(f"{now}.snapshot.json")
        forged(path, stolen["snapshot"], far)
        path.rename(simulated.file(f"{FAR}.snapshot.json"))

    def stamp(signed: Any) -> None:
        signed.version = FAR
        signed.snapshot_meta = MetaFile(FAR if role == "snapshot" else now)

    forged(simulated.file("timestamp.json"), stolen["timestamp"], stamp)
    simulated.update()  # believed: the keys were good
    simulated.publish(2)
    simulated.copy()
    refused(simulated, IntegrityError, "older than what was seen before")
    for name in ("timestamp", "snapshot"):
        simulated.maker.rotate(name)
    simulated.copy()
    simulated.update()
    assert simulated.release == 2


def test_a_stolen_timestamp_key_cannot_put_the_time_forward_for_ever(simulated: Simulated) -> None:
    def lie(signed: Any) -> None:
        signed.version += 1
        signed.expires = NOW + timedelta(days=9000)
        signed.unrecognized_fields[SIGNED_AT] = "2049-01-01T00:00:00Z"

    forged(simulated.file("timestamp.json"), keys_of(simulated, "timestamp"), lie)
    simulated.update()
    assert Trusted.read(simulated.store.folder).time(NOW).year == 2049
    simulated.publish(2)
    simulated.maker.rotate("timestamp")
    simulated.copy()
    simulated.update()
    assert simulated.release == 2
    assert Trusted.read(simulated.store.folder).time(NOW).year == NOW.year


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_stolen_key_is_worth_nothing_once_it_was_exchanged(
    role: str, simulated: Simulated
) -> None:
    stolen = keys_of(simulated, role)
    simulated.publish(2)
    simulated.maker.rotate(role)
    simulated.copy()
    simulated.update()
    assert simulated.release == 2
    simulated.publish(3)
    simulated.copy()
    name = f"{role}.json" if role == "timestamp" else f"{version(simulated, role)}.{role}.json"
    forged(simulated.file(name), stolen)
    refused(simulated, IntegrityError, "not what was signed")


def test_a_lost_key_of_the_root_is_exchanged_by_the_others(simulated: Simulated) -> None:
    lost = simulated.maker.keys.folder / "root-3.pem"
    (signer,) = keys_of(simulated, "root")
    lost.unlink()
    simulated.maker.rotate("root", signer.public_key.keyid)
    simulated.publish(2)
    simulated.copy()
    simulated.update()
    assert simulated.release == 2
    simulated.maker.rotate("timestamp")
    simulated.copy()
    forged(simulated.file("3.root.json"), [signer])
    refused(simulated, IntegrityError, "not what was signed")


def test_a_box_that_was_away_follows_roots_one_after_another(simulated: Simulated) -> None:
    for _ in range(5):
        simulated.maker.rotate("timestamp")
    for _ in range(3):
        root = simulated.maker.metadata.read(Root, "root").signed
        simulated.maker.rotate("root", root.get_delegated_role("root").keyids[0])
    simulated.publish(2)
    simulated.copy()
    simulated.update()
    assert simulated.release == 2


def test_a_root_that_skips_a_version_is_refused(simulated: Simulated) -> None:
    simulated.maker.rotate("timestamp")
    simulated.maker.rotate("timestamp")
    simulated.copy()
    simulated.file("3.root.json").rename(simulated.file("2.root.json"))
    refused(simulated, IntegrityError, "older than what was seen before")


def test_a_stolen_key_of_the_targets_alone_publishes_nothing(simulated: Simulated) -> None:
    def more(signed: Any) -> None:
        signed.version += 1

    now = version(simulated, "targets")
    path = simulated.file(f"{now}.targets.json")
    forged(path, keys_of(simulated, "targets"), more)
    path.rename(simulated.file(f"{now + 1}.targets.json"))
    simulated.update()  # nobody looks at it: the snapshot names the one before
    assert simulated.release == 1
