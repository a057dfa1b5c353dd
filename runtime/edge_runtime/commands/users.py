"""`edge-run users`: who may use a page that others reach."""

from __future__ import annotations

import sys

from edge_runtime.console import say, write
from edge_runtime.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from edge_runtime.web.users import Users

OPTIONS = ("users=", "token")
USAGE = """\
usage: edge-run users add NAME [--token]
       edge-run users remove NAME
       edge-run users list

Who may use a page that is served with --host. add asks for a password twice,
or reads it from stdin where that is no terminal; with --token, NAME is a
program, and its token is printed, once.

  --users FILE  the file; else users.json of the data folder
  --token       add a program

Exit status: 0 done, 2 usage, 10 cannot write.
"""
_ACTIONS = ("add", "remove", "list")


def run(paths: list[str], options: dict[str, str]) -> int:
    """Add, remove or list users."""
    action, *names = paths or [""]
    if action not in _ACTIONS or len(names) != (action != "list"):
        raise UsageError("users", "not an action with its name", f"one of: {', '.join(_ACTIONS)}")
    if "token" in options and action != "add":
        raise UsageError("--token", "is for add", "leave it out")
    from edge_runtime.web.users import read_users, users_path, write_users

    path = users_path(options.get("users"))
    users = read_users(path)
    if action == "list":
        rows = [*((name, "password") for name in users.passwords)]
        rows += [(name, "token") for name in users.tokens]
        write("".join(f"{kind:<9} {name}\n" for name, kind in sorted(rows)))
    elif action == "remove":
        users.remove(names[0])
        write_users(path, users)
    else:
        users.require_new(names[0])
        _add(path, users, names[0], program="token" in options)
    return 0


def _add(path: Path, users: Users, name: str, *, program: bool) -> None:
    from edge_runtime.web.passwords import fingerprint, hashed, new_token
    from edge_runtime.web.users import write_users

    if program:
        token = new_token()
        users.tokens[name] = fingerprint(token)
        write_users(path, users)
        write(f"{token}\n")
        say("keep it: it is not shown again")
    else:
        users.passwords[name] = hashed(_asked())
        write_users(path, users)


def _asked() -> str:
    """Return a new password, from the terminal or from stdin.

    Raises:
        UsageError: it is too short, or was mistyped.
    """
    from edge_runtime.web.passwords import LEAST, MOST

    if sys.stdin.isatty():
        from getpass import getpass

        password = getpass("password: ")
        if password != getpass("again: "):
            raise UsageError("password", "the two differ", "try again")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not LEAST <= len(password) <= MOST:
        problem = f"has {len(password)} characters"
        raise UsageError("password", problem, f"give {LEAST} to {MOST}")
    return password
