"""A policy is believed where nobody else may change it, and as it was written; else it is said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import bundle as opening
from edge_runtime.bundle import POLICY, open_bundle, policy_folder, policy_path
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import CannotWrite, EdgeError, IntegrityError, UsageError
from edge_runtime.trust import verify_bundle
from edge_runtime.trust.keys import PublicKey
from edge_runtime.trust.policy import (
    MAKER,
    NO_POLICY,
    SITE,
    Policy,
    TrustedKey,
    policy_here,
    policy_to_change,
    read_policy,
    write_policy,
)
from signed_bundles import write_policy_of
from signing_keys import HOSPITAL, VENDOR

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


def test_a_policy_reads_back_as_it_was_written(trusting: Path) -> None:
    write_policy_of(trusting, required=False, vendor=(VENDOR, MAKER), clinic=(HOSPITAL, SITE))
    policy = policy_here()
    assert [(key.name, key.role, key.id) for key in policy.keys] == [
        ("vendor", "maker", VENDOR.public.id),
        ("clinic", "site", HOSPITAL.public.id),
    ]
    assert policy.required is False
    assert policy.key(VENDOR.public.id) == policy.keys[0]
    assert policy.key(None) is None


def damaged(text: str, **changes: Any) -> str:
    return json.dumps(json.loads(text) | changes, indent=1, sort_keys=True) + "\n"


DAMAGE = {
    "cut short": lambda text: text[:-10],
    "empty": lambda _: "",
    "not asked for": lambda text: text.replace('"required": true', '"required": 0'),
    "another format": lambda text: damaged(text, format=2),
    "one more key": lambda text: damaged(text, more=1),
    "a list": lambda _: "[]\n",
    "asked for, and not": lambda text: text.replace(
        '"required": true', '"required": true,\n "required": false'
    ),
    "another role": lambda text: text.replace('"maker"', '"owner"'),
    "deep": lambda _: "[" * 10_000,
    "other letters": lambda text: text.replace("vendor", "v\u00e9ndor"),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_policy_opens_no_bundle(change: Any, signed: Path, trusting: Path) -> None:
    path = trusting / POLICY
    path.write_text(change(path.read_text("ascii")), encoding="utf-8")
    with (
        open_bundle(signed) as bundle,
        pytest.raises(IntegrityError, match="is not as edge-run trust wrote it"),
    ):
        verify_bundle(bundle)


def refusal(path: Path, kind: type[EdgeError] = IntegrityError) -> str:
    """Return the one line for a policy that is refused."""
    with pytest.raises(kind) as caught:
        read_policy(str(path))
    return str(caught.value)


def test_a_policy_that_is_refused_is_named_with_a_cure(trusting: Path) -> None:
    path = trusting / POLICY
    path.write_text("{}")
    problem = "is not as edge-run trust wrote it"
    assert (
        refusal(path) == f"{path}: {problem}; keep others out, or make it anew with edge-run trust"
    )
    path.unlink()
    problem = "is not there, and EDGE_RUN_TRUST names its folder"
    line = f"{path}: {problem}; add a key: edge-run trust add KEY.pub"
    assert refusal(path, UsageError) == line
    path.mkdir()
    if os.name == "posix":
        problem = "cannot be read (Is a directory); ask its owner to allow it"
        assert refusal(path) == f"{path}: {problem}"


def key(number: int, name: str) -> TrustedKey:
    return TrustedKey(name=name, role=MAKER, key=PublicKey.of(number.to_bytes(32, "big")))


def test_a_policy_has_room_for_64_keys_with_names_of_64_letters(tmp_path: Path) -> None:
    keys = tuple(key(number, f"{number:064}") for number in range(65))
    policy = Policy(format=1, required=True, keys=keys[:64])
    write_policy(tmp_path / POLICY, policy)
    assert read_policy(str(tmp_path / POLICY)) == policy
    with pytest.raises(SchemaError, match="keys: "):
        Policy(format=1, required=True, keys=keys)
    with pytest.raises(SchemaError, match="name: "):
        key(1, "a" * 65)
    assert Policy(format=1, required=False, keys=()) == NO_POLICY


@POSIX
def test_no_more_of_a_policy_is_read_than_it_may_have(trusting: Path) -> None:
    os.truncate(trusting / POLICY, 1 << 40)  # a hole of a terabyte
    assert "is not as edge-run trust wrote it" in refusal(trusting / POLICY)


def test_a_policy_is_written_as_people_can_read_it(trusting: Path) -> None:
    lines = (trusting / POLICY).read_text("ascii").splitlines()
    assert lines[:4] == ["{", ' "format": 1,', ' "keys": [', "  {"]
    assert lines[-2:] == [' "required": true', "}"]


def test_a_change_begins_with_the_policy_that_is_there(
    trusting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert policy_to_change() == (trusting / POLICY, policy_here())
    (trusting / POLICY).unlink()
    assert policy_to_change() == (trusting / POLICY, NO_POLICY)
    (trusting / POLICY).symlink_to("nowhere")
    with pytest.raises(UsageError):  # a link that leads nowhere is no policy that is not there
        policy_to_change()
    monkeypatch.setattr("edge_runtime.trust.policy.policy_folder", lambda: None)
    with pytest.raises(CannotWrite) as caught:
        policy_to_change()
    assert str(caught.value) == "trust: this user has no home folder; set EDGE_RUN_TRUST"


@POSIX
def test_no_policy_is_written_where_others_may_change_it(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(CannotWrite, match="name another with EDGE_RUN_TRUST") as caught:
        write_policy(folder / POLICY, NO_POLICY)
    assert caught.value.subject == str(folder)
    assert not (folder / POLICY).exists()


@POSIX
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_policy_that_others_may_change_opens_no_bundle(
    what: str, signed: Path, trusting: Path
) -> None:
    (trusting if what == "folder" else trusting / POLICY).chmod(0o777)
    with (
        open_bundle(signed) as bundle,
        pytest.raises(IntegrityError, match="can be changed by other users"),
    ):
        verify_bundle(bundle)


def test_a_folder_that_is_named_and_has_no_policy_opens_no_bundle(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_RUN_TRUST", str(tmp_path / "mistyped"))
    with open_bundle(tiny) as bundle, pytest.raises(UsageError, match="is not there, and EDGE_RUN"):
        verify_bundle(bundle)


def test_a_key_and_a_name_stand_once() -> None:
    first, second = (TrustedKey(name=name, role=MAKER, key=VENDOR.public) for name in "ab")
    same = TrustedKey(name="a", role=MAKER, key=HOSPITAL.public)
    for keys in ((first, second), (first, same)):
        with pytest.raises(SchemaError, match="keys: a key or its name stands twice"):
            Policy(format=1, required=True, keys=keys)


@POSIX
def test_the_machine_s_policy_holds_for_everybody_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    users, machines = tmp_path / "home" / "edge-run" / "trust", Path(opening._OF_THE_MACHINE)
    assert (policy_folder(), policy_path()) == (str(users), None)
    assert policy_here() == NO_POLICY
    users.mkdir(parents=True)
    (users / POLICY).touch()
    assert policy_path() == str(users / POLICY)
    machines.mkdir()
    assert (policy_folder(), policy_path()) == (str(machines), None)
    (machines / POLICY).touch()
    assert policy_path() == str(machines / POLICY)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machines.joinpath(POLICY).unlink()
    machines.rmdir()
    assert policy_folder() == str(machines)


@POSIX
def test_a_policy_that_cannot_be_looked_at_is_not_taken_for_none(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_RUN_TRUST", "")

    def refusing(path: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.lstat", refusing)
    assert policy_path() is not None
    with open_bundle(signed) as bundle, pytest.raises(EdgeError):
        verify_bundle(bundle)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "policy.json"
    with pytest.raises(CannotWrite) as caught:
        write_policy(path, NO_POLICY)
    assert caught.value.subject == str(path)


def test_folders_of_a_policy_are_made_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / POLICY
    for policy in (NO_POLICY, Policy(format=1, required=True, keys=())):
        write_policy(path, policy)
        assert read_policy(str(path)) == policy
