"""The folder of a node: images until they are answered, objects until they are delivered."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from edge_runtime.dicom_node.queue import Queue
from edge_runtime.errors import UsageError
from edge_runtime.lock import lock
from edge_runtime.output import as_cannot_write, sync_folder, write_whole
from edge_runtime.ownership import require_own

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".dcm"
_CURE = "a folder has one node: end the other one first"


class NodeFolder:
    """A folder that no other node has, with its queue; only its user may look into it."""

    def __init__(self, root: Path) -> None:
        """Open it, or make it, and remove what a process that was killed left there.

        Raises:
            UsageError: another node has it, or others may write it.
            CannotWrite: the disk does not let us.
        """
        self.root = root
        self._images, self._objects = root / "received", root / "to-deliver"
        with as_cannot_write(root):
            for folder in (root, self._images, self._objects):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._locked = (root / "lock").open("ab")
        try:
            require_own(str(root), UsageError, "name another folder")
            lock(self._locked.fileno(), root, _CURE)
            self.queue = Queue(root / "queue.sqlite")
            self._tidy()
        except BaseException:
            self._locked.close()
            raise

    def image(self, key: str) -> Path:
        """Return the file of an image."""
        return self._images / f"{key}{_SUFFIX}"

    def object(self, uid: str) -> Path:
        """Return the file of an object."""
        return self._objects / f"{uid}{_SUFFIX}"

    def keep_image(self, key: str, data: bytes, now: float) -> bool:
        """Put an image on the disk and into the queue; tell whether it is new.

        Raises:
            CannotWrite: the disk does not take it, and nothing of it stays.
        """
        if self.queue.has_image(key):
            return False
        try:
            write_whole(self.image(key), data)
            return self.queue.add_image(key, now)
        except BaseException:
            self.forget(self.image(key))
            raise

    def keep_object(self, uid: str, data: bytes) -> None:
        """Put an object on the disk."""
        write_whole(self.object(uid), data)

    def forget(self, path: Path) -> None:
        """Remove a file of which nobody needs anything any more."""
        with suppress(OSError):  # the next start does it
            path.unlink()

    def close(self) -> None:
        """Let another node have it."""
        self.queue.close()
        self._locked.close()

    def _tidy(self) -> None:
        """Remove files that the queue does not wait for."""
        for folder, names in zip(
            (self._images, self._objects), self.queue.waiting_names(), strict=True
        ):
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.removesuffix(_SUFFIX) not in names:
                        self.forget(folder / entry.name)
            sync_folder(folder)
