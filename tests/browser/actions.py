"""What people do on several pages."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.server import PASSWORD, Server, open_page


def start_button(page: Page) -> Locator:
    return page.locator(".st-key-start button")


def unlock(page: Page, server: Server) -> None:
    open_page(page, server, "/teacher", "Teacher")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("tab", name="Now")).to_be_visible()


def draw_line(page: Page, first: float, last: float) -> None:
    """A stroke across the chart, from one error to another."""
    box = page.locator(".guess-board svg").bounding_box()
    rem = 16
    left, right = box["x"] + 3.2 * rem, box["x"] + box["width"] - rem
    top, bottom = box["y"] + 0.7 * rem, box["y"] + box["height"] - 2.8 * rem
    page.mouse.move(left, bottom - first * (bottom - top))
    page.mouse.down()
    page.mouse.move(right, bottom - last * (bottom - top), steps=4)  # quick: levels are passed over
    page.mouse.up()


def mark_ten(page: Page) -> None:
    photographs = page.locator(".photo-marker .photos button")
    expect(photographs).to_have_count(40)
    for place in range(10):
        photographs.nth(place).click()
    expect(page.get_by_text("10 of 10 marked")).to_be_visible()
    page.locator(".photo-marker .send").click()
