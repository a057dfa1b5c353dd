"""Items of a structured report's content, PS3.3 section C.17.3, and the codes that name them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.valuerep import DSfloat

if TYPE_CHECKING:
    from edge_runtime.dicom_node.source import Source

OURS = "99EDGEKIT"
"""The designator of our own coding scheme, private as its 99 says (PS3.16 section 8.2)."""
_LONGEST_VALUE, _LONGEST_MEANING = 16, 64


class Code(NamedTuple):
    """A concept by its value in a scheme, and what it means."""

    value: str
    scheme: str
    meaning: str

    def dataset(self) -> Dataset:
        """Return it as an item of a code sequence."""
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator = self.value, self.scheme
        item.CodeMeaning = self.meaning
        return item


def own_code(name: str, meaning: str) -> Code:
    """Return a code of our own scheme for a name, which is made to fit."""
    name = plain(name).replace("\\", "_").strip() or "_"
    if len(name) > _LONGEST_VALUE:
        name = f"{name[:7]}-{sha256(name.encode()).hexdigest()[:8]}"
    return Code(name, OURS, plain(meaning).replace("\\", "/")[:_LONGEST_MEANING].strip() or name)


def plain(text: str) -> str:
    """Return `text` on one line of ASCII, which every character set of DICOM has."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def code_item(relation: str, name: Code, value: Code) -> Dataset:
    """Return an item whose value is a code."""
    item = _item(relation, "CODE", name)
    item.ConceptCodeSequence = Sequence([value.dataset()])
    return item


def text_item(relation: str, name: Code, text: str) -> Dataset:
    """Return an item whose value is a text."""
    item = _item(relation, "TEXT", name)
    item.TextValue = plain(text)
    return item


def uid_item(relation: str, name: Code, uid: str) -> Dataset:
    """Return an item whose value is a UID."""
    item = _item(relation, "UIDREF", name)
    item.UID = uid
    return item


def number_item(relation: str, name: Code, number: float, unit: Code) -> Dataset:
    """Return an item whose value is a number with its unit."""
    item, measured = _item(relation, "NUM", name), Dataset()
    measured.NumericValue = DSfloat(number, auto_format=True)
    measured.FloatingPointValue = float(number)
    measured.MeasurementUnitsCodeSequence = Sequence([unit.dataset()])
    item.MeasuredValueSequence = Sequence([measured])
    return item


def image_item(relation: str, name: Code, source: Source) -> Dataset:
    """Return an item that refers to an image."""
    item = _item(relation, "IMAGE", name)
    item.ReferencedSOPSequence = Sequence([reference(source)])
    return item


def container(relation: str, name: Code, content: list[Dataset], template: str = "") -> Dataset:
    """Return an item that holds others, by a template of PS3.16 where one is named."""
    item = _item(relation, "CONTAINER", name)
    item.ContinuityOfContent = "SEPARATE"
    if template:
        item.ContentTemplateSequence = Sequence([_template(template)])
    item.ContentSequence = Sequence(content)
    return item


def reference(source: Source) -> Dataset:
    """Return what refers to an image by its class and its UID."""
    item = Dataset()
    item.ReferencedSOPClassUID = source.sop_class
    item.ReferencedSOPInstanceUID = source.sop_instance
    return item


def _template(number: str) -> Dataset:
    item = Dataset()
    item.MappingResource, item.TemplateIdentifier = "DCMR", number
    return item


def _item(relation: str, kind: str, name: Code) -> Dataset:
    item = Dataset()
    if relation:
        item.RelationshipType = relation
    item.ValueType = kind
    item.ConceptNameCodeSequence = Sequence([name.dataset()])
    return item
