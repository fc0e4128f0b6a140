"""The server's child processes: killed, hanging on a dead server, failing to start."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.config import RunConfig
from core.data.cifar10 import load_embedded
from core.live.training import supervisor
from core.live.training.supervisor import DownloadProcess, TrainerProcess
from core.training.training import train
from tests.samples import reproducible, wait_until


@pytest.mark.slow
def test_killed_again_and_again_at_random_moments_it_resumes(store, data_folder, monkeypatch):
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.05)
    draw = random.Random(0)
    config = RunConfig(level=0.5, epochs=12)
    run_id = store.submit(config, "ann").run_id
    process = TrainerProcess()
    process.start()
    killed = set()
    for kill in range(4):
        wait_until(lambda: process.process and process.process.pid not in killed)
        if kill % 2:  # while it trains, not only while it starts
            before = store.run(run_id).epochs_done
            wait_until(lambda: store.run(run_id).epochs_done > before or is_over(store, run_id))  # noqa: B023
        time.sleep(draw.uniform(0, 0.4))
        done = store.run(run_id).epochs_done
        killed.add(process.process.pid)
        process.process.send_signal(signal.SIGKILL)
        assert store.run(run_id).epochs_done >= done and store.run(run_id).status != "failed"
    wait_until(lambda: is_over(store, run_id), 120)
    assert store.run(run_id).status == "finished"
    records = store.records(run_id)
    assert [record.epoch for record in records] == list(range(1, 13))
    assert reproducible(records) == reproducible(train(config, load_embedded()))
    process.stop()


def is_over(store, run_id) -> bool:
    return store.run(run_id).has_ended


@pytest.mark.slow
def test_the_trainer_ends_with_its_server(store, data_folder):
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            """
import time
from core.live.training.supervisor import TrainerProcess
trainer = TrainerProcess()
trainer.start()
while trainer.process is None:
    time.sleep(0.01)
print(trainer.process.pid, flush=True)
time.sleep(600)""",
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

    wait_until(is_gone)


@pytest.mark.slow
def test_one_trainer_for_a_store(store, data_folder):
    """A second server waits, and takes over when the first is gone."""
    first, second = TrainerProcess(), TrainerProcess()
    first.start()
    wait_until(lambda: first.process)
    second.start()
    wait_until(lambda: second.is_standby)
    assert second.process is None
    first.stop()
    wait_until(lambda: second.process)
    second.stop()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["sys.exit(1)", "os.abort()", "os.kill(os.getpid(), 15)"])
def test_a_trainer_that_ends_again_and_again_says_so_and_is_tried_more_slowly(
    store, data_folder, monkeypatch, end
):
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.01)
    program = f"import os, sys, time; open({str(data_folder / 'starts')!r}, 'a').write('x'); {end}"
    monkeypatch.setattr(supervisor, "TRAINER", [sys.executable, "-S", "-c", program])
    process = TrainerProcess()
    process.start()
    wait_until(lambda: process.failure)
    assert "right after each start" in process.failure and "terminal" in process.failure
    wait_until(lambda: process._failures > 5)
    assert len((data_folder / "starts").read_text()) < 12  # with pauses of 0.02, 0.04, ... s
    process.stop()


@pytest.mark.parametrize("name", ["trainer.lock", "."])
def test_a_folder_in_the_way_is_one_sentence_and_goes_by_itself(
    store, data_folder, monkeypatch, name, caplog
):
    """The thread that starts trainers outlives it: once the way is free, the trainer is there."""
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.05)
    monkeypatch.setattr(
        supervisor, "TRAINER", [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    )
    way = data_folder / name
    aside = data_folder.with_name("aside")
    if name == ".":  # a file where the data folder should be
        data_folder.rename(aside)
        data_folder.write_text("in the way")
    else:
        way.mkdir()
    process = TrainerProcess()
    process.start()
    wait_until(lambda: process.failure)
    assert "cannot be started" in process.failure and str(data_folder) in process.failure
    assert "may write" in process.failure and "Traceback" in caplog.text
    if name == ".":
        data_folder.unlink()
        aside.rename(data_folder)
    else:
        way.rmdir()
    wait_until(lambda: process.process is not None)
    assert process.failure == ""
    process.stop()


def test_a_program_that_is_not_there_is_one_sentence(store, data_folder, monkeypatch):
    monkeypatch.setattr(supervisor, "TRAINER", ["/nowhere/python"])
    process = TrainerProcess()
    process.start()
    wait_until(lambda: process.failure)
    assert "/nowhere/python" in process.failure
    process.stop()


def test_a_trainer_that_hangs_is_started_again(store, data_folder, monkeypatch, caplog):
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(
        supervisor, "TRAINER", [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    )
    process = TrainerProcess()
    process.start()
    wait_until(lambda: process.process)
    first = process.process.pid
    wait_until(lambda: process.process.pid != first)
    assert "has done nothing for" in caplog.text
    process.stop()


@pytest.mark.slow
def test_the_trainer_gives_signs_of_life(store, data_folder):
    process = TrainerProcess()
    process.start()
    wait_until(lambda: supervisor.sign_of_life().exists())
    first = supervisor.sign_of_life().stat().st_mtime
    wait_until(lambda: supervisor.sign_of_life().stat().st_mtime > first)
    process.stop()


@pytest.mark.slow
def test_a_trainer_that_cannot_go_on_ends_with_its_sentence_and_no_abort(data_folder):
    """Its thread on standard input once made Python abort at the exit, which looked like a kill."""
    environment = {**os.environ, "LAB_DEVICE": "tpu"}
    with subprocess.Popen(
        supervisor.TRAINER, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as trainer:
        assert trainer.wait(60) == 2
        assert "there is no device 'tpu'" in trainer.stderr.read()


@pytest.mark.slow
@pytest.mark.parametrize("in_the_way", ["checkpoints", "runs.sqlite"])
def test_what_keeps_the_trainer_from_working_is_said_on_the_page(data_folder, monkeypatch, in_the_way):
    """A file where a folder is wanted, and the other way round: its own sentence, not just "why"."""
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.01)
    data_folder.mkdir(parents=True)
    if in_the_way == "checkpoints":
        (data_folder / in_the_way).write_text("a file")
    else:
        (data_folder / in_the_way).mkdir()
    process = TrainerProcess()
    process.start()
    wait_until(lambda: process.failure)
    assert (
        str(data_folder / in_the_way) in process.failure and "right after each start" in process.failure
    )
    process.stop()


@pytest.mark.slow
def test_a_trainer_whose_lock_is_gone_makes_room_for_a_new_one(store, data_folder, monkeypatch, caplog):
    """The data folder was deleted: its lock would hold off nobody, and two would train one run."""
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(
        supervisor, "TRAINER", [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    )
    first, second = TrainerProcess(), TrainerProcess()
    first.start()
    wait_until(lambda: first.process)
    old = first.process
    shutil.rmtree(data_folder)
    second.start()
    wait_until(lambda: old.poll() is not None)
    wait_until(lambda: first.is_standby != second.is_standby)
    assert "is no longer there" in caplog.text
    alive = [p for p in (first, second) if p.process and p.process.poll() is None]
    assert len(alive) == 1
    for process in (first, second):
        process.stop()


def download_of(program: str, monkeypatch) -> DownloadProcess:
    monkeypatch.setattr(supervisor, "DOWNLOAD", [sys.executable, "-c", program])
    download = DownloadProcess()
    download.start()
    wait_until(lambda: not download.is_running)
    return download


def test_a_download_reports_its_progress_and_why_it_failed(data_folder, monkeypatch):
    download = download_of(
        """
