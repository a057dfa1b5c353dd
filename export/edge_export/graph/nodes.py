"""How many nodes a graph has."""

from __future__ import annotations


def node_counts(graph: bytes, form: str) -> int:
    """Return the number of operations that an engine carries out to run `graph`, for the report."""
    if form == "onnx":
        import onnx

        return len(onnx.load_model_from_string(graph).graph.node)
    from ai_edge_litert import schema_py_generated as schema

    subgraph = schema.Model.GetRootAs(graph).Subgraphs(0)
    return int(subgraph.OperatorsLength())
