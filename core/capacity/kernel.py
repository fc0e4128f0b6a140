"""Kernel least squares, which also fits any labels (Zhang et al. 2017, section 5).

There is no network and no training, only one system of linear equations, K alpha = Y. Its
solution is the function of smallest norm among all functions of the Gaussian kernel that fit the
labels exactly.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.config import CLASS_COUNT

WIDTH_FACTOR = 0.5  # kernel width / median squared distance
MOST = 3  # training images named for each test image
INFLUENCE_BLOCK = 20  # test images whose changed answers are in memory at a time: 8 MB
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
    kernel, width = _gaussian_kernel(train)
    targets = [np.eye(CLASS_COUNT)[labels] for labels in labelings]
    solution = np.linalg.solve(kernel, np.concatenate(targets, axis=1)).astype(np.float64, copy=False)
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


class LeftOut(NamedTuple):
    """A kernel fit without each of its images in turn, in closed form.

    f without image i is the fit in which the target of i is f's own value there, so that leaving
    i out takes change_i times the i-th row of K^-1 away from f. No fit is repeated.
    """

    values: NDArray[np.float64]  # (n, K): f without image i, at image i
    change: NDArray[np.float64]  # (n, K): the target of image i minus this value
    inverse: NDArray[np.float64]  # (n, n): K^-1
    width: float  # of the kernel


def leave_one_out(train: NDArray[np.float64], labels: NDArray[np.int64]) -> LeftOut:
    """Leave out each image of the kernel fit. train: (n, d), standardized; labels: (n,).

    The value of f without image i, at i, is y_i - alpha_i / (K^-1)_ii. Rasmussen and Williams 2006,
    section 5.4.2; Bachmann et al. 2022.
    """
    kernel, width = _gaussian_kernel(train)
    inverse = np.linalg.inv(kernel).astype(np.float64, copy=False)
    targets = np.eye(CLASS_COUNT)[labels]
    change = inverse @ targets / inverse.diagonal()[:, None]
    return LeftOut(targets - change, change, inverse, width)


class Influences(NamedTuple):
    """For each of m test images, the training images without which its answer would change most.

    The influence of a training image is the fall of the margin without it: the value of the true
    class minus the largest other value.
    """

    helping: NDArray[np.int64]  # (m, MOST): indices, the largest influence first
    help: NDArray[np.float64]  # (m, MOST): their influences
    harming: NDArray[np.int64]  # (m, MOST): the smallest influence, which is negative, first
    harm: NDArray[np.float64]  # (m, MOST)
    answers: NDArray[np.int64]  # (m,): with all training images
    decisive: NDArray[np.bool_]  # (n,): without this image, some right answer is wrong


def influences(
    train: NDArray[np.float64],
    left_out: LeftOut,
    labels: NDArray[np.int64],
    test: NDArray[np.float64],
    test_labels: NDArray[np.int64],
) -> Influences:
    """Find who helps and who harms each test image, exactly (Feldman and Zhang 2020).

    train: (n, d); left_out: of `leave_one_out` for these labels, (n,); test: (m, d).
    """
    alpha = left_out.inverse @ np.eye(CLASS_COUNT)[labels]
    parts: list[list[NDArray]] = []
    decisive = np.zeros(len(train), dtype=bool)
    for start in range(0, len(test), INFLUENCE_BLOCK):
        block = slice(start, start + INFLUENCE_BLOCK)
        rows = np.exp(-_squared_distances(test[block], train) / left_out.width)  # (b, n)
        whole = rows @ alpha  # (b, K)
        shares = rows @ left_out.inverse  # (b, n)
        without = whole[:, None, :] - shares[:, :, None] * left_out.change[None]  # (b, n, K)
        true = test_labels[block]
        margins = _margins(without, true)  # (b, n)
        influence = _margins(whole[:, None, :], true) - margins
        order = np.argsort(-influence, axis=1, kind="stable")
        ends = (order[:, :MOST], order[:, ::-1][:, :MOST])
        answers = whole.argmax(1)
        decisive |= ((margins < 0) & (answers == true)[:, None]).any(0)
        found = [part for end in ends for part in (end, np.take_along_axis(influence, end, 1))]
        parts.append([*found, answers])
    helping, helps, harming, harms, answers = (
        np.concatenate(each) for each in zip(*parts, strict=True)
    )
    return Influences(helping, helps, harming, harms, answers, decisive)


def _margins(values: NDArray[np.float64], true: NDArray[np.int64]) -> NDArray[np.float64]:
    """The value of the true class minus the largest other: (b, n) of (b, n, K). true: (b,)."""
    others = values.copy()
    rows = np.arange(len(true))
    own = values[rows, :, true]
    others[rows, :, true] = -np.inf
    return own - others.max(2)


def _gaussian_kernel(train: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The kernel of all pairs of images, (n, n), and its width."""
    distances = _squared_distances(train, train)
    np.fill_diagonal(distances, 0.0)
    width = WIDTH_FACTOR * float(np.median(distances))
    kernel: NDArray[np.float64] = np.exp(-distances / width)
    return kernel, width


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
