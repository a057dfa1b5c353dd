"""A plug-in of pytest for boxes that cannot have everything: what needs it is skipped, by name.

`EDGE_LACKING` lists the packages and engines that are not to be had. A test that fails because one
of them is not installed is skipped, and says so; so are those of `SPARED`. Any other failure stays
one. `EDGE_EMULATED` is the emulator, if there is one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Generator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import pytest

from edge_runtime.engines.processor import is_x86
from edge_runtime.errors import NoEngine

LACKING = frozenset(os.environ.get("EDGE_LACKING", "").split())
EMULATED = bool(os.environ.get("EDGE_EMULATED"))
# Whether it applies, the reason, and parts of the names of the tests that are not run then.
SPARED: tuple[tuple[bool, str, tuple[str, ...]], ...] = (
    (
        bool(LACKING),
        "it counts on the engines of a workstation",
        (
            "test_the_engines_are_tried_in_the_order_of_the_table",
            "test_an_unknown_litert_falls_through_to_its_python_interpreter_and_says_so",
            "test_a_graph_that_no_engine_takes_is_said_with_each_reason",
            "test_litert_destroys_all_that_it_made_the_last_first",
            "test_without_proc_litert_is_passed_over_before_it_is_loaded",
            "test_all_engines_that_are_installed_are_asked_and_the_others_named",
            "test_a_failure_leaves_its_status_and_a_receipt_that_says_failed",
            "test_where_there_is_no_room_for_another_engine_one_has_to_do",
            "[an engine that is not installed]",
            "test_without_a_bundle_the_default_one_is_opened",
            "test_a_graph_that_answers_no_number_is_a_row_and_never_a_number",
            "test_a_machine_with_engine_and_bundle_leaves_with_0",
            "test_a_process_leaves_with_the_documented_status_and_no_traceback",
            "test_each_part_has_every_baseline_and_a_ratio_to_each",
            "test_a_processor_too_old_is_refused_and_not_killed",
        ),
    ),
    (
        "pylibjpeg" in LACKING,
        "there is no decoder of JPEG-LS and lossless JPEG here",
        ("MR_small_jpeg_ls_lossless", "test_lossless_jpeg_and_jpeg_of_twelve_bits_are_read"),
    ),
    (
        EMULATED or bool(LACKING),
        "the emulator keeps no limit of memory, or the engine that is here is no small one",
        ("test_a_vast_film_is_answered_or_refused_in_the_memory_allowed",),
    ),
    (
        EMULATED and sys.maxsize < 2**32,
        "the emulator shows more memory than 32 bits can count",
        ("test_memory_that_is_available_is_part_of_all",),
    ),
    (
        EMULATED and is_x86(),
        "it starts an emulator itself, or reads of the processor what is its host's",
        (
            "test_a_processor_too_old_is_refused_and_not_killed",
            "test_an_emulated_processor_is_not_taken_for_its_host",
            "test_cpuid_gives_all_four_registers_back",
            "test_the_processor_says_what_linux_says_of_it",
        ),
    ),
    (
        EMULATED and sys.version_info >= (3, 13),
        "this Python starts processes by posix_spawn, of which the emulator tells no failure",
        ("test_what_cannot_be_started_says_why",),
    ),
    (
        sys.maxsize < 2**32,
        "time ends in 2038 here",
        ("test_files_may_be_of_any_date[2106]",),
    ),
)
_MODULE = re.compile(r"No module named '(\w+)")
_ENGINE = re.compile(r"([\w-]+): \S+ is not installed")


def import_tiny_graphs() -> None:
    """Let the tests make graphs by the one pure module of LiteRT, where the rest is not to be had.

    It is there for as long as they import it, so that nobody takes it for LiteRT.
    """
    if find_spec("ai_edge_litert") is None:
        schema = "schema_py_generated"
        package = ModuleType("ai_edge_litert")
        setattr(package, schema, import_module(schema))
        sys.modules[package.__name__] = package
        import_module("tiny_graphs")
        del sys.modules[package.__name__]


import_tiny_graphs()  # the tests' conftest, which imports them too, is read before any hook


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of `SPARED`."""
    for applies, reason, names in SPARED:
        for item in items if applies else ():
            if any(name in item.nodeid for name in names):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip a test that failed for want of what is not to be had."""
    report = yield
    if report.failed and call.excinfo and (missing := _missing(call.excinfo.value)):
        path, line, _ = item.location
        _skip(report, path, (line or 0) + 1, missing)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip a module that cannot be imported for want of what is not to be had."""
    report = yield
    found = _MODULE.search(str(report.longrepr)) if report.failed else None
    if found and found[1] in LACKING:
        _skip(report, collector.nodeid, 1, found[1])
    return report


def _missing(error: BaseException) -> str | None:
    """Return what `error` says is not installed, if it is not to be had."""
    if isinstance(error, ModuleNotFoundError):
        names = {(error.name or str(error)).partition(".")[0]}
    elif isinstance(error, NoEngine):
        names = set(_ENGINE.findall(str(error)))
    else:
        return None
    return min(names & LACKING, default=None)


def _skip(
    report: pytest.TestReport | pytest.CollectReport, path: str, line: int, missing: str
) -> None:
    report.outcome = "skipped"
    report.longrepr = (path, line, f"Skipped: {missing} is not to be had here")
