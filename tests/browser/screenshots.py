"""The README's screenshots, from the real app: `make screenshots`."""

import re
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.server import ROOT, Server, open_page

FOLDER = ROOT / "assets" / "screenshots"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    server = Server(Path(tempfile.mkdtemp()))
    server.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
        for address, title in (
            ("/", "Can a network learn from lies?"),
            ("/lab?level=0.4&labels=true", "Lab"),
            ("/sweep", "The sweep"),
            ("/guess", "Guess first"),
        ):
            open_page(page, server, address, title)
            page.wait_for_timeout(2000)
            page.screenshot(path=FOLDER / f"{address.strip('/').partition('?')[0] or 'start'}.png")
        open_page(page, server, "/lab", "Lab")
        page.get_by_role("button", name=re.compile("Start training")).click()
        expect(page.get_by_text("Epoch 40 of 40 · finished")).to_be_visible(timeout=180_000)
        page.mouse.click(640, 200)
        page.wait_for_timeout(2000)
        page.screenshot(path=FOLDER / "train.png")
        page.goto(server.address + "/present")
        for number in (1, 2):
            expect(page.get_by_text(f"{number} of 4")).to_be_visible()
            page.keyboard.press("ArrowRight")
        expect(page.get_by_text(re.compile("(repeats|memorized) [6-9][0-9]%"))).to_be_visible()
        page.screenshot(path=FOLDER / "present.png")
        browser.close()
    server.stop()


if __name__ == "__main__":
    main()
