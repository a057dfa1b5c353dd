"""The examples for clinics run commands that exist, with options that these commands take."""

from __future__ import annotations

import re
import shlex
from configparser import RawConfigParser
from pathlib import Path

import pytest

from edge_runtime.cli import _parsed
from edge_runtime.commands import audit, receipt, watch

CLINIC = Path(__file__).resolve().parent.parent / "examples" / "clinic"


class Unit(RawConfigParser):
    """A unit of systemd, whose names have capitals."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def service_of(name: str) -> dict[str, str]:
    unit = Unit(strict=False, interpolation=None)  # a filter of system calls may stand twice
    unit.read(CLINIC / name, "utf-8")
    return dict(unit["Service"])


@pytest.fixture
def service() -> dict[str, str]:
    return service_of("edge-run-tray.service")


def test_the_unit_watches_a_tray_with_an_audit_trail(service: dict[str, str]) -> None:
    program, command, *words = shlex.split(service["ExecStart"])
    assert program.endswith("/edge-run") and command == "watch"
    paths, options = _parsed("watch", words, watch.OPTIONS)
    assert paths == [service["ReadWritePaths"]] and set(options) == {"bundle", "audit"}
    assert options["audit"].startswith(f"/var/lib/{service['StateDirectory']}/")


def test_the_unit_goes_on_after_a_full_disk_and_ends_its_watcher_first(
    service: dict[str, str],
) -> None:
    assert service["Restart"] == "on-failure"
    assert "10" not in service["RestartPreventExitStatus"].split()
    assert service["SuccessExitStatus"] == "143"
    assert service["KillMode"] == "mixed"  # or its readers would be ended over films


@pytest.mark.parametrize(
    "name",
    ["NoNewPrivileges", "PrivateNetwork", "PrivateTmp", "PrivateDevices", "LockPersonality"],
)
def test_the_unit_has_few_rights(name: str, service: dict[str, str]) -> None:
    assert service[name] == "yes" and service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""


def test_the_unit_of_receipts_is_for_the_trail_and_the_bundle_of_the_tray(
    service: dict[str, str],
) -> None:
    own = service_of("edge-run-receipt.service")
    program, command, *words = shlex.split(own["ExecStart"])
    assert program.endswith("/edge-run") and command == "receipt"
    paths, options = _parsed("receipt", words, receipt.OPTIONS)
    assert options["out"] == own["ReadWritePaths"]
    _, tray = _parsed("watch", shlex.split(service["ExecStart"])[2:], watch.OPTIONS)
    assert paths == [tray["audit"]] and options["bundle"] == tray["bundle"]
    # Where the box's key is made: a place that the unit may write.
    assert own["Environment"] == f"XDG_DATA_HOME=/var/lib/{own['StateDirectory']}"
    assert own["User"] == service["User"] and own["ProtectSystem"] == "strict"


def test_the_recipe_for_windows_names_options_that_exist() -> None:
    text = (CLINIC / "windows-tray.md").read_text("utf-8")
    known = {f"--{name.rstrip('=')}" for name in (*watch.OPTIONS, *audit.OPTIONS, "add")}
    assert set(re.findall(r"--[a-z-]+", text)) <= known
