"""Every page through AppTest: alone (a deep link) and through app.py, and its states."""

import random
from types import SimpleNamespace

import pytest
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

from core.config import RunConfig
from core.live import login
from core.live.classroom import Classroom, Lesson
from core.live.limits import Limits
from core.live.login import Login, hash_password
from core.live.settings import Settings
from core.live.store import Store
from core.live.supervisor import TrainerProcess
from core.paths import ROOT
from core.sweep.comparison import label_runs
from core.sweep.results import load_runs
from core.view.charts import by_level, history, transitions
from pages.shared import resources
from tests.samples import record

TITLES = {
    "start": "Can a network learn from lies?",
    "corrupt": "Corrupt the labels",
    "train": "Train live",
    "guess": "Guess first",
    "sweep": "The sweep",
    "teacher": "Teacher",
    "present": "Label Corruption Lab",
}
PASSWORD = "correct horse"
PLAIN = history.compared([], "test_error")
PICTURES = (
    (history, "error_history"),
    (history, "fate_history"),
    (transitions, "transition_heatmap"),
    (by_level, "guess"),
)


@pytest.fixture(autouse=True)
def no_components(monkeypatch):
    """Every AppTest looks through all installed packages for components (80 ms); there are none."""
    manager = BidiComponentManager
    monkeypatch.setattr(manager, "discover_and_register_components", lambda *_, **__: None)


@pytest.fixture(autouse=True)
def store(data_folder, monkeypatch) -> Store:
    """A store of its own for each test, and no trainer behind it."""
    store = Store(data_folder / "runs.sqlite")
    classroom = Classroom(store)
    monkeypatch.setattr(resources, "store", lambda: store)
    monkeypatch.setattr(resources, "classroom", lambda: classroom)
    monkeypatch.setattr(resources, "board", resources.look_at_board)  # every test looks anew
    resources.records.clear()
    monkeypatch.setattr(resources, "trainer", TrainerProcess)
    return store


def open_page(name: str, **address) -> AppTest:
    page = AppTest.from_file(ROOT / "pages" / f"{name}.py", default_timeout=60)
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
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
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
    store.submit(config, "somebody")
    store.report_start(config.run_id, "2 CPU threads")
    for epoch in (1, 2):
        store.add_epoch(config.run_id, record(epoch))
    store.report_end(config.run_id)
    return config.run_id


def test_train_shows_a_run_from_a_link_to_anybody(store):
    page = open_page("train", run=finished(store))
    assert metrics(page)["Training error"] == "25.0%"
    assert metrics(page)["The paper's test error"] == "79.6%"
    assert "Memorized" in metrics(page)
    assert "as their wrong label" in texts(page) and not page.exception


def test_train_shows_a_run_whose_name_looks_like_a_number(store):
    run_id = finished(store, epochs=40, seed=283)
    assert float(run_id) == float("inf")
    assert metrics(open_page("train", run=run_id))["Training error"] == "25.0%"


def test_train_shows_a_run_without_a_single_wrong_label(store):
    config = RunConfig(level=1e-5, epochs=2)
    store.submit(config, "somebody")
    store.report_start(config.run_id, "2 CPU threads")
    store.add_epoch(config.run_id, record(1, memorized=None, recovered=None))
    page = open_page("train", run=config.run_id)
    assert not page.exception and metrics(page)["Memorized"] == "–"


def test_train_says_when_the_trainer_cannot_start(monkeypatch):
    process = SimpleNamespace(failure="The process that trains cannot start: no memory.")
    monkeypatch.setattr(resources, "trainer", lambda: process)
    assert "cannot start: no memory" in texts(open_page("train"))


def test_train_buttons_follow_the_state(store):
    page = open_page("train")
    run_id = store.submit(RunConfig(level=0.5), page.session_state.visitor).run_id
    page.query_params["run"] = run_id
    page.run()
    page.button(key="pause").click().run()
    assert store.run(run_id).status == "paused"
    page.button(key="one").click().run()
    assert (store.run(run_id).status, store.run(run_id).pause_after) == ("queued", 1)
    page.button(key="pause").click().run()
    page.button(key="resume").click().run()
    assert store.run(run_id).status == "queued"
    page.button(key="cancel").click().run()
    assert store.run(run_id).status == "cancelled" and not page.exception


