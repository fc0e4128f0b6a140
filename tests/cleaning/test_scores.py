import io

import numpy as np
import pytest

from core.cleaning.scores import NOT_SCORED, from_arrays, no_scores, read_scores, to_arrays, to_bytes
from core.errors import CheckpointError

NONE = np.array([], dtype=np.int64)


def answers(classes: list[int], sure: float = 2.0) -> np.ndarray:
    """Log-probabilities, (N, 3), of a network that names these classes."""
    logits = sure * np.eye(3)[classes]
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def after(epochs: list[list[int]], labels: list[int]):
    scores = no_scores(len(labels), NONE, 3)
    for classes in epochs:
        scores = scores.add_epoch(np.arange(len(labels)), answers(classes), np.array(labels), None)
    return scores


def test_learned_is_the_first_epoch_from_which_the_label_is_predicted_for_good():
    #          always, late, forgotten and again, forgotten, never
    epochs = [[0, 1, 0, 0, 1], [0, 1, 1, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 2, 2]]
    assert after(epochs, [0] * 5).learned.tolist() == [1, 3, 3, 0, 0]


def test_the_margin_is_the_mean_over_the_epochs_of_logit_less_largest_other():
    scores = after([[0, 1], [1, 1], [0, 1]], [0, 0])
    assert scores.margin == pytest.approx([(2 - 2 + 2) / 3, -2])


def test_images_that_are_not_evaluated_are_not_scored():
    scores = no_scores(4, NONE, 3).add_epoch(np.array([1, 3]), answers([0, 1]), np.zeros(4, int), None)
    assert scores.learned.tolist() == [NOT_SCORED, 1, NOT_SCORED, 0]
    assert np.isnan(scores.margin).tolist() == [True, False, True, False]


def test_what_is_kept_of_the_best_epoch_is_of_the_first_with_the_least_error():
    held_out, scored = np.array([1, 2]), np.arange(4)
    scores, labels = no_scores(4, held_out, 3), np.zeros(4, dtype=np.int64)
    for classes, error in (([1, 1, 1, 1], 0.9), ([0, 1, 2, 0], 0.5), ([1, 1, 1, 1], 0.5)):
        scores = scores.add_epoch(scored, answers(classes), labels, error)
    best = answers([0, 1, 2, 0])
    assert (scores.best_epoch, scores.best_error) == (2, 0.5)
    assert scores.best_prediction.tolist() == [0, 1, 2, 0]
    assert scores.best_loss == pytest.approx(-best[:, 0])
    assert scores.held_out_probability == pytest.approx(np.exp(best[[1, 2]]))


def test_a_file_keeps_everything_to_three_digits():
    held_out = np.array([0, 1])
    scores = no_scores(3, held_out, 3).add_epoch(
        np.arange(3), answers([0, 1, 2]), np.array([0, 1, 1]), 0.25
    )
    again = read_scores(io.BytesIO(to_bytes(scores)))
    assert (again.epochs, again.best_epoch, again.best_error) == (1, 1, 0.25)
    assert (again.learned == scores.learned).all() and (again.held_out == held_out).all()
    assert again.margin == pytest.approx(scores.margin, rel=1e-3)
    assert again.margin.dtype == np.float32


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"\x80\x04K\x01."])
def test_a_damaged_file_is_said_to_be_one_and_nothing_is_unpickled(content):
    with pytest.raises(CheckpointError, match="damaged"):
        read_scores(io.BytesIO(content))


def test_after_a_switch_the_margin_is_that_of_the_epochs_since():
    labels, rng = np.array([0, 1]), np.random.default_rng(0)
    scores, margins = no_scores(2, NONE, 3), []
    for epoch in range(1, 6):
        log_probabilities = np.log(rng.dirichlet(np.ones(3), size=2)).astype(np.float32)
        own = log_probabilities[[0, 1], labels]
        others = [
            np.delete(row, label).max() for row, label in zip(log_probabilities, labels, strict=True)
        ]
        margins.append(own - others)
        since = 2 if epoch > 2 else 0
        scores = scores.add_epoch(np.arange(2), log_probabilities, labels, None, since)
        expected = np.mean(margins[since:], axis=0)
        assert scores.margin == pytest.approx(expected, abs=1e-5)


def test_scores_that_an_older_version_stored_have_no_predictions():
    arrays = to_arrays(no_scores(3, NONE, 2))
    del arrays["prediction"]
    assert from_arrays(arrays).prediction.tolist() == [NOT_SCORED] * 3
