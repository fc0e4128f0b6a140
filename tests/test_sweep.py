import dataclasses

import pytest

from core import sweep
from core.config import RunConfig
from core.results import load_sweep
from core.training import train

CONFIG = RunConfig(level=0.5, epochs=3)


@pytest.fixture
def shelf(tmp_path, monkeypatch, tiny):
    """A sweep of its own, on 200 images."""
    add = sweep.add_to_sweep
    monkeypatch.setattr(sweep, "add_to_sweep", lambda results: add(results, tmp_path / "sweep"))
    monkeypatch.setattr(sweep, "load_sweep", lambda: load_sweep(tmp_path / "sweep"))
    monkeypatch.setattr(sweep, "load", lambda name: tiny)
    return tmp_path


def test_the_paper_grid():
    grid = sweep.paper_grid()
    assert len({config.run_id for config in grid}) == len(grid) == 66
    assert [config.level for config in grid[:3]] == [0.0, 1.0, 0.5] and grid[0].seed == 0
    assert {(config.batch_size, config.epochs, config.data) for config in grid} == {(128, 200, "full")}
    assert sorted({config.level for config in grid}) == [i / 10 for i in range(11)]


def test_a_finished_run_is_added_and_no_longer_missing(shelf):
    other = dataclasses.replace(CONFIG, seed=1)
    assert sweep.missing([CONFIG, other]) == [CONFIG, other]
    list(sweep.run_to_end(CONFIG, "cpu", shelf / "work"))
    assert sweep.missing([CONFIG, other]) == [other]
    assert list((shelf / "work").iterdir()) == []


def test_an_interrupted_run_goes_on_and_loses_no_record(shelf, tiny):
    training = sweep.run_to_end(CONFIG, "cpu", shelf / "work")
    next(training)
    training.close()
    list(sweep.run_to_end(CONFIG, "cpu", shelf / "work"))
    _, epochs = load_sweep(shelf / "sweep")
    expected = [record.test_error for record in train(CONFIG, tiny, "cpu")]
    assert epochs.epoch.tolist() == [1, 2, 3] and epochs.test_error.tolist() == expected