def test_train_says_why_a_run_failed(store):
    run_id = store.submit(RunConfig(level=0.5), "somebody").run_id
    store.report_failure(run_id, "The training diverged in epoch 1.")
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


def test_a_live_page_whose_run_has_vanished_says_so_on_its_next_tick():
    """The file of the runs was damaged, and a new one begun."""

    def tick():
        from pages.shared import live, resources

        live._show("283f00000000", resources.sweep(), was_active=True)

    page = AppTest.from_function(tick, default_timeout=60).run()
    assert not page.exception and "no longer here" in page.warning[0].value


def test_a_broken_store_is_one_sentence(store):
    store.database.path.write_bytes(b"no database at all, but long enough to look like one" * 100)
    page = open_page("train")
    assert "damaged" in texts(page) and "Reload the page" in texts(page) and not page.exception
    assert "kept as runs.damaged-" in texts(page.run()) and page.button(key="start")
    store.database.path.unlink()
    store.database.path.mkdir()
    for name in ("train", "sweep"):
        page = open_page(name)
        assert "cannot be read or written" in texts(page) and not page.exception


@pytest.mark.parametrize("network", ["mlp-1x512", "mlp-3x512", "alexnet", "inception"])
def test_sweep_shows_each_network(network):
    page = open_page("sweep", network=network)
    runs = label_runs(load_runs())
    levels = runs[runs.model == network].level.nunique()
    said = f"Filled: ours, {levels} of 11 levels" if levels else "are not computed yet"
    assert not page.exception and said in texts(page)


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
    "",
    "<i>",
]


COUNTS = {"corrupt": 300, "train": 500, "guess": 1100, "sweep": 100}


@pytest.mark.parametrize("name", COUNTS)
def test_made_up_addresses_give_a_working_page(name, monkeypatch):
    """2,000 of them; most with a plain chart for each picture, which no address touches."""
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


def test_limits_are_said_where_a_run_is_refused(store):
    store.limits = Limits(runs=1)
    page = open_page("train")
    page.button(key="start").click().run()
    page.slider(key="level").set_value(0.9).run()
    page.button(key="start").click().run()
    assert "You have one run waiting or training" in page.warning[0].value
    assert len(store.active_runs()) == 1 and not page.exception
    assert not page.run().warning  # said once


def test_anothers_run_is_seen_and_not_touched(store):
    store.submit(RunConfig(level=0.5, epochs=40), "somebody else")
    page = open_page("train", run=RunConfig(level=0.5, epochs=40).run_id)
    assert "Another visitor has started this run" in texts(page)
    assert not {"pause", "cancel"} & {button.key for button in page.button}


def test_a_room_sets_the_controls_and_hides_some():
    lesson = Lesson("A *title* <b>", RunConfig(level=0.7, epochs=33), ("preset", "more"))
    code = resources.classroom().open_room(lesson)
    page = open_page("train", room=code.lower())
    assert page.slider(key="level").value == 0.7
    assert not page.selectbox and not page.number_input  # the preset and all other settings
    page.button(key="start").click().run()
    (run,) = resources.store().active_runs()
    assert (run.config.level, run.config.epochs) == (0.7, 33)
    assert f"Room {code}" in texts(page) and "<b>" not in texts(page).replace("\\<b\\>", "")
    page.slider(key="level").set_value(0.2).run()
    assert page.slider(key="level").value == 0.2  # set once, then free


def test_a_hidden_level_is_the_lessons():
    code = resources.classroom().open_room(Lesson("x", RunConfig(level=0.7), ("level",)))
    page = open_page("corrupt", room=code)
    assert not page.slider and "At 70% corruption" in texts(page)


