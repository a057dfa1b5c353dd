"""One file that is `edge-run`, for machines that have Pillow and an engine already.

    python -m offline.onefile        and then: python3 dist/edge-run.pyz classify FILM

It is the wheel with a `__main__` before it, so that `--version` finds the wheel's metadata. Python
keeps no compiled modules for a zip: those of the Python that builds it lie inside, beside the
sources, which any other Python compiles anew at every start. The same wheel gives the same bytes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from edge_runtime.errors import DataError, EdgeError
from offline.wheels import build_runtime

ROOT = Path(__file__).resolve().parents[2]
SHEBANG = b"#!/usr/bin/env python3\n"
MAIN = "from edge_runtime.cli import main\n\nmain()\n"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def main() -> int:
    """Carry out the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--out", type=Path, default=ROOT / "dist" / "edge-run.pyz")
    arguments = options.parse_args()
    try:
        with TemporaryDirectory() as folder:
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            write(build_runtime(Path(folder)), arguments.out)
    except EdgeError as error:
        sys.stderr.write(f"onefile: {error}\n")
        return error.exit_status
    sys.stdout.write(f"{arguments.out}: {arguments.out.stat().st_size / 1e3:.0f} kB\n")
    return 0


def write(wheel: Path, out: Path) -> None:
    """Write the wheel of edge-runtime as a program of one file, or leave `out` as it was.

    Raises:
        DataError: there is no such wheel, or Python does not compile it.
    """
    part = out.with_name(f".{out.name}.part")
    try:
        with TemporaryDirectory() as name:
            folder = Path(name)
            _unpack(wheel, folder)
            with part.open("wb") as stream:
                stream.write(SHEBANG)
                with zipfile.ZipFile(stream, "w") as file:
                    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                        entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _FIRST_DAY)
                        entry.create_system = 3  # wherever it is built
                        file.writestr(entry, path.read_bytes())
        part.chmod(0o755)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _unpack(wheel: Path, folder: Path) -> None:
    """Lay out in `folder` what the program holds: the wheel, its modules compiled, and the entry.

    A process of its own compiles them: what is compiled beside it shows in a module's bytes.
    """
    try:
        with zipfile.ZipFile(wheel) as file:
            file.extractall(folder)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(wheel, f"is not a wheel ({error})", "build it again") from error
    (folder / "__main__.py").write_text(MAIN, encoding="ascii")
    options = ["-q", "-b", "--invalidation-mode", "unchecked-hash", "-s", str(folder), str(folder)]
    line = [sys.executable, "-I", "-S", "-m", "compileall", *options]
    if subprocess.run(line, check=False).returncode:
        raise DataError(wheel, "does not compile", "see what Python says above")


if __name__ == "__main__":
    sys.exit(main())
