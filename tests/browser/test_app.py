"""What a person does with the app, in a real browser against a real server."""

import re
import signal
import subprocess
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from core.config import PRESETS, RunConfig
from core.live.classroom.classroom import Classroom
from tests.browser.actions import start_button
from tests.browser.server import open_page
from tests.browser.states import drawn, no_wider, scrolled
from tests.samples import record, reproducible, wait_until

DEFAULT = PRESETS[0].config  # what a page shows that nobody has touched
PHONE = {"width": 390, "height": 844}
SIZES = (
    {"width": 1920, "height": 1080},
    {"width": 1280, "height": 800},
    {"width": 1024, "height": 768},
    PHONE,
)


def metric(page: Page, label: str):
    return (
        page.get_by_test_id("stMetric")
        .filter(has_text=re.compile(f"^{label}"))
        .get_by_test_id("stMetricValue")
    )


def open_details(page: Page) -> None:
    page.get_by_text("More about this run").click()


def no_exception(page: Page) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)


def fill(page: Page, key: str, value: str) -> None:
    box = page.locator(f".st-key-{key} input")
    box.fill(value)
    box.press("Enter")


def start_with(page: Page, epochs: int, **settings: str) -> None:
    """Start a run of so many epochs, and wait until the first of them is shown."""
    page.get_by_role("button", name="More", exact=True).click()
    for key, value in {**settings, "epochs": str(epochs)}.items():
        fill(page, key, value)
    page.keyboard.press("Escape")
    expect(page.get_by_text(f"{epochs} epochs: about")).to_be_visible()
    start_button(page).click()
    expect(page.get_by_text(re.compile(rf"Epoch [1-9]\d* of {epochs}"))).to_be_visible(timeout=60_000)


def test_a_walk_through_all_pages_with_a_run_to_its_end(page, server, store):
    """Start, the lab, train on real images, read the final error, find the run in the sweep."""
    open_page(page, server, "/", "Can a network learn from lies?")
    expect(page.locator(".photographs figure")).to_have_count(8)
    wrong = page.locator(".photographs figure.wrong")
    expect(wrong).to_have_count(3)
    slider = page.get_by_role("slider", name=re.compile("How many labels"))
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    expect(page.get_by_text("80%", exact=True).first).to_be_visible()
    assert wrong.count() > 4
    page.get_by_role("button", name="Train a real network").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Lab")
    expect(page.locator(".run-viewer h2")).to_have_text(re.compile("^80% random labels, small network"))
    expect(page.get_by_text(re.compile(r"Epoch \d+ of 40"))).to_be_visible(timeout=60_000)
    expect(page.locator(".errors .point").first).to_be_in_viewport(timeout=60_000)
    page.keyboard.press("Shift+X")
    expect(page.get_by_text("of 40 · cancelled")).to_be_visible()

    # In twice as many steps an epoch everything is memorized in half as many epochs.
    start_with(page, 20, batch_size="64")
    expect(page.get_by_text("Epoch 20 of 20 · finished")).to_be_visible(timeout=120_000)
    record = store.records(replace(DEFAULT, level=0.8, epochs=20, batch_size=64).run_id)[-1]
    open_details(page)
    expect(metric(page, "Test error")).to_have_text(f"{record.test_error:.1%}")
    expect(metric(page, "Training error")).to_have_text(re.compile(r"0\.\d%"))
    expect(metric(page, "Wrong label repeated")).to_have_text(re.compile(r"(99\.\d|100\.0)%"))
    assert 0.75 < record.test_error < 0.95
    assert (
        page.locator(".photographs figure.repeats").count() == page.locator("figure.wrong").count() > 9
    )

    page.get_by_role("link", name="The sweep").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The sweep")
    expect(page.get_by_text("Large: your own finished runs")).to_be_visible()
    no_exception(page)


def test_the_curves_stay_when_the_line_above_them_goes(page, server, store):
    """Made anew they would be replayed from the first epoch, at the moment of the end."""
    classroom = Classroom(store)
    classroom.pause_all(True)
    open_page(page, server, "/lab?seed=16&epochs=4", "Lab")
    start_button(page).click()
    expect(page).to_have_url(re.compile("run="))
    expect(page.get_by_text(re.compile("^Epoch 0 of 4|paused"))).to_be_visible()  # a line of its own
    page.locator(".run-viewer").evaluate("viewer => { viewer.wasHere = true }")
    classroom.pause_all(False)
    expect(page.get_by_text("Epoch 4 of 4 · finished")).to_be_visible(timeout=120_000)
    assert page.locator(".run-viewer").evaluate("viewer => viewer.wasHere")


