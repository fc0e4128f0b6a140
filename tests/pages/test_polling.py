"""How often live pages are drawn, and who is still there."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from core.config import RunConfig
from core.live.runs.store import Store
from pages.shared.server import polling
from tests.pages.opened import session_of


class Clock:
    def __init__(self, monkeypatch):
        self.now, self.cpu = time.time(), 0.0
        monkeypatch.setattr(time, "time", lambda: self.now)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "thread_time", lambda: self.cpu)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(polling, "_watch", polling._Watch())
    monkeypatch.setattr(polling, "_present", polling._Present())
    monkeypatch.setattr(polling, "STARTED", 0.0)
    return clock


def watch(clock, visitors: int, seconds: float, cost: float) -> float:
    """So many visitors look for so long, each as often as they are told to; how often that is."""
    due = dict.fromkeys(range(visitors), clock.now)
    until = clock.now + seconds
    while (at := min(due.values())) < until:
        clock.now = max(clock.now, at)
        (visitor,) = [each for each, when in due.items() if when == at][:1]
        with polling.measured():
            clock.cpu += cost / polling.OVERHEAD
        between = max(1.0, polling.seconds_between(str(visitor), "lab"))
        due[visitor] = at + between
    return between


@pytest.mark.parametrize("cost", [0.005, 0.02])
def test_all_pages_together_take_their_share_of_a_core(clock, cost):
    between = watch(clock, 100, 60, cost)
    assert between == pytest.approx(100 * cost / polling.SHARE, rel=0.1)


def test_few_are_not_slowed_down_and_those_who_have_gone_no_longer_count(clock):
    assert watch(clock, 5, 30, 0.02) == 1.0
    slow = watch(clock, 200, 60, 0.02)
    assert slow > 8
    assert watch(clock, 5, 60, 0.02) == 1.0


def test_a_timer_is_changed_where_it_is_far_off(store, monkeypatch):
    """A page opened while nobody watched went on at its first pace when a class had come."""
    assert not polling.needs_new_timer(1.0, 1.5) and not polling.needs_new_timer(None, 1.0)
    assert polling.needs_new_timer(1.0, 2.0) and polling.needs_new_timer(2.0, 1.0)

    def tick():
        import streamlit as st

        from pages.lab import live
        from pages.shared.server import polling, resources

        (run,) = resources.store().active_runs()
        st.session_state.drawn = st.session_state.get("drawn", 0) + 1
        for each in range(st.session_state.viewers):
            polling.seconds_between(str(each), "line")
        every = live._line_seconds() if st.session_state.drawn > 1 else live.PROGRESS_SECONDS
        live._show_line(run.run_id, live._snapshot(run), every)

    store.submit(RunConfig(epochs=3), "ann")
    for viewers, drawn in ((1, 1), (40, 2)):
        page = AppTest.from_function(tick, default_timeout=60)
        page.session_state.viewers, session_of(page).visitor = viewers, "ann"
        monkeypatch.setattr(polling, "_watch", polling._Watch())
        page.run()
        assert not page.exception and page.session_state.drawn == drawn


def test_who_looks_has_not_left(clock, monkeypatch):
    polling.seconds_between("ann", "lab")
    assert not polling.has_left("ann")
    clock.now += polling.LEFT_SECONDS + 1
    assert polling.has_left("ann") and polling.has_left("ben")
    monkeypatch.setattr(polling, "STARTED", clock.now - 1)  # a server that has just begun knows nobody
    assert not polling.has_left("ben")


def test_who_looks_is_noted_for_other_servers_all_in_one(clock, store, monkeypatch):
    notes, note = [], store.note_polls
    monkeypatch.setattr(store, "note_polls", lambda looked: notes.append(looked) or note(looked))
    for _ in range(20):
        for visitor in ("ann", "ben"):
            polling.seconds_between(visitor, "lab")
        clock.now += 2
    assert [sorted(looked) for looked in notes] == [["ann"], ["ann", "ben"]]
    assert clock.now - store.last_poll("ben") < polling.NOTED_SECONDS + 2


def test_who_looks_through_another_server_has_not_left(clock, store):
    assert polling.has_left("ann")
    Store(store.database.path).note_polls({"ann": time.time()})
    assert not polling.has_left("ann")
