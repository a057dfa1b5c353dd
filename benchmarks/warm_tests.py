"""Tests in forks of a process that has loaded them: a hundred times as fast as starting pytest.

Each run is a fork of its own. Where a change is one of the code of functions, that is exchanged in
the fork, and the tests that call the function are run; else the module is loaded from the changed
text, in a fork that has nothing of ours yet, and all tests are. Tests that start our command as a
process of its own see the module on the disk: they find no change, and are no evidence here.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import pytest
from code_swaps import differences, exchange
from forks import Fork
from kept_results import KeptResults

SAME, ANEW = "it is the same code", "to be loaded anew"
"""What came of a change that is none, and of one that is not of functions alone."""

_WORDS = ("-x", "-q", "-s", "-p", "no:cacheprovider")
_OURS = ("edge_runtime", "edge_export", "edge_kit")


class _InMemory(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module from a text."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of that module alone."""
        del path, target
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave making the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the text."""
        exec(self._code, module.__dict__)  # noqa: S102  # as every import does


class _Watch:
    """A plugin that keeps the first failure and the seconds of each test; these order the tests."""

    def __init__(self, order: dict[str, float]) -> None:
        self._order = order
        self.failed = ""
        self.seconds: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Begin with what is most likely to fail soon."""
        items.sort(key=lambda item: self._order.get(item.nodeid, 0.0))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep that a file of tests could not be loaded."""
        if report.failed:
            self.failed = self.failed or f"loading {report.nodeid}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the time, and the first failure."""
        spent = self.seconds.get(report.nodeid, 0.0)
        self.seconds[report.nodeid] = spent + report.duration
        if report.failed:
            self.failed = self.failed or report.nodeid