import json, sys
sys.stderr.write("x" * 300_000)  # a pipe that nobody reads would fill up and stop it
print(json.dumps({"share": 0.5, "message": "half"}), flush=True)
print(json.dumps({"error": "The disk is full: make room."}), flush=True)
sys.exit(1)""",
        monkeypatch,
    )
    assert download.progress == (0.5, "half") and download.error == "The disk is full: make room."


@pytest.mark.parametrize(
    "end", ["raise MemoryError", "import os; os.kill(os.getpid(), 9)", "print('?')"]
)
def test_a_download_that_ends_without_a_sentence_has_failed_all_the_same(data_folder, monkeypatch, end):
    download = download_of(end, monkeypatch)
    assert download.error.endswith((".", "again.")) and "terminal" in download.error


@pytest.mark.slow
def test_the_real_download_speaks_json_lines(data_folder):
    """No network and no npm: it fails, with its sentence."""
    refused = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = {**os.environ, **refused, "no_proxy": "", "PATH": "/nowhere"}
    done = subprocess.run(supervisor.DOWNLOAD, env=environment, capture_output=True, text=True)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and reports[0]["share"] == 0
    assert "None of the sources" in reports[-1]["error"]


def test_stopped_while_a_trainer_is_being_started_it_leaves_none(data_folder, monkeypatch):
    """The server waited for a trainer that nobody had told to end."""
    process, popen, begun = TrainerProcess(), subprocess.Popen, threading.Event()

    def slow(*arguments, **options):
        begun.set()
        time.sleep(0.3)
        return popen(*arguments, **options)

    monkeypatch.setattr(supervisor, "TRAINER", [sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(supervisor.subprocess, "Popen", slow)
    process.start()
    assert begun.wait(30)
    stopping = threading.Thread(target=process.stop, daemon=True)
    stopping.start()
    stopping.join(60)
    assert not stopping.is_alive() and process.process.poll() is not None
