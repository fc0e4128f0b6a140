from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from core.cleaning.annotators import (
    Answer,
    agreement_with_data,
    agreement_within,
    confusion,
    noise_of,
    sensible,
    shares,
    with_noise,
)
from core.config import RunConfig, format_matrix, parse_matrix
from core.data.noise import transition_matrix, wrong_share

TRUE = np.arange(50) % 10


def answers_of(visitor: str, wrong: int, count: int = 20) -> list[Answer]:
    """The first `wrong` answers are the next class."""
    return [
        Answer(visitor, image, int(TRUE[image] + (image < wrong)) % 10, image >= 10)
        for image in range(count)
    ]


def test_who_did_not_look_is_left_out_and_who_has_answered_little_is_not():
    answers = [*answers_of("ann", 2), *answers_of("nonsense", 15), *answers_of("new", 5, 5)]
    kept, left_out = sensible(answers, TRUE)
    assert left_out == 1 and {answer.visitor for answer in kept} == {"ann", "new"}
    at_the_bound, _ = sensible(answers_of("ben", 14), TRUE)
    assert len(at_the_bound) == 20  # 6 of 20 agree: three in ten


def test_the_confusion_is_scikit_learns():
    answers = [*answers_of("ann", 3), Answer("ann", 30, None, True)]
    known = [answer for answer in answers if answer.label is not None]
    theirs = confusion_matrix(
        [TRUE[a.image] for a in known], [a.label for a in known], labels=range(10)
    )
    counts = confusion(answers, TRUE)
    assert (counts == theirs).all()
    assert agreement_with_data(counts) == pytest.approx(17 / 20)
    assert agreement_with_data(np.zeros((10, 10), dtype=int)) is None


def test_agreement_within_counts_pairs_on_the_same_photograph():
    answers = [
        Answer("ann", 1, 3, False), Answer("ben", 1, 3, False), Answer("cem", 1, 5, False),
        Answer("ann", 2, 4, False), Answer("ben", 2, None, True), Answer("cem", 9, 1, False),
    ]  # fmt: skip
    assert agreement_within(answers) == pytest.approx(1 / 3)
    assert agreement_within(answers[3:]) is None


def test_both_runs_have_the_same_share_wrong_and_differ_in_nothing_else():
    counts = confusion([*answers_of("ann", 7), *answers_of("ben", 4)], TRUE)
    base = RunConfig(epochs=9, seed=3)
    confused, random = with_noise(base, counts)
    assert wrong_share(random) == pytest.approx(wrong_share(confused), abs=1e-4) and wrong_share(random)
    assert transition_matrix(confused) == pytest.approx(noise_of(counts), abs=1e-5)
    for run in (confused, random):
        assert replace(run, level=0.0, noise="uniform", noise_matrix="") == base


def test_the_noise_is_a_matrix_that_a_run_can_have_whatever_was_answered():
    for counts in (np.zeros((10, 10), dtype=int), confusion(answers_of("ann", 9), TRUE)):
        noise = noise_of(counts)
        assert noise.sum(1) == pytest.approx(1) and (np.diag(noise) > 0).all()
        text = format_matrix(tuple(map(tuple, noise.tolist())))
        assert np.array(parse_matrix(text)) == pytest.approx(noise, abs=1e-5)


def test_shares_are_what_was_answered_and_nothing_where_none_was_seen():
    counts = np.zeros((10, 10), dtype=np.int64)
    counts[3, 5], counts[3, 3] = 1, 3
    found = shares(counts)
    assert found[3, 5] == 0.25 and found[3, 3] == 0.75 and found.sum() == 1
