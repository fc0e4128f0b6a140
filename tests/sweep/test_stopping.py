"""When to stop, by rules worked out by hand and by brute force, and what is shipped."""

from dataclasses import replace

import numpy as np
import pytest

from core.sweep.grids import GRIDS
from core.sweep.results import load_epochs, load_records, load_runs
from core.sweep.stopping import (
    full_runs,
    label_wave_epoch,
    other_noise_runs,
    prediction_changes,
    stopping_gains,
    stopping_means,
    stopping_points,
    validated_runs,
)
from tests.samples import record
from tests.sweep.test_cures import tables


@pytest.mark.parametrize(
    ("changes", "epoch"),
    [
        # Means of three: .30 at epoch 3, .20 at 4, .30 at 5. The first minimum is at epoch 4.
        ([None, 0.5, 0.3, 0.1, 0.2, 0.6], 4),
        ([None, 0.5, 0.4, 0.3, 0.2, 0.1], 6),  # they only settle: never stopped
        ([None, 0.1, 0.2, 0.3, 0.4], 3),  # they rise from the start
        ([None, 0.5, 0.3, 0.1], 4),  # a single mean of three has no minimum
        ([None, 0.5], 2),
        ([None], 1),
        ([float("nan"), 0.5, 0.3, 0.1, 0.2, 0.6], 4),
        ([None, 0.2, 0.2, 0.2, 0.2, 0.2], 6),  # equal is not a rise
        ([None, 0.6, 0.3, 0.3, 0.3, 0.0, 0.9, 0.9], 5),  # .40 .30 .20 .40: at 5, though .0 is at 6
    ],
)
def test_label_wave_stops_at_the_first_minimum_of_the_mean_of_three(changes, epoch):
    assert label_wave_epoch(changes) == epoch


def test_changes_are_counted_on_the_followed_images_where_a_record_has_none():
    old = [record(n, predictions=[n % 2, 1, n % 3, 4]) for n in (1, 2, 3)]
    assert prediction_changes(old) == [None, 2 / 4, 2 / 4]
    new = [old[0], replace(old[1], prediction_changes=0.31), old[2]]
    assert prediction_changes(new) == [None, 0.31, 2 / 4]
    assert prediction_changes([]) == []


def test_label_wave_is_what_brute_force_finds():
    rng = np.random.default_rng(0)
    for _ in range(200):
        changes = [None, *rng.random(rng.integers(1, 30)).tolist()]
        means = {
            at: sum(changes[at - 2 : at + 1]) / 3  # epochs at - 1, at, at + 1, counted from 1
            for at in range(3, len(changes))
        }
        stops = [at for at in means if at + 1 in means and means[at + 1] > means[at]]
        assert label_wave_epoch(changes) == (stops[0] if stops else len(changes))


def test_where_to_stop_is_the_first_epoch_with_the_least_held_out_error():
    grid = [config for config in GRIDS["mini-stopping"].runs([0]) if config.model == "alexnet"]
    runs, epochs = tables(grid[:1])
    points = stopping_points(validated_runs(runs, "alexnet"), epochs).set_index("kind")
    assert points.epoch.to_dict() == {"end": 3, "held_out": 2, "label_wave": 3, "best": 2}
    errors = {"end": 0.7, "held_out": 0.4, "label_wave": 0.7, "best": 0.4}
    assert points.test_error.to_dict() == errors
    means = stopping_means(points.reset_index())
    assert set(means.kind) == set(errors) and (means.seeds == 1).all()


def test_a_run_without_held_out_images_is_stopped_by_prediction_changes_alone():
    grid = [config for config in GRIDS["paper"].runs([0]) if config.model == "alexnet"]
    runs, epochs = tables(grid[:1])
    points = stopping_points(runs, epochs.assign(validation_error=np.nan))
    assert points.kind.tolist() == ["end", "label_wave", "best"]
    assert stopping_gains(points).empty and len(stopping_gains(points, "label_wave")) == 1


def test_each_grid_is_picked_out_of_all_runs_whole_and_nothing_else():
    """Every run of every grid in one table: those of a figure are those of its grid."""
    everything = list({run for grid in GRIDS.values() for run in grid.runs([0])})
    runs, _ = tables(everything)
    for model in ("mlp-1x512", "alexnet"):
        wanted = {run.run_id for run in GRIDS["mini-stopping"].runs([0]) if run.model == model}
        assert set(validated_runs(runs, model).run_id) == wanted
        wanted = {run.run_id for run in GRIDS["mini-noise"].runs([0]) if run.model == model}
        assert set(other_noise_runs(runs, model).run_id) == wanted
    held_out = full_runs(runs, "alexnet").query("validation > 0")
    assert set(held_out.run_id) == {run.run_id for run in GRIDS["stopping"].runs([0])}


def test_nothing_stored_gives_empty_tables():
    runs, epochs = load_runs()[:0], load_epochs([])
    assert stopping_means(stopping_points(validated_runs(runs, "alexnet"), epochs)).empty


def shipped(model: str):
    runs = validated_runs(load_runs(), model)
    return stopping_points(runs, load_epochs(runs.run_id))


@pytest.mark.parametrize("model", ["mlp-1x512", "alexnet"])
def test_stopping_early_beats_the_end_at_every_level_from_20_to_80_per_cent(model):
    """Of what is shipped, means over three seeds."""
    gains = stopping_gains(shipped(model))
    gains = gains[(gains.level >= 0.2) & (gains.level <= 0.8)]
    by_level = gains.groupby("level").gain.agg(["mean", "size"])
    assert by_level.index.tolist() == [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert (by_level["mean"] > 0).all() and (by_level["size"] == 3).all()


@pytest.mark.parametrize(("model", "worth"), [("alexnet", 0.17), ("inception", 0.18)])
def test_at_full_scale_prediction_changes_find_nearly_all_that_stopping_can_gain(model, worth):
    """The referee's numbers: 17.1 and 18.5 points at the best epoch, from 20% to 80%."""
    runs = full_runs(load_runs(), model).query("validation == 0")
    points = stopping_points(runs, load_epochs(runs.run_id)).query("0.2 <= level <= 0.8")
    best, wave = (stopping_gains(points, rule).gain.mean() for rule in ("best", "label_wave"))
    assert best == pytest.approx(worth, abs=0.015) and best - wave < 0.03


def test_changes_of_older_runs_are_those_of_the_followed_images():
    runs = load_runs().query("data == 'full' and model == 'inception' and level == 0.6")
    run_id = runs.run_id.iloc[0]
    epochs = load_epochs([run_id])
    records = load_records(run_id)
    if all(record.prediction_changes is None for record in records):
        for before, after, change in zip(
            records, records[1:], epochs.prediction_changes[1:], strict=False
        ):
            pairs = zip(before.predictions, after.predictions, strict=True)
            assert change == sum(a != b for a, b in pairs) / 128
    assert np.isnan(epochs.prediction_changes.iloc[0])
