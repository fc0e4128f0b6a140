"""The check of a GPU, with a failure injected at each point."""

import math

import pytest
import torch

from core.training import self_check
from core.training.concurrent_runs import ConcurrentRuns
from core.training.cuda_graphs import STEPS_IN_GRAPH, WARM_UP_STEPS
from core.training.self_check import MAX_AT_ONCE, check_device, train_tiny
from core.training.training import Training


class FakeGpu:
    """Trains tiny runs to a loss of 2; `faults` name what goes wrong, by (graphs, runs)."""

    def __init__(self, faults=None):
        self.faults = faults or {}
        self.tried = []

    def __call__(self, device, use_graphs, runs):
        self.tried.append((use_graphs, runs))
        fault = self.faults.get((use_graphs, runs))
        if isinstance(fault, Exception):
            raise fault
        return fault or [2.0] * runs


def test_a_sound_gpu_is_used_with_graphs_and_many_runs():
    gpu = FakeGpu()
    abilities = check_device("cuda", gpu)
    assert (abilities.use_graphs, abilities.max_at_once, abilities.remark) == (True, MAX_AT_ONCE, "")
    assert gpu.tried == [(False, 1), (True, 1), (True, 2)]


@pytest.mark.parametrize(
    "fault",
    [RuntimeError("operation not permitted when stream is capturing\nmore"), [3.0], [math.nan]],
    ids=["capture fails", "numbers differ", "no number"],
)
def test_graphs_that_fail_or_differ_are_not_used_but_runs_stay_side_by_side(fault, caplog):
    abilities = check_device("cuda", FakeGpu({(True, 1): fault}))
    assert (abilities.device, abilities.use_graphs) == ("cuda", False)
    assert abilities.max_at_once == MAX_AT_ONCE
    assert "CUDA graphs do not work here" in abilities.remark and "\n" not in abilities.remark
    assert abilities.remark in caplog.text


@pytest.mark.parametrize("fault", [RuntimeError("illegal address"), [2.0, 2.5]])
def test_runs_that_disturb_each_other_are_trained_one_at_a_time(fault):
    abilities = check_device("cuda", FakeGpu({(True, 2): fault}))
    assert (abilities.use_graphs, abilities.max_at_once) == (True, 1)
    assert "one is trained at a time" in abilities.remark


def test_neither_graphs_nor_streams():
    faults = {(True, 1): RuntimeError("no graphs"), (False, 2): RuntimeError("no streams")}
    abilities = check_device("cuda", FakeGpu(faults))
    assert (abilities.use_graphs, abilities.max_at_once) == (False, 1)


def test_a_gpu_that_cannot_train_at_all_leaves_it_to_the_cpu(caplog):
    fault = RuntimeError("no kernel image is available for execution on the device")
    abilities = check_device("cuda", FakeGpu({(False, 1): fault}))
    assert (abilities.device, abilities.max_at_once) == ("cpu", 1)
    assert "no kernel image" in abilities.remark and "Traceback" in caplog.text


def test_another_gpu_is_held_against_the_cpu_and_used_step_by_step():
    gpu = FakeGpu()
    abilities = check_device("xpu", gpu)
    assert (abilities.device, abilities.use_graphs, abilities.max_at_once) == ("xpu", False, 1)
    assert gpu.tried == [(False, 1), (False, 1)] and abilities.remark == ""


@pytest.mark.parametrize("fault", [RuntimeError("no double precision"), [3.0]])
def test_another_gpu_that_computes_something_else_leaves_it_to_the_cpu(fault, caplog):
    def train(device, use_graphs, runs):
        return FakeGpu({(False, 1): fault} if device == "mps" else {})(device, use_graphs, runs)

    abilities = check_device("mps", train)
    assert abilities.device == "cpu" and "The mps device cannot train here" in abilities.remark
    assert abilities.remark in caplog.text


def test_a_cpu_needs_no_check():
    gpu = FakeGpu()
    assert check_device("cpu", gpu).remark == "" and gpu.tried == []
    runs = ConcurrentRuns("cpu")
    assert runs.max_at_once == 1 and runs.device.type == "cpu"


@pytest.mark.slow
def test_what_is_trained_for_the_check_is_the_same_every_time(monkeypatch):
    trainings = []

    def noted(*arguments, **options):
        trainings.append(Training(*arguments, **options))
        return trainings[-1]

    monkeypatch.setattr(self_check, "Training", noted)
    first, second = train_tiny("cpu", False, 2)
    assert first == second and 0 < first < 5
    training = trainings[0]
    steps, rest = divmod(len(training.dataset), training.config.batch_size)
    assert steps > WARM_UP_STEPS + STEPS_IN_GRAPH and rest
    shapes = {len(images) for images, _ in training.sets.values()}
    assert len(shapes) == 4  # as in real runs, whose captures have to know all of them


@pytest.mark.gpu
def test_this_gpu_passes():
    assert torch.cuda.is_available()
    assert check_device("cuda").remark == ""
