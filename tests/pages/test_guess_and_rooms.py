"""Guess first, and rooms with their lessons."""

import json
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.config import RunConfig
from core.errors import ConfigError, RefusedError
from core.live.classroom.classroom import Lesson
from pages.guess import guess_board
from pages.shared.server import resources
from tests.pages.opened import open_page, page_of, popovers, press, session_of, texts, viewer


def test_a_room_sets_the_controls_and_hides_some():
    lesson = Lesson("A *title* <b>", RunConfig(level=0.7, epochs=33), ("preset", "more"))
    code = resources.classroom().open_room(lesson)
    page = open_page("lab", room=code.lower())
    assert page.slider(key="level").value == 0.7
    assert not page.selectbox and not page.text_input  # the preset and all other settings
    page.button(key="start").click().run()
    (run,) = resources.store().active_runs()
    assert (run.config.level, run.config.epochs) == (0.7, 33)
    (label,) = popovers(page)
    assert label == f"Room {code} · A \\*title\\* \\<b\\>"
    page.slider(key="level").set_value(0.2).run()
    assert page.slider(key="level").value == 0.2  # set once, then free


def test_a_hidden_level_is_the_lessons():
    code = resources.classroom().open_room(Lesson("x", RunConfig(level=0.7), ("level",)))
    page = open_page("lab", room=code)
    assert not page.slider and viewer(page)["title"].startswith("70% random labels")


def test_a_room_that_is_not_there_is_one_sentence():
    page = open_page("lab", room="NONE<b>")
    assert "There is no room" in page.warning[0].value and not page.exception


@pytest.mark.slow
def test_the_sweep_waits_for_a_guess_where_the_lesson_wants_one():
    code = resources.classroom().open_room(Lesson("x", guess_first=True))
    page = open_page("sweep", room=code)
    assert "Draw your own guess first" in page.info[0].value and not page.get("vega_lite_chart")
    assert "Draw your own guess first" not in texts(open_page("sweep"))
    page = guessed(code)
    assert "guess of the test error is off by" in viewer_text(page) and "One guess so far" in texts(
        page
    )
    assert resources.classroom().guesses(code).shape == (1, 2, 11)
    session_of(page).room = code
    sweep = page_of("sweep")
    sweep.session_state["session"] = session_of(page)
    assert "Filled" in texts(sweep.run())


def guessed(code: str) -> AppTest:
    """The page of somebody who has made a guess. AppTest cannot draw: the browser tests do."""
    page = open_page("guess", room=code)
    board = json.loads(page.get("bidi_component")[0].proto.json)
    assert len(board["questions"]) == 2 and "truth" not in board
    name = session_of(page).visitor
    resources.classroom().add_guess(code, name, [0.5] * 11, [0.1] * 11)
    return page.run()


def viewer_text(page: AppTest) -> str:
    return json.loads(page.get("bidi_component")[0].proto.json)["said"]


def test_a_second_guess_is_refused_also_after_a_reload():
    code = resources.classroom().open_room(Lesson("x", guess_first=True))
    page = guessed(code)
    again = page_of("guess")
    session_of(again).visitor = session_of(page).visitor  # as the cookie says
    again.query_params["room"] = code
    again.run()
    assert "guess of the test error is off by" in viewer_text(again)
    with pytest.raises(RefusedError, match="already"):
        resources.classroom().add_guess(code, session_of(page).visitor, [0.5] * 11, [0.1] * 11)
    assert len(resources.classroom().guesses(code)) == 1


@pytest.mark.parametrize(
    "sent", [None, {}, {"test": 5, "training": 3}, {"test": ["x"] * 11, "training": [0.5] * 11}, []]
)
def test_a_guess_that_no_page_of_ours_sends_is_one_sentence(sent, monkeypatch):
    monkeypatch.setattr(
        guess_board.st, "session_state", SimpleNamespace(guess_board=SimpleNamespace(guess=sent))
    )
    with pytest.raises(ConfigError, match="Draw both lines"):
        guess_board.sent_guess()


def test_the_truth_is_that_of_the_sweep():
    code = resources.classroom().open_room(Lesson("x"))
    board = json.loads(guessed(code).get("bidi_component")[0].proto.json)
    runs = resources.sweep()
    same = runs[(runs.model == "mlp-1x512") & (runs.data == "full") & (runs.level == 0.5)]
    same = same[(same.corruption == "labels") & (same.weight_decay == 0) & ~same.random_crop]
    assert board["truth"][1][5] == pytest.approx(same.final_test_error.mean(), abs=1e-4)
    assert board["truth"][0][5] < 0.01 and board["guess"] == [[0.1] * 11, [0.5] * 11]


def test_the_room_is_put_into_the_address_of_every_page():
    code = resources.classroom().open_room(Lesson("x"))
    for name in ("lab", "sweep", "guess"):
        page = page_of(name)
        session_of(page).room = code  # came by the bar, which has plain links
        page.run()
        assert page.query_params["room"] in (code, [code]), name


def test_in_a_room_a_setting_that_the_address_lacks_is_the_lessons():
    """As after the browser's Back: a session that knows the lesson, an address with the room alone."""
    lesson = Lesson("x", RunConfig(model="alexnet", level=0.8, epochs=12, batch_size=32))
    code = resources.classroom().open_room(lesson)
    page = page_of("lab")
    session_of(page).room = code
    session_of(page).lesson = lesson  # set once already: the widgets are new all the same
    page.run()
    assert page.slider(key="level").value == 0.8 and page.selectbox(key="model").value == "alexnet"
    page.button(key="start").click().run()
    (run,) = resources.store().active_runs()
    assert run.config == lesson.config


@pytest.mark.slow
@pytest.mark.parametrize("name", ["start", "lab", "sweep", "guess"])
def test_a_code_is_typed_where_there_is_no_room(name):
    code = resources.classroom().open_room(Lesson("x", RunConfig(level=0.7)))
    page = open_page(name)
    page.text_input(key="room_code").set_value("NONE").run()
    assert "There is no room 'NONE'" in texts(page) and not page.exception
    page.text_input(key="room_code").set_value(f" {code[:2].lower()} {code[2:]}").run()
    assert page.query_params["room"] in (code, [code])
    assert not any(field.key == "room_code" for field in page.text_input)
    assert any(f"Room {code}" in label for label in popovers(page))
    press(page, "Leave this room")
    assert "room" not in page.query_params and page.text_input(key="room_code")
