"""What of the server nobody may reach, through the protocol of ASGI itself."""

import pytest

from core.live.server.guard import Guard


def ask(path: str, kind: str = "http", address: str = "", framed_by=(), **headers: str):
    """What an application behind the guard was given, and what was sent back; None: it was not asked."""
    asked, sent = [], []

    async def application(scope, receive, send):
        asked.append(scope)
        if kind == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
            await send({"type": "http.response.body", "body": b"yes"})

    async def send(message):
        sent.append(message)

    scope = {
        "type": kind,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    run = Guard(application, framed_by, address)(scope, None, send)
    with pytest.raises(StopIteration):  # nothing here waits: no event loop is wanted
        run.send(None)
    return (asked[0] if asked else None), sent


@pytest.mark.parametrize("prefix", ["", "/lab"])
@pytest.mark.parametrize("route", ["/_stcore/upload_file/session/file", "/_stcore/metrics"])
def test_what_no_page_uses_is_closed(prefix, route):
    asked, sent = ask(prefix + route)
    assert asked is None and sent[0]["status"] == 404


def test_every_answer_says_that_nothing_comes_from_elsewhere_and_who_may_frame_it():
    _, sent = ask("/train", framed_by=["https://school.example"])
    headers = dict(sent[0]["headers"])
    policy = headers[b"content-security-policy"].decode()
    assert policy.endswith("frame-ancestors 'self' https://school.example")
    assert policy.startswith("default-src 'self'") and "http:" not in policy
    assert headers[b"a"] == b"b" and headers[b"x-content-type-options"] == b"nosniff"


def test_a_page_of_another_site_gets_no_answer_of_the_protocol():
    stream = "/_stcore/stream"
    own = {"host": "192.0.2.7:8501"}
    assert ask(stream, "websocket", **own)[0]  # no browser
    assert ask(stream, "websocket", **own, origin="http://192.0.2.7:8501")[0]
    asked, sent = ask(stream, "websocket", **own, origin="https://elsewhere.example")
    assert asked is None and sent == [{"type": "websocket.close", "code": 1008}]
    proxied = {"host": "localhost:8501", "origin": "https://lab.example"}
    assert ask(stream, "websocket", address="https://lab.example", **proxied)[0]
    asked, _ = ask("/_stcore/health", **own, origin="https://elsewhere.example")
    assert dict(asked["headers"]) == {b"host": b"192.0.2.7:8501"}


@pytest.mark.parametrize("origin", ["null", "file://", "http://[", "https://\xe9lsewhere.example"])
def test_a_page_that_has_no_address_is_a_page_of_another_site(origin):
    """A sandboxed frame or a file on a disk; and what is no address at all ends in no traceback."""
    own = {"host": "localhost:8501"}
    asked, sent = ask("/_stcore/stream", "websocket", **own, origin=origin)
    assert asked is None and sent == [{"type": "websocket.close", "code": 1008}]
    asked, _ = ask("/_stcore/health", **own, origin=origin)
    assert "origin" not in dict(asked["headers"])
