"""Phones, paper, translated pages, frames without cookies, lost connections."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from core.config import RunConfig
from tests.browser.actions import start_button
from tests.browser.server import open_page
from tests.browser.states import drawn, no_wider, scrolled
from tests.browser.test_app import DEFAULT, no_exception
from tests.samples import wait_until

PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
NO_COOKIES = "Object.defineProperty(Document.prototype, 'cookie', {get: () => '', set: () => {}, configurable: true})"


def swipe(page: Page, across: float, down: float, start: float = 0.5) -> None:
    """A finger put on the level's slider, which is at 50%, and moved so many pixels.

    start: where on the track; 0.5: on the thumb.
    """
    touch = page.context.new_cdp_session(page)
    box = page.locator(".st-key-level").get_by_test_id("stSlider").bounding_box()
    thumb = page.locator(".st-key-level").get_by_role("slider").bounding_box()
    x, y = box["x"] + start * box["width"], thumb["y"] - 1

    def send(kind: str, *points: dict) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    send("touchStart", {"x": x, "y": y})
    for part in range(1, 11):
        send("touchMove", {"x": x + across * part / 10, "y": y + down * part / 10})
        page.evaluate("new Promise(requestAnimationFrame)")  # a finger is slower than a program
    send("touchEnd")


def test_a_swipe_on_the_slider_moves_the_page_and_across_it_the_level(visit, server):
    page = visit(**PHONE)
    open_page(page, server, "/lab?level=0.5", "Lab")
    slider = page.locator(".st-key-level").get_by_role("slider")
    expect(slider).to_have_value("0.5")
    expect(page.locator(".photographs figure")).to_have_count(24)  # the page has its whole height
    drawn(page)
    for start in (0.5, 0.2):
        swipe(page, 3, -160, start)
        assert scrolled(page) > 80
        drawn(page)
        expect(slider).to_have_value("0.5")
        page.get_by_test_id("stMain").evaluate("main => { main.scrollTop = 0 }")
        assert scrolled(page) == 0
    swipe(page, 90, 2)
    expect(slider).not_to_have_value("0.5")
    assert scrolled(page) < 20
    assert float(slider.input_value()) > 0.6


def test_no_hints_of_keys_where_there_are_none_and_targets_for_fingers(visit, server):
    page = visit(**PHONE)
    open_page(page, server, "/lab", "Lab")
    expect(start_button(page)).to_be_visible()
    expect(page.locator("kbd").first).to_be_hidden()
    assert start_button(page).bounding_box()["height"] >= 44


def test_what_is_printed_from_dark_is_dark_on_white(page, server):
    page.emulate_media(color_scheme="dark")
    open_page(page, server, "/lab?level=0.4", "Lab")
    expect(page.locator(".photographs figure")).to_have_count(24)
    app = "getComputedStyle(document.querySelector('.stApp')).filter"
    assert page.evaluate(app) == "none"
    page.emulate_media(media="print", color_scheme="dark")
    assert "invert(1)" in page.evaluate(app)
    picture = page.locator(".photographs figure div").first
    assert "invert(1)" in picture.evaluate("node => getComputedStyle(node).filter")  # turned back


def test_a_page_translated_by_the_browser_keeps_working(page, server):
    """As its translators do: every text is put into elements of their own."""
    open_page(page, server, "/lab?seed=61&epochs=4", "Lab")
    expect(page.locator(".said")).to_contain_text("Dashed: the training error of a network")
    page.evaluate(
        """() => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
          const texts = []
          while (walker.nextNode()) texts.push(walker.currentNode)
          for (const text of texts) {
            if (!text.data.trim() || text.parentElement.closest("script, style, svg")) continue
            const outer = document.createElement("font"), inner = document.createElement("font")
            text.replaceWith(outer)
            outer.append(inner)
            inner.append(`[${text.data}]`)
          }
        }"""
    )
    start_button(page).click()
    expect(page.get_by_text(re.compile("Epoch 4 of 4 · finished"))).to_be_visible(timeout=60_000)
    expect(page.locator(".said")).to_contain_text("After 4 epochs")
    slider = page.locator(".st-key-level").get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    expect(start_button(page)).to_contain_text("Train at 25%")
    no_exception(page)


def test_in_a_frame_that_refuses_cookies_a_reload_is_the_same_visitor(visit, server):
    page = visit()
    page.add_init_script(NO_COOKIES)
    open_page(page, server, "/lab?seed=62&epochs=2", "Lab")
    start_button(page).click()
    expect(page.get_by_text(re.compile("Epoch 2 of 2 · finished"))).to_be_visible(timeout=60_000)
    expect(page).to_have_url(re.compile("lab_visitor=[0-9a-f]{16}"))
    (name,) = parse_qs(urlsplit(page.url).query)["lab_visitor"]
    open_page(page, server, f"/lab?lab_visitor={name}", "Lab")
    expect(page.get_by_text("Your runs")).to_be_visible()
    page.get_by_role("link", name="The sweep").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The sweep")
    expect(page).to_have_url(re.compile("lab_visitor=[0-9a-f]{16}"))
    # With a cookie the address is left alone, and a stranger's name in it counts for nothing.
    other = visit()
    other.goto(page.url.replace("/sweep", "/lab"))
    expect(other.get_by_role("heading", level=1)).to_have_text("Lab")
    other.goto(f"{server.address}/lab?lab_visitor={'0' * 16}")
    expect(other).not_to_have_url(re.compile("lab_visitor"))
    for each in (other, page):
        no_exception(each)


def test_shift_enter_starts_also_from_within_a_field_and_from_the_slider(page, server, store):
    open_page(page, server, "/lab?seed=63", "Lab")
    page.get_by_role("button", name="More", exact=True).click()
    field = page.locator(".st-key-epochs input")
    field.fill("3")
    field.press("Shift+Enter")
    expect(page.get_by_text(re.compile("Epoch 3 of 3 · finished"))).to_be_visible(timeout=60_000)
    assert store.run(RunConfig(**{**DEFAULT.overrides(), "epochs": 3, "seed": 63}).run_id)
    page.keyboard.press("Escape")
    slider = page.locator(".st-key-level").get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    expect(start_button(page)).to_contain_text("Train at 25%")
    slider.press("Shift+Enter")
    expect(page.locator(".run-viewer h2")).to_contain_text("25% random labels")
    no_exception(page)


def test_a_lost_connection_comes_back_to_the_same_run(visit, server, store):
    page = visit()
    open_page(page, server, "/lab?seed=64&epochs=300", "Lab")
    start_button(page).click()
    expect(page.get_by_text(re.compile(r"Epoch [1-9]\d* of 300"))).to_be_visible(timeout=60_000)
    page.context.set_offline(True)
    run_id = replace(DEFAULT, seed=64, epochs=300).run_id
    done = store.run(run_id).epochs_done
    wait_until(lambda: store.run(run_id).epochs_done > done + 2)  # it goes on meanwhile
    page.context.set_offline(False)
    page.reload()  # as a phone does that was asleep for long
    expect(page.get_by_text(re.compile(r"Epoch [1-9]\d* of 300"))).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name=re.compile("^Pause"))).to_be_visible()  # still its owner's
    page.keyboard.press("Shift+X")
    expect(page.get_by_text(re.compile("of 300 · cancelled"))).to_be_visible()


def test_large_is_an_address_for_projectors(page, server):
    page.set_viewport_size({"width": 1920, "height": 1080})
    open_page(page, server, "/lab?large", "Lab")
    size = "parseFloat(getComputedStyle(document.querySelector('.said')).fontSize)"
    expect(page.locator(".said")).to_be_visible()
    assert page.evaluate(size) >= 24
    no_wider(page)


def test_a_page_that_was_read_for_two_hours_goes_on(visit, server):
    """The browser's clock is put forward: what waits in it for a time has it behind it."""
    page = visit()
    page.clock.install()
    open_page(page, server, "/lab?seed=83&epochs=2&level=0.3", "Lab")
    start_button(page).click()
    expect(page.get_by_text(re.compile("Epoch 2 of 2 · finished"))).to_be_visible(timeout=60_000)
    page.clock.fast_forward("02:00:00")
    expect(page.get_by_text(re.compile("30% random labels"))).to_be_visible()
    page.locator(".st-key-next").get_by_role("button", name="True labels").click()
    expect(page.get_by_text(re.compile("True labels, small network"))).to_be_visible()
    expect(page.get_by_text(re.compile("Epoch 2 of 2 · finished"))).to_be_visible(timeout=60_000)
