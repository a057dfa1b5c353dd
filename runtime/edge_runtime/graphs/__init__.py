"""What a graph may hold: checked before any engine reads it, since engines believe all it says."""

from __future__ import annotations

from edge_runtime.errors import NotABundle
from edge_runtime.graphs.limits import GraphFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.graphs.limits import Shape

__all__ = ["GraphFault", "require_sound"]


def require_sound(form: str, data: memoryview, pixels: Shape, subject: object) -> None:
    """Refuse a graph that an engine should not be given; `pixels` is the shape (1, h, w, c).

    Raises:
        NotABundle: it is damaged, hostile, or holds what `edge-kit export` does not write; the line
            names `subject`.
    """
    from importlib import import_module

    try:
        import_module(f"edge_runtime.graphs.{form}").require_sound(data, pixels)
    except (GraphFault, ArithmeticError, LookupError, ValueError) as fault:
        # A rule that has to divide or to unpack what a graph says need not ask whether it can.
        problem = f"its {form} graph cannot be trusted ({fault})"
        raise NotABundle(subject, problem, "get the bundle again, or a newer edge-run") from fault
