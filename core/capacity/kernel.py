"""Section 5 of Zhang et al. 2017: least squares with a Gaussian kernel fits any labels, too.

No network, no training: one system of linear equations, K alpha = Y. Of all functions of the
kernel that fit the labels exactly it finds the one of least norm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.config import CLASS_COUNT

WIDTH_FACTOR = 0.5  # of the median squared distance
BLOCK = 500  # test images whose kernel is in memory at a time


@dataclass(frozen=True)
class KernelFit:
    train_error: float  # share of the given labels that are not repeated
    test_error: float  # against true labels
    norm: float  # of the function, sqrt(trace(Y^T alpha)): how much it has to bend


def kernel_fits(
    train: NDArray[np.float64],
    labelings: list[NDArray[np.int64]],
    test: NDArray[np.float64],
    test_labels: NDArray[np.int64],
) -> list[KernelFit]:
    """One fit for each labelling of the same images: the system is factorized once.

    train: (n, d), test: (m, d), both standardized; labelings: (n,) each. The kernel of two images
    is exp(-s / w): s their squared distance, w WIDTH_FACTOR times the median of all of them.
    """
    distances = _squared_distances(train, train)
    np.fill_diagonal(distances, 0.0)
    width = WIDTH_FACTOR * float(np.median(distances))
    kernel = np.exp(-distances / width)
    wanted = [np.eye(CLASS_COUNT)[labels] for labels in labelings]
    solution = np.linalg.solve(kernel, np.concatenate(wanted, axis=1))
    fits = []
    parts = np.split(solution, len(labelings), axis=1)
    told = _answers(train, test, solution, width)
    repeated = kernel @ solution
    for place, (labels, alpha) in enumerate(zip(labelings, parts, strict=True)):
        columns = slice(place * CLASS_COUNT, (place + 1) * CLASS_COUNT)
        fits.append(
            KernelFit(
                float((repeated[:, columns].argmax(1) != labels).mean()),
                float((told[:, columns].argmax(1) != test_labels).mean()),
                float(np.sqrt((wanted[place] * alpha).sum())),
            )
        )
    return fits


def _answers(
    train: NDArray[np.float64],
    images: NDArray[np.float64],
    solution: NDArray[np.float64],
    width: float,
) -> NDArray[np.float64]:
    """(m, classes of all labelings), a block of images at a time."""
    blocks = [
        np.exp(-_squared_distances(images[start : start + BLOCK], train) / width) @ solution
        for start in range(0, len(images), BLOCK)
    ]
    return np.concatenate(blocks)


def _squared_distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(len(a), len(b)); the products in float32, in half the time: a distance needs no more digits."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :]
    products = a.astype(np.float32) @ b.astype(np.float32).T
    squares -= 2.0 * products
    return np.maximum(squares, 0.0)
