"""Every page through AppTest: alone (a deep link) and through app.py, and its states."""

import random

import pytest
from samples import record
from streamlit.testing.v1 import AppTest

from core.config import RunConfig
from core.processes import TrainerProcess
from core.store import Store
from pages.shared import resources

TITLES = {
    "start": "Can a network learn from lies?",
    "corrupt": "Corrupt the labels",
    "train": "Train live",
    "sweep": "The sweep",
}


@pytest.fixture(autouse=True)
def store(data_folder, monkeypatch) -> Store:
    """A store of its own for each test, and no trainer behind it."""
    store = Store(data_folder / "runs.sqlite")
    monkeypatch.setattr(resources, "store", lambda: store)
    monkeypatch.setattr(resources, "trainer", TrainerProcess)
    return store


def open_page(name: str, **address) -> AppTest:
    page = AppTest.from_file(f"../pages/{name}.py", default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    return page.run()


def texts(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error, page.warning, page.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


@pytest.mark.parametrize("name", TITLES)
def test_a_page_works_alone(name):
    page = open_page(name)
    assert not page.exception
    assert page.title[0].value == TITLES[name]
    assert not page.run().exception


@pytest.mark.parametrize("name", TITLES)
def test_a_page_works_through_the_router(name):
    app = AppTest.from_file("../app.py", default_timeout=60).run()
    assert app.title[0].value == TITLES["start"] and not app.exception
    if name != "start":
        app.switch_page(f"pages/{name}.py").run()
    assert not app.exception and app.title[0].value == TITLES[name]


def test_start_shows_the_figure_and_where_to_go():
    page = open_page("start")
    assert "Hollow: Zhang et al. 2017" in texts(page)
    assert "Watch a network find the pattern" in texts(page)


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_corrupt_counts_what_its_sentence_says():
    page = open_page("corrupt")
    page.slider(key="level").set_value(0.5).run()
    counts = {name: int(value.replace(",", "")) for name, value in metrics(page).items()}
    assert counts["Labels redrawn"] == counts["Wrong"] + counts["Right by chance"]
    assert f"{counts['Wrong']:,} of the 5,000 training images" in texts(page)
    page.slider(key="level").set_value(0.0).run()
    assert metrics(page)["Wrong"] == "0" and "All labels are true" in texts(page)
    page.toggle(key="wrong").set_value(True).run()
    assert "No label is wrong here" in texts(page)


def test_corrupt_follows_its_address():
    page = open_page("corrupt", level="0.8", seed="3")
    assert page.slider(key="level").value == 0.8 and page.number_input(key="seed").value == 3
    assert "80%" in texts(page)


@pytest.mark.parametrize("kind", ["Shuffled pixels", "Random pixels", "Gaussian noise"])
def test_corrupt_shows_changed_pixels(kind):
    page = open_page("corrupt", corruption=kind)
    assert not page.exception and "labels stay true" in texts(page)
    assert len(page.slider) == 0 and len(page.metric) == 0


def test_corrupt_filters_by_class():
    page = open_page("corrupt")
    page.selectbox(key="class").set_value("frog").run()
    gallery = next(
        element.proto.body for element in page.get("html") if "<figure" in element.proto.body
    )
    assert gallery.count("<figure") == 60
    assert gallery.count("a frog,") == 60


def test_train_start_asks_for_the_run_and_shows_it(store):
    page = open_page("train")
    assert "about" in texts(page) and "Press Start" in texts(page)
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config == RunConfig(level=0.5, epochs=40)
    assert page.query_params["run"] in (run.run_id, [run.run_id])
    assert not page.exception and metrics(page)["Test error"] == "–"


def test_train_presets_set_every_control(store):
    page = open_page("train")
    page.selectbox(key="preset").set_value("inception").run()
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config == RunConfig(model="inception", level=0.5, epochs=50)
    assert run.config.learning_rate == 0.1


def test_train_a_network_brings_its_learning_rate(store):
    page = open_page("train")
    page.selectbox(key="model").set_value("inception").run()
    assert page.number_input(key="learning_rate").value == 0.1


def test_train_refuses_in_one_sentence_what_cannot_be_trained(store):
    page = open_page("train", corruption="Gaussian noise")
    page.toggle(key="random_crop").set_value(True).run()
    assert "This cannot be trained" in page.error[0].value
    assert page.button(key="start").disabled and not page.exception


def finished(store, **settings) -> str:
    config = RunConfig(**{"level": 0.5, "epochs": 2, **settings})
    store.ask_for(config, "somebody")
    store.started(config.run_id, "2 CPU threads")
    for epoch in (1, 2):
        store.add_epoch(config.run_id, record(epoch))
    store.finished(config.run_id)
    return config.run_id


def test_train_shows_a_run_from_a_link_to_anybody(store):
    page = open_page("train", run=finished(store))
    assert metrics(page)["Training error"] == "25.0%"
    assert metrics(page)["The paper's test error"] == "79.6%"
    assert "Lies memorized" in metrics(page)
    assert "repeats" in texts(page) and not page.exception


def test_train_shows_a_run_whose_name_looks_like_a_number(store):
    run_id = finished(store, epochs=40, seed=283)
    assert float(run_id) == float("inf")
    assert metrics(open_page("train", run=run_id))["Training error"] == "25.0%"


def test_train_shows_a_run_without_a_single_wrong_label(store):
    config = RunConfig(level=1e-5, epochs=2)
    store.ask_for(config, "somebody")
    store.started(config.run_id, "2 CPU threads")
    store.add_epoch(config.run_id, record(1, memorized=None, recovered=None))
    page = open_page("train", run=config.run_id)
    assert not page.exception and metrics(page)["Lies memorized"] == "–"


def test_train_says_when_the_trainer_cannot_start(monkeypatch):
    process = TrainerProcess()
    process._failures = 2
    monkeypatch.setattr(resources, "trainer", lambda: process)
    assert "cannot start" in texts(open_page("train"))


def test_train_buttons_follow_the_state(store):
    run_id = store.ask_for(RunConfig(level=0.5), "somebody").run_id
    page = open_page("train", run=run_id)
    page.button(key="pause").click().run()
    assert store.run(run_id).status == "paused"
    page.button(key="one").click().run()
    assert (store.run(run_id).status, store.run(run_id).pause_after) == ("queued", 1)
    page.button(key="pause").click().run()
    page.button(key="go-on").click().run()
    assert store.run(run_id).status == "queued"
    page.button(key="cancel").click().run()
    assert store.run(run_id).status == "cancelled" and not page.exception


def test_train_says_why_a_run_failed(store):
    run_id = store.ask_for(RunConfig(level=0.5), "somebody").run_id
    store.failed(run_id, "The training diverged in epoch 1.")
    assert "diverged in epoch 1" in texts(open_page("train", run=run_id))


def test_train_compares_runs_named_in_the_address(store):
    runs = [finished(store), finished(store, seed=1)]
    page = open_page("train", compare=runs)
    assert page.multiselect(key="compared").value == runs and not page.exception


def test_train_an_unknown_run_is_one_sentence():
    page = open_page("train", run="<script>alert(1)</script>")
    assert "There is no run of this name" in texts(page) and not page.exception


def test_without_the_full_data_the_embedded_images_serve():
    page = open_page("corrupt", data="All 50,000 images")
    assert "not on this machine yet" in texts(page) and "of the 5,000" in texts(page)
    assert any("Fetch all images" in button.label for button in page.button)


def test_a_broken_store_is_one_sentence(store):
    store.path.write_bytes(b"no database at all, but long enough to look like one" * 100)
    for name in ("train", "sweep"):
        page = open_page(name)
        assert "cannot be read or written" in texts(page) and not page.exception


@pytest.mark.parametrize("network", ["mlp-1x512", "mlp-3x512", "alexnet", "inception"])
def test_sweep_shows_each_network(network):
    page = open_page("sweep", network=network)
    assert not page.exception and ("Filled" in texts(page) or "not computed yet" in texts(page))


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
]


@pytest.mark.parametrize("name", ["corrupt", "train", "sweep"])
def test_made_up_addresses_give_a_working_page(name):
    draw = random.Random(name)
    for _ in range(20):
        address = {key: draw.choice(VALUES) for key in draw.sample(NAMES, draw.randint(1, 8))}
        page = open_page(name, **address)
        assert not page.exception, address
        assert page.title[0].value == TITLES[name]
