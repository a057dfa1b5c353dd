"""What an x86 processor can do, asked of itself: the instruction CPUID, run in this process.

The file `/proc/cpuinfo` exists on Linux alone, and under an emulator shows the host's processor.
Meanings of the bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A,
"CPUID", and volume 1, section 13.2 "Enumeration of CPU Support for XSAVE Instructions".
"""

from __future__ import annotations

import mmap
import os
import sys
from contextlib import suppress
from ctypes import (
    CDLL,
    CFUNCTYPE,
    addressof,
    byref,
    c_char,
    c_int,
    c_size_t,
    c_uint32,
    c_void_p,
    memmove,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Cpuid = Callable[[int, int], tuple[int, ...]]
    """From a leaf and a subleaf to the registers EAX, EBX, ECX and EDX."""
    Xgetbv = Callable[[], int]
    """The low half of XCR0: which registers the system saves between two processes."""

_EAX, _EBX, _ECX, _EDX = 0, 1, 2, 3
# Name, as in Linux's /proc/cpuinfo -> leaf, subleaf, register, bit.
_BITS = {
    "sse4_2": (1, 0, _ECX, 20),
    "avx2": (7, 0, _EBX, 5),
    "avx512f": (7, 0, _EBX, 16),
    "avx512_vnni": (7, 0, _ECX, 11),
    "avx_vnni": (7, 1, _EAX, 4),
    "amx_bf16": (7, 0, _EDX, 22),
}
_OSXSAVE = 27  # the bit of leaf 1, ECX: the system has switched XGETBV on
_STATES = {
    "avx": 0x06,
    "avx512": 0xE6,
    "amx": 0x60000,
}  # what XCR0 must hold for names that begin so

# Takes (leaf, subleaf, registers) in ECX, EDX and R8, as Windows hands arguments over.
_CPUID = bytes.fromhex(
    "53 89c8 89d1 0fa2"  # push rbx; mov eax, ecx; mov ecx, edx; cpuid
    "418900 41895804 41894808 4189500c"  # mov [r8], eax; [r8+4], ebx; [r8+8], ecx; [r8+12], edx
    "5b c3"  # pop rbx; ret
)
# The System V convention has them in EDI, ESI and RDX: mov r8, rdx; mov edx, esi; mov ecx, edi.
_FROM_SYSTEM_V = bytes.fromhex("4989d0 89f2 89f9")
_XGETBV = bytes.fromhex("31c9 0f01d0 c3")  # xor ecx, ecx; xgetbv; ret
_PAGE = 4096

_pages: list[c_char] = []
_known: list[frozenset[str] | None] = []


def is_x86() -> bool:
    """Tell whether this process runs x86 instructions, emulated ones included."""
    if sys.platform == "win32":  # which names the machine, not what it emulates
        return "arm" not in sys.version.lower()
    return os.uname().machine in ("x86_64", "amd64", "i386", "i686")


def features() -> frozenset[str] | None:
    """Return which of the names in `_BITS` can be used, `None` where that is not known.

    Processor and operating system both have to offer them. Asked once in a process; empty, and
    nothing is run, where the processor is no x86.
    """
    if not _known:
        _known.append(_features() if is_x86() else frozenset())
    return _known[0]


def _features() -> frozenset[str] | None:
    instructions = _runnable()
    return _decoded(*instructions) if instructions else _listed()


def lacks_sse4_2() -> bool:
    """Tell whether this is an x86 processor known to be without SSE4.2, an extension of 2008.

    `features` would tell as well, but asks nine times, each of which stops a virtual machine for
    20 microseconds, and this question is on the cold path.
    """
    if not is_x86():
        return False
    if instructions := _runnable():
        leaf, subleaf, register, bit = _BITS["sse4_2"]
        return not instructions[0](leaf, subleaf)[register] >> bit & 1
    listed = _listed()
    return listed is not None and "sse4_2" not in listed


def _runnable() -> tuple[Cpuid, Xgetbv] | None:
    """Return the functions of `_instructions`, or nothing where they cannot be run."""
    if sys.maxsize > 2**32 and sys.platform in ("linux", "win32"):
        # A hardened system lets no process run what it has written.
        with suppress(OSError, AttributeError, ValueError):
            return _instructions()
    return None


def _decoded(cpuid: Cpuid, xgetbv: Xgetbv) -> frozenset[str]:
    """Return the features that the processor has and whose registers the system saves."""
    highest = cpuid(0, 0)[_EAX]
    highest_of_7 = cpuid(7, 0)[_EAX] if highest >= 7 else 0
    # Without that bit, XGETBV itself is an illegal instruction.
    saved = xgetbv() if cpuid(1, 0)[_ECX] >> _OSXSAVE & 1 else 0
    unsaved = tuple(name for name, state in _STATES.items() if saved & state != state)
    return frozenset(
        name
        for name, (leaf, subleaf, register, bit) in _BITS.items()
        # A leaf that does not exist answers like another one.
        if leaf <= highest and subleaf <= highest_of_7 and not name.startswith(unsaved)
        if cpuid(leaf, subleaf)[register] >> bit & 1
    )


def _instructions() -> tuple[Cpuid, Xgetbv]:
    """Return functions that run the two instructions.

    Raises:
        OSError: the system does not let this process run what it has written.
    """
    code = _CPUID if sys.platform == "win32" else _FROM_SYSTEM_V + _CPUID
    address = _executable(code + _XGETBV)
    run_cpuid = CFUNCTYPE(None, c_uint32, c_uint32, c_void_p)(address)

    def cpuid(leaf: int, subleaf: int) -> tuple[int, ...]:
        registers = (c_uint32 * 4)()
        run_cpuid(leaf, subleaf, registers)
        return tuple(registers)

    def xgetbv() -> int:
        return int(CFUNCTYPE(c_uint32)(address + len(code))())

    return cpuid, xgetbv


if sys.platform == "win32":
    from ctypes import WinDLL, WinError

    def _executable(code: bytes) -> int:
        """Return the address of `code`, in a page that is never writable and executable at once.

        Raises:
            OSError: the system refuses.
        """
        kernel = WinDLL("kernel32")
        kernel.VirtualAlloc.restype = c_void_p
        reserve_and_commit, read_write, execute_read = 0x3000, 0x04, 0x20
        address = kernel.VirtualAlloc(None, c_size_t(_PAGE), reserve_and_commit, read_write)
        if not address:
            raise WinError()
        memmove(address, code, len(code))
        page = (c_void_p(address), c_size_t(_PAGE))
        if not kernel.VirtualProtect(*page, execute_read, byref(c_int())):
            raise WinError()
        return int(address)

else:

    def _executable(code: bytes) -> int:
        """Return the address of `code`, in a page that is never writable and executable at once.

        Raises:
            OSError: the system refuses.
        """
        page = mmap.mmap(-1, _PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page.write(code)
        _pages.append(c_char.from_buffer(page))  # whoever holds this keeps the page mapped
        address = addressof(_pages[-1])
        protection = mmap.PROT_READ | mmap.PROT_EXEC
        if CDLL(None).mprotect(c_void_p(address), c_size_t(_PAGE), protection):
            raise OSError("mprotect refuses to make a page executable")
        return address


def _listed() -> frozenset[str] | None:
    """Return the features that Linux lists; an emulator shows those of its host here."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:  # noqa: PTH123
            flags = next((line for line in cpuinfo if line.startswith("flags")), "")
    except OSError:
        return None
    return frozenset(_BITS).intersection(flags.split()) if flags else None
