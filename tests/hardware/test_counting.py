"""What the plug-in writes is read back, and what an emulated process executes is counted."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from hardware.boxes import BOXES, X86_64, Box
from hardware.build import Built
from hardware.commands import NotHad
from hardware.counting import COMPILER, Counted, count, counted_box, parsed, plugin
from hardware.marked import MARK, mark, repeated
from hardware.run import Broken

HASWELL = counted_box(next(box for box in BOXES if box.name == "haswell"))
TRUE = "/bin/true"


def test_a_line_is_a_process_and_its_marks_are_steps() -> None:
    counts = parsed("70\n1000 10 30 60\n")
    assert counts == Counted(1070, (10, 30, 60))
    assert counts.steps == (20, 30)


def test_a_process_without_marks_has_no_steps() -> None:
    assert parsed("70\n") == Counted(70, ())
    assert parsed("70\n").steps == ()


@pytest.mark.parametrize("text", ["", "ten\n", "70 \n", "70 -1\n", "70\n\n80\n", "1 2\n3 4\n"])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Broken):
        parsed(text)


def test_there_is_a_mark_before_each_inference_and_after_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []

    class Engine:
        name = "none"

        def logits(self, pixels: bytes) -> tuple[float, ...]:
            said.append(f"inference of {pixels!r}")
            return (1.0,)

        def close(self) -> None:
            return None

    monkeypatch.setattr("hardware.marked.mark", lambda: said.append("mark"))
    assert repeated(Engine(), b"p", 2) == (1.0,)
    assert said == ["mark", "inference of b'p'", "mark", "inference of b'p'", "mark"]


def test_a_mark_without_an_emulator_does_nothing() -> None:
    with Path(os.devnull).open("rb") as file:
        mark()
        assert file.read() == b""


def test_the_counted_box_has_an_emulator_that_takes_plug_ins() -> None:
    assert HASWELL.emulator == "qemu-x86_64"
    assert HASWELL.name == "haswell-counted"
    assert HASWELL.system is X86_64


def test_an_emulator_that_takes_no_plug_ins_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, said in ((COMPILER, ""), (HASWELL.emulator, "version 10.0 (static)")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {shlex.quote(said)}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotHad, match=r"qemu-x86_64 10.0 \(static\) takes no plug-ins"):
        plugin(HASWELL, tmp_path)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Return the compiled plug-in."""
    if platform.machine() != "x86_64":
        pytest.skip("this machine runs no programs of x86-64")
    for program, package in ((HASWELL.emulator, "qemu-user"), (COMPILER, "gcc")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: apt install {package}")
    try:
        return plugin(HASWELL, tmp_path)
    except NotHad as reason:
        pytest.skip(str(reason))


def box_of(program: str, folder: Path, box: Box = HASWELL) -> Built:
    """Return a box whose Python is another program, which is soon emulated."""
    script = folder / "program"
    script.write_text(f'#!/bin/sh\nexec {box.emulator} -cpu Haswell {program} "$@"\n')
    script.chmod(0o755)
    return Built(box, script, lambda: folder)


def test_the_same_process_executes_the_same_number_of_instructions(
    library: Path, tmp_path: Path
) -> None:
    built = box_of(TRUE, tmp_path)
    first, second = (count(built, library, []) for _ in range(2))
    assert first.total > 10_000
    assert first.marks == ()
    assert abs(first.total - second.total) < first.total // 100


def test_a_loop_costs_its_instructions_between_two_marks(library: Path, tmp_path: Path) -> None:
    source, program = tmp_path / "loop.c", tmp_path / "loop"
    source.write_text(
        "#include <unistd.h>\nint main(void) {\n"
        f"  for (int lap = 0; lap < 3; lap++) {{ close({MARK});\n"
        "    for (volatile int i = 0; i < 1000000; i++) ; }\n  return 0;\n}\n"
    )
    subprocess.run([COMPILER, "-O1", source, "-o", program], check=True)
    counts = count(box_of(str(program), tmp_path), library, [])
    first, second = counts.steps
    assert 3_000_000 <= first <= 8_000_000
    assert abs(first - second) < 1000  # the first call of `close` is linked there and then
    assert counts.total > counts.marks[-1]


def test_a_process_that_fails_is_broken(library: Path, tmp_path: Path) -> None:
    built = box_of("/bin/false", tmp_path)
    with pytest.raises(Broken, match="status 1"):
        count(built, library, [])
    assert count(built, library, [], allowed=1).total > 0
