"""What axe-core does not look at: words for pictures, and those of a button that is disabled."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.actions import start_button
from tests.browser.server import open_page


def test_charts_and_images_have_words_for_those_who_do_not_see_them(page, server):
    open_page(page, server, "/lab?level=0.4&labels=true", "Lab")
    expect(page.get_by_role("img", name=re.compile("an? .*, wrongly labeled")).first).to_be_visible()
    expect(
        page.get_by_role("img", name=re.compile("40% random labels.*Error against epoch"))
    ).to_be_visible()
    heatmap = page.locator("[data-testid=stVegaLiteChart][aria-label^='Number of training images']")
    expect(heatmap).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_of_a_button_that_is_disabled_can_be_read(page, server, scheme):
    page.emulate_media(color_scheme=scheme)
    open_page(page, server, f"/lab?seed=83&epochs=400&level={0.4 if scheme == 'dark' else 0.6}", "Lab")
    start_button(page).click()
    disabled = page.locator(".st-key-start button:disabled")
    expect(disabled).to_have_text(re.compile("Training"))
    words, behind = (
        disabled.locator("p").first.evaluate("node => getComputedStyle(node).color"),
        page.locator(".stApp").evaluate("node => getComputedStyle(node).backgroundColor"),
    )
    light, dark = sorted((luminance(words), luminance(behind)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance of rgb(r, g, b), as WCAG 2 defines it."""
    shares = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
