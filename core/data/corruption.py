"""Corruption of labels and of pixels, with masks of the changed images.

N = images, K = classes, C, H, W = channels, height, width. Everything is drawn once
from the run's seed and stays fixed for all epochs. Test labels are never corrupted.
"""

from pkgutil import resolve_name
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.choices import CORRUPTIONS, NOISES
from core.config import CLASS_COUNT, RunConfig
from core.data.noise import Mixing, mixing_matrix
from core.data.people import labels_by_people

# Independent random streams of one seed.
LABELS, PIXELS, FOLLOWED, EVALUATED, HELD_OUT, MIXUP = range(6)
TRAIN, TEST = range(2)
FOLLOWED_IMAGES = 128
FOLLOWED_WRONG = 64


class LabelCorruption(NamedTuple):
    """The labels given to the network, and masks of the redrawn and the wrong ones."""

    labels: NDArray[np.int64]  # (N,): the labels given to the network
    is_redrawn: NDArray[np.bool_]  # (N,)
    is_wrong: NDArray[np.bool_]  # (N,): redrawn, and not right by chance


def given_labels(config: RunConfig, true_labels: ArrayLike) -> LabelCorruption:
    """The labels that a run gives its training images, before any repair. Raises DataError."""
    true_labels = np.asarray(true_labels, dtype=np.int64)
    if column := NOISES[config.noise].human_column:
        drawn = labels_by_people(column, true_labels)
        return corrupt_labels(true_labels, config.level, config.seed, drawn=drawn)
    mixing = None if config.noise == "uniform" else mixing_matrix(config)
    return corrupt_labels(true_labels, config.level, config.seed, mixing=mixing)


def corrupt_labels(
    true_labels: ArrayLike,
    level: float,
    seed: int,
    mixing: Mixing | None = None,
    drawn: NDArray[np.int64] | None = None,
) -> LabelCorruption:
    """Replace each label, with probability `level`, by a class drawn from all K.

    mixing: (K, K), rows of probabilities with which labels of that true class are redrawn; None:
    all classes are equally likely. drawn: (N,), the replacement of each label, if it is given.
    A redrawn label can be right by chance, so about 0.9 * level of ten-class labels end up wrong.
    Neither draw depends on the level: a label redrawn at one level is redrawn to the same class
    at every higher level. Raises ValueError for a level outside [0, 1]. Zhang et al. 2017,
    section 2.1.
    """
    if not 0 <= level <= 1:  # NaN fails as well
        raise ValueError(f"level is {level}, but must be from 0 to 1.")
    true_labels = np.asarray(true_labels, dtype=np.int64)
    rng = np.random.default_rng([seed, LABELS])
    is_redrawn = rng.random(len(true_labels)) < level
    if drawn is not None:
        redrawn = drawn
    elif mixing is None:
        redrawn = rng.integers(CLASS_COUNT, size=len(true_labels))
    else:  # drawn by the true label
        chances = np.cumsum(mixing, axis=1)[true_labels, :-1]  # (N, K - 1)
        redrawn = (rng.random(len(true_labels))[:, None] >= chances).sum(axis=1)
    labels = np.where(is_redrawn, redrawn, true_labels)
    return LabelCorruption(labels, is_redrawn, labels != true_labels)


def corrupt_pixels(
    images: np.ndarray,
    corruption: str,
    seed: int,
    *,
    part: int = TRAIN,
    indices: NDArray[np.integer] | None = None,
    noise: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, NDArray[np.bool_]]:
    """Scramble or replace the pixels of each image; return (images, is_changed).

    images: uint8 (N, C, H, W), already cropped to what the network sees.
    indices: the images' indices in their set, by default 0 .. N - 1. The change of an image
        depends only on the seed, the set (`part`) and this index, so that a page can corrupt
        only the images it shows.
    noise: mean and std of each channel, (C,) and (C,), needed for "gaussian".
    The images are float32, not clipped to [0, 255], for "gaussian", and uint8 otherwise.
    """
    if corruption not in CORRUPTIONS:
        raise ValueError(f"there is no corruption {corruption!r}.")
    builder = CORRUPTIONS[corruption].builder
    count, channels, height, width = images.shape
    if not builder:
        return images, np.zeros(count, dtype=bool)
    indices = np.arange(count) if indices is None else np.asarray(indices)
    change = resolve_name(builder)
    changed = change(images.reshape(count, channels, height * width), seed, part, indices, noise)
    return np.ascontiguousarray(changed).reshape(images.shape), np.ones(count, dtype=bool)


