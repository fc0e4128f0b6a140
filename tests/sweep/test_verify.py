import dataclasses

import pytest

from core.__main__ import main
from core.cli import verify as cli_verify
from core.config import RunConfig
from core.sweep.results import Result, add_results, load_records, load_runs, provenance
from core.sweep.verify import verify
from core.training import dataset
from core.training.devices import hardware
from core.training.training import train

CONFIG = RunConfig(level=0.5, epochs=2)


@pytest.fixture
def stored(tmp_path, tiny):
    """A sweep of one run; returns its row and the folder."""

    def store(change=lambda record: record, config=CONFIG, computed=CONFIG):
        records = [change(record) for record in train(computed, tiny, "cpu")]
        about = provenance(hardware("cpu"), 1.0)
        add_results([Result(config, records, about)], tmp_path)
        return load_runs(tmp_path).iloc[0], tmp_path

    return store


def test_what_this_code_computed_is_reproduced_to_the_last_digit(stored, tiny):
    run, folder = stored()
    check = verify(run, 2, folder, tiny)
    assert check.is_reproduced and check.difference == 0 and check.epochs == 2


@pytest.mark.parametrize("evaluate_all", [True, False])
def test_a_run_is_evaluated_as_it_was_when_it_was_stored(tmp_path, tiny, monkeypatch, evaluate_all):
    monkeypatch.setattr(dataset, "EVALUATED_IMAGES", 60)
    records = list(train(CONFIG, tiny, "cpu", evaluate_all=evaluate_all))
    add_results([Result(CONFIG, records, provenance(hardware("cpu"), 1.0))], tmp_path)
    assert [record.evaluated_on for record in load_records(CONFIG.run_id, tmp_path)] == (
        [None, None] if evaluate_all else [60, None]
    )
    assert verify(load_runs(tmp_path).iloc[0], 2, tmp_path, tiny).difference == 0


@pytest.mark.parametrize(
    ("metric", "change"),
    [
        ("test_error", {"test_error": 0.5}),
        ("memorized", {"memorized": None}),
        ("learning_rate", {"learning_rate": 0.1}),
        ("train_loss", {"train_loss": 1.0}),
    ],
)
def test_a_changed_number_is_reported(stored, tiny, metric, change):
    run, folder = stored(lambda record: dataclasses.replace(record, **change))
    check = verify(run, 2, folder, tiny)
    assert not check.is_reproduced and check.metric == metric
    assert check.stored == change[metric] != check.computed


@pytest.mark.parametrize(
    "other",
    [{"learning_rate": 0.02}, {"level": 0.6}, {"batch_size": 32}, {"model": "mlp-3x512"}],
    ids=str,
)
def test_a_run_of_other_settings_is_reported(stored, tiny, other):
    run, folder = stored(computed=dataclasses.replace(CONFIG, **other))
    assert not verify(run, 2, folder, tiny).is_reproduced


@pytest.mark.slow
def test_another_machine_may_round_otherwise(stored, tiny):
    def rounded(record):
        return dataclasses.replace(record, train_loss=1.02 * record.train_loss)

    run, folder = stored(rounded)
    assert not verify(run, 2, folder, tiny).is_reproduced
    assert verify({**run, "torch": "2.11.0"}, 2, folder, tiny).is_reproduced
    run, folder = stored(lambda record: dataclasses.replace(record, test_error=0.0))
    assert not verify({**run, "torch": "2.11.0"}, 2, folder, tiny).is_reproduced


@pytest.mark.slow
@pytest.mark.parametrize(("times", "is_reproduced"), [(1.1, True), (1.3, False)])
def test_convolutions_may_round_further_apart(stored, tiny, times, is_reproduced):
    """As float32 moved AlexNet and Inception against bfloat16."""
    config = RunConfig(model="alexnet", epochs=1)

    def rounded(record):
        return dataclasses.replace(record, train_loss=times * record.train_loss)

    run, folder = stored(rounded, config, config)
    elsewhere = verify({**run, "torch": "2.11.0"}, 1, folder, tiny)
    assert elsewhere.is_reproduced == is_reproduced and elsewhere.tolerance == 0.15
    assert not verify(run, 1, folder, tiny).is_reproduced


def test_the_words_for_the_device_may_change_but_not_what_rounding_depends_on(stored, tiny):
    run, folder = stored(
        lambda record: dataclasses.replace(record, train_loss=1.01 * record.train_loss)
    )
    reworded = run["device"].replace("CPU thread", "CPU-thread")
    assert verify({**run, "device": reworded}, 1, folder, tiny).tolerance == 0
    others = (
        {"device": "1 CPU thread (another processor)"},
        {"device_type": "cuda"},
        {"torch": "2.11.0"},
    )
    for other in others:
        assert verify({**run, **other}, 1, folder, tiny).tolerance > 0, other


def test_what_a_gpu_computed_is_compared_within_the_tolerance(stored, tiny, monkeypatch, capsys):
    run, folder = stored()
    on_a_gpu = {**run, "device": "NVIDIA H100", "device_type": "cuda", "threads": float("nan")}
    check = verify(on_a_gpu, 1, folder, tiny)
    assert check.tolerance > 0 and check.is_reproduced
    rows = load_runs(folder).assign(device_type="cuda")
    monkeypatch.setattr(cli_verify, "load_runs", lambda folder: rows)
    assert main(["verify", "--folder", str(folder)]) == 2  # only by its id
    assert "--run ID" in capsys.readouterr().err


def test_a_number_that_an_older_version_did_not_store_is_not_compared(stored, tiny):
    run, folder = stored(lambda record: dataclasses.replace(record, prediction_changes=None))
    assert verify(run, 2, folder, tiny).difference == 0


@pytest.mark.slow
def test_a_shipped_run_on_the_command_line(capsys):
    """The first epoch of a run in assets/sweep, here and now, with the real images."""
    runs = load_runs()
    small = runs[(runs.model == "mlp-1x512") & (runs.data == "embedded")]
    run_id = small[small.level == 1.0].iloc[0].run_id
    assert main(["verify", "--run", run_id, "--epochs", "2"]) == 0
    assert "1 of 1 stored runs are reproduced" in capsys.readouterr().out
    assert len(load_records(run_id)) == 60


def test_wrong_wishes_are_one_sentence(capsys):
    assert main(["verify", "--run", "nosuchrun"]) == 2
    assert main(["verify", "--epochs", "0"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
