"""A client of an ASGI application in this process, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from served import Reply

App = Callable[[Any, Any, Any], Awaitable[None]]
HOST = "127.0.0.1:8417"


class Client:
    """Asks `app`, as `address`; all requests run on one event loop."""

    def __init__(self, app: App, address: str = "127.0.0.1") -> None:
        self._app = app
        self.address = address
        self._runner = asyncio.Runner()

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> Reply:
        """Return the answer to one request; a body makes it a POST."""
        return self._runner.run(self.asked(path, body, method=method, headers=headers))

    async def asked(
        self,
        path: str,
        body: bytes | None = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> Reply:
        """Return the answer to one request among others."""
        method = method or ("GET" if body is None else "POST")
        scope = self._scope(path, body, method, headers)
        waiting = [{"type": "http.request", "body": body or b"", "more_body": False}]
        heard: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            heard.append(message)

        await self._app(scope, receive, send)
        found = {key.decode(): value.decode() for key, value in heard[0]["headers"]}
        data = b"".join(message.get("body", b"") for message in heard[1:])
        return Reply(heard[0]["status"], found, data)

    def _scope(
        self,
        path: str,
        body: bytes | None,
        method: str,
        headers: Mapping[str, str] | Sequence[tuple[str, str]],
    ) -> dict[str, Any]:
        pairs = [*(headers.items() if isinstance(headers, Mapping) else headers)]
        if not any(name.lower() == "host" for name, _ in pairs):
            pairs.append(("host", HOST))
        if body is not None:
            pairs.append(("content-length", str(len(body))))
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in pairs],
            "client": (self.address, 50000),
            "server": ("127.0.0.1", 8417),
        }

    def close(self) -> None:
        """End the event loop."""
        self._runner.close()
