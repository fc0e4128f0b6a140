"""Addresses that nobody would think of give a working page."""

import random

import pytest

from core.view.images import transitions
from core.view.run import charts as run_charts
from core.view.sweep import charts as sweep_charts
from tests.pages.opened import TITLES, open_page, texts

PLAIN = run_charts.compared([], "test_error")


PICTURES = (
    (run_charts, "loss_history"),
    (transitions, "transition_heatmap"),
    (sweep_charts, "guess_bands"),
)


VALUES = [
    "",
    "0",
    "-1",
    "1e9",
    "nan",
    "inf",
    "0.5",
    "full",
    "gaussian",
    "inception",
    "<b>x</b>",
    "é",
    "true",
]


NAMES = [
    "level",
    "seed",
    "data",
    "corruption",
    "model",
    "epochs",
    "batch_size",
    "learning_rate",
    "run",
    "compare",
    "measure",
    "preset",
    "class",
    "room",
    "network",
    "figure",
    "images",
    "poster",
    "rule",
    "present",
    "embed",
    "rank",
    "marks",
    "at",
    "stored",
    "",
    "<i>",
]


COUNTS = {"lab": 150, "guess": 100, "sweep": 40, "curve": 40, "find": 40, "defend": 30, "annotate": 30}


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_made_up_addresses_give_a_working_page(name, monkeypatch):
    """430 of them; most with a plain chart for each picture, which no address touches."""
    draw = random.Random(name)
    for number in range(COUNTS[name]):
        if number == 10:
            for module, picture in PICTURES:
                monkeypatch.setattr(module, picture, lambda *_, **__: PLAIN)
        address = {key: draw.choice(VALUES) for key in draw.sample(NAMES, draw.randint(1, 8))}
        page = open_page(name, **address)
        assert not page.exception, address
        assert page.title[0].value == TITLES[name]
        assert "<b>x</b>" not in texts(page).replace("'<b>x</b>'", "")
