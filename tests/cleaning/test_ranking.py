from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from cleanlab.rank import get_label_quality_scores
from scipy.stats import rankdata
from sklearn.metrics import precision_recall_curve, roc_auc_score

from core.capacity.kernel import leave_one_out
from core.capacity.pixels import vectors
from core.choices import RANKINGS
from core.cleaning.ranking import (
    FOLDS,
    HELD_OUT,
    quantiles_within,
    rank,
    rank_by_kernel,
    rank_by_scores,
    ranking_for,
    score_ranking,
    sources,
)
from core.cleaning.repair import NotRankedError, repair
from core.cleaning.scores import no_scores
from core.config import RunConfig
from core.data.cifar10 import load_embedded
from core.data.corruption import given_labels, held_out_images
from core.sweep.grids import CURED
from core.sweep.results import load_scores

RNG = np.random.default_rng(3)


def test_a_ranking_is_scored_as_scikit_learn_scores_it():
    is_wrong = RNG.random(500) < 0.3
    suspicion = RNG.normal(size=500) + is_wrong
    found = score_ranking(np.argsort(-suspicion), is_wrong)
    precision, recall, _ = precision_recall_curve(is_wrong, suspicion)
    assert found.roc_area == pytest.approx(roc_auc_score(is_wrong, suspicion))
    # scikit-learn begins with all images and ends with none.
    assert found.precision[::-1] == pytest.approx(precision[:-1])
    assert found.recall[::-1] == pytest.approx(recall[:-1])
    count = is_wrong.sum()
    assert found.precision_at_count == is_wrong[np.argsort(-suspicion)[:count]].mean()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_no_label_is_wrong_or_every_one_there_is_nothing_to_score(share):
    assert score_ranking(np.arange(10), np.full(10, share == 1)) is None


def test_the_most_suspicious_come_first():
    labels = np.array([0, 0, 0])
    scores = replace(
        no_scores(3, np.array([1]), 2),
        margin=np.array([3, -1, 2], dtype=np.float32),
        prediction=np.array([0, 1, 0], dtype=np.int16),
        best_loss=np.array([0.1, 0.2, 5.0], dtype=np.float32),
        best_prediction=np.array([0, 1, 1], dtype=np.int16),
    )
    assert rank_by_scores("margin", [scores], labels).order.tolist() == [1, 2, 0]
    assert rank_by_scores("margin", [scores], labels).prediction.tolist() == [0, 1, 0]
    # Image 1, alone in its group, is at the middle of it; the others are at 1/4 and 3/4 of theirs.
    assert rank_by_scores("loss", [scores], labels).order.tolist() == [2, 1, 0]
    assert rank_by_scores("loss", [scores], labels).prediction.tolist() == [0, 1, 1]
    folds = [
        replace(no_scores(3, np.array(held_out), 2), held_out_probability=np.array(rows, np.float32))
        for held_out, rows in (([1], [[0.2, 0.8]]), ([0, 2], [[0.9, 0.1], [0.6, 0.4]]))
    ]
    confident = rank_by_scores("confident", folds, labels)
    assert confident.order.tolist() == [1, 2, 0] and confident.prediction.tolist() == [0, 1, 0]


def test_sources_are_named_by_the_settings_alone():
    config = RunConfig(level=0.4, repair="drop", repaired=0.36, ranking="confident")
    folds = sources(config, "confident")
    assert [(fold.validation, fold.fold) for fold in folds] == [(0.25, n) for n in range(FOLDS)]
    assert all(fold.repair == "none" and fold.epochs == 20 for fold in folds)
    (one,) = sources(config, "loss")
    assert one == RunConfig(level=0.4, validation=0.2)
    (short,) = sources(config, "margin")
    assert short == RunConfig(level=0.4, epochs=10)


def test_what_is_repaired():
    labels = np.array([0, 1, 2, 0])
    scores = replace(
        no_scores(4, np.array([], dtype=int), 3),
        best_loss=np.array([0.5, 3, 1, 0], dtype=np.float32),
        best_prediction=np.array([2, 2, 1, 1], dtype=np.int16),
    )
    ranking = rank_by_scores("loss", [scores], labels)
    drop = repair(RunConfig(level=0.4, repair="drop", repaired=0.5), labels, ranking)
    assert drop.is_kept.tolist() == [True, False, False, True]
    assert drop.labels.tolist() == labels.tolist()
    named = repair(RunConfig(level=0.4, repair="relabel", repaired=0.5), labels, ranking)
    assert named.is_kept.all() and named.labels.tolist() == [0, 2, 1, 0]
    assert labels.tolist() == [0, 1, 2, 0]


