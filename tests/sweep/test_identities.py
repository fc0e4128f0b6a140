"""What must hold between the stored numbers, whatever they are; and laws that they were found to follow."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.config import RunConfig
from core.data.corruption import corrupt_labels
from core.records import training_metrics
from core.sweep import protocol
from core.sweep.figures import level_means, series_runs
from core.sweep.protocol import label_runs
from core.sweep.reference import PAPER_NAMES, paper, sound_paper_curve
from core.sweep.results import load_epochs, load_runs
from core.sweep.statistics import T_95, against_corrupted_labels, chance_repeats, decay_above_chance
from tests.samples import swept


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return load_runs()


@pytest.fixture(scope="module")
def epochs(runs) -> pd.DataFrame:
    """Every stored epoch of a run with wrong labels, uniform, on all of which it is trained."""
    is_plain = (runs.noise == "uniform") & (runs.validation == 0) & (runs.repair == "none")
    runs = runs[is_plain]
    stored = load_epochs(runs.run_id).merge(runs[["run_id", "data", "level", "seed"]], on="run_id")
    return stored[stored.memorized.notna()]


def test_the_training_error_is_the_mix_of_its_parts_in_every_stored_epoch(epochs, embedded):
    """error = share wrong (1 - memorized) + share right x error where the label is right."""
    mini = epochs[epochs.data == "embedded"]
    shares = {
        (level, seed): corrupt_labels(embedded.train_labels, level, seed).is_wrong.mean()
        for level, seed in mini[["level", "seed"]].drop_duplicates().itertuples(index=False)
    }
    wrong = mini.apply(lambda row: shares[row.level, row.seed], axis=1)
    mixed = wrong * (1 - mini.memorized) + (1 - wrong) * mini.right_label_error.fillna(0)
    assert len(mini) > 3000 and (mixed - mini.train_error).abs().max() < 1e-9


def test_of_all_images_the_mix_names_one_share_of_wrong_labels_in_all_epochs_of_a_run(epochs):
    """Their true labels are not here; but the share that the mix asks for must be one, near 0.9 p."""
    full = epochs[(epochs.data == "full") & epochs.right_label_error.notna()]
    spread = 1 - full.memorized - full.right_label_error
    clear = full[spread.abs() > 0.2]
    share = (clear.train_error - clear.right_label_error) / spread[spread.abs() > 0.2]
    near = (share - 0.9 * clear.level).abs()
    assert len(clear) > 500 and near.max() < 0.03  # a tenth of the images: 0.7 points of error
    by_run = share.groupby(clear.run_id)
    assert (by_run.max() - by_run.min()).max() < 0.03


def test_no_image_is_both_memorized_and_recovered(epochs):
    assert (epochs.memorized + epochs.recovered <= 1 + 1e-12).all()


def test_a_blind_guess_repeats_as_many_wrong_labels_as_the_baseline_says():
    rng = np.random.default_rng(0)
    true = rng.integers(10, size=200_000)
    given = corrupt_labels(true, 0.6, 1).labels
    for skill in (0.0, 0.3):  # the share of images that it knows the truth of; never a label
        said = np.where(rng.random(len(true)) < skill, true, rng.integers(10, size=len(true)))
        found = training_metrics(said, given, true)
        assert found["memorized"] == pytest.approx(
            chance_repeats(RunConfig(), found["recovered"]), abs=0.002
        )


def test_before_they_memorize_stored_networks_are_at_the_baseline(epochs):
    """Inception at level 1 is at chance for its first epochs; there "10% memorized" means nothing."""
    first = epochs[(epochs.level == 1) & (epochs.epoch == 1)]
    excess = first.memorized - chance_repeats(RunConfig(), first.recovered)
    assert excess.min() > -0.03 and (excess < 0.02).any()


# Measured here, one number for each network; the paper's, whichever network: 2.0 to 2.2.
EXPONENTS = {
    ("full", "mlp-1x512"): 1.06,
    ("full", "mlp-3x512"): 1.02,
    ("full", "alexnet"): 1.17,
    ("full", "inception"): 1.24,
    ("embedded", "mlp-1x512"): 1.00,
    ("embedded", "alexnet"): 1.03,
    ("embedded", "inception"): 1.24,
}


@pytest.mark.parametrize(("data", "model"), EXPONENTS)
def test_our_accuracy_above_chance_falls_with_an_exponent_near_1(runs, data, model):
    ours = label_runs(runs, data)
    means = ours[ours.model == model].groupby("level", as_index=False).final_test_error.mean()
    law = decay_above_chance(means.level, means.final_test_error)
    assert law.exponent == pytest.approx(EXPONENTS[data, model], abs=0.02)
    converted = against_corrupted_labels(means.final_test_error, means.level)
    against = decay_above_chance(means.level, converted)
    assert against.exponent == pytest.approx(law.exponent + 1)
    assert against.factor == pytest.approx(law.factor)


def test_to_a_fully_connected_network_shuffled_pixels_are_as_good_as_true_ones(runs):
    """Within two standard deviations of the seeds: it does not know which pixels are neighbours."""
    series = series_runs(runs, "mlp-1x512", "embedded")
    true, shuffled = (series[name].final_test_error for name in ("true labels", "shuffled pixels"))
    assert len(true) == len(shuffled) == 3
    assert abs(true.mean() - shuffled.mean()) < 2 * max(true.std(), shuffled.std())


@pytest.mark.parametrize("model", PAPER_NAMES)
def test_the_papers_falls_with_an_exponent_near_2(model):
    curve = sound_paper_curve(paper(), model)
    assert len(curve) == (10 if model == "mlp-1x512" else 11)
    assert 1.9 < decay_above_chance(curve.level, curve.test_error).exponent < 2.3


def test_a_power_law_is_recovered():
    levels = pd.Series([0.0, 0.1, 0.3, 0.5, 0.8, 0.9, 1.0])
    law = decay_above_chance(levels, 0.9 - 0.5 * (1 - levels) ** 1.3)
    assert law.exponent == pytest.approx(1.3) and law.factor == pytest.approx(0.5)
    assert decay_above_chance(levels[:3], 0.9 - 0.5 * (1 - levels[:3])) is None


def test_intervals_are_students(runs):
    for seeds, value in T_95.items():
        assert value == pytest.approx(stats.t.ppf(0.975, seeds - 1), abs=6e-4)
    ours = label_runs(runs)
    ours = ours[(ours.model == "mlp-3x512") & (ours.level == 0.5)]
    low, high = stats.t.interval(
        0.95, len(ours) - 1, ours.final_test_error.mean(), stats.sem(ours.final_test_error)
    )
    row = level_means(ours).query("quantity == 'test error'").iloc[0]
    assert (row.low, row.high, row.seeds) == (
        pytest.approx(low, abs=1e-5),
        pytest.approx(high, abs=1e-5),
        3,
    )


def test_one_seed_has_no_interval(runs):
    one = label_runs(runs, "embedded").query("model == 'inception' and seed == 0")
    means = level_means(one)
    assert (means.seeds == 1).all() and means.low.isna().all() and means.high.isna().all()


@pytest.mark.parametrize(
    "odd", [{"learning_rate": 0.02}, {"momentum": 0.5}, {"learning_rate_decay": 0.9}, {"epochs": 100}]
)
def test_what_differs_in_more_than_the_seed_is_not_averaged_in(odd):
    alike = [swept(seed=seed) for seed in range(2)]
    runs = pd.concat([*alike, swept(seed=2, **odd)])
    assert label_runs(runs).seed.tolist() == [0, 1]


def test_ends_that_were_read_early_are_not_averaged_with_whole_runs():
    rules = ({"epochs": 64, "epochs_after_fitted": 10}, {"epochs": 10, "epochs_after_fitted": 5})
    runs = pd.concat([swept("inception", seed=seed, **rules[seed > 0]) for seed in range(3)])
    assert label_runs(runs).seed.tolist() == [0]
    assert protocol.protocol_runs(runs[runs.seed > 0]).seed.tolist() == [1, 2]
