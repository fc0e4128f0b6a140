"""A server that nobody has opened before, without a teacher and without a network."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.server import Server, open_page
from tests.browser.states import drawn


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """The archive's host refuses the connection, and there is no npm."""
    refused = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    server = Server(tmp_path_factory.mktemp("fresh"), PATH="/nowhere", no_proxy="", **refused)
    server.start()
    yield server
    server.stop()
    assert "Traceback" not in (server.folder / "server.log").read_text()


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/lab?level=0.9&epochs=77", "Lab"),
        ("/sweep?network=AlexNet", "The sweep"),
    ],
)
def test_a_deep_link_before_anyone_opened_the_root(page, fresh, address, title):
    """Where Streamlit would run the page without the router."""
    open_page(page, fresh, address, title)
    expect(page.get_by_role("link", name="The sweep")).to_be_visible()
    drawn(page)  # a wrong page would be left by now
    expect(page).to_have_url(re.compile(re.escape(address) + "$"))
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_failed_download_says_what_to_do_and_the_embedded_images_go_on(page, fresh):
    open_page(page, fresh, "/lab", "Lab")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("All 50,000 images", exact=True).click()
    page.get_by_role("button", name="Fetch all images").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_text("None of the sources gave all 60,000 images")).to_be_visible()
    expect(page.locator(".photographs figure")).to_have_count(24)
    expect(page.get_by_test_id("stException")).to_have_count(0)
