"""A changed function takes the place of a loaded one: its code is exchanged, the object stays.

So nothing has to be loaded anew, and whoever holds the function has the change. Where something
else than the code of functions differs, or a function was called while its module was loaded, this
does not do, and the module has to be loaded from the changed text.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType

_PARTS = (
    "co_code", "co_names", "co_varnames", "co_cellvars", "co_freevars", "co_flags", "co_argcount",
    "co_kwonlyargcount", "co_posonlyargcount", "co_exceptiontable",
)  # fmt: skip
"""What a function does by; lines are left out, which shift."""


def differences(before: CodeType, after: CodeType) -> dict[str, CodeType] | None:
    """Return the functions that differ between two codes of a module, by their qualified names.

    None where something differs that is run when the module is loaded.
    """
    if not _is_alike(before, after):
        return None
    functions: dict[str, CodeType] = {}
    for old, new in zip(before.co_consts, after.co_consts, strict=True):
        if not isinstance(old, CodeType):
            continue
        if old.co_flags & 3 == 3:  # with locals of its own: a function, and no body of a class
            if not _is_same(old, new):
                functions[old.co_qualname] = new
            continue
        inner = differences(old, new)
        if inner is None:
            return None
        functions |= inner
    return functions


def _is_alike(before: CodeType, after: CodeType) -> bool:
    """Tell whether two codes do the same, but for the functions that they make."""
    olds, news = before.co_consts, after.co_consts
    return (
        all(getattr(before, part) == getattr(after, part) for part in _PARTS)
        and len(olds) == len(news)
        and all(
            isinstance(new, CodeType) and old.co_name == new.co_name
            if isinstance(old, CodeType)
            else repr(old) == repr(new)  # 1, 1.0 and True are equal, and not the same
            for old, new in zip(olds, news, strict=True)
        )
    )


def _is_same(before: CodeType, after: CodeType) -> bool:
    return _is_alike(before, after) and all(
        _is_same(old, new)
        for old, new in zip(before.co_consts, after.co_consts, strict=True)
        if isinstance(old, CodeType)
    )


def functions_of(module: ModuleType) -> dict[str, FunctionType]:
    """Return every function and method that a module defines, by its qualified name."""
    return {
        function.__qualname__: function
        for value in vars(module).values()
        for function in _functions(value)
        if function.__module__ == module.__name__
    }


def _functions(value: object) -> Iterator[FunctionType]:
    if isinstance(value, type):
        for inner in vars(value).values():
            yield from _functions(inner)
    elif isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from _functions(part)
    elif isinstance(value, staticmethod | classmethod):
        yield from _functions(value.__func__)
    elif isinstance(value, FunctionType):
        yield value
        yield from _functions(getattr(value, "__wrapped__", None))


def exchange(module: ModuleType, changes: dict[str, CodeType]) -> bool:
    """Give the functions of a module other code; tell whether all of them could take it."""
    functions = functions_of(module)
    if not changes.keys() <= functions.keys():
        return False
    for name, code in changes.items():
        if len(code.co_freevars) != len(functions[name].__code__.co_freevars):
            return False
        functions[name].__code__ = code
    return True
