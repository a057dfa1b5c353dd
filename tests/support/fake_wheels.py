"""Wheels of a few hundred bytes, and the one of edge-runtime without building it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZipFile

import edge_runtime

SOURCE = Path(edge_runtime.__file__).parent


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    tag: str = "py3-none-any",
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write a wheel into `folder` and return its path; `files` are its modules."""
    stem = f"{name.replace('-', '_')}-{version}"
    head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    head += [f"Requires-Dist: {one}" for one in requires]
    head += [f"Provides-Extra: {one}" for one in extras]
    path = folder / f"{stem}-{tag}.whl"
    with ZipFile(path, "w") as file:
        for module, text in (files or {}).items():
            file.writestr(module, text)
        file.writestr(f"{stem}.dist-info/METADATA", "\n".join(head) + "\n")
        file.writestr(f"{stem}.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
    return path


def write_runtime(folder: Path, version: str = "0.1.0") -> Path:
    """Write the wheel of edge-runtime, as its sources are now, into `folder`."""
    sources = {
        path.relative_to(SOURCE.parent).as_posix(): path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
    }
    return write_wheel(folder, "edge-runtime", version, files=sources)
