"""The runs as pages and trainer see them: asked for, reported, paused, owned."""

import dataclasses
import itertools
import threading

import pytest

from core.config import RunConfig
from core.errors import RefusedError
from core.live.runs.limits import Limits
from core.live.runs.store import LOOKS_KEPT_SECONDS, TEACHER, Store
from tests.samples import record, report_epochs

CONFIG = RunConfig(level=0.5, epochs=3)


def test_a_run_submitted_twice_is_one_run(store):
    first, second = store.submit(CONFIG, "ann"), store.submit(CONFIG, "ben")
    assert first.run_id == second.run_id == CONFIG.run_id
    assert first.config == CONFIG and first.status == "queued" and first.epochs_done == 0
    assert len(store.active_runs()) == 1
    assert [run.run_id for run in store.runs_of("ann")] == [run.run_id for run in store.runs_of("ben")]
    assert store.runs_of("eve") == []


def test_a_finished_run_submitted_again_stays_finished(store):
    report_epochs(store, CONFIG, 3)
    store.report_end(CONFIG.run_id)
    assert store.submit(CONFIG, "ben").status == "finished"


def test_records_come_back_as_they_were(store):
    report_epochs(store, CONFIG, 2)
    assert store.records(CONFIG.run_id) == [record(1), record(2)]
    store.add_epoch(CONFIG.run_id, record(2))  # reported again after a kill
    assert store.run(CONFIG.run_id).epochs_done == 2


def test_another_process_finds_everything(store):
    report_epochs(store, CONFIG, 2)
    again = Store(store.database.path)
    assert again.run(CONFIG.run_id) == store.run(CONFIG.run_id)
    assert again.records(CONFIG.run_id) == store.records(CONFIG.run_id)


def test_pause_and_resume(store):
    report_epochs(store, CONFIG, 1)
    store.pause(CONFIG.run_id, by="ann")
    store.add_epoch(CONFIG.run_id, record(2))  # the epoch that was being trained is kept
    assert store.run(CONFIG.run_id).status == "paused"
    assert store.run(CONFIG.run_id).epochs_done == 2 and store.active_runs() == []
    store.resume(CONFIG.run_id, by="ann")
    assert store.run(CONFIG.run_id).status == "queued"


def test_one_epoch_pauses_after_it(store):
    report_epochs(store, CONFIG, 1)
    store.pause(CONFIG.run_id, by="ann")
    store.one_epoch(CONFIG.run_id, by="ann")
    store.report_start(CONFIG.run_id, "cpu")
    assert store.run(CONFIG.run_id).status == "running"
    store.add_epoch(CONFIG.run_id, record(2))
    assert store.run(CONFIG.run_id).status == "paused"
    store.resume(CONFIG.run_id, by="ann")
    store.report_start(CONFIG.run_id, "cpu")
    store.add_epoch(CONFIG.run_id, record(3))
    assert store.run(CONFIG.run_id).status == "running"


def test_cancel_keeps_the_epochs_and_can_be_submitted_again(store):
    report_epochs(store, CONFIG, 2)
    store.cancel(CONFIG.run_id, by="ann")
    run = store.run(CONFIG.run_id)
    assert run.status == "cancelled" and run.has_ended and run.epochs_done == 2
    assert store.submit(CONFIG, "ann").status == "queued"
    assert len(store.records(CONFIG.run_id)) == 2


def test_failure_carries_its_message_and_a_new_start_forgets_it(store):
    report_epochs(store, CONFIG, 1)
    store.report_failure(CONFIG.run_id, "It diverged.")
    assert store.run(CONFIG.run_id).message == "It diverged."
    again = store.submit(CONFIG, "ann")
    assert (again.status, again.message, again.attempts) == ("queued", "", 0)


CHANGES = ["pause", "resume", "one_epoch", "cancel"]


