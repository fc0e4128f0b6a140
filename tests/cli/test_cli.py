"""The command line as a person uses it."""

import argparse
import json
import re
import shlex
import subprocess
import sys
from contextlib import suppress

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from core.__main__ import COMMANDS, main
from core.cleaning.ranking import sources
from core.cli.flags import add_config_flags, config_from
from core.cli.progress import SweepProgress
from core.config import RunConfig, parse_matrix
from core.data.cifar10 import CLASSES
from core.errors import DivergedError
from core.sweep.grids import all_runs
from core.sweep.results import SWEEP_FOLDER, load_runs
from core.view.run.captions import command_of
from tests.samples import record


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)], capture_output=True, text=True
    )


@pytest.mark.slow
def test_train_prints_a_line_an_epoch_and_keeps_the_result(tmp_path):
    done = run(
        "train", "--level", 0.5, "--epochs", 2, "--batch-size", 128, "--out", tmp_path / "r.json"
    )
    assert done.returncode == 0 and done.stderr == ""
    assert "epoch   1/2" in done.stdout and "wrong label repeated" in done.stdout
    kept = json.loads((tmp_path / "r.json").read_text())
    assert kept["run_id"] == RunConfig(level=0.5, epochs=2, batch_size=128).run_id
    assert kept["provenance"]["device"] and len(kept["epochs"]) == 2
    assert len(kept["epochs"][0]["predictions"]) == 128


@pytest.mark.slow
def test_a_repaired_run_is_trained_again_by_its_command_alone(tmp_path, capsys):
    """What ranks its labels and is not stored is trained first."""
    config = RunConfig(level=0.5, epochs=1, batch_size=250, repair="relabel", repaired=0.2)
    flags = command_of(config).split()[3:-2]
    assert main([*flags, "--out", str(tmp_path / "r.json"), "--device", "cpu"]) == 0
    (source,) = sources(config, "loss")
    said = capsys.readouterr().out
    assert f"first run {source.run_id}, which ranks the labels" in said
    assert json.loads((tmp_path / "r.json").read_text())["run_id"] == config.run_id


@pytest.mark.slow
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

        from core.cli.flags import add_config_flags, config_from

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


@pytest.mark.parametrize(
    "command", [[], *([command.__name__.rpartition(".")[2]] for command in COMMANDS)]
)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    assert "%%" not in capsys.readouterr().out


def test_missing_images_are_one_sentence(data_folder, capsys):
    assert main(["train", "--data", "full"]) == 1
    assert "make data" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_asking_for_a_gpu_that_is_not_there_is_one_sentence(capsys):
    assert main(["train", "--device", "cuda"]) == 2
    assert "torch finds no cuda device here; choose cpu" in capsys.readouterr().err


@pytest.mark.slow
def test_divergence_is_one_sentence(capsys):
    code = main(["train", "--model", "mlp-3x512", "--learning-rate", "10", "--epochs", "3"])
    said = capsys.readouterr().err
    assert code == 1 and "diverged" in said and "Traceback" not in said


