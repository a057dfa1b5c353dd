"""A process that reads films is held to its limits, and a stricter one of the user stays."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from edge_runtime.film.preprocess import standard
from edge_runtime.isolation.limits import Limits, allow
from tiny_bundle import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")


def told(script: str) -> str:
    """Return what a fresh process prints that runs `script`."""
    script = f"import resource\nfrom edge_runtime.isolation.limits import *\n{script}"
    found = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.strip()


def test_memory_files_and_dumps_are_limited_for_good() -> None:
    script = (
        "print(confine(Limits(memory=1 << 30)))\n"
        "for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):\n"
        "    print(resource.getrlimit(kind))"
    )
    assert told(script).splitlines() == ["True", f"({1 << 30}, {1 << 30})", "(0, 0)", "(0, 0)"]


def test_a_stricter_limit_of_the_user_stays_and_is_told_of() -> None:
    script = (
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))\n"
        "print(confine(Limits(memory=1 << 30)), resource.getrlimit(resource.RLIMIT_AS))"
    )
    assert told(script) == f"False ({1 << 29}, {1 << 29})"


def test_each_film_has_seconds_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    used = SimpleNamespace(ru_utime=3.2, ru_stime=0.5)
    allowed: list[tuple[float, float]] = []
    monkeypatch.setattr(resource, "getrusage", lambda _: used)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, 40))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: allowed.append(both))
    allow(30)
    used.ru_utime = 8.2
    allow(30)
    allow(60)  # the user's own limit is stricter
    assert allowed == [(34, 40), (39, 40)]


def test_limits_are_the_same_after_they_were_sent() -> None:
    limits = Limits(memory=5, processor=6, clock=7)
    assert Limits.from_json(limits.to_json()).to_json() == limits.to_json()


def test_a_larger_input_of_the_graph_has_more_memory() -> None:
    small, large = (Limits.of(standard(side, side)) for side in (224, 4096))
    assert large.memory - small.memory == 64 * (4096**2 - 224**2)
    assert 0 <= small.memory - Limits().memory < 4 << 20
    assert (large.processor, large.clock) == (Limits().processor, Limits().clock)
