"""Which operators a graph may hold: the runtime's two tables, written from exported graphs.

    python benchmarks/graph_operators.py --make FOLDER   hours: every network in every recipe
    python benchmarks/graph_operators.py FOLDER          the tables, from the graphs in FOLDER

The networks are those of `tests/support`: the zoo, the architectures, and one for each layer of
Keras in `graph_layers.py`. What a table holds already stays in it: what was exported once can be
opened for ever. An operator without a rule in `edge_runtime/graphs` is not written, but named.
"""

# The folders are told before what lies in them is imported.
# ruff: noqa: E402

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "support"), str(HERE)]

from edge_runtime.graphs import onnx as onnx_check
from edge_runtime.graphs import tflite as tflite_check
from edge_runtime.graphs import tflite_tensors
from edge_runtime.graphs.onnx_operators import OPERATORS as ONNX
from edge_runtime.graphs.onnx_rules import RULES as ONNX_RULES
from edge_runtime.graphs.tflite_operators import OPERATORS as TFLITE
from edge_runtime.graphs.tflite_rules import RULES as TFLITE_RULES

ROOM = HERE.parent / "runtime" / "edge_runtime" / "graphs"
_SIDE, _CALIBRATED = 96, 4
# The letter of a field in `FlatBuffer.table` by how flatbuffers writes it.
_FIELDS = {
    "Int8": "b", "Uint8": "b", "Bool": "b", "Int32": "i", "Uint32": "i", "Float32": "f",
    "UOffsetTRelative": "V", "Int64": "q",
}  # fmt: skip
_VECTORS = ("NewShape", "SqueezeDims")  # of numbers; other offsets lead to tables
_COMPARISONS = {"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or"}
_INDICES = {"ArgMax", "ArgMin", "Shape"}


def main() -> None:
    """Make the graphs, or the tables of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--make", action="store_true", help="convert networks into the folder")
    options = parser.parse_args()
    if options.make:
        make(options.folder)
        return
    signatures, kinds = tflite_seen(options.folder)
    (ROOM / "tflite_operators.py").write_text(tflite_table(signatures, kinds), encoding="utf-8")
    (ROOM / "onnx_operators.py").write_text(onnx_table(options.folder), encoding="utf-8")


def make(folder: Path) -> None:
    """Convert every network in every recipe and format, those that were not converted before."""
    from edge_export.quiet import import_tensorflow

    import_tensorflow()
    folder.mkdir(parents=True, exist_ok=True)
    for name, build, input_range, pixels in _networks():
        stem = re.sub(r"[^A-Za-z0-9]+", "-", name)
        mark = folder / f"{stem}.done"
        if not mark.exists():
            mark.write_text("\n".join(_convert(folder / stem, build, input_range, pixels)))
            print(name, flush=True)


def _networks() -> Iterator[tuple[str, Callable[[], Any], Any, Callable[[], Any]]]:
    import numpy as np
    from graph_layers import LAYERS, SIDE, layer_network

    from architectures import ARCHITECTURES, films
    from edge_export.graph.network import InputRange
    from zoo import ZOO, zoo_pixels

    for name, kind in ZOO.items():
        yield f"zoo {name}", kind.build, kind.input_range, partial(zoo_pixels, kind.channels, 6)
    noise = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 1)).astype(np.uint8)
    for name in LAYERS:
        yield f"layer {name}", partial(layer_network, name), InputRange(0.0, 255.0), lambda: noise
    drawn = partial(films, _SIDE, _CALIBRATED)
    for name, one in ARCHITECTURES.items():
        yield f"arch {name}", partial(one.build, _SIDE), one.input_range, drawn


def _convert(stem: Path, build: Any, input_range: Any, pixels: Any) -> list[str]:
    """Write a network's graphs, and return what could not be made."""
    from edge_export.graph.float_graphs import float_graphs
    from edge_export.graph.network import network
    from edge_export.quantize.convert import quantized
    from edge_export.quantize.quantizer import Quantizer
    from edge_export.quantize.recipe import RECIPES, Setting

    missing = []
    try:
        films = pixels()
        graphs = float_graphs(network(build(), input_range), films)
        quantizer = Quantizer(graphs, films)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    for recipe in RECIPES.values():
        for form in recipe.formats:
            try:
                ranges = quantizer.ranges("min_max") if recipe.calibrated else {}
                inside = quantizer._inside() if recipe.calibrated and form == "onnx" else {}
                graph = quantized(graphs, recipe, form, ranges, Setting(), inside=inside)
                Path(f"{stem}.{recipe.stem}.{form}").write_bytes(graph)
            except Exception as error:
                missing.append(f"{recipe.stem}.{form} {type(error).__name__}: {error}")
    return missing


