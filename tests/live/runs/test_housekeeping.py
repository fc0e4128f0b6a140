"""What is kept, and what is forgotten first."""

import os
import time

import pytest

from core.config import RunConfig
from core.live.runs import housekeeping
from core.live.runs.housekeeping import DAY, Keep, checkpoint, tidy
from core.live.runs.image_scores import scores_file
from tests.samples import record


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def run_of(store, folder, seed: int, days_ago: float, end: str, size: int = 1000) -> str:
    """A run with an epoch and a checkpoint, asked for so long ago."""
    config = RunConfig(seed=seed)
    store.submit(config, "ann")
    store.add_epoch(config.run_id, record(1))
    if end != "running":
        getattr(store, end)(config.run_id, by="ann")
    with store.database.connect() as connection:
        for table in ("runs", "visits"):
            connection.execute(
                f"UPDATE {table} SET asked = ? WHERE run_id = ?",
                (time.time() - days_ago * DAY, config.run_id),
            )
    checkpoint(folder, config.run_id).write_bytes(b"x" * size)
    return config.run_id


def test_what_nobody_looks_at_is_forgotten_after_some_days(store, folder):
    old = run_of(store, folder, 1, 31, "cancel")
    old_paused = run_of(store, folder, 2, 31, "pause")
    opened = run_of(store, folder, 3, 31, "cancel")
    waits = run_of(store, folder, 4, 31, "running")
    new = run_of(store, folder, 5, 29, "cancel")
    store.note_view(opened)  # a link from somebody's notes
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    tidy(store, folder, Keep(days=30))
    assert store.run(old) is None and store.run(old_paused) is None and store.records(old) == []
    assert store.runs_of("ann") and all(store.run(run_id) for run_id in (opened, waits, new))
    kept = {checkpoint(folder, run_id) for run_id in (opened, waits, new)}
    assert set(folder.iterdir()) == kept


def test_beyond_the_bound_what_was_looked_at_longest_ago_goes_first(store, folder, monkeypatch):
    monkeypatch.setattr(housekeeping, "MEGABYTE", 1)
    oldest, middle, newest = (run_of(store, folder, n, 10 - n, "pause", 500_000) for n in range(3))
    running = run_of(store, folder, 9, 20, "running", 500_000)
    bound = housekeeping.used_bytes(store, folder) - 600_000
    tidy(store, folder, Keep(megabytes=bound))
    there = [checkpoint(folder, run_id).exists() for run_id in (oldest, middle, newest, running)]
    assert there == [False, False, True, True]
    assert store.run(oldest).epochs_done == 1  # the curve stays: only the state is gone
    assert housekeeping.used_bytes(store, folder) <= bound


@pytest.mark.slow
def test_ended_runs_go_when_checkpoints_do_not_suffice(store, folder, monkeypatch):
    monkeypatch.setattr(housekeeping, "MEGABYTE", 1)
    for seed in range(30):
        run_of(store, folder, seed, 20 - seed / 10, "cancel" if seed else "running", 10)
        for epoch in range(2, 40):
            store.add_epoch(RunConfig(seed=seed).run_id, record(epoch))
    bound = store.database.used_bytes() // 2
    tidy(store, folder, Keep(megabytes=bound))
    left = [seed for seed in range(30) if store.run(RunConfig(seed=seed).run_id)]
    assert left[0] == 0 and left[1:] == list(range(left[1], 30)) and 5 < len(left) < 25
    assert housekeeping.used_bytes(store, folder) <= bound


def test_a_checkpoint_of_no_run_goes_after_an_hour(store, folder):
    (folder / "stray.safetensors").write_bytes(b"x")
    tidy(store, folder, Keep())
    assert (folder / "stray.safetensors").exists()  # perhaps it is just being made
    os.utime(folder / "stray.safetensors", (0, 0))
    tidy(store, folder, Keep())
    assert not list(folder.iterdir())


def test_what_cannot_be_deleted_stops_nothing(store, folder, monkeypatch, caplog):
    (folder / "stray.safetensors").write_bytes(b"x")
    os.utime(folder / "stray.safetensors", (0, 0))

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(housekeeping.Path, "unlink", refused)
    tidy(store, folder, Keep())
    assert "cannot be deleted (Permission denied)" in caplog.text


def test_a_clock_that_ran_ahead_makes_no_orphan_of_a_run(store, folder, monkeypatch):
    """Its run was asked for tomorrow, as the store sees it; what was set aside is kept, too."""
    now = time.time()
    with monkeypatch.context() as ahead:
        ahead.setattr("core.live.runs.store.time.time", lambda: now + DAY)
        store.submit(RunConfig(seed=1), "ann")
        store.pause(RunConfig(seed=1).run_id, by="ann")
    kept = checkpoint(folder, RunConfig(seed=1).run_id)
    aside = kept.with_suffix(".damaged")
    for path in (kept, aside):
        path.write_bytes(b"x" * 1000)
        os.utime(path, (now - 2 * 3600, now - 2 * 3600))
    tidy(store, folder, Keep())
    assert kept.exists() and aside.exists()
    os.utime(aside, (now - 400 * DAY, now - 400 * DAY))
    tidy(store, folder, Keep())
    assert kept.exists() and not aside.exists()


def test_a_paused_run_is_never_forgotten_for_its_size(store, folder):
    """It loses its checkpoint, without which it starts again; what has ended goes altogether."""
    paused, ended = run_of(store, folder, 1, 9, "pause"), run_of(store, folder, 2, 1, "cancel")
    tidy(store, folder, Keep(megabytes=0))
    assert store.run(paused).status == "paused" and len(store.records(paused)) == 1
    assert store.run(ended) is None and not list(folder.iterdir())


def test_scores_are_kept_as_long_as_their_run_and_go_with_it(store, folder):
    run_ids = [run_of(store, folder, 1, 1, "pause"), run_of(store, folder, 2, 1, "cancel")]
    paths = [scores_file(folder, run_id) for run_id in run_ids]
    for path in paths:
        path.write_bytes(b"x")
        os.utime(path, (0, 0))  # older than an orphan may become
    tidy(store, folder, Keep())
    assert all(path.exists() for path in paths)
    for path in paths:
        os.utime(path)  # new: no orphan's
    tidy(store, folder, Keep(megabytes=0))
    assert [path.exists() for path in paths] == [True, False]


def test_a_file_that_is_deleted_meanwhile_stops_nothing(store, folder, monkeypatch):
    kept = run_of(store, folder, 1, 1, "pause", size=1000)
    monkeypatch.setattr(
        housekeeping.Path, "glob", lambda *_: iter([folder / "gone", checkpoint(folder, kept)])
    )
    monkeypatch.setattr(housekeeping.Path, "is_file", lambda _: True)  # it was, a moment ago
    assert housekeeping.used_bytes(store, folder) == store.database.used_bytes() + 1000
