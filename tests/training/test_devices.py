"""How many CPUs a process may use: by its affinity and by a container's limit."""

import os

import pytest
import torch

from core.training import devices
from core.training.devices import allowed_cpus, best_device, hardware, use_allowed_cpus


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
    assert best_device() == device


def test_hardware_carries_what_verify_needs():
    found = hardware("cpu")
    assert found.device_type == "cpu" and found.threads == torch.get_num_threads()
    assert f"{found.threads} CPU threads" in found.device
