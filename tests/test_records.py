import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import RunConfig
from core.records import (
    LOSS_EDGES,
    EpochProgress,
    count_losses,
    fitted_epoch,
    is_complete,
    training_metrics,
)
from tests.samples import record

triples = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=30)


@given(triples)
def test_measures_are_the_counts_by_hand(rows):
    predictions, labels, true = (np.array(column) for column in zip(*rows, strict=True))
    measures = training_metrics(predictions, labels, true)
    wrong = [row for row in rows if row[1] != row[2]]
    right = [row for row in rows if row[1] == row[2]]

    def share(hits, among):
        return sum(hits) / len(among) if among else None

    def same(ours, counted):
        return ours is counted or abs(ours - counted) < 1e-12

    assert same(measures["train_error"], share([p != g for p, g, t in rows], rows))
    assert same(measures["right_label_error"], share([p != g for p, g, t in right], right))
    assert same(measures["memorized"], share([p == g for p, g, t in wrong], wrong))
    assert same(measures["recovered"], share([p == t for p, g, t in wrong], wrong))


def test_fitted_is_the_first_epoch_at_a_loss_of_a_twentieth():
    losses = [1.0, 0.051, 0.05, 0.2, 0.01]
    records = [record(epoch, train_loss=loss) for epoch, loss in enumerate(losses, start=1)]
    assert fitted_epoch(records) == 3
    assert fitted_epoch(records[:2]) is None and fitted_epoch([]) is None


def test_the_papers_inception_curves_give_its_ratio():
    from core.sweep.reference import paper

    curves = paper()["fig1a_average_train_loss_by_epoch"]["series"]
    epochs = {
        name: fitted_epoch([record(i, train_loss=loss) for i, loss in enumerate(curves[name], 1)])
        for name in ("true labels", "random labels")
    }
    assert epochs == {"true labels": 10, "random labels": 36}


def test_measured_leaves_the_clock_out():
    assert record(1, seconds=1.0).reproducible() == record(1, seconds=2.0).reproducible()
    assert record(1, test_error=0.1).reproducible() != record(1, test_error=0.2).reproducible()


def test_a_run_that_is_never_fitted_ends_at_its_most_epochs():
    config = RunConfig(epochs=2, epochs_after_fitted=3, max_epochs=5)
    never = [record(epoch, train_loss=2.3) for epoch in range(1, 6)]
    assert [is_complete(config, never[:count]) for count in range(1, 6)] == [False] * 4 + [True]
    fitted = [record(epoch, train_loss=0.01) for epoch in range(1, 6)]  # from the first epoch on
    assert is_complete(config, fitted[:4]) and not is_complete(config, fitted[:3])
    assert RunConfig(max_epochs=7) == RunConfig()  # without a wait it has no effect


def test_a_loss_on_an_edge_is_counted_above_it():
    losses = np.array([0.0, 0.2499, 0.25, 8.0, 100.0, 0.25])
    is_wrong = np.array([False, False, False, False, True, True])
    counts = count_losses(losses, is_wrong)
    right, wrong = counts[: len(LOSS_EDGES)], counts[len(LOSS_EDGES) :]
    assert {place: count for place, count in enumerate(right) if count} == {0: 2, 1: 1, 32: 1}
    assert {place: count for place, count in enumerate(wrong) if count} == {1: 1, 32: 1}


def test_the_loss_so_far_is_the_mean_over_the_images():
    progress = EpochProgress().after(64, 2.0).after(64, 1.0).after(32, 0.5)
    assert progress.images == 160
    assert progress.running_loss == pytest.approx((64 * 2.0 + 64 * 1.0 + 32 * 0.5) / 160)
