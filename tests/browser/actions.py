"""What people do on several pages."""

from playwright.sync_api import Page, expect

from tests.browser.server import Server, open_page

PASSWORD = "correct horse"  # of the teacher


def unlock(page: Page, school: Server) -> None:
    open_page(page, school, "/teacher", "Teacher")
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
