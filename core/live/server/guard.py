"""Middleware that closes unused routes of the web server and restricts what its pages may load."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

CLOSED = (  # routes of the framework that no page uses
    "/_stcore/upload_file",  # uploads would be kept in memory
    "/_stcore/metrics",
)
# Pages fetch nothing from other hosts. Streamlit needs inline styles and scripts, and Vega compiles
# the charts' expressions in the browser, which needs unsafe-eval.
POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob: ws: wss:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


class Guard:
    """ASGI middleware. It closes unused routes and tells browsers to fetch nothing from other hosts.

    It closes WebSockets opened by pages of other sites. Streamlit would ask a server on the internet
    for this machine's address before it refuses them.
    """

    def __init__(self, app: Application, framed_by: Iterable[str] = (), address: str = ""):
        """framed_by: addresses of sites that may show the lab in a frame, such as a school's platform.

        address: where browsers reach the lab, if that differs from the Host header (behind a proxy).
        """
        self.app = app
        self.host = _host(address)
        policy = " ".join([POLICY, *framed_by])
        self.headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if self._is_from_elsewhere(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            headers = [header for header in scope["headers"] if header[0] != b"origin"]
            scope = {**scope, "headers": headers}
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self.headers]
            await send(message)

        if any(route in scope["path"] for route in CLOSED):
            await send_with_headers({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"There is nothing here.\n"})
            return
        await self.app(scope, receive, send_with_headers)

    def _is_from_elsewhere(self, scope: Message) -> bool:
        """Whether a page of another site sent the request. Only browsers send an Origin."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None:
            return False
        host = _host(origin.decode("latin-1"))  # empty: a sandboxed frame or a local file
        return not host or host not in (headers.get(b"host"), self.host)


def _host(address: str) -> bytes:
    """The host and port of an address; empty if it has none or is not an address."""
    try:
        return urlsplit(address).netloc.encode("latin-1")
    except ValueError:  # includes UnicodeEncodeError
        return b""
