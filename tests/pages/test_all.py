"""Every page, alone (a deep link) and through the router; and what can be broken."""

import itertools
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.config import RunConfig
from core.errors import StoreError
from core.live.classroom.classroom import Classroom, Lesson
from core.live.runs import database
from core.paths import ROOT
from pages.shared.frame import frame
from pages.shared.frame.navigation import script
from tests.pages.opened import TITLES, open_page, texts


@pytest.mark.parametrize("name", TITLES)
def test_a_page_works_alone(name):
    page = open_page(name)
    assert not page.exception
    assert page.title[0].value == TITLES[name]
    assert not page.run().exception


@pytest.mark.parametrize("name", TITLES)
def test_a_page_works_through_the_router(name):
    app = AppTest.from_file(ROOT / "pages" / "shared" / "frame" / "router.py", default_timeout=60).run()
    assert app.title[0].value == TITLES["start"] and not app.exception
    if name != "start":
        app.switch_page(str(script(name))).run()
    assert not app.exception and app.title[0].value == TITLES[name]


def test_a_page_whose_store_was_locked_tries_again_by_itself(store, monkeypatch):
    run, clock = store.submit(RunConfig(), "ann"), itertools.count(step=10)
    monkeypatch.setattr(frame, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    fails, find = [StoreError("locked for 2 s: try again.")], store.run

    def locked_once(run_id):
        if fails:
            raise fails.pop()
        return find(run_id)

    monkeypatch.setattr(store, "run", locked_once)
    page = open_page("lab", run=run.run_id)
    assert not fails and not page.error and page.button(key="start")


def test_a_broken_store_is_one_sentence(store, monkeypatch):
    with store.database.connect() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.database.path.write_bytes(b"no database at all, but long enough to look like one" * 100)
    monkeypatch.setattr(database, "USED_SECONDS", 0.0)  # a second later
    page = open_page("lab")
    assert "damaged" in texts(page) and "Reload the page" in texts(page) and not page.exception
    assert "kept as runs.damaged-" in texts(page.run()) and page.button(key="start")
    store.database.path.unlink()
    store.database.path.mkdir()
    for name in ("lab", "sweep"):
        page = open_page(name)
        assert "cannot be read or written" in texts(page) and not page.exception


@pytest.mark.slow
def test_each_page_of_the_story_leads_to_the_next_and_keeps_the_room(store):
    code = Classroom(store).open_room(Lesson("Lies"))
    story = ["guess", "lab", "curve", "sweep", "annotate", "stop", "find", "defend", "weights"]
    titles = [*(TITLES[name] for name in story), "The story"]
    for place, name in enumerate(story):
        page = open_page(name, room=code)
        (following,) = [
            link.proto for link in page.get("page_link") if link.proto.label.startswith("Next:")
        ]
        assert f"**{titles[place + 1]}**" in following.label
        assert following.query_string == f"room={code}"
    for name in ("start", "teacher", "present"):
        labels = [link.proto.label for link in open_page(name).get("page_link")]
        assert not [label for label in labels if label.startswith("Next:")]
