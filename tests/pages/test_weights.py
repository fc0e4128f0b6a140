"""How many weights: the stored widths, the theorem, the kernel."""

import pytest

from core.capacity.memorization import memorized
from core.config import RunConfig
from core.data.cifar10 import CLASSES, Cifar10, load_embedded
from core.sweep import widths
from core.sweep.grids import GRIDS
from pages.shared.server import computed_once, resources
from pages.weights.photo_choice import place_in
from tests.pages.opened import open_page, press, texts


@pytest.mark.slow
def test_the_theorem_is_built_and_the_kernel_solved_at_a_press():
    page = open_page("weights")
    assert "Built in" not in texts(page)
    press(page, "Build it for 5,000 random labels")
    assert "12,352 weights repeat all random labels" in texts(page)
    press(page, "Solve it")
    assert "One system of 5,000 equations" in texts(page) and "Built in" in texts(page)
    table = page.dataframe[0].value
    assert list(table["Training error"]) == ["0.0%", "0.0%"] and not page.exception


def test_without_stored_runs_it_says_so(monkeypatch):
    monkeypatch.setattr(resources, "sweep", lambda: resources._sweep(0).iloc[:0])
    page = open_page("weights")
    assert texts(page).count("not computed yet") == 2 and not page.exception


def test_weights_are_those_of_the_network():
    from core.training.models import build_model

    for width in (1, 7, 512):
        model = build_model("mlp-1x512", width=width)
        assert widths.weights_of(width) == sum(p.numel() for p in model.parameters())
    assert {config.width for config in GRIDS["mini-widths"].one_seed} >= {1, 512, 4096}
    assert RunConfig().run_id == RunConfig(width=512).run_id


@pytest.mark.slow
def test_who_helps_whom_is_found_at_a_press_and_a_photograph_is_chosen_by_address(
    monkeypatch, embedded
):
    few = Cifar10(  # 5,000 take twenty seconds
        embedded.train_images[:400],
        embedded.train_labels[:400],
        embedded.test_images[:40],
        embedded.test_labels[:40],
    )
    monkeypatch.setattr(computed_once, "memorized", lambda data: memorized(few))
    computed_once.memorization.clear()
    page = open_page("weights", photo="5")
    page.button(key="leave-out").click().run(timeout=120)
    assert not page.exception
    said = texts(page)
    assert "would be named wrongly" in said and "They help" in said and "They harm" in said
    true = CLASSES[load_embedded().test_labels[5]]
    assert f"This {true} is" in said and "not of networks" in said
    computed_once.memorization.clear()


@pytest.mark.parametrize("photo", ["-1", "24", "999999999", "x", "1.5", "²"])
def test_a_made_up_photograph_is_the_first(photo):
    assert place_in(photo, 24) == 0
    assert place_in("23", 24) == 23
