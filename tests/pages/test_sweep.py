"""The sweep."""

import pytest

from core.sweep.comparison import label_runs
from core.sweep.results import load_runs
from tests.pages.opened import open_page, texts


@pytest.mark.parametrize("network", ["mlp-1x512", "mlp-3x512", "alexnet", "inception"])
def test_sweep_shows_each_network(network):
    page = open_page("sweep", network=network)
    runs = label_runs(load_runs())
    levels = runs[runs.model == network].level.nunique()
    said = f"Filled: ours, {levels} of 11 levels" if levels else "are not computed yet"
    assert not page.exception and said in texts(page)
