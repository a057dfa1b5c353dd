"""The boxes as data: which processor, whose packages, which engines; see README.md."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
"""The Python of Debian 12, and of 13, which is what Raspberry Pi OS is made of since 2025."""
LITERT = ("litert", "litert-python", "onnxruntime")
DEFAULTS = "onnxruntime by its defaults"
"""ONNX Runtime without `session.x64quantprecision`, to show what that precaution saves us from."""

# What a box prints as /proc/cpuinfo. The engines ask it what the processor can do, and crash when
# they are shown the host's.
_CORTEX_A72 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
_CORTEX_A76 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc \
dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

"""
_CORTEX_A7 = """\
processor\t: 0
model name\t: ARMv7 Processor rev 5 (v7l)
BogoMIPS\t: 38.40
Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm
CPU implementer\t: 0x41
CPU architecture: 7
CPU variant\t: 0x0
CPU part\t: 0xc07
CPU revision\t: 5

Hardware\t: BCM2835

"""


# Less what the emulator lacks, of which it would warn on the stderr of every process.
_HASWELL = "Haswell,-pcid,-x2apic,-tsc-deadline,-hle,-invpcid,-rtm"


@dataclass(frozen=True, slots=True)
class System:
    """What is installed on a kind of box.

    `wheels` are what a clinic installs, `tools` what the runtime's tests need beside it; both are
    built for `platforms` (tags of pip; none: this machine). `compiled` are wheels to be made from
    source, because nobody offers them. With `debian`, an architecture, the Python is that of a
    `release` of Debian, with its `packages`, and not this machine's. Tests that need what is
    `lacking`, packages and engines, are skipped.
    """

    name: str
    emulator: str
    wheels: tuple[str, ...]
    tools: tuple[str, ...]
    platforms: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()
    debian: str = ""
    release: str = "bookworm"
    packages: tuple[str, ...] = ()
    cpuinfo: str = ""
    lacking: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        """The version of Python there, two numbers of it."""
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        return PYTHONS[self.release] if self.debian else own


@dataclass(frozen=True, slots=True)
class Box:
    """A processor with a system; without `cpu` this machine's own, else what the emulator offers.

    Where `refused`, the processor is too old for the engines: the runtime has to say so. Where
    `counted`, the emulator is one that takes plug-ins.
    """

    name: str
    title: str
    system: System
    engines: tuple[str, ...]
    cpu: str = ""
    refused: bool = False
    counted: bool = False

    @property
    def emulator(self) -> str:
        """The program that runs what is in it; Debian's static ones take no plug-ins."""
        static = self.system.emulator
        return static.removesuffix("-static") if self.counted else static


TESTS = ("pytest", "hypothesis", "onnx", "pydicom", "pylibjpeg", "pylibjpeg-libjpeg")
LACKING = ("ai_edge_litert", "onnxruntime", "litert", "litert-python")

X86_64 = System(
    name="x86_64",
    emulator="qemu-x86_64-static",
    wheels=("pillow", "ai-edge-litert", "onnxruntime"),
    tools=TESTS,
)
X86_64_TFLITE = System(
    name="x86_64-tflite",
    emulator="qemu-x86_64-static",
    wheels=("pillow", "tflite-runtime==2.14.0", "numpy<2"),
    tools=(*TESTS, "flatbuffers", "numpy<2"),
    lacking=LACKING,
)
ARM64 = System(
    name="arm64",
    emulator="qemu-aarch64-static",
    wheels=("pillow", "ai-edge-litert", "onnxruntime"),
    tools=TESTS,
    platforms=tuple(f"manylinux_2_{minor}_aarch64" for minor in range(17, 37)),
    debian="arm64",
    packages=("python3.11", "libstdc++6"),
    cpuinfo=_CORTEX_A72,
)
ARM64_DEBIAN_13 = replace(
    ARM64,
    name="arm64-debian-13",
    platforms=tuple(f"manylinux_2_{minor}_aarch64" for minor in range(17, 42)),
    release="trixie",
    packages=("python3.13", "libstdc++6"),
    cpuinfo=_CORTEX_A76,
)
ARMHF = System(
    name="armhf",
    emulator="qemu-arm-static",
    # Debian's numpy, for there is no wheel of it; Debian 12's Pillow is 9.4, which is too old.
    wheels=("tflite-runtime==2.14.0",),
    tools=("pytest", "hypothesis", "pydicom", "flatbuffers"),
    platforms=tuple(f"manylinux_2_{minor}_armv7l" for minor in range(17, 37)),
    compiled=("pillow",),
    debian="armhf",
    packages=(
        *("python3.11", "libstdc++6", "python3-numpy"),
        *("libpython3.11-dev", "libjpeg-dev", "libopenjp2-7-dev", "libtiff-dev"),
        *("libwebp-dev", "zlib1g-dev"),
        "python3-onnx",  # the tests' graphs are made with it
    ),
    cpuinfo=_CORTEX_A7,
    lacking=(*LACKING, "pylibjpeg"),
)

REFERENCE = Box("here", "this x86-64", X86_64, LITERT)
BOXES = (
    REFERENCE,
    Box("tflite", "this x86-64, numpy 1", X86_64_TFLITE, ("tflite-runtime",)),
    Box(
        *("haswell", "Haswell: AVX2, no VNNI", X86_64),
        engines=("litert", "onnxruntime", DEFAULTS),
        cpu=_HASWELL,
    ),
    Box("nehalem", "Nehalem: no AVX", X86_64, ("litert", "onnxruntime"), cpu="Nehalem"),
    Box(
        *("core2", "Core 2: no SSE4.2", X86_64),
        engines=("litert", "onnxruntime"),
        cpu="core2duo",
        refused=True,
    ),
    Box("pi4", "Pi 4: Cortex-A72, 64 bits", ARM64, LITERT, cpu="cortex-a72"),
    Box(
        *("pi5", "Pi 5: Cortex-A76, 64 bits, Debian 13", ARM64_DEBIAN_13, LITERT),
        cpu="cortex-a76",
    ),
    Box("pi2", "Pi 2: Cortex-A7, 32 bits", ARMHF, ("tflite-runtime",), cpu="cortex-a7"),
)
