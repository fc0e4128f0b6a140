"""CUDA graphs: work for a GPU, recorded once and done again with one order."""

import gc
from collections.abc import Callable
from contextlib import suppress

import torch


def new_pool():
    """Memory that several graphs share which are never replayed at the same time."""
    return torch.cuda.graph_pool_handle()


def capture(work: Callable[[], object], pool) -> torch.cuda.CUDAGraph:
    """What `work` gives to the current stream, which must not be the default one, not yet done.

    Not by torch.cuda.graph(), which first waits until the whole GPU is idle: that would be
    until every other run has finished its epoch.
    """
    graph = torch.cuda.CUDAGraph()
    collects, _ = gc.isenabled(), gc.disable()  # what it frees might be another graph's, now forbidden
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


def recorded(work: Callable[[], object], pool) -> Callable[[], object]:
    """A function that does the work, and returns what it returned: the same tensors, written anew."""
    results = []
    graph = capture(lambda: results.append(work()), pool)

    def again():
        graph.replay()
        return results[0]

    return again
