"""What a person does with the sweep, in a real browser."""

import io
import re

import pypdf
from playwright.sync_api import Page, expect

from core.sweep.results import load_runs
from tests.browser.server import open_page


def full_runs():
    runs = load_runs()
    return runs[(runs.model == "mlp-1x512") & (runs.data == "full") & (runs.weight_decay == 0)]


def charts(page: Page):
    """Those that are drawn by now."""
    return page.get_by_test_id("stVegaLiteChart").locator("svg.marks")


def test_all_of_it_is_there_from_one_click(page, server):
    open_page(page, server, "/lab", "Lab")
    page.get_by_role("link", name="The sweep").first.click()
    expect(charts(page)).to_have_count(2)
    page.get_by_text("For experts").click()
    expect(charts(page)).to_have_count(3)
    page.get_by_test_id("stDataFrame").locator("canvas").first.wait_for()


def test_a_click_on_a_point_opens_that_level(page, server):
    open_page(page, server, "/sweep?experts=true", "The sweep")
    expect(page.locator("code").filter(has_text="--level 0.5 ")).to_be_visible()
    charts(page).first.wait_for()
    point = page.wait_for_function(
        """() => [...document.querySelectorAll(".st-key-sweep .mark-symbol path")].find(
             node => node.__data__?.datum?.source === "ours" && node.__data__.datum.level === 0.8)"""
    )
    point.as_element().click()
    expect(page.locator("code").filter(has_text="--level 0.8 ")).to_be_visible()
    run_ids = full_runs().query("level == 0.8").run_id
    expect(page.get_by_text(re.compile("Run ({}):".format("|".join(run_ids))))).to_be_visible()


def test_levels_and_seeds_and_what_was_wrong_in_earlier_attempts(page, server):
    open_page(page, server, "/sweep?experts=true", "The sweep")
    page.locator(".st-key-run_level").get_by_role("combobox").click()
    page.get_by_role("option", name="100% corruption").click()
    expect(page.locator("code").filter(has_text="--level 1 ")).to_be_visible()
    page.get_by_text("Show earlier attempts").click()
    expect(page.get_by_text("the test labels were corrupted too")).to_be_visible()
    page.get_by_text("Show the poster", exact=True).click()
    expect(page.get_by_text("reports only the two ends")).to_be_visible()
    expect(page).to_have_url(re.compile("poster=true"))
    page.locator(".st-key-figure").get_by_text("Time to fit").click()
    expect(charts(page)).to_have_count(2)
    expect(page.get_by_text("before 95% of its labels are right")).to_be_visible()
    # By its training loss this network is fitted at two levels: too few for a figure.
    expect(page.get_by_text("By training loss")).to_have_count(0)


def test_the_figure_and_its_data_can_be_taken_away_while_others_train(page, server, visit):
    """The scripts of live pages run several times a second, and each run removes files."""
    for other in [visit() for _ in range(3)]:
        open_page(other, server, "/lab?seed=77&epochs=300", "Lab")
        other.get_by_role("button", name=re.compile("Start training|Training|Replay")).first.click()
    open_page(page, server, "/sweep", "The sweep")
    page.get_by_role("button", name="Download", exact=True).click()
    contents = {}
    for file_type in ("PDF", "SVG", "CSV", "Parquet", "CSV", "SVG"):
        with page.expect_download() as download:
            page.get_by_role("button", name=file_type, exact=True).click()
        contents[file_type] = download.value.path().read_bytes()
        assert download.value.suggested_filename.endswith(f".{file_type.lower()}")
    said = pypdf.PdfReader(io.BytesIO(contents["PDF"])).pages[0].extract_text()
    assert "Corruption level p" in said and "With true labels this network misreads" in said
    assert b"Zhang et al." in contents["SVG"]
    assert contents["CSV"].startswith(b"run_id,model") and contents["CSV"].count(b"\n") > 11


def test_a_live_run_is_put_beside_a_stored_one(page, server):
    """The visitor is the one whom the server's cookie names; the run is in the store already."""
    open_page(page, server, "/lab?seed=31&epochs=3", "Lab")
    page.get_by_role("button", name=re.compile("Start training")).click()
    expect(page.get_by_text(re.compile("Epoch 3 of 3 · finished"))).to_be_visible(timeout=90_000)
    page.get_by_role("link", name="The sweep").first.click()
    page.get_by_text("For experts").click()
    box = page.get_by_role("combobox", name="Compare with a live run")
    expect(charts(page)).to_have_count(3)  # all is drawn: the list would close at a redrawing
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    box.click()
    box.press("ArrowDown")
    box.press("Enter")
    expect(page.get_by_text("live: small network").first).to_be_visible()
    expect(charts(page)).to_have_count(4)
    expect(page.get_by_test_id("stException")).to_have_count(0)
