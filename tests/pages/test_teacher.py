"""The teacher's page: its door, the queue, rooms."""

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from core.config import RunConfig
from core.live.classroom import login
from core.live.classroom.level_sweep import all_levels
from core.live.classroom.login import Login, hash_password
from core.live.runs.limits import Limits
from core.live.server.settings import Settings
from pages.shared.server import resources
from tests.pages.opened import open_page, page_of, press, session_of, texts

PASSWORD = "correct horse"


@pytest.fixture
def teacher(store, monkeypatch):
    hashed = hash_password(PASSWORD)
    login = Login(hashed, store.database)
    monkeypatch.setattr(resources, "settings", lambda: Settings(teacher_password=hashed))
    monkeypatch.setattr(resources, "login", lambda: login)


def unlocked() -> AppTest:
    page = open_page("teacher")
    page.text_input(key="password").set_value(PASSWORD)
    next(button for button in page.button if button.label == "Open").click()
    return page.run()


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


@pytest.mark.slow
def test_the_teacher_holds_the_reins(teacher, store):
    configs = [RunConfig(seed=seed) for seed in range(3)]
    for place, config in enumerate(configs):
        store.submit(config, f"visitor {place % 2}")
    page = unlocked()
    assert "3 runs from 2 visitors are taking turns" in texts(page) and "visitor 0" not in str(
        page.dataframe[0]
    )
    press(page, "Pause all")
    assert store.database.state().is_paused and "All training is paused: 3 runs wait" in texts(page)
    assert set(page.dataframe[0].value["State"]) == {"held"}
    assert "the teacher has paused all training" in texts_of_run(configs[0])
    press(page, "Resume all")
    press(page, "Pause it")
    assert store.run(configs[0].run_id).status == "paused"
    press(page, "Cancel it")
    assert store.run(configs[0].run_id).status == "cancelled"
    press(page, "Cancel all runs")
    assert store.active_runs() == [] and "Nobody is training" in texts(page)
    press(page, "Lock this page")
    assert not page.tabs


@pytest.mark.slow
def test_the_teacher_sees_who_is_there_and_what_they_do(teacher, store):
    page = unlocked()
    press(page, "Open a room")
    (code,) = resources.classroom().rooms()
    students = [open_page("lab", room=code) for _ in range(3)]
    students[0].run()  # counted once
    resources.classroom().add_guess(code, session_of(students[0]).visitor, [0.5] * 11, [0.5] * 11)
    students[0].button(key="start").click().run()
    students[1].text_input(key="seed").set_value("5").run()
    students[1].button(key="start").click().run()
    first, _ = store.active_runs()
    store.report_end(first.run_id)
    page.run()
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown == {
        "have joined": "3",
        "have made their guess": "1",
        "are training": "1",
        "have trained a network": "1",
    }


def texts_of_run(config: RunConfig) -> str:
    page = open_page("lab", run=config.run_id)
    return "\n".join(str(element.proto.text) for element in page.get("progress"))


def test_the_teacher_opens_a_room_with_its_code(teacher, monkeypatch):
    page = unlocked()
    press(page, "Open a room")
    (code,) = resources.classroom().rooms()
    (link,) = page.get("bidi_component")
    assert f"/lab?room={code}" in str(link.proto) and not page.exception
    assert "works only on its own machine" in texts(
        page
    )  # opened on the server itself: no code of that
    monkeypatch.setenv("LAB_ADDRESS", "http://192.0.2.7:8501/lab")
    page.run()
    assert "works only on its own machine" not in texts(page)
    (link,) = page.get("bidi_component")
    assert f"http://192.0.2.7:8501/lab/lab?room={code}" in str(link.proto)


@pytest.mark.slow
def test_the_teacher_shares_out_the_levels_and_ends_it(teacher):
    page = unlocked()
    press(page, "Open a room")
    (code,) = resources.classroom().rooms()
    press(page, "Share out the levels")
    assert resources.shared_levels().config(code) == all_levels(RunConfig(epochs=40))[-1]
    assert "Share out the levels" not in [button.label for button in page.button]
    press(page, "End the sharing")
    assert not resources.shared_levels().is_open(code) and not page.exception
    (figure,) = [link for link in page.get("page_link") if "figure" in link.proto.label]
    assert figure.proto.query_string == f"room={code}&large=&shared="  # it stays
    press(page, "Share out the levels")
    assert resources.shared_levels().is_open(code)


