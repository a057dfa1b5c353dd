"""One line of an audit trail: its fields, its digest, and the line before it.

A line is one JSON object in ASCII, with the keys in a fixed order: `counter` and `previous` first,
`digest` last. The digest is the SHA-256 of all that stands before it in the line, `previous` is the
digest of the line before. JSON escapes quotes within texts, so that the mark of the digest stands
once in a line, and whatever a text holds.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import Refusal
from edge_runtime.text import printable

if TYPE_CHECKING:
    from edge_runtime.answer.classify import Answer
    from edge_runtime.bundle.signers import Signers

FORMAT = 2
"""Lines of format 1 have no `signed_model` and no `signed_decision`."""
NOTHING = "0" * 64
"""What the first line of a trail has for the digest of the line before it."""
BEGUN, ANSWERED, DELIVERED, MENDED = "begun", "answer", "delivery", "mended"
"""Kinds of lines: the first of a file, a decision, an object that an archive has taken, and one
that tells of a torn line above it."""
MODEL = "model"
"""A line that tells of another model: `before` and `after` are identities of bundles."""

LONGEST = 1 << 16
"""Bytes of one line; no name of a user comes near."""

BEGINNING = b'{"counter":'
"""How each line begins, and so each file of a trail."""

_MARK = b',"digest":"'
_LINE = re.compile(
    rb'(\{"counter":([1-9]\d{0,17}),"previous":"([0-9a-f]{64})",.*),"digest":"([0-9a-f]{64})"\}\n'
)
_END = re.compile(rb'[0-9a-f]{0,64}|[0-9a-f]{64}"\}?')
_MOST_OF_A_NAME = 200  # characters of a user's name


@dataclass(frozen=True, slots=True)
class TrailHead:
    """The last line of a trail: how many lines there are, and its digest."""

    counter: int
    digest: str

    def __str__(self) -> str:
        return f"{self.counter}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> TrailHead | None:
        """Return the head that `text` is, if it is one."""
        match = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip(), re.ASCII)
        return cls(int(match[1]), match[2]) if match else None


EMPTY = TrailHead(0, NOTHING)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What a trail keeps of one decision: no file name, and nothing of a patient.

    `film` is the SHA-256 of the film's bytes, where it could be read; `bundle` the identity of the
    bundle, `signed_model` and `signed_decision` the ids of the keys that signed it, where anybody
    did; `refusal` the reason of a film with the status `refused`; `user` whoever was logged in;
    `report` the SOP Instance UID of the report that a DICOM node made of it, which is derived.
    """

    kind: ClassVar[str] = ANSWERED

    film: str | None
    bundle: str
    engine: str
    status: str
    label: str | None = None
    probability: float | None = None
    refusal: str | None = None
    user: str | None = None
    report: str | None = None
    signed_model: str | None = None
    signed_decision: str | None = None

    @classmethod
    def of(
        cls,
        answer: Answer,
        bundle: str,
        engine: str,
        *,
        film: str | None = None,
        user: str | None = None,
        signers: Signers | None = None,
    ) -> AuditEntry:
        """Return the entry of an answer; `film` is the digest of one that came without a file."""
        checked = signers if signers and signers.are_checked else None
        reason = answer.error.reason if isinstance(answer.error, Refusal) else None
        return cls(
            film=film or (answer.source.sha256 if answer.source else None),
            bundle=bundle, engine=engine, status=answer.status, label=answer.label,
            probability=answer.probability, refusal=reason,
            user=None if user is None else printable(user)[:_MOST_OF_A_NAME],
            signed_model=checked.model if checked else None,
            signed_decision=checked.decision if checked else None,
        )  # fmt: skip

    def to_json(self) -> dict[str, object]:
        """Return the fields as they stand in a line; without a report, that has no field."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        if self.report is None:
            del fields["report"]
        return fields


@dataclass(frozen=True, slots=True)
class DeliveryEntry:
    """What a trail keeps of one object that an archive has taken, and nothing of a patient.

    `instance` is its SOP Instance UID, which is derived; `content` what it is: a report or a
    capture; `to` the AE title of the archive; `film` and `bundle` as in the decision.
    """

    kind: ClassVar[str] = DELIVERED

    instance: str
    content: str
    to: str
    film: str | None
    bundle: str

    def to_json(self) -> dict[str, object]:
        """Return the fields as they stand in a line."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Line:
    """A line whose bytes are those that its own digest is of."""

    head: TrailHead
    previous: str
    kind: str
    content: dict[str, Any]


def written(before: TrailHead, moment: float, kind: str, content: dict[str, object]) -> bytes:
    """Return the bytes of the line that follows `before`; `moment` is in seconds since 1970."""
    when = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {"counter": before.counter + 1, "previous": before.digest, "time": when, "kind": kind}
    body = json.dumps({**fields, **content}, separators=(",", ":"), allow_nan=False)[:-1].encode()
    return b'%b%b%b"}\n' % (body, _MARK, sha256(body).encode())


def parsed(raw: bytes) -> Line | None:
    """Return the line that `raw` is, or nothing where it is none or was changed."""
    match = _LINE.fullmatch(raw)
    if not match or sha256(match[1]) != match[4].decode():
        return None
    try:
        content = json.loads(raw)
    except ValueError:
        return None
    head = TrailHead(int(match[2]), match[4].decode())
    return Line(head, match[3].decode(), str(content.get("kind")), content)


def is_torn(region: bytes, before: TrailHead) -> bool:
    """Tell whether what stands after the line `before` is what a killed process may leave there.

    That is the beginning of a line, or NULs where the power failed; below it, where mending was
    torn as well, the beginning of another one.
    """
    *ended, last = region.split(b"\n")
    # One NUL and a line end are a bracket that was changed; a power failure leaves more of them.
    one_nul = any(piece.endswith(b"\0") and piece[-2:] != b"\0\0" for piece in ended)
    begun = all(_is_beginning(piece, before) for piece in ended)
    return begun and not one_nul and (not last or _is_beginning(last, before))


def _is_beginning(piece: bytes, before: TrailHead) -> bool:
    """Tell whether a line that follows `before` can begin like this, and go on."""
    piece = piece.rstrip(b"\0") or piece[:1]
    start = b'{"counter":%d,"previous":"%b",' % (before.counter + 1, before.digest.encode())
    if len(piece) <= len(start):
        return piece == b"\0" or (bool(piece) and start.startswith(piece))
    body, mark, digest = piece.partition(_MARK)
    if not piece.startswith(start):
        return False
    if not mark:
        return not piece.endswith(b'"}') or piece.endswith(b'\\"}')
    whole = digest[:64] == sha256(body).encode()
    return _END.fullmatch(digest) is not None and (len(digest) < 64 or whole)
