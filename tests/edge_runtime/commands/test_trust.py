"""`edge-run trust` says whose bundles are taken, and every command that answers keeps to it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from command_lines import Captured, complaints, rows, said
from edge_runtime.bundle import POLICY
from edge_runtime.cli import run
from signed_bundles import contents, forge, write_signed_bundle
from signed_bundles import write_site_bundle as write_site
from signing_keys import HOSPITAL, MALLORY, VENDOR
from tiny_bundle import TFLITE

pytestmark = pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user")
SHORT = VENDOR.public.id[:16]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a policy, which is not there yet."""
    place = tmp_path / "policy"
    monkeypatch.setenv("EDGE_RUN_TRUST", str(place))
    return place


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    files = {}
    for name, key in {"vendor": VENDOR, "hospital": HOSPITAL, "mallory": MALLORY}.items():
        path = tmp_path / f"{name}.pub"
        path.write_text(key.public.to_pem(), "ascii")
        files[name] = str(path)
    return files


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    return write_signed_bundle(tmp_path / "signed.edge")


def test_keys_are_added_listed_and_removed(
    folder: Path, keys: dict[str, str], capsys: Captured
) -> None:
    assert run(["trust", "add", keys["vendor"]]) == 0
    added, state = capsys.readouterr().err.splitlines()
    assert added == f"edge-run: vendor, maker: key {VENDOR.public.id}"
    assert "1 key is trusted; bundles without a signature are taken, too" in state
    assert run(["trust", "add", keys["hospital"], "--role", "site", "--name", "St. Anna"]) == 0
    assert run(["trust", "require", "yes"]) == 0
    capsys.readouterr()
    assert run(["trust", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{HOSPITAL.public.id[:16]}  site   St. Anna",
        f"{SHORT}  maker  vendor",
        f"{folder / POLICY}: 2 keys are trusted, and signatures are required",
    ]
    assert run(["trust", "list", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "policy": str(folder / POLICY),
        "required": True,
        "keys": [
            {"id": HOSPITAL.public.id, "name": "St. Anna", "role": "site"},
            {"id": VENDOR.public.id, "name": "vendor", "role": "maker"},
        ],
    }
    for text in ("St. Anna", SHORT):
        assert run(["trust", "remove", text]) == 0
    assert "0 keys are trusted, none of a maker" in capsys.readouterr().err.splitlines()[-1]
    assert run(["trust", "require", "no"]) == 0


def test_a_key_is_removed_by_its_file_and_added_again_with_another_role(
    folder: Path, keys: dict[str, str], capsys: Captured
) -> None:
    for role in ("site", "maker"):
        assert run(["trust", "add", keys["vendor"], "--role", role]) == 0
    stored = json.loads((folder / POLICY).read_text("ascii"))["keys"]
    assert [key["role"] for key in stored] == ["maker"]
    assert run(["trust", "remove", keys["vendor"]]) == 0
    assert json.loads((folder / POLICY).read_text("ascii"))["keys"] == []
    capsys.readouterr()


WRONG = {
    "nothing": ([], "not an action with what it takes"),
    "another action": (["sign"], "not an action with what it takes"),
    "no key": (["add"], "not an action with what it takes"),
    "two keys": (["add", "a", "b"], "not an action with what it takes"),
    "no file": (["add", "none.pub"], "none.pub: cannot be read"),
    "no such key": (["remove", "nobody"], "nobody: is no key that is trusted here"),
    "no answer": (["require", "maybe"], "'maybe' is no answer; one of: yes, no"),
    "another role": (["add", "KEY", "--role", "owner"], "'owner' is none; one of: maker, site"),
    "no name": (["add", "KEY", "--name", ""], "'' is no name"),
    "a role to remove": (["remove", "KEY", "--role", "site"], "--role: is for add"),
    "another format": (["list", "--format", "csv"], "'csv' is not known here"),
}


@pytest.mark.parametrize(("line", "problem"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_carried_out_is_one_line_and_writes_nothing(
    line: list[str], problem: str, folder: Path, keys: dict[str, str], capsys: Captured
) -> None:
    assert run(["trust", *(keys["vendor"] if word == "KEY" else word for word in line)]) == 2
    assert problem in said(capsys)
    assert not folder.exists()


def test_two_keys_of_one_name_are_told_apart(
    folder: Path, keys: dict[str, str], capsys: Captured
) -> None:
    assert run(["trust", "add", keys["vendor"]]) == 0
    capsys.readouterr()
    assert run(["trust", "add", keys["mallory"], "--name", "vendor"]) == 2
    assert "another key is called 'vendor'" in said(capsys)
    assert folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_a_policy_that_others_wrote_is_not_changed(
    folder: Path, keys: dict[str, str], capsys: Captured
) -> None:
    assert run(["trust", "add", keys["vendor"]]) == 0
    before = (folder / POLICY).read_bytes()
    (folder / POLICY).chmod(0o666)
    capsys.readouterr()
    assert run(["trust", "require", "no"]) == 4
    assert "can be changed by other users (mode 0666)" in said(capsys)
    assert (folder / POLICY).read_bytes() == before


def opening(bundle: Path, film: Path, tmp_path: Path) -> dict[str, list[str]]:
    """Return the line of each command that opens a bundle to answer or to tell of it."""
    named, tray = ["--bundle", str(bundle)], tmp_path / "tray"
    tray.mkdir(exist_ok=True)
    config = tmp_path / "node.toml"
    config.write_text(
        f"ae_title = 'EDGE'\nfolder = '{tmp_path / 'node'}'\n"
        "[[peers]]\nae_title = 'A'\n[destination]\nae_title = 'A'\nhost = 'a'\nport = 1\n",
        "utf-8",
    )
    return {
        "classify": ["classify", str(film), *named],
        "info": ["info", *named],
        "check": ["check", *named],
        "watch": ["watch", str(tray), "--once", *named],
        "serve": ["serve", *named],
        "bench": ["bench", *named],
        "dicom-listen": ["dicom-listen", str(config), *named],
    }


@pytest.fixture
def nobody_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page and a node that should not have begun end at once."""
    monkeypatch.setattr("edge_runtime.commands.serve.begin", lambda *_, **__: None)
    monkeypatch.setattr("edge_runtime.dicom_node.node.Node.run", lambda _: None)


COMMANDS = ("classify", "info", "check", "watch", "serve", "bench", "dicom-listen")


@pytest.mark.usefixtures("nobody_is_served")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_takes_what_the_policy_does_not(
    command: str, folder: Path, keys: dict[str, str], tiny: Path, film: Path, tmp_path: Path,
    capsys: Captured,
) -> None:  # fmt: skip
    assert run(["trust", "add", keys["vendor"]]) == 0
    assert run(["trust", "require", "yes"]) == 0
    capsys.readouterr()
    line = opening(tiny, film, tmp_path)[command]
    if command == "dicom-listen":
        pytest.importorskip("pynetdicom", reason="the extra dicom-node is not installed")
    assert run(line) == 4, capsys.readouterr()
    out, err = capsys.readouterr()
    assert out == "" and folder.exists()
    assert f"edge-run: {tiny}: is not signed, and signatures are required; get one" in err


@pytest.mark.usefixtures("nobody_is_served")
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "bench"])
def test_a_command_asks_for_signatures_where_it_is_told_to(
    command: str, tiny: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:  # fmt: skip
    monkeypatch.setattr("edge_runtime.bundle._OF_THE_MACHINE", str(tmp_path / "etc"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    line = opening(tiny, film, tmp_path)[command]
    assert run([*line, "--require-signature"]) == 4
    assert "is not signed, and signatures are required" in capsys.readouterr().err


def test_an_answer_says_who_signed(
    folder: Path, keys: dict[str, str], signed: Path, film: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert run(["trust", "add", keys["vendor"]]) == 0
    assert run(["trust", "require", "yes"]) == 0
    capsys.readouterr()
    trail = tmp_path / "trail.jsonl"
    line = ["classify", str(film), "--bundle", str(signed), "--format", "json"]
    assert run([*line, "--audit", str(trail)]) == 0
    ids = {"model": VENDOR.public.id, "decision": VENDOR.public.id}
    assert rows(capsys)[0]["signed"] == {**ids, "trusted": True}
    (answer,) = [json.loads(each) for each in trail.read_text().splitlines()][1:]
    assert (answer["signed_model"], answer["signed_decision"]) == (*ids.values(),)
    assert run(["info", str(signed), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["signed"] == {**ids, "trusted": True}
    assert run(["info", str(signed)]) == 0
    assert f"\nsignatures        signed by vendor, maker ({SHORT})\n" in capsys.readouterr().out
    assert folder.exists()


def test_info_tells_a_maker_s_model_from_a_site_s_decision(
    folder: Path, keys: dict[str, str], signed: Path, tmp_path: Path, capsys: Captured
) -> None:
    site = write_site(tmp_path / "site.edge", signed)
    assert run(["trust", "add", keys["vendor"]]) == 0
    capsys.readouterr()
    assert run(["info", str(site)]) == 0
    hospital = HOSPITAL.public.id[:16]
    assert (
        f"model signed by vendor, maker ({SHORT}); decision signed by {hospital}, unknown"
        in capsys.readouterr().out
    )
    assert run(["info", str(site), "--require-signature"]) == 4
    assert run(["trust", "add", keys["hospital"], "--role", "site"]) == 0
    assert run(["info", str(site), "--require-signature"]) == 0
    assert f"decision signed by hospital, site ({hospital})" in capsys.readouterr().out
    assert folder.exists()


@pytest.mark.usefixtures("folder")
def test_a_wrong_signature_is_an_error_without_being_asked_for(
    keys: dict[str, str], signed: Path, film: Path, capsys: Captured
) -> None:
    assert run(["trust", "add", keys["vendor"]]) == 0
    capsys.readouterr()
    files = contents(signed)
    files[TFLITE] += b"\0"
    assert run(["classify", str(film), "--bundle", str(forge(signed, files))]) == 4
    (complaint,) = complaints(capsys)
    assert f"the file {TFLITE} is not the one that was signed" in complaint


@pytest.mark.usefixtures("folder")
def test_a_signed_bundle_that_nobody_can_verify_answers_and_says_so(
    keys: dict[str, str], signed: Path, film: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:  # fmt: skip
    assert run(["trust", "add", keys["vendor"]]) == 0
    capsys.readouterr()
    monkeypatch.setattr("edge_runtime.trust.verify.ed25519", lambda: None)
    line = ["classify", str(film), "--bundle", str(signed), "--format", "json"]
    assert run(line) == 0
    out, err = capsys.readouterr()
    assert "is signed, and this machine cannot verify it; " in err
    assert json.loads(out)["signed"] is None
    assert run(["info", str(signed)]) == 0
    assert "signed, but nobody checked it here" in capsys.readouterr().out
    assert run([*line, "--require-signature"]) == 4
    assert "cannot be verified here" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_bundle_that_no_command_takes_is_neither_added_nor_chosen(
    keys: dict[str, str], tiny: Path, signed: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert run(["bundles", "--add", str(tiny)]) == 2  # the folder that is named has no policy yet
    assert run(["trust", "add", keys["vendor"]]) == 0
    assert run(["bundles", "--add", str(tiny), str(signed)]) == 0
    assert run(["trust", "require", "yes"]) == 0
    capsys.readouterr()
    assert run(["bundles", "--use", "tiny"]) == 4
    assert "tiny.edge: is not signed, and signatures are required" in capsys.readouterr().err
    other = tmp_path / "other.edge"
    other.write_bytes(tiny.read_bytes())
    assert run(["bundles", "--add", str(other)]) == 4
    assert run(["bundles", "--use", "signed"]) == 0
