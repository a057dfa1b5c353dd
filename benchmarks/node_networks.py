"""A network for each process that stands for a machine: namespaces of Linux on one bridge."""

from __future__ import annotations

import os
import subprocess
from types import TracebackType

_NET = "10.77.7"


class NodeNetworks:
    """So many namespaces, each with an address, that reach one another over a bridge.

    They need root. `prefix` begins the command of a process in one of them.
    """

    def __init__(self, count: int) -> None:
        """Choose names; what is made is made on entering."""
        self._name = f"ek{os.getpid()}"  # of a device, at most fifteen letters
        self._count = count

    def __enter__(self) -> NodeNetworks:
        try:
            ip("link", "add", self._name, "type", "bridge")
            ip("link", "set", self._name, "up")
            for number in range(self._count):
                self._add(number)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def address(self, number: int) -> str:
        """Return the address of a namespace."""
        return f"{_NET}.{number + 1}"

    def prefix(self, number: int) -> list[str]:
        """Return what a command begins with, for its process to be in a namespace."""
        return ["ip", "netns", "exec", f"{self._name}n{number}"]

    def _add(self, number: int) -> None:
        inside, cable = f"{self._name}n{number}", f"{self._name}c{number}"
        ip("netns", "add", inside)
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", inside)
        ip("link", "set", cable, "master", self._name, "up")
        ip("-n", inside, "address", "add", f"{self.address(number)}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            ip("-n", inside, "link", "set", device, "up")

    def _remove(self) -> None:
        for number in range(self._count):  # with its end of the cable
            ip("netns", "delete", f"{self._name}n{number}", check=False)
        ip("link", "delete", self._name, check=False)


def ip(*words: str, check: bool = True) -> None:
    """Run `ip`; what it complains of is shown where it has to succeed."""
    subprocess.run(["ip", *words], check=check, capture_output=not check)  # noqa: S607
