"""Signatures lie beside what a manifest lists: few, small, and by their names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.bundle import archive, open_bundle, verify_all
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import IntegrityError, NotABundle
from sample_bundle import MEMBERS, of_schema, rewrite, sample_manifest


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_signatures_lie_beside_the_files_of_schema_2_alone(
    form: str, zipped: Path, tmp_path: Path
) -> None:
    for number in (1, 2):
        contents = {**MEMBERS, "manifest.json": of_schema(number), "signatures/a.json": b"{}"}
        path = zipped
        if form == "zip":
            rewrite(zipped, contents)
        else:
            path = tmp_path / f"schema{number}"
            for name, data in contents.items():
                file = path / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        if number == 1:
            with pytest.raises(NotABundle, match=r"signatures/a\.json is not in its"):
                open_bundle(path)
        else:
            assert verify_all(path).signatures == {"signatures/a.json": b"{}"}


def signed(path: Path, count: int, size: int) -> Path:
    """Write a bundle of schema 2 with signatures of `size` bytes, which nobody verifies here."""
    signatures = {f"signatures/{number}.json": b"s" * size for number in range(count)}
    rewrite(path, {**MEMBERS, "manifest.json": of_schema(2), **signatures})
    return path


def test_signatures_are_few_and_small(zipped: Path) -> None:
    assert len(open_bundle(signed(zipped, 8, 16 << 10)).signatures) == 8
    with pytest.raises(NotABundle) as caught:
        open_bundle(signed(zipped, 9, 1))
    assert str(caught.value) == f"{zipped}: has more than 8 signatures; sign it again"
    with pytest.raises(NotABundle) as caught:
        open_bundle(signed(zipped, 1, (16 << 10) + 1))
    problem = "signatures/0.json: is larger than 16 KiB; sign the bundle again"
    assert str(caught.value) == f"{zipped}: {problem}"


def test_a_changed_byte_of_a_signature_is_seen_by_its_crc(zipped: Path) -> None:
    data = signed(zipped, 1, 100).read_bytes()
    zipped.write_bytes(data.replace(b"s" * 100, b"s" * 99 + b"t"))
    with pytest.raises(IntegrityError) as caught:
        open_bundle(zipped)
    problem = "signatures/0.json: does not match its CRC-32; copy the bundle again"
    assert str(caught.value) == f"{zipped}: {problem}"


@pytest.mark.parametrize("name", ["signatures/a.txt", "a.json", "signatures/a/b.json"])
def test_what_is_no_signature_by_its_name_is_a_file_too_many(name: str, zipped: Path) -> None:
    assert not archive.is_signature(name)
    rewrite(zipped, {**MEMBERS, "manifest.json": of_schema(2), name: b"{}"})
    with pytest.raises(NotABundle, match="is not in its"):
        open_bundle(zipped)


def test_what_schema_1_lists_below_signatures_is_a_file_like_any_other(zipped: Path) -> None:
    file = {"signatures/a.json": {"bytes": 2, "sha256": sha256(b"{}")}}
    for number in (1, 2):
        manifest = of_schema(number, files={**sample_manifest()["files"], **file})
        rewrite(zipped, {**MEMBERS, "manifest.json": manifest, "signatures/a.json": b"{}"})
        if number == 1:
            with verify_all(zipped) as bundle:
                assert bundle.signatures == {}
                assert bytes(bundle.read("signatures/a.json")) == b"{}"
        else:
            with pytest.raises(NotABundle, match="lies where signatures do, which are not listed"):
                open_bundle(zipped)
