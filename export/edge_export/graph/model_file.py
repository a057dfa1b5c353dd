"""A file that Keras saved, opened within bounds: its configuration, its version, its weights."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edge_export.graph.model_bounds import (
    AGAIN,
    MOST_CONFIG,
    require_plain_members,
    require_short_directory,
    require_small_config,
    weight_count,
)
from edge_export.quiet import first_line
from edge_runtime.errors import DataError

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
"""The members of a `.keras` file."""

_ZIP, _HDF5 = b"PK", b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What a model file says of itself: `config` is that of the model, `version` Keras's.

    `weights` is an HDF5 file with its weights, which are `count` numbers; a `.keras` file's is
    unpacked and there as long as the file is open. `zipped` tells a `.keras` file from an `.h5`.
    """

    path: Path
    config: dict[str, Any]
    version: str
    weights: Path
    count: int
    zipped: bool

    @property
    def keras2(self) -> bool:
        """Whether Keras 2 wrote it; it calls itself by the version of TensorFlow, or of its own."""
        return self.version.startswith("2.")


def refuse_unpacked(path: Path) -> None:
    """Refuse the folder of a `.keras` file that was unpacked, which has a run's config.json.

    Raises:
        DataError: `path` is one.
    """
    if (path / CONFIG).is_file() and (path / WEIGHTS).is_file():
        members = " ".join(str(path / name) for name in (CONFIG, METADATA, WEIGHTS))
        cure = f"pack it again: python -m zipfile -c {path.name or 'model'}.keras {members}"
        raise DataError(path, "is a .keras file that was unpacked, and no run", cure)


@contextmanager
def open_file(path: Path) -> Iterator[ModelFile]:
    """Open the `.keras` or `.h5` file at `path`.

    Raises:
        DataError: it is neither, or damaged, or would unpack to more than it can hold.
    """
    with _reasons(path), path.open("rb") as opened:
        start = opened.read(8)
    if start == _HDF5:
        yield _hdf5(path)
    elif start.startswith(_ZIP):
        with TemporaryDirectory() as folder:
            yield _zipped(path, Path(folder))
    else:
        problem = "is neither a .keras file nor an .h5 file of a whole model"
        raise DataError(path, problem, "save it by model.save('NAME.keras')")


def _zipped(path: Path, folder: Path) -> ModelFile:
    with _reasons(path), path.open("rb") as file:
        require_short_directory(path, file)
    with _reasons(path), zipfile.ZipFile(path) as archive:
        sizes = require_plain_members(path, archive)
        if missing := [name for name in (CONFIG, WEIGHTS) if name not in sizes]:
            problem = f"is no .keras file: it has no {missing[0]}"
            raise DataError(path, problem, AGAIN)
        config = _dictionary(path, archive, sizes, CONFIG)
        metadata = _dictionary(path, archive, sizes, METADATA) if METADATA in sizes else {}
        weights = folder / WEIGHTS
        with archive.open(WEIGHTS) as packed, weights.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    version = str(metadata.get("keras_version", ""))
    return ModelFile(path, config, version, weights, _weight_count(path, weights), zipped=True)


def _dictionary(
    path: Path, archive: zipfile.ZipFile, sizes: dict[str, int], name: str
) -> dict[str, Any]:
    if sizes[name] > MOST_CONFIG:
        raise DataError(path, f"its {name} has {sizes[name]:,} bytes", AGAIN)
    return _parsed(path, archive.read(name), name)


def _parsed(path: Path, text: bytes, name: str) -> dict[str, Any]:
    """Return a configuration of a sane size."""
    require_small_config(path, text, name)
    found = json.loads(text)
    if not isinstance(found, dict):
        raise DataError(path, f"its {name} is no dictionary", "save it again")
    return found


def _hdf5(path: Path) -> ModelFile:
    import h5py

    count = _weight_count(path, path)
    with _reasons(path), h5py.File(path) as opened:
        if "model_config" not in opened.attrs:
            problem = "holds weights without the model that they belong to"
            raise DataError(path, problem, "save it by model.save('NAME.keras'), not save_weights")
        text = opened.attrs["model_config"]
        encoded = text.encode() if isinstance(text, str) else bytes(text)
        config = _parsed(path, encoded, "model_config")
        version = opened.attrs.get("keras_version", "2.0")  # the oldest files have none
        version = version.decode() if isinstance(version, bytes) else str(version)
    return ModelFile(path, config, version, path, count, zipped=False)


def _weight_count(path: Path, weights: Path) -> int:
    with _reasons(path):
        return weight_count(path, weights)


@contextmanager
def _reasons(path: Path) -> Iterator[None]:
    """Turn what libraries say of a damaged file into one line."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        if error.errno is not None and not isinstance(error, zipfile.BadZipFile):
            reason = error.strerror or first_line(error)
            raise DataError(path, f"cannot be read ({reason})", "copy it again") from error
        problem = f"is damaged ({first_line(error)})"
        raise DataError(path, problem, "copy it again, or save it again") from error
    except Exception as error:  # zipfile, json and h5py have no base in common
        problem = f"is damaged ({first_line(error)})"
        raise DataError(path, problem, "copy it again, or save it again") from error


@contextmanager
def named_by_content(file: ModelFile) -> Iterator[Path]:
    """Yield `file.path`, or a copy where Keras, which goes by the ending, would misread it."""
    endings = (".keras",) if file.zipped else (".h5", ".hdf5")
    name = file.path.name
    if name.endswith(endings) and not name.endswith(".weights.h5"):
        yield file.path
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"model{endings[0]}"
        shutil.copyfile(file.path, path)
        yield path


@contextmanager
def repacked(file: ModelFile, config: dict[str, Any]) -> Iterator[Path]:
    """Write the file with another `config` and the same weights, for as long as needed."""
    with TemporaryDirectory() as folder:
        if not file.zipped:
            yield _with_config(file.path, Path(folder) / "model.h5", config)
            return
        path = Path(folder) / "model.keras"
        with zipfile.ZipFile(file.path) as original, zipfile.ZipFile(path, "w") as written:
            written.writestr(CONFIG, json.dumps(config))
            for name in original.namelist():
                if name not in (CONFIG, WEIGHTS):
                    written.writestr(name, original.read(name))
            written.write(file.weights, WEIGHTS)
        yield path


def _with_config(original: Path, path: Path, config: dict[str, Any]) -> Path:
    import h5py

    shutil.copyfile(original, path)
    with h5py.File(path, "r+") as written:
        written.attrs["model_config"] = json.dumps(config).encode()
    return path
