"""The policy of a machine: whose keys it trusts, for what, and whether it asks for signatures.

One file of JSON, `policy.json`, that `edge-run trust` writes whole. It is read for each bundle that
is opened, and believed only where nobody else may change it.
"""
# Fields stand in the order they are read in:
# ruff: noqa: RUF023

from __future__ import annotations

import json
import os

from edge_runtime.bundle import POLICY, policy_folder, policy_path
from edge_runtime.bundle.schema import Record, SchemaError, one_of, record, sequence, text
from edge_runtime.errors import CannotWrite, IntegrityError, UsageError
from edge_runtime.ownership import require_own
from edge_runtime.trust.keys import PublicKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

MAKER, SITE = "maker", "site"
"""What a key may sign: everything, or the decision that a site fitted alone."""
ROLES = (MAKER, SITE)
MOST_KEYS = 64
LARGEST_POLICY = 1 << 16

_CURE = "keep others out, or make it anew with edge-run trust"


class TrustedKey(Record):
    """A key with the name that people gave it, and its role."""

    name: str
    role: str
    key: PublicKey
    __slots__ = {"name": text(64), "role": one_of(*ROLES), "key": record(PublicKey)}

    @property
    def id(self) -> str:
        """The id of the key."""
        return self.key.id


class Policy(Record):
    """Whose bundles a machine takes; where they are not `required`, unsigned ones as well."""

    format: int
    required: bool
    keys: tuple[TrustedKey, ...]
    __slots__ = {
        "format": one_of(1),
        "required": one_of(True, False),
        "keys": sequence(record(TrustedKey), 0, MOST_KEYS),
    }

    def check(self) -> None:
        """Refuse keys of one name, and a key that stands twice."""
        for names in ([key.name for key in self.keys], [key.id for key in self.keys]):
            if len(set(names)) < len(names):
                raise SchemaError("a key or its name stands twice", "keys")

    def key(self, key_id: str | None) -> TrustedKey | None:
        """Return the key of this id, if it is trusted for anything."""
        return next((key for key in self.keys if key.id == key_id), None)

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        return (json.dumps(self.to_json(), indent=1, sort_keys=True) + "\n").encode("ascii")


NO_POLICY = Policy(format=1, required=False, keys=())


def policy_here() -> Policy:
    """Return the policy of this machine; one that asks for nothing where there is none.

    Raises:
        IntegrityError: it is not as it was written, or others may change it.
        UsageError: `$EDGE_RUN_TRUST` names a folder without one.
    """
    path = policy_path()
    return NO_POLICY if path is None else read_policy(path)


def read_policy(path: str) -> Policy:
    """Return the policy in the file at `path`.

    Raises:
        IntegrityError, UsageError: as `policy_here` says.
    """
    for place in (os.path.dirname(path), path):  # noqa: PTH120, as it was spelled
        require_own(place or os.curdir, IntegrityError, _CURE)
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            data = stream.read(LARGEST_POLICY + 1)
    except FileNotFoundError as error:
        problem = "is not there, and EDGE_RUN_TRUST names its folder"
        raise UsageError(path, problem, "add a key: edge-run trust add KEY.pub") from error
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise IntegrityError(path, problem, "ask its owner to allow it") from error
    try:
        policy = Policy(**json.loads(str(data, "ascii")))
        if policy.to_bytes() != data:
            raise ValueError("other bytes would be written for it")
    except (ValueError, TypeError, RecursionError) as error:
        raise IntegrityError(path, "is not as edge-run trust wrote it", _CURE) from error
    return policy


def policy_to_change() -> tuple[Path, Policy]:
    """Return where this user's changes to the policy go, and the policy that is there.

    Raises:
        CannotWrite: this user has no home folder.
        IntegrityError: as `policy_here` says.
    """
    from pathlib import Path

    folder = policy_folder()
    if folder is None:
        raise CannotWrite("trust", "this user has no home folder", "set EDGE_RUN_TRUST")
    path = Path(folder, POLICY)
    return path, read_policy(str(path)) if os.path.lexists(path) else NO_POLICY


def write_policy(path: Path, policy: Policy) -> None:
    """Write a policy, for this user's programs and those of every other to read.

    Raises:
        CannotWrite: the disk did not take it, or this user may not.
    """
    from edge_runtime.output import as_cannot_write, write_whole

    with as_cannot_write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        require_own(str(path.parent), CannotWrite, "name another with EDGE_RUN_TRUST")
    write_whole(path, policy.to_bytes())
