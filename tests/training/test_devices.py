"""How many CPUs a process may use: by its affinity and by a container's limit."""

import os
import re

import pytest
import torch

from core.errors import DeviceError
from core.training import devices
from core.training.devices import allowed_cpus, best_device, describe_device, hardware, use_allowed_cpus


@pytest.fixture
def sixteen_cpus(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)


@pytest.mark.parametrize(
    ("limit", "cpus"),
    [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", 16), ("?", 16)],
)
def test_a_containers_limit_counts_in_version_2(sixteen_cpus, tmp_path, limit, cpus):
    (tmp_path / "cpu.max").write_text(limit + "\n")
    assert allowed_cpus(tmp_path) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("400000", 4), ("-1", 16)])
def test_a_containers_limit_counts_in_version_1(sixteen_cpus, tmp_path, quota, cpus):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert allowed_cpus(tmp_path) == cpus


def test_without_a_limit_the_affinity_counts_and_without_that_the_machine(
    sixteen_cpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5})
    assert allowed_cpus(tmp_path) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert allowed_cpus(tmp_path) == 16


def test_torch_uses_what_is_allowed_unless_somebody_has_said_how_many(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setattr(devices, "allowed_cpus", lambda: 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    use_allowed_cpus()
    assert torch.get_num_threads() == before
    monkeypatch.delenv("OMP_NUM_THREADS")
    try:
        use_allowed_cpus()
        assert torch.get_num_threads() == 1 == hardware("cpu").threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("has_cuda", "device"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_is_used_where_there_is_one(monkeypatch, has_cuda, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.delenv("LAB_DEVICE", raising=False)
    assert best_device() == device


FOUND = {"cuda": torch.cuda, "mps": torch.backends.mps, "xpu": torch.xpu}


@pytest.mark.parametrize("wanted", ["mps", "xpu", "cuda", " XPU "])
def test_a_device_that_is_asked_for_is_used(monkeypatch, wanted):
    monkeypatch.setenv("LAB_DEVICE", wanted)
    name = wanted.strip().lower()
    monkeypatch.setattr(FOUND[name], "is_available", lambda: True)
    assert best_device() == name


def test_the_cpu_can_be_asked_for_beside_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LAB_DEVICE", "cpu")
    assert best_device() == "cpu"


@pytest.mark.parametrize("found", [True, False])
def test_apples_and_intels_are_not_used_unasked(monkeypatch, found):
    for name, module in FOUND.items():
        monkeypatch.setattr(module, "is_available", lambda is_found=found or name != "cuda": is_found)
    monkeypatch.delenv("LAB_DEVICE", raising=False)
    assert best_device() == ("cuda" if found else "cpu")


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("tpu", "there is no device 'tpu'; choose one of cpu, cuda, mps, xpu"),
        ("cuda:9", "there is no device 'cuda:9'"),
        ("xpu", "torch finds no xpu device here; choose cpu"),
        ("mps", "torch finds no mps device here"),
    ],
)
def test_a_device_that_is_unknown_or_not_there_is_one_sentence(monkeypatch, wanted, says):
    for module in FOUND.values():
        monkeypatch.setattr(module, "is_available", lambda: False)
    monkeypatch.setenv("LAB_DEVICE", wanted)
    with pytest.raises(DeviceError, match=re.escape(f"LAB_DEVICE: {says}")):
        best_device()


def test_hardware_carries_what_verify_needs():
    found = hardware("cpu")
    assert found.device_type == "cpu" and found.threads == torch.get_num_threads()


@pytest.mark.parametrize(("threads", "said"), [(1, "1 CPU thread ("), (2, "2 CPU threads (")])
def test_the_processor_in_words(threads, said, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert describe_device("cpu").startswith(said)