class _Server:
    """A plugin that runs the tests once for each text of a module, in forks, instead of once."""

    def __init__(self, tests: WarmTests, name: str, path: Path, texts: Sequence[str]) -> None:
        self._tests, self._name, self._path, self._texts = tests, name, path, texts
        self._code = _compiled(path.read_text(encoding="utf-8"), path)
        self._called: set[str] = set()
        self._by_test: dict[str, list[str]] = {}
        self.results: list[str] = []

    def __enter__(self) -> _Server:
        self._profile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        self._profile(None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try each text with all that is loaded and collected by now."""
        self._profile(None)
        loaded = frozenset(self._called)
        with Fork(self._tests.limits) as fork:
            if fork.is_child:
                fork.end(lambda: {"calls": self._calls(session, fork.folder)})
            self._by_test = fork.result()["calls"]
        for text in self._texts:
            failed = self._tried(session, text, loaded)
            if failed != ANEW:
                self._tests.kept.keep(text, failed)
            self.results.append(failed)
        return True

    def _tried(self, session: pytest.Session, text: str, loaded: frozenset[str]) -> str:
        after = _compiled(text, self._path)
        if after is None or self._code is None:
            return "it is no Python"
        changes = differences(self._code, after)
        if changes is None or changes.keys() & loaded:
            return ANEW
        if not changes:
            return SAME
        items = [item for item in session.items
                 if changes.keys() & set(self._by_test.get(item.nodeid, ()))]  # fmt: skip
        items.sort(key=lambda item: self._tests.rank(item.nodeid))
        with Fork(self._tests.limits) as fork:
            if fork.is_child:
                fork.end(lambda: {"failed": self._failure(session, items, changes, fork.folder)})
            failed = fork.failure() or str(fork.result()["failed"])
        self._tests.count(failed)
        return failed

    def _failure(
        self,
        session: pytest.Session,
        items: list[pytest.Item],
        changes: dict[str, CodeType],
        folder: Path,
    ) -> str:
        """Return the first of the tests that fails with other code, in a fork."""
        if not exchange(sys.modules[self._name], changes):
            return ANEW
        watch = _Watch({})
        session.config.pluginmanager.register(watch)
        _write_below(session, folder)
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if watch.failed:
                break
        return watch.failed

    def _calls(self, session: pytest.Session, folder: Path) -> dict[str, list[str]]:
        """Return which functions of the module each test calls, in a fork."""
        _write_below(session, folder)
        calls = {}
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            self._called.clear()
            self._profile(self._seen)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self._profile(None)
            calls[item.nodeid] = sorted(self._called)
        return calls

    def _seen(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename == str(self._path):
            self._called.add(code.co_qualname.partition(".<locals>")[0])

    @staticmethod
    def _profile(seen: Callable[[FrameType, str, object], None] | None) -> None:
        sys.setprofile(seen)
        threading.setprofile(seen)


class WarmTests:
    """Files of tests that are run many times, each time with another change in their way."""

    def __init__(self, files: Sequence[str], kept: Path, sources: Iterable[Path]) -> None:
        """Run the tests twice as they are; they have to pass.

        What comes of changes is kept in the folder `kept`, so that a run goes on where it ended,
        as long as `sources`, files and folders, are the same.
        """
        places = [Path(file).resolve() for file in files]  # forks run elsewhere
        self.kept = KeptResults(kept.resolve(), [*sources, *places])
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        self._asked = [f"--rootdir={Path.cwd()}", *map(str, places)]
        self._kills = dict[str, int]()
        self._seconds: dict[str, float] = {}
        self.limits = (600.0, 300)
        for _ in range(2):
            began = time.monotonic()
            passed = self._run_anew(None)
            if passed["failed"]:
                raise SystemExit(f"fails without any change: {passed['failed']}")
            _load(passed["loaded"])
            self._seconds, self.whole = passed["seconds"], time.monotonic() - began
        self.limits = (30 + 5 * self.whole, 5 + int(3 * passed["processor"]))

    def failures(self, name: str, path: Path, texts: Sequence[str]) -> list[str]:
        """Return for each text of a module the first test that fails with it, or nothing."""
        new = [text for text in texts if text not in self.kept]
        if new:
            with Fork((1e9, 1 << 30)) as fork:
                if fork.is_child:
                    fork.end(lambda: {"results": self._served(name, path, new)})
                results: list[str] = fork.result()["results"]
            self.kept.read()  # what the fork has kept
            for text, failed in zip(new, results, strict=True):
                if failed == ANEW:
                    self._try_anew(name, path, text)
        return [self.kept.failure(text) for text in texts]

    def _try_anew(self, name: str, path: Path, text: str) -> None:
        code = _compiled(text, path)
        finder = _InMemory(name, path, code) if code else None
        failed = str(self._run_anew(finder)["failed"])
        self.count(failed)
        self.kept.keep(text, failed)

    def rank(self, test: str) -> float:
        """Return where a test stands: first who found many changes for the time that it takes."""
        return (0.001 + self._seconds.get(test, 0.0)) / (1 + 50 * self._kills.get(test, 0))

    def count(self, failed: str) -> None:
        """Remember what found a change."""
        self._kills[failed] = self._kills.get(failed, 0) + 1

    def _served(self, name: str, path: Path, texts: Sequence[str]) -> list[str]:
        with _Server(self, name, path, texts) as server:
            pytest.main([*_WORDS, *self._asked], [server])
        return server.results

    def _run_anew(self, finder: _InMemory | None) -> dict[str, Any]:
        with Fork(self.limits) as fork:
            if fork.is_child:
                fork.end(lambda: self._whole_run(finder, fork.folder))
            failed = fork.failure()
            return {"failed": failed} if failed else fork.result()

    def _whole_run(self, finder: _InMemory | None, folder: Path) -> dict[str, Any]:
        """Run all tests, in a fork."""
        if finder:
            sys.meta_path.insert(0, finder)
        watch = _Watch({name: self.rank(name) for name in self._seconds})
        quiet = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
        words = [*_WORDS, *quiet, f"--basetemp={folder / 'tmp'}", *self._asked]
        status = pytest.main(words, [watch])
        failed = watch.failed or (f"pytest ends with {int(status)}" if status else "")
        return {"failed": failed, "seconds": watch.seconds, "processor": time.process_time(),
                "loaded": [] if finder else list(sys.modules)}  # fmt: skip


def _write_below(session: pytest.Session, folder: Path) -> None:
    """Let the tests of a fork write into its own folder: pytest has no public way to say so."""
    session.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]


def _compiled(text: str, path: Path) -> CodeType | None:
    try:
        return compile(text, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None


def _load(names: Iterable[str]) -> None:
    """Import the modules of others, so that each fork has them."""
    for name in sorted(names):
        if name.partition(".")[0] in _OURS or name in sys.modules or not _is_foreign(name):
            continue
        with suppress(ImportError):
            importlib.import_module(name)


def _is_foreign(name: str) -> bool:
    """Tell whether a module is installed, or Python's own: what is tested is neither."""
    with suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin) if spec and spec.origin else Path("missing")
        return "site-packages" in origin.parts or Path(sys.base_prefix) in origin.parents
    return False
