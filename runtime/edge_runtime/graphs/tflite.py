"""A TFLite graph as `edge-kit export` writes it, checked before an engine reads it.

What is verified: every table, vector and string an engine follows; that there is one subgraph;
that tensors, buffers and operators name what is there; that constants are as long as their shapes
say; that each tensor is written once, before it is read; each operator's element types, options and
shapes (`tflite_rules`); memory and multiplications in all. The schema is that of TFLite, version 3.
"""

from __future__ import annotations

from edge_runtime.graphs.flatbuffer import FlatBuffer
from edge_runtime.graphs.limits import (
    MOST_INPUTS,
    MOST_MEMORY,
    MOST_TENSORS,
    MOST_WORK,
    GraphFault,
    Shape,
    refuse_unless,
)
from edge_runtime.graphs.tflite_operators import OPERATORS, OPTIONS
from edge_runtime.graphs.tflite_rules import RULES
from edge_runtime.graphs.tflite_tensors import GraphTensor, read_buffers, read_tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def require_sound(data: memoryview, pixels: Shape) -> None:
    """Refuse a graph that is none `edge-kit export` would write for uint8 `pixels` (1, h, w, c).

    Raises:
        GraphFault: it is not; the message says why.
    """
    refuse_unless(len(data) >= 64 and bytes(data[4:8]) == b"TFL3", "it does not begin like one")
    flat = FlatBuffer(data)
    root = flat.words[0]
    refuse_unless(0 < root <= flat.size - 4 and not root & 3, "it has no beginning")
    version, codes, graphs, text, buffers, _, metadata, signatures, *_ = _fields(
        flat, root, "iVVVV-VV--"
    )
    refuse_unless(version and flat.words[version >> 2] == 3, "it is of another version than 3")
    refuse_unless(codes and graphs and buffers, "it has no operators, no graph or no buffers")
    if text:
        flat.text(text)
    held = read_buffers(flat, buffers)
    if metadata:
        _metadata(flat, metadata, len(held))
    known = [_code(flat, place) for place in flat.tables(codes, 256)]
    (graph,) = _one(flat.tables(graphs, 256))
    _graph(flat, graph, (held, known), (pixels, signatures))


def _graph(
    flat: FlatBuffer, graph: int, parts: tuple[list[tuple[int, int]], list[int]],
    ends: tuple[Shape, int],
) -> None:  # fmt: skip
    """Follow the one graph with the model's buffers and operators, its pixels and signatures."""
    (held, known), (pixels, signatures) = parts, ends
    tensors, inputs, outputs, operators, name, _ = _fields(flat, graph, "VVVVVi")
    refuse_unless(tensors and inputs and outputs and operators, "its graph lacks a part")
    if name:
        flat.text(name)
    everything = [read_tensor(flat, place, held) for place in flat.tables(tensors, MOST_TENSORS)]
    taken, returned = flat.numbers(inputs, 2), flat.numbers(outputs, 2)
    _ends(everything, taken, returned, pixels)
    if signatures:
        _signature(flat, signatures, taken, returned)
    run = _Run(everything, taken)
    for position, place in enumerate(flat.tables(operators, MOST_TENSORS)):
        label = ""
        try:
            label, inside, outside, options = _operator(flat, place, known, len(everything))
            run.operator(label, inside, outside, options)
        except GraphFault as fault:
            told = GraphFault(f"operator {position}{label and ' ' + label}: {fault}")
            told.place = position
            raise told from None
    run.end(returned)


def _one(places: list[int]) -> list[int]:
    refuse_unless(len(places) == 1, f"it has {len(places)} graphs, as a loop has, and not one")
    return places


def _fields(flat: FlatBuffer, place: int, fields: str) -> list[int]:
    """Return the place of each field of a table, 0 for what is left out."""
    return [at and place + at for at in flat.table(place, fields)[:-1]]


