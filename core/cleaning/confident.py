"""Confident learning: which labels are wrong, counted from out-of-fold probabilities.

N = images, K = classes. Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating
Uncertainty in Dataset Labels".
"""

import numpy as np
from numpy.typing import NDArray

from core.cleaning.scores import ImageScores


def out_of_fold(folds: list[ImageScores]) -> NDArray[np.float32]:
    """(N, K): each image's probabilities from the network that was not trained on it.

    folds: between them every image is held out once.
    """
    images, classes = len(folds[0].learned), folds[0].held_out_probability.shape[1]
    probabilities = np.full((images, classes), np.nan, dtype=np.float32)
    for scores in folds:
        probabilities[scores.held_out] = scores.held_out_probability
    return probabilities


def confident_joint(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How many images with each given label (row) belong to each class (column): (K, K).

    An image counts for a class of which the network is at least as sure as it is on average
    of the images given that label; for the likeliest, where there are several (section 3.1).
    Then each row is scaled to the number of images with that label.
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
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))  # no row is empty
    return joint / joint.sum(axis=1, keepdims=True) * counts[:, None]


def estimated_transition(joint: NDArray[np.floating]) -> NDArray[np.float64]:
    """P(given label | true class), (K, K), rows true classes: the joint's columns, each of sum 1."""
    totals = joint.sum(axis=0)
    uniform = np.full(joint.shape, 1 / len(joint))  # a class that no image seems to belong to
    return np.where(totals > 0, joint / np.maximum(totals, 1e-12), uniform).T
