"""CUDA graphs: GPU work that is captured once and replayed with a single launch.

A small network leaves a big GPU idle, because launching a kernel takes longer than running
it. A graph launches STEPS_IN_GRAPH whole training steps at once. Each step finds its images
by a position that is stored on the device. Besides, a GPU queues only about a thousand
launches: with steps launched one by one, the host would have to wait for them instead of
launching its other runs. Replays need few launches.
"""

import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import torch

WARM_UP_STEPS = 3  # before the capture, in which libraries choose their kernels and allocate memory
STEPS_IN_GRAPH = 16

T = TypeVar("T")


class ReplayedSteps:
    """A training step that is captured sixteen times in one graph, and replayed."""

    def __init__(self, step: Callable[[], None], pool: Any):
        """Capture nothing yet. step: finds its own batch. pool: see `new_pool`."""
        self.step = step
        self.pool = pool
        self.graphs: dict[int, torch.cuda.CUDAGraph] = {}  # by the number of steps they take

    def take(self, count: int) -> None:
        """Queue exactly `count` steps. The first few of a run are launched one by one."""
        if not self.graphs and count > WARM_UP_STEPS:
            for _ in range(WARM_UP_STEPS):
                self.step()
            count -= WARM_UP_STEPS
            self.graphs = {steps: self._captured(steps) for steps in (STEPS_IN_GRAPH, 1)}
        for steps, graph in self.graphs.items():
            for _ in range(count // steps):
                graph.replay()
            count %= steps
        for _ in range(count):
            self.step()

    def _captured(self, steps: int) -> torch.cuda.CUDAGraph:
        return capture(lambda: [self.step() for _ in range(steps)], self.pool)


class Replayed(Generic[T]):
    """Work that is captured on the first call, and replayed on this and all later ones.

    Each call returns the same tensors with new values. The first call does the work once before
    the capture, because libraries choose kernels for each shape by trying them out, which a
    capture forbids.
    """

    def __init__(self, work: Callable[[], T], pool: Any):
        self.work = work
        self.pool = pool
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> T:
        if self.graph is None:
            self.work()
            results: list[T] = []
            self.graph = capture(lambda: results.append(self.work()), self.pool)
            (self.result,) = results
        self.graph.replay()
        return self.result


def new_pool() -> Any:
    """Return a memory pool for several graphs that are never replayed at the same time."""
    return torch.cuda.graph_pool_handle()


def capture(work: Callable[[], object], pool: Any) -> torch.cuda.CUDAGraph:
    """Capture as a graph, without running it, the work that `work` queues on the current stream.

    The stream must not be the default one. torch.cuda.graph() is not used, because it first waits
    until the whole GPU is idle, which means until every other run has finished its epoch.
    """
    graph = torch.cuda.CUDAGraph()
    collects = gc.isenabled()
    gc.disable()  # it might free another graph, which a capture forbids
    try:
        # thread_local: calls of other threads do not break this capture.
        graph.capture_begin(pool=pool, capture_error_mode="thread_local")
        try:
            work()
        except BaseException:
            with suppress(RuntimeError):  # it only repeats that the capture failed
                graph.capture_end()
            raise
        graph.capture_end()
    finally:
        if collects:
            gc.enable()
    return graph
