"""The processor says of itself what it can do, and nothing that it says can crash us."""

from __future__ import annotations

import builtins
import shutil
import subprocess
import sys
from ctypes import CFUNCTYPE, c_uint32, c_void_p
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.engines import processor
from tiny_bundle import command, environment

NEHALEM = frozenset({"sse4_2"})
HASWELL = NEHALEM | {"avx2"}
SKYLAKE_SERVER = HASWELL | {"avx512f"}
ICE_LAKE = SKYLAKE_SERVER | {"avx512_vnni"}
SAPPHIRE_RAPIDS = ICE_LAKE | {"amx_bf16"}
ALDER_LAKE = HASWELL | {"avx_vnni"}
SSE4_2, OSXSAVE = 1 << 20, 1 << 27
AVX2, AVX512F, AVX512_VNNI, AVX_VNNI, AMX_BF16 = 1 << 5, 1 << 16, 1 << 11, 1 << 4, 1 << 22
NEVER = -1  # XGETBV would be an illegal instruction


@dataclass(frozen=True, slots=True)
class Machine:
    """What CPUID and XGETBV answer: registers by leaf, and by subleaf of leaf 7."""

    usable: frozenset[str]
    highest: int = 27
    ecx_1: int = SSE4_2 | OSXSAVE
    highest_of_7: int = 0
    ebx_7: int = 0
    ecx_7: int = 0
    edx_7: int = 0
    eax_7_1: int = 0
    xcr0: int = NEVER

    def cpuid(self, leaf: int, subleaf: int) -> tuple[int, int, int, int]:
        return {
            (0, 0): (self.highest, 0, 0, 0),
            (1, 0): (0, 0, self.ecx_1, 0),
            (7, 0): (self.highest_of_7, self.ebx_7, self.ecx_7, self.edx_7),
            (7, 1): (self.eax_7_1, 0, 0, 0),
        }[leaf, subleaf]

    def xgetbv(self) -> int:
        assert self.xcr0 != NEVER, "an illegal instruction"
        return self.xcr0


MACHINES = {
    "before SSE4.2": Machine(frozenset(), highest=10, ecx_1=0),
    "leaf 7 does not exist and answers like another": Machine(
        NEHALEM, highest=6, ecx_1=SSE4_2 | OSXSAVE, ebx_7=AVX2, xcr0=0x07
    ),
    "AVX2": Machine(HASWELL, ebx_7=AVX2, xcr0=0x07),
    "a system from before AVX": Machine(NEHALEM, ebx_7=AVX2, xcr0=0x03),
    "a system from before XSAVE": Machine(NEHALEM, ecx_1=SSE4_2, ebx_7=AVX2),
    "AVX-512": Machine(SKYLAKE_SERVER, ebx_7=AVX2 | AVX512F, xcr0=0xE7),
    "AVX-512 with VNNI": Machine(ICE_LAKE, ebx_7=AVX2 | AVX512F, ecx_7=AVX512_VNNI, xcr0=0xE7),
    "a system from before AVX-512": Machine(
        HASWELL, ebx_7=AVX2 | AVX512F, ecx_7=AVX512_VNNI, xcr0=0x07
    ),
    "AMX": Machine(
        SAPPHIRE_RAPIDS, ebx_7=AVX2 | AVX512F, ecx_7=AVX512_VNNI, edx_7=AMX_BF16, xcr0=0x600E7
    ),
    "a system from before AMX": Machine(
        ICE_LAKE, ebx_7=AVX2 | AVX512F, ecx_7=AVX512_VNNI, edx_7=AMX_BF16, xcr0=0xE7
    ),
    "AVX-VNNI": Machine(ALDER_LAKE, highest_of_7=1, ebx_7=AVX2, eax_7_1=AVX_VNNI, xcr0=0x07),
    "subleaf 1 does not exist and answers like another": Machine(
        HASWELL, ebx_7=AVX2, eax_7_1=AVX_VNNI, xcr0=0x07
    ),
}


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "_known", [])


@pytest.fixture
def x86() -> None:
    if not (processor.is_x86() and sys.platform == "linux" and sys.maxsize > 2**32):
        pytest.skip("no x86-64 Linux")


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_a_feature_needs_the_processor_and_the_system(machine: Machine) -> None:
    assert processor._decoded(machine.cpuid, machine.xgetbv) == machine.usable


@pytest.mark.usefixtures("x86")
def test_the_processor_says_what_linux_says_of_it() -> None:
    listed = processor._listed()
    assert listed
    assert processor._decoded(*processor._instructions()) == listed


@pytest.mark.usefixtures("x86")
def test_cpuid_gives_all_four_registers_back() -> None:
    cpuid, _ = processor._instructions()
    _, *vendor = cpuid(0, 0)
    name = b"".join(vendor[index].to_bytes(4, "little") for index in (0, 2, 1)).decode()
    assert name in Path("/proc/cpuinfo").read_text(encoding="ascii")


@pytest.mark.usefixtures("x86")
def test_no_page_is_writable_and_executable_at_once() -> None:
    def both() -> set[str]:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8")
        return {line.split()[0] for line in maps.splitlines() if "rwx" in line}

    others = both()  # an engine that was loaded before may compile code of its own
    cpuid, _ = processor._instructions()
    assert cpuid(0, 0)[0] > 0
    assert both() <= others


