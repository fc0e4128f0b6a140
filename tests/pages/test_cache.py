"""What is made once for all visitors, whatever they send."""

import threading
import time

import pytest
import streamlit as st

from pages.shared.frame.navigation import script
from pages.shared.server import cache, resources
from pages.shared.server.cache import cached, once
from tests.pages.opened import TITLES


def test_it_is_made_once_also_for_many_at_the_same_moment():
    made = []

    def slow():
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    for get in (once(slow), cached(4)(slow)):
        made.clear()
        threads = [threading.Thread(target=get) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 1 and get() is made[0]


def test_what_takes_long_keeps_nobody_waiting_who_wants_something_else():
    has_begun, goes_on = threading.Event(), threading.Event()

    @cached(4)
    def make(which):
        if which == "slow":
            has_begun.set()
            assert goes_on.wait(10)
        return [which]

    slow = threading.Thread(target=make, args=("slow",))
    slow.start()
    assert has_begun.wait(10)
    assert make("quick") == ["quick"]  # while the slow one is being made
    goes_on.set()
    slow.join()


def test_what_fails_is_tried_again():
    tries = []

    @cached(4)
    def make():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no")
        return len(tries)

    with pytest.raises(OSError):
        make()
    assert make() == make() == 2


def test_arguments_tell_calls_apart_but_for_those_with_an_underscore():
    @cached(2)
    def doubled(value, _hint):
        return [2 * value]

    first = doubled(1, "a")
    assert doubled(1, "b") is first and doubled(2, "a") == [4]
    doubled(3, "a")
    assert doubled(1, "a") is not first  # two are kept


def test_what_has_a_time_is_made_again_after_it(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(cache.time, "monotonic", lambda: now[0])

    @cached(1, seconds=5)
    def look():
        return object()

    first = look()
    now[0] += 4
    assert look() is first
    now[0] += 2
    assert look() is not first


def test_a_browser_that_has_the_caches_cleared_takes_nothing_away():
    """Streamlit's message for it is open to every visitor; it once opened the teacher's door to guesses."""
    made = (resources.login(), resources.download(), resources.data("embedded"), resources.sweep())
    threads = threading.active_count()
    st.cache_data.clear()
    st.cache_resource.clear()
    again = (resources.login(), resources.download(), resources.data("embedded"), resources.sweep())
    assert all(one is other for one, other in zip(made, again, strict=True))
    assert threading.active_count() == threads


def test_no_page_keeps_anything_itself():
    """It is run anew at every press of every visitor, and would keep it for this one run."""
    for path in (script(name) for name in TITLES):
        assert "pages.shared.server.cache" not in path.read_text(encoding="utf-8"), path
