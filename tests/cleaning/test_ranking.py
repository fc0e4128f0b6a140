from dataclasses import replace

import numpy as np
import pytest
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import precision_recall_curve, roc_auc_score

from core.cleaning.ranking import FOLDS, rank, rank_by_scores, score_ranking, sources
from core.cleaning.repair import NotRankedError, repair
from core.cleaning.scores import no_scores
from core.config import RunConfig

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
        best_loss=np.array([0.1, 0.2, 5.0], dtype=np.float32),
        best_prediction=np.array([0, 1, 1], dtype=np.int16),
    )
    assert rank_by_scores("margin", [scores], labels).order.tolist() == [1, 2, 0]
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
    assert short == RunConfig(level=0.4, validation=0.2, epochs=10)


def test_what_is_repaired():
    labels = np.array([0, 1, 2, 0])
    scores = replace(
        no_scores(4, np.array([0]), 3),
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
