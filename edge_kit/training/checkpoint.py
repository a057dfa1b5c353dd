"""The state of a training after an epoch, in one file that is whole or not there.

An .npz of the variables (weights, optimizer, seeds of layers that draw) and of a JSON text: what
was trained on what and how, and the history by epoch. The order of films and their augmentation
follow from seed and epoch, early stopping from the history, so neither has to be kept.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError, UsageError

_ABOUT = "about"
_FILMS, _SPLIT_SEED = "set_of_films", "split_seed"
_VERSION = 1
_SHORT = 40
_BEFORE = {"keep": "last"}  # what a training of an older version, which does not say so, was like
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)

History = dict[str, list[float]]
"""Loss and metrics by name, a number for each epoch that is finished."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The settings of a training as JSON, its history so far, and its variables in their order.

    `best` are the weights of the best epoch so far, where that one is to be kept.
    """

    training: Mapping[str, Any]
    history: History
    variables: Sequence[NDArray[Any]]
    best: Sequence[NDArray[Any]] = ()

    @property
    def epochs(self) -> int:
        """Return the number of epochs that are finished."""
        return len(self.history["loss"])


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint`; after an interruption `path` is the old one or the new one, both whole.

    Raises:
        OSError: the disk refuses; the old one still stands.
    """
    about = {
        "version": _VERSION,
        "training": checkpoint.training,
        "history": checkpoint.history,
        "best": len(checkpoint.best),
    }
    text = np.frombuffer(json.dumps(about, allow_nan=False).encode(), np.uint8)
    arrays: dict[str, Any] = {
        str(place): variable
        for place, variable in enumerate([*checkpoint.variables, *checkpoint.best])
    }
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as stream:
            np.savez(stream, **{_ABOUT: text, **arrays})
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Return the checkpoint at `path`, `None` where there is none.

    Raises:
        DataError: it is damaged, or of another version.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            about = json.loads(archive[_ABOUT].tobytes())
            variables = [archive[str(place)] for place in range(len(archive.files) - 1)]
        if about["version"] != _VERSION or len(about["history"]["loss"]) < 1:
            raise ValueError(f"version {about['version']}")
        rest = len(variables) - about.get("best", 0)
        return Checkpoint(about["training"], about["history"], variables[:rest], variables[rest:])
    except _DAMAGED as error:
        problem = f"is no checkpoint of this version ({error})"
        raise DataError(path, problem, f"delete {path.parent} and train again") from error


def require_same(settings: Mapping[str, Any], expected: Mapping[str, Any], out: Path) -> None:
    """Refuse to go on with a training that is not the one that was begun.

    Raises:
        UsageError: `settings`, which was begun at `out`, is not `expected`.
    """
    expected = json.loads(json.dumps(expected))
    names = sorted({*settings, *expected} - {_SPLIT_SEED})
    if settings.get(_FILMS) != expected.get(_FILMS) and settings.get(_SPLIT_SEED) is not None:
        # Other splits make another set of films; what dealt them is the plainer word for it.
        names.insert(0, _SPLIT_SEED)
    for name in names:
        was, now = settings.get(name, _BEFORE.get(name)), expected.get(name)
        if was != now:
            told = f": {was}, not {now}"
            told = told if len(told) < _SHORT else ""  # no digest, no table
            problem = f"was begun with another {name.replace('_', ' ')}{told}"
            cure = "repeat the command it was begun with, or name another --out"
            raise UsageError(out, problem, cure)


def restore(variables: Sequence[Any], checkpoint: Checkpoint, path: Path) -> None:
    """Give Keras's `variables` the values of `checkpoint`, which was read at `path`.

    Raises:
        DataError: they are not of the same number and shapes.
    """
    require_shapes(variables, checkpoint, path)
    for variable, value in zip(variables, checkpoint.variables, strict=True):
        variable.assign(value)


def require_shapes(variables: Sequence[Any], checkpoint: Checkpoint, path: Path) -> None:
    """Refuse a `checkpoint`, which was read at `path`, that is not of Keras's `variables`.

    Raises:
        DataError: they are not of the same number and shapes.
    """
    shapes = [variable.shape for variable in checkpoint.variables]
    if shapes != [tuple(variable.shape) for variable in variables]:
        problem = "is of a network with other weights, or of another device"
        raise DataError(path, problem, f"delete {path.parent} and train again")
