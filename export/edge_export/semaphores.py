"""Machines without shared semaphores: containers whose /dev/shm is missing, or root's alone.

scikit-learn imports joblib, which asks for a semaphore and warns where there is none that it will
start no processes. Nothing here starts any through joblib, so the warning tells the user nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module


def shared() -> bool:
    """Tell whether this process gets a shared semaphore, asking as joblib does."""
    try:
        semaphore = import_module("_multiprocessing").SemLock
    except (ImportError, AttributeError):
        return False
    binary, none, maximum = 0, 0, 1
    try:
        with suppress(FileExistsError):  # it exists already, so semaphores work here
            semaphore(binary, none, maximum, f"/edge-kit-{os.getpid()}", unlink=True)
    except OSError:
        return False
    return True


def tell_joblib() -> None:
    """Tell joblib what it would otherwise find out and warn of, unless the user has set it.

    A filter of warnings would not do: programs that import this package, such as pytest, put back
    filters of their own before scikit-learn is imported. Where there are semaphores, nothing
    changes; where there are none, joblib works in one process either way.
    """
    if not shared():
        os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")
