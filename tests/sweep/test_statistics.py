import numpy as np
import pandas as pd
import pytest
from scipy.stats import sem, t
from sklearn.metrics import roc_auc_score

from core.choices import NOISES
from core.config import RunConfig
from core.data.corruption import corrupt_labels
from core.sweep.figures import next_to_paper, points, regularized, sweep_test_error
from core.sweep.protocol import label_runs
from core.sweep.reference import paper
from core.sweep.results import Result, add_results, load_runs
from core.sweep.statistics import (
    ONE_ALONE_IS_RIGHT,
    against_corrupted_labels,
    chance_repeats,
    early_stopping_gains,
    gains_by_seed,
    loss_auc,
    margin_of_error,
    rise_and_fall,
    stops_memorizing,
)
from core.view.sweep.captions import describe_sources
from tests.samples import record, swept

HALF = RunConfig(level=0.5, epochs=40)


def test_our_sweep_beside_the_paper():
    runs = label_runs(load_runs())
    at_zero = runs[(runs.model == "mlp-1x512") & (runs.level == 0)].final_test_error.mean()
    assert sweep_test_error(runs, RunConfig(level=0.0)) == pytest.approx(at_zero)
    assert sweep_test_error(runs[runs.model != "alexnet"], RunConfig(model="alexnet")) is None
    for other in (
        {"noise": "pair"},
        {"loss": "generalized"},
        {"validation": 0.2},
        {"weight_decay": 0.001},
    ):
        assert sweep_test_error(runs, RunConfig(level=0.5, **other)) is None  # another experiment
    table = next_to_paper(runs, paper(), "mlp-1x512").set_index("level")
    assert table.paper[0.0] == 0.4951
    assert table.ours[0.0] == pytest.approx(at_zero) == table.converted[0.0]
    assert len(next_to_paper(runs, paper(), "mlp-3x512")) == 0  # not in the paper's figure


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


def test_a_regularizer_is_compared_with_none_on_the_seeds_that_both_have():
    """AlexNet had one seed with weight decay and three without: 1.0 points of nothing."""
    plain = [swept(level=0.0, seed=seed, batch_size=64, data="embedded") for seed in range(3)]
    decayed = swept(level=0.0, weight_decay=0.0005, batch_size=64, data="embedded")
    runs = pd.concat([*plain, decayed], ignore_index=True)
    runs["final_test_error"] = [0.44, 0.42, 0.43, 0.45]
    table = regularized(runs, "embedded", paper(), "mlp-1x512").set_index("weight_decay")
    assert table.gained[True] == pytest.approx(-0.01) and table.pairs[True] == 1
    assert table.gained[False] == 0 and table.pairs[False] == 3


@pytest.mark.parametrize(("model", "slips"), [("mlp-1x512", [0.6]), ("alexnet", []), ("inception", [])])
def test_only_a_point_of_the_paper_that_is_another_s_over_again_is_a_slip(model, slips):
    runs = pd.concat([swept(model=model, level=level) for level in (0.0, 0.5, 0.6)])
    table = next_to_paper(runs, paper(), model)
    assert table.level[table.is_slip].tolist() == slips


def test_what_may_be_chance_is_two_standard_errors():
    """By simulation: two networks of which one alone is right on so many of 1,000 images."""
    rng = np.random.default_rng(0)
    alone = rng.random((4000, 1000)) < ONE_ALONE_IS_RIGHT
    difference = np.where(alone, rng.choice([-1, 1], size=alone.shape), 0).mean(axis=1)
    assert margin_of_error(1) == pytest.approx(2 * difference.std(), rel=0.05)
    assert margin_of_error(4) == margin_of_error(1) / 2

    assert margin_of_error(1, 0.88) == pytest.approx(2 * margin_of_error(1))  # four times as many


def test_gains_are_independent_between_seeds_only():
    """Against scipy, from the means of the seeds: seven levels of one seed are one observation."""
    seeds = pd.Series([0, 1, 2] * 7, index=range(100, 121))
    gains = pd.Series(np.random.default_rng(4).normal(0.02, 0.03, 21), index=range(100, 121))
    found = gains_by_seed(gains, seeds)
    means = [gains[seeds == seed].mean() for seed in range(3)]
    low, high = t.interval(0.95, 2, np.mean(means), sem(means))
    assert found.by_seed == pytest.approx(means) and found.mean == pytest.approx(np.mean(means))
    assert (found.mean - found.margin, found.mean + found.margin) == pytest.approx(
        (low, high), rel=1e-3
    )
    assert gains_by_seed(gains[seeds == 1], seeds[seeds == 1]).margin is None


@pytest.mark.parametrize(
    ("values", "rise", "fall"),
    [
        ([0.9, 0.5, 0.4], 0.0, 0.0),  # it only falls
        ([0.5, 0.4, 0.7, 0.6], 0.3, 0.1),
        ([0.5, 0.6, 0.4, 0.45], 0.1, 0.2),  # the larger of two rises
        ([0.3], 0.0, 0.0),
    ],
)
def test_a_descent_is_the_largest_rise_and_the_fall_after_it(values, rise, fall):
    assert rise_and_fall(values) == (pytest.approx(rise), pytest.approx(fall))


def test_pair_order_is_the_area_under_the_roc_curve():
    rng = np.random.default_rng(2)
    is_wrong = rng.random(3000) < 0.3
    bins = rng.integers(0, 20, size=3000) + 5 * is_wrong
    right, wrong = (np.bincount(bins[chosen], minlength=25) for chosen in (~is_wrong, is_wrong))
    assert loss_auc(right, wrong) == pytest.approx(roc_auc_score(is_wrong, bins))
    assert loss_auc(right, 0 * wrong) is None and loss_auc(0 * right, wrong) is None


def test_a_regularizer_stops_memorizing_only_near_chance():
    verdicts = {share: stops_memorizing(share) for share in (0.1, 0.2, 0.5, 0.98, 0.99, 1.0)}
    assert verdicts == {0.1: True, 0.2: True, 0.5: None, 0.98: None, 0.99: False, 1.0: False}


def test_what_holding_out_costs_is_compared_seed_by_seed_with_its_margin():
    index = pd.MultiIndex.from_tuples([(0.2, 0), (0.2, 1), (0.4, 0)], names=["level", "seed"])
    costs = early_stopping_gains(
        pd.Series([0.6, 0.5, 0.8], index), pd.Series([0.5, 0.45, np.nan], index)
    )
    (row,) = costs.reset_index().to_dict("records")
    assert (row["level"], row["seeds"]) == (0.2, 2) and row["gain"] == pytest.approx(0.075)
    assert row["margin"] == margin_of_error(2)


UNEVEN = ";".join(" ".join("1" if column == 0 else "0" for column in range(10)) for _ in range(10))


@pytest.mark.parametrize("noise", NOISES)
def test_only_of_uniform_noise_it_is_known_what_is_chance_repeats(noise):
    """Other wrong labels look like what a network confuses by itself: one in nine is no baseline."""
    config = RunConfig(level=0.5, noise=noise, noise_matrix=UNEVEN if noise == "own" else "")
    known = chance_repeats(config, 0.1)
    assert known == pytest.approx(0.1) if noise == "uniform" else known is None  # 0.9 / 9


def test_where_no_label_is_wrong_nothing_is_chance_repeats():
    assert chance_repeats(RunConfig(), None) is None
