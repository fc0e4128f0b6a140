"""The data set on the device as the network sees it: corrupted, cropped, standardized.

N = images of a set, B = batch.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.choices import NETWORKS
from core.cleaning.ranking import Ranking
from core.cleaning.studied import studied_labels
from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.data.corruption import (
    MIXUP,
    TEST,
    TRAIN,
    center_crop,
    channel_statistics,
    corrupt_pixels,
    evaluated_images,
)
from core.training.bookkeeping import Bookkeeping
from core.training.devices import compute_dtype
from core.training.models import IMAGE_SIZE

# With 50,000 training images a tenth is evaluated after each epoch, and all after the last one:
# evaluating all after each took a quarter of the time. The standard error of a share on 5,000
# images is 0.7 points at most.
EVALUATED_IMAGES = 5_000
CHUNK = 5_000  # images standardized at a time, so that their float32 copy stays small


class Batch(NamedTuple):
    """One batch of training images with their labels and indices."""

    images: torch.Tensor  # (B, 3, 28, 28)
    labels: torch.Tensor  # int64 (B,)
    chosen: torch.Tensor  # int64 (B,): indices of the images
    # With mixup:
    partner_labels: torch.Tensor | None = None  # int64 (B,): labels of the images mixed in
    weight: torch.Tensor | None = None  # (): weight of each image in its mixture


class Dataset:
    """The complete training and test sets of one run, as tensors on `device`.

    train_images, test_images: (N, 3, 28, 28); labels, test_labels: int64 (N,). They include
    the training images that are not trained on.
    given_labels, true_labels, true_test_labels: labels as NumPy arrays, for the metrics.
    trained: indices of the training images that are trained on, rising.
    held_out: indices of the validation set, rising; no image is in both.
    followed: indices of the training images whose predictions are recorded.
    part: indices of the trained images that are evaluated after each epoch except the last
        (see EVALUATED_IMAGES), or None where all are.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Cifar10,
        device: torch.device,
        ranking: Ranking | None = None,
    ):
        """Prepare the data. ranking: of the labels, for a run that repairs some.

        Raises NotRankedError where such a run has no ranking.
        """
        self.config = config
        self.device = device
        self.true_labels = np.asarray(data.train_labels, dtype=np.int64)
        studied = studied_labels(config, self.true_labels, ranking)
        self.given_labels, self.followed = studied.labels, studied.followed
        self.held_out = np.flatnonzero(studied.is_held_out)
        self.trained = np.flatnonzero(studied.is_trained)
        self.part: NDArray[np.int64] | None = None
        if len(self.trained) > EVALUATED_IMAGES:
            self.part = self.trained[evaluated_images(len(self.trained), EVALUATED_IMAGES, config.seed)]
        self.labels = torch.from_numpy(self.given_labels).to(device)
        self.true_test_labels = np.asarray(data.test_labels, dtype=np.int64)
        self.test_labels = torch.from_numpy(self.true_test_labels).to(device)
        corruption, seed, self.layout = images_of(config)
        common = (corruption, seed, device, compute_dtype(device), self.layout)
        self.train_images = prepared(data, TRAIN, *common)
        self.test_images = prepared(data, TEST, *common)
        if config.random_crop:
            self.uncropped = uncropped(data, device)
            self.corners = torch.empty(len(self.labels), 2, dtype=torch.int64, device=device)
        if config.mixup:
            self.partners = torch.empty(len(self), dtype=torch.int64, device=device)
            self.weights = torch.empty(len(self), device=device)
        self._trained = torch.from_numpy(self.trained).to(device)
        self._held_out = torch.from_numpy(self.held_out).to(device)
        self.order = torch.empty(len(self), dtype=torch.int64, device=device)
        self.position = torch.zeros((), dtype=torch.int64, device=device)  # in self.order
        self.ramp = torch.arange(config.batch_size, device=device)

    def __len__(self) -> int:
        """The number of images that are trained on."""
        return len(self.trained)

    def train_part(self, indices: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """The images and labels of the training images with these indices."""
        if len(indices) == len(self.labels):  # all of them: no copy needed
            return self.train_images, self.labels
        chosen = torch.from_numpy(indices).to(self.device)
        return self.train_images.index_select(0, chosen), self.labels.index_select(0, chosen)

    def evaluated_sets(
        self, part: NDArray[np.int64] | None
    ) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """The images and labels to evaluate, by the name of the set; see Bookkeeping.add_epoch.

        part: the trained images evaluated as "train"; None: all of them. The followed images are
        a separate set where some of them may be missing in "train".
        """
        sets = {
            "test": (self.test_images, self.test_labels),
            "train": self.train_part(self.trained if part is None else part),
        }
        if part is not None or len(self) < len(self.labels):
            sets["followed"] = self.train_part(self.followed)
        if len(self.held_out):
            sets["validation"] = self.train_part(self.held_out)
        return sets

    def bookkeeping(self, evaluate_all: bool = False) -> Bookkeeping:
        """Return the empty bookkeeping of a new run. evaluate_all: see core.training.training.train."""
        return Bookkeeping(
            self.config,
            self.given_labels,
            self.true_labels,
            self.true_test_labels,
            self.trained,
            self.held_out,
            self.followed,
            None if evaluate_all else self.part,
        )

    def shuffle(self, epoch: int) -> None:
        """Start an epoch: draw an order of all images from the run's seed and the epoch."""
        draw = torch.Generator().manual_seed(self.config.seed * 100_003 + epoch)
        images = self._held_out if self.config.has_switched(epoch) else self._trained
        self.order.copy_(images[torch.randperm(len(self), generator=draw).to(self.device)])
        if self.config.random_crop:
            span = self.uncropped.shape[-1] - IMAGE_SIZE + 1
            self.corners.copy_(torch.randint(span, (len(self.labels), 2), generator=draw))
        if self.config.mixup:
            self.partners.copy_(images[torch.randperm(len(self), generator=draw).to(self.device)])
            self.weights.copy_(torch.from_numpy(self._mixing_weights(epoch)))
        self.position.zero_()

    def _mixing_weights(self, epoch: int) -> NDArray[np.float32]:
        """The weight of each image in its mixture, (N,): one draw per batch."""
        size, alpha = self.config.batch_size, self.config.mixup
        rng = np.random.default_rng([self.config.seed, MIXUP, epoch])
        drawn = rng.beta(alpha, alpha, size=-(-len(self) // size)).astype(np.float32)
        return np.repeat(drawn, size)[: len(self)]

    def next_batch(self, size: int) -> Batch:
        """Return the next `size` images and labels of the epoch.

        The position is stored on the device, so that every replay of a CUDA graph of this
        method reads new images.
        """
        positions = self.position + self.ramp[:size]
        chosen = self.order.index_select(0, positions)
        images = self._images(chosen)
        labels = self.labels.index_select(0, chosen)
        if not self.config.mixup:
            self.position += size
            return Batch(images, labels, chosen)
        others = self.partners.index_select(0, positions)
        weight = self.weights.index_select(0, self.position[None])[0]
        mixed = weight * images.float() + (1 - weight) * self._images(others).float()
        self.position += size
        return Batch(self._format(mixed), labels, chosen, self.labels.index_select(0, others), weight)

    def _images(self, chosen: torch.Tensor) -> torch.Tensor:
        """The training images with these indices, as the network sees them in this epoch."""
        if not self.config.random_crop:
            return self.train_images.index_select(0, chosen)
        corners = self.corners.index_select(0, chosen)
        return self._format(standardize(crop_at(self.uncropped, chosen, corners)))

    def _format(self, images: torch.Tensor) -> torch.Tensor:
        return images.to(compute_dtype(self.device), memory_format=self.layout)


def images_of(config: RunConfig) -> tuple[str, int, torch.memory_format]:
    """The arguments of `prepared` that depend on the run: runs with equal ones share their images.

    They are the kind of corruption, its seed (0 for labels) and the memory layout.
    """
    is_flat = NETWORKS[config.model].is_flat  # such a network would have to copy channels-last images
    layout = torch.contiguous_format if is_flat else torch.channels_last
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
    """Prepare the images of one set, (N, 3, 28, 28), in the number type `dtype`.

    The result is cached and shared by all runs that see the same images, so that a class of
    forty students needs them in memory only once.
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
    """The training images, uint8 (N, 3, 32, 32), shared by all runs that crop them."""
    return torch.from_numpy(np.array(data.train_images)).to(device)


def standardize(images: torch.Tensor) -> torch.Tensor:
    """Standardize each image: (x - mean) / max(std, 1/sqrt(n)) over its n values, pixels in [0, 1].

    images: (B, 3, H, W) in [0, 255]. Returns float32 of the same shape. This is TensorFlow's
    per_image_standardization; std is without Bessel's correction.
    """
    pixels = images.float() / 255
    std, mean = torch.std_mean(pixels, dim=(1, 2, 3), correction=0, keepdim=True)
    return (pixels - mean) / std.clamp(min=pixels[0].numel() ** -0.5)


def crop_at(images: torch.Tensor, chosen: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
    """Crop 28 x 28 pixels of each chosen image at its top left corner: (B, 3, 28, 28).

    images: (N, 3, H, W); chosen: (B,), indices; corners: (B, 2), rows and columns.
    """
    span = torch.arange(IMAGE_SIZE, device=images.device)
    rows = (corners[:, 0, None] + span)[:, :, None]  # (B, 28, 1)
    columns = (corners[:, 1, None] + span)[:, None, :]  # (B, 1, 28)
    return images[chosen[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
