"""The README's screenshots, from the real app: `make screenshots`."""

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.actions import draw_line, start_button
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.server import ROOT, Server

FOLDER = ROOT / "assets" / "screenshots"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    server = Server(Path(tempfile.mkdtemp()))
    server.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
        take(page, server, "", "start", page.locator(".errors .point").first)
        guess(page, server)
        take(page, server, "sweep", "sweep", page.locator("svg.marks").first)
        lab(page, server)
        take(page, server, "present?step=4", "present", page.get_by_text(re.compile(r"Epoch 2\d / 60")))
        browser.close()
    server.stop()


def take(page: Page, server: Server, address: str, name: str, shows) -> None:
    page.goto(f"{server.address}/{address}")
    expect(shows).to_be_visible()
    page.wait_for_timeout(2000)
    page.screenshot(path=FOLDER / f"{name}.png")


def guess(page: Page, server: Server) -> None:
    page.goto(server.address + "/guess")
    for first, last in ((0.1, 0.6), (0.3, 0.95)):
        expect(page.locator(".guess-board svg")).to_be_visible()
        draw_line(page, first, last)
        page.locator(".guess-board .onward").click()
    expect(page.get_by_text("training error: your guess")).to_be_visible()
    page.get_by_role("heading", level=1).click()  # nothing has the focus
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "guess.png")


def lab(page: Page, server: Server) -> None:
    page.goto(server.address + "/lab?level=0.4")
    start_button(page).click()
    expect(page.get_by_text("Epoch 40 of 40 · finished")).to_be_visible(timeout=180_000)
    page.get_by_role("heading", level=1).click()  # nothing has the focus
    page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "lab.png")


if __name__ == "__main__":
    main()
