import numpy as np
import pytest

from core.config import RunConfig
from core.data.corruption import corrupt_labels
from core.sweep.comparison import (
    against_corrupted_labels,
    beside_paper,
    label_runs,
    points,
    sweep_test_error,
)
from core.sweep.reference import paper
from core.sweep.results import Result, add_results, load_runs
from core.view.captions.sweep import describe_sources
from tests.samples import record

HALF = RunConfig(level=0.5, epochs=40)


def test_our_sweep_beside_the_paper():
    runs = label_runs(load_runs())
    at_zero = runs[(runs.model == "mlp-1x512") & (runs.level == 0)].final_test_error.mean()
    assert sweep_test_error(runs, RunConfig(level=0.0)) == pytest.approx(at_zero)
    assert sweep_test_error(runs[runs.model != "alexnet"], RunConfig(model="alexnet")) is None
    table = beside_paper(runs, paper(), "mlp-1x512").set_index("level")
    assert table.paper[0.0] == 0.4951
    assert table.ours[0.0] == pytest.approx(at_zero) == table.converted[0.0]
    assert len(beside_paper(runs, paper(), "mlp-3x512")) == 0  # not in the paper's figure


def test_the_error_against_corrupted_test_labels_is_that_of_a_draw():
    true = np.random.default_rng(0).integers(10, size=400_000)
    said = np.where(np.random.default_rng(1).random(400_000) < 0.3, (true + 1) % 10, true)
    given = corrupt_labels(true, 0.5, 2).labels
    assert against_corrupted_labels(0.3, 0.5) == pytest.approx((said != given).mean(), abs=0.003)
    assert against_corrupted_labels(0.3, 0.0) == pytest.approx(0.3)
    assert against_corrupted_labels(0.3, 1.0) == pytest.approx(0.9)


def test_points_are_finished_runs_with_corrupted_labels():
    table = points([(HALF, record(1)), (RunConfig(corruption="gaussian"), record(1))])
    assert table.level.tolist() == [0.5] and table.test_error.tolist() == [0.7]
    assert points([]).columns.tolist() == ["model", "level", "run", "test_error", "train_error"]


def test_of_two_lengths_of_one_run_the_longer_one_counts(tmp_path):
    """A run that was read early, and the same run trained to its end."""
    settings = {"model": "inception", "data": "full", "batch_size": 128, "level": 0.5}
    early = RunConfig(**settings, epochs=10, epochs_after_fitted=5)
    whole = RunConfig(**settings, epochs=64, epochs_after_fitted=10)
    about = {"device": "x", "torch": "0", "python": "0", "date": "d", "wall_seconds": 1.0}
    results = [Result(early, [record(1, test_error=0.9)], about)]
    add_results(results, tmp_path)
    assert label_runs(load_runs(tmp_path)).run_id.tolist() == [early.run_id]
    assert "read 5 epochs after" in describe_sources(
        label_runs(load_runs(tmp_path)), "inception", "full", 0
    )
    add_results([Result(whole, [record(1, test_error=0.5)], about)], tmp_path)
    runs = label_runs(load_runs(tmp_path))
    assert runs.run_id.tolist() == [whole.run_id]
    assert "read 5 epochs after" not in describe_sources(runs, "inception", "full", 0)
