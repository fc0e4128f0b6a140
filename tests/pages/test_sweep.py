"""The sweep."""

import pytest

from core.choices import NETWORKS
from core.sweep import results
from core.sweep.protocol import label_runs
from core.sweep.results import load_runs
from pages.shared.server import resources
from pages.sweep.figures import ALL, FIGURES
from tests.pages.opened import open_page, texts

IMAGES = ("All 50,000 images", "5,000 images")


@pytest.fixture(params=["shipped", "none", "one run"])
def stored(request, monkeypatch, tmp_path):
    """The sweep as it is shipped, one without a run, and one with a single run."""
    if request.param != "shipped":
        runs = load_runs()
        runs = runs[:0] if request.param == "none" else runs[runs.model == "mlp-1x512"][:1]
        shipped = results.load_tables(results.SWEEP_FOLDER)
        others = [table[table.run_id.isin(runs.run_id)] for table in shipped[1:]]
        results.add_tables(results.Tables(runs, *others), tmp_path)
        for function in (results.load_runs, results.load_epochs, results.load_records):
            *defaults, _ = function.__defaults__
            monkeypatch.setattr(function, "__defaults__", (*defaults, tmp_path))
        monkeypatch.setattr(results, "stamp", lambda: request.param)


@pytest.mark.slow
@pytest.mark.parametrize("network", [*NETWORKS, ALL])
def test_every_combination_of_the_controls_opens(stored, network):
    """None ends in a red box, whatever is computed: the address may name any figure."""
    if results.stamp() in ("none", "one run") and network not in ("mlp-1x512", "inception"):
        pytest.skip("without runs the networks are alike")
    for images in IMAGES:
        for figure in (*FIGURES.values(), "made up"):
            experts = {"experts": "true"} if figure == FIGURES["error"] else {}
            page = open_page(
                "sweep",
                network={**{name: each.short for name, each in NETWORKS.items()}, ALL: "All together"}[
                    network
                ],
                images=images,
                figure=figure,
                **experts,
            )
            assert not page.exception and not page.error, (images, figure)


@pytest.mark.parametrize("stored", ["one run"], indirect=True)
def test_a_figure_with_too_few_points_is_not_offered_and_said_to_lack(stored):
    page = open_page("sweep", network="Inception", images="5,000 images", figure="Time to fit")
    offered = {group.label: group for group in page.get("button_group")}
    assert "Figure" not in offered  # with one there is no choice
    assert "“Time to fit”, “Which test labels?”" in texts(page)


@pytest.mark.slow
def test_the_switch_of_test_labels_moves_our_curves():
    true = texts(open_page("sweep"))
    corrupted = texts(open_page("sweep", labels="Corrupted, too"))
    assert "Thin line: our error if the test labels were corrupted as well" in true
    assert "Thin line: our error against the true test labels" in corrupted
    assert "Then no error can be below 0.9 p" in corrupted and "Then no error" not in true


def test_regularizers_ask_before_they_tell():
    page = open_page("sweep", figure="Regularizers")
    assert "Do they stop this one from memorizing" in texts(page) and not page.metric
    assert "Choose an answer" in texts(page)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mlp-1x512", "mlp-3x512", "alexnet", "inception"])
@pytest.mark.parametrize("address", ["in words", "as the command line names it"])
def test_sweep_shows_each_network(network, address):
    page = open_page("sweep", network=NETWORKS[network].short if address == "in words" else network)
    runs = label_runs(load_runs())
    levels = runs[runs.model == network].level.nunique()
    said = f"Filled: ours, {levels} of 11 levels" if levels else "are not computed yet"
    assert not page.exception and said in texts(page)


@pytest.mark.parametrize("levels", [[], [0.0], [0.0, 0.5]])
def test_levels_that_are_not_computed_are_said_to_be_missing(monkeypatch, levels):
    """Of one level nothing is told of all of them; of none, another network is shown."""
    runs = load_runs()
    is_left_out = (runs.model == "inception") & (runs.data == "full") & ~runs.level.isin(levels)
    monkeypatch.setattr(resources, "sweep", lambda: runs[~is_left_out])
    page = open_page("sweep", network="inception", experts="true")
    said = texts(page) + "".join(str(each.proto) for each in page.get("bidi_component"))
    assert not page.exception
    if not levels:
        assert "even the wrong ones" in said
    elif levels == [0.0]:
        assert "1 of 11 levels is computed for Inception: at 0% corruption" in said
        assert "even the wrong ones" not in said and "What rises" not in said
        assert "figure 1b by up to" not in said


@pytest.mark.slow
def test_a_stored_run_opens_with_its_photographs_and_what_was_said_of_them():
    page = open_page("sweep", images="embedded", network="alexnet", experts="true")
    viewers = [str(each.proto) for each in page.get("bidi_component")]
    (viewer,) = [viewer for viewer in viewers if "photographs-embedded-labels-0" in viewer]
    assert "5,000 photographs" in viewer
    assert "One row per photograph" in texts(page) and not page.exception
