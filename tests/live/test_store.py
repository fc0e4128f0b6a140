import dataclasses
import gc
import itertools
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from core.config import RunConfig
from core.errors import RefusedError, StoreError
from core.live import database
from core.live.classroom import Classroom, Lesson
from core.live.database import ServerState
from core.live.limits import Limits
from core.live.store import TEACHER, Store
from tests.samples import record

CONFIG = RunConfig(level=0.5, epochs=3)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs.sqlite")


def test_a_run_submitted_twice_is_one_run(store):
    first, second = store.submit(CONFIG, "ann"), store.submit(CONFIG, "ben")
    assert first.run_id == second.run_id == CONFIG.run_id
    assert first.config == CONFIG and first.status == "queued" and first.epochs_done == 0
    assert len(store.active_runs()) == 1
    assert [run.run_id for run in store.runs_of("ann")] == [run.run_id for run in store.runs_of("ben")]
    assert store.runs_of("eve") == []


def test_a_finished_run_submitted_again_stays_finished(store):
    train(store, CONFIG, 3)
    store.report_end(CONFIG.run_id)
    assert store.submit(CONFIG, "ben").status == "finished"


def train(store, config, epochs):
    store.submit(config, "ann")
    store.report_start(config.run_id, "cpu")
    for epoch in range(1, epochs + 1):
        store.add_epoch(config.run_id, record(epoch))


def test_records_come_back_as_they_were(store):
    train(store, CONFIG, 2)
    assert store.records(CONFIG.run_id) == [record(1), record(2)]
    store.add_epoch(CONFIG.run_id, record(2))  # reported again after a kill
    assert store.run(CONFIG.run_id).epochs_done == 2


def test_another_process_finds_everything(store):
    train(store, CONFIG, 2)
    again = Store(store.database.path)
    assert again.run(CONFIG.run_id) == store.run(CONFIG.run_id)
    assert again.records(CONFIG.run_id) == store.records(CONFIG.run_id)


def test_pause_and_resume(store):
    train(store, CONFIG, 1)
    store.pause(CONFIG.run_id, by="ann")
    store.add_epoch(CONFIG.run_id, record(2))  # the epoch that was being trained is kept
    assert store.run(CONFIG.run_id).status == "paused"
    assert store.run(CONFIG.run_id).epochs_done == 2 and store.active_runs() == []
    store.resume(CONFIG.run_id, by="ann")
    assert store.run(CONFIG.run_id).status == "queued"


def test_one_epoch_pauses_after_it(store):
    train(store, CONFIG, 1)
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
    train(store, CONFIG, 2)
    store.cancel(CONFIG.run_id, by="ann")
    run = store.run(CONFIG.run_id)
    assert run.status == "cancelled" and run.has_ended and run.epochs_done == 2
    assert store.submit(CONFIG, "ann").status == "queued"
    assert len(store.records(CONFIG.run_id)) == 2


def test_failure_carries_its_message_and_a_new_start_forgets_it(store):
    train(store, CONFIG, 1)
    store.report_failure(CONFIG.run_id, "It diverged.")
    assert store.run(CONFIG.run_id).message == "It diverged."
    again = store.submit(CONFIG, "ann")
    assert (again.status, again.message, again.attempts) == ("queued", "", 0)


CHANGES = ["pause", "resume", "one_epoch", "cancel"]


