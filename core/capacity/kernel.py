"""Kernel least squares, which also fits any labels (Zhang et al. 2017, section 5).

There is no network and no training, only one system of linear equations, K alpha = Y. Its
solution is the function of smallest norm among all functions of the Gaussian kernel that fit the
labels exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.config import CLASS_COUNT

WIDTH_FACTOR = 0.5  # kernel width / median squared distance
BLOCK = 500  # test images whose kernel is in memory at a time


@dataclass(frozen=True)
class KernelFit:
    """The errors and the norm of one kernel fit."""

    train_error: float  # share of the given labels that are not repeated
    test_error: float  # against true labels
    norm: float  # of the function, sqrt(trace(Y^T alpha)): how much it has to bend


def kernel_fits(
    train: NDArray[np.float64],
    labelings: list[NDArray[np.int64]],
    test: NDArray[np.float64],
    test_labels: NDArray[np.int64],
) -> list[KernelFit]:
    """Fit each labeling of the same images; the system is factorized only once.

    train: (n, d), test: (m, d), both standardized; labelings: (n,) each; test_labels: (m,). The
    kernel of two images is exp(-s / w), where s is their squared distance and w is WIDTH_FACTOR
    times the median squared distance.
    """
    distances = _squared_distances(train, train)
    np.fill_diagonal(distances, 0.0)
    width = WIDTH_FACTOR * float(np.median(distances))
    kernel = np.exp(-distances / width)
    targets = [np.eye(CLASS_COUNT)[labels] for labels in labelings]
    solution = np.linalg.solve(kernel, np.concatenate(targets, axis=1))
    fits = []
    parts = np.split(solution, len(labelings), axis=1)
    test_values = _answers(train, test, solution, width)
    train_values = kernel @ solution
    for index, (labels, alpha) in enumerate(zip(labelings, parts, strict=True)):
        columns = slice(index * CLASS_COUNT, (index + 1) * CLASS_COUNT)
        fits.append(
            KernelFit(
                float((train_values[:, columns].argmax(1) != labels).mean()),
                float((test_values[:, columns].argmax(1) != test_labels).mean()),
                float(np.sqrt((targets[index] * alpha).sum())),
            )
        )
    return fits


def _answers(
    train: NDArray[np.float64],
    images: NDArray[np.float64],
    solution: NDArray[np.float64],
    width: float,
) -> NDArray[np.float64]:
    """Evaluate the fitted functions, (m, classes of all labelings), a block of images at a time."""
    blocks = [
        np.exp(-_squared_distances(images[start : start + BLOCK], train) / width) @ solution
        for start in range(0, len(images), BLOCK)
    ]
    return np.concatenate(blocks)


def _squared_distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The squared distances, (len(a), len(b)).

    Products are in float32, in half the time: a distance needs no more digits.
    """
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :]
    products = a.astype(np.float32) @ b.astype(np.float32).T
    squares -= 2.0 * products
    return np.maximum(squares, 0.0)
