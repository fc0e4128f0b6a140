"""The order of a device's work: streams that run side by side, and moments of their work."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Streams that share a hardware queue wait for each other; by default there are eight queues.
os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")

# A moment of the work: an event on a CUDA GPU; elsewhere the stream's seconds of work so far.
Mark = float | torch.cuda.Event


class Stream:
    """Work for a device, done in the order given.

    On a CUDA GPU a stream of its own: work of several streams is done side by side, and
    giving it returns before it is done. Elsewhere the work of several runs is done in turn,
    and only what is done while its own stream is open counts as a run's time.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self.stream: torch.cuda.Stream | None = None
        self.seconds = 0.0  # of work, until the stream was opened last
        self.opened: float | None = None
        if device.type == "cuda":
            torch.cuda.current_stream(device).synchronize()  # what it is to work on must be there
            self.stream = torch.cuda.Stream(device)

    @contextmanager
    def open(self) -> Iterator[None]:
        """What is given to the device inside goes into this stream."""
        if self.stream:
            with torch.cuda.stream(self.stream):
                yield
            return
        self.opened = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - self.opened
            self.opened = None

    def mark(self) -> Mark:
        """The moment at which all work given so far is done; in an open stream."""
        if self.stream:
            event = torch.cuda.Event(enable_timing=True)
            event.record(self.stream)
            return event
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        assert self.opened is not None, "the stream is open"
        return self.seconds + time.perf_counter() - self.opened

    def wait(self) -> None:
        if self.stream:
            self.stream.synchronize()


def has_passed(mark: Mark) -> bool:
    return isinstance(mark, float) or mark.query()


def wait_for(mark: Mark) -> None:
    if not isinstance(mark, float):
        mark.synchronize()


def seconds_between(first: Mark, second: Mark) -> float:
    """Both must have passed."""
    if isinstance(first, float) or isinstance(second, float):
        assert isinstance(first, float) and isinstance(second, float), "marks of one stream"
        return second - first
    return first.elapsed_time(second) / 1000