def test_an_epoch_chosen_on_the_chart_sets_photographs_and_sentence(visit, server):
    page = visit()
    page.clock.install()
    open_page(page, server, "/lab?seed=15&epochs=6&level=0.6", "Lab")
    start_button(page).click()
    expect(page.get_by_text("Epoch 6 of 6 · finished")).to_be_visible(timeout=120_000)
    scrubber = page.get_by_role("slider", name="Epoch")
    said, now = page.locator(".said"), page.locator(".transport output")
    expect(now).to_have_text("Epoch 6 / 6")
    at_the_end = said.inner_text()
    scrubber.focus()
    for _ in range(4):
        scrubber.press("ArrowLeft")
    expect(now).to_have_text("Epoch 2 / 6")
    expect(said).to_contain_text("After 2 epochs")
    page.locator("svg.errors").hover()  # in its middle
    expect(now).to_have_text(re.compile("Epoch [345] / 6"))
    page.mouse.move(5, 5)
    expect(now).to_have_text("Epoch 2 / 6")
    page.get_by_role("button", name="Show the end").click()
    expect(said).to_have_text(at_the_end)
    page.get_by_text("The numbers as a table").click()
    expect(page.locator(".run-viewer table tr")).to_have_count(7)
    page.get_by_role("button", name="Replay").last.click()  # the viewer's own
    expect(now).to_have_text(re.compile("Epoch [0-5] / 6"))
    page.clock.fast_forward(6_000)
    expect(now).to_have_text("Epoch 6 / 6")


def test_the_first_minute_at_every_width(page, server):
    """From the address to a moving point inside the window, with one press."""
    page.set_viewport_size(PHONE)
    page.goto(server.address)
    press, point = (
        page.get_by_role("button", name="Train a real network"),
        page.locator(".errors .point").first,
    )
    expect(point).to_be_in_viewport()  # the stored run moves
    for size in SIZES:
        page.set_viewport_size(size)
        expect(point).to_be_in_viewport()
        expect(press).to_be_enabled()
        no_wider(page)
    press.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lab")
    expect(point).to_be_in_viewport(timeout=60_000)
    for size in SIZES:
        page.set_viewport_size(size)
        expect(point).to_be_in_viewport()
        no_wider(page)
    page.keyboard.press("Shift+X")


def test_what_is_begun_is_seen_from_the_top(page, server):
    """On a phone a button stands far below what it begins, on the next page or on this one."""
    page.set_viewport_size(PHONE)
    open_page(page, server, "/lab?seed=17&epochs=2", "Lab")
    main = page.get_by_test_id("stMain")
    page.get_by_role("button", name="Start training").click()
    again = page.get_by_role("button", name="All random")
    again.scroll_into_view_if_needed()
    assert main.evaluate("main => main.scrollTop") > 400
    again.click()
    expect(page.get_by_text("100% random labels")).to_be_in_viewport()
    expect(page.get_by_role("button", name="True labels")).to_be_visible()  # it has ended
    onward = page.get_by_role("link", name=re.compile("Next: The whole curve"))
    onward.scroll_into_view_if_needed()
    drawn(page)  # what is redrawn leaves the place where somebody looks
    expect(onward).to_be_in_viewport()
    onward.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The whole curve")
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    assert scrolled(page) == 0


def test_pause_one_epoch_resume_and_cancel_by_keyboard(page, server, store):
    open_page(page, server, "/lab?seed=11", "Lab")
    start_with(page, 400)
    page.keyboard.press("Shift+P")
    paused = page.get_by_text(re.compile(r"Epoch \d+ of 400 · paused"))
    expect(paused).to_be_visible()
    run_id = replace(DEFAULT, epochs=400, seed=11).run_id
    wait_until(lambda: not store.database.state().in_training)
    done = store.run(run_id).epochs_done
    expect(page.get_by_text(f"Epoch {done} of 400 · paused")).to_be_visible()
    page.keyboard.press("Shift+E")
    expect(page.get_by_text(f"Epoch {done + 1} of 400 · paused")).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)  # a press while it is drawn is lost
    page.keyboard.press("Shift+P")
    expect(page.get_by_text(re.compile("of 400 · .* left"))).to_be_visible(timeout=30_000)
    page.keyboard.press("x")  # one letter alone does nothing
    expect(page.get_by_text(re.compile("of 400 · .* left"))).to_be_visible()
    page.keyboard.press("Shift+X")
    expect(page.get_by_text(re.compile(r"of 400 · cancelled"))).to_be_visible()
    expect(start_button(page)).to_contain_text("Go on")
    start_button(page).click()
    expect(page.get_by_text(re.compile("of 400 · .* left"))).to_be_visible(timeout=30_000)
    page.keyboard.press("Shift+X")
    expect(page.get_by_text(re.compile(r"of 400 · cancelled"))).to_be_visible()
    no_exception(page)


