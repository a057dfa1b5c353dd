"""Who else may change a folder whose content is believed: a cache, a run, the bundles in use.

Believed is what belongs to this user or to root, and what nobody else may write: neither others nor
a group that has other members. Folders above it may belong to anybody, for whoever puts another
folder in the place of ours cannot give it to us; but none may be open to everybody, unless it is
sticky as /tmp is. Windows has no such modes, and nothing is looked at there.

Decision 58. On the cold path, hence what it does not import.
"""
# ruff: noqa: PTH116, PTH120

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.errors import EdgeError


def distrusted(path: str, status: os.stat_result | None = None) -> tuple[str, str] | None:
    """Return why what lies at `path` is not believed and a command that helps; None if it is.

    `status` is that of the file or folder itself, where it is open already. What is not there is
    believed.

    Raises:
        OSError: it cannot be looked at.
    """
    if os.name != "posix":
        return None
    try:
        status = status or os.stat(path)
    except FileNotFoundError:
        return None
    mode, command = stat.S_IMODE(status.st_mode), ""
    shared = bool(mode & stat.S_IWGRP) and not _is_private(status.st_gid)
    if status.st_uid not in (0, os.geteuid()):
        problem = f"belongs to another user (number {status.st_uid})"
        command = f"own it: sudo chown -R {os.geteuid()}"
    elif shared or mode & stat.S_IWOTH:
        problem = f"can be changed by other users (mode {mode:04o})"
        command = "keep them out: chmod -R go-w"
    if not command:
        return None
    from edge_runtime.cures import quoted

    return problem, f"{command} {quoted(path)}"


def in_open_folder(path: str) -> tuple[str, str] | None:
    """Return why the folders above `path` are no place for it, as `distrusted` does.

    Raises:
        OSError: one cannot be looked at.
    """
    if os.name != "posix":
        return None
    above = os.path.dirname(os.path.realpath(path))
    while True:
        try:
            mode = os.stat(above).st_mode
        except FileNotFoundError:
            mode = 0
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            from edge_runtime.cures import quoted

            problem = f"lies below {above}, where everybody can put another in its place"
            return problem, f"keep them out: chmod o-w {quoted(above)}"
        if above == os.path.dirname(above):
            return None
        above = os.path.dirname(above)


def require_own(path: str, error: type[EdgeError], instead: str) -> None:
    """Refuse the folder `path` where others may change it; `instead` is what else helps.

    Raises:
        EdgeError: `error`, that is; or the folder cannot be looked at.
    """
    try:
        found = distrusted(path) or in_open_folder(path)
    except OSError as failed:
        raise error(path, f"cannot be read ({failed.strerror or failed})", instead) from failed
    if found:
        problem, cure = found
        raise error(path, problem, f"{cure}, or {instead}")


def _is_private(group: int) -> bool:
    """Tell whether nobody but root and this user is in a group, as far as the machine knows.

    Debian and Fedora give each user such a group, of the user's own name, and with it a mode that
    lets the group write.
    """
    import grp
    import pwd

    try:
        found, user = grp.getgrgid(group), pwd.getpwuid(os.geteuid())
    except KeyError:  # a container often has neither
        return group == 0 == os.geteuid()
    own = group == 0 or (group == user.pw_gid and found.gr_name == user.pw_name)
    return own and not {*found.gr_mem} - {user.pw_name, "root"}
