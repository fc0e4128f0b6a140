"""The other changes to Streamlit: that they work, and that Streamlit still needs them."""

import asyncio
import inspect
from contextlib import suppress
from types import SimpleNamespace

import pytest
from starlette.websockets import WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.scriptrunner import script_runner
from streamlit.web.server.starlette.starlette_websocket import create_websocket_handler

from core.paths import ROOT
from pages.shared.server.streamlit_patches.disconnects import QuietDisconnects
from pages.shared.server.streamlit_patches.downloads import HoldingManager, hold_downloads


@pytest.mark.parametrize(("has_left", "end"), [(True, StopIteration), (False, RuntimeError)])
def test_only_a_browser_that_left_ends_a_connection_quietly(has_left, end):
    async def send(message):
        if has_left:
            raise OSError("closed")

    async def application(scope, receive, send):
        with suppress(OSError):
            await send({"type": "websocket.send", "bytes": b"a"})
        raise RuntimeError("WebSocket is not connected.")

    run = QuietDisconnects(application)({"type": "websocket", "headers": []}, None, send)
    with pytest.raises(end):
        run.send(None)


async def leave_while_being_sent_to(wrap) -> None:
    """Streamlit's own handler, whose browser is gone when the first message is sent to it."""
    gone = asyncio.Event()

    async def send(message):
        if message["type"] == "websocket.send":
            gone.set()
            raise OSError("closed")

    async def receive():
        if not gone.is_set():
            await asyncio.sleep(0)
            return {"type": "websocket.connect"}
        await asyncio.sleep(0.01)  # the sender has stopped by then
        return {"type": "websocket.receive", "bytes": b""}

    def connect_session(client, **_):
        client.write_forward_msg(ForwardMsg())
        gone.set()
        return "session"

    runtime = SimpleNamespace(
        connect_session=connect_session,
        handle_backmsg=lambda *_, **__: None,
        disconnect_session=lambda *_, **__: None,
    )
    handler = create_websocket_handler(runtime)

    async def application(scope, receive, send):
        await handler(WebSocket(scope, receive, send))

    scope = {"type": "websocket", "headers": [], "path": "/_stcore/stream", "subprotocols": []}
    await wrap(application)(scope, receive, send)


def test_streamlit_still_raises_where_a_browser_left(caplog):
    """The day this fails, streamlit_patches/disconnects.py can go."""
    with pytest.raises(RuntimeError):
        asyncio.run(leave_while_being_sent_to(lambda application: application))
    asyncio.run(leave_while_being_sent_to(QuietDisconnects))


def test_streamlit_still_collects_garbage_after_every_run_unless_told_not_to():
    """The day this fails, `postScriptGC` in .streamlit/config.toml can go."""
    assert 'get_option("runner.postScriptGC")' in inspect.getsource(script_runner)
    assert "postScriptGC = false" in (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")


def downloaded(manager, content: bytes = b"the figure") -> str:
    """Press a deferred download and return the id of its file, which the browser asks for next."""
    placeholder = manager.add_deferred(lambda: content, "text/csv", "0,0", "a.csv")
    return manager.execute_deferred(placeholder).rpartition("/")[2].partition(".")[0]


def other_pages_tick(manager, times: int = 3) -> None:
    """What the end of a script does in every other session."""
    for _ in range(times):
        manager.remove_orphaned_files()


def test_a_download_is_there_although_other_pages_tick_until_it_has_been_fetched():
    now = [0.0]
    manager = HoldingManager(MemoryMediaFileStorage("/media"), now=lambda: now[0])
    first = downloaded(manager)
    other_pages_tick(manager)
    assert manager.read_file(first).content == b"the figure"
    now[0] = 50.0
    again, other = downloaded(manager), downloaded(manager, b"another")  # the same content: one file
    assert again == first != other
    now[0] = 100.0  # a minute after the first press, but not after the second
    other_pages_tick(manager)
    assert manager.read_file(first) and manager.read_file(other)
    now[0] = 111.0
    other_pages_tick(manager)
    assert manager.read_file(first) is None and manager.read_file(other) is None


def test_streamlit_still_loses_a_download_while_other_pages_tick():
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    made = downloaded(manager)
    other_pages_tick(manager)
    assert manager.read_file(made) is None


def test_the_server_uses_the_manager_that_holds():
    assert "hold_downloads()" in (ROOT / "app.py").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "MediaFileManager", MediaFileManager)
        hold_downloads()
        assert runtime.MediaFileManager is HoldingManager
    assert "self._media_file_mgr = MediaFileManager(" in inspect.getsource(runtime.Runtime.__init__)
