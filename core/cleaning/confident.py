"""Confident learning: an estimate of the wrong labels from out-of-fold probabilities.

N = images, K = classes. Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating
Uncertainty in Dataset Labels".
"""

import numpy as np
from numpy.typing import NDArray

from core.cleaning.scores import ImageScores


def out_of_fold(folds: list[ImageScores]) -> NDArray[np.float32]:
    """Each image's probabilities from the network that was not trained on it, (N, K).

    folds: the scores of runs in which, together, every image is held out once.
    """
    images, classes = len(folds[0].learned), folds[0].held_out_probability.shape[1]
    probabilities = np.full((images, classes), np.nan, dtype=np.float32)
    for scores in folds:
        probabilities[scores.held_out] = scores.held_out_probability
    return probabilities


def confident_joint(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Estimate how many images with each given label (row) belong to each class (column): (K, K).

    labels: (N,), given; probabilities: (N, K), out of fold. An image counts for a class if its
    probability is at least the average probability of that class over the images with that class
    as their label. Among several such classes it counts for the most probable (section 3.1). Then
    each row is scaled to the number of images with that label.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, weights=probabilities[np.arange(len(labels)), labels], minlength=classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)  # (K,)
    is_sure = probabilities >= thresholds
    counted = is_sure.any(axis=1)
    likeliest = np.where(is_sure, probabilities, -1).argmax(axis=1)
    joint = np.zeros((classes, classes))
    np.add.at(joint, (labels[counted], likeliest[counted]), 1)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))  # so that no row is empty
    return joint / joint.sum(axis=1, keepdims=True) * counts[:, None]


def estimated_transition(joint: NDArray[np.floating]) -> NDArray[np.float64]:
    """P(given label | true class), (K, K), rows true classes: the normalized columns of the joint.

    joint: (K, K), from `confident_joint`.
    """
    totals = joint.sum(axis=0)
    uniform = np.full(joint.shape, 1 / len(joint))  # for a class without images
    return np.where(totals > 0, joint / np.maximum(totals, 1e-12), uniform).T
