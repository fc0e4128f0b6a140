"""The CPU or GPU that trains: its name, the number type it computes in, and its queues of work."""

import os
import platform
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import torch

from core.records import Hardware

# Streams that share a hardware queue wait for each other; by default there are eight queues.
os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")

Mark = float | torch.cuda.Event  # a moment of the work: seconds on a CPU, an event on a GPU


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def compute_type(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor or GPU multiplies it natively, float32 elsewhere."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32


def autocast(device: torch.device) -> AbstractContextManager:
    """Products and convolutions inside are computed in the device's number type."""
    kind = compute_type(device)
    return torch.autocast(device.type, kind, enabled=kind != torch.float32)


class Queue:
    """Work for a device, done in the order given.

    On a GPU a stream of its own: work of several queues is done side by side, and giving
    it returns before it is done. A CPU does work when it is given.
    """

    def __init__(self, device: torch.device):
        self.stream = None
        if device.type == "cuda":
            torch.cuda.current_stream(device).synchronize()  # what it is to work on must be there
            self.stream = torch.cuda.Stream(device)

    def open(self) -> AbstractContextManager:
        """What is given to the device inside goes into this queue."""
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
    if isinstance(first, float):
        return second - first
    return first.elapsed_time(second) / 1000


def is_out_of_memory(error: Exception) -> bool:
    """Torch raises its OutOfMemoryError only where its own allocator fails, not a library's."""
    said = str(error)
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and ("CUDA error: out of memory" in said or "ALLOC_FAILED" in said)
    )


def describe_device(device: str) -> str:
    """The hardware in words."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    kind = str(compute_type(torch.device(device))).removeprefix("torch.")
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{torch.get_num_threads()} CPU threads ({_processor()}, {capability}, {kind})"


def hardware(device: str) -> Hardware:
    """What a result on this device must carry: see core.results.provenance."""
    device_type = torch.device(device).type
    threads = torch.get_num_threads() if device_type == "cpu" else None
    return Hardware(describe_device(device), device_type, threads)


def _processor() -> str:
    """The processor's name, where the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