def tflite_seen(folder: Path) -> tuple[dict[int, set[str]], dict[int, int]]:
    """Return the element types of each operator in TFLite graphs, and its kind of options."""
    from ai_edge_litert import schema_py_generated as schema

    signatures = {number: set(kinds.split()) for number, (_, _, kinds) in TFLITE.items()}
    options = {number: kind for number, (_, kind, _) in TFLITE.items()}
    letters = {number: letter for number, (letter, _) in tflite_tensors.ELEMENTS.items()}
    for path in sorted(folder.glob("*.tflite")):
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
        if len(model.subgraphs) > 1:
            print(f"{path.name}: a loop, left out")
            continue
        tensors = model.subgraphs[0].tensors
        for operator in model.subgraphs[0].operators:
            number = model.operatorCodes[operator.opcodeIndex].builtinCode
            read, written = (
                "".join("-" if one < 0 else letters.get(tensors[one].type, "?") for one in side)
                for side in (operator.inputs, operator.outputs)
            )
            if _tflite_name(number) in tflite_check._MANY:
                read, written = tflite_check.squeezed(read), tflite_check.squeezed(written)
            signatures.setdefault(number, set()).add(f"{read}>{written}")
            options[number] = operator.builtinOptionsType or options.get(number, 0)
    return signatures, options


def _tflite_name(number: int) -> str:
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    return str(names[number])


def tflite_table(signatures: dict[int, set[str]], options: dict[int, int]) -> str:
    """Return the module that holds what TFLite graphs may hold."""
    from ai_edge_litert import schema_py_generated as schema

    lines = [
        '"""Operators of TFLite that are exported: benchmarks/graph_operators.py wrote this."""'
    ]
    lines += [
        "# fmt: off",
        "",
        "OPERATORS: dict[int, tuple[str, int, str]] = {",
    ]
    numbers = {0}
    for number in sorted(signatures):
        name = _tflite_name(number)
        if name not in TFLITE_RULES:
            print(f"{name}: no rule, left out")
            continue
        camel = "".join(part.capitalize() for part in name.split("_"))
        kind = options[number] or getattr(schema.BuiltinOptions, f"{camel}Options", 0)
        numbers.add(kind)
        lines.append(
            f'    {number}: ("{name}", {kind}, " {" ".join(sorted(signatures[number]))} "),'
        )
    lines += ["}", '"""Number -> name, kind of options, element types of inputs > outputs."""', ""]
    lines += ["OPTIONS: dict[int, tuple[str, tuple[object, ...]]] = {"]
    for kind in sorted(numbers):
        lines.append(f"    {kind}: {_fields(kind)},")
    lines += [
        "}",
        '"""Kind of options -> letters of its fields, see `FlatBuffer.table`, and defaults."""',
    ]
    return _marked(lines)


def _marked(lines: list[str]) -> str:
    """Return a module that says where its lines are longer than those of others."""
    mark = ["# ruff: noqa: E501"] if any(len(line) > 100 for line in lines) else []
    return "\n".join([lines[0], *mark, *lines[1:]]) + "\n"


