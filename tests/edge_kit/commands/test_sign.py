"""From a new key to a machine that takes what was signed, a maker's model and a site's decision."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from edge_kit.cli import run
from edge_runtime.bundle import open_bundle, verify_all
from films import write_film
from signed_bundles import forged_manifest
from tiny_bundle import edge_run, environment, write_tiny_bundle

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def maker(tmp_path: Path, capsys: Captured) -> Path:
    """Return the private key of a maker; its public one lies beside it."""
    assert run(["keys", "new", str(tmp_path / "maker"), "--no-passphrase"]) == 0
    capsys.readouterr()
    return tmp_path / "maker.pem"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "tiny.edge")


def key_id(key: Path, capsys: Captured) -> str:
    assert run(["keys", "show", str(key)]) == 0
    return capsys.readouterr().out.splitlines()[0].split()[1]


def test_a_key_and_its_public_half_show_the_same(maker: Path, capsys: Captured) -> None:
    assert run(["keys", "show", str(maker)]) == 0
    private = capsys.readouterr().out
    assert run(["keys", "show", str(maker.with_suffix(".pub"))]) == 0
    assert capsys.readouterr().out == private
    assert maker.with_suffix(".pub").read_text("ascii") in private
    assert "PRIVATE" not in private


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_passphrase_comes_from_stdin_where_nobody_sits(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    new = ["keys", "new", str(tmp_path / "k")]
    typed(monkeypatch, "short\n")
    assert run(new) == 2
    assert "passphrase: has 5 characters; give 8 or more" in capsys.readouterr().err
    typed(monkeypatch, "correct horse\n")
    assert run(new) == 0
    key_id = capsys.readouterr().out.strip()
    sign = ["sign", str(bundle), "--key", str(tmp_path / "k.pem")]
    typed(monkeypatch, "wrong horse\n")
    assert run(sign) == 2
    assert "cannot be opened by this passphrase" in capsys.readouterr().err
    typed(monkeypatch, "correct horse\n")
    assert run(sign) == 0
    assert capsys.readouterr().out == f"model and decision signed by key {key_id}\n"


def test_a_bundle_is_signed_where_it_is(bundle: Path, maker: Path, capsys: Captured) -> None:
    identity = verify_all(bundle).identity
    assert run(["sign", str(bundle), "--key", str(maker)]) == 0
    assert capsys.readouterr().err == f"wrote {bundle}, identity {identity}\n"
    with verify_all(bundle) as signed:
        assert len(signed.signatures) == 2
        assert signed.identity == identity


def test_a_bundle_of_schema_1_needs_another_place(
    bundle: Path, maker: Path, tmp_path: Path, capsys: Captured
) -> None:
    old = verify_all(forged_manifest(bundle, lambda manifest: manifest.update(schema=1))).identity
    sign = ["sign", str(bundle), "--key", str(maker)]
    assert run(sign) == 2
    assert "is of schema 1, which has no place for signatures" in capsys.readouterr().err
    out = tmp_path / "new.edge"
    assert run([*sign, "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert f"identity {verify_all(out).identity}, as schema 2; before that it was {old}" in said


WRONG = {
    "no key": ([], "no key given; add --key"),
    "a place alone": (["--oms", "k.pem", "--out", "n.edge"], "--out: is for --key"),
    "no bundle's name": (["--key", "KEY", "--out", "n.zip"], "n.zip is not a .edge file"),
    "no file": (["--key", "none.pem"], "none.pem: cannot be read"),
    "a public key": (["--key", "PUB"], "is no private key in PEM"),
    "a key of ed25519": (["--oms", "KEY"], "which OpenSSF Model Signing does not take"),
}


@pytest.mark.parametrize(("more", "problem"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_signed_is_one_line_and_changes_nothing(
    more: list[str], problem: str, bundle: Path, maker: Path, capsys: Captured
) -> None:
    if "--oms" in more and "KEY" in more:
        pytest.importorskip("model_signing", reason="the extra oms is not installed")
    public = maker.with_suffix(".pub")
    public.chmod(0o600)
    files, before = {"KEY": str(maker), "PUB": str(public)}, bundle.read_bytes()
    assert run(["sign", str(bundle), *(files.get(word, word) for word in more)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line
    assert bundle.read_bytes() == before


def test_a_site_s_decision_keeps_its_maker_s_signature_and_needs_its_own(
    bundle: Path, maker: Path, tmp_path: Path, capsys: Captured
) -> None:
    for number in range(6):
        write_film(tmp_path / "films" / "covid" / f"{number}.png", number, gamma=0.6)
        write_film(tmp_path / "films" / "normal" / f"{number}.png", 100 + number)
    assert run(["keys", "new", str(tmp_path / "site"), "--no-passphrase"]) == 0
    assert run(["sign", str(bundle), "--key", str(maker)]) == 0
    fit = ["threshold", str(bundle), "--data", str(tmp_path / "films"), "--youden"]
    signed, plain = tmp_path / "signed.edge", tmp_path / "plain.edge"
    assert run([*fit, "--out", str(signed), "--key", str(tmp_path / "site.pem")]) == 0
    assert run([*fit, "--out", str(plain)]) == 0
    capsys.readouterr()
    ids = {name: key_id(tmp_path / f"{name}.pem", capsys) for name in ("maker", "site")}
    with open_bundle(signed) as of_site:
        assert sorted(of_site.signatures) == [
            f"signatures/decision-{ids['site'][:16]}.json",
            f"signatures/model-{ids['maker'][:16]}.json",
        ]
    trust = environment(EDGE_RUN_TRUST=str(tmp_path / "policy"))
    for line in (["add", "maker.pub"], ["add", "site.pub", "--role", "site"], ["require", "yes"]):
        words = [str(tmp_path / word) if word.endswith(".pub") else word for word in line]
        assert edge_run("trust", *words, env=trust).returncode == 0
    shown = edge_run("info", signed, "--format", "json", env=trust)
    assert json.loads(shown.stdout)["signed"] == {
        "model": ids["maker"], "decision": ids["site"], "trusted": True,
    }  # fmt: skip
    assert edge_run("check", signed, env=trust).returncode == 0
    refused = edge_run("info", plain, env=trust)
    assert refused.returncode == 4
    assert "has no signature of its decision" in refused.stderr
    assert run(["sign", str(plain), "--key", str(tmp_path / "site.pem")]) == 0
    assert capsys.readouterr().out == f"decision signed by key {ids['site']}\n"
    assert edge_run("info", plain, env=trust).returncode == 0


def test_the_key_of_a_site_is_looked_at_before_films_are_judged(
    bundle: Path, tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "new.edge"
    line = ["threshold", str(bundle), "--data", str(tmp_path), "--out", str(out), "--youden"]
    assert run([*line, "--key", str(tmp_path / "none.pem")]) == 2
    assert "none.pem: cannot be read" in capsys.readouterr().err
    assert not out.exists()


def test_a_signature_by_model_signing_lies_beside_the_bundle(
    bundle: Path, maker: Path, tmp_path: Path, capsys: Captured
) -> None:
    pytest.importorskip("model_signing", reason="the extra oms is not installed")
    assert run(["keys", "new", str(tmp_path / "oms"), "--oms", "--no-passphrase"]) == 0
    line = ["sign", str(bundle), "--key", str(maker), "--oms", str(tmp_path / "oms.pem")]
    assert run(line) == 0
    assert capsys.readouterr().err.splitlines()[-1] == f"wrote {bundle}.sig"
    assert Path(f"{bundle}.sig").is_file()
