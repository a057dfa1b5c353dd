"""Whether `edge-run` takes a graph, asked of each graph as soon as it is made."""

from __future__ import annotations

from edge_export.graph.trace import operators
from edge_runtime.bundle.archive import LARGEST_MEMBER
from edge_runtime.errors import DataError, NotABundle
from edge_runtime.graphs import GraphFault, require_sound
from edge_runtime.graphs.limits import MOST_WEIGHTS

_CURE = "replace that layer, or choose another recipe"
_UNROLL = "replace that layer, or give unroll=True to a recurrent one"


def require_taken(file: str, form: str, graph: bytes, shape: tuple[int, ...]) -> None:
    """Refuse a graph that the runtime would not give to an engine, for `shape` pixels (1, h, w, c).

    Raises:
        DataError: it would not; the line names `file`, the operator, and what it computes.
    """
    try:
        require_sound(form, memoryview(graph), shape, file)
    except NotABundle as error:
        fault = error.__cause__
        place = fault.place if isinstance(fault, GraphFault) else None
        where = "" if form != "tflite" or place is None else _computed(graph, place)
        problem = f"edge-run would not take it ({fault}{where})"
        raise DataError(
            file, problem, _UNROLL if "loop" in str(fault).lower() else _CURE
        ) from error


def require_fits(file: str, graph: bytes) -> None:
    """Refuse a graph that is larger than a file of a bundle may be.

    Raises:
        DataError: it is; the line names `file` and both sizes.
    """
    if len(graph) > LARGEST_MEMBER:
        most = LARGEST_MEMBER >> 20
        problem = f"has {len(graph) / 2**20:.0f} MiB, a file of a bundle has {most} at most"
        raise DataError(file, problem, "order --int8 alone, or train a smaller network")


def require_weights_fit(file: str, float_graph: bytes) -> None:
    """Refuse a network of which the int8 weights would be more than `edge-run` takes, as float.

    Raises:
        DataError: they would; the line names `file`, the int8 graph, and both sizes.
    """
    if len(float_graph) > MOST_WEIGHTS:
        most = MOST_WEIGHTS >> 20
        problem = f"would hold {len(float_graph) / 2**20:.0f} MiB of float weights, {most} at most"
        raise DataError(file, problem, "train a smaller network")


def _computed(graph: bytes, place: int) -> str:
    """Return which tensor the operator at a place of a TFLite graph computes, by name."""
    names = operators(graph)[place].outputs
    return f", which computes {names[0]}" if names else ""
