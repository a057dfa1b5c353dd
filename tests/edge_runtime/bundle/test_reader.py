"""A bundle is read only if it is, byte for byte, what was written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_runtime.bundle import archive, open_bundle, verify_all
from edge_runtime.bundle.installed import sealed
from edge_runtime.bundle.manifest import canonical
from edge_runtime.errors import IntegrityError, NotABundle
from sample_bundle import GRAPH, MEMBERS, rewrite, sample_manifest


def flips(path: Path, mask: int) -> Iterator[int]:
    """Change each byte of the file in turn; yield where, and put it right again."""
    data = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for at, byte in enumerate(data):
            file.seek(at)
            file.write(bytes([byte ^ mask]))
            yield at
            file.seek(at)
            file.write(bytes([byte]))


@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x20])
def test_no_changed_byte_of_a_zip_passes(zipped: Path, mask: int) -> None:
    foreign = []
    for at in flips(zipped, mask):
        with pytest.raises((NotABundle, IntegrityError)) as caught:
            verify_all(zipped)
        if caught.type is NotABundle:
            foreign.append(at)
    # The mark that tells our archives from others: without it the bytes are not a damaged bundle.
    assert foreign == list(range(30, 45))
    verify_all(zipped)


@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x20])
def test_no_changed_byte_of_a_folder_passes(folder: Path, mask: int) -> None:
    for file in (path for path in folder.rglob("*") if path.is_file()):
        for _ in flips(file, mask):
            with pytest.raises((NotABundle, IntegrityError)):
                verify_all(folder)
    verify_all(folder)


def test_only_data_that_was_not_asked_for_may_be_wrong_when_a_graph_is_read(zipped: Path) -> None:
    data = zipped.read_bytes()
    others = (MEMBERS["model.int8.onnx"], MEMBERS["golden/0.png"])
    unread = {data.index(other) + at for other in others for at in range(len(other))}
    for at in flips(zipped, 0xFF):
        if at in unread:
            open_bundle(zipped).read(GRAPH)
        else:
            with pytest.raises((NotABundle, IntegrityError)):
                open_bundle(zipped).read(GRAPH)


def test_no_part_of_a_zip_and_no_zip_with_more_passes(zipped: Path) -> None:
    data = zipped.read_bytes()
    for length in reversed(range(len(data))):
        os.truncate(zipped, length)
        with pytest.raises(NotABundle if length < 45 else IntegrityError):
            verify_all(zipped)
    for changed in (data + b"\0", b"\0" + data, data + data, data[:64] + b"\0" * 64 + data[64:]):
        zipped.write_bytes(changed)
        with pytest.raises((NotABundle, IntegrityError)):
            open_bundle(zipped)


def test_zip_and_folder_are_the_same_bundle(zipped: Path, folder: Path) -> None:
    with verify_all(zipped) as from_zip, verify_all(str(folder)) as from_folder:
        assert from_zip.identity == from_folder.identity
        assert from_zip.manifest == from_folder.manifest
        assert from_zip.path == str(zipped)
        for name, data in MEMBERS.items():
            assert from_zip.read(name) == from_folder.read(name) == data
    with pytest.raises(ValueError, match="closed"):
        from_zip.read(GRAPH)
    with pytest.raises(KeyError):
        from_folder.read("manifest.json")


def test_what_was_read_outlives_its_bundle_and_is_not_the_file(zipped: Path) -> None:
    before = zipped.read_bytes()
    with open_bundle(zipped) as bundle:
        view = bundle.read(GRAPH)
    zipped.write_bytes(bytes(len(before)))
    assert view == MEMBERS[GRAPH]
    zipped.write_bytes(before)
    view[0] ^= 0xFF
    assert zipped.read_bytes() == before


def test_a_bundle_that_is_gone_or_another_one_later_is_found(zipped: Path) -> None:
    with open_bundle(zipped) as bundle:
        data = bytearray(zipped.read_bytes())
        data[data.index(MEMBERS[GRAPH])] ^= 1
        zipped.write_bytes(data)
        with pytest.raises(IntegrityError, match=r"tflite: is not the file that was written"):
            bundle.read(GRAPH)
        os.truncate(zipped, 700)
        with pytest.raises(IntegrityError, match=r"was cut short while it was read"):
            bundle.read(GRAPH)
        zipped.unlink()
        with pytest.raises(NotABundle, match=r"model\.int8\.tflite: does not exist"):
            bundle.read(GRAPH)


def test_a_file_of_another_length_is_refused_before_it_is_read(folder: Path) -> None:
    with open_bundle(folder) as bundle:
        os.truncate(folder / GRAPH, 1 << 40)  # a hole: it takes no room on the disk
        with pytest.raises(
            IntegrityError, match=r"has 1099511627776 bytes instead of 100; copy the bundle again$"
        ):
            bundle.read(GRAPH)


def test_a_crc_that_belongs_to_other_data_is_found(zipped: Path) -> None:
    data = zipped.read_bytes()
    stored = archive.decode(lambda start, length: data[start : start + length], len(data), "m.edge")
    for name in (GRAPH, archive.MANIFEST):
        members = [
            archive.Member(member.name, member.length, member.crc ^ (member.name == name))
            for member, _ in stored
        ]
        before, after = archive.headers(members)
        pieces = [
            part
            for header, (member, start) in zip(before, stored, strict=True)
            for part in (header, data[start : start + member.length])
        ]
        zipped.write_bytes(b"".join([*pieces, after]))
        with pytest.raises(
            IntegrityError, match=f"{name}: does not match its CRC-32; copy the bundle again$"
        ):
            verify_all(zipped)


def test_a_zip_holds_what_its_manifest_lists_and_nothing_else(zipped: Path) -> None:
    manifest = bytes(verify_all(zipped).manifest.to_bytes())
    contents = {**MEMBERS, "manifest.json": manifest}
    rewrite(zipped, {**contents, "notes.txt": b"?"})
    with pytest.raises(NotABundle, match=r"notes\.txt is not in its manifest\.json"):
        open_bundle(zipped)
    rewrite(zipped, {name: data for name, data in contents.items() if name != "card.md"})
    with pytest.raises(NotABundle, match=r"the file card\.md is missing; copy the bundle again$"):
        open_bundle(zipped)
    rewrite(zipped, {**contents, GRAPH: MEMBERS[GRAPH] + b"!"})
    with pytest.raises(IntegrityError, match=r"model\.int8\.tflite: has 101 bytes instead of 100"):
        open_bundle(zipped).read(GRAPH)
    rewrite(zipped, {**contents, GRAPH: MEMBERS[GRAPH][::-1]})
    with pytest.raises(IntegrityError, match=r"is not the file that was written; copy"):
        open_bundle(zipped).read(GRAPH)


def test_a_store_opens_as_the_model_that_was_confirmed_and_as_no_other(
    zipped: Path, tmp_path: Path
) -> None:
    identity, store = verify_all(zipped).identity, tmp_path / "store"
    (store / "models").mkdir(parents=True)
    for confirmed in (identity, "0" * 64):
        place = store / "models" / f"{confirmed}.edge"
        place.write_bytes(zipped.read_bytes())
        record = sealed({"format": 1, "current": {"identity": confirmed}})
        (store / "store.json").write_bytes(record)
        if confirmed == identity:
            assert verify_all(store).path == str(place)
        else:
            problem = "is another model than the one that was confirmed; go back: edge-run rollback"
            with pytest.raises(IntegrityError, match=f"^{re.escape(str(place))}: {problem}$"):
                open_bundle(store)


def test_a_manifest_over_its_limit_is_not_parsed(zipped: Path, folder: Path) -> None:
    document = sample_manifest()
    document["tools"] = {"x": " " * (1 << 20)}
    rewrite(zipped, {**MEMBERS, "manifest.json": canonical(document)})
    (folder / "manifest.json").write_bytes(canonical(document))
    for path in (zipped, folder):
        with pytest.raises(NotABundle, match=r"manifest\.json: is larger than 1 MiB"):
            open_bundle(path)


def _link(folder: Path) -> None:
    (folder / "card.md").rename(folder.parent / "card.md")
    (folder / "card.md").symlink_to(folder.parent / "card.md")


def _linked_folder(folder: Path) -> None:
    (folder / "golden").rename(folder.parent / "golden")
    (folder / "golden").symlink_to(folder.parent / "golden")


def _linked_manifest(folder: Path) -> None:
    (folder / "manifest.json").rename(folder.parent / "manifest.json")
    (folder / "manifest.json").symlink_to(folder.parent / "manifest.json")


def _pipe(folder: Path) -> None:
    (folder / "card.md").unlink()
    os.mkfifo(folder / "card.md")


def _folder_for_a_file(folder: Path) -> None:
    (folder / "card.md").unlink()
    (folder / "card.md").mkdir()


BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link": (_link, "card.md: is not a regular file"),
    "a linked folder": (_linked_folder, "golden: is not a regular file"),
    "a linked manifest": (_linked_manifest, "manifest.json: is not a regular file"),
    "a pipe": (_pipe, "card.md: is not a regular file"),
    "a folder for a file": (_folder_for_a_file, "card.md: is an empty folder"),
    "an extra file": (lambda d: (d / "Thumbs.db").touch(), "Thumbs.db is not in its manifest"),
    "a hidden file": (lambda d: (d / ".DS_Store").touch(), "begins or ends with a dot"),
    "a line break": (lambda d: (d / "a\nb").touch(), "is not a relative path of the characters"),
    "a deep extra file": (lambda d: (d / "golden/9.png").touch(), "golden/9.png is not in its"),
    "an empty folder": (lambda d: (d / "more").mkdir(), "more: is an empty folder"),
    "a missing file": (lambda d: (d / "golden/0.png").rename(d / "golden/1.png"), "is missing"),
    "no manifest": (lambda d: (d / "manifest.json").unlink(), "holds no manifest.json"),
    "an empty manifest": (lambda d: (d / "manifest.json").write_bytes(b""), "is not the JSON"),
}


@pytest.mark.skipif(os.name != "posix", reason="makes links and pipes")
@pytest.mark.parametrize("name", BAD_FOLDERS)
def test_a_folder_with_anything_else_in_it_is_no_bundle(folder: Path, name: str) -> None:
    spoil, line = BAD_FOLDERS[name]
    spoil(folder)
    with pytest.raises(NotABundle) as caught:
        open_bundle(folder)
    assert line in str(caught.value)
    assert str(caught.value).startswith(str(folder))
    assert "\n" not in str(caught.value)


def test_reading_a_bundle_loads_nothing_that_costs_time() -> None:
    """The price list of the cold path: each of these takes longer to load than a bundle."""
    slow = {"argparse", "dataclasses", "hashlib", "importlib.metadata", "numpy", "pathlib",
            "tempfile", "typing", "zipfile"}  # fmt: skip
    # `-S` because an environment's own start-up files may load anything.
    code = "import sys; sys.path[:] = sys.argv[1:]; import edge_runtime.bundle; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *sys.path],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert "edge_runtime.bundle.manifest" in loaded
    assert slow.isdisjoint(loaded)
