"""What a run studies is worked out here by hand, from the ranking and the labels given."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.cleaning.ranking import Ranking
from core.cleaning.repair import NotRankedError
from core.cleaning.studied import studied_labels
from core.config import RunConfig
from core.data.corruption import corrupt_labels, followed_images, held_out_images
from core.training.dataset import Dataset

TRUE = np.random.default_rng(1).integers(10, size=200)
GIVEN = corrupt_labels(TRUE, 0.5, 0)
ORDER = np.random.default_rng(2).permutation(200)
RANKING = Ranking(ORDER, (TRUE + 3) % 10)  # a network that is always wrong
PLAIN = RunConfig(level=0.5)


def test_without_a_repair_they_are_the_labels_given():
    studied = studied_labels(PLAIN, TRUE)
    assert (studied.labels == GIVEN.labels).all() and (studied.is_wrong == GIVEN.is_wrong).all()
    assert studied.is_trained.all() and studied.wrong_share == GIVEN.is_wrong.mean()


def test_dropped_images_are_not_trained_on_and_the_share_of_wrong_labels_is_of_the_others():
    studied = studied_labels(replace(PLAIN, repair="drop", repaired=0.1), TRUE, RANKING)
    assert sorted(np.flatnonzero(studied.is_dropped)) == sorted(ORDER[:20])
    assert (studied.labels == GIVEN.labels).all()
    rest = sorted(set(range(200)) - set(ORDER[:20].tolist()))
    assert studied.wrong_share == np.mean([GIVEN.labels[i] != TRUE[i] for i in rest])


def test_relabelled_images_have_the_networks_answer_right_or_wrong():
    studied = studied_labels(replace(PLAIN, repair="relabel", repaired=0.1), TRUE, RANKING)
    for image in range(200):
        expected = (TRUE[image] + 3) % 10 if image in ORDER[:20] else GIVEN.labels[image]
        assert studied.labels[image] == expected
        assert studied.is_wrong[image] == (expected != TRUE[image])
    assert studied.is_trained.all() and studied.is_wrong[ORDER[:20]].all()


def test_held_out_images_are_not_trained_on():
    config = replace(PLAIN, validation=0.2)
    studied = studied_labels(config, TRUE)
    assert np.flatnonzero(studied.is_held_out).tolist() == held_out_images(200, 0.2, 0, 0).tolist()
    assert studied.is_trained.sum() == 160


def test_the_followed_images_are_those_before_the_repair():
    for repair in ("drop", "relabel"):
        studied = studied_labels(replace(PLAIN, repair=repair, repaired=0.4), TRUE, RANKING)
        assert (studied.followed == followed_images(GIVEN.is_wrong, 0)).all()


def test_without_a_ranking_it_says_so():
    with pytest.raises(NotRankedError):
        studied_labels(replace(PLAIN, repair="drop", repaired=0.1), TRUE)


@pytest.mark.parametrize("repair", ["none", "drop", "relabel"])
def test_it_is_what_the_training_gets(tiny, repair):
    count = len(tiny.train_labels)
    ranking = Ranking(np.arange(count)[::-1].copy(), np.zeros(count, dtype=np.int64))
    config = replace(PLAIN, validation=0.2, repair=repair, repaired=0.25 * (repair != "none"))
    studied = studied_labels(config, tiny.train_labels, ranking)
    dataset = Dataset(config, tiny, torch.device("cpu"), ranking)
    assert dataset.labels.tolist() == studied.labels.tolist()
    assert dataset.trained.tolist() == np.flatnonzero(studied.is_trained).tolist()
