"""Run, for scripts and notebooks: train a network, read its records, use its predictions.

N = training images, M = images to predict, K = classes.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from core.cleaning.ranking import Ranking
from core.cleaning.scores import ImageScores
from core.config import RunConfig
from core.data.cifar10 import Cifar10, load
from core.data.corruption import LabelCorruption, center_crop, given_labels
from core.records import EpochRecord
from core.training.dataset import standardize
from core.training.devices import autocast, compute_dtype
from core.training.evaluation import evaluation_batch
from core.training.models import IMAGE_SIZE
from core.training.training import Training


class Run:
    """One run: a network trained with the settings of a RunConfig.

    Parameters
    ----------
    config : the settings; `Run(RunConfig(level=0.4))`.
    data : the images; by default the data set named by `config.data`.
    device : a device, as torch names it; by default a CUDA GPU if there is one.
    ranking : the ranking of the labels, for a run that repairs some (see
        core.cleaning.ranking.ranking_for).

    Examples
    --------
    >>> run = Run(RunConfig(level=0.4, epochs=5))
    >>> run.train().records[-1].test_error  # doctest: +SKIP
    0.63
    """

    def __init__(
        self,
        config: RunConfig,
        data: Cifar10 | None = None,
        device: str | None = None,
        ranking: Ranking | None = None,
    ):
        self.config = config
        self.data = data or load(config.data)
        self._training = Training(config, self.data, device, ranking=ranking)

    def epochs(self) -> Iterator[EpochRecord]:
        """Train; yield a record after each epoch. Stop iterating to pause, iterate again to continue.

        Raises DivergedError.
        """
        while not self._training.is_complete:
            self._training.launch()
            yield self._training.collect()

    def train(self) -> "Run":
        """Train to the end, and return this run. Raises DivergedError."""
        for _ in self.epochs():
            pass
        return self

    @property
    def records(self) -> list[EpochRecord]:
        """The records of all epochs so far."""
        return self._training.records

    @property
    def scores(self) -> ImageScores | None:
        """When each training image was learned, and how sure the network is of its label."""
        return self._training.scores

    @property
    def model(self) -> torch.nn.Sequential:
        """The network: standardized images (M, 3, 28, 28) to logits (M, K)."""
        return self._training.model

    @property
    def labels(self) -> LabelCorruption:
        """The labels given to the N training images, and which of them are wrong."""
        return given_labels(self.config, self.data.train_labels)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's probability of each class: float32 (M, K), rows that sum to 1.

        images: uint8 (M, 3, 32, 32) as in CIFAR-10, or (M, 3, 28, 28) already cropped. They are
        cropped and standardized like the test images; no corruption of pixels is applied.
        """
        device, size = self._training.device, evaluation_batch(self.config, self._training.device)
        pixels = torch.from_numpy(np.ascontiguousarray(center_crop(images, IMAGE_SIZE)))
        self.model.eval()
        parts = []
        for batch in pixels.split(size):
            x = standardize(batch.to(device)).to(compute_dtype(device))
            with torch.no_grad(), autocast(device):
                logits = self.model(x.contiguous(memory_format=self._training.dataset.layout))
            parts.append(F.softmax(logits.float(), dim=1).cpu().numpy())
        return np.concatenate(parts)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The most probable class of each image: int64 (M,). images: as for `probabilities`."""
        return self.probabilities(images).argmax(axis=1)