def _metadata(flat: FlatBuffer, place: int, buffers: int) -> None:
    for at in flat.tables(place, 64):
        name, buffer, _ = flat.table(at, "Vi")
        if name:
            flat.text(at + name)
        number = flat.words[at + buffer >> 2] if buffer else 0
        refuse_unless(0 <= number < buffers, "its metadata name a buffer that is not there")


def _code(flat: FlatBuffer, place: int) -> int:
    """Return the number of the operator that an operator code stands for."""
    old, custom, version, new, _ = flat.table(place, "bVii")
    refuse_unless(not custom, "it has an operator of somebody's own")
    number = flat.data[place + old] if old else 0
    newer = flat.words[place + new >> 2] if new else 0
    refuse_unless(not version or 0 < flat.words[place + version >> 2] < 32, "an operator's version")
    # Numbers below 127 stand in both, or in the old place alone.
    refuse_unless(newer in (0, number) or number in (0, 127), "an operator of two kinds")
    return max(number, newer)


def _ends(tensors: list[GraphTensor], taken: list[int], returned: list[int], pixels: Shape) -> None:
    """Refuse a graph that does not take the pixels; that it gives logits, each engine asks."""
    refuse_unless(len(taken) == 1 and 1 <= len(returned) <= 2, "its inputs or outputs are too many")
    ends = [*taken, *returned]
    refuse_unless(min(ends) >= 0 and max(ends) < len(tensors), "its inputs or outputs")
    image = tensors[taken[0]]
    refuse_unless(image.shape == pixels, f"it takes {list(image.shape)}, not {list(pixels)}")
    refuse_unless(len(set(ends)) == len(ends), "an output twice")
    refuse_unless(not any(tensors[number].start for number in returned), "an output is a constant")


def _signature(flat: FlatBuffer, place: int, taken: list[int], returned: list[int]) -> None:
    """Refuse signatures that name other inputs and outputs than the graph."""
    for at in flat.tables(place, 1):
        inputs, outputs, key, _, subgraph, _ = flat.table(at, "VVV-i")
        refuse_unless(not subgraph or not flat.words[at + subgraph >> 2], "a signature's graph")
        if key:
            flat.text(at + key)
        for side, ends in ((inputs, taken), (outputs, returned)):
            named, names = [], set[str]()
            for end in flat.tables(at + side, 8) if side else ():
                name, number, _ = flat.table(end, "Vi")
                refuse_unless(name, "a signature names nothing")
                names.add(flat.text(end + name))
                named.append(flat.words[end + number >> 2] if number else 0)
            # LiteRT finds outputs by these names, and ends the process where it finds none.
            refuse_unless(len(names) == len(named), "a signature names two tensors alike")
            refuse_unless(sorted(named) == sorted(ends), "its signature names other tensors")


class _Run:
    """The operators in their order: what each reads has to be there, and is noted."""

    def __init__(self, tensors: list[GraphTensor], taken: list[int]) -> None:
        self._tensors = tensors
        self._there = [bool(tensor.start) for tensor in tensors]
        for number in taken:
            refuse_unless(not self._there[number], "its input is a constant")
            self._there[number] = True
        self._last = dict.fromkeys(taken, 0)
        self._made = [taken]  # what is there before the first operator, then what each makes
        self._work = 0

    def operator(self, name: str, inputs: list[int], outputs: list[int], options: Any) -> None:
        """Let an operator read and write, if its types, shapes and options fit."""
        there, last, position = self._there, self._last, len(self._made)
        for number in inputs:
            if number >= 0:
                refuse_unless(there[number], "it reads what nobody has written")
                last[number] = position
        for number in outputs:
            refuse_unless(not there[number], "it writes what is there already")
            there[number] = True
            last[number] = position
        sources = [self._tensors[number] if number >= 0 else None for number in inputs]
        results = [self._tensors[number] for number in outputs]
        _kinds(name, sources, results)
        self._work += RULES[name](options, sources, results) or 0
        self._made.append(outputs)

    def end(self, returned: list[int]) -> None:
        """Look at the outputs, and at what all of it takes."""
        for number in returned:
            refuse_unless(self._there[number], "an output that nobody writes")
            self._last[number] = len(self._made)
        millions = self._work / 1e6
        refuse_unless(self._work <= MOST_WORK, f"it multiplies {millions:.0f} million times")
        _memory(self._tensors, self._made, self._last)


