"""tflite-runtime: for 32-bit ARM and old machines, where LiteRT has no wheel."""

from __future__ import annotations

from edge_runtime.engines.interpreter import Interpreter


def load(graph: memoryview, pixels: tuple[int, ...]) -> Interpreter:
    """Return `graph` in tflite-runtime's interpreter.

    Raises:
        ModuleNotFoundError: tflite-runtime or numpy is not installed.
        EngineUnavailable: it does not take the graph.
    """
    from tflite_runtime import interpreter

    return Interpreter("tflite-runtime", interpreter.Interpreter, graph, pixels)
