"""What is said of a machine is what its system says; what is not known is not said."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from edge_runtime.engines import ENGINES, processor
from edge_runtime.machine import computer


def test_every_engine_has_a_distribution() -> None:
    assert computer.DISTRIBUTIONS.keys() == ENGINES.keys()


def test_what_is_not_installed_has_no_version() -> None:
    assert computer.installed("pillow")
    assert computer.installed("no-such-distribution") is None


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("model\t\t: 1\nmodel name\t: AMD EPYC\n", "AMD EPYC"),
        ("processor : 0\nModel : Raspberry Pi 4 Model B\n", "Raspberry Pi 4 Model B"),
        ("CPU implementer\t: 0x41\nCPU part\t: 0xd08\n", "0x41 0xd08"),
        ("processor : 0\n", ""),
        (None, platform.processor()),
    ],
)
def test_a_processor_is_called_what_linux_calls_it(
    cpuinfo: str | None, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    assert computer.processor_name(path) == name


ARM = """processor : 0
Features  : fp asimd evtstrm crc32 atomics asimddp i8mm sve
"""


@pytest.mark.parametrize(
    ("cpuinfo", "found"), [(ARM, ["asimd", "asimddp", "i8mm"]), ("Hardware: x\n", []), (None, [])]
)
def test_on_arm_the_features_are_those_that_linux_lists(
    cpuinfo: str | None, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> str:
        if cpuinfo is None:
            raise OSError
        return cpuinfo

    monkeypatch.setattr(processor, "is_x86", lambda: False)
    monkeypatch.setattr(Path, "read_text", read)
    assert computer.features() == found
