"""A record's fields, which type checkers read, are those of its rules, in order and in type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge_runtime.bundle import manifest, records
from edge_runtime.bundle.schema import Record, SchemaError

if TYPE_CHECKING:
    from edge_runtime.bundle.schema import FieldRule

RECORDS = {
    name: kind
    for module in (manifest, records)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Record) and kind is not Record
}
# What a value may be that the rules made by each function of `schema` keep.
KEPT = {"integer": "int", "number": "float", "text": "str"}
NAMED = {"class_name": "str", "member_name": "str", "sha256_hex": "str", "released": "str"}


def maker(rule: FieldRule) -> str:
    """Return the name of the function that made `rule`."""
    return rule.__qualname__.partition(".")[0]


def inside(rule: FieldRule) -> dict[str, object]:
    """Return the arguments of the function that made `rule`, as far as it uses them."""
    cells = rule.__closure__ or ()
    return dict(zip(rule.__code__.co_freevars, (cell.cell_contents for cell in cells), strict=True))


def kept(rule: FieldRule) -> str:
    """Return the type of what `rule` keeps, as a field of it is written."""
    function, arguments = maker(rule), inside(rule)
    if function == "one_of":
        (kind,) = {type(choice).__name__ for choice in arguments["choices"]}  # type: ignore[attr-defined]
        return str(kind)
    if function == "record":
        return str(arguments["cls"].__name__)  # type: ignore[attr-defined]
    if function == "optional":
        return f"{kept(arguments['inner'])} | None"  # type: ignore[arg-type]
    if function == "sequence":
        return f"tuple[{kept(arguments['inner'])}, ...]"  # type: ignore[arg-type]
    if function == "mapping":
        key, value = kept(arguments["key_rule"]), kept(arguments["inner"])  # type: ignore[arg-type]
        return f"Mapping[{key}, {value}]"
    return {**KEPT, **NAMED}[function]


@pytest.mark.parametrize("name", RECORDS)
def test_fields_and_rules_are_the_same(name: str) -> None:
    kind = RECORDS[name]
    fields = kind.__annotations__  # as they are written, by `from __future__ import annotations`
    rules = {key: kept(rule) for key, rule in kind.__slots__.items()}
    assert list(fields.items()) == list(rules.items())


@pytest.mark.parametrize("name", RECORDS)
def test_only_a_field_that_may_be_none_is_left_out(name: str) -> None:
    kind = RECORDS[name]
    assert not kind.LEFT_OUT - kind.__slots__.keys()
    assert all(kind.__slots__[key](None) is None for key in kind.LEFT_OUT)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_takes_no_key_of_another(name: str) -> None:
    with pytest.raises(SchemaError, match="this key is unknown"):
        RECORDS[name](no_such_field=1)
