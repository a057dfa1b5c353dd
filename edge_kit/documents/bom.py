"""Bills of materials in CycloneDX 1.7: made by its Python library, checked by the schema it ships.

Their bytes are the same for the same content and time, which is that of SOURCE_DATE_EPOCH where it
is set. The serial number is derived from the content.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from edge_runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom

EXTRA = "edge-kit[sbom]"


def require_library() -> None:
    """Refuse to write a bill of materials where its library is not installed.

    Raises:
        UsageError: it is not.
    """
    for name in ("cyclonedx", "jsonschema"):
        if find_spec(name) is None:
            problem = f"needs {name}, which is not installed"
            raise UsageError("CycloneDX", problem, f"pip install '{EXTRA}'")


def written_at() -> datetime:
    """Return the time for documents: SOURCE_DATE_EPOCH, in seconds, or else now.

    Raises:
        UsageError: the variable holds no time.
    """
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        return datetime.fromtimestamp(int(told), UTC)
    except (ValueError, OverflowError, OSError) as error:
        problem = f"{told!r} is no number of seconds since 1970"
        raise UsageError("SOURCE_DATE_EPOCH", problem, "set it to one, or unset it") from error


def bom_bytes(bom: Bom, subject: str, add: Callable[[dict[str, Any]], None] | None = None) -> bytes:
    """Return `bom` as JSON of CycloneDX 1.7, checked by its schema.

    `add` may add to the document what the library has no class for.

    Raises:
        DataError: the document about `subject` is not as the schema says.
    """
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    made = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_7).output_as_string()
    document: dict[str, Any] = json.loads(made)
    if add:
        add(document)
    document.pop("serialNumber", None)
    digest = sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["serialNumber"] = uuid5(NAMESPACE_URL, f"urn:sha256:{digest}").urn
    data = (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
    require_valid(data, subject)
    return data


def require_valid(data: bytes, subject: str) -> None:
    """Refuse a bill of materials that is not as the schema of CycloneDX 1.7 says.

    Raises:
        DataError: it is not.
    """
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from cyclonedx.validation import make_schemabased_validator

    validator = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_7)
    if wrong := validator.validate_str(data.decode()):
        problem = f"is no CycloneDX 1.7: {str(wrong).splitlines()[0]}"
        raise DataError(subject, problem, "report this")
