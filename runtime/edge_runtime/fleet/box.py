"""Who a box is: a random name and a key, made once, and what it has to know for its next receipt.

All of it is one file, `box.json`, that nobody else may read. A receipt that was signed is in it
before it goes to a stick, until it is there: a power cut or a full stick leaves no gap.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.audit_trail import TrailHead
from edge_runtime.audit_trail.line import NOTHING
from edge_runtime.bundle.defaults import data_folder
from edge_runtime.cures import quoted
from edge_runtime.errors import UsageError
from edge_runtime.fleet.records import LARGEST
from edge_runtime.fleet.signing import new_key, public_key, signature
from edge_runtime.lock import lock
from edge_runtime.output import as_cannot_write, write_secret
from edge_runtime.ownership import require_own

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE, LOCK = "box.json", "box.lock"
_CURE = "restore it from a copy; without it this box is a new one"


@dataclass(frozen=True, slots=True)
class Box:
    """A box after its receipt `counter`, whose file has the digest `previous`.

    `heads` are those of its trails in that receipt, by a digest of the trail's place. `pending` is
    the receipt's file while it has not reached its folder.
    """

    name: str
    private: str = field(repr=False)
    counter: int = 0
    previous: str = NOTHING
    heads: dict[str, str] = field(default_factory=dict)
    pending: str | None = None

    @property
    def public(self) -> str:
        """The public key in hex."""
        return public_key(self.private)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of `message` by the key of this box."""
        return signature(self.private, message)

    def head(self, trail: str) -> TrailHead | None:
        """Return the head that a trail had in the receipt before."""
        return TrailHead.parse(self.heads.get(trail, ""))


@contextmanager
def kept_box() -> Iterator[BoxFile]:
    """Hold the file of this box, which is made where there is none yet, for this process alone.

    Raises:
        UsageError: there is no home, another process holds it, it is damaged, or others may read
            or change it.
        CannotWrite: the disk does not take it.
    """
    parent = data_folder()
    if parent is None:
        raise UsageError("receipt", "there is no home to keep a key in", "set HOME")
    folder = Path(parent)
    with as_cannot_write(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        out = (folder / LOCK).open("ab")
    with out:
        lock(out.fileno(), folder / LOCK, "wait for it")
        yield BoxFile(folder / FILE)


class BoxFile:
    """The file of this box, which this process alone has now."""

    def __init__(self, path: Path) -> None:
        """Read the file, or write a new one.

        Raises:
            UsageError: it is damaged, or others may read or change it.
            CannotWrite: the disk does not take it.
        """
        self._path = path
        require_own(str(path), UsageError, "run it as the user who owns it")
        data = self._read()
        if data is None:
            self.keep(Box(secrets.token_hex(16), new_key()))
        else:
            self.box = _parsed(path, data)

    @property
    def folder(self) -> Path:
        """The folder on this machine's own disk that the file is in."""
        return self._path.parent

    def keep(self, box: Box) -> None:
        """Write what is known of the box from now on; all of it or nothing.

        Raises:
            CannotWrite: the disk does not take it.
        """
        write_secret(self._path, json.dumps(asdict(box), sort_keys=True).encode("ascii") + b"\n")
        self.box = box

    def delivered(self) -> None:
        """Note that the receipt has reached its folder.

        Raises:
            CannotWrite: the disk does not take it.
        """
        self.keep(replace(self.box, pending=None))

    def _read(self) -> bytes | None:
        try:
            with self._path.open("rb") as stream:
                mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
                data = stream.read(4 * LARGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            problem = f"cannot be read ({error.strerror or error})"
            raise UsageError(self._path, problem, "check the rights") from error
        if os.name == "posix" and mode & 0o077:
            cure = f"keep them out: chmod 600 {quoted(str(self._path))}"
            problem = f"can be read by other users (mode {mode:04o})"
            raise UsageError(self._path, problem, cure)
        return data


def _parsed(path: Path, data: bytes) -> Box:
    try:
        box = Box(**json.loads(data))
        texts = (box.name, box.private, box.previous, *box.heads, *box.heads.values())
        whole = all(isinstance(text, str) for text in texts) and type(box.counter) is int
        whole = whole and re.fullmatch("[0-9a-f]{32}", box.name) is not None
        whole = whole and (box.pending is None or isinstance(box.pending, str))
    except (ValueError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise UsageError(path, "is not what edge-run wrote", _CURE)
    return box
