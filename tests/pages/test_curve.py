"""The whole curve: one visitor's, and a class's."""

import pytest

from core.config import LEVELS, PRESETS, RunConfig
from core.live.classroom.classroom import Classroom, Lesson
from core.live.classroom.level_sweep import SharedLevels, all_levels, of_place
from core.live.runs.limits import Limits
from pages.shared.figures.level_figure import points_of
from tests.pages.opened import finished, open_page, press, texts
from tests.samples import record

QUICK = RunConfig(epochs=2)


@pytest.fixture
def room(store) -> str:
    return Classroom(store).open_room(Lesson("Lies", RunConfig(epochs=2, level=0.5)))


def test_one_press_asks_for_eleven_levels_that_count_as_one_run(store):
    store.limits = Limits(runs=1)
    page = open_page("curve", network="deeper network")
    assert "Eleven networks" in texts(page)
    press(page, "Train the whole curve")
    runs = store.active_runs()
    assert [run.config.level for run in runs] == list(LEVELS)
    assert {run.config.model for run in runs} == {"mlp-3x512"}
    assert "0 of 11 finished" in str(page.get("progress")[0].proto)
    press(page, "Cancel")
    assert not store.active_runs() and not page.exception


def test_the_curve_of_a_run_keeps_its_settings(store):
    run_id = finished(store, level=0.5, epochs=2, loss="generalized")
    page = open_page("curve", run=run_id)
    press(page, "Train the whole curve")
    assert {run.config.loss for run in store.active_runs()} == {"generalized"}
    assert len(store.active_runs()) == 10  # the one that is finished is not trained again


def test_points_come_as_the_runs_go_and_the_sentence_says_how_many(store):
    configs = all_levels(QUICK)
    run_id = finished(store, level=0.5, epochs=2)
    store.submit_all_levels(configs, "somebody")
    store.add_epoch(configs[0].run_id, record(1, test_error=0.8, train_error=0.7))
    page = open_page("curve", run=run_id)
    assert "1 of 11 levels trained. So far the training error is" in texts(page)
    for config in configs:
        finished(store, level=config.level, epochs=2)
    points_of.clear()
    page = open_page("curve", run=run_id)
    assert "All 11 levels" in texts(page) and not page.exception
    assert not [button for button in page.button if "whole curve" in button.label]


@pytest.mark.parametrize("shown", [{"stored": "true"}, {"paper": "true"}])
def test_the_stored_runs_and_the_papers_are_beside_it_on_demand(shown):
    page = open_page("curve", **shown)
    assert not page.exception and not page.error


def test_a_run_of_no_such_name_is_said(store):
    assert "There is no run" in texts(open_page("curve", run="<b>nothing"))


def test_a_run_that_failed_says_why(store):
    configs = all_levels(PRESETS[0].config)
    store.submit_all_levels(configs, "somebody")
    store.report_failure(configs[3].run_id, "Out of memory: try a smaller network.")
    assert "Out of memory" in texts(open_page("curve"))


def test_the_class_sees_one_figure_and_how_many_it_waits_for(store, room):
    shared = SharedLevels(store)
    page = open_page("curve", room=room)
    assert "Train the whole curve" in [button.label for button in page.button]
    shared.share_out(room, RunConfig(epochs=2))
    for student in range(3):
        Classroom(store).join(room, f"student {student}")
        shared.take(room, f"student {student}")
    finished(store, level=0.0, epochs=2)
    page = open_page("curve", room=room)
    said = texts(page)
    assert "5 visitors in the room" in said and "3 places taken" in said
    assert "2 still in training" in said and "8 of 11 levels wait for somebody" in said
    assert not [button for button in page.button if "whole curve" in button.label]


def test_the_teachers_press_gives_each_student_in_the_lab_a_level(store, room):
    shared = SharedLevels(store)
    page = open_page("lab", room=room)
    assert not store.active_runs()
    shared.share_out(room, RunConfig(epochs=2))
    page.run()
    (run,) = store.active_runs()
    assert run.config == of_place(RunConfig(epochs=2), 0)
    assert page.query_params["run"] == run.run_id
    assert "You have 0% corruption" in texts(page)
    page.run()
    assert len(store.active_runs()) == 1
    shared.end(room)
    assert "You have" not in texts(page.run())
    own = open_page("curve", room=room)
    assert "Train the whole curve" in [button.label for button in own.button]
    assert "1 place taken" in texts(open_page("curve", room=room, shared=""))  # the class's, still


@pytest.mark.parametrize("name", ["start", "guess"])
def test_who_waits_elsewhere_is_shown_the_way_to_a_level(store, room, name):
    page = open_page(name, room=room)
    assert not [link for link in page.get("page_link") if "take your level" in link.proto.label]
    SharedLevels(store).share_out(room, RunConfig(epochs=2))
    (way,) = [link for link in page.run().get("page_link") if "take your level" in link.proto.label]
    assert way.proto.query_string == f"room={room}" and not store.active_runs()


def test_who_looks_at_another_run_meanwhile_is_left_alone(store, room):
    shared = SharedLevels(store)
    shared.share_out(room, RunConfig(epochs=2))
    page = open_page("lab", room=room)
    other = finished(store, level=0.4, seed=7)
    page.query_params["run"] = other
    page.run()
    for config in shared.configs(room):
        finished(store, level=config.level, epochs=2)
    page.run()
    assert page.query_params["run"] == other
    assert len(shared.configs(room)) == 2  # the next level is trained all the same


def test_a_place_that_the_limits_refuse_is_one_sentence(store, room):
    store.limits = Limits(images=100)
    SharedLevels(store).share_out(room, RunConfig(epochs=2))
    page = open_page("lab", room=room)
    assert "up to 100 images" in texts(page) and not page.exception
