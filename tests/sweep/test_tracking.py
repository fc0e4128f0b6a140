"""Weights & Biases offline: what lies in the run directory is read back with its own reader."""

import json
import os
import subprocess
import sys

import pytest

from core.config import RunConfig
from core.sweep.tracking import Tracking
from tests.samples import record

READ = """
import json, struct, sys
from wandb.proto.wandb_internal_pb2 import Record

def records(log):
    # A LevelDB log behind a header of 7 bytes: blocks of 32 KiB, each record whole or in parts.
    position, parts = 7, b""
    while position + 7 <= len(log):
        room = 32768 - position % 32768
        if room < 7:
            position += room
            continue
        _, size, kind = struct.unpack_from("<IHB", log, position)
        parts += log[position + 7 : position + 7 + size]
        position += 7 + size
        if kind in (1, 4):  # full, or the last part
            yield Record.FromString(parts)
            parts = b""

found = {"history": [], "config": {}, "id": ""}
for record in records(open(sys.argv[1], "rb").read()):
    kind = record.WhichOneof("record_type")
    if kind == "run":
        found["id"] = record.run.run_id
        found["config"] |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
    if kind == "history":
        items = record.history.item
        found["history"].append({i.key or i.nested_key[0]: json.loads(i.value_json) for i in items})
print(json.dumps(found))
"""


def logged(folder) -> list[dict]:
    """What each run directory holds: the run's id, config and history."""
    files = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
    command = [sys.executable, "-c", READ]
    return [json.loads(subprocess.check_output([*command, str(file)], text=True)) for file in files]


@pytest.mark.slow
def test_every_record_is_in_the_run_directory(tmp_path):
    result = tmp_path / "r.json"
    flags = ["--level", "0.5", "--epochs", "2", "--batch-size", "500", "--out", str(result), "--wandb"]
    environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "core", "train", *flags], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (found,) = logged(tmp_path)
    kept = json.loads(result.read_text())
    assert found["id"] == RunConfig(level=0.5, epochs=2, batch_size=500).run_id
    assert found["config"]["level"] == 0.5 and found["config"]["model"] == "mlp-1x512"
    assert [row["epoch"] for row in found["history"]] == [1, 2]
    for row, epoch in zip(found["history"], kept["epochs"], strict=True):
        for name in ("train_loss", "test_error", "memorized", "recovered", "learning_rate"):
            assert row[name] == pytest.approx(epoch[name])


@pytest.mark.slow
def test_runs_side_by_side_each_get_their_own_records(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    first, second, idle = (RunConfig(level=0.5, seed=seed) for seed in range(3))
    with Tracking() as tracking:
        for epoch in (1, 2):
            tracking.log(first, record(epoch, test_error=0.1 * epoch))
            tracking.log(second, record(epoch, test_error=0.3 * epoch))
        tracking.end(first)
        tracking.log(second, record(3, test_error=0.9))
        tracking.end(idle)  # taken by another sweep: nothing was logged
    errors = {run["id"]: [row["test_error"] for row in run["history"]] for run in logged(tmp_path)}
    assert errors == {
        first.run_id: pytest.approx([0.1, 0.2]),
        second.run_id: pytest.approx([0.3, 0.6, 0.9]),
    }


def test_without_the_client_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ValueError, match=r"pip install -r requirements-wandb\.txt"):
        Tracking()
