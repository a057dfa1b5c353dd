"""The processes of a shared training find each other, and part again.

JAX's coordination service listens at the address that was given, and on no other; for the sums of
gradients each process listens, by gloo, at the address by which it reaches the coordinator. Neither
asks who calls, and nothing is encrypted.
"""

from __future__ import annotations

import errno
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from edge_kit.training.shared_training import SharedTraining, lost
from edge_runtime.errors import EdgeError, UsageError

_LOST = re.compile(
    r"gloo|nccl|coordination|distributed service|UNAVAILABLE|DEADLINE_EXCEEDED|ABORTED", re.I
)
_LOOK = 0.5  # seconds between two attempts to reach process 0


@contextmanager
def together(shared: SharedTraining, say: Callable[[str], None]) -> Iterator[None]:
    """Be one of the processes of `shared` inside the block, which ends with `part`.

    Raises:
        UsageError: the coordinator's address cannot be used, or nobody answers there.
        EdgeError: another process is lost.
    """
    try:
        _join(shared, say)
        yield
    except EdgeError:
        raise
    except (RuntimeError, ValueError, OSError) as error:
        if not _LOST.search(str(error)):
            raise
        raise lost(shared) from error


def part() -> None:
    """Leave the others, once all have come to this; what this process does next is its own."""
    import jax

    jax.distributed.shutdown()


def _join(shared: SharedTraining, say: Callable[[str], None]) -> None:
    """Meet the other processes.

    JAX itself answers a port in use by a segmentation fault and an address where nobody listens by
    an abort, so both are tried first.
    """
    own = _free(shared) if shared.writes else _reached(shared, say)
    import jax
    import tensorflow as tf
    from jax._src.lib import _jax

    tf.config.set_visible_devices([], "GPU")  # they are JAX's; TensorFlow only prepares films
    # By itself gloo takes the address of the machine's name, which is often a loopback.
    _jax.make_gloo_tcp_collectives = partial(_jax.make_gloo_tcp_collectives, hostname=own)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # Two computations at once would send their sums in any order, and each wait for the other's.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM from us
    say(f"{shared}: meets the others at {shared.coordinator}")
    jax.distributed.initialize(
        shared.coordinator,
        shared.processes,
        shared.process,
        cluster_detection_method="deactivate",
        coordinator_bind_address=shared.coordinator,
        initialization_timeout=shared.wait,
        heartbeat_timeout_seconds=shared.wait,
    )


def _free(shared: SharedTraining) -> str:
    """Return the numerical address that process 0 is to listen at.

    Raises:
        UsageError: it is not this machine's, or the port is in use.
    """
    family, place = _resolved(shared)
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(place)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                cure = "name another port, the same in all commands"
                raise UsageError(shared.coordinator, "the port is in use", cure) from error
            problem = f"process 0 cannot listen there ({error.strerror or error})"
            cure = "give an address of the machine of process 0"
            raise UsageError(shared.coordinator, problem, cure) from error
    return str(place[0])


def _reached(shared: SharedTraining, say: Callable[[str], None]) -> str:
    """Return this machine's address towards process 0, once that one listens.

    Raises:
        UsageError: nobody listens for `wait` seconds.
    """
    family, place = _resolved(shared)
    until, told = time.monotonic() + shared.wait, False
    while True:
        with suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.settimeout(max(_LOOK, until - time.monotonic()))
            trial.connect(place)
            return str(trial.getsockname()[0])
        if time.monotonic() >= until:
            problem = f"nobody has answered there for {shared.wait} s"
            cure = "start process 0, and give all processes the address that it listens at"
            raise UsageError(shared.coordinator, problem, cure)
        if not told:
            say(f"{shared}: waits for process 0 at {shared.coordinator}")
            told = True
        time.sleep(_LOOK)


def _resolved(shared: SharedTraining) -> tuple[int, tuple[str, int]]:
    """Return the family and the numerical address of the coordinator.

    Raises:
        UsageError: its name is not known here.
    """
    try:
        found = socket.getaddrinfo(shared.host.strip("[]"), shared.port, type=socket.SOCK_STREAM)
    except OSError as error:
        problem = f"is no name that this machine knows ({error.strerror or error})"
        raise UsageError(shared.host, problem, "give the address in numbers") from error
    family, *_, place = found[0]
    return family, (str(place[0]), int(place[1]))
