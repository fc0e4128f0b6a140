"""axe-core finds nothing, of any impact, on any page in any state, light and dark."""

import re
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from core.live.classroom.login import hash_password
from tests.browser.server import Server
from tests.browser.test_app import start_button
from tests.browser.test_classroom_pages import PASSWORD, draw_line

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# What is Streamlit's own, and nothing of ours can mend.
NOT_OURS: dict[str, str] = {}


# Streamlit fades what a busy server draws anew, and in again; the page at rest is judged.
AT_REST = "[data-testid=stElementContainer] { opacity: 1 !important; transition: none !important }"


def violations(page: Page) -> list[str]:
    page.add_style_tag(content=AT_REST)
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['impact']} {each['id']}: {node['target']} {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"]
        if each["id"] not in NOT_OURS
    ]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("accessible")
    (folder / "lab.toml").write_text(f'teacher_password = "{hash_password(PASSWORD)}"\n')
    server = Server(folder, "lab.localhost", LAB_CONFIG=str(folder / "lab.toml"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["light", "dark"])
def screen(request, browser):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme=request.param, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def seen(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    expect(page.locator(".unfilled")).to_have_count(0)
    page.wait_for_timeout(400)  # Streamlit fades what is new in


def test_start_and_the_lab_in_every_state(screen, lab):
    screen.goto(lab.address)
    expect(screen.locator(".errors .point").first).to_be_visible()
    seen(screen)
    found = violations(screen)
    screen.goto(lab.address + "/lab?seed=71&epochs=3&level=0.4&labels=true")
    expect(screen.locator(".images figure")).to_have_count(60)
    seen(screen)
    found += violations(screen)
    screen.get_by_role("button", name="More", exact=True).click()
    expect(screen.locator(".st-key-epochs input")).to_be_visible()
    screen.mouse.move(0, 0)  # away from the button, whose own words hang in the air
    seen(screen)
    found += violations(screen)
    screen.keyboard.press("Escape")
    start_button(screen).click()
    expect(screen.get_by_text(re.compile("Epoch 3 of 3 · finished"))).to_be_visible(timeout=60_000)
    screen.get_by_text("More about this run").click()
    screen.get_by_text("The numbers as a table").click()
    seen(screen)
    found += violations(screen)
    assert found == []


def test_guess_before_and_after(screen, lab):
    screen.goto(lab.address + "/guess")
    expect(screen.locator(".guess-board svg")).to_be_visible()
    seen(screen)
    found = violations(screen)
    for first, last in ((0.1, 0.5), (0.4, 0.9)):
        draw_line(screen, first, last)
        screen.locator(".guess-board .onward").click()
    expect(screen.get_by_text("training error: your guess")).to_be_visible()
    seen(screen)
    assert found + violations(screen) == []


def test_the_sweep_and_its_downloads(screen, lab):
    screen.goto(lab.address + "/sweep")
    expect(screen.locator("svg.marks").first).to_be_visible()
    seen(screen)
    found = violations(screen)
    screen.get_by_role("button", name="Download", exact=True).first.click()
    expect(screen.get_by_role("button", name="PNG")).to_be_visible()
    assert found + violations(screen) == []


def test_each_step_of_the_story(screen, lab):
    found = []
    for step in range(1, 8):
        screen.goto(f"{lab.address}/present?step={step}")
        expect(screen.locator(".stage .play")).to_be_visible()
        seen(screen)
        found += violations(screen)
    screen.goto(lab.address + "/present?notes")
    seen(screen)
    assert found + violations(screen) == []


def test_the_teachers_page_closed_and_open(screen, lab):
    screen.goto(lab.address + "/teacher")
    expect(screen.get_by_role("textbox", name="Password")).to_be_visible()
    seen(screen)
    found = violations(screen)
    screen.get_by_role("textbox", name="Password").fill(PASSWORD)
    screen.get_by_role("button", name="Open", exact=True).click()
    expect(screen.get_by_role("tab", name="Set up")).to_be_visible()
    for tab in ("Set up", "Now", "Guesses"):
        screen.get_by_role("tab", name=tab).click()
        seen(screen)
        found += violations(screen)
    assert found == []
