"""Nobody between a maker and a box brings it to another model than the newest that is signed.

Each attack is a test, over HTTP and from a folder. What a box has installed goes on in each.
"""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Targets
from tuf.ngclient import Updater

from edge_runtime.errors import DataError, IntegrityError
from edge_runtime.updates import client
from edge_runtime.updates.client import Expired
from edge_runtime.updates.trusted import Trusted
from simulated_repository import (
    NOW,
    Simulated,
    dripping,
    endless,
    forged,
    keys_of,
    refused,
    version,
)

# --- nobody's keys are needed for these ----------------------------------------------------------


def test_rollback_to_an_older_timestamp_is_refused(simulated: Simulated) -> None:
    old = simulated.file("timestamp.json").read_bytes()
    simulated.publish(2)
    simulated.copy()
    simulated.update()
    simulated.file("timestamp.json").write_bytes(old)
    refused(simulated, IntegrityError, "older than what was seen before")
    assert simulated.release == 2


def test_a_whole_older_repository_is_refused(simulated: Simulated) -> None:
    simulated.publish(2)
    old = simulated.folder / "old"
    shutil.copytree(simulated.mirror, old)
    simulated.copy()
    simulated.update()
    shutil.rmtree(simulated.mirror)
    old.rename(simulated.mirror)
    refused(simulated, IntegrityError, "older than what was seen before")


def test_an_indefinite_freeze_ends_with_the_time_of_the_timestamp(simulated: Simulated) -> None:
    simulated.publish(2)  # which never comes through
    simulated.days = 91
    refused(simulated, Expired, "is over its time.*release 1 goes on")


def test_mix_and_match_of_two_moments_is_refused(simulated: Simulated) -> None:
    simulated.publish(2)
    before = simulated.maker.metadata.path("snapshot", version(simulated, "snapshot")).read_bytes()
    simulated.publish(3)
    simulated.copy()
    now = version(simulated, "snapshot")
    simulated.file(f"{now}.snapshot.json").write_bytes(before)
    refused(simulated, IntegrityError, "older than what was seen|not what was signed")


def test_targets_of_another_moment_are_refused(simulated: Simulated) -> None:
    old = simulated.file(f"{version(simulated, 'targets')}.targets.json").read_bytes()
    simulated.publish(2)
    simulated.copy()
    simulated.file(f"{version(simulated, 'targets')}.targets.json").write_bytes(old)
    refused(simulated, IntegrityError, "older than what was seen before")


@pytest.mark.parametrize("name", ["timestamp.json", "{snapshot}.snapshot.json", "2.root.json"])
def test_endless_data_ends_at_the_bound(name: str, simulated: Simulated) -> None:
    simulated.publish(2)
    simulated.copy()
    name = name.format(snapshot=version(simulated, "snapshot"))
    simulated.body[f"/metadata/{name}"] = endless
    refused(simulated, IntegrityError, "exceeding the maximum allowed length")


def test_an_endless_model_ends_at_its_length(simulated: Simulated) -> None:
    simulated.publish(2)
    simulated.copy()
    simulated.body[f"/{target(simulated, 2)}"] = endless
    refused(simulated, IntegrityError, "exceeding the maximum allowed length")


def target(simulated: Simulated, release: int) -> str:
    """Return the file of a release, below the repository."""
    published = simulated.maker.metadata.read(Targets, "targets").signed.targets
    for path, file in published.items():
        if (file.custom or {})["release"] == release:
            folder, _, name = path.rpartition("/")
            return f"targets/{folder}/{file.hashes['sha256']}.{name}"
    raise AssertionError(f"no release {release}")


@pytest.mark.parametrize("size", [-1, 1])
def test_a_model_of_the_wrong_length_is_refused(size: int, simulated: Simulated) -> None:
    simulated.publish(2)
    simulated.copy()
    place = simulated.mirror / target(simulated, 2)
    data = place.read_bytes()
    place.write_bytes(data[:size] if size < 0 else data + b" ")
    refused(simulated, IntegrityError, "not what was signed")


