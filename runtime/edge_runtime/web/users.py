"""Who may use a page, in one file: passwords and tokens as hashes, for its owner's eyes alone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.bundle.defaults import data_folder
from edge_runtime.cures import quoted
from edge_runtime.errors import UsageError
from edge_runtime.output import write_secret
from edge_runtime.ownership import require_own
from edge_runtime.web.passwords import fingerprint

if TYPE_CHECKING:
    from typing import Any

FILE = "users.json"
_LARGEST = 1 << 20  # bytes
_LONGEST_NAME = 64


def users_path(named: str | None = None) -> Path:
    """Return where the users are: the file that is named, else one in the data folder.

    Raises:
        UsageError: none is named, and this user has no home.
    """
    if named:
        return Path(named)
    folder = data_folder()
    if folder is None:
        raise UsageError("--users", "none given, and there is no home", "name a file")
    return Path(folder) / FILE


class Users:
    """Names with the hash of a password, and names of programs with the hash of a token."""

    def __init__(self, passwords: dict[str, str], tokens: dict[str, str]) -> None:
        self.passwords = passwords
        self.tokens = tokens

    def __bool__(self) -> bool:
        return bool(self.passwords or self.tokens)

    def of_token(self, token: str) -> str | None:
        """Return the name of the program whose token it is."""
        kept = fingerprint(token)
        return next((name for name, other in self.tokens.items() if other == kept), None)

    def require_new(self, name: str) -> None:
        """Refuse a name that is taken, or is none.

        Raises:
            UsageError: it is.
        """
        if name in self.passwords or name in self.tokens:
            raise UsageError(name, "is there already", "remove it first")
        if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
            problem = "is no name of a user"
            raise UsageError(name, problem, f"give 1 to {_LONGEST_NAME} letters and digits")

    def remove(self, name: str) -> None:
        """Take a user or a program out.

        Raises:
            UsageError: nobody has that name.
        """
        if self.passwords.pop(name, None) is None and self.tokens.pop(name, None) is None:
            raise UsageError(name, "is no user", "see edge-run users list")


def read_users(path: Path) -> Users:
    """Return the users in the file `path`; nobody where there is none.

    Raises:
        UsageError: it cannot be read, others may read or write it, or it is damaged.
    """
    require_own(str(path), UsageError, "name another file with --users")
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return Users({}, {})
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise UsageError(path, problem, "check the path and the rights") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        problem = f"can be read by other users (mode {stat.S_IMODE(mode):04o})"
        raise UsageError(path, problem, f"keep them out: chmod 600 {quoted(str(path))}")
    try:
        document = json.loads(data)
        return Users(_texts(document["passwords"]), _texts(document["tokens"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(path, "is no file of users", "remove it, and add them again") from error


def _texts(stored: Any) -> dict[str, str]:
    if not isinstance(stored, dict) or not all(isinstance(text, str) for text in stored.values()):
        raise TypeError("not a text for each name")
    return dict(stored)


def write_users(path: Path, users: Users) -> None:
    """Write the file of users, all of it or nothing; nobody else may read it at any time.

    Raises:
        CannotWrite: the disk does not take it.
    """
    document = {"passwords": users.passwords, "tokens": users.tokens}
    data = json.dumps(document, indent=1, sort_keys=True).encode("ascii") + b"\n"
    write_secret(path, data)


class UsersFile:
    """The users as the file has them now: it is read again once it has changed."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            UsageError: as `read_users` does.
        """
        self._path = path
        self._stamp = self._seen()
        self._users = read_users(path)

    def now(self) -> Users:
        """Return the users; nobody where the file cannot be read any more."""
        stamp = self._seen()
        if stamp != self._stamp:
            try:
                self._users = read_users(self._path)
            except UsageError:
                self._users = Users({}, {})
            self._stamp = stamp
        return self._users

    def _seen(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode
