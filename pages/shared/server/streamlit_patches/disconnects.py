"""Ignore the error that Streamlit 1.67 raises when a browser disconnects mid-send.

Streamlit then reads from the closed connection, takes Starlette's RuntimeError for a text frame,
and closes the connection a second time, which raises another one. The log would get a traceback
for every laptop that is shut at the wrong moment.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class QuietDisconnects:
    """ASGI middleware that ends a connection quietly when its browser has left."""

    def __init__(self, app: Application):
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        has_left = False

        async def send_to_browser(message: Message) -> None:
            nonlocal has_left
            try:
                await send(message)
            except OSError:
                has_left = True
                raise

        try:
            await self.app(scope, receive, send_to_browser)
        except RuntimeError:
            if not has_left:
                raise