def test_an_unwritable_result_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "r.json"
    assert main(["train", "--epochs", "1", "--batch-size", "500", "--out", str(out)]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_sweep_lists_what_is_missing_with_its_time(tmp_path, capsys):
    flags = ["sweep", "--missing", "--folder", str(tmp_path), "--model", "mlp-3x512", "--seed", "2"]
    assert main([*flags, "--grid", "paper"]) == 0
    said = capsys.readouterr().out
    assert "0 of 11 runs are stored" in said and "11 runs are missing: about" in said
    assert re.search(r"[0-9a-f]{12} +\d+ (min|s)  mlp-3x512, level 70%, .*, seed 2", said)
    assert main([*flags, "--level", "0.35"]) == 2  # in no grid
    assert "no run of the grids matches these flags" in capsys.readouterr().err


@pytest.mark.slow
def test_another_machines_sweep_is_added(tmp_path, capsys):
    assert main(["sweep", "--add", str(SWEEP_FOLDER), "--folder", str(tmp_path)]) == 0
    assert set(load_runs(tmp_path).run_id) == set(load_runs().run_id)
    assert main(["sweep", "--add", str(tmp_path / "nothing")]) == 1
    assert "has no runs.parquet" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_shown_beside_a_run_trains_that_run():
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    parser.add_argument("--out")
    for config in all_runs():
        words = shlex.split(command_of(config))
        assert words[:4] == ["python", "-m", "core", "train"]
        assert config_from(parser.parse_args(words[4:])) == config


def test_times_left_are_learned_from_the_epochs_as_they_come(capsys):
    first, second = RunConfig(epochs=10), RunConfig(epochs=10, level=0.5)
    progress = SweepProgress([first, second], {(first.model, first.batch_size): 5_000.0})
    progress.start(first)  # 5,000 images an epoch: a second each
    progress.epoch(first, record(5, seconds=2.0))
    assert progress.time_left() == "about 30 s left"
    progress.end(first)
    progress.start(second)
    progress.close()
    said = capsys.readouterr().out
    assert "run 1 of 2" in said and "about 20 s left" in said and "1 of 2 runs trained" in said


def test_an_epoch_in_which_the_machine_slept_does_not_change_the_time_left():
    run = RunConfig(epochs=10)
    progress = SweepProgress([run], {})
    progress.start(run)
    for epoch, seconds in ((1, 2.0), (2, 2.0), (3, 30_000.0)):
        progress.epoch(run, record(epoch, seconds=seconds))
    assert progress.time_left() == "about 14 s left"
    progress.close()


def test_runs_side_by_side_share_the_time_and_say_which_is_which(capsys):
    first, second = RunConfig(epochs=10), RunConfig(epochs=10, level=0.5)
    progress = SweepProgress([first, second], {})
    progress.start(first)
    progress.start(second)
    progress.epoch(first, record(5, seconds=2.0))  # a second of the device each
    progress.epoch(second, record(5, seconds=2.0))
    assert progress.time_left() == "about 10 s left"
    progress.end(first)
    progress.end(second, DivergedError("The training diverged."))
    progress.close()
    out, err = capsys.readouterr()
    assert f"{second.run_id} epoch   5/10" in out and "1 of 2 runs trained" in out
    assert "level 50%" in err and "diverged" in err


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    """A ValueError from within is not a wrong argument."""

    def broken(*_, **__):
        raise ValueError("columns do not match")

    monkeypatch.setattr("core.training.training.train", broken)
    with pytest.raises(ValueError, match="columns"):
        main(["train"])


@pytest.mark.slow
@pytest.mark.slow
def test_output_whose_reader_is_gone_ends_without_a_traceback():
    command = f"{sys.executable} -m core sweep --missing | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 141 and not done.stderr and done.stdout.count("\n") == 1


def test_a_sweep_with_little_time_stops_after_an_epoch_and_resumes(tmp_path, capsys):
    flags = ["sweep", "--grid", "mini", "--model", "mlp-1x512", "--level", "0", "--seed", "0"]
    flags += ["--folder", str(tmp_path)]
    assert main([*flags, "--minutes", "1e-9"]) == 0
    out, err = capsys.readouterr()
    assert "minutes are over" in err and "0 of 1 runs trained" in out
    (checkpoint,) = tmp_path.glob("running/*.safetensors")
    assert len(load_runs(tmp_path)) == 0
    assert main([*flags, "--minutes", "1e-9"]) == 0  # the epochs in the checkpoint come first
    assert "epoch   1/60" in capsys.readouterr().out and checkpoint.exists()
    for wrong in ("0", "-1", "nan", "soon"):
        with suppress(SystemExit):
            assert main([*flags, "--minutes", wrong]) == 2
    assert capsys.readouterr().err.count("\n") == 4
    assert main([*flags, "--at-once", "0"]) == main([*flags, "--at-once", "2", "--ray", "auto"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
    assert main([*flags, "--missing", "--minutes", "25"]) == 2  # would train nothing
    assert "--missing only lists" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["a thesis", "a folder", "a safetensors file of somebody else"])
def test_a_checkpoint_that_is_none_is_refused_and_left_alone(tmp_path, capsys, what):
    path = tmp_path / "thesis.docx"
    if what == "a thesis":
        path.write_text("To be, or not to be")
    elif what == "a folder":
        path.mkdir()
    else:
        save_file({"x": torch.zeros(3)}, path)
    assert main(["train", "--epochs", "1", "--checkpoint", str(path)]) == 2
    said = capsys.readouterr().err
    assert str(path) in said and said.count("\n") == 1 and path.exists()
    assert "name another file" in said or "is a folder" in said


MATRIX = [
    [0.9 if row == column else 0.1 * ((row + 1) % 10 == column) for column in range(10)]
    for row in range(10)
]


@pytest.mark.parametrize("has_names", [False, True])
def test_a_noise_matrix_is_read_from_a_csv_file(tmp_path, has_names):
    rows = [[str(number) for number in row] for row in MATRIX]
    if has_names:
        rows = [["", *CLASSES], *([name, *row] for name, row in zip(CLASSES, rows, strict=True))]
    path = tmp_path / "matrix.csv"
    path.write_text("\n".join(",".join(row) for row in rows) + "\n")
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    flags = ["--noise", "own", "--level", "1", "--noise-matrix"]
    config = config_from(parser.parse_args([*flags, str(path)]))
    assert parse_matrix(config.noise_matrix) == tuple(map(tuple, MATRIX))
    again = config_from(parser.parse_args([*flags, config.noise_matrix]))  # as command_of writes it
    assert again == config


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        ("1,0\n0,1\n", "must have 10 rows"),
        (
            "\n".join([",".join(["0.2"] * 10)] * 10),
            "row 1 of the noise matrix sums to 2, but must sum to 1",
        ),
    ],
)
def test_a_file_that_is_no_noise_matrix_is_refused_in_a_sentence(tmp_path, capsys, content, sentence):
    path = tmp_path / "matrix.csv"
    if content is not None:
        path.write_text(content)
    flags = ["--noise", "own", "--level", "1", "--noise-matrix", str(path)]
    assert main(["train", *flags]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
