"""Train live."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.config import PRESETS, RunConfig
from core.errors import StoreError
from core.live.limits import Limits
from core.records import EpochProgress
from pages.shared import resources
from tests.pages.opened import finished, metrics, open_page, press, texts
from tests.samples import record


def test_train_start_submits_the_run_and_shows_it(store):
    page = open_page("train")
    assert "about" in texts(page) and "Press Start" in texts(page)
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config == PRESETS[0].config
    assert page.query_params["run"] in (run.run_id, [run.run_id])
    assert not page.exception and metrics(page)["Test error"] == "–"


def test_train_presets_set_every_control(store):
    page = open_page("train")
    page.selectbox(key="preset").set_value("inception").run()
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config == RunConfig(
        model="inception", level=0.5, epochs=50
    )  # the preset's batch size, too
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


def test_train_shows_a_run_from_a_link_to_anybody(store):
    page = open_page("train", run=finished(store))
    assert metrics(page)["Training error"] == "25.0%"
    # Nothing of the paper: it trained on ten times as many images.
    assert not any("paper" in name for name in metrics(page))
    assert metrics(page)["Sweep, 50,000 images"] == "70.5%"
    assert "Memorized" in metrics(page)
    assert "repeats the wrong label of" in texts(page) and not page.exception


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


def test_a_live_page_whose_run_has_vanished_says_so_on_its_next_tick():
    """The file of the runs was damaged, and a new one begun."""

    def tick():
        from pages.shared import live, resources

        live._show("283f00000000", resources.sweep(), was_active=True)

    page = AppTest.from_function(tick, default_timeout=60).run()
    assert not page.exception and "no longer here" in page.warning[0].value


def test_limits_are_said_where_a_run_is_refused(store):
    store.limits = Limits(runs=1)
    page = open_page("train")
    page.button(key="start").click().run()
    page.slider(key="level").set_value(0.9).run()
    page.button(key="start").click().run()
    assert "You have one run waiting or training" in page.error[0].value
    assert len(store.active_runs()) == 1 and not page.exception
    assert not page.run().error  # said once


def test_anothers_run_is_seen_and_not_touched(store):
    store.submit(RunConfig(level=0.5, epochs=40), "somebody else")
    page = open_page("train", run=RunConfig(level=0.5, epochs=40).run_id)
    assert "Another visitor has started this run" in texts(page)
    assert not {"pause", "cancel"} & {button.key for button in page.button}


def test_train_moves_within_a_slow_epoch(store):
    run = store.submit(RunConfig(model="inception", level=0.5, epochs=4), "a" * 32)
    store.report_start(run.run_id, "cpu")
    store.add_epoch(run.run_id, record(1, seconds=30.0))
    store.report_progress(run.run_id, EpochProgress(2500, 1.5))
    page = open_page("train", run=run.run_id)
    assert page.get("progress")[0].proto.value == int(100 * 1.5 / 4)
    assert "50% through the next (average loss 1.50)" in page.get("progress")[0].proto.text


def test_start_does_what_the_fields_say_at_the_press_and_not_when_its_button_was_drawn(store):
    """A number is typed and Start pressed at once: both come with one run of the page."""
    page = open_page("train")
    page.number_input(key="epochs").set_value(7)
    page.button(key="start").click().run()
    (run,) = store.active_runs()
    assert run.config.epochs == 7


@pytest.mark.parametrize("failure", [StoreError("The runs are locked."), RuntimeError("unforeseen")])
def test_what_goes_wrong_inside_an_action_is_one_sentence_and_keeps_what_was_entered(
    store, monkeypatch, failure, caplog
):
    page = open_page("train")
    page.number_input(key="epochs").set_value(9).run()

    def broken(*_):
        raise failure

    monkeypatch.setattr(store, "submit", broken)
    page.button(key="start").click().run()
    assert not page.exception and len(page.error) == 1
    assert "locked" in page.error[0].value or "did not work" in page.error[0].value
    assert page.number_input(key="epochs").value == 9
    assert ("unforeseen" in caplog.text) == isinstance(failure, RuntimeError)
    monkeypatch.undo()
    assert not page.run().error


def test_a_run_whose_owner_has_left_is_taken_over(store, monkeypatch):
    config = RunConfig(level=0.5, epochs=5)
    store.submit(config, "gone")
    monkeypatch.setattr(resources, "has_left", lambda visitor: False)
    page = open_page("train", run=config.run_id)
    assert "Another visitor has started this run" in texts(page)
    monkeypatch.setattr(resources, "has_left", lambda visitor: visitor == "gone")
    page.run()
    press(page, "Take it over")
    assert page.button(key="pause") and store.run(config.run_id).owner == page.session_state["visitor"]


def test_who_looks_has_not_left(monkeypatch):
    now = [1e6]
    monkeypatch.setattr(resources.time, "monotonic", lambda: now[0])
    resources.live_pages("ann")
    assert not resources.has_left("ann")
    now[0] += resources.LEFT_SECONDS + 1
    assert resources.has_left("ann") and resources.has_left("ben")
    monkeypatch.setattr(resources, "STARTED", now[0] - 1)  # a server that has just begun knows nobody
    assert not resources.has_left("ben")
