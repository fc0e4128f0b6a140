import json

import numpy as np
import pandas as pd
import pytest
from samples import record

from core import results
from core.config import RunConfig
from core.results import Result, add_to_sweep, load_sweep, save_result

ABOUT = {"device": "test", "torch": "0", "python": "0", "date": "2026-01-01", "wall_seconds": 1.5}


def result(seed: int, epochs: int = 3, **values) -> Result:
    config = RunConfig(level=0.5, seed=seed, epochs=epochs)
    return Result(config, [record(epoch, **values) for epoch in range(1, epochs + 1)], ABOUT)


def test_json_holds_everything(tmp_path):
    save_result(tmp_path / "run.json", result(1))
    kept = json.loads((tmp_path / "run.json").read_text())
    assert kept["config"]["level"] == 0.5 and kept["provenance"] == ABOUT
    assert [epoch["epoch"] for epoch in kept["epochs"]] == [1, 2, 3]
    assert RunConfig(**kept["config"]).run_id == kept["run_id"]


def test_parquet_holds_the_same(tmp_path):
    save_result(tmp_path / "run.parquet", result(1))
    table = pd.read_parquet(tmp_path / "run.parquet")
    assert table.epoch.tolist() == [1, 2, 3] and table.attrs["config"]["seed"] == 1
    assert table.test_error.tolist() == [0.7] * 3


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.json or \.parquet"):
        save_result(tmp_path / "run.csv", result(1))


def test_the_sweep_grows_and_replaces(tmp_path):
    assert len(load_sweep(tmp_path)[0]) == 0
    add_to_sweep([result(1)], tmp_path)
    add_to_sweep([result(2)], tmp_path)
    add_to_sweep([result(1, test_error=0.25)], tmp_path)
    runs, epochs = load_sweep(tmp_path)
    assert runs.seed.tolist() == [1, 2] and len(epochs) == 6
    assert runs.final_test_error.tolist() == [0.25, 0.7]
    assert runs.fitted_epoch.isna().all()
    assert {path.name for path in tmp_path.iterdir()} == {"runs.parquet", "epochs.parquet"}


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    add_to_sweep([result(1)], tmp_path)

    def no_room(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", no_room)
    with pytest.raises(OSError):
        add_to_sweep([result(2)], tmp_path)
    assert load_sweep(tmp_path)[0].seed.tolist() == [1]
    assert {path.name for path in tmp_path.iterdir()} == {"runs.parquet", "epochs.parquet"}


def shipped(model: str = "mlp-1x512"):
    runs, epochs = load_sweep()
    return runs[(runs.model == model) & (runs.data == "full")], epochs


def test_shipped_runs_carry_their_provenance_and_all_their_epochs():
    runs, epochs = load_sweep()
    assert len(runs)
    for run in runs.to_dict("records"):
        fields = {name: run[name] for name in RunConfig.__dataclass_fields__}
        assert RunConfig(**fields).run_id == run["run_id"]
        assert run["device"] and run["torch"] and run["date"] and run["wall_seconds"] > 0
        own = epochs[epochs.run_id == run["run_id"]]
        assert own.epoch.tolist() == list(range(1, run["epochs"] + 1))
        assert own.test_error.iloc[-1] == run["final_test_error"]
        assert set(own.predictions.map(len)) == {128}


def test_shipped_ends_of_the_small_network_are_near_the_papers():
    runs, _ = shipped()
    by_level = runs[runs.seed == 0].set_index("level")
    assert (by_level.epochs == 200).all() and (by_level.batch_size == 128).all()
    assert abs(by_level.final_test_error[0.0] - 0.495) <= 0.02
    assert by_level.final_train_error[1.0] < 0.015
    assert 0.88 <= by_level.final_test_error[1.0] <= 0.92


def test_the_sweep_opens_quickly_enough_to_be_read_at_every_start():
    assert sum(path.stat().st_size for path in results.SWEEP_FOLDER.iterdir()) < 20e6


def test_the_papers_numbers_are_aboard():
    figure = results.paper()["fig1c_test_error"]
    assert np.allclose(figure["corruption"], np.arange(11) / 10)
    assert figure["series"]["MLP 1x512"][0] == 0.4951
