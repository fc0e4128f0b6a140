"""A real Ray cluster of two nodes on this machine, one of them killed in mid-run."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from core.__main__ import main
from core.config import RunConfig
from core.paths import ROOT
from core.sweep.results import load_records
from core.training.training import train

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(" " in sys.executable, reason="Ray starts no workers where a path has a blank"),
]

RAY = Path(sys.executable).with_name("ray")
RUNS = [RunConfig(level=level, epochs=4) for level in (0.0, 0.5, 1.0)]
DIVERGES = RunConfig(level=1.0, epochs=1, learning_rate=10.0, momentum=0.99)
# The command line in a program of its own, with these runs as its smallest grid.
SWEEP = f"""
import sys
from core.__main__ import main
from core.config import RunConfig
from core.sweep.grids import GRIDS, Grid
GRIDS["mini"] = Grid("mini", "Four runs.", tuple({[*RUNS, DIVERGES]!r}))
sys.exit(main(["sweep", "--grid", "mini", "--seed", "0", *sys.argv[1:]]))
"""
# A lost node is to be missed within two seconds, not twenty; and tasks, to which Ray gives a low
# priority, are not to starve beside other tests.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
QUIET |= {"RAY_health_check_initial_delay_ms": "500"}
QUIET |= {"RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "4"}


@pytest.fixture
def nodes():
    """Two nodes of one CPU each, all on 127.0.0.1: their address, and their processes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    place = tempfile.mkdtemp(prefix="ray-")  # short: its sockets' names must fit 107 characters
    common = ["--node-ip-address=127.0.0.1", "--num-cpus=1", "--block"]
    common += ["--object-store-memory=200000000"]
    head = ["--head", f"--port={address.partition(':')[2]}", f"--temp-dir={place}"]
    head += ["--include-dashboard=false"]
    processes = []
    try:
        for role in (head, [f"--address={address}"]):
            with open(Path(place) / "node.log", "a") as log:
                command = [RAY, "start", *role, *common]
                environment = {**os.environ, **QUIET}
                processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            wait_until(lambda: any("raylet" in name for name in family(processes[-1].pid).values()))
        yield address, processes
    finally:
        for process in processes:
            kill(process)
        shutil.rmtree(place, ignore_errors=True)


def family(pid: int) -> dict[int, str]:
    """A process and all its descendants, with their command lines."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
                names[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue  # ended while we looked
            parents[int(entry.name)] = int(status.rpartition(")")[2].split()[1])
    found = {pid}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    return {member: names.get(member, "") for member in found}


def kill(process: subprocess.Popen) -> None:
    for pid in family(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def wait_until(is_so, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


@pytest.mark.timeout(400)
def test_a_lost_node_loses_no_result(nodes, tmp_path, embedded):
    address, (_, second) = nodes
    flags = ["--ray", address, "--folder", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-c", SWEEP, *flags],
        cwd=ROOT,
        env={**os.environ, **QUIET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as sweep:
        # Ray names a worker after the task that it is at.
        wait_until(lambda: any("ray::_train" in name for name in family(second.pid).values()))
        time.sleep(0.5)
        kill(second)
        said, _ = sweep.communicate(timeout=360)
    assert sweep.returncode == 1 and "Traceback" not in said, said  # one run diverged
    assert "3 of 4 runs trained" in said and "diverged" in said
    for config in RUNS:
        stored = [record.reproducible() for record in load_records(config.run_id, tmp_path)]
        assert stored == [record.reproducible() for record in train(config, embedded, "cpu")]


def test_no_cluster_and_no_ray_are_one_sentence(tmp_path, monkeypatch, capsys):
    flags = ["sweep", "--grid", "mini", "--folder", str(tmp_path), "--ray"]
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*flags, "auto", "--wandb"]) == 2 and "leave one of them out" in capsys.readouterr().err
    assert main([*flags, "auto"]) == 2
    assert re.search(r"pip install -r requirements-cluster\.txt", capsys.readouterr().err)


def test_a_path_with_a_blank_is_one_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "executable", "/home/new comer/lab/.venv/bin/python")
    flags = ["sweep", "--grid", "mini", "--seed", "0", "--folder", str(tmp_path)]
    assert main([*flags, "--ray", "auto"]) == 2
    assert "without a blank" in capsys.readouterr().err
