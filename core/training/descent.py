"""Gradient descent: the steps of one epoch; on a GPU, replayed from CUDA graphs.

A small network leaves a big GPU idle, because telling it what to do takes longer than
doing it. A graph tells it once: STEPS_IN_GRAPH whole training steps, each of which finds
its images by a position that is kept on the device itself. Besides, a GPU takes no more
than about a thousand orders in advance: steps given one by one would keep the host from
its other runs until they are done; replays are few.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from core.training.cuda_graphs import capture, new_pool
from core.training.dataset import Examples
from core.training.devices import autocast

WARM_UP_STEPS = 3  # before the capture: libraries choose their kernels and allocate in them
STEPS_IN_GRAPH = 16


@contextmanager
def _flush_denormal() -> Iterator[None]:
    """A fitted network's tiny gradients are 0: as denormal numbers they would slow a CPU down."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


class Descent:
    """SGD with momentum on one network, an epoch at a time."""

    def __init__(self, model, optimizer, examples: Examples, use_graph: bool | None = None):
        """use_graph: default, on a GPU. A checkpoint must be loaded before the first epoch."""
        self.model, self.optimizer, self.examples = model, optimizer, examples
        self.use_graph = examples.device.type == "cuda" if use_graph is None else use_graph
        self.pool = new_pool() if self.use_graph else None  # memory that the run's graphs share
        self.graphs = {}  # by how many steps they take
        if examples.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # the same shapes come thousands of times

    def learn(self, epoch: int, learning_rate: float, most: int | None = None) -> None:
        """One step on each batch of the epoch, or on its first `most` whole batches.

        On a GPU the steps are queued, and not yet done when this returns.
        """
        with _flush_denormal():
            self._learn(epoch, learning_rate, most)

    def _learn(self, epoch: int, learning_rate: float, most: int | None) -> None:
        self.model.train()
        self._set_learning_rate(learning_rate)
        self.examples.shuffle(epoch)
        size = self.examples.config.batch_size
        steps, rest = divmod(len(self.examples.labels), size)
        if most is not None:
            steps, rest = min(steps, most), 0
        if self.use_graph and not self.graphs and steps > WARM_UP_STEPS:
            for _ in range(WARM_UP_STEPS):  # steps like any other: the run loses and gains none
                self._step(size)
            steps -= WARM_UP_STEPS
            self.graphs = {count: self._captured(count, size) for count in (STEPS_IN_GRAPH, 1)}
        for count, graph in self.graphs.items():
            for _ in range(steps // count):
                graph.replay()
            steps %= count
        for _ in range(steps):
            self._step(size)
        if rest:
            self._step(rest)

    def _step(self, size: int) -> None:
        images, labels = self.examples.next_batch(size)  # (B, 3, 28, 28), (B,)
        with autocast(images.device):
            loss = F.cross_entropy(self.model(images), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def _captured(self, steps: int, size: int) -> torch.cuda.CUDAGraph:
        return capture(lambda: [self._step(size) for _ in range(steps)], self.pool)

    def _set_learning_rate(self, value: float) -> None:
        (group,) = self.optimizer.param_groups
        if isinstance(group["lr"], torch.Tensor):  # where the graph reads it
            group["lr"].fill_(value)
        else:
            group["lr"] = value