@pytest.mark.slow
def test_the_teachers_own_pages_are_no_student(teacher):
    page = unlocked()
    press(page, "Open a room")
    (code,) = resources.classroom().rooms()
    for name, is_teacher, joined in (("curve", True, 0), ("lab", False, 1)):
        page = page_of(name)
        if is_teacher:
            session_of(page).teacher_key = "a key"
            resources.classroom().let_in("a key")
        page.query_params["room"] = code
        page.run()
        assert resources.classroom().attendance(code).joined == joined


def test_a_locked_page_does_nothing_more_whatever_button_is_fired(teacher, store):
    """The button was drawn while the page was open; a message of the protocol fires it again."""
    store.submit(RunConfig(), "ann")
    page = unlocked()
    clear = next(button for button in page.button if button.label == "Cancel all runs")
    resources.classroom().lock_out(session_of(page).teacher_key)  # as its lock does
    clear.click().run()
    assert "The teacher's page is locked" in texts(page)
    assert len(store.active_runs()) == 1 and not page.tabs


def test_a_limit_under_the_usual_number_of_epochs_leaves_the_page_whole(teacher, monkeypatch):
    few = Settings(Limits(epochs=30), teacher_password=resources.settings().teacher_password)
    monkeypatch.setattr(resources, "settings", lambda: few)
    page = unlocked()
    assert not page.exception and page.text_input(key="lesson-epochs").value == "30"


NAME = "0123456789abcdef"


def test_a_lost_connection_leaves_the_page_open_and_the_lock_closes_it_everywhere(teacher, monkeypatch):
    other_tab = unlocked()
    key = session_of(other_tab).teacher_key
    cookie = f'rememberKey({{"key": "lab_teacher", "value": "{key}"'
    assert any(cookie in html.proto.body for html in other_tab.get("html"))
    monkeypatch.setattr(ContextProxy, "cookies", {"lab_visitor": NAME, "lab_teacher": key})
    page = open_page("teacher")  # a new session of the same browser
    assert page.tabs
    press(page, "Lock this page")
    assert not page.tabs and not other_tab.run().tabs and not open_page("teacher").tabs


def test_another_browser_is_no_teacher(teacher, monkeypatch):
    """Nor is one that has the teacher's name, which may have come to both by a link."""
    monkeypatch.setattr(ContextProxy, "cookies", {"lab_visitor": NAME})
    unlocked()
    for cookies in ({"lab_visitor": "f" * 16}, {"lab_visitor": NAME, "lab_teacher": NAME}, {}):
        monkeypatch.setattr(ContextProxy, "cookies", cookies)
        assert not open_page("teacher").tabs and not open_page("teacher", lab_visitor=NAME).tabs


def test_the_teacher_sees_who_queues_most_and_how_full_the_disk_is(teacher, store):
    for seed in range(3):
        store.submit(RunConfig(seed=seed), "busy", "192.0.2.9")
    store.submit(RunConfig(seed=9), "ann")
    page = unlocked()
    assert "Most runs: visitor 1 (3), visitor 2 (1)." in texts(page) and "MB that lab.toml" in texts(
        page
    )
    assert "192.0.2.9" in str(page.dataframe[0].value)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("7,5", "must be a whole number"), ("0", "from 1"), ("401", "up to 400"), ("x", "must be")],
)
def test_a_number_that_is_none_opens_no_room(teacher, typed, said):
    page = unlocked()
    page.text_input(key="lesson-epochs").set_value(typed)
    press(page, "Open a room")
    assert said in page.error[0].value and not resources.classroom().rooms() and not page.exception
    assert page.text_input(key="lesson-epochs").value == typed  # to be mended
    page.text_input(key="lesson-epochs").set_value(" 12 ")
    press(page, "Open a room")
    (lesson,) = resources.classroom().rooms().values()
    assert lesson.config.epochs == 12
