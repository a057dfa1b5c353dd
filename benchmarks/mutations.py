"""What is changed in a module, one place at a time: by mutmut's operators and four of ours.

mutmut's own runner changes bodies of functions alone; limits, patterns, layouts and the rules of a
schema stand outside of them, and are changed here too. Not changed are annotations, decorators,
imports, docstrings, `len`, `isinstance`, and sentences that people read: they verify nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_LEFT_ALONE = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
_NEVER = ("len", "isinstance", "cast")
_NOT_RUN = ("TYPE_CHECKING", "__all__")
_CODECS = ('"ascii"', '"utf-8"')
_LONGEST_SHOWN = 120


@dataclass(frozen=True)
class Mutant:
    """A module with one change: the function and the line, the change itself, and all of the text.

    `repeat` counts from 0 on how often the same change is in the same line of that function.
    """

    place: str
    line: int
    code: str
    before: str
    after: str
    repeat: int
    text: str

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What tells a mutant from others of its module, as long as its line stays as it is."""
        return self.place, self.code, self.before, self.after, self.repeat


def conditions(node: cst.If) -> Iterator[cst.CSTNode]:
    """Take each way at a fork, whatever the condition says."""
    for name in ("False", "True"):
        yield node.with_changes(test=cst.Name(name))


def nothing_raised(_: cst.Raise) -> Iterator[cst.CSTNode]:
    """Go on where something is raised."""
    yield cst.Pass()


def nothing_done(node: cst.Expr) -> Iterator[cst.CSTNode]:
    """Leave out what is called for its effect, and what is yielded."""
    if isinstance(node.value, cst.Call | cst.Yield):
        yield cst.Pass()


def nothing_returned(node: cst.Return) -> Iterator[cst.CSTNode]:
    """Return nothing instead of something."""
    if node.value and not _is_named(node.value, ("None",)):
        yield node.with_changes(value=cst.Name("None"))


OPERATORS: list[tuple[type, Any]] = [
    *mutation_operators,
    (cst.If, conditions),
    (cst.Raise, nothing_raised),
    (cst.Expr, nothing_done),
    (cst.Return, nothing_returned),
]


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    lines = wrapper.resolve(PositionProvider)
    module, written = wrapper.module, source.splitlines()
    seen: Counter[tuple[str, ...]] = Counter()
    for place, node in _nodes(module, ""):
        for changed in _changes(node):
            if module.code_for_node(changed) == module.code_for_node(node):
                continue
            number = lines[node].start.line
            code = written[number - 1].strip()
            shown = (place, code, _shown(module, node), _shown(module, changed))
            whole: Any = module.deep_replace(node, changed)
            yield Mutant(place, number, *shown[1:], repeat=seen[shown], text=whole.code)
            seen[shown] += 1


def _nodes(node: cst.CSTNode, place: str) -> Iterator[tuple[str, cst.CSTNode]]:
    """Yield what may be changed, with the function or the class that it stands in."""
    if isinstance(node, _LEFT_ALONE) or _is_never_run(node):
        return
    if isinstance(node, cst.ClassDef | cst.FunctionDef):
        place = f"{place}.{node.name.value}".lstrip(".")
    yield place, node
    for child in node.children:
        yield from _nodes(child, place)


def _is_never_run(node: cst.CSTNode) -> bool:
    """Tell whether only a type checker reads this."""
    if isinstance(node, cst.If):
        return _is_named(node.test, _NOT_RUN)
    return isinstance(node, cst.Assign) and _is_named(node.targets[0].target, _NOT_RUN)


def _is_named(node: cst.CSTNode, names: tuple[str, ...]) -> bool:
    return isinstance(node, cst.Name) and node.value in names


def _changes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield what may stand in the place of a node."""
    if _is_prose(node) or (isinstance(node, cst.Call) and _is_named(node.func, _NEVER)):
        return
    for kind, operator in OPERATORS:
        if isinstance(node, kind):
            for changed in operator(node):
                if not _loses_prose(node, changed) and not _is_same_codec(node, changed):
                    yield changed


def _is_same_codec(node: cst.CSTNode, changed: cst.CSTNode) -> bool:
    """Tell whether this is the name of a codec in other letters, which is the same codec."""
    if not isinstance(node, cst.SimpleString) or not isinstance(changed, cst.SimpleString):
        return False
    return node.value in _CODECS and node.value.lower() == changed.value.lower()


def _is_prose(node: cst.CSTNode) -> bool:
    """Tell whether this is a sentence: text with a space between words, or one that is put in."""
    if isinstance(node, cst.ConcatenatedString):
        return True
    if isinstance(node, cst.FormattedString):
        return any(isinstance(part, cst.FormattedStringText) and " " in part.value
                   for part in node.parts)  # fmt: skip
    if not isinstance(node, cst.SimpleString) or "b" in node.prefix.lower():
        return False
    return " " in node.value.strip("\"' ")


def _loses_prose(node: cst.CSTNode, changed: cst.CSTNode) -> bool:
    """Tell whether what was changed of a call is a sentence among its arguments."""
    if not isinstance(node, cst.Call) or not isinstance(changed, cst.Call):
        return False
    lost = [one.value for one in node.args if all(one is not kept for kept in changed.args)]
    return any(_is_prose(value) for value in lost)


def _shown(module: cst.Module, node: cst.CSTNode) -> str:
    """Return a node on one line; of a fork, its condition."""
    text = module.code_for_node(node)
    if isinstance(node, cst.If):
        text = f"if {module.code_for_node(node.test)}"
    return " ".join(text.split())[:_LONGEST_SHOWN]
