"""The trainer: in this process for its decisions, as a process for being killed."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import trainer as trainer_module
from core.cifar10 import load_embedded
from core.config import RunConfig
from core.processes import TrainerProcess
from core.store import MAX_ATTEMPTS, Store
from core.trainer import Trainer
from core.training import train

CONFIG = RunConfig(level=0.5, epochs=3, batch_size=256)


@pytest.fixture
def store(data_folder):
    return Store(data_folder / "runs.sqlite")


@pytest.fixture
def trainer(store, tiny, data_folder, monkeypatch):
    monkeypatch.setattr(trainer_module, "load", lambda name: tiny)
    return Trainer(store, "cpu", data_folder / "checkpoints")


def measured(records):
    return [record.measured() for record in records]


def test_a_queued_run_is_trained_to_its_end(store, trainer, tiny):
    run = store.ask_for(CONFIG, "ann")
    assert [trainer.turn() for _ in range(4)] == [True, True, True, False]
    assert store.run(run.run_id).status == "finished"
    assert measured(store.records(run.run_id)) == measured(train(CONFIG, tiny, "cpu"))
    assert list(trainer.folder.iterdir()) == [] and trainer.trainings == {}
    assert store.speeds()[("mlp-1x512", 256)] > 0


def test_runs_take_turns(store, trainer):
    runs = [store.ask_for(dataclasses.replace(CONFIG, seed=seed), "ann") for seed in range(3)]
    trainer.turn()
    assert [store.run(run.run_id).epochs_done for run in runs] == [1, 1, 1]
    assert {run.status for run in store.active_runs()} == {"running"}


def test_only_so_many_are_in_memory(store, trainer):
    for seed in range(6):
        store.ask_for(dataclasses.replace(CONFIG, seed=seed, epochs=1), "ann")
    trainer.turn()
    assert [run.config.seed for run in store.active_runs()] == [4, 5]
    trainer.turn()
    assert store.active_runs() == []


def test_pause_one_epoch_and_going_on_change_no_number(store, trainer, tiny):
    run_id = store.ask_for(CONFIG, "ann").run_id
    trainer.turn()
    store.pause(run_id)
    assert not trainer.turn() and trainer.trainings == {}
    store.one_epoch(run_id)
    assert trainer.turn() and not trainer.turn()
    assert store.run(run_id).status == "paused" and store.run(run_id).epochs_done == 2
    store.go_on(run_id)
    while trainer.turn():
        pass
    assert store.run(run_id).status == "finished"
    assert measured(store.records(run_id)) == measured(train(CONFIG, tiny, "cpu"))


def test_one_epoch_from_another_trainer_is_a_new_epoch(store, trainer):
    """A trainer that resumes is first told the last epoch again; that is not the one asked for."""
    run_id = store.ask_for(CONFIG, "ann").run_id
    trainer.turn()
    store.pause(run_id)
    other = Trainer(store, "cpu", trainer.folder)
    store.one_epoch(run_id)
    while other.turn():
        pass
    assert store.run(run_id).epochs_done == 2 and store.run(run_id).status == "paused"


def test_cancelled_runs_leave_memory_and_can_be_taken_up_again(store, trainer, tiny):
    run_id = store.ask_for(CONFIG, "ann").run_id
    trainer.turn()
    store.cancel(run_id)
    trainer.turn()
    assert trainer.trainings == {} and store.run(run_id).status == "cancelled"
    store.ask_for(CONFIG, "ann")
    while trainer.turn():
        pass
    assert measured(store.records(run_id)) == measured(train(CONFIG, tiny, "cpu"))


def test_divergence_ends_one_run_and_not_the_others(store, trainer):
    bad = RunConfig(model="inception-no-bn", learning_rate=10, epochs=3, batch_size=256)
    store.ask_for(bad, "ann")
    store.ask_for(CONFIG, "ann")
    while trainer.turn():
        pass
    run = store.run(bad.run_id)
    assert run.status == "failed" and "diverged" in run.message and "learning rate" in run.message
    assert store.run(CONFIG.run_id).status == "finished"


def test_an_unforeseen_error_ends_one_run_with_its_reason(store, trainer, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("out of memory")
        yield

    monkeypatch.setattr(trainer_module, "train", broken)
    run_id = store.ask_for(CONFIG, "ann").run_id
    trainer.turn()
    assert store.run(run_id).status == "failed"
    assert store.run(run_id).message == "The training stopped: out of memory."


def test_a_damaged_checkpoint_starts_the_run_again(store, trainer, tiny):
    run_id = store.ask_for(CONFIG, "ann").run_id
    trainer.turn()
    (trainer.folder / f"{run_id}.safetensors").write_bytes(b"broken")
    other = Trainer(store, "cpu", trainer.folder)
    while other.turn():
        pass
    assert store.run(run_id).status == "finished"
    assert measured(store.records(run_id)) == measured(train(CONFIG, tiny, "cpu"))


def test_a_run_that_kills_the_trainer_is_given_up(store, trainer):
    run_id = store.ask_for(CONFIG, "ann").run_id
    for _ in range(MAX_ATTEMPTS):  # as many trainers died in its first epoch
        store.started(run_id, "cpu")
    trainer.turn()
    run = store.run(run_id)
    assert run.status == "failed" and "never finished an epoch" in run.message


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


def test_killed_at_any_moment_it_is_started_again_and_goes_on(store, data_folder):
    config = RunConfig(level=0.5, epochs=40)
    run_id = store.ask_for(config, "ann").run_id
    process = TrainerProcess()
    process.start()
    killed = set()
    for epochs in (0, 3, 4, 11):
        wait_for(lambda: process.process and process.process.pid not in killed)
        wait_for(lambda: store.run(run_id).epochs_done >= epochs)  # noqa: B023
        done = store.run(run_id).epochs_done
        killed.add(process.process.pid)
        process.process.send_signal(signal.SIGKILL)
        assert store.run(run_id).epochs_done >= done
    wait_for(lambda: store.run(run_id).status == "finished", 120)
    records = store.records(run_id)
    assert [record.epoch for record in records] == list(range(1, 41))
    assert measured(records) == measured(train(config, load_embedded()))
    process.stop()


def test_the_trainer_ends_with_its_server(store, data_folder):
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from core.processes import TrainerProcess as T; import time; t = T(); t.start(); time.sleep(1);"
            "print(t.process.pid, flush=True); time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(server.stdout.readline())
    os.kill(pid, 0)
    server.kill()
    server.wait()
    server.stdout.close()

    def is_gone():
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or state.read_text().split()[2] == "Z"

    wait_for(is_gone)


def test_one_trainer_for_a_store(store, data_folder):
    """A second server's trainer leaves at once instead of training everything twice."""
    command = [sys.executable, "-m", "core.trainer"]
    first = subprocess.Popen(command, stdin=subprocess.PIPE)
    wait_for(lambda: (data_folder / "checkpoints").exists())
    second = subprocess.run(command, stdin=subprocess.PIPE, timeout=60)
    assert second.returncode == 0 and first.poll() is None
    first.kill()
    first.wait()
    first.stdin.close()
