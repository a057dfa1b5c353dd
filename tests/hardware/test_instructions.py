"""The command says what it cannot use, and keeps the first inference of a process out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hardware.counting import Counted
from hardware.instructions import MISSING, USAGE, Plan, drawn, main, steps
from hardware.run import Broken
from tiny_bundle import write_tiny_bundle

PLAN = Plan([], Path("film.png"), inferences=2, rounds=3, cache=Path("cache"))


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["instructions", *map(str, arguments)])
    return main()


def test_the_first_inference_prepares_kernels_and_is_left_out() -> None:
    assert steps(Counted(1000, (0, 500, 600, 701)), PLAN) == (100, 101)


def test_another_number_of_inferences_is_an_error() -> None:
    with pytest.raises(Broken, match="2 inferences were counted of 3"):
        steps(Counted(1000, (0, 500, 600)), PLAN)


def test_the_drawn_film_is_the_same_at_every_call(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert drawn(tmp_path).read_bytes() == drawn(tmp_path / "b").read_bytes()


def test_an_unknown_box_is_a_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, "--boxes", "pi9") == USAGE
    assert "no emulated box is called pi9; choose from haswell" in capsys.readouterr().err


def test_what_is_no_bundle_is_a_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, tmp_path / "none.edge") == USAGE
    assert "does not exist" in capsys.readouterr().err


def test_a_box_without_its_emulator_is_not_counted_and_status_3(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_tiny_bundle(tmp_path / "tiny.edge")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert called(monkeypatch, bundle, "--boxes", "pi4", "--cache", tmp_path) == MISSING
    assert "NOT COUNTED: Pi 4: Cortex-A72, 64 bits: " in capsys.readouterr().out
