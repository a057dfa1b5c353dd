"""Help is on stdout, names every command and option, and fits a terminal."""

from __future__ import annotations

from importlib import import_module

import pytest

from command_lines import Captured, complaints
from edge_runtime import cli
from edge_runtime.cli import USAGE, run

pytestmark = pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_commands_on_stdout(arguments: list[str], capsys: Captured) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr() == (USAGE, "")
    assert all(f"\n  {command} " in USAGE for command in cli.COMMANDS)
    assert all(f"{status} " in USAGE for status in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10))


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_command_has_a_help_of_its_own(command: str, capsys: Captured) -> None:
    module = import_module(cli.module_of(command))
    for option in ("--help", "-h"):
        assert run([command, option, "whatever"]) == 0
        assert capsys.readouterr() == (module.USAGE, "")
    assert module.USAGE.startswith(f"usage: edge-run {command}")
    assert all(f"--{option.rstrip('=')}" in module.USAGE for option in module.OPTIONS)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_of_a_command_is_that_commands_help(command: str, capsys: Captured) -> None:
    usage = import_module(cli.module_of(command)).USAGE
    for line in (["help", command], ["--help", command], ["help", "-h", command, "more"]):
        assert run(line) == 0
        assert capsys.readouterr() == (usage, "")
    for line in (["help"], ["--help"], ["-h"], ["help", "help"], ["help", "--help"]):
        assert run(line) == 0
        assert capsys.readouterr() == (USAGE, "")
    assert run(["help", "clasify"]) == 2
    (complaint,) = complaints(capsys)
    assert "no command is called 'clasify'; one of: classify," in complaint


@pytest.mark.parametrize("text", [USAGE, *(import_module(cli.module_of(command)).USAGE
                                           for command in cli.COMMANDS)])  # fmt: skip
def test_help_fits_a_terminal(text: str) -> None:
    assert all(len(line) <= 80 for line in text.splitlines())
    assert len(text.splitlines()) <= 30
    assert text.endswith("\n")
