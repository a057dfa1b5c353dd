"""Which engine runs a graph: `open_engine` in front of four optional ones.

They are tried in the order of `ENGINES`; one that is missing, or that we do not know how to talk
to, is passed over with a reason. Each engine's module offers `load(graph, shape) -> Engine`.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from edge_runtime.engines.contract import EngineUnavailable
from edge_runtime.errors import NoEngine, UsageError
from edge_runtime.graphs import require_sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_runtime.bundle import Bundle
    from edge_runtime.engines.contract import Engine

    Loader = Callable[[str], memoryview | None]
    """From a format to the verified bytes of a graph of that format, if there is one."""


# Engine -> (its module, the format it runs, the extra with it), in the order of preference.
ENGINES: Mapping[str, tuple[str, str, str]] = {
    "litert": ("litert_c", "tflite", "litert"),
    "litert-python": ("litert_python", "tflite", "litert"),
    "tflite-runtime": ("tflite_runtime", "tflite", "tflite"),
    "onnxruntime": ("onnx_runtime", "onnx", "onnx"),
}


MANY = 500
"""Films for each thread from which on the engine is chosen by measurement. Decision 62."""


def open_engine(
    bundle: Bundle,
    choice: str = "auto",
    say: Callable[[str], None] | None = None,
    *,
    before: str = "",
) -> Engine:
    """Return the first engine that runs a graph of `bundle`, or the one named by `choice`.

    `say` gets a line for each engine that is installed but cannot be used. With `auto`, the engine
    called `before` is tried before all others.

    Raises:
        UsageError: no engine is called `choice`.
        NoEngine: none of them can be used; the message has the reason for each.
        NotABundle: the graph is none that an engine should be given.
        IntegrityError: the graph is not the one that was written.
    """
    shape = bundle.manifest.preprocess
    if not any(bundle.manifest.graph(form) for _, form, _ in ENGINES.values()):
        problem = "all its graphs are full-integer, for microcontrollers and the like"
        raise NoEngine(bundle.path, problem, "export it with --int8 as well to run it here")

    def graph(form: str) -> memoryview | None:
        listed = bundle.manifest.graph(form)
        return None if listed is None else bundle.read(listed.file)

    return first_engine(
        graph,
        (1, shape.height, shape.width, shape.channels),
        bundle.path,
        choice,
        say,
        before=before,
    )


def require_sound_graphs(bundle: Bundle) -> None:
    """Refuse a bundle any of whose graphs should not be given to an engine, used here or not.

    Raises:
        NotABundle: one of them should not.
        IntegrityError: a graph is not the one that was written.
    """
    shape = bundle.manifest.preprocess
    pixels = (1, shape.height, shape.width, shape.channels)
    for graph in bundle.manifest.graphs:
        require_sound(graph.format, bundle.read(graph.file), pixels, bundle.path)


def first_engine(
    graph: Loader,
    shape: tuple[int, ...],
    subject: object,
    choice: str = "auto",
    say: Callable[[str], None] | None = None,
    *,
    before: str = "",
) -> Engine:
    """Return the first engine that runs what `graph` gives, for pixels of `shape` (1, h, w, c).

    `choice`, `say` and `before` are those of `open_engine`.

    Raises:
        UsageError: no engine is called `choice`.
        NoEngine: none can be used; the line names `subject` and has each reason.
        NotABundle: the graph is none that an engine should be given.
    """
    reasons, lacking, old = [], dict[str, ModuleNotFoundError](), False
    for name in _order(choice, before):
        _, form, extra = ENGINES[name]
        data = _sound(graph(form), form, shape, subject)
        if data is None:
            reasons.append(f"{name}: there is no {form} graph for it")
            continue
        try:
            engine = _load(name, data, shape)
        except ModuleNotFoundError as error:
            reasons.append(f"{name}: {error.name} is not installed (edge-runtime[{extra}])")
            lacking.setdefault(extra, error)
        # numpy says by a RuntimeError that it was built for newer processors.
        except (EngineUnavailable, ImportError, OSError, RuntimeError) as error:
            old |= isinstance(error, _OldProcessor)
            reasons.append(f"{name}: {error}")
            if say:
                say(f"engine {name} passed over: {error}")
        else:
            return engine
    cure, first = _cure([*lacking], choice, old), next(iter(lacking.values()), None)
    raise NoEngine(subject, f"no engine can run it ({'; '.join(reasons)})", cure) from first


def _order(choice: str, before: str) -> list[str]:
    """Return the engines to try, in order.

    Raises:
        UsageError: no engine is called `choice`.
    """
    if choice not in ("auto", *ENGINES):
        cure = f"one of: auto, {', '.join(ENGINES)}"
        raise UsageError("--engine", f"no engine is called {choice!r}", cure)
    return sorted(ENGINES, key=lambda name: name != before) if choice == "auto" else [choice]


def _sound(
    data: memoryview | None, form: str, shape: tuple[int, ...], subject: object
) -> memoryview | None:
    """Return a graph that may be given to an engine, which believes whatever it says.

    Raises:
        NotABundle: it is none.
    """
    if data is not None:
        require_sound(form, data, shape, subject)
    return data


class _OldProcessor(EngineUnavailable):
    """The engine was built for newer processors, and would end the process on this one."""


def _load(name: str, graph: memoryview, shape: tuple[int, ...]) -> Engine:
    """Return the engine `name` with `graph` loaded, for pixels of `shape` (1, h, w, c).

    Raises:
        EngineUnavailable, ImportError, OSError, RuntimeError: it cannot be used.
    """
    if reason := _would_die(name):
        raise _OldProcessor(reason)
    module, _, _ = ENGINES[name]
    engine: Engine = import_module(f"edge_runtime.engines.{module}").load(graph, shape)
    return engine


def _cure(lacking: list[str], choice: str, old: bool) -> str:
    """Return how to get an engine: by the first extra that is lacking, or by another way."""
    from edge_runtime.cures import doctor, installing

    extras = ["tflite"] if old else lacking
    ways = [installing(extras[0])] if extras else [doctor()]
    ways += ["use a newer machine"] if old else []
    ways += ["leave --engine out"] if choice != "auto" else []
    return ", or ".join(ways)


def _would_die(name: str) -> str:
    """Return why an engine cannot be tried on a processor without SSE4.2, or nothing.

    LiteRT, ONNX Runtime and numpy 2 end the whole process there, by an illegal instruction that no
    `except` catches. tflite-runtime with numpy 1 answers.
    """
    from edge_runtime.engines.processor import lacks_sse4_2  # ctypes, in an engine's thread

    if not lacks_sse4_2():
        return ""
    if name != "tflite-runtime":
        return "needs SSE4.2, which this processor does not have"
    from importlib.metadata import PackageNotFoundError, version

    with suppress(PackageNotFoundError):
        if version("numpy").startswith("1."):
            return ""
    return "needs numpy 1 on this processor, which has no SSE4.2"
