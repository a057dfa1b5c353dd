"""What the Parquet files of a manifest and of answers hold, and how they are written and read."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.answer.classify import FIELDS
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError, UsageError
from edge_runtime.output import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

PATH, SITE, MONTH = "path", "site", "month"
"""The columns of a manifest: the film's path or URL as bytes, and what is known of its origin."""
RAW = "file_bytes"
"""The column of answers with the bytes of a name that is no text; else null."""

_NUMBERS = ("probability", "logit", "film_logit", "threshold", "milliseconds")


def require_scale(module: str = "pyarrow", *, command: str = "score") -> None:
    """Refuse to begin where the extra `scale` is not installed.

    Raises:
        UsageError: `module` is missing.
    """
    if find_spec(module) is None:
        raise UsageError(command, f"{module} is not installed", "pip install 'edge-kit[scale]'")


def part_name(number: int) -> str:
    """Return the file name of a part, in a manifest and in results alike."""
    return f"part-{number:05d}.parquet"


def text(value: object) -> object:
    r"""Return text that Parquet can hold: a byte that is none becomes `\udcXX`."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value


def manifest_table(rows: Sequence[tuple[bytes, str | None, str | None]]) -> pa.Table:
    """Return a part of a manifest; a row is a path, a site and a month."""
    import pyarrow as pa

    kinds = {PATH: pa.binary(), SITE: pa.string(), MONTH: pa.string()}
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds.values(), strict=True)]
    return pa.table(arrays, names=list(kinds))


def answer_table(rows: Mapping[str, list[Any]], bound: Mapping[str, str]) -> pa.Table:
    """Return a part of answers: the columns of `edge-run classify --format csv`, and `RAW`.

    Texts are what they are: no cell is guarded against spreadsheets, which read no Parquet by
    themselves. `bound` goes into the file's own metadata.
    """
    import pyarrow as pa

    kinds = {name: pa.float64() for name in _NUMBERS} | {"bytes": pa.int64(), RAW: pa.binary()}
    fields = [pa.field(name, kinds.get(name, pa.string())) for name in (*FIELDS, RAW)]
    return pa.table(dict(rows), schema=pa.schema(fields, metadata=dict(bound)))


def write_table(path: Path, table: pa.Table) -> str:
    """Write a table whole or not at all, on the disk before it has its name; return its SHA-256.

    Raises:
        CannotWrite: the disk does not take it.
    """
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    data = buffer.getvalue()
    write_whole(path, data)
    return sha256(data)


def read_table(
    path: Path, digest: str, columns: list[str] | None = None, *, cure: str = "go on with --resume"
) -> pa.Table:
    """Return the table in a file, after its digest was compared; `cure` helps where it is another.

    Raises:
        DataError: it is not there, or not the file that was written.
    """
    import pyarrow.parquet as pq

    try:
        data = path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise DataError(path, problem, cure) from error
    if sha256(data) != digest:
        raise DataError(path, "is not the file that was written", cure)
    return pq.read_table(io.BytesIO(data), columns=columns)


def holds(path: Path, digest: str) -> bool:
    """Tell whether the file is there, byte for byte what was written."""
    try:
        return sha256(path.read_bytes()) == digest
    except OSError:
        return False
