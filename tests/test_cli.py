"""The command line as a person uses it."""

import json
import subprocess
import sys

import pandas as pd
import pytest
import torch

from core.__main__ import main
from core.config import RunConfig


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)], capture_output=True, text=True
    )


def test_train_prints_a_line_an_epoch_and_keeps_the_result(tmp_path):
    done = run(
        "train", "--level", 0.5, "--epochs", 2, "--batch-size", 128, "--out", tmp_path / "r.json"
    )
    assert done.returncode == 0 and done.stderr == ""
    assert "epoch   1/2" in done.stdout and "memorized" in done.stdout
    kept = json.loads((tmp_path / "r.json").read_text())
    assert kept["run_id"] == RunConfig(level=0.5, epochs=2, batch_size=128).run_id
    assert kept["provenance"]["device"] and len(kept["epochs"]) == 2
    assert len(kept["epochs"][0]["predictions"]) == 128


def test_parquet_and_pixels(tmp_path):
    flags = ("--corruption", "shuffled-pixels", "--epochs", "1", "--batch-size", "500")
    assert main(["train", *flags, "--out", str(tmp_path / "r.parquet")]) == 0
    assert pd.read_parquet(tmp_path / "r.parquet").memorized.isna().all()


@pytest.mark.parametrize(
    "wrong",
    [
        ("--level", "1.5"),
        ("--level", "nan"),
        ("--level", "high"),
        ("--epochs", "0"),
        ("--epochs", "1e3"),
        ("--model", "resnet"),
        ("--data", "mnist"),
        ("--random-crop", "maybe"),
        ("--out", "result.csv"),
        ("--colour", "red"),
        ("--device", "tpu"),
    ],
)
def test_wrong_values_are_one_sentence_and_exit_2(wrong, capsys):
    try:
        code = main(["train", *wrong])
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr().err
    assert code == 2
    assert said.startswith("python -m core") and said.count("\n") == 1 and "Traceback" not in said


def test_random_crop_is_a_switch_and_false_is_false():
    for flags, crop in ((["--random-crop"], True), (["--random-crop", "False"], False)):
        import argparse

        from core.__main__ import add_config_flags, config_from

        parser = argparse.ArgumentParser()
        add_config_flags(parser)
        assert config_from(parser.parse_args(flags)).random_crop is crop


def test_help_names_every_setting(capsys):
    with pytest.raises(SystemExit) as end:
        main(["train", "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    for name in RunConfig.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in text


def test_missing_images_are_one_sentence(data_folder, capsys):
    assert main(["train", "--data", "full"]) == 1
    assert "make data" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_asking_for_a_gpu_that_is_not_there_is_one_sentence(capsys):
    assert main(["train", "--device", "cuda"]) == 2
    assert "no GPU here" in capsys.readouterr().err


def test_divergence_is_one_sentence(capsys):
    code = main(["train", "--model", "mlp-3x512", "--learning-rate", "10", "--epochs", "3"])
    said = capsys.readouterr().err
    assert code == 1 and "diverged" in said and "Traceback" not in said


def test_an_unwritable_result_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "r.json"
    assert main(["train", "--epochs", "1", "--batch-size", "500", "--out", str(out)]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_sweep_lists_what_is_missing(capsys):
    assert main(["sweep", "--missing", "--model", "mlp-1x512", "--seed", "0", "--level", "0"]) == 0
    assert "1 of 1 runs are there" in capsys.readouterr().out
    assert main(["sweep", "--missing", "--model", "mlp-3x512", "--seed", "2"]) == 0
    assert "mlp-3x512, level 0.7, seed 2" in capsys.readouterr().out
