import pandas as pd
import pytest

from core.config import RunConfig
from core.sweep.figures import FIT_RULES, fit_epochs, relative_fit_times
from core.sweep.reference import PAPER_NAMES, paper, paper_fit_times
from core.sweep.replication import is_duplicate, replication
from core.sweep.results import Result, load_epochs, load_runs
from tests.samples import record

ABOUT = {"device": "test", "torch": "0", "python": "0", "date": "2026-01-01", "wall_seconds": 1.5}


def tables(*configs, **values):
    results = [
        Result(config, [record(epoch, **values) for epoch in range(1, 51)], ABOUT) for config in configs
    ]
    runs = pd.DataFrame([result.run_row() for result in results])
    return runs, pd.DataFrame([row for result in results for row in result.epoch_rows()])


def run(model="mlp-1x512", **settings):
    return RunConfig(**{"model": model, "data": "full", "batch_size": 128, "epochs": 50, **settings})


def test_nothing_computed_is_nothing_to_compare(tmp_path):
    assert len(replication(load_runs(tmp_path), load_epochs([], tmp_path), paper())) == 0


def test_figure_1c_is_met_level_by_level_and_averaged_over_seeds():
    table = replication(*tables(run(level=0.3), run(level=0.3, seed=1), test_error=0.7), paper())
    row = table[table.source == "Figure 1c"].iloc[0]
    assert (row["at"], row.paper, row.seeds) == ("level 30%", 0.7186, 2)
    assert row.ours == pytest.approx(0.7) and row.difference == pytest.approx(0.7 - 0.7186)
    assert "if they were corrupted" in row.remark


def test_the_papers_own_contradictions_are_named():
    table = replication(*tables(run("alexnet"), run("inception"), run(), run(level=0.6)), paper())
    remarks = table[table.source == "Figure 1c"].set_index(["model", "at"]).remark
    assert "30.11% and 23.93%" in remarks["alexnet", "level 0%"]
    assert "12.85% and 14.25%" in remarks["inception", "level 0%"]
    assert remarks["mlp-1x512", "level 0%"] == ""
    assert "equals the next one" in remarks["mlp-1x512", "level 60%"]
    table_1 = table[(table.source == "Table 1") & (table.quantity == "test accuracy")]
    assert "disagree" in table_1.set_index("model").remark["alexnet"]


def test_only_one_point_of_figure_1c_is_doubled():
    figure = paper()["fig1c_test_error"]
    doubled = [
        (name, level)
        for name in figure["series"]
        for level in figure["corruption"][:-1]
        if is_duplicate(figure, name, level)
    ]
    assert doubled == [("MLP 1x512", 0.6)]


def test_table_1_tells_its_regularizers_apart():
    decay = {"weight_decay": 0.0005}
    configs = [run("inception", random_crop=True, **decay), run("inception", **decay)]
    table = replication(*tables(*configs, test_error=0.1), paper())
    test_rows = table[(table.source == "Table 1") & (table.quantity == "test accuracy")]
    assert test_rows.set_index("at").paper.round(6).to_dict() == {
        "true labels, random crop and weight decay": 0.8905,
        "true labels, weight decay": 0.8603,
    }
    assert (test_rows.ours - 0.9).abs().max() < 1e-9


def test_curves_are_compared_epoch_by_epoch():
    configs = [run("inception"), run("inception", corruption="gaussian")]
    table = replication(*tables(*configs), paper())
    noise = table[table["at"].str.startswith("gaussian")]
    assert len(noise) == 50 and noise.paper.iloc[0] == 2.30552 and noise.ours.iloc[1] == 1.0
    accuracy = table[table.source == "Figure 2b"]
    assert accuracy.paper.iloc[0] == 0.689 and accuracy.ours.iloc[0] == pytest.approx(0.3)


def test_runs_on_the_small_training_set_or_other_batches_are_not_the_papers():
    assert len(replication(*tables(run(data="embedded"), run(batch_size=64)), paper())) == 0


def test_table_4_has_numbers_where_it_prints_numbers():
    decay = {"weight_decay": 0.0005, "level": 1.0}
    crop = run("inception", level=1.0, random_crop=True)
    table = replication(*tables(run("mlp-1x512", **decay), run("alexnet", **decay), crop), paper())
    table = table[table.source == "Table 4"]
    assert table.model.tolist() == ["mlp-1x512", "inception"]
    assert table.paper.tolist() == pytest.approx([0.9921, 0.9993])


def test_a_regularizers_number_is_that_of_our_weight_decay_alone():
    known = tables(run("mlp-1x512", level=1.0, weight_decay=0.0005), train_error=0.0)
    other = tables(run("mlp-1x512", level=1.0, weight_decay=0.004), train_error=0.9)
    both = [pd.concat(parts, ignore_index=True) for parts in zip(known, other, strict=True)]
    table = replication(*both, paper())
    assert table[table.source == "Table 4"].ours.tolist() == [1.0]


def test_the_papers_epochs_follow_from_its_ratios():
    """Three whole numbers that a referee found; figure 1a's loss curves confirm Inception's."""
    epochs = {model: paper_fit_times(paper(), model).epochs.tolist() for model in PAPER_NAMES}
    assert [epochs["inception"][0], epochs["inception"][-1]] == [10, 36]
    assert [epochs["alexnet"][0], epochs["alexnet"][-1]] == [31, 48]
    assert [epochs["mlp-1x512"][0], epochs["mlp-1x512"][-1]] == [28, 55]
    series = paper()["fig1a_average_train_loss_by_epoch"]["series"]
    for name, epoch in (("true labels", 10), ("random labels", 36)):
        assert next(i for i, loss in enumerate(series[name], 1) if loss <= 0.05) == epoch


def test_times_to_fit_are_relative_to_true_labels():
    runs, epochs = tables(run(), run(level=0.5), run(level=1.0))
    late = epochs.run_id == run(level=0.5).run_id
    epochs.loc[late, "train_error"] *= 1.2  # 0.5 / epoch: fitted at 12, not at 10
    epochs.loc[epochs.run_id == run(level=1.0).run_id, "train_error"] = 0.3  # never
    times = relative_fit_times(fit_epochs(runs, epochs))
    assert times.level.tolist() == [0.0, 0.5] and times.time.tolist() == [1.0, 1.2]
    assert times.epochs.tolist() == [10, 12]  # and level 100% is left out
    row = replication(runs, epochs, paper())
    row = row[(row.source == "Figure 1b") & (row["at"] == "level 50%")].iloc[0]
    assert (row.paper, row.ours) == (1.7857, 1.2)
    by_loss = fit_epochs(runs, epochs, "loss")  # 2 / epoch <= 0.05
    assert by_loss.epoch.tolist() == [40, 40, 40] and set(FIT_RULES) == {"loss", "error"}
    assert paper_fit_times(paper(), "inception").time.iloc[-1] == 3.6
