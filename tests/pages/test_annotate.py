"""Label them yourself: what is sent, what the room comes to, what is trained on it."""

from types import SimpleNamespace

import pytest
import streamlit as st

from core.config import RunConfig
from core.live.classroom.classroom import Classroom, Lesson
from pages.annotate import labeller
from pages.shared.server import resources
from tests.pages.opened import finished, metrics, open_page, press, session_of, texts


@pytest.fixture
def room(store) -> str:
    return Classroom(store).open_room(Lesson("Lies", RunConfig(level=0.5)))


def answer_all(room: str, visitor: str, labels, wrong: int) -> None:
    annotation = resources.annotation()
    for place, image in enumerate(annotation.images(room, visitor, labels)):
        label = int(labels[image] + (place < wrong)) % 10
        annotation.add(room, visitor, place, image, label)


@pytest.mark.parametrize(
    "sent", [None, [], "abc", [[0]], [[0, None]], [[99, 1]], [["x", 1]], {"place": 0}]
)
def test_answers_that_no_page_of_ours_sends_are_refused(monkeypatch, sent):
    monkeypatch.setattr(st, "session_state", SimpleNamespace(labeller=SimpleNamespace(answers=sent)))
    with pytest.raises(ValueError, match="ten names"):
        labeller.sent_answers(20)


def test_a_late_answer_is_none_and_only_where_there_is_a_limit(monkeypatch):
    sent = [[0, 3], [10, None]]
    monkeypatch.setattr(st, "session_state", SimpleNamespace(labeller=SimpleNamespace(answers=sent)))
    assert labeller.sent_answers(20) == [(0, 3), (10, None)]


def test_the_room_sees_what_it_confuses_and_who_guessed_is_left_out(room, embedded):
    labels = embedded.train_labels
    answer_all(room, "ann", labels, 2)
    answer_all(room, "ben", labels, 4)
    answer_all(room, "nonsense", labels, 20)
    page = open_page("annotate", room=room)
    assert not page.exception and "answers by" not in texts(page)
    page = open_page("annotate", room=room, **{"room-answers": "true"})
    page.session_state["room-answers"] = True
    page.run()
    said = texts(page)
    assert (
        "40 answers by 2 visitors: 85% agree with the data set" in said and "1 visitor left out" in said
    )
    assert "Without a time limit 70% are right; with one, 100%" in said


def test_ones_own_answers_and_the_two_networks(store, embedded):
    page = open_page("annotate")
    visitor = session_of(page).visitor
    answer_all("", visitor, embedded.train_labels, 5)
    page.run()
    assert "15 of your 20 answers agree with the data set" in texts(page)
    press(page, "Train both")
    own, random = store.active_runs()
    assert own.config.noise == "own" and own.config.level == 1
    assert random.config.noise == "uniform" and 0.05 < random.config.level < 0.35
    for run in (own, random):
        settings = run.config.overrides()
        finished(store, **settings)
    page.run()
    assert set(metrics(page)) == {"Your labels: test error", "Random labels: test error"}
    assert "both networks misread about equally many" in texts(page)