def test_a_model_of_the_wrong_digest_is_refused(simulated: Simulated) -> None:
    simulated.publish(2)
    simulated.copy()
    place = simulated.mirror / target(simulated, 2)
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.write_bytes(data)
    refused(simulated, IntegrityError, "not what was signed")


@pytest.mark.parametrize("what", ["timestamp", "model"])
def test_a_slow_retrieval_is_given_up(what: str, simulated: Simulated) -> None:
    simulated.publish(2)
    simulated.copy()
    place = "metadata/timestamp.json" if what == "timestamp" else target(simulated, 2)
    simulated.body[f"/{place}"] = dripping
    simulated.patience = 0.3
    refused(simulated, DataError, "too slow")


def test_a_file_that_is_missing_is_one_line(simulated: Simulated) -> None:
    simulated.publish(2)
    simulated.copy()
    (simulated.mirror / target(simulated, 2)).unlink()
    refused(simulated, DataError, "not all of it")


# --- with keys that are not those of the role ----------------------------------------------------


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_wrong_key_signs_nothing(role: str, simulated: Simulated) -> None:
    simulated.publish(2)
    simulated.copy()
    name = f"{role}.json" if role == "timestamp" else f"{version(simulated, role)}.{role}.json"
    forged(simulated.file(name), [CryptoSigner.generate_ed25519()])
    refused(simulated, IntegrityError, "not what was signed")


def test_a_root_below_its_threshold_is_refused(simulated: Simulated) -> None:
    simulated.maker.rotate("timestamp")
    simulated.copy()
    one = keys_of(simulated, "root")
    forged(simulated.file("2.root.json"), one)
    refused(simulated, IntegrityError, "not what was signed")


def test_one_key_of_the_root_twice_is_one_key(simulated: Simulated) -> None:
    simulated.maker.rotate("timestamp")
    simulated.copy()
    path, (signer,) = simulated.file("2.root.json"), keys_of(simulated, "root")
    forged(path, [signer])
    text = path.read_text()
    entry = text[text.index("{", 2) : text.index("}") + 1]
    path.write_text(text.replace(entry, f"{entry},\n{entry}", 1))
    refused(simulated, IntegrityError, "no sound repository")


# --- the time ------------------------------------------------------------------------------------


def test_a_box_without_a_clock_judges_by_the_last_timestamp(simulated: Simulated) -> None:
    simulated.days = 80
    simulated.publish(2)
    simulated.copy()
    simulated.box_clock = lambda: NOW - timedelta(days=20_000)
    simulated.update()
    assert simulated.release == 2
    time = Trusted.read(simulated.store.folder).time(simulated.box_clock())
    assert time == NOW + timedelta(days=80)


def test_an_expired_repository_is_newer_than_an_older_one(simulated: Simulated) -> None:
    old = simulated.file("timestamp.json").read_bytes()
    simulated.publish(2)
    simulated.copy()
    simulated.update()
    simulated.days = 400
    refused(simulated, Expired, "is over its time.*release 2 goes on")
    simulated.file("timestamp.json").write_bytes(old)
    refused(simulated, IntegrityError, "older than what was seen before")
    assert simulated.release == 2


def test_the_private_line_of_python_tuf_sets_the_time(simulated: Simulated) -> None:
    """python-tuf has no public way to say what time it is: this fails where its own changes."""
    place = simulated.folder / "tuf"
    place.mkdir()
    updater = Updater(str(place), "x", bootstrap=simulated.root.read_bytes())
    trusted = updater._trusted_set
    assert "reference_time" in vars(trusted)
    client.set_reference_time(updater, NOW)
    assert trusted.reference_time == NOW
    stamp = simulated.file("timestamp.json").read_bytes()
    client.set_reference_time(updater, NOW + timedelta(days=731))
    with pytest.raises(Exception, match=r"root\.json is expired"):
        trusted.update_timestamp(stamp)
    client.set_reference_time(updater, NOW + timedelta(days=1))
    trusted.update_timestamp(stamp)