def test_a_room_that_is_not_there_is_one_sentence():
    page = open_page("train", room="NONE<b>")
    assert "There is no room" in page.warning[0].value and not page.exception


def test_the_sweep_waits_for_a_guess_where_the_lesson_wants_one():
    code = resources.classroom().open_room(Lesson("x", guess_first=True))
    page = open_page("sweep", room=code)
    assert "Draw your own guess first" in page.info[0].value and not page.get("vega_lite_chart")
    assert "Draw your own guess first" not in texts(open_page("sweep"))
    page = open_page("guess", room=code)
    page.button(key="reveal").click().run()
    assert "Your guess of the test error is off by" in texts(page) and "One guess so far" in texts(page)
    assert resources.classroom().guesses(code).shape == (1, 2, 11)
    page.session_state["room"] = code
    sweep = AppTest.from_file(ROOT / "pages" / "sweep.py", default_timeout=60)
    for name in ("room", "guesses", "lesson"):
        sweep.session_state[name] = page.session_state[name]
    assert "Filled" in texts(sweep.run())


@pytest.fixture
def teacher(monkeypatch):
    hashed = hash_password(PASSWORD)
    login = Login(hashed)
    monkeypatch.setattr(resources, "settings", lambda: Settings(teacher_password=hashed))
    monkeypatch.setattr(resources, "login", lambda: login)


def unlocked() -> AppTest:
    page = open_page("teacher")
    page.text_input(key="password").set_value(PASSWORD)
    next(button for button in page.button if button.label == "Open").click()
    return page.run()


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def test_without_a_password_the_teachers_page_is_closed_and_says_how_to_open_it():
    page = open_page("teacher")
    assert "python -m core password" in texts(page) and not page.button and not page.text_input


def test_wrong_passwords_open_nothing_and_are_limited(teacher):
    page = open_page("teacher")
    for _ in range(login.TRIES):
        page.text_input(key="password").set_value("guess")
        press(page, "Open")
        assert page.error[0].value == "That is not the password."
        assert not page.tabs
    page.text_input(key="password").set_value(PASSWORD)
    press(page, "Open")
    assert "Too many wrong passwords" in page.error[0].value and not page.tabs
    assert not open_page("teacher", is_teacher="true").tabs  # nor does an address


def test_the_teacher_holds_the_reins(teacher, store):
    configs = [RunConfig(seed=seed) for seed in range(3)]
    for place, config in enumerate(configs):
        store.submit(config, f"visitor {place % 2}")
    page = unlocked()
    assert "3 runs from 2 visitors are taking turns" in texts(page) and "visitor 0" not in str(
        page.dataframe[0]
    )
    press(page, "Pause all")
    assert store.database.state().is_paused and "all training is paused" in texts(page)
    assert "the teacher has paused all training" in texts_of_run(configs[0])
    press(page, "Resume all")
    press(page, "Pause it")
    assert store.run(configs[0].run_id).status == "paused"
    press(page, "Cancel it")
    assert store.run(configs[0].run_id).status == "cancelled"
    press(page, "Clear the queue")
    assert store.active_runs() == [] and "Nobody is training" in texts(page)
    press(page, "Lock this page")
    assert not page.tabs


def texts_of_run(config: RunConfig) -> str:
    page = open_page("train", run=config.run_id)
    return "\n".join(str(element.proto.text) for element in page.get("progress"))


def test_the_teacher_opens_a_room_with_its_code(teacher):
    page = unlocked()
    press(page, "Open a room")
    (code,) = resources.classroom().rooms()
    assert any(f"/train?room={code}" in block.value for block in page.code) and not page.exception


def test_the_story_goes_on_by_hand_and_comes_round():
    page = open_page("present")
    titles = []
    for _ in range(5):
        assert not page.exception
        titles.append(page.header[0].value)
        page.button(key="next").click().run()
    assert len(set(titles)) == 4 and titles[0] == titles[4]
    assert page.button(key="play").label == "Play"
    assert page.button(key="play").click().run().button(key="play").label == "Pause"
