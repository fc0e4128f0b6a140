"""Images as vectors, like the input of the networks: the middle 28 x 28 pixels, standardized."""

import numpy as np
from numpy.typing import NDArray

from core.data.corruption import center_crop

PIXEL_VALUES = 3 * 28**2  # 2,352 values of a cropped image


def vectors(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Turn images (n, 3, 32, 32) into vectors (n, 2352) of mean 0 and standard deviation 1.

    See core.training.dataset.standardize.
    """
    flat = center_crop(images).reshape(len(images), -1) / 255
    spread = np.maximum(flat.std(1, keepdims=True), PIXEL_VALUES**-0.5)
    return (flat - flat.mean(1, keepdims=True)) / spread
