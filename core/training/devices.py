"""The training device, a CPU or GPU: its name, and its number type."""

import math
import os
import platform
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import torch

from core.errors import DeviceError
from core.records import Hardware

# Each device with a test of whether torch finds it. mps and xpu are used only on request.
DEVICES: dict[str, Callable[[], bool]] = {
    "cpu": lambda: True,
    "cuda": lambda: torch.cuda.is_available(),
    "mps": lambda: torch.backends.mps.is_available(),  # Apple's GPUs
    "xpu": lambda: torch.xpu.is_available(),  # Intel's
}


def best_device() -> str:
    """The device named by LAB_DEVICE; by default a CUDA GPU, or else the CPU. Raises DeviceError."""
    device = os.environ.get("LAB_DEVICE", "").strip().lower()
    if device:
        return checked_device(device, "LAB_DEVICE")
    return "cuda" if torch.cuda.is_available() else "cpu"


def checked_device(device: str, source: str) -> str:
    """Return `device` if torch finds it here. Raises DeviceError.

    source: the flag or variable that names the device, for the message.
    """
    if device not in DEVICES:
        raise DeviceError(
            f"{source}: there is no device {device!r}; choose one of {', '.join(DEVICES)}."
        )
    if not DEVICES[device]():
        raise DeviceError(f"{source}: torch finds no {device} device here; choose cpu.")
    return device


def use_allowed_cpus() -> None:
    """Limit torch's threads to the CPUs that this process may use, unless OMP_NUM_THREADS is set."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(torch.get_num_threads(), allowed_cpus()))


def allowed_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """The number of CPUs that this process may use: by its affinity, and by a container's limit.

    cgroup: the folder of the container's limits on Linux, version 2 or 1.
    """
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # only on Linux
        count = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):  # no such file, or "max" for no limit
        quota, period = (cgroup / "cpu.max").read_text().split()
        count = min(count, math.ceil(int(quota) / int(period)))
    with suppress(OSError, ValueError):
        quota, period = (
            (cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
        )
        if int(quota) > 0:  # -1: no limit
            count = min(count, math.ceil(int(quota) / int(period)))
    return max(1, count)


def compute_dtype(device: torch.device) -> torch.dtype:
    """The number type of products: bfloat16 where the device multiplies it natively, else float32."""
    if device.type == "cuda":
        is_native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "xpu":
        is_native = torch.xpu.is_bf16_supported()
    elif device.type == "mps":
        is_native = False
    else:
        is_native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if is_native else torch.float32


def autocast(device: torch.device) -> AbstractContextManager:
    """A context in which products and convolutions use the device's number type."""
    dtype = compute_dtype(device)
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error reports a lack of device memory, in torch's allocator or in a library."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    # Torch passes a library's failure on as a RuntimeError with a message.
    words = str(error)
    return isinstance(error, RuntimeError) and (
        "CUDA error: out of memory" in words or "ALLOC_FAILED" in words
    )


def describe_device(device: str) -> str:
    """Describe the hardware of a device in words."""
    if device == "cuda":
        return torch.cuda.get_device_name(device)
    if device == "xpu":
        return torch.xpu.get_device_name(device)
    if device == "mps":
        return f"Apple's GPU ({processor()})"
    dtype = str(compute_dtype(torch.device(device))).removeprefix("torch.")
    capability = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    counted = f"{threads} CPU thread{'s' * (threads > 1)}"
    return f"{counted} ({processor()}, {capability}, {dtype})"


def hardware(device: str) -> Hardware:
    """The hardware to record with a result on this device: see core.sweep.results.provenance."""
    device_type = torch.device(device).type
    threads = torch.get_num_threads() if device_type == "cpu" else None
    return Hardware(describe_device(device), device_type, threads)


def processor() -> str:
    """The processor's name, as far as the system reports it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
