"""What of the web server nobody may reach, and what a browser may do with its pages."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

CLOSED = (  # routes of the framework that no page uses
    "/_stcore/upload_file",  # what is sent there would be kept in memory
    "/_stcore/metrics",
)
# Nothing is fetched from elsewhere. Streamlit's pages need styles and scripts within them, and
# the charts' expressions are compiled in the browser.
POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob: ws: wss:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


class Guard:
    """ASGI middleware. Closes what no page uses, and tells browsers to fetch nothing from elsewhere.

    Pages of other sites get no answer of the protocol; the framework would ask a server on the
    internet for this machine's address before it refuses them.
    """

    def __init__(self, app: Application, framed_by: Iterable[str] = (), address: str = ""):
        """framed_by: addresses of other sites that may show the lab in a frame, as a school's platform.

        address: where browsers reach the lab, if that is not the Host of their requests (a proxy).
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
        """Whether a page of another site asks; who is no browser says nothing of a page."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None:
            return False
        host = _host(origin.decode("latin-1"))  # empty: a sandboxed frame, or a file on a disk
        return not host or host not in (headers.get(b"host"), self.host)


def _host(address: str) -> bytes:
    """Host and port of an address; empty where it has none, or is no address."""
    try:
        return urlsplit(address).netloc.encode("latin-1")
    except ValueError:  # UnicodeEncodeError is one, too
        return b""