def test_without_a_ranking_the_sentence_says_what_to_do():
    with pytest.raises(NotRankedError, match="first train the runs that find the wrong labels"):
        repair(RunConfig(level=0.4, repair="drop", repaired=0.5), np.zeros(4, dtype=int), None)


@pytest.mark.parametrize("method", ["self_confidence", "normalized_margin"])
def test_ranking_arrays_is_cleanlabs(method):
    probabilities = RNG.dirichlet(np.ones(10), size=300)
    labels = RNG.integers(10, size=300)
    quality = get_label_quality_scores(labels, probabilities, method=method)
    assert np.array_equal(rank(labels, probabilities, method), np.argsort(quality, kind="stable"))


def test_arrays_that_do_not_fit_and_unknown_methods_are_refused():
    with pytest.raises(ValueError, match=r"must have \(N,\) and \(N, K\)"):
        rank(np.zeros(3, dtype=int), np.ones((2, 10)))
    with pytest.raises(ValueError, match="must be self_confidence or"):
        rank(np.zeros(2, dtype=int), np.ones((2, 10)), "loss")


def test_a_short_run_is_ranked_by_runs_as_short_that_wait_for_nothing():
    config = RunConfig(level=0.4, epochs=5, epochs_after_fitted=3)
    (margin,) = sources(config, "margin")
    assert (margin.epochs, margin.epochs_after_fitted) == (5, 0)
    for fold in sources(config, "confident"):
        assert (fold.epochs, fold.epochs_after_fitted) == (5, 0)


def test_values_are_compared_within_their_group_only():
    values, is_second = RNG.integers(50, size=400) + 0.5, RNG.random(400) < 0.2
    values[is_second] += 100
    found = quantiles_within(values, is_second)
    for group in (is_second, ~is_second):
        ranks = rankdata(values[group])  # from 1, equal values at their mean rank
        assert found[group] == pytest.approx((ranks - 0.5) / group.sum())


@pytest.mark.parametrize("model", CURED)
def test_of_a_run_on_true_labels_no_group_is_accused_more_often_than_the_other(model):
    """An image that was not trained on has a larger loss for that reason alone."""
    config = RunConfig(model=model, validation=HELD_OUT)
    scores = load_scores(config.run_id)
    labels = load_embedded().train_labels.astype(int)
    order = rank_by_scores("loss", [scores], labels).order
    naive = np.argsort(-scores.best_loss, kind="stable")
    for first in (100, 500, 1800):
        assert np.isin(order[:first], scores.held_out).mean() == pytest.approx(HELD_OUT, abs=0.01)
        assert np.isin(naive[:first], scores.held_out).mean() > 1.2 * HELD_OUT


@pytest.mark.parametrize("ranking", [name for name in RANKINGS if name != "kernel"])
def test_every_image_has_the_same_part_in_what_ranks_it(ranking):
    """All are trained on, all are held out once, or both groups are ranked apart."""
    runs = sources(RunConfig(level=0.4), ranking)
    held_out = [held_out_images(5_000, run.validation, run.fold, 0) for run in runs]
    counts = np.bincount(np.concatenate(held_out), minlength=RunConfig().train_images)
    assert ranking == "loss" or len(set(counts.tolist())) == 1


def test_scores_of_an_older_version_without_predictions_do_not_rank_by_margin():
    config = RunConfig(repair="relabel", repaired=0.5, ranking="margin")
    data = SimpleNamespace(train_labels=np.zeros(4, dtype=int))
    old = replace(no_scores(4, np.array([], dtype=int), 2), margin=np.zeros(4, np.float32))
    assert ranking_for(config, data, lambda source: old) is None
    new = replace(old, prediction=np.ones(4, np.int16))
    assert ranking_for(config, data, lambda source: new).prediction.tolist() == [1] * 4