@pytest.mark.usefixtures("x86")
def test_the_register_that_belongs_to_the_caller_is_given_back() -> None:
    keep = bytes.fromhex("53 48c7c378563412")  # push rbx; mov rbx, 0x12345678
    call = bytes.fromhex("e804000000")  # the code behind the next four bytes
    told = bytes.fromhex("89d8 5b c3")  # mov eax, ebx; pop rbx; ret
    code = processor._FROM_SYSTEM_V + keep + call + told + processor._CPUID
    run = CFUNCTYPE(c_uint32, c_uint32, c_uint32, c_void_p)(processor._executable(code))
    assert run(0, 0, (c_uint32 * 4)()) == 0x12345678


def refuse(*_: object, **__: object) -> Any:
    raise PermissionError("hardened")


def never(*_: object, **__: object) -> Any:
    raise AssertionError("run all the same")


@pytest.mark.usefixtures("x86")
def test_where_no_code_can_be_run_the_list_of_linux_has_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processor, "_executable", refuse)
    assert processor.features() == processor._listed()


HARDEN = """\
import ctypes, sys
refuse_exec_gain = ctypes.CDLL(None).prctl(65, ctypes.c_ulong(1), 0, 0, 0)  # PR_SET_MDWE
if refuse_exec_gain:
    sys.exit()
from edge_runtime.engines import processor
try:
    processor._instructions()
except OSError as error:
    print(error, *sorted(processor.features()), sep="\\n")
"""


@pytest.mark.usefixtures("x86")
def test_a_kernel_that_refuses_is_believed() -> None:
    said = subprocess.run(
        [sys.executable, "-S", "-c", HARDEN],
        capture_output=True, text=True, check=True, env=environment(),
    ).stdout.splitlines()  # fmt: skip
    if not said:
        pytest.skip("a kernel before 6.3, which has no such rule")
    assert said == [
        "mprotect refuses to make a page executable",
        *sorted(processor._listed() or ()),
    ]


@pytest.mark.parametrize("cpuinfo", [None, "", "model name: a processor that says no more\n"])
@pytest.mark.usefixtures("x86")
def test_where_nobody_tells_the_features_are_unknown(
    cpuinfo: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = refuse if cpuinfo is None else lambda *_, **__: StringIO(cpuinfo)
    monkeypatch.setattr(processor, "_executable", refuse)
    monkeypatch.setattr(builtins, "open", opened)
    assert processor.features() is None


def test_where_the_processor_is_no_x86_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "is_x86", lambda: False)
    monkeypatch.setattr(processor, "_features", never)
    assert processor.features() == frozenset()


def test_it_is_asked_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "is_x86", lambda: True)
    monkeypatch.setattr(processor, "_features", lambda: HASWELL)
    assert processor.features() == HASWELL
    monkeypatch.setattr(processor, "_features", never)
    assert processor.features() == HASWELL


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_short_question_has_the_answer_of_the_long_one(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "is_x86", lambda: True)
    monkeypatch.setattr(processor, "_runnable", lambda: (machine.cpuid, machine.xgetbv))
    assert processor.lacks_sse4_2() == ("sse4_2" not in machine.usable)


@pytest.mark.parametrize(
    ("listed", "lacks"), [(None, False), (frozenset[str](), True), (NEHALEM, False)]
)
def test_where_no_code_can_be_run_what_nobody_knows_is_not_lacking(
    listed: frozenset[str] | None, lacks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "is_x86", lambda: True)
    monkeypatch.setattr(processor, "_runnable", lambda: None)
    monkeypatch.setattr(processor, "_listed", lambda: listed)
    assert processor.lacks_sse4_2() == lacks


def test_a_processor_that_is_no_x86_lacks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "is_x86", lambda: False)
    monkeypatch.setattr(processor, "_runnable", never)
    assert not processor.lacks_sse4_2()


@pytest.mark.usefixtures("x86")
@pytest.mark.parametrize(
    ("cpu", "status", "said"),
    [("core2duo", 6, "needs SSE4.2, which this processor does not have"), ("Nehalem", 0, "covid")],
)
def test_a_processor_too_old_is_refused_and_not_killed(
    cpu: str, status: int, said: str, tiny: Path, film: Path
) -> None:
    if EMULATOR is None:
        pytest.skip("apt install qemu-user-static")
    settings = environment()
    settings.pop("OPENBLAS_CORETYPE", None)
    found = subprocess.run(
        [EMULATOR, "-cpu", cpu, *command("classify", "--bundle", tiny, film)],
        capture_output=True, text=True, check=False, env=settings,
    )  # fmt: skip
    assert found.returncode == status
    assert said in found.stdout + found.stderr


EMULATOR = shutil.which("qemu-x86_64-static")
ASK = "from edge_runtime.engines import processor; print(*sorted(processor.features()))"


@pytest.mark.parametrize(
    ("cpu", "expected"), [("core2duo", frozenset()), ("Nehalem", NEHALEM), ("Haswell", HASWELL)]
)
@pytest.mark.usefixtures("x86")
def test_an_emulated_processor_is_not_taken_for_its_host(
    cpu: str, expected: frozenset[str]
) -> None:
    if EMULATOR is None:
        pytest.skip("apt install qemu-user-static")
    said = subprocess.run(
        [EMULATOR, "-cpu", cpu, sys.executable, "-S", "-c", ASK],
        capture_output=True, text=True, check=True, env=environment(),
    )  # fmt: skip
    assert set(said.stdout.split()) == expected
