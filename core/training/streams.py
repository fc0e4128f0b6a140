"""Streams: sequences of work on a device, and marks that measure their time."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Streams in one hardware queue wait for each other, and by default there are only eight queues.
os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")

# A point in a stream: an event on a CUDA GPU; elsewhere the stream's seconds of work so far.
Mark = float | torch.cuda.Event


class Stream:
    """A sequence of work on a device, in the order of its submission.

    On a CUDA GPU it is a separate CUDA stream: streams work side by side, and a call that submits
    work returns before it is done. Elsewhere runs work in turn, and a run's time counts only
    while its stream is open.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self.stream: torch.cuda.Stream | None = None
        self.seconds = 0.0  # of work, until the stream was opened last
        self.opened: float | None = None
        if device.type == "cuda":
            torch.cuda.current_stream(device).synchronize()  # its inputs must be on the GPU
            self.stream = torch.cuda.Stream(device)

    @contextmanager
    def open(self) -> Iterator[None]:
        """A context in which all work for the device goes into this stream."""
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
        """Return a mark that passes when all work submitted so far is done. The stream must be open."""
        if self.stream:
            event = torch.cuda.Event(enable_timing=True)
            event.record(self.stream)
            return event
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        assert self.opened is not None, "the stream is open"
        return self.seconds + time.perf_counter() - self.opened

    def wait(self) -> None:
        """Wait until all submitted work is done."""
        if self.stream:
            self.stream.synchronize()


def has_passed(mark: Mark) -> bool:
    """Whether the work before the mark is done."""
    return isinstance(mark, float) or mark.query()


def wait_for(mark: Mark) -> None:
    """Wait until the work before the mark is done."""
    if not isinstance(mark, float):
        mark.synchronize()


def seconds_between(first: Mark, second: Mark) -> float:
    """The seconds of work between two marks of one stream. Both must have passed."""
    if isinstance(first, float) or isinstance(second, float):
        assert isinstance(first, float) and isinstance(second, float), "marks of one stream"
        return second - first
    return first.elapsed_time(second) / 1000