@pytest.mark.parametrize("end", ["finished", "cancel"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_has_ended_is_not_changed_by_a_late_click(store, end, change):
    report_epochs(store, CONFIG, 3)
    store.report_end(CONFIG.run_id) if end == "finished" else store.cancel(CONFIG.run_id, by="ann")
    before = store.run(CONFIG.run_id)
    getattr(store, change)(CONFIG.run_id, by="ann")
    assert store.run(CONFIG.run_id) == before


def test_any_order_of_clicks_leaves_a_run_that_has_a_state(store):
    for clicks in itertools.product(CHANGES, repeat=3):
        store.submit(CONFIG, "ann")
        for click in clicks:
            getattr(store, click)(CONFIG.run_id, by="ann")
        expected = "cancelled" if "cancel" in clicks else ("queued", "paused")
        assert store.run(CONFIG.run_id).status in expected


def test_an_epoch_reported_after_cancel_does_not_bring_the_run_back(store):
    report_epochs(store, CONFIG, 1)
    store.cancel(CONFIG.run_id, by="ann")
    store.add_epoch(CONFIG.run_id, record(2))
    store.report_end(CONFIG.run_id)
    store.report_start(CONFIG.run_id, "cpu")
    assert store.run(CONFIG.run_id).status == "cancelled"


def test_active_runs_are_in_the_order_they_were_submitted(store):
    configs = [RunConfig(seed=seed) for seed in (3, 1, 2)]
    for config in configs:
        store.submit(config, "ann")
    assert [run.config for run in store.active_runs()] == configs
    assert [run.config for run in store.runs_of("ann")] == configs[::-1]


def test_last_records(store):
    other = RunConfig(seed=5)
    report_epochs(store, CONFIG, 3)
    report_epochs(store, other, 1)
    waiting = store.submit(RunConfig(seed=6), "ann")
    runs = [store.run(CONFIG.run_id), store.run(other.run_id), waiting]
    assert [(run.config, last.epoch) for run, last in store.last_records(runs)] == [
        (CONFIG, 3),
        (other, 1),
    ]
    assert store.last_records([]) == []


def test_speeds(store):
    assert store.speeds() == {}
    store.report_speed(CONFIG, "cpu", 100.0)
    store.report_speed(CONFIG, "cpu", 200.0)
    assert store.speeds() == {("mlp-1x512", 64): 200.0}


@pytest.mark.slow
def test_readers_do_not_wait_for_the_writer_and_see_whole_epochs(store):
    """WAL: twelve readers beside a writer, no error, no torn record."""
    store.submit(CONFIG, "ann")
    failures, done = [], threading.Event()

    def read():
        try:
            while not done.is_set():
                epochs = [r.epoch for r in store.records(CONFIG.run_id)]
                assert epochs == list(range(1, len(epochs) + 1))
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(12)]
    for reader in readers:
        reader.start()
    for epoch in range(1, 101):
        store.add_epoch(CONFIG.run_id, record(epoch))
    done.set()
    for reader in readers:
        reader.join()
    assert not failures and store.run(CONFIG.run_id).epochs_done == 100


def test_a_clock_set_back_changes_no_order(store, monkeypatch):
    for seed, clock in enumerate((1000.0, 2000.0, 500.0, 400.0)):
        monkeypatch.setattr("core.live.runs.store.time.time", lambda: clock)  # noqa: B023
        store.submit(RunConfig(seed=seed), "ann")
    assert [run.config.seed for run in store.active_runs()] == [0, 1, 2, 3]
    assert [run.config.seed for run in store.runs_of("ann")] == [3, 2, 1, 0]


@pytest.mark.parametrize("change", CHANGES)
def test_only_its_owner_and_the_teacher_change_a_run(store, change):
    report_epochs(store, CONFIG, 1)
    if change in ("resume", "one_epoch"):
        store.pause(CONFIG.run_id, by="ann")
    else:
        store.submit(CONFIG, "ben")  # a second viewer, of a run that goes on
    before = store.run(CONFIG.run_id)
    for other in ("ben", "", "' OR 1=1 --"):
        getattr(store, change)(CONFIG.run_id, by=other)
        assert store.run(CONFIG.run_id) == before and before.owner == "ann"
    getattr(store, change)(CONFIG.run_id, by=TEACHER)
    assert store.run(CONFIG.run_id) != before


def test_limits_hold_where_a_run_is_accepted(tmp_path):
    store = Store(tmp_path / "runs.sqlite", Limits(runs=2, epochs=100, images=5_000))
    for seed in range(2):
        store.submit(RunConfig(seed=seed), "ann")
    refused = {
        "which is all that one visitor can have": RunConfig(seed=2),
        "up to 100 epochs": RunConfig(epochs=101),
        "up to 5,000 images": RunConfig(data="full"),
    }
    for sentence, config in refused.items():
        with pytest.raises(RefusedError, match=sentence):
            store.submit(config, "ann")
        assert store.run(config.run_id) is None
    store.submit(RunConfig(seed=2), "ben")  # others are free
    assert store.submit(RunConfig(seed=2), "ann").owner == "ben"  # to look on takes nothing
    store.cancel(RunConfig(seed=0).run_id, by="ann")
    assert store.submit(RunConfig(seed=3), "ann").owner == "ann"


def test_limits_hold_against_many_at_once(tmp_path):
    store, refused = Store(tmp_path / "runs.sqlite", Limits(runs=3)), []

    def ask(seed):
        try:
            store.submit(RunConfig(seed=seed), "ann")
        except RefusedError:
            refused.append(seed)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.active_runs()) == 3 and len(refused) == 9


def test_an_unknown_run_is_none(store):
    assert store.run("no such run") is None and store.records("no such run") == []


@pytest.mark.parametrize("change", CHANGES)
def test_who_does_not_say_who_asks_changes_nothing(store, change):
    report_epochs(store, CONFIG, 1)
    with pytest.raises(TypeError):
        getattr(store, change)(CONFIG.run_id)


def test_who_asks_for_a_paused_run_has_it_go_on(store):
    """Paused and left, it was dead for everybody else."""
    store.submit(CONFIG, "ann")
    store.add_epoch(CONFIG.run_id, record(1))
    store.pause(CONFIG.run_id, by="ann")
    run = store.submit(CONFIG, "ben")
    assert (run.status, run.owner, run.epochs_done) == ("queued", "ben", 1)
    store.pause(CONFIG.run_id, by="ann")  # no longer hers
    assert store.run(CONFIG.run_id).status == "queued"


