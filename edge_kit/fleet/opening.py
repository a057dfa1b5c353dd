"""One receipt's file: read within bounds, checked byte for byte, and its signature verified."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from typing import Any, NoReturn

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature, SSlibKey

from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import canonical
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import DataError
from edge_runtime.fleet.envelope import key_of
from edge_runtime.fleet.records import LARGEST, PAYLOAD_TYPE, BoxReceipt
from edge_runtime.trust.envelope import Envelope, read_envelope

_CURE = "fetch it from its box again, or take it out of the folder"
_MOST_DIGITS = 40  # of a number in JSON; the largest of a receipt has 16, a float 25


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt whose signature is that of the key in it, and the digest of its file."""

    receipt: BoxReceipt
    digest: str
    time: datetime


def open_receipt(path: Path) -> SignedReceipt:
    """Return the receipt in the file `path`.

    That its own key signed it says nothing yet of whose key that is.

    Raises:
        DataError: it cannot be read, is none, is not as it was written, or is wrongly signed.
    """
    data = _read(path)
    try:
        receipt, envelope = _opened(data)
        time = datetime.strptime(receipt.time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except SchemaError as error:
        raise DataError(path, f"is no receipt that is known here ({error})", _CURE) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(path, "is no receipt", _CURE) from error
    key = SSlibKey(envelope.key_id, "ed25519", "ed25519", {"public": receipt.key})
    try:
        key.verify_signature(Signature(key.keyid, envelope.signature.hex()), envelope.signed)
    except UnverifiedSignatureError as error:
        problem = f"is not signed by the key of box {receipt.box[:12]} that it names"
        raise DataError(path, problem, _CURE) from error
    return SignedReceipt(receipt, sha256(data), time)


def _read(path: Path) -> bytes:
    try:
        status = path.lstat()
        if not S_ISREG(status.st_mode):
            raise DataError(path, "is no regular file", _CURE)
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise DataError(path, error.strerror or str(error), _CURE) from error
    if len(data) > LARGEST:
        raise DataError(path, f"is larger than a receipt ({LARGEST} bytes)", _CURE)
    return data


def _parsed(data: bytes) -> Any:
    return json.loads(
        data.decode("ascii"), parse_constant=_no_number, parse_int=_integer, parse_float=_float
    )


def _opened(data: bytes) -> tuple[BoxReceipt, Envelope]:
    """Return receipt and envelope, of which there is one spelling; a copy has the same digest.

    Raises:
        SchemaError: it is no receipt.
        ValueError, KeyError, TypeError, AttributeError: it is no envelope, or written otherwise.
    """
    envelope = read_envelope(data, PAYLOAD_TYPE)
    receipt = BoxReceipt(**_parsed(envelope.payload))
    if envelope.payload != canonical(receipt.to_json()):
        raise ValueError("another spelling of the receipt")
    if envelope.key_id != key_of(receipt).id:
        raise ValueError("another key than the receipt's")
    return receipt, envelope


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number with too many digits")
    return int(text)


def _float(text: str) -> float:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number with too many digits")
    return float(text)