@pytest.mark.parametrize("known", range(FOLDS + 1))
def test_there_is_no_ranking_before_the_scores_of_every_fold_are_there(known):
    config = RunConfig(repair="drop", repaired=0.2, ranking="confident")
    folds = sources(config, "confident")
    scores = {
        fold: replace(
            no_scores(FOLDS, np.array([place]), 2),
            held_out_probability=np.array([[0.5 + place / 10, 0.5 - place / 10]], np.float32),
        )
        for place, fold in enumerate(folds[:known])
    }
    data = SimpleNamespace(train_labels=np.zeros(FOLDS, dtype=int))
    ranking = ranking_for(config, data, scores.get)
    if known < FOLDS:
        assert ranking is None
    else:
        assert ranking.order.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("ranking", ["loss", "margin"])
def test_equally_suspicious_images_keep_their_order(ranking):
    """Everybody who does a repaired run again repairs the same images."""
    suspicion = RNG.integers(3, size=2000)
    scores = replace(
        no_scores(2000, np.array([], dtype=int), 2),
        best_loss=suspicion.astype(np.float32),
        margin=-suspicion.astype(np.float32),
        best_prediction=np.zeros(2000, dtype=np.int16),
    )
    order = rank_by_scores(ranking, [scores], np.zeros(2000, dtype=int)).order.tolist()
    assert order == sorted(range(2000), key=lambda image: -suspicion[image])  # Python's keeps order


def test_so_many_are_repaired_as_the_share_says_though_fractions_are_inexact():
    """0.29 x 100 is 28.999999999999996."""
    labels = np.zeros(100, dtype=int)
    scores = replace(
        no_scores(100, np.array([], dtype=int), 2),
        best_loss=np.arange(100, dtype=np.float32),
        best_prediction=np.ones(100, dtype=np.int16),
    )
    ranking = rank_by_scores("loss", [scores], labels)
    dropped = repair(RunConfig(level=0.4, repair="drop", repaired=0.29), labels, ranking)
    assert (~dropped.is_kept).sum() == 29


def test_forgetting_ranks_each_half_by_the_run_that_trained_on_it_first():
    labels = np.zeros(6, dtype=int)
    halves = ([3, 4, 5], [0, 1, 2])  # held out in the first run and in the second
    margins = ([4, -2, 1, -99, -99, -99], [99, 99, 99, 0.5, 0.1, 0.3])
    runs = [
        replace(
            no_scores(6, np.array(held_out), 2),
            margin=np.array(margin, np.float32),
            prediction=np.full(6, fold, np.int16),
        )
        for fold, (held_out, margin) in enumerate(zip(halves, margins, strict=True))
    ]
    found = rank_by_scores("forgetting", runs, labels)
    # Of each half the smallest margin first; equally suspicious images keep their order.
    assert found.order.tolist() == [1, 4, 2, 5, 0, 3]
    assert found.prediction.tolist() == [0, 0, 0, 1, 1, 1]


def test_the_halves_of_forgetting_are_trained_in_both_orders():
    first, second = sources(RunConfig(model="alexnet", level=0.4, seed=2), "forgetting")
    assert first == RunConfig(
        model="alexnet", level=0.4, seed=2, validation=0.5, switch_after=30, epochs=38
    )
    assert second == replace(first, fold=1)
    parts = [held_out_images(5_000, 0.5, fold, 2) for fold in (0, 1)]
    assert sorted(np.concatenate(parts)) == list(range(5_000))


def test_the_kernel_ranks_by_the_margin_of_the_fit_without_the_image(tiny):
    """And by no run at all: each image is left out and the fit repeated."""
    assert sources(RunConfig(level=0.4), "kernel") == []
    labels = np.random.default_rng(3).integers(10, size=len(tiny.train_labels))
    found = rank_by_kernel(tiny, labels)
    images = vectors(tiny.train_images)
    margins, predictions = [], []
    for image in range(len(labels)):
        values = leave_one_out(images, labels).values[image]
        margins.append(values[labels[image]] - np.delete(values, labels[image]).max())
        predictions.append(values.argmax())
        if image == 5:  # the fit is the same for all
            break
    first = [image for image in found.order if image <= 5]
    assert first == np.argsort(margins, kind="stable").tolist()
    assert found.prediction[:6].tolist() == predictions


@pytest.mark.slow
def test_the_kernel_finds_wrong_labels_better_than_chance_without_any_training():
    data = load_embedded()
    corrupted = given_labels(RunConfig(level=0.4), data.train_labels)
    score = score_ranking(rank_by_kernel(data, corrupted.labels).order, corrupted.is_wrong)
    assert score.roc_area > 0.65
