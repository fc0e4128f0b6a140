"""A borrowed machine, played on this one for some seconds."""

import json
import tarfile

import pytest

from core.config import RunConfig
from core.sweep.runner import missing
from tools import borrowed
from tools.__main__ import main


def test_what_takes_no_time_is_refused(capsys):
    assert main(["borrowed", "--minutes", "0"]) == 2
    assert "must be more than 0" in capsys.readouterr().err


@pytest.mark.slow
def test_what_the_project_has_is_not_trained_again(tmp_path, monkeypatch):
    monkeypatch.setattr(borrowed, "_run_part", lambda *part: 0)
    main(["borrowed", "--minutes", "1", "--folder", str(tmp_path / "borrowed")])
    assert not missing([RunConfig()], tmp_path / "borrowed")


def test_the_check_says_how_the_device_can_be_used(capsys):
    exec(borrowed._check_command()[-1], {})
    assert "CPU thread" in capsys.readouterr().out


@pytest.mark.slow
def test_it_checks_measures_trains_and_packs(tmp_path, capsys, monkeypatch):
    # No processor is too slow for these two.
    monkeypatch.setattr(borrowed, "_check_command", lambda: ["echo", "a device"])
    monkeypatch.setattr(borrowed, "_bench_command", lambda folder, seconds: ["false"])
    monkeypatch.setattr(borrowed, "SWEEP_FOLDER", tmp_path / "nothing")
    folder = tmp_path / "borrowed"
    arguments = ["borrowed", "--minutes", "0.1", "--grid", "mini", "--model", "mlp-1x512"]
    assert main([*arguments, "--folder", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "a device" in printed and "speed ended with status 1" in printed
    statuses = json.loads((folder / "parts.json").read_text())
    assert statuses["check"] == 0 and statuses["sweep"] == 0 and statuses["speed"] == 1
    with tarfile.open(tmp_path / "borrowed.tar.gz") as archive:
        names = archive.getnames()
    assert "borrowed/sweep.log" in names and not any(name.endswith(".lock") for name in names)
    # A run is there, whole or as the checkpoint from which the next sweep goes on.
    assert any(name.endswith((".safetensors", "runs.parquet")) for name in names)
    assert "epoch" in (folder / "sweep.log").read_text()
