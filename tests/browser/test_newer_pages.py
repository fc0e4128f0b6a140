"""What holds for each of the pages on curing, on the class and on weights."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.server import open_page
from tests.browser.test_accessibility import seen, violations
from tests.pages.opened import TITLES

NAMES = ("stop", "find", "defend", "curve", "annotate", "weights")
TOUCHED = {"find": ".photo-marker .photos button", "annotate": ".labeller .names button"}


@pytest.mark.parametrize("width", [390, 1024, 1280, 1920])
def test_the_pages_fit_the_window(page, server, width):
    page.set_viewport_size({"width": width, "height": 844 if width == 390 else 768})
    for name in NAMES:
        open_page(page, server, f"/{name}", TITLES[name])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width == 390 and name in TOUCHED:  # a finger needs 44 pixels
            box = page.locator(TOUCHED[name]).first.bounding_box()
            assert min(box["width"], box["height"]) >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, server, scheme):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page, found = context.new_page(), []
    for name in NAMES:
        open_page(page, server, f"/{name}", TITLES[name])
        seen(page)
        found += violations(page)
    context.close()
    assert found == []


def test_a_link_in_the_text_sets_the_control_and_keys_reach_it(page, server):
    open_page(page, server, "/lab", "Lab")
    slider = page.get_by_role("slider", name="Corruption level")
    page.get_by_role("button", name="all of them").click()
    expect(slider).to_have_attribute("aria-valuetext", "100%")
    page.get_by_role("button", name="every label true").press("Enter")
    expect(slider).to_have_attribute("aria-valuetext", "0%")
    open_page(page, server, "/sweep?experts=true", "The sweep")
    expect(page.locator("code").filter(has_text="--level 0.5 ")).to_be_visible()
    page.get_by_role("button", name="labels are random").click()
    expect(page.locator("code").filter(has_text=re.compile("--level 1(.0)? "))).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_of_a_button_that_is_disabled_can_be_read(browser, server, scheme):
    """Which axe does not look at."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    open_page(page, server, f"/lab?seed=83&epochs=400&level={0.4 if scheme == 'dark' else 0.6}", "Lab")
    page.locator(".st-key-start button").click()
    disabled = page.locator(".st-key-start button:disabled")
    expect(disabled).to_have_text(re.compile("Training"))
    words, behind = (
        disabled.locator("p").first.evaluate("node => getComputedStyle(node).color"),
        page.locator(".stApp").evaluate("node => getComputedStyle(node).backgroundColor"),
    )
    context.close()
    light, dark = sorted((luminance(words), luminance(behind)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance of rgb(r, g, b), as WCAG 2 defines it."""
    shares = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
