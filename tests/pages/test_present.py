"""The story."""

import pytest

from core.sweep.results import load_runs
from pages.shared import resources
from tests.pages.opened import open_page, texts, viewer

STEPS = 6


def test_every_step_has_a_picture_and_a_title_of_its_own():
    titles = []
    for step in range(1, STEPS + 1):
        page = open_page("present", step=str(step))
        assert not page.exception and not page.error
        titles.append(page.header[0].value)
    assert len(set(titles)) == STEPS


@pytest.mark.parametrize("step", ["0", "7", "-1", "x", "", "1e9"])
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
        assert ("not computed yet" in texts(page)) == (step in (3, 4))
