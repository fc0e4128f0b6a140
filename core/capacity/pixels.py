"""Images as vectors, as the networks get them: the middle 28 x 28 pixels, each image standardized."""

import numpy as np
from numpy.typing import NDArray

SIZE = 28
PIXEL_VALUES = 3 * SIZE**2  # 2,352


def vectors(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, 3, 32, 32) to (n, 2352), each of mean 0 and deviation 1; see training.dataset.standardize."""
    margin = (images.shape[2] - SIZE) // 2
    middle = slice(margin, margin + SIZE)
    flat = images[:, :, middle, middle].reshape(len(images), -1) / 255
    spread = np.maximum(flat.std(1, keepdims=True), PIXEL_VALUES**-0.5)
    return (flat - flat.mean(1, keepdims=True)) / spread
