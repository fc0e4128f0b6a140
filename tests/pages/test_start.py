"""Start."""

import dataclasses

from core.config import PRESETS, RunConfig
from core.live.classroom.classroom import Lesson
from core.live.runs.limits import Limits
from core.live.server.settings import Settings
from pages.shared.frame.navigation import story
from pages.shared.server import resources
from tests.pages.opened import open_page, texts, viewer


def test_start_is_a_machine_of_stored_runs_and_gives_no_answer_away():
    page = open_page("start")
    shown = viewer(page)
    assert "Will a network notice?" in texts(page) and not page.exception
    assert [choice["level_text"] for choice in shown["runs"]] == [
        f"{n}0%" if n else "0%" for n in range(11)
    ]
    first = shown["runs"][shown["first"]]
    wrong = [tile["given"] != tile["real"] for tile in first["tiles"]]
    assert first["level"] == 0.4 and len(wrong) == 8 and sum(wrong) in (2, 3, 4)
    assert len(first["lines"]["test_error"]) == 60 and shown["replays"] and shown["is_simple"]
    counts = [sum(tile["given"] != tile["real"] for tile in each["tiles"]) for each in shown["runs"]]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] >= 6
    assert not any(word in texts(page) for word in ("memor", "0.9 p", "by heart"))


def test_start_leads_on_in_the_order_of_the_story_and_keeps_the_room():
    code = resources.classroom().open_room(Lesson("x"))
    page = open_page("start", room=code)
    labels = [link.proto.label for link in page.get("page_link")]
    assert labels[-1].startswith("For teachers")
    assert [label.split(" ")[0] for label in labels[:-1]] == [
        f"**{n}" for n in range(1, 1 + len(story()))
    ]
    assert all(code in link.proto.query_string for link in page.get("page_link"))


def test_without_stored_runs_start_still_leads_on(monkeypatch):
    monkeypatch.setattr(resources, "sweep", lambda: results_of_nothing())
    page = open_page("start")
    assert not page.exception and page.button(key="train")


def test_its_button_trains_at_once_what_the_slider_says(store):
    assert open_page("start").button(key="train").click().run().exception == []
    (run,) = store.active_runs()
    assert run.config == dataclasses.replace(PRESETS[0].config, level=0.4)


def test_in_a_room_it_trains_the_lesson(store):
    lesson = Lesson("x", RunConfig(epochs=9, level=0.3), hidden=("level",))
    page = open_page("start", room=resources.classroom().open_room(lesson))
    page.button(key="train").click().run()
    assert [run.config for run in store.active_runs()] == [lesson.config]


def test_it_asks_for_no_more_epochs_than_the_server_gives(store, monkeypatch):
    store.limits = Limits(epochs=30)
    monkeypatch.setattr(resources, "settings", lambda: Settings(limits=store.limits))
    open_page("start").button(key="train").click().run()
    assert [run.config.epochs for run in store.active_runs()] == [30]
    lab = open_page("lab")
    assert lab.button(key="start").click().run().error == []
    assert [run.config.epochs for run in store.active_runs()] == [30, 30]


def test_a_run_that_is_refused_is_one_sentence_and_start_stays(store):
    store.limits = Limits(all_runs=0)
    page = open_page("start").button(key="train").click().run()
    assert "are taken" in page.error[0].value and not page.exception
    assert len(page.get("page_link")) > 10 and viewer(page)


def results_of_nothing():
    from core.sweep.results import load_runs

    return load_runs().head(0)