@pytest.mark.parametrize("end", ["finished", "cancel"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_has_ended_is_not_changed_by_a_late_click(store, end, change):
    train(store, CONFIG, 3)
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
    train(store, CONFIG, 1)
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
    train(store, CONFIG, 3)
    train(store, other, 1)
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


def test_the_store_is_in_wal_mode(store):
    connection = sqlite3.connect(store.database.path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


DAMAGES = {
    "no database": lambda content: b"this is not a database, and long enough to be read as one" * 50,
    "cut in half": lambda content: content[: len(content) // 2],
    "a torn page": lambda content: content[:4096] + b"\xff" * 4096 + content[8192:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(tmp_path, damage):
    path = tmp_path / "runs.sqlite"
    store = Store(path)
    for seed in range(50):
        train(store, RunConfig(level=0.5, seed=seed), 3)
    with store.database.connect() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    broken = DAMAGES[damage](path.read_bytes())
    path.write_bytes(broken)
    again = Store(path)
    (aside,) = tmp_path.glob("runs.damaged-*.sqlite")
    assert aside.read_bytes() == broken
    assert (
        aside.name in again.database.state().damage
        and "new one has been begun" in again.database.state().damage
    )
    assert again.active_runs() == [] and again.submit(CONFIG, "ann").status == "queued"
    assert Store(path).run(CONFIG.run_id).status == "queued"


NO_DATABASE = b"no database at all, but long enough to look like one" * 100


def test_a_file_damaged_while_it_is_in_use_is_said_once_and_then_it_works_again(store, monkeypatch):
    """With all its tables, those of the rooms, too: without them every page in a room would fail."""
    store.submit(CONFIG, "ann")
    classroom = Classroom(store)
    classroom.open_room(Lesson("Before"))
    with store.database.connect() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.database.path.write_bytes(NO_DATABASE)
    monkeypatch.setattr(database, "USED_SECONDS", 0.0)  # a second later
    with pytest.raises(StoreError, match=r"damaged.*Reload the page"):
        store.active_runs()
    assert store.active_runs() == [] and classroom.rooms() == {}
    code = classroom.open_room(Lesson("After"))
    classroom.add_guess(code, "ann", [0.5] * 11, [0.1] * 11)
    assert classroom.guesses(code).shape == (1, 2, 11)


def test_a_file_deleted_while_many_use_it_is_begun_anew_once_and_said(store):
    def look() -> None:
        for _ in range(20):
            try:
                store.database.state()
            except StoreError as error:
                failures.append(error)

    failures: list[StoreError] = []
    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    store.database.path.unlink()
    for thread in threads:
        thread.join()
    assert "has been deleted" in store.database.state().damage
    # In that very moment:
    assert [str(failure) for failure in failures if "has been deleted" not in str(failure)] == []


def test_a_file_deleted_within_a_question_is_begun_anew_and_said(store, monkeypatch):
    """Nothing is written into an empty file that has no tables."""
    store.submit(CONFIG, "ann")
    other, is_another = database.Database(store.database.path), database.Database._is_another_file
    looks = []

    def deleted_after_the_look(self) -> bool:
        looks.append(is_another(self))
        if len(looks) == 1:
            for end in ("", "-wal", "-shm"):
                Path(f"{self.path}{end}").unlink()
        return looks[-1]

    monkeypatch.setattr(database.Database, "_is_another_file", deleted_after_the_look)
    monkeypatch.setattr(database, "USED_SECONDS", 0.0)
    with pytest.raises(StoreError, match=r"has been deleted.*Reload the page"):
        store.active_runs()
    assert looks[:2] == [False, True] and store.active_runs() == []
    assert "has been deleted" in other.state().damage


def test_a_file_that_could_not_be_opened_is_looked_at_again(store, tmp_path):
    """Also when it has been deleted meanwhile: nothing is written into what is no longer there."""
    store.database.path.unlink()
    store.database.path.mkdir()
    with pytest.raises(StoreError, match="cannot be read or written"):
        store.database.state()
    store.database.path.rmdir()
    store.database.set_paused(True)
    assert store.database.path.is_file() and store.database.state().is_paused


def test_connections_are_used_again_and_each_is_a_transaction(store):
    def fail() -> None:
        with store.database.connect() as connection:
            connection.execute("DELETE FROM runs")
            raise ZeroDivisionError

    store.submit(CONFIG, "ann")
    with store.database.connect() as first, store.database.connect() as second:
        assert first is not second
    with store.database.connect() as again:
        assert again in (first, second)
    with pytest.raises(ZeroDivisionError):
        fail()
    assert [run.config for run in store.active_runs()] == [CONFIG]
    assert not any(connection.in_transaction for connection in (first, second))


def test_a_full_disk_is_one_sentence_and_loses_nothing(store, monkeypatch):
    train(store, CONFIG, 1)
    connect, roomy = sqlite3.connect, store

    def full(*arguments, **options):
        connection = connect(*arguments, **options)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", full)
        store = Store(roomy.database.path)
        with pytest.raises(StoreError, match="full"):
            for epoch in range(2, 200):
                store.add_epoch(CONFIG.run_id, record(epoch))
    kept = [record.epoch for record in store.records(CONFIG.run_id)]
    assert kept == list(range(1, len(kept) + 1)) and len(kept) == epoch - 1
    roomy.add_epoch(CONFIG.run_id, record(epoch))  # there is room again


def test_a_clock_set_back_changes_no_order(store, monkeypatch):
    for seed, clock in enumerate((1000.0, 2000.0, 500.0, 400.0)):
        monkeypatch.setattr("core.live.store.time.time", lambda: clock)  # noqa: B023
        store.submit(RunConfig(seed=seed), "ann")
    assert [run.config.seed for run in store.active_runs()] == [0, 1, 2, 3]
    assert [run.config.seed for run in store.runs_of("ann")] == [3, 2, 1, 0]


def test_a_store_of_an_earlier_version_is_taken_over(tmp_path):
    path = tmp_path / "runs.sqlite"
    train(Store(path), CONFIG, 2)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE runs DROP COLUMN owner")
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    run = Store(path).run(CONFIG.run_id)
    assert run.owner == "" and run.epochs_done == 2


@pytest.mark.parametrize("change", CHANGES)
def test_only_its_owner_and_the_teacher_change_a_run(store, change):
    train(store, CONFIG, 1)
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


def test_the_state_of_the_server_is_everybodys(store):
    assert store.database.state() == ServerState()
    store.database.set_paused(True)
    store.database.set_in_training(["a", "b"])
    assert Store(store.database.path).database.state() == ServerState(True, ("a", "b"))
    store.database.set_paused(False)
    store.database.set_in_training([])
    assert store.database.state() == ServerState()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file" / "runs.sqlite")


def test_an_unknown_run_is_none(store):
    assert store.run("no such run") is None and store.records("no such run") == []


def test_a_database_from_before_the_schema_had_a_version_opens_with_all_it_holds(tmp_path):
    """Written by commit 69787e4: three runs, a room and two guesses."""
    path = tmp_path / "runs.sqlite"
    shutil.copy(Path(__file__).parent / "version0.sqlite", path)
    store = Store(path)
    classroom = Classroom(store)
    runs = {run.run_id: run for run in store.runs_of("00112233445566aa")}
    finished, failed = runs["18d0634bbc26"], runs["915d62a4d695"]
    assert finished.status == "finished" and finished.config == RunConfig(level=0.5, epochs=3)
    assert [record.test_error for record in store.records(finished.run_id)] == [0.7] * 3
    assert (failed.status, failed.message) == ("failed", "The training diverged.")
    paused = store.run("6163f2f0ab7f")
    assert (paused.status, paused.owner) == ("paused", "00112233445566bb")
    lesson = classroom.lesson("K7P2X")
    assert lesson == Lesson("Half random", RunConfig(level=0.4), ("level",), guess_first=True)
    assert classroom.guesses("K7P2X")[0, 0, 0] == 0.5 and classroom.guesses("")[0, 0, 0] == 0.6
    assert classroom.is_paused and store.speeds() == {("mlp-1x512", 64): 30_000.0}
    store.resume(paused.run_id, by="00112233445566bb")
    assert Store(path).run(paused.run_id).status == "queued"


def test_a_database_of_a_newer_version_is_left_alone(tmp_path):
    path = tmp_path / "runs.sqlite"
    Store(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        Store(path)


@pytest.mark.parametrize("change", CHANGES)
def test_who_does_not_say_who_asks_changes_nothing(store, change):
    train(store, CONFIG, 1)
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
    with pytest.raises(RefusedError, match="You have one run"):
        store.submit(dataclasses.replace(CONFIG, seed=1), "ann")
    with pytest.raises(RefusedError, match="room for 1 runs"):
        store.submit(dataclasses.replace(CONFIG, seed=1), "ben")


def test_a_locked_file_is_said_soon_and_the_likely_cause_with_it(tmp_path):
    store = Store(tmp_path / "runs.sqlite", patience=0.2)
    other = sqlite3.connect(store.database.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"locked for 0\.2 s.*network drive"):
        store.submit(CONFIG, "ann")
    other.close()
    assert store.submit(CONFIG, "ann").status == "queued"


def test_the_log_is_not_moved_into_the_file_after_every_write(tmp_path):
    """It was, whenever no connection was open for a moment; under load, "locked for 2 s" came of it."""
    store = Store(tmp_path / "runs.sqlite")
    log = tmp_path / "runs.sqlite-wal"
    before = log.stat().st_size
    store.submit(CONFIG, "ann")
    assert log.stat().st_size > before
    del store
    gc.collect()
    assert not log.exists()  # with the last who had it open


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_deleted_file_or_folder_is_said_once_and_a_new_one_begun(tmp_path, what):
    folder = tmp_path / "data"
    store = Store(folder / "runs.sqlite")
    train(store, CONFIG, 2)
    if what == "file":
        store.database.path.unlink()
    else:
        shutil.rmtree(folder)
    assert store.active_runs() == [] and "has been deleted" in store.database.state().damage
    assert store.submit(CONFIG, "ann").epochs_done == 0
    Classroom(store).open_room(Lesson())


def test_another_folder_put_in_its_place_is_used_at_once(tmp_path):
    """From a backup, say; of an earlier version, which is taken over as at the start."""
    store = Store(tmp_path / "data" / "runs.sqlite")
    (tmp_path / "backup").mkdir()
    shutil.copy(Path(__file__).parent / "version0.sqlite", tmp_path / "backup" / "runs.sqlite")
    (tmp_path / "data").rename(tmp_path / "aside")
    (tmp_path / "backup").rename(tmp_path / "data")
    assert "deleted" not in store.database.state().damage
    other = dataclasses.replace(CONFIG, seed=77)
    assert store.submit(other, "ann").owner == "ann"


def test_a_read_only_folder_is_one_sentence_that_says_what_to_do(tmp_path):
    """Read-only as SQLite sees it: the tests may run as root, to whom nothing is."""
    store = Store(tmp_path / "runs.sqlite")
    connect = sqlite3.connect

    def read_only(path, **options):
        address = str(path).removesuffix("?mode=rw").removeprefix("file://")
        return connect(f"file:{address}?mode=ro", **{**options, "uri": True})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", read_only)
        with pytest.raises(StoreError, match="where the lab may write"):
            Store(tmp_path / "runs.sqlite").submit(CONFIG, "ann")
    store.submit(CONFIG, "ann")


def test_a_run_of_somebody_who_has_left_is_taken_over(store):
    store.submit(CONFIG, "ann")
    store.take_over(CONFIG.run_id, "ben")
    store.pause(CONFIG.run_id, by="ann")
    assert store.run(CONFIG.run_id).status == "queued"
    store.pause(CONFIG.run_id, by="ben")
    assert store.run(CONFIG.run_id).status == "paused"
