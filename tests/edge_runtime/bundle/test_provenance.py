"""What made a bundle is read as strictly as its manifest, and missed by nobody where it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.info import describe
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.provenance import PARITY, Provenance, read_provenance
from edge_runtime.errors import IntegrityError, NotABundle
from sample_bundle import MEMBERS, sample_fields
from tiny_bundle import edge_run

DIGEST = "0123456789abcdef" * 4


def note() -> dict[str, Any]:
    """Return a note as an exporter writes it."""
    return {
        "sources": {"version": "0.1.0", "sha256": DIGEST},
        "origin": {"kind": "run", "sha256": DIGEST[::-1]},
        "data": {"films": 12, "sha256": DIGEST},
        "calibration": {"films": 8, "sha256": DIGEST},
        "commands": {"train": None, "export": "edge-kit export RUN --int8"},
        "packages": {"python": "3.11.7", "ml-dtypes": "0.6.0"},
    }


def written(path: Path, parity: bytes | None) -> Path:
    write_bundle(path, sample_fields(), {**MEMBERS, **({PARITY: parity} if parity else {})})
    return path


@pytest.mark.parametrize("parity", [None, b"{}", b'{"provenance":null}', b"[]"])
def test_a_bundle_without_a_note_is_read_like_any_other(
    parity: bytes | None, tmp_path: Path
) -> None:
    with open_bundle(written(tmp_path / "m.edge", parity)) as bundle:
        assert read_provenance(bundle) is None
        assert describe(bundle, "table").splitlines()[-1].split() == ["made", "from", "not",
                                                                     "recorded"]  # fmt: skip
        assert json.loads(describe(bundle, "json"))["provenance"] is None


def test_a_note_is_shown_in_short_and_as_json_in_full(tmp_path: Path) -> None:
    path = written(tmp_path / "m.edge", json.dumps({"provenance": note()}).encode())
    with open_bundle(path) as bundle:
        assert read_provenance(bundle) == Provenance(**note())
        assert json.loads(describe(bundle, "json"))["provenance"] == note()
    line = edge_run("info", path).stdout.splitlines()[-1]
    assert line.endswith(
        f"run {DIGEST[::-1][:16]}, 12 films {DIGEST[:16]}, by edge-kit 0.1.0 of sources "
        f"{DIGEST[:16]}"
    )


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda noted: noted.pop(key)


def _with(key: str, inner: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda noted: noted[key].update({inner: value})


BAD: dict[str, Callable[[dict[str, Any]], None]] = {
    **{f"without {key}": _without(key) for key in note()},
    "an unknown key": lambda noted: noted.update(patient="x"),
    "another kind of origin": _with("origin", "kind", "dream"),
    "a digest in capitals": _with("data", "sha256", DIGEST.upper()),
    "a number of films that is none": _with("calibration", "films", True),
    "a command of two lines": _with("commands", "export", "edge-kit\nrm"),
    "a package of another spelling": _with("packages", "Python", "3"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_note_that_no_exporter_writes_is_refused_with_one_line(name: str, tmp_path: Path) -> None:
    noted = note()
    BAD[name](noted)
    path = written(tmp_path / "m.edge", json.dumps({"provenance": noted}).encode())
    with open_bundle(path) as bundle, pytest.raises(NotABundle, match="provenance is not as"):
        read_provenance(bundle)
    done = edge_run("info", path)
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)


@pytest.mark.parametrize("parity", [b"{", b"\xff", b"[" * 100_000, b'{"provenance":7}'])
def test_a_file_that_is_no_json_of_ours_is_refused(parity: bytes, tmp_path: Path) -> None:
    path = written(tmp_path / "m.edge", parity)
    with open_bundle(path) as bundle, pytest.raises(NotABundle, match="is not the JSON"):
        read_provenance(bundle)


def test_a_note_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "m.edge", json.dumps({"provenance": note()}).encode())
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"films": 12', b'"films": 13'))
    with pytest.raises(IntegrityError), open_bundle(path) as bundle:
        read_provenance(bundle)
