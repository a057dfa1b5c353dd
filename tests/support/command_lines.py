"""What a command line said: its complaints on stderr, its rows on stdout."""

from __future__ import annotations

import json

import pytest

from edge_runtime.commands.classify import NOTICE

Captured = pytest.CaptureFixture[str]


def complaints(captured: Captured) -> list[str]:
    """Return the lines on stderr, the notice apart, which may be there once."""
    lines = captured.readouterr().err.splitlines()
    assert lines.count(NOTICE) <= 1
    assert not any(line.startswith("Traceback") for line in lines)
    return [line for line in lines if line != NOTICE]


def said(capsys: Captured) -> str:
    """Return the one line on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def rows(capsys: Captured) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
