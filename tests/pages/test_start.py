"""Start."""

from core.live.classroom import Lesson
from pages.shared import resources
from pages.shared.navigation import pages
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
        f"**{n}" for n in range(1, 1 + sum(bool(each.help) for each in pages()[1:]))
    ]
    assert all(code in link.proto.query_string for link in page.get("page_link"))


def test_without_stored_runs_start_still_leads_on(monkeypatch):
    monkeypatch.setattr(resources, "sweep", lambda: results_of_nothing())
    page = open_page("start")
    assert not page.exception and page.button(key="train")


def results_of_nothing():
    from core.sweep.results import load_runs

    return load_runs().head(0)
