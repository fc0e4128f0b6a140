"""Images as vectors, as the networks get them: the middle 28 x 28 pixels, each image standardized."""

import numpy as np
from numpy.typing import NDArray

from core.data.corruption import center_crop

PIXEL_VALUES = 3 * 28**2  # 2,352, of a cropped image


def vectors(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, 3, 32, 32) to (n, 2352), each of mean 0 and deviation 1; see training.dataset.standardize."""
    flat = center_crop(images).reshape(len(images), -1) / 255
    spread = np.maximum(flat.std(1, keepdims=True), PIXEL_VALUES**-0.5)
    return (flat - flat.mean(1, keepdims=True)) / spread