def test_a_run_is_found_again_after_reload_and_by_a_second_viewer(page, server, visit):
    open_page(page, server, "/lab?seed=12&epochs=4", "Lab")
    start_button(page).click()
    expect(page.get_by_text("Epoch 4 of 4 · finished")).to_be_visible(timeout=120_000)
    expect(page.locator(".said")).to_contain_text("After 4 epochs")
    end = page.locator(".said").inner_text()
    page.reload()
    page.get_by_role("button", name="Show the end").click()  # it is replayed
    expect(page.locator(".said")).to_have_text(end)
    other = visit()
    other.goto(page.url)
    other.get_by_role("button", name="Show the end").click()
    expect(other.locator(".said")).to_have_text(end)
    assert replace(DEFAULT, seed=12, epochs=4).run_id in other.url
    open_page(page, server, "/lab", "Lab")
    expect(page.get_by_text("Your runs")).to_be_visible()  # the visitor is known again
    open_page(other, server, "/lab", "Lab")
    expect(start_button(other)).to_be_enabled()
    drawn(other)
    expect(other.get_by_text("Your runs")).to_have_count(0)


def test_a_killed_trainer_and_a_restarted_server_lose_nothing(page, server, store):
    config = replace(DEFAULT, epochs=12, seed=13)
    open_page(page, server, "/lab?seed=13&epochs=12", "Lab")
    start_button(page).click()
    expect(page).to_have_url(re.compile("run="))
    wait_until(lambda: store.records(config.run_id))
    trainers = subprocess.run(
        ["pgrep", "-P", str(server.process.pid), "-f", "core.live.training.trainer"],
        capture_output=True,
        text=True,
    ).stdout.split()
    assert len(trainers) == 1
    subprocess.run(["kill", f"-{signal.SIGKILL}", trainers[0]], check=True)
    kept = store.records(config.run_id)
    assert len(kept) < 12
    server.stop()
    server.start()
    page.goto(page.url)
    expect(page.get_by_text("Epoch 12 of 12 · finished")).to_be_visible(timeout=120_000)
    records = store.records(config.run_id)
    assert reproducible(records[: len(kept)]) == reproducible(kept) and len(records) == 12


def test_runs_side_by_side_share_a_link(page, server, store):
    configs = [RunConfig(level=0.5, epochs=1000, seed=seed) for seed in (21, 22)]
    for config in configs:
        run_id = store.submit(config, "somebody else").run_id
        store.cancel(run_id, by="somebody else")  # before it is trained: its epochs are these
        for epoch in range(1, 6):
            store.add_epoch(run_id, record(epoch))
    address = "&".join(f"compare={config.run_id}" for config in configs)
    open_page(page, server, f"/lab?{address}", "Lab")
    expect(page.get_by_text("Runs side by side")).to_be_visible()
    expect(page.get_by_text("seed 21").first).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    no_exception(page)


@pytest.mark.parametrize("former", ["train", "corrupt"])
def test_a_former_address_leads_to_the_lab(page, server, former):
    page.goto(f"{server.address}/{former}?level=0.3&seed=5")
    expect(page.get_by_role("heading", level=1)).to_have_text("Lab")
    expect(page).to_have_url(re.compile(r"/lab\?level=0.3&seed=5$"))
    expect(page.locator(".run-viewer h2")).to_have_text(re.compile("^30% random labels"))


def test_an_address_with_infinite_numbers_gives_a_page_that_says_so(page, server):
    open_page(page, server, "/lab?seed=inf&level=1e999", "Lab")
    expect(page.get_by_text("seed is 'inf', but must be a whole number")).to_be_visible()
    expect(page.get_by_role("slider")).to_have_value("0.2")
    no_exception(page)
