"""Everything a clinic's machine needs, in one folder for a USB stick.

    python -m offline.wheelhouse --arch x86_64 --python 3.11 --bundle covid.edge

The folder holds wheels, `SHA256SUMS`, an installer that needs Python alone, the bundles given, and
`requirements.txt` with the digest of each wheel, for who installs by pip. Of the same sources, pins
and bundles it is the same bytes each time.
The lean variant leaves out what LiteRT's wheel asks for and `edge-run` does not use: it calls
LiteRT's C library itself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

from edge_export.signing.keys import SigningKey, signing_key
from edge_runtime.bundle import verify_all
from edge_runtime.errors import DataError, EdgeError, UsageError
from offline.wheels import ARCHITECTURES, Target, build_runtime, complete, pip, wheels_in

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRIPTS = (
    *("install.py", "environment.py", "install.sh", "install.bat", "README.txt"),
    *("uninstall.py", "uninstall.sh", "uninstall.bat"),
)
MORE = {
    "dicom": "with what reads DICOM",
    "dicom-node": "with what speaks DICOM with archives",
    "trust": "with what verifies signatures",
    "web": "with what serves the page",
}
"""Extras that are asked for, beside an engine."""
LITERT = "ai-edge-litert"
# pip in a wheel of its own installs where Debian left it out of the virtual environments.
PIP = Requirement("pip")
RUNTIME = "edge-runtime"
SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
"""The digests of every file, and 64 bytes of Ed25519 over them, which OpenSSL verifies."""
PINNED = "requirements.txt"
"""The file of a wheelhouse that pins each wheel by its digest."""
# A lean wheelhouse lacks what LiteRT's wheel asks for, so that pip must not look for it.
_PINNED_HEAD = (
    "# python -m pip install --no-index --find-links . --no-deps --require-hashes "
    "--requirement requirements.txt\n"
)
NOWHERE = "http://127.0.0.1:9"  # the port that discards


@dataclass(frozen=True, slots=True)
class Choice:
    """What goes into a wheelhouse."""

    target: Target
    extras: tuple[str, ...]
    lean: bool
    bundles: tuple[Path, ...]
    key: SigningKey | None = None

    @property
    def name(self) -> str:
        """The name of its folder."""
        parts = ["wheelhouse", self.target.arch, "py" + self.target.python.replace(".", "")]
        parts += [extra for extra in self.extras if extra != "litert"]
        return "-".join([*parts, *(["lean"] if self.lean else [])])


def main() -> int:
    """Carry out the command line."""
    arguments = _options().parse_args()
    engines = arguments.engine or ["litert"]
    more = [extra for extra in MORE if getattr(arguments, extra.replace("-", "_"))]
    extras = tuple(sorted({*engines, *more}))
    if arguments.lean and engines != ["litert"]:
        _options().error("--lean is for litert alone: the others need numpy")
    target = Target(arguments.arch, arguments.python)
    try:
        key = signing_key(arguments.key, _passphrase) if arguments.key else None
        choice = Choice(target, extras, arguments.lean, tuple(arguments.bundle), key)
        folder = build(choice, arguments.out)
        sys.stdout.write(summary(folder, choice) + "\n")
        if arguments.prove:
            sys.stdout.write(prove(folder) + "\n")
    except EdgeError as error:
        sys.stderr.write(f"wheelhouse: {error}\n")
        return error.exit_status
    return 0


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--arch", choices=ARCHITECTURES, default="x86_64")
    options.add_argument(
        "--python", type=_version, default="3.11", help="the CPython there (default: 3.11)"
    )
    options.add_argument("--lean", action="store_true", help="without what edge-run never imports")
    options.add_argument("--engine", action="append", choices=["litert", "onnx"])
    for extra, what in MORE.items():
        options.add_argument(f"--{extra}", action="store_true", help=what)
    options.add_argument("--bundle", type=Path, action="append", default=[])
    options.add_argument("--key", type=Path, help="sign it by a key of edge-kit keys")
    options.add_argument("--out", type=Path, default=ROOT / "dist")
    options.add_argument("--prove", action="store_true", help="install it here, offline, and check")
    return options


def _passphrase() -> str:
    return getpass("passphrase of the key: ")


def _version(text: str) -> str:
    if not re.fullmatch(r"3\.[0-9]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no version such as 3.11")
    return text


def build(choice: Choice, out: Path) -> Path:
    """Return the folder below `out` that holds what was chosen; one of that name is replaced.

    Raises:
        UsageError: the installer would not find a bundle, or two have one name.
        DataError: a wheel cannot be had, or they do not fit together.
        NotABundle, IntegrityError: as `verify_all` says of the bundles.
    """
    _prove_bundles(choice.bundles)
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out, prefix=".", suffix=".part") as temporary:
        folder = Path(temporary) / choice.name
        folder.mkdir()
        build_runtime(folder)
        runtime = Requirement(f"{RUNTIME}[{','.join(choice.extras)}]")
        opaque = {LITERT} if choice.lean else set()

        def fetch(missing: Sequence[Requirement]) -> None:
            download(missing, choice.target, folder)

        complete(folder, [runtime, PIP], choice.target, fetch, opaque)
        for bundle in choice.bundles:
            shutil.copyfile(bundle, folder / bundle.name)
        furnish(folder, choice)
        if choice.key:
            sign_sums(folder, choice.key)
        target = out / choice.name
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    return target


def _prove_bundles(bundles: Sequence[Path]) -> None:
    """Refuse bundles that would not arrive: the installer looks for files called `*.edge`."""
    names = set()
    for bundle in bundles:
        verify_all(bundle)
        if bundle.is_dir() or bundle.suffix != ".edge":
            raise UsageError("--bundle", f"{bundle} is no .edge file", "give the .edge file itself")
        if bundle.name.lower() in names:
            raise UsageError("--bundle", f"two are called {bundle.name}", "rename one of them")
        names.add(bundle.name.lower())


def download(requirements: Sequence[Requirement], target: Target, folder: Path) -> None:
    """Put a wheel for each requirement into `folder`, of the versions in `constraints.txt`.

    Raises:
        DataError: pip finds none.
    """
    platforms = (part for platform in target.platforms for part in ("--platform", platform))
    pip(
        "download", "--no-deps", "--only-binary=:all:", "--constraint", ROOT / "constraints.txt",
        "--implementation", "cp", "--python-version", target.python, *platforms,
        "--dest", folder, *(_plain(requirement) for requirement in requirements),
    )  # fmt: skip


def _plain(requirement: Requirement) -> str:
    """Return a requirement without its marker, which was asked about the target already."""
    return f"{requirement.name}{requirement.specifier}"


def furnish(folder: Path, choice: Choice) -> None:
    """Add the installer, and `SHA256SUMS` over every file in `folder`."""
    about = {
        "python": choice.target.python,
        "arch": choice.target.arch,
        "lean": choice.lean,
        "extras": choice.extras,
    }
    (folder / "wheelhouse.json").write_text(json.dumps(about, indent=1) + "\n", encoding="ascii")
    for name in SCRIPTS:
        text = (HERE / "stick" / name).read_text(encoding="utf-8")
        text = text.replace("@PYTHON@", choice.target.python)
        end = "\r\n" if name.endswith((".bat", ".txt")) else "\n"
        (folder / name).write_text(text, encoding="utf-8", newline=end)
    (folder / PINNED).write_text(pinned(folder, choice), encoding="ascii", newline="\n")
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
    ]
    (folder / SUMS).write_text("".join(sums), encoding="ascii", newline="\n")


def sign_sums(folder: Path, key: SigningKey) -> None:
    """Sign the digests of every file, so that a stick can be told from one that somebody made."""
    (folder / SIGNATURE).write_bytes(key.sign((folder / SUMS).read_bytes()))


def pinned(folder: Path, choice: Choice) -> str:
    """Return every wheel of a wheelhouse as a line for pip, with its version and its SHA-256.

    Raises:
        DataError: a file called like a wheel is none.
    """
    lines = [_PINNED_HEAD]
    for wheel in sorted(wheels_in(folder), key=lambda wheel: wheel.name):
        name = f"{wheel.name}[{','.join(choice.extras)}]" if wheel.name == RUNTIME else wheel.name
        digest = hashlib.sha256(wheel.path.read_bytes()).hexdigest()
        lines.append(f"{name}=={wheel.version} --hash=sha256:{digest}\n")
    return "".join(lines)


def summary(folder: Path, choice: Choice) -> str:
    """Return the sizes of a wheelhouse, on the stick and installed, in lines for people."""

    def line(size: float, unpacked: float, name: str) -> str:
        return f"{size / 1e6:8.1f} {unpacked / 1e6:9.1f}  {name}"

    wheels = list(wheels_in(folder))
    rows = [
        (wheel.path.stat().st_size, wheel.unpacked, f"{wheel.name} {wheel.version}")
        for wheel in wheels
    ]
    others = sum(path.stat().st_size for path in folder.iterdir() if path.suffix != ".whl")
    rows.append((others, others, "bundles, installer, digests"))
    total = line(sum(row[0] for row in rows), sum(row[1] for row in rows), "in all")
    head = f"{folder} ({choice.target.arch}, Python {choice.target.python})"
    return "\n".join([head, "      MB  unpacked", *(line(*row) for row in rows), total])


def prove(folder: Path) -> str:
    """Install the wheelhouse here, with every way to a network closed, and classify a film.

    Then install it again, as an upgrade does, and uninstall it, which has to leave nothing.

    Raises:
        DataError: something of that failed.
    """
    with TemporaryDirectory() as temporary:
        home, place = Path(temporary), Path(temporary) / "edge-run"
        private = ("PIP_", "PYTHON", "XDG_", "EDGE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(private)}
        closed = {f"{scheme}_proxy": NOWHERE for scheme in ("http", "https", "all")}
        own = {"HOME": str(home), "LOCALAPPDATA": str(home), "PIP_INDEX_URL": NOWHERE}
        environment = {**kept, **closed, **own}
        started = time.perf_counter()
        _step([sys.executable, folder / "install.py", place], environment)
        seconds = time.perf_counter() - started
        size = sum(path.lstat().st_size for path in place.rglob("*") if path.is_file())
        scripts = place / ("Scripts" if os.name == "nt" else "bin")
        film = home / "film.png"
        draw = "import sys; from PIL import Image; Image.radial_gradient('L').save(sys.argv[1])"
        _step([scripts / "python", "-c", draw, film], environment)
        _step([scripts / "edge-run", "classify", film, "--engine", "litert"], environment, {0, 5})
        _step([sys.executable, folder / "install.py", place], environment)
        _step([sys.executable, place / "uninstall.py"], environment)
        if left := [*home.glob("edge-run"), *home.rglob("edge-kit")]:
            raise DataError(folder, f"uninstalling it left {left[0]}", "mend uninstall.py")
    return f"installed offline in {seconds:.1f} s, {size / 1e6:.1f} MB with compiled modules"


def _step(
    command: Sequence[object], environment: dict[str, str], fine: Sequence[int] | set[int] = (0,)
) -> None:
    line = [str(part) for part in command]
    status = subprocess.run(line, env=environment, check=False).returncode
    if status not in fine:
        raise DataError(" ".join(line), f"left with status {status}", "see what it says above")


if __name__ == "__main__":
    sys.exit(main())
