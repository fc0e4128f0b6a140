"""Theorem 1 of Zhang et al. 2017: a two-layer ReLU network with 2n + d weights that fits any labels.

c(x) = sum over j of w_j max(<a, x> - b_j, 0). Projected onto a direction a, the images become n
numbers z_i. With one threshold b_j just below each z_j and above the z before it, the matrix of
max(z_i - b_j, 0) is lower triangular, and a w exists for any labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError


@dataclass(frozen=True)
class TwoLayers:
    """The network c(x), by its weights."""

    direction: NDArray[np.floating]  # a: (d,)
    thresholds: NDArray[np.floating]  # b: (n,), rising
    weights: NDArray[np.floating]  # w: (n,)

    @property
    def weight_count(self) -> int:
        """The number of weights, 2n + d."""
        return len(self.direction) + len(self.thresholds) + len(self.weights)

    def in_float32(self) -> "TwoLayers":
        """Return the same network with its weights rounded to single precision."""
        direction, thresholds, weights = (
            values.astype(np.float32) for values in (self.direction, self.thresholds, self.weights)
        )
        return TwoLayers(direction, thresholds, weights)

    def answers(self, images: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return c(x) of each image, (m,), in the precision of the weights. images: (m, d)."""
        # c is linear between thresholds: cumulative slopes make an (m, n) matrix unnecessary.
        projected = images @ self.direction
        zero = np.zeros(1, dtype=self.weights.dtype)
        slopes = np.concatenate([zero, np.cumsum(self.weights)])
        steps = slopes[1:-1] * np.diff(self.thresholds)
        # c below all thresholds, then at each of them.
        values = np.concatenate([zero, zero, np.cumsum(steps)])
        index = np.searchsorted(self.thresholds, projected, side="right")
        start = np.concatenate([self.thresholds[:1], self.thresholds])[index]
        return values[index] + slopes[index] * (projected - start)


def fitted(images: NDArray[np.float64], labels: NDArray[np.int64], seed: int = 0) -> TwoLayers:
    """Build the network whose output for each image is its label.

    images: (n, d), no two identical; labels: (n,), whole numbers. `seed` draws the direction.
    Raises ConfigError where two images have the same projection.
    """
    direction = np.random.default_rng(seed).normal(size=images.shape[1]) / np.sqrt(images.shape[1])
    projected = images @ direction
    order = np.argsort(projected)
    z, y = projected[order], labels[order].astype(np.float64)
    gaps = np.diff(z)
    if not (gaps > 0).all():
        raise ConfigError("Two of the images are identical: no network can give them different labels.")
    # Each threshold is halfway between two images; the first is a mean gap below the first image.
    thresholds = np.concatenate([[z[0] - gaps.mean()], z[:-1] + gaps / 2])
    return TwoLayers(direction, thresholds, _solved(z, thresholds, y))


def _solved(
    z: NDArray[np.float64], thresholds: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve for w, (n,), by forward substitution along the piecewise linear function.

    The next weight depends only on the function's value and slope at an image, so that n steps
    suffice instead of n^2.
    """
    weights = np.empty_like(y)
    value, slope, here = 0.0, 0.0, thresholds[0]
    for i in range(len(y)):
        reached = value + slope * (z[i] - here)
        weights[i] = (y[i] - reached) / (z[i] - thresholds[i])
        slope += weights[i]
        value, here = y[i], z[i]
    return weights
