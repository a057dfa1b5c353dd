"""A Ray cluster that is started here or joined: with a token, in a private folder, and ended."""

from __future__ import annotations

import logging
import os
import secrets

from edge_kit.scoring.ray_folder import RayFolder
from edge_runtime.errors import EdgeError


class RaySession:
    """What connects this process with a Ray cluster, until it is closed."""

    def __init__(self, address: str, *, cpus: int, gpus: int = 0) -> None:
        """Start a cluster of `cpus` and `gpus` where `address` is empty; else join that one.

        Raises:
            EdgeError: there is none at that address.
        """
        self._folder = None if address else RayFolder()
        secure()
        import ray

        try:
            if self._folder is None:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
            else:
                ray.init(
                    num_cpus=cpus,
                    num_gpus=gpus,
                    _node_ip_address="127.0.0.1",
                    _temp_dir=str(self._folder.path / "r"),  # which Ray opens to everybody
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        except Exception as error:  # of no kind of its own where a node starts too slowly
            ray.shutdown()
            if self._folder:
                self._folder.remove()
            problem = str(error).strip().partition("\n")[0]
            cure = "check the address and RAY_AUTH_TOKEN" if address else "see `ray` itself"
            raise EdgeError(address or "ray", problem, cure) from error

    def close(self) -> None:
        """Leave the cluster; one that was started here ends, and its folder goes."""
        import ray

        ray.shutdown()
        if self._folder:
            self._folder.remove()


def secure() -> None:
    """Have Ray ask for a token and tell nobody of its use; before it is imported.

    It listens on all interfaces, whatever address it is given. A token of one's own is kept.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    known = "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ
    if not known and not os.path.exists(os.path.expanduser("~/.ray/auth_token")):  # noqa: PTH110, PTH111
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
