"""What a contributor adds with one entry works on every page, with nothing measured or computed yet."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.choices import (
    CORRUPTIONS,
    DEFENCES,
    LOSSES,
    NETWORKS,
    NOISES,
    Corruption,
    Defence,
    Loss,
    Network,
    Noise,
)
from core.config import RunConfig
from core.records import Hardware
from core.sweep import results
from core.sweep.results import SWEEP_FOLDER, Result, add_results, provenance
from core.training.models import build_model
from pages.shared.frame import navigation
from pages.shared.frame.navigation import PLACES, Place
from tests.pages.opened import TITLES, finished, open_page, page_of, popovers, texts
from tests.samples import trained

HERE = "tests.pages.test_contributor"


def made_up_network() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 28 * 28, 10))


class MadeUpLoss(nn.Module):
    def forward(self, logits: torch.Tensor, labels: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        return nn.functional.multi_margin_loss(logits.float(), labels)


def made_up_noise() -> np.ndarray:
    return np.roll(np.eye(10), 3, axis=1)


def made_up_pixels(flat, seed, part, indices, noise) -> np.ndarray:
    return flat[:, :, ::-1]


NETWORK = Network(
    "made-up", "made-up network, one layer", f"{HERE}:made_up_network", 0.05, 23_530, "#111111", "wedge"
)
SETTINGS = {"model": "made-up", "loss": "made-up-loss"}


@pytest.fixture(scope="module")
def added() -> Iterator[None]:
    """One entry of each kind."""
    loss = Loss("made-up-loss", "made-up loss", f"{HERE}:MadeUpLoss")
    noise = Noise("made-up-noise", "labels made up", f"{HERE}:made_up_noise")
    pixels = Corruption("made-up-pixels", "Made-up pixels", "Up.", f"{HERE}:made_up_pixels", "#222222")
    defence = Defence(
        "made-up-loss", "Made-up defence", {"loss": "made-up-loss"}, "#333333", "It tries."
    )
    entries = (
        (NETWORKS, NETWORK),
        (LOSSES, loss),
        (NOISES, noise),
        (CORRUPTIONS, pixels),
        (DEFENCES, defence),
    )
    with pytest.MonkeyPatch.context() as monkeypatch:
        for known, entry in entries:
            monkeypatch.setitem(known, entry.name, entry)
        yield


@pytest.fixture(scope="module")
def sweep_folder(added, tiny, tmp_path_factory) -> Path:
    """The shipped sweep with runs of what was added in it, trained for real on a few images."""
    folder = tmp_path_factory.mktemp("sweep")
    for name in ("runs", "epochs", "scores"):
        shutil.copy(SWEEP_FOLDER / f"{name}.parquet", folder)
    about = provenance(Hardware("2 CPU threads", "cpu", 2), 1.0)
    configs = [RunConfig(level=level, **SETTINGS) for level in (0.0, 0.4, 1.0)]
    configs += [RunConfig(level=level, model="made-up") for level in (0.0, 0.4, 1.0)]
    configs += [
        RunConfig(level=0.4, loss="made-up-loss"),
        RunConfig(model="made-up", corruption="made-up-pixels"),
        RunConfig(level=0.4, noise="made-up-noise", validation=0.2),
        RunConfig(model="made-up", data="full", batch_size=128, epochs=200, level=0.5),
    ]
    trainings = [trained(RunConfig(**{**each.overrides(), "epochs": 1}), tiny) for each in configs]
    found = [
        Result(each, *run[:1], about, run[1]) for each, run in zip(configs, trainings, strict=True)
    ]
    add_results(found, folder)
    return folder


@pytest.fixture
def stored(sweep_folder, monkeypatch) -> None:
    for function in (results.load_runs, results.load_epochs, results.load_records):
        *defaults, _ = function.__defaults__
        monkeypatch.setattr(function, "__defaults__", (*defaults, sweep_folder))
    monkeypatch.setattr(results, "stamp", lambda: "contributor")


def test_it_is_built_as_its_entry_says(added):
    model = build_model("made-up")
    assert sum(each.numel() for each in model.parameters()) == NETWORK.weights
    assert RunConfig(model="made-up").learning_rate == 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", TITLES)
def test_every_page_opens_with_what_was_added(stored, store, name):
    run_id = finished(store, **SETTINGS, noise="made-up-noise")
    pixels = {"corruption": "Made-up pixels", "network": "made-up network"}
    for address in ({**SETTINGS, "noise": "made-up-noise"}, {"run": run_id}, pixels):
        page = open_page(name, **address)
        assert not page.exception and not page.error, texts(page)


def test_the_lab_offers_it_and_says_that_nobody_has_measured_it(added):
    page = open_page("lab", **SETTINGS, noise="made-up-noise", level="0.5")
    assert "made-up network, one layer" in page.selectbox(key="model").options
    assert page.selectbox(key="loss").value == "made-up-loss"
    assert page.selectbox(key="noise").value == "made-up-noise"
    assert "a guess: this network has not been measured yet" in texts(page)
    assert popovers(page)


@pytest.mark.slow
def test_the_sweep_and_defend_compare_it(stored):
    sweep = open_page("sweep", network="made-up network", images="5,000 images")
    assert not sweep.exception and "made-up network" in str(sweep.get("button_group"))
    defend = open_page("defend", network="small network")
    assert "Made-up defence" in str(defend.dataframe[0].value if defend.dataframe else texts(defend))


def test_a_page_is_a_file_and_a_place(monkeypatch, tmp_path):
    """Opened alone, through the router, and from the page before it."""
    for path in navigation.FOLDER.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "growth.py").write_text(
        "import streamlit as st\nfrom pages.shared.frame.frame import page\n"
        'with page("growth", "How does it grow?"):\n    st.markdown("Like this.")\n'
    )
    monkeypatch.setattr(navigation, "FOLDER", tmp_path)
    monkeypatch.setattr(navigation, "PLACES", (*PLACES, Place("growth", "Growth", does="It grows.")))
    navigation._page.cache_clear()
    page = page_of("growth").run()
    assert page.title[0].value == "Growth" and "Like this." in texts(page) and not page.exception
    start = open_page("start")
    assert "Growth" in str([link.proto.label for link in start.get("page_link")])
    navigation._page.cache_clear()
