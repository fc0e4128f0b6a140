"""No browser of a visitor, and no server of ours, fetches anything from elsewhere unasked."""

import urllib.request

from playwright.sync_api import expect

from tests.browser.server import Server
from tests.pages.opened import TITLES


def test_all_pages_work_without_a_network_and_ask_for_nothing(browser, tmp_path):
    server = Server(tmp_path)
    server.start()
    page = browser.new_context().new_page()
    asked, refused = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: refused.append(message.text))
    try:
        for name in TITLES:
            page.goto(f"{server.address}/{'' if name == 'start' else name}")
            expect(page.locator("h1")).to_be_attached()  # hidden in the story, where no role finds it
            page.wait_for_load_state("networkidle")
        own = (server.address, server.address.replace("http", "ws"), "data:", "blob:")
        assert [url for url in asked if not url.startswith(own)] == []
        assert [text for text in refused if "Content Security Policy" in text] == []
        # A page of another site makes the framework ask the internet for its own address.
        foreign = {"Origin": "https://elsewhere.example"}
        request = urllib.request.Request(f"{server.address}/_stcore/health", headers=foreign)
        urllib.request.urlopen(request).read()
        page.goto("about:blank")
        page.evaluate(
            "address => new Promise(end => { new WebSocket(address).onclose = end })",
            f"ws://localhost:{server.port}/_stcore/stream",
        )
    finally:
        page.context.close()
        server.stop()
    assert server.calls() == ""
    assert "Traceback" not in (tmp_path / "server.log").read_text()
