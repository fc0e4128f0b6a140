"""The order of a device's work: streams that run side by side, and moments of their work."""

import os
import time
from contextlib import AbstractContextManager, nullcontext

import torch

# Streams that share a hardware queue wait for each other; by default there are eight queues.
os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")

Mark = float | torch.cuda.Event  # a moment of the work: seconds on a CPU, an event on a GPU


class Stream:
    """Work for a device, done in the order given.

    On a GPU a stream of its own: work of several streams is done side by side, and giving
    it returns before it is done. A CPU does work when it is given.
    """

    def __init__(self, device: torch.device):
        self.stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            torch.cuda.current_stream(device).synchronize()  # what it is to work on must be there
            self.stream = torch.cuda.Stream(device)

    def open(self) -> AbstractContextManager:
        """What is given to the device inside goes into this stream."""
        return torch.cuda.stream(self.stream) if self.stream else nullcontext()

    def mark(self) -> Mark:
        """The moment at which all work given so far is done."""
        if self.stream is None:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(self.stream)
        return event

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
