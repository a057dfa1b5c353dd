"""Pillow for 32-bit ARM, from source: no package index offers it, and Debian 12's is of 2023.

Pillow's own `setup.py` runs under the emulated Python, which knows what it was built for, and
calls a native compiler (the `ziglang` wheel), which the emulator starts as it is. What needs
other libraries than the runtime's formats do is left out.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from hardware.commands import NotHad, cleared, require

TARGET = ("arm-linux-gnueabihf.2.36", "cortex_a7")  # Debian 12's C library
LEFT_OUT = ("platform-guessing", "freetype", "lcms", "avif", "imagequant", "xcb")

# Debian's configuration says where its headers will lie; here they lie in the sysroot.
COMPILER = """\
#!/bin/sh
for a; do
  shift
  case $a in -[IL]/usr/*) a="$(printf %.2s "$a"){root}${{a#-?}}" ;; esac
  set -- "$@" "$a"
done
exec '{zig}' cc -target {target} -mcpu={cpu} "$@"
"""


def pillow(requirement: str, python: Path, root: Path, scratch: Path, site: Path) -> None:
    """Compile Pillow with the headers and libraries of `root` for `python`, and put it in `site`.

    Raises:
        NotHad: its source, the compiler or a header could not be had.
    """
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    tools = scratch / "tools"
    require([*pip, "install", "--target", tools, "ziglang", "setuptools", "pybind11"], "a compiler")
    source = _source(pip, requirement, scratch)
    zig = tools / "ziglang" / "zig"
    compiler = scratch / "compiler"
    target, cpu = TARGET
    compiler.write_text(COMPILER.format(root=root, zig=zig, target=target, cpu=cpu))
    compiler.chmod(0o755)
    headers = root / "usr" / "include"
    environment = cleared(
        AR=f"{zig} ar",
        ARFLAGS="rcs",
        CC=f"{compiler}",
        CXX=f"{compiler}",
        LDSHARED=f"{compiler} -shared",
        C_INCLUDE_PATH=f"{headers}/python3.11:{headers}/arm-linux-gnueabihf:{headers}",
        LIBRARY_PATH=f"{root}/usr/lib/arm-linux-gnueabihf",
        MAX_CONCURRENCY="1",
        PKG_CONFIG="none",
        PYTHONPATH=f"{tools}:{source}/_custom_build",
        ZIG_GLOBAL_CACHE_DIR=f"{scratch}/zig",
        ZIG_LOCAL_CACHE_DIR=f"{scratch}/zig",
    )
    options = [f"--disable-{name}" for name in LEFT_OUT]
    require(
        [python, "setup.py", "build_clib", "build_ext", *options, "build_py"],
        "compiling Pillow", environment=environment, folder=source,
    )  # fmt: skip
    built = next((source / "build").glob("lib.*"))
    shutil.copytree(built / "PIL", site / "PIL")
    shutil.copytree(source / "src" / "pillow.egg-info", site / "pillow.egg-info")


def _source(pip: list[str], requirement: str, scratch: Path) -> Path:
    """Return the unpacked source distribution of `requirement`."""
    download = ["download", "--no-deps", "--no-binary", "pillow", "--dest", f"{scratch}"]
    require([*pip, *download, requirement], "the source of Pillow")
    archives = sorted(scratch.glob("pillow-*.tar.gz"))
    if not archives:
        raise NotHad(f"the source of Pillow: {requirement} came without one")
    shutil.unpack_archive(archives[-1], scratch, filter="data")
    return scratch / archives[-1].name.removesuffix(".tar.gz")
