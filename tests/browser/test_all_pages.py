"""One visit to each page, light and dark, in every state that it has.

It is loaded once, and then: axe-core finds nothing, whatever its impact; at no width is anything wider
than the screen, or what matters below it; nothing has failed; nothing was asked for from elsewhere.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import draw_line, mark_ten, start_button
from tests.browser.axe import violations
from tests.browser.conftest import forget
from tests.browser.server import PASSWORD, Server
from tests.browser.states import drawn, no_wider
from tests.pages.opened import TITLES

SIZES = {  # that a page is looked at in; it is loaded at the first
    "light": [(1280, 800), (1920, 1080), (1024, 768), (390, 800), (1280, 800)],
    "dark": [(390, 800), (1024, 768), (1920, 1080), (1280, 800)],
}
ADDRESSES = {"start": "", "lab": "lab?seed=71&epochs=2&level=0.4"}
SHOWN = {  # by what it is known that a page is there
    "start": ".errors .point",
    "lab": ".photographs figure",
    "guess": ".guess-board svg",
    "sweep": "[data-testid=stVegaLiteChart]",
    "stop": ".stop-game .start",
    "find": ".photo-marker .photos button",
    "annotate": ".labeller .names button",
    "teacher": "[data-testid=stTextInput]",
    "present": ".stage .play",
}
PICTURES = {"start": ".errors", "lab": ".errors", "sweep": SHOWN["sweep"]}  # seen without scrolling
TOUCHED = {"find": ".photo-marker .photos button", "annotate": ".labeller .names button"}


@pytest.fixture(scope="module", params=SIZES)
def scheme(request):
    return request.param


@pytest.fixture(scope="module")
def context(browser: Browser, scheme):
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def screen(context):
    page = context.new_page()
    yield page
    forget(page)


@pytest.mark.parametrize("name", TITLES)
def test_a_page_is_sound_in_all_its_states(screen, server, scheme, name):
    asked, refused = [], []
    screen.on("request", lambda request: asked.append(request.url))
    screen.on("websocket", lambda socket: asked.append(socket.url))
    screen.on("console", lambda message: refused.append(message.text))
    sizes = SIZES[scheme]
    resize(screen, *sizes[0])
    screen.goto(f"{server.address}/{ADDRESSES.get(name, name)}")
    if name == "present":  # its own heading is hidden
        expect(screen.get_by_role("heading").first).to_have_text("Is that so?")
    else:
        expect(screen.get_by_role("heading", level=1)).to_have_text(TITLES[name])
    if name in SHOWN:
        expect(screen.locator(SHOWN[name]).first).to_be_visible()
    for size in sizes:
        resize(screen, *size)
        drawn(screen)
        fits(screen, name)
    found = violations(screen)
    for _ in other_states(screen, server, name):
        screen.mouse.move(0, 0)  # away from a button, whose own words hang in the air
        expect(screen.get_by_test_id("stTooltipContent")).to_have_count(0)
        drawn(screen)
        found += violations(screen)
    assert found == []
    expect(screen.get_by_test_id("stException")).to_have_count(0)
    own = (server.address, server.address.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert [text for text in refused if "Content Security Policy" in text] == []


def resize(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})


def fits(page: Page, name: str) -> None:
    no_wider(page)
    width = page.viewport_size["width"]
    if name in PICTURES and width in (390, 1280):
        top = f"document.querySelector('{PICTURES[name]}').getBoundingClientRect().y"
        page.wait_for_function(f"{top} < 700")
    if name in TOUCHED and width == 390:  # a finger needs 44 pixels
        box = page.locator(TOUCHED[name]).first.bounding_box()
        assert min(box["width"], box["height"]) >= 44


def other_states(page: Page, server: Server, name: str) -> Iterator[None]:
    """Brings the page from each of its states into the next."""
    if name == "lab":
        page.get_by_text("Look at the labels").click()
        expect(page.locator(".images figure")).to_have_count(60)
        yield
        page.get_by_role("button", name="More", exact=True).click()
        expect(page.locator(".st-key-epochs input")).to_be_visible()
        yield
        page.keyboard.press("Escape")
        start_button(page).click()
        expect(page.get_by_text(re.compile("Epoch 2 of 2 · finished"))).to_be_visible()
        page.get_by_text("More about this run").click()
        expect(page.get_by_test_id("stMetric").first).to_be_visible()
        page.get_by_text("The numbers as a table").click()
        expect(page.locator(".run-viewer table tr")).to_have_count(3)
        yield
    elif name == "guess":
        for first, last in ((0.1, 0.5), (0.4, 0.9)):
            draw_line(page, first, last)
            page.locator(".guess-board .onward").click()
        expect(page.get_by_text("training error: your guess")).to_be_visible()
        yield
    elif name == "sweep":
        page.get_by_role("button", name="Download", exact=True).first.click()
        expect(page.get_by_role("button", name="PNG")).to_be_visible()
        yield
    elif name == "find":
        mark_ten(page)
        expect(page.get_by_text("The machine's turn")).to_be_visible()
        yield
    elif name == "teacher":
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Open", exact=True).click()
        for tab, says in (
            ("Set up", "Hide from the class"),
            ("Now", "Nobody is training"),
            ("Guesses", "Show the truth as well"),
        ):
            page.get_by_role("tab", name=tab).click()
            expect(page.get_by_role("tabpanel", name=tab).get_by_text(says)).to_be_visible()
            yield
    elif name == "present":
        for step in range(2, 8):
            page.keyboard.press("ArrowRight")
            expect(page).to_have_url(re.compile(f"step={step}"))
            yield
        page.goto(f"{server.address}/present?notes")
        expect(page.get_by_text("Keys (a remote has them, too)")).to_be_visible()
        yield
