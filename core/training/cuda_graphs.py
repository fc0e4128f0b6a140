"""CUDA graphs: work for a GPU, recorded once and replayed with one order.

A small network leaves a big GPU idle, because telling it what to do takes longer than
doing it. A graph tells it once: STEPS_IN_GRAPH whole training steps, each of which finds
its images by a position that is kept on the device itself. Besides, a GPU takes no more
than about a thousand orders in advance: steps given one by one would keep the host from
its other runs until they are done; replays are few.
"""

import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import torch

WARM_UP_STEPS = 3  # before the capture: libraries choose their kernels and allocate in them
STEPS_IN_GRAPH = 16

T = TypeVar("T")


class ReplayedSteps:
    """The same training step, many times: captured sixteen at a time, and replayed."""

    def __init__(self, step: Callable[[], None], pool: Any):
        """step: finds its own batch; pool: the memory of the run's graphs, see `new_pool`."""
        self.step = step
        self.pool = pool
        self.graphs: dict[int, torch.cuda.CUDAGraph] = {}  # by the number of steps they take

    def take(self, count: int) -> None:
        """Queue so many steps. The first few are taken one by one: the run loses and gains none."""
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
    """Work captured when it is called first, and replayed from then on.

    Each call returns the same tensors with new values. The first does the work once in advance:
    libraries choose their kernels for each shape by trying them out, which a capture forbids.
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
    """Memory that several graphs share which are never replayed at the same time."""
    return torch.cuda.graph_pool_handle()


def capture(work: Callable[[], object], pool: Any) -> torch.cuda.CUDAGraph:
    """What `work` gives to the current stream, which must not be the default one, not yet done.

    Not by torch.cuda.graph(), which first waits until the whole GPU is idle: that would be
    until every other run has finished its epoch.
    """
    graph = torch.cuda.CUDAGraph()
    collects = gc.isenabled()
    gc.disable()  # what it frees might be another graph's, which a capture forbids
    try:
        # thread_local: what other threads ask of the GPU meanwhile is their affair.
        graph.capture_begin(pool=pool, capture_error_mode="thread_local")
        try:
            work()
        except BaseException:
            with suppress(RuntimeError):  # says only that the capture failed
                graph.capture_end()
            raise
        graph.capture_end()
    finally:
        if collects:
            gc.enable()
    return graph