_MANY = frozenset(("CONCATENATION", "PACK", "SPLIT", "SPLIT_V", "UNPACK"))
_SIGNATURES = {name: kinds for name, _, kinds in OPERATORS.values()}


def _kinds(name: str, sources: list[Any], results: list[GraphTensor]) -> None:
    """Refuse element types that the operator was never exported with."""
    read = "".join([source.kind if source else "-" for source in sources])
    written = "".join([result.kind for result in results])
    if name in _MANY:
        read, written = squeezed(read), squeezed(written)
    signature = f" {read}>{written} "
    if signature not in _SIGNATURES[name]:
        raise GraphFault(f"element types{signature}that edge-kit does not export")


def squeezed(kinds: str) -> str:
    """Return the letters of element types with each that follows itself once."""
    return "".join(kind for kind, before in zip(kinds, f" {kinds}", strict=False) if kind != before)


def _memory(tensors: list[GraphTensor], made: list[list[int]], last: dict[int, int]) -> None:
    """Refuse a graph whose computed tensors take too much memory at one time."""
    freed = [0] * (len(made) + 1)
    for number, position in last.items():
        if not tensors[number].start:
            freed[position] += tensors[number].size
    live = most = 0
    for position, outputs in enumerate(made):
        for number in outputs:
            live += tensors[number].size
        most = max(most, live)
        live -= freed[position]
    refuse_unless(most <= MOST_MEMORY, f"its tensors take {most >> 20} MiB at once")


def _operator(
    flat: FlatBuffer, place: int, known: list[int], count: int
) -> tuple[str, list[int], list[int], tuple[Any, ...]]:
    """Return an operator's name, inputs, outputs and options, after looking at its fields."""
    code, inputs, outputs, kind, options, _, _, mutating, between, *_ = flat.table(
        place, "iVVbV-bVV--b--i"
    )
    number = flat.words[place + code >> 2] if code else 0
    refuse_unless(0 <= number < len(known), "it is of no kind")
    found = OPERATORS.get(known[number])
    if found is None:
        raise GraphFault(f"number {known[number]} is none that edge-kit exports")
    name, wanted, _ = found
    read = flat.numbers(place + inputs, MOST_INPUTS) if inputs else []
    written = flat.numbers(place + outputs, MOST_INPUTS) if outputs else []
    for vector, size in ((mutating, 1), (between, 4)):
        if vector:
            refuse_unless(not flat.vector(place + vector, size)[1], "it changes its inputs")
    fits = read and written and min(read) >= -1 and min(written) >= 0
    refuse_unless(fits and max(*read, *written) < count, "it names a tensor that is not there")
    present = flat.data[place + kind] if kind else 0
    refuse_unless(present in (0, wanted) and bool(present) == bool(options), "its options")
    fields, values = OPTIONS[wanted]
    if present:
        values = _options(flat, place + options, fields, values)
    return name, read, written, values


def _options(
    flat: FlatBuffer, place: int, fields: str, defaults: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return the options in the table that the offset at `place` leads to, floats as their bits."""
    place = flat.follow(place)
    values = list(defaults)
    for number, (kind, at) in enumerate(zip(fields, flat.table(place, fields), strict=False)):
        if not at:
            continue
        if kind == "b":
            values[number] = flat.data[place + at]
        elif kind == "V":
            values[number] = tuple(flat.numbers(place + at, MOST_INPUTS))
        else:
            values[number] = flat.words[place + at >> 2]
    return tuple(values)
