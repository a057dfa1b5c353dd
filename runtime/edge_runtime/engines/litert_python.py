"""LiteRT through its Python interpreter: for versions whose C API we do not know."""

from __future__ import annotations

from edge_runtime.engines.interpreter import Interpreter


def load(graph: memoryview, pixels: tuple[int, ...]) -> Interpreter:
    """Return `graph` in LiteRT's interpreter.

    Raises:
        ModuleNotFoundError: LiteRT or numpy is not installed.
        EngineUnavailable: it does not take the graph.
    """
    from ai_edge_litert import interpreter

    return Interpreter("litert-python", interpreter.Interpreter, graph, pixels)
