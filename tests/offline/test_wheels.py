"""A wheelhouse is complete for the machine it is for, and holds nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from edge_runtime.errors import DataError
from fake_wheels import write_wheel
from offline.wheels import ARCHITECTURES, Target, complete, read_wheel

LINUX, WINDOWS = Target("x86_64", "3.11"), Target("win_amd64", "3.11")
# name -> how its wheel is made; the shape of what edge-runtime needs.
SHELF: dict[str, dict[str, Any]] = {
    "edge-runtime": {
        "requires": ["pillow>=11", "engine>=2; extra == 'litert'", "dcm; extra == 'dicom'"],
        "extras": ["litert", "dicom"],
    },
    "pillow": {"version": "12.0", "tag": "cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64"},
    "engine": {"version": "2.3", "requires": ["NumPy", "bar", "old; python_version < '3.11'"]},
    "numpy": {"tag": "cp311-cp311-manylinux_2_28_x86_64"},
    "bar": {"requires": ["color; platform_system == 'Windows'"]},
    "color": {},
    "dcm": {},
}
Fetch = Callable[[Sequence[Requirement]], None]


def shelf(folder: Path, **changes: dict[str, Any]) -> Fetch:
    """Return what puts wheels of `SHELF`, with `changes`, into `folder`."""

    def fetch(missing: Sequence[Requirement]) -> None:
        for one in missing:
            name = one.name.lower()
            if name in SHELF:
                write_wheel(folder, name, **{**SHELF[name], **changes.get(name, {})})

    return fetch


def names(
    folder: Path, wanted: str, target: Target = LINUX, fetch: Fetch | None = None, **options: Any
) -> set[str]:
    found = complete(folder, [Requirement(wanted)], target, fetch or shelf(folder), **options)
    assert {one.path for one in found} == set(folder.glob("*.whl"))
    return {one.name for one in found}


def test_what_a_wheel_needs_is_fetched_with_all_that_needs(tmp_path: Path) -> None:
    found = names(tmp_path, "edge-runtime[litert]")
    assert found == {"edge-runtime", "pillow", "engine", "numpy", "bar"}


def test_only_the_extras_asked_for_are_fetched(tmp_path: Path) -> None:
    assert names(tmp_path, "edge-runtime") == {"edge-runtime", "pillow"}


def test_markers_are_asked_about_the_other_machine_and_not_this_one(tmp_path: Path) -> None:
    assert names(tmp_path, "bar", WINDOWS) == {"bar", "color"}


def test_a_lean_one_leaves_out_what_the_engine_asks_for(tmp_path: Path) -> None:
    found = names(tmp_path, "edge-runtime[litert]", opaque={"engine"})
    assert found == {"edge-runtime", "pillow", "engine"}


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    write_wheel(tmp_path, "dcm", "7")

    def fetch(missing: Sequence[Requirement]) -> None:
        raise AssertionError(missing)

    assert names(tmp_path, "dcm", fetch=fetch) == {"dcm"}


BAD: dict[str, tuple[str, dict[str, dict[str, Any]], str]] = {
    "a wheel that cannot be had": ("nothing", {}, "has no wheel of nothing"),
    "one that another cannot have": (
        "edge-runtime[litert]", {"bar": {"requires": ["gone>1"]}}, "has no wheel of gone>1",
    ),
    "a version that is too old": (
        "edge-runtime", {"pillow": {"version": "10.0"}}, "is not what another wheel needs: pillow",
    ),
    "a wheel for another processor": (
        "pillow", {"pillow": {"tag": "cp311-cp311-manylinux_2_28_aarch64"}}, "is not for x86_64",
    ),
    "a wheel for another Python": (
        "pillow", {"pillow": {"tag": "cp312-cp312-manylinux_2_28_x86_64"}}, "Python 3.11",
    ),
    "a wheel for a newer glibc": (
        "pillow", {"pillow": {"tag": "cp311-cp311-manylinux_2_39_x86_64"}}, "is not for x86_64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wheelhouse_that_would_not_install_is_not_made(name: str, tmp_path: Path) -> None:
    wanted, changes, line = BAD[name]
    with pytest.raises(DataError, match=line):
        names(tmp_path, wanted, fetch=shelf(tmp_path, **changes))


def test_a_wheel_that_nothing_needs_is_refused(tmp_path: Path) -> None:
    write_wheel(tmp_path, "stray")
    with pytest.raises(DataError, match=r"stray-1\.0.*is not needed"):
        names(tmp_path, "dcm")


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("python", ["3.11", "3.14"])
def test_pure_stable_and_own_wheels_fit_every_machine(arch: str, python: str) -> None:
    compact, platform = python.replace(".", ""), ARCHITECTURES[arch][0][0]
    tags = {str(tag) for tag in Target(arch, python).tags}
    assert {"py3-none-any", f"py3-none-{platform}", f"cp311-abi3-{platform}"} <= tags
    assert f"cp{compact}-cp{compact}-{platform}" in tags
    foreign = {one for other in ARCHITECTURES if other != arch for one in ARCHITECTURES[other][0]}
    assert not any(tag.endswith(tuple(foreign)) for tag in tags)


@pytest.mark.parametrize("data", [b"", b"PK\5\6" + bytes(18)])
def test_what_is_no_wheel_is_said_to_be_none(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a-1-py3-none-any\.whl: is not a wheel"):
        read_wheel(path)
