"""A whole curve by one visitor, and by a class that shares it out."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.config import LEVELS, MAX_SEED, RunConfig
from core.errors import RefusedError
from core.live.classroom import level_sweep
from core.live.classroom.level_sweep import SharedLevels, all_levels, level_points, of_place
from core.live.runs.limits import Limits
from core.live.runs.store import TEACHER, Status, Store
from core.sweep.grids import BY_VALUE
from tests.samples import record

BASE = RunConfig(epochs=15, level=0.0)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs.sqlite", Limits(runs=1, all_runs=60))


@pytest.fixture
def shared(store):
    shared = SharedLevels(store)
    shared.share_out("ROOM1", RunConfig(epochs=15, level=0.3, repair="none"))
    return shared


def finish(store, run_id, **errors):
    store.add_epoch(run_id, record(15, **errors))
    store.report_end(run_id)


def test_a_curve_counts_as_one_run_and_takes_no_more(store):
    runs = store.submit_all_levels(all_levels(BASE), "ann")
    assert [run.config.level for run in runs] == list(LEVELS)
    assert store.submit_all_levels(all_levels(BASE), "ann") == runs  # asked for again: nothing new
    with pytest.raises(RefusedError, match="one unfinished run"):
        store.submit(RunConfig(seed=9), "ann")
    store.submit(RunConfig(seed=9), "ben")
    with pytest.raises(RefusedError, match="one unfinished run"):
        store.submit_all_levels(all_levels(RunConfig(seed=1)), "ben")


def test_a_curve_for_which_there_is_no_room_leaves_nothing_behind(tmp_path):
    store = Store(tmp_path / "runs.sqlite", Limits(all_runs=15))
    store.submit_all_levels(all_levels(BASE), "ann")
    with pytest.raises(RefusedError, match="allows 15 unfinished runs"):
        store.submit_all_levels(all_levels(RunConfig(seed=1)), "ben")
    assert len(store.active_runs()) == 11


def test_a_cancelled_curve_is_asked_for_again_as_one(store):
    runs = store.submit_all_levels(all_levels(BASE), "ann")
    for run in runs[3:]:
        store.cancel(run.run_id, by="ann")
    store.submit_all_levels(all_levels(BASE), "ann")
    assert len(store.active_runs()) == 11


def test_points_tell_how_far_each_run_is(store):
    configs = all_levels(BASE)
    store.submit_all_levels(configs, "ann")
    finish(store, configs[0].run_id, test_error=0.6, train_error=0.0)
    store.add_epoch(configs[1].run_id, record(3, test_error=0.7, train_error=0.5))
    points = level_points(store, configs)
    assert [point.level for point in points] == list(LEVELS)
    assert points[0] == (0.0, 0, 15, 15, 0.0, 0.6, True, False)
    assert points[1] == (0.1, 0, 3, 15, 0.5, 0.7, False, True)
    assert points[2] == (0.2, 0, 0, 15, None, None, False, True)


def test_nothing_is_taken_where_nothing_is_shared_out(store):
    shared = SharedLevels(store)
    assert shared.take("ROOM1", "ann") is None and shared.config("ROOM1") is None
    assert shared.configs("ROOM1") == []


def test_sixty_students_have_places_of_their_own_and_the_first_eleven_are_the_figure(shared):
    def take(student: int):
        return shared.take("ROOM1", f"student {student}")

    with ThreadPoolExecutor(8) as phones:
        runs = list(phones.map(take, range(60)))
    assert len({run.run_id for run in runs}) == 60
    assert shared.configs("ROOM1") == [of_place(BASE, place) for place in range(60)]
    assert sorted(c.level for c in shared.configs("ROOM1")[:11]) == list(LEVELS)
    assert {c.seed for c in shared.configs("ROOM1")} == set(range(6))
    assert take(7) == runs[7]  # a reload


def test_three_students_train_all_eleven(shared, store):
    seen = set()
    while len(seen) < len(BY_VALUE):
        for student in ("ann", "ben", "cem"):
            run = shared.take("ROOM1", student)
            seen.add(run.config.level)
            assert shared.take("ROOM1", student) == run  # until it is finished
            finish(store, run.run_id)
    assert {run.seed for run in shared.configs("ROOM1")} == {0}
    assert shared.take("ROOM1", "ann").status is Status.FINISHED  # nothing is left to take
    assert shared.take("ROOM1", "late").config == of_place(BASE, 11)


@pytest.mark.parametrize("how", ["cancel", "pause", "fail"])
def test_who_comes_late_takes_what_is_missing(shared, store, how):
    runs = [shared.take("ROOM1", f"student {place}") for place in range(14)]
    if how == "fail":
        store.report_failure(runs[4].run_id, "It broke.")
    else:
        getattr(store, how)(runs[4].run_id, by="student 4" if how == "cancel" else TEACHER)
    assert shared.take("ROOM1", "student 4").run_id == runs[4].run_id  # it starts nothing anew
    run = shared.take("ROOM1", "late")
    assert run.run_id == runs[4].run_id and run.owner == "late" and run.is_active
    assert shared.take("ROOM1", "later").config == of_place(BASE, 14)


def test_who_has_a_place_again_holds_no_second_one(shared, store):
    for place in range(11):
        finish(store, shared.take("ROOM1", f"student {place}").run_id)
    finish(store, shared.take("ROOM1", "ann").run_id)
    with store.database.connect() as connection:
        connection.execute("DELETE FROM runs WHERE run_id = ?", (of_place(BASE, 3).run_id,))
    run = shared.take("ROOM1", "ann")
    assert run.config == of_place(BASE, 3) and shared.take("ROOM1", "ann") == run


def test_a_refused_run_leaves_its_place_to_others(shared, store):
    store.submit(RunConfig(seed=9), "ann")
    with pytest.raises(RefusedError, match="one unfinished run"):
        shared.take("ROOM1", "ann")
    assert shared.configs("ROOM1") == []
    assert shared.take("ROOM1", "ben").config == BASE


def test_the_noise_of_a_lesson_is_shared_out_with_it(shared):
    shared.share_out("ROOM1", RunConfig(epochs=15, level=0.5, noise="cifar10n-worst-matrix"))
    runs = [shared.take("ROOM1", f"student {place}") for place in range(11)]
    noises = {run.config.level: run.config.noise for run in runs}
    assert noises.pop(0.0) == "uniform" and set(noises.values()) == {"cifar10n-worst-matrix"}


def test_after_the_end_no_place_is_given_out_and_the_figure_stays(shared):
    taken = shared.take("ROOM1", "ann").config
    shared.end("ROOM1")
    assert not shared.is_open("ROOM1")
    assert shared.take("ROOM1", "ann") is None and shared.take("ROOM1", "ben") is None
    assert shared.configs("ROOM1") == [taken]


def test_another_curve_begins_with_all_places_free(shared):
    shared.take("ROOM1", "ann")
    shared.share_out("ROOM1", RunConfig(model="mlp-3x512", epochs=9))
    assert shared.configs("ROOM1") == []
    shared.end("ROOM1")
    shared.share_out("ROOM1", RunConfig(epochs=3))
    assert shared.is_open("ROOM1") and shared.take("ROOM1", "ben").config.epochs == 3


def test_after_the_last_seed_comes_the_first():
    assert of_place(RunConfig(seed=MAX_SEED), len(LEVELS)).seed == 0


def test_of_several_paused_places_the_first_is_taken(shared, store):
    """The first eleven are the figure: what is missing there is missed most."""
    runs = [shared.take("ROOM1", f"student {place}") for place in range(13)]
    for place in (12, 7, 2):
        store.pause(runs[place].run_id, by=TEACHER)
    taken = [shared.take("ROOM1", f"late {number}").run_id for number in range(3)]
    assert taken == [runs[place].run_id for place in (2, 7, 12)]


def test_a_room_has_so_many_places_and_no_more(shared, monkeypatch):
    monkeypatch.setattr(level_sweep, "MAX_PLACES", 13)
    for student in range(13):
        assert shared.take("ROOM1", f"student {student}") is not None
    with pytest.raises(RefusedError, match="All places in this room"):
        shared.take("ROOM1", "student 13")
    assert len(shared.configs("ROOM1")) == 13
    assert shared.take("ROOM1", "student 12").config == of_place(BASE, 12)  # a reload


def test_who_has_trained_several_is_shown_the_last_one(shared, store):
    for _ in range(len(BY_VALUE)):
        run = shared.take("ROOM1", "ann")
        finish(store, run.run_id)
    assert run.config == of_place(BASE, len(BY_VALUE) - 1)
    assert shared.take("ROOM1", "ann").run_id == run.run_id
