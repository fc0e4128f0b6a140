"""The data set as the network gets it: corrupted, cropped, standardized, on the device.

N = images of a set, B = batch.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.data.corruption import (
    TEST,
    TRAIN,
    center_crop,
    channel_statistics,
    corrupt_labels,
    corrupt_pixels,
    evaluated_images,
    followed_images,
)
from core.training.devices import compute_dtype
from core.training.models import IMAGE_SIZE

# Of 50,000 training images a tenth is evaluated after each epoch and all after the last: all at
# every epoch took a quarter of the time. The standard error of a share is then 0.7 points at most.
EVALUATED_IMAGES = 5_000
CHUNK = 5_000  # images standardized at a time, so that their float32 copy stays small


class Dataset:
    """The training and test set of one run, whole, as tensors on `device`.

    train_images, test_images: (N, 3, 28, 28); labels, test_labels: int64 (N,).
    given_labels, true_labels, true_test_labels: labels once more, as arrays for the metrics.
    followed: indices of the training images whose predictions are recorded.
    part: indices of the training images that are evaluated at an epoch which is not the last
        (see EVALUATED_IMAGES), or None where all are.
    """

    def __init__(self, config: RunConfig, data: Cifar10, device: torch.device):
        self.config = config
        self.device = device
        self.true_labels = np.asarray(data.train_labels, dtype=np.int64)
        corrupted = corrupt_labels(self.true_labels, config.level, config.seed)
        self.given_labels = corrupted.labels
        self.followed = followed_images(corrupted.is_wrong, config.seed)
        self.part: NDArray[np.int64] | None = None
        if len(self.true_labels) > EVALUATED_IMAGES:
            self.part = evaluated_images(len(self.true_labels), EVALUATED_IMAGES, config.seed)
        self.labels = torch.from_numpy(corrupted.labels).to(device)
        self.true_test_labels = np.asarray(data.test_labels, dtype=np.int64)
        self.test_labels = torch.from_numpy(self.true_test_labels).to(device)
        corruption, seed, self.layout = images_of(config)
        common = (corruption, seed, device, compute_dtype(device), self.layout)
        self.train_images = prepared(data, TRAIN, *common)
        self.test_images = prepared(data, TEST, *common)
        if config.random_crop:
            self.uncropped = uncropped(data, device)
            self.corners = torch.empty(len(self.labels), 2, dtype=torch.int64, device=device)
        self.order = torch.empty(len(self.labels), dtype=torch.int64, device=device)
        self.position = torch.zeros((), dtype=torch.int64, device=device)  # in the order
        self.ramp = torch.arange(config.batch_size, device=device)

    def __len__(self) -> int:
        """Training images."""
        return len(self.labels)

    def train_part(self, indices: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and labels of the training images with these indices."""
        chosen = torch.from_numpy(indices).to(self.device)
        return self.train_images.index_select(0, chosen), self.labels.index_select(0, chosen)

    def shuffle(self, epoch: int) -> None:
        """Begin an epoch: every image once, in an order fixed by the run's seed and the epoch."""
        draw = torch.Generator().manual_seed(self.config.seed * 100_003 + epoch)
        self.order.copy_(torch.randperm(len(self.order), generator=draw))
        if self.config.random_crop:
            span = self.uncropped.shape[-1] - IMAGE_SIZE + 1
            self.corners.copy_(torch.randint(span, (len(self.order), 2), generator=draw))
        self.position.zero_()

    def next_batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The next images and labels of the epoch.

        The position is kept on the device, so that a CUDA graph of this finds new images
        every time it is replayed.
        """
        chosen = self.order.index_select(0, self.position + self.ramp[:size])
        self.position += size
        if self.config.random_crop:
            corners = self.corners.index_select(0, chosen)
            images = self._format(standardize(crop_at(self.uncropped, chosen, corners)))
        else:
            images = self.train_images.index_select(0, chosen)
        return images, self.labels.index_select(0, chosen)

    def _format(self, images: torch.Tensor) -> torch.Tensor:
        return images.to(compute_dtype(self.device), memory_format=self.layout)


def images_of(config: RunConfig) -> tuple[str, int, torch.memory_format]:
    """What the prepared images depend on besides the data: runs that agree in it share them."""
    flat = config.model.startswith("mlp")  # would have to copy channels-last images
    layout = torch.contiguous_format if flat else torch.channels_last
    return config.corruption, config.seed if config.corruption != "labels" else 0, layout


@lru_cache(maxsize=4)
def prepared(
    data: Cifar10,
    part: int,
    corruption: str,
    seed: int,
    device: torch.device,
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> torch.Tensor:
    """The images of one set, (N, 3, 28, 28), in the number type that the device computes in.

    Shared by all runs that see the same images: a class of forty has them in memory once.
    """
    images = data.train_images if part == TRAIN else data.test_images
    noise = channel_statistics(data.train_images) if corruption == "gaussian" else None
    chunks = []
    for start in range(0, len(images), CHUNK):
        chunk, _ = corrupt_pixels(
            np.ascontiguousarray(center_crop(images[start : start + CHUNK], IMAGE_SIZE)),
            corruption,
            seed,
            part=part,
            indices=np.arange(start, min(start + CHUNK, len(images))),
            noise=noise,
        )
        pixels = standardize(torch.from_numpy(chunk).to(device))
        chunks.append(pixels.to(dtype, memory_format=layout))
    return torch.cat(chunks)


@lru_cache(maxsize=1)
def uncropped(data: Cifar10, device: torch.device) -> torch.Tensor:
    """The training images, uint8 (N, 3, 32, 32), once for all runs that crop them."""
    return torch.from_numpy(np.array(data.train_images)).to(device)


def standardize(images: torch.Tensor) -> torch.Tensor:
    """Each image on its own: (x - mean) / max(std, 1/sqrt(n)) of its n values, pixels in [0, 1].

    images: (B, 3, H, W) in [0, 255]; float32 comes back. TensorFlow's
    per_image_standardization; std without Bessel's correction.
    """
    pixels = images.float() / 255
    std, mean = torch.std_mean(pixels, dim=(1, 2, 3), correction=0, keepdim=True)
    return (pixels - mean) / std.clamp(min=pixels[0].numel() ** -0.5)


def crop_at(images: torch.Tensor, chosen: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
    """28 x 28 pixels of each chosen image, from its own top left corner (B, 2): (B, 3, 28, 28)."""
    span = torch.arange(IMAGE_SIZE, device=images.device)
    rows = (corners[:, 0, None] + span)[:, :, None]  # (B, 28, 1)
    columns = (corners[:, 1, None] + span)[:, None, :]  # (B, 1, 28)
    return images[chosen[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