def test_a_run_of_ones_own_can_go_on_at_the_limit(data_folder):
    store = Store(data_folder / "limited.sqlite", Limits(runs=1, all_runs=1))
    store.submit(CONFIG, "ann")
    store.pause(CONFIG.run_id, by="ann")
    assert store.submit(CONFIG, "ann").status == "queued"
    with pytest.raises(RefusedError, match="You have one unfinished run"):
        store.submit(dataclasses.replace(CONFIG, seed=1), "ann")
    with pytest.raises(RefusedError, match="allows 1 unfinished runs"):
        store.submit(dataclasses.replace(CONFIG, seed=1), "ben")


def test_a_run_of_somebody_who_has_left_is_taken_over(store):
    store.submit(CONFIG, "ann")
    store.take_over(CONFIG.run_id, "ben")
    store.pause(CONFIG.run_id, by="ann")
    assert store.run(CONFIG.run_id).status == "queued"
    store.pause(CONFIG.run_id, by="ben")
    assert store.run(CONFIG.run_id).status == "paused"


def test_a_paused_run_of_somebody_who_has_left_is_taken_over_too(store):
    store.submit(CONFIG, "ann")
    store.pause(CONFIG.run_id, by="ann")
    store.take_over(CONFIG.run_id, "ben")
    store.resume(CONFIG.run_id, by="ben")
    assert store.run(CONFIG.run_id).status == "queued"


def test_a_run_that_goes_on_is_not_forgotten(store):
    """Somebody resumed it between the look at what is old and the forgetting."""
    report_epochs(store, CONFIG, 2)
    store.forget(CONFIG.run_id)
    assert store.run(CONFIG.run_id).epochs_done == 2 and len(store.records(CONFIG.run_id)) == 2
    store.pause(CONFIG.run_id, by="ann")
    store.resume(CONFIG.run_id, by="ann")
    store.forget(CONFIG.run_id)
    assert store.run(CONFIG.run_id).status == "queued"
    store.cancel(CONFIG.run_id, by="ann")
    store.forget(CONFIG.run_id)
    assert store.run(CONFIG.run_id) is None and store.records(CONFIG.run_id) == []


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The moment at which it is, as the store sees it: its only element."""
    now = [1_000.0]
    monkeypatch.setattr("core.live.runs.store.time.time", lambda: now[0])
    return now


def test_a_finished_run_that_somebody_else_asks_for_is_kept(store, clock):
    report_epochs(store, CONFIG, 3)
    store.report_end(CONFIG.run_id)
    clock[0] = 50_000.0
    store.submit(CONFIG, "ben")
    assert store.seen_before(40_000.0) == []
    assert store.seen_before(60_000.0) == [CONFIG.run_id]


def test_every_look_at_a_run_keeps_it_and_not_the_first_alone(store, clock):
    report_epochs(store, CONFIG, 3)
    store.report_end(CONFIG.run_id)
    for clock[0] in (50_000.0, 100_000.0):
        store.note_view(CONFIG.run_id)
        assert store.seen_before(clock[0] - 1) == []
        assert store.seen_before(clock[0] + 1) == [CONFIG.run_id]


def test_who_has_not_looked_for_long_is_forgotten_and_nobody_else(store, clock):
    store.note_polls({"ann": clock[0], "ben": clock[0]})
    clock[0] += LOOKS_KEPT_SECONDS - 1
    store.note_polls({"ben": clock[0]})
    assert store.last_poll("ann") == 1_000.0
    clock[0] += 2
    store.note_polls({})
    assert store.last_poll("ann") == 0.0 and store.last_poll("ben") == clock[0] - 2
    assert store.last_poll("nobody") == 0.0


def test_an_epoch_that_is_reported_late_takes_no_later_one_back(store):
    report_epochs(store, CONFIG, 3)
    store.add_epoch(CONFIG.run_id, record(2))
    assert store.run(CONFIG.run_id).epochs_done == 3


def test_a_run_cancelled_in_its_one_epoch_stays_cancelled(store):
    report_epochs(store, CONFIG, 1)
    store.pause(CONFIG.run_id, by="ann")
    store.one_epoch(CONFIG.run_id, by="ann")
    store.cancel(CONFIG.run_id, by="ann")
    store.add_epoch(CONFIG.run_id, record(2))  # it was in flight
    assert store.run(CONFIG.run_id).status == "cancelled"


def test_a_run_submitted_again_after_one_epoch_goes_on_to_its_end(store):
    report_epochs(store, CONFIG, 1)
    store.pause(CONFIG.run_id, by="ann")
    store.one_epoch(CONFIG.run_id, by="ann")
    store.add_epoch(CONFIG.run_id, record(2))
    store.submit(CONFIG, "ben")
    store.add_epoch(CONFIG.run_id, record(3))
    assert store.run(CONFIG.run_id).status == "running"
