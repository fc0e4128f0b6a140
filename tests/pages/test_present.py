"""The story."""

import pytest

from core.config import RunConfig
from core.live.classroom.classroom import Classroom, Lesson
from core.live.classroom.level_sweep import SharedLevels
from core.sweep.results import load_runs
from pages.shared.components import stop_game
from pages.shared.server import resources
from tests.pages.opened import open_page, texts, viewer

STEPS = 7


@pytest.mark.slow
def test_every_step_has_a_picture_and_a_title_of_its_own():
    titles = []
    for step in range(1, STEPS + 1):
        page = open_page("present", step=str(step))
        assert not page.exception and not page.error
        titles.append(page.header[0].value)
    assert len(set(titles)) == STEPS


@pytest.mark.parametrize("step", ["0", "8", "-1", "x", "", "1e9"])
def test_a_step_that_is_none_is_one_all_the_same(step):
    page = open_page("present", step=step)
    assert not page.exception and page.header[0].value


def test_the_first_photograph_carries_a_lie_and_the_level_rises_by_itself():
    tiles = next(e.proto.body for e in open_page("present").get("html") if "<figure" in e.proto.body)
    assert tiles.count("<figure") == 1 and 'class="wrong"' in tiles
    shown = viewer(open_page("present", step="3"))
    assert shown["sweeps"] and not shown["replays"] and len(shown["runs"]) == 11
    assert viewer(open_page("present", step="4"))["replays"]


def test_notes_for_the_speaker_stand_at_an_address_of_their_own():
    page = open_page("present", notes="")
    assert page.title[-1].value == "Notes for the speaker"
    assert all(f"**{step} · " in texts(page) for step in range(1, STEPS + 1))


def test_without_stored_runs_the_story_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(resources, "sweep", lambda: load_runs().head(0))
    for step in range(1, STEPS + 1):
        page = open_page("present", step=str(step))
        assert not page.exception
        assert ("not computed yet" in texts(page)) == (step in (3, 4, 6))


def test_in_a_room_the_class_figure_ends_the_story(store):
    room = Classroom(store).open_room(Lesson("Lies"))
    page = open_page("present", room=room, step=str(STEPS + 1))
    assert page.header[0].value == "Is that so?"  # nothing is shared out: there is no such step
    SharedLevels(store).share_out(room, RunConfig(epochs=3))
    SharedLevels(store).take(room, "ann")
    page = open_page("present", room=room.lower(), step=str(STEPS + 1))
    assert not page.exception and page.header[0].value == "The figure that you make"
    assert "1 place taken" in texts(page) and page.get("vega_lite_chart")
    SharedLevels(store).end(room)
    page.run()  # the figure stays
    assert not page.exception and page.header[0].value == "The figure that you make"


def test_in_a_room_the_stops_of_the_class_are_a_step(store):
    """The projector shows them, and its teacher need not have played."""
    classroom = Classroom(store)
    room = classroom.open_room(Lesson("Lies"))
    classroom.add_stop(room, "ann", stop_game.played_run().run_id, 6)
    page = open_page("present", room=room, step=str(STEPS + 1))
    assert not page.exception and page.header[0].value == "When did you stop?"
    assert "1 stop so far" in texts(page) and page.get("vega_lite_chart")
