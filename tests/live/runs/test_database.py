"""The file of the runs: shared, damaged, deleted, locked, of another version."""

import dataclasses
import gc
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from core.config import RunConfig
from core.errors import StoreError
from core.live.classroom.classroom import Classroom, Lesson
from core.live.runs import database
from core.live.runs.database import ServerState
from core.live.runs.store import Store
from tests.samples import record, report_epochs

CONFIG = RunConfig(level=0.5, epochs=3)


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
        report_epochs(store, RunConfig(level=0.5, seed=seed), 3)
    with store.database.connect() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    broken = DAMAGES[damage](path.read_bytes())
    path.write_bytes(broken)
    again = Store(path)
    (aside,) = tmp_path.glob("runs.damaged-*.sqlite")
    assert aside.read_bytes() == broken
    assert (
        aside.name in again.database.state().damage
        and "new one has been created" in again.database.state().damage
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
    report_epochs(store, CONFIG, 1)
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


def test_a_store_of_an_earlier_version_is_taken_over(tmp_path):
    path = tmp_path / "runs.sqlite"
    report_epochs(Store(path), CONFIG, 2)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE runs DROP COLUMN owner")
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    run = Store(path).run(CONFIG.run_id)
    assert run.owner == "" and run.epochs_done == 2


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


def test_a_locked_file_is_said_soon_and_the_likely_cause_with_it(tmp_path):
    store = Store(tmp_path / "runs.sqlite", patience=0.2)
    other = sqlite3.connect(store.database.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"locked for 0\.2 s.*network drive"):
        store.submit(CONFIG, "ann")
    other.close()
    assert store.submit(CONFIG, "ann").status == "queued"


@pytest.mark.slow
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
    report_epochs(store, CONFIG, 2)
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
        with pytest.raises(StoreError, match="that the lab may write to"):
            Store(tmp_path / "runs.sqlite").submit(CONFIG, "ann")
    store.submit(CONFIG, "ann")
