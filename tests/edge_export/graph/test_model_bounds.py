"""Whatever a model file would cost is known before a library opens it, and refused in a line."""

from __future__ import annotations

import io
import json
import os
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edge_export.graph.model_bounds import MOST_CONFIG, MOST_NESTED, MOST_VALUES
from edge_export.graph.model_file import CONFIG, WEIGHTS, open_file
from edge_export.graph.open_model import open_model
from edge_runtime.errors import DataError

MEBIBYTE = 1 << 20


def weights(fill: Callable[[Any], object]) -> bytes:
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        fill(file)
    return held.getvalue()


def plain(file: Any) -> None:
    file["layers/dense/vars/0"] = np.ones((3, 2), np.float32)


def archive(path: Path, config: bytes = b"{}", packed: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(CONFIG, config)
        file.writestr(WEIGHTS, packed or weights(plain))
    return path


def refusal(path: Path) -> str:
    """Return the line, having seen that it took no memory to speak of."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught, open_file(path):
            pass
        assert tracemalloc.get_traced_memory()[1] < 100 * MEBIBYTE
    finally:
        tracemalloc.stop()
    assert caught.value.cure
    return caught.value.problem


def test_a_megabyte_that_unpacks_to_a_gigabyte_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(CONFIG, b"{}")
        with file.open(WEIGHTS, "w") as member:
            for _ in range(1 << 6):
                member.write(bytes(MEBIBYTE))
    assert path.stat().st_size < MEBIBYTE
    assert refusal(path) == "would unpack to many times its size"


def test_a_size_that_lies_is_not_believed(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", packed=weights(plain) + bytes(8 * MEBIBYTE))
    data = path.read_bytes()
    entry = data.rfind(b"PK\1\2")  # that of the weights, the last
    path.write_bytes(data[: entry + 24] + struct.pack("<L", 9000) + data[entry + 28 :])
    assert refusal(path).startswith("is damaged (")


@pytest.mark.parametrize("name", ["../out", "/out", "assets/../../out", "a\\b", "C:out"])
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras")
    with zipfile.ZipFile(path, "a") as file:
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        file.writestr(entry, b"")
    assert "which leads out of it" in refusal(path)


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as file:
        warnings.simplefilter("ignore")
        file.writestr(CONFIG, b"[]")
    assert refusal(path) == f"holds {CONFIG!r} twice"


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras")
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert refusal(path) == f"its {CONFIG!r} is encrypted"


def test_a_member_packed_by_a_costly_method_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as file:
        file.writestr("more", b"x")
    assert "packed as Keras never does" in refusal(path)


def test_a_million_members_are_not_listed(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras")
    with zipfile.ZipFile(path, "a") as file:
        for number in range(6000):
            file.writestr(f"assets/{number}", b"")
    assert refusal(path).startswith("lists members in ")


def test_an_archive_that_calls_itself_huge_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras")
    data = path.read_bytes()
    at = data.rfind(b"PK\5\6")
    path.write_bytes(data[:at] + b"PK\6\7" + bytes(16) + data[at:])
    assert refusal(path) == "is an archive of more than 4 GiB, or says so"


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (b"[" * (MOST_NESTED + 1) + b"]" * (MOST_NESTED + 1), "is nested more than"),
        (b"[" + b"0," * MOST_VALUES + b"0]", "values"),
        (b'{"a": "' + b"x" * MOST_CONFIG + b'"}', "bytes"),
        (b'"' + rb"\"" * 2_000_000 + b"[" * 201, "is damaged"),
        (json.dumps([{"class_name": ""}] * 70_000).encode(), "parts"),
    ],
    ids=["deep", "wide", "long", "quotes", "parts"],
)
def test_a_configuration_that_would_fill_the_memory_is_refused(
    config: bytes, line: str, tmp_path: Path
) -> None:
    assert line in refusal(archive(tmp_path / "m.keras", config))
    path = tmp_path / "m.h5"
    path.write_bytes(weights(lambda file: file.attrs.__setitem__("model_config", config.decode())))
    assert line in refusal(path)


def test_brackets_in_names_are_no_brackets(tmp_path: Path) -> None:
    name = "[{" * 300 + chr(92) + '"' + "," * 300
    config = json.dumps({"name": name}).encode()
    with open_file(archive(tmp_path / "m.keras", config)) as file:
        assert file.config == {"name": name}


def compressed(file: Any) -> None:
    file.create_dataset("w", data=np.zeros(1 << 20, np.float32), chunks=True, compression="gzip")


def huge_chunk(file: Any) -> None:
    file.create_dataset("w", (4,), np.float32, maxshape=(None,), chunks=(1 << 28,))


def texts(file: Any) -> None:
    file.create_dataset("w", data=["x"] * 4)


def linked(file: Any) -> None:
    plain(file)
    file["more"] = h5py.ExternalLink("/dev/zero", "/")


def soft(file: Any) -> None:
    plain(file)
    file["more"] = h5py.SoftLink("/layers")


def outside(file: Any) -> None:
    file.create_dataset("w", (4,), np.float32, external=[("/dev/zero", 0, 16)])


def declared(file: Any) -> None:
    file.create_dataset("w", (1 << 40,), np.float32, chunks=(1024,))


@pytest.mark.parametrize(
    ("fill", "line"),
    [
        (compressed, "its weights are compressed within the HDF5 file"),
        (huge_chunk, "declares more weights than it holds"),
        (declared, "declares more weights than it holds"),
        (texts, "its weights are no numbers"),
        (linked, "a name in it leads elsewhere"),
        (soft, "a name in it leads elsewhere"),
        (outside, "its weights lie in another file"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_weights_that_lie_elsewhere_or_expand_are_refused(
    fill: Callable[[Any], object], line: str, tmp_path: Path
) -> None:
    assert refusal(archive(tmp_path / "m.keras", packed=weights(fill))) == line
    path = tmp_path / "m.h5"

    def whole(file: Any) -> None:
        file.attrs["model_config"] = "{}"
        fill(file)

    path.write_bytes(weights(whole))
    assert refusal(path) == line


@pytest.mark.parametrize("units", [10**9, 10**5])
def test_a_layer_that_wants_gigabytes_which_the_file_lacks_makes_none(
    units: int, tmp_path: Path
) -> None:
    import keras

    path = tmp_path / "m.keras"
    small = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    small.add(keras.layers.Dense(1))
    small.save(path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members[CONFIG] = members[CONFIG].replace(b'"units": 1', b'"units": %d' % units)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    with pytest.raises(DataError, match="wants more weights than the file holds"):
        open_model(path)


def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(tmp_path / "m.keras")
    with pytest.raises(DataError, match="no such file"):
        open_model(tmp_path / "m.keras")
