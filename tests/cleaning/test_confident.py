import numpy as np
import pytest
from cleanlab.count import compute_confident_joint, estimate_latent
from cleanlab.rank import get_self_confidence_for_each_label

from core.cleaning.confident import confident_joint, estimated_transition, out_of_fold
from core.cleaning.ranking import rank_by_scores
from core.cleaning.scores import no_scores
from core.data.corruption import corrupt_labels

CLASSES = 10


def trial(level: float, seed: int, count: int = 3000):
    """Labels of which some are wrong, and the probabilities of a network that often sees through them."""
    rng = np.random.default_rng(seed)
    true = rng.integers(CLASSES, size=count)
    labels = corrupt_labels(true, level, seed).labels
    logits = rng.normal(size=(count, CLASSES)) + 2.5 * np.eye(CLASSES)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return true, labels, probabilities


@pytest.mark.parametrize("level", [0.0, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_joint_is_cleanlab_s(level, seed):
    _, labels, probabilities = trial(level, seed)
    ours = confident_joint(labels, probabilities)
    theirs = compute_confident_joint(labels, probabilities, calibrate=True)
    # It rounds to whole images; and where a network is sure of several classes it takes the
    # likeliest of all, the paper the likeliest of those.
    assert np.abs(ours - theirs).max() <= 2 and np.abs(ours - theirs).mean() < 0.6
    assert ours.sum() == pytest.approx(len(labels))


@pytest.mark.parametrize("level", [0.2, 0.4])
def test_the_transition_matrix_is_cleanlab_s_and_near_the_true_one(level):
    true, labels, probabilities = trial(level, 0, count=20_000)
    joint = confident_joint(labels, probabilities)
    estimated = estimated_transition(joint)
    _, theirs, _ = estimate_latent(joint, labels)  # columns are true classes
    assert estimated == pytest.approx(theirs.T, abs=0.01)
    assert estimated.sum(axis=1) == pytest.approx(1)
    actual = np.array(
        [[np.mean(labels[true == row] == column) for column in range(10)] for row in range(10)]
    )
    assert np.abs(estimated - actual).max() < 0.1


def test_the_ranking_is_cleanlab_s_self_confidence():
    _, labels, probabilities = trial(0.4, 2)
    probabilities = probabilities.astype(np.float32)
    half = np.arange(len(labels)) % 2 == 0
    folds = []
    for chosen in (half, ~half):
        held_out = np.flatnonzero(chosen)
        folds.append(
            no_scores(len(labels), held_out, CLASSES).add_epoch(
                np.arange(len(labels)), np.log(probabilities), labels, 0.5
            )
        )
    assert out_of_fold(folds) == pytest.approx(probabilities, rel=1e-5)
    theirs = get_self_confidence_for_each_label(labels, probabilities)
    ours = theirs[rank_by_scores("confident", folds, labels).order]
    assert (np.diff(ours) >= -1e-6).all()
