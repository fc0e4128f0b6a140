"""Theorem 1 of Zhang et al. 2017, built: two layers of ReLU with 2n + d weights that fit any labels.

c(x) = sum over j of w_j max(<a, x> - b_j, 0). Projected onto a direction a the images are n
numbers z_i; with a threshold b_j under each and above the one before, the matrix of
max(z_i - b_j, 0) is lower triangular, and w solves it for any labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError


@dataclass(frozen=True)
class TwoLayers:
    direction: NDArray[np.float64]  # a: (d,)
    thresholds: NDArray[np.float64]  # b: (n,), rising
    weights: NDArray[np.float64]  # w: (n,)

    @property
    def weight_count(self) -> int:
        """2n + d."""
        return len(self.direction) + len(self.thresholds) + len(self.weights)

    def answers(self, images: NDArray[np.float64]) -> NDArray[np.float64]:
        """c(x) of each image; images: (m, d). Returns (m,)."""
        # A line between thresholds: with the slopes summed up, no matrix of m by n is needed.
        projected = images @ self.direction
        slopes = np.concatenate([[0.0], np.cumsum(self.weights)])
        steps = slopes[1:-1] * np.diff(self.thresholds)
        values = np.concatenate([[0.0, 0.0], np.cumsum(steps)])  # at each threshold, from below all
        place = np.searchsorted(self.thresholds, projected, side="right")
        start = np.concatenate([self.thresholds[:1], self.thresholds])[place]
        return values[place] + slopes[place] * (projected - start)


def fitted(images: NDArray[np.float64], labels: NDArray[np.int64], seed: int = 0) -> TwoLayers:
    """The network that answers with each image's label.

    images: (n, d), no two alike; labels: (n,), whole numbers. The direction is random, by `seed`.
    Raises ConfigError where two images have the same projection.
    """
    direction = np.random.default_rng(seed).normal(size=images.shape[1]) / np.sqrt(images.shape[1])
    projected = images @ direction
    order = np.argsort(projected)
    z, y = projected[order], labels[order].astype(np.float64)
    gaps = np.diff(z)
    if not (gaps > 0).all():
        raise ConfigError("Two of the images are alike: no network can give them different labels.")
    # Each threshold in the middle between two images; the first a usual gap below the first image.
    thresholds = np.concatenate([[z[0] - gaps.mean()], z[:-1] + gaps / 2])
    return TwoLayers(direction, thresholds, _solved(z, thresholds, y))


def _solved(
    z: NDArray[np.float64], thresholds: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """w by forward substitution, along the line that the function draws over the projections.

    Where that line stands at an image, and how steep it is, is all that the next weight depends on:
    n steps instead of n^2.
    """
    weights = np.empty_like(y)
    value, slope, here = 0.0, 0.0, thresholds[0]
    for i in range(len(y)):
        reached = value + slope * (z[i] - here)
        weights[i] = (y[i] - reached) / (z[i] - thresholds[i])
        slope += weights[i]
        value, here = y[i], z[i]
    return weights
