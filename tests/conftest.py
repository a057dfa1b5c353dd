"""`--x64quantprecision=on|off`: let ONNX Runtime open graphs as another processor would.

The engine sets `session.x64quantprecision` on x86 without VNNI, so that a suite green on one
processor may fail on another. With the option, every test of this process runs as on a processor
that needs it, or as on one that does not, whichever is here. `off` tells little on a processor
without VNNI: its int8 sums saturate.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge_runtime.engines import onnx_runtime

FORCED = {"on": True, "off": False}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--x64quantprecision",
        choices=("auto", *FORCED),
        default="auto",
        help="whether ONNX Runtime adds int8 products exactly; auto as the processor needs it",
    )


def pytest_report_header(config: pytest.Config) -> str:
    chosen = config.getoption("--x64quantprecision")
    needed = "needs it" if onnx_runtime.may_saturate() else "does not need it"
    return f"x64quantprecision: {chosen}; this processor {needed}"


@pytest.fixture(scope="session", autouse=True)
def x64quantprecision(pytestconfig: pytest.Config) -> Iterator[None]:
    chosen = pytestconfig.getoption("--x64quantprecision")
    with pytest.MonkeyPatch.context() as patch:
        if chosen in FORCED:
            patch.setattr(onnx_runtime, "may_saturate", lambda: FORCED[chosen])
        yield