def _fields(kind: int) -> str:
    """Return letters and defaults of the fields of a kind of options, as the schema has them."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOptions).items()}
    source = Path(schema.__file__).read_text(encoding="utf-8")
    writer = rf"def {names[kind]}Add(\w+)\(builder, \w+\):\s+"
    writer += r"builder\.Prepend(\w+)Slot\((\d+), .*, (.*)\)"
    found = {
        int(slot): (how, default)
        for name, how, slot, default in re.findall(writer, source)
        if _FIELDS[how] != "V" or name in _VECTORS
    }
    letters, defaults = [], list[object]()
    for slot in range(max(found, default=-1) + 1):
        how, default = found.get(slot, ("", "0"))
        letters.append(_FIELDS.get(how, "-"))
        defaults.append(() if letters[-1] == "V" else int(float(default)))
    return f'("{"".join(letters)}", {tuple(defaults)})'


def onnx_table(folder: Path) -> str:
    """Return the module that holds what ONNX graphs may hold."""
    attributes = {name: dict(known) for name, (known, _) in ONNX.items()}
    kinds = {name: dict(seen) for name, (_, seen) in ONNX.items()}
    for path in sorted(folder.glob("*.onnx")):
        _see_onnx(path, attributes, kinds)
    lines = ['"""Operators of ONNX that are exported: benchmarks/graph_operators.py wrote this."""']
    lines += ["# fmt: off", ""]
    lines += ["OPERATORS: dict[str, tuple[dict[str, int], dict[str, str]]] = {"]
    for name in sorted(kinds):
        if name.rpartition(".")[2] not in ONNX_RULES:
            print(f"{name}: no rule, left out")
            continue
        own, seen = dict(sorted(attributes[name].items())), dict(sorted(kinds[name].items()))
        lines.append(f'    "{name}": ({own}, {seen}),'.replace("'", '"'))
    lines += ["}", '"""Name -> attributes with their types, element types read -> written."""']
    return _marked(lines)


def _see_onnx(path: Path, attributes: dict[str, Any], kinds: dict[str, Any]) -> None:
    """Note what an ONNX graph holds."""
    import onnx

    graph = onnx.load(path).graph
    if any(node.op_type in ("Loop", "If", "Scan") for node in graph.node):
        print(f"{path.name}: a loop, left out")
        return
    letters = {number: letter for number, (letter, _, _) in onnx_check._ELEMENTS.items()}
    known = {tensor.name: letters[tensor.data_type] for tensor in graph.initializer}
    known |= {one.name: letters[one.type.tensor_type.elem_type] for one in graph.input}
    waiting = list(graph.node)
    while waiting:
        node = waiting.pop(0)
        if not all(name in known for name in node.input if name):
            waiting.append(node)
            continue
        read = "".join(known[name] if name else "-" for name in node.input)
        written = _written(node, read, letters)
        known |= dict(zip(node.output, written, strict=True))
        key = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        own = kinds.setdefault(key, {})
        attributes.setdefault(key, {}).update({one.name: one.type for one in node.attribute})
        read = onnx_check.squeezed(node.op_type, read)
        before = own.get(read, "") if node.op_type == "Cast" else ""
        own[read] = "".join(sorted({*before, *written})) if node.op_type == "Cast" else written
        if node.op_type == "Split":
            own[read] = written[:1]


def _written(node: Any, read: str, letters: dict[int, str]) -> str:
    """Return the letters of what a node gives, by the definition of its operator."""
    name = node.op_type
    if name == "Cast":
        return letters[next(one.i for one in node.attribute if one.name == "to")]
    fixed = {"QuantizeLinear": read[2:3], "DequantizeLinear": read[1:2], "Where": read[1:2],
             "DynamicQuantizeLinear": "ufu", "ConvInteger": "i", "MatMulInteger": "i",
             "TopK": f"{read[0]}l", "Split": read[0] * len(node.output)}  # fmt: skip
    if name in fixed:
        return str(fixed[name])
    return "b" if name in _COMPARISONS else "l" if name in _INDICES else read[0]


if __name__ == "__main__":
    main()
