"""Records whose `__slots__` are their schema: immutable, checked when made, JSON only at the edge.

A rule takes a value as JSON or as a record has it and returns it as the record keeps it, or raises
`SchemaError`, which collects the keys that lead to the value on its way out. This is what
dataclasses and a validator would do; it is here because loading those costs more than a film.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, dataclass_transform

    FieldRule = Callable[[object], object]
else:

    def dataclass_transform(**_):
        """Stand in for `typing.dataclass_transform`, which only type checkers need."""
        return lambda cls: cls


class SchemaError(ValueError):
    """A value that has no place in a manifest, with the keys that lead to it."""

    def __init__(self, problem: str, *keys: str | int) -> None:
        self.problem = problem
        self.keys = keys
        super().__init__(problem, *keys)

    def __str__(self) -> str:
        steps = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        return f"{''.join(steps).lstrip('.')}: {self.problem}".removeprefix(": ")


def expected(what: str, value: object) -> SchemaError:
    """Return the error for a `value` that stands where `what` should."""
    shown = "a list or an object"
    if not isinstance(value, dict | list | tuple):
        shown = json.dumps(value, default=repr)[:60]
    return SchemaError(f"expected {what}, found {shown}")


def _at(key: str | int, rule: FieldRule, value: object) -> object:
    """Return what `rule` makes of `value`, naming `key` in its complaint."""
    try:
        return rule(value)
    except SchemaError as error:
        raise SchemaError(error.problem, key, *error.keys) from None


def integer(low: int, high: int) -> FieldRule:
    """Accept whole numbers from `low` to `high`; `true` is none."""

    def rule(value: object) -> object:
        if type(value) is not int or not low <= value <= high:
            raise expected(f"a whole number from {low} to {high}", value)
        return value

    return rule


def number(low: float, high: float, *, inclusive: bool = True) -> FieldRule:
    """Accept numbers between `low` and `high`, and these two if `inclusive`; keep floats."""

    def rule(value: object) -> object:
        if type(value) not in (int, float) or not low <= value <= high:  # type: ignore[operator]
            raise expected(f"a number between {low:g} and {high:g}", value)
        if not inclusive and value in (low, high):
            raise expected(f"a number between {low:g} and {high:g}, without these", value)
        return float(value)  # type: ignore[arg-type]

    return rule


def text(longest: int, alphabet: str = "", first: str = "") -> FieldRule:
    """Accept 1 to `longest` characters of `alphabet` (else any printable), the first of `first`."""
    what = f"1 to {longest} {'of ' + alphabet if alphabet else 'printable characters'}"
    what += f", beginning with one of {first}" if first else ""

    def rule(value: object) -> object:
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise expected(what, value)
        if value.strip(alphabet) if alphabet else not value.isprintable():
            raise expected(what, value)
        if first and value[0] not in first:
            raise expected(what, value)
        return value

    return rule


def one_of(*choices: str | int) -> FieldRule:
    """Accept exactly one of `choices`."""

    def rule(value: object) -> object:
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise expected(" or ".join(json.dumps(choice) for choice in choices), value)
        return value

    return rule


def optional(inner: FieldRule) -> FieldRule:
    """Accept `null`, and what `inner` accepts."""
    return lambda value: None if value is None else inner(value)


def sequence(inner: FieldRule, least: int, most: int) -> FieldRule:
    """Accept `least` to `most` values that `inner` accepts; keep a tuple."""

    def rule(value: object) -> object:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise expected(f"a list of {least} to {most}", value)
        kept: list[object] = []
        try:  # once for all, not by `_at` for each: digests of films come by the hundred
            for item in value:
                kept.append(inner(item))
        except SchemaError as error:
            raise SchemaError(error.problem, len(kept), *error.keys) from None
        return tuple(kept)

    return rule


def mapping(key_rule: FieldRule, inner: FieldRule, least: int, most: int) -> FieldRule:
    """Accept `least` to `most` pairs of what `key_rule` and `inner` accept; keep a dict."""

    def rule(value: object) -> object:
        if not isinstance(value, dict) or not least <= len(value) <= most:
            raise expected(f"an object of {least} to {most} keys", value)
        return {_at(key, key_rule, key): _at(key, inner, item) for key, item in value.items()}

    return rule


def record(cls: type[Record]) -> FieldRule:
    """Accept a `cls`, or the JSON object that makes one."""

    def rule(value: object) -> object:
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise expected("an object", value)
        return cls(**value)

    return rule


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record:
    """An immutable JSON object whose fields are exactly its class's `__slots__`.

    Those in `LEFT_OUT` are missing where they are None, and never `null`: one spelling of each.

    Raises:
        SchemaError: a field is unknown, missing or not what its rule accepts.
    """

    __slots__: ClassVar[dict[str, FieldRule]] = {}
    LEFT_OUT: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, /, **fields: object) -> None:
        for key in fields.keys() - self.__slots__.keys():
            raise SchemaError("this key is unknown", key)
        for key, rule in self.__slots__.items():
            if key not in fields and key not in self.LEFT_OUT:
                raise SchemaError("this key is missing", key)
            object.__setattr__(self, key, _at(key, rule, fields.get(key)))
        self.check()

    def check(self) -> None:
        """Raise `SchemaError` where fields that are each acceptable contradict one another."""

    def to_json(self) -> dict[str, Any]:
        """Return this record as `json` writes it."""
        fields = ((key, _plain(getattr(self, key))) for key in self.__slots__)
        return {
            key: value for key, value in fields if value is not None or key not in self.LEFT_OUT
        }

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_json(), sort_keys=True))

    def __repr__(self) -> str:
        fields = ", ".join(f"{key}={getattr(self, key)!r}" for key in self.__slots__)
        return f"{type(self).__name__}({fields})"


def _plain(value: object) -> object:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
