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
from edge_runtime.trust.policy import (
    MAKER,
    NO_POLICY,
    SITE,
    Policy,
    TrustedKey,
    policy_here,
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
        with pytest.raises(SchemaError, match="stands twice"):
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
    with pytest.raises(CannotWrite):
        write_policy(tmp_path / "file" / "policy.json", NO_POLICY)
