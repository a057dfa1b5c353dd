"""What the processes of a shared training tell each other beside gradients.

Every process has to come to each of these, in the same order. Import it late: it loads JAX.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from numpy.typing import NDArray

from edge_runtime.errors import UsageError

_SHORT = 40


def gathered(values: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the `values` of every process in their order; all have one shape and type.

    As bytes, for JAX has no 64 bits.
    """
    data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    rows = np.asarray(multihost_utils.process_allgather(data)).reshape(jax.process_count(), -1)
    return [np.frombuffer(row.tobytes(), values.dtype).reshape(values.shape) for row in rows]


def told_by_all(content: Any) -> list[Any]:
    """Return the plain JSON content of every process, in their order."""
    text = np.frombuffer(json.dumps(content).encode(), np.uint8)
    lengths = [int(length) for length in gathered(np.array(len(text)))]
    padded = np.zeros(max(lengths), np.uint8)
    padded[: len(text)] = text
    rows = gathered(padded)
    return [json.loads(row[:length].tobytes()) for row, length in zip(rows, lengths, strict=True)]


def from_first(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the arrays of process 0, whose number, shapes and types every process has."""
    data = [np.frombuffer(np.ascontiguousarray(one).tobytes(), np.uint8) for one in arrays]
    first = multihost_utils.broadcast_one_to_all(data)
    return [
        np.frombuffer(np.asarray(row).tobytes(), one.dtype).reshape(one.shape)
        for row, one in zip(first, arrays, strict=True)
    ]


def require_alike(settings: Mapping[str, Any]) -> None:
    """Refuse to train where a process has other `settings` (plain JSON) than process 0.

    Raises:
        UsageError: of every process, with the first setting that differs.
    """
    first, *others = told_by_all(dict(settings))
    for process, theirs in enumerate(others, 1):
        for name in sorted({*first, *theirs}):
            if theirs.get(name) != first.get(name):
                told = f": {theirs.get(name)}, not {first.get(name)}"
                told = told if len(told) < _SHORT else ""  # no digest, no table
                problem = f"has another {name.replace('_', ' ')} than process 0{told}"
                cure = "give all processes the same command, films and versions"
                raise UsageError(f"process {process}", problem, cure)