Statistics = tuple[np.ndarray, np.ndarray]  # mean and std of each channel, (C,) and (C,)


def shuffled_pixels(
    flat: np.ndarray, seed: int, part: int, indices: NDArray[np.integer], noise: Statistics | None
) -> np.ndarray:
    """Reorder the pixels, (N, C, P), in one order for all training and test images."""
    return flat[:, :, np.random.default_rng([seed, PIXELS]).permutation(flat.shape[2])]


def random_pixels(
    flat: np.ndarray, seed: int, part: int, indices: NDArray[np.integer], noise: Statistics | None
) -> np.ndarray:
    """Reorder the pixels, (N, C, P), of each image in its own order."""
    changed = np.empty_like(flat)
    for i, index in enumerate(indices):
        order = np.random.default_rng([seed, PIXELS, part, index]).permutation(flat.shape[2])
        changed[i] = flat[i][:, order]
    return changed


def gaussian_noise(
    flat: np.ndarray, seed: int, part: int, indices: NDArray[np.integer], noise: Statistics | None
) -> np.ndarray:
    """Normal values with each channel's mean and std, float32 (N, C, P), not clipped."""
    if noise is None:
        raise ValueError("gaussian needs the mean and std of each channel.")
    mean, std = (np.asarray(value, dtype=np.float32)[:, None] for value in noise)
    changed = np.empty(flat.shape, dtype=np.float32)
    for i, index in enumerate(indices):
        rng = np.random.default_rng([seed, PIXELS, part, index])
        changed[i] = mean + std * rng.standard_normal(flat.shape[1:], dtype=np.float32)
    return changed


def channel_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean and std of each channel over all images and pixels, in [0, 255]: (C,) and (C,)."""
    # Counts of the 256 values give exact sums without a float copy of the images.
    counts = np.stack(
        [np.bincount(images[:, c].reshape(-1), minlength=256) for c in range(images.shape[1])]
    )
    values = np.arange(256)
    mean = counts @ values / counts.sum(axis=1)
    std = np.sqrt(counts @ values**2 / counts.sum(axis=1) - mean**2)
    return mean, std


def center_crop(images: np.ndarray, size: int = 28) -> np.ndarray:
    """The middle `size` x `size` pixels of images (N, C, H, W), as a view."""
    top = (images.shape[2] - size) // 2
    left = (images.shape[3] - size) // 2
    return images[:, :, top : top + size, left : left + size]


def transition_counts(true_labels: ArrayLike, labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Count the images of each true class (row) with each label (column): int64 (K, K)."""
    cells = np.asarray(true_labels, dtype=np.int64) * CLASS_COUNT + labels
    return np.bincount(cells, minlength=CLASS_COUNT**2).reshape(CLASS_COUNT, CLASS_COUNT)


def evaluated_images(count: int, size: int, seed: int) -> NDArray[np.int64]:
    """Choose `size` of `count` training images at random, the same at every epoch: int64, rising."""
    rng = np.random.default_rng([seed, EVALUATED])
    return np.sort(rng.choice(count, size, replace=False))


def held_out_images(count: int, share: float, fold: int, seed: int) -> NDArray[np.int64]:
    """Choose the training images to hold out, the same at every level: int64, rising.

    count: number of training images; share: of them to hold out; fold: index of the part, from 0.
    Two folds of the same share have no image in common.
    """
    order = np.random.default_rng([seed, HELD_OUT]).permutation(count)
    first, last = (round(share * part * count) for part in (fold, fold + 1))
    return np.sort(order[first:last])


def followed_images(is_wrong: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """Choose the training images whose predictions are recorded at every epoch: int64 (128,).

    The wrongly labeled images come first, 64 if there are that many, then the correctly labeled ones.
    """
    rng = np.random.default_rng([seed, FOLLOWED])
    order = rng.permutation(len(is_wrong))
    wrong = order[is_wrong[order]][:FOLLOWED_WRONG]
    right = order[~is_wrong[order]][: FOLLOWED_IMAGES - len(wrong)]
    return np.concatenate([wrong, right])
