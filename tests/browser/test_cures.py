"""From the disease to the cure, as a person walks it."""

import re

import pytest
from playwright.sync_api import expect

from core.config import RunConfig
from tests.browser.actions import mark_ten, start_button
from tests.browser.server import open_page

HUMAN = "labels that people confuse, the worst of three"


@pytest.mark.timeout(400)  # five trainings and six pages
def test_corrupt_train_stop_find_mend_and_train_again(page, server, store):
    """With the confusions of people; in the end the page says that the error fell."""
    crowd = [store.submit(RunConfig(epochs=400, seed=seed), "somebody else") for seed in (91, 92, 93)]
    open_page(page, server, "/lab?level=1&epochs=6&batch_size=128", "Lab")
    page.get_by_role("button", name="More", exact=True).click()
    page.locator(".st-key-noise").get_by_role("combobox").click()
    page.get_by_role("option", name=HUMAN).click()
    expect(page).to_have_url(re.compile("noise="))
    page.keyboard.press("Escape")
    start_button(page).click()
    expect(page.get_by_text(re.compile(f"100% {HUMAN}"))).to_be_visible()
    expect(page.get_by_text(re.compile("Epoch [2-6] of 6"))).to_be_visible(timeout=90_000)
    page.locator(".st-key-run-line").get_by_role("button", name=re.compile("Pause")).click()
    expect(page.get_by_text(re.compile("of 6 · paused"))).to_be_visible()  # stopped in time ...
    for run in crowd:  # they made it slow enough for that
        store.cancel(run.run_id, by="somebody else")
    start_button(page).click()  # ... and, to see what becomes of it, on
    expect(page.get_by_text("Epoch 6 of 6 · finished")).to_be_visible(timeout=90_000)
    page.locator(".st-key-next").get_by_role("link", name="Find the wrong labels").click()
    expect(page.get_by_text(f"40% have a wrong label (100% {HUMAN})")).to_be_visible()
    mark_ten(page)
    expect(
        page.get_by_text(
            re.compile(r"Of the 10 photographs that you marked, \d+ ha(s|ve) a wrong label")
        )
    ).to_be_visible()
    page.locator(".st-key-rank").get_by_text("Loss when it was time to stop").click()
    page.get_by_role("button", name="Search for them").click()
    expect(page.get_by_text(re.compile("the machine's 10, chosen"))).to_be_visible(timeout=150_000)
    page.get_by_role("button", name="Train again").click()
    expect(page.get_by_text(re.compile("The error on new photographs fell by"))).to_be_visible(
        timeout=150_000
    )


def test_the_game_of_stopping_counts_once_and_survives_a_reload(page, server):
    open_page(page, server, "/stop", "Stop in time")
    page.locator(".stop-game .start").click()
    expect(page.locator(".stop-game .question")).to_contain_text(re.compile(r"Epoch ([3-9]|\d\d) of"))
    page.keyboard.press("Enter")  # the focus is on Stop
    told = page.locator(".stop-game .question")
    expect(told).to_contain_text("test error")
    said = told.inner_text()
    page.reload()
    expect(told).to_have_text(said)
    expect(page.locator(".stop-game .start")).to_be_hidden()
