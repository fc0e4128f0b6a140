"""No server of ours fetches anything from elsewhere unasked. What browsers ask for: test_all_pages.py."""

import urllib.request


def test_a_page_of_another_site_makes_the_server_ask_nobody(page, server):
    """The framework would ask the internet for the server's own address."""
    before = server.calls()
    foreign = {"Origin": "https://elsewhere.example"}
    health = f"http://localhost:{server.port}/_stcore/health"
    urllib.request.urlopen(urllib.request.Request(health, headers=foreign)).read()
    page.goto("about:blank")
    page.evaluate(
        "address => new Promise(end => { new WebSocket(address).onclose = end })",
        f"ws://localhost:{server.port}/_stcore/stream",
    )
    assert server.calls() == before == ""
