"""The steps of an epoch; the CUDA graph replaced by one that does on a CPU what a GPU would."""

import pytest
import torch

from core.config import RunConfig
from core.training import descent
from core.training.dataset import Examples
from core.training.descent import Descent
from core.training.training import start

CPU = torch.device("cpu")


class Replay:
    """What was captured, done again at each replay, and not while it is captured."""

    def __init__(self, work):
        self.work, self.replays = work, 0

    def replay(self):
        self.replays += 1
        self.work()


@pytest.fixture
def graphs(monkeypatch):
    """Those that were captured."""
    made = []
    monkeypatch.setattr(descent, "new_pool", lambda: None)
    monkeypatch.setattr(descent, "capture", lambda work, _: made.append(Replay(work)) or made[-1])
    return made


def weights_after(config, data, use_graph, epochs=3, most=None):
    examples = Examples(config, data, CPU)
    model, optimizer = start(config, CPU)
    steps = Descent(model, optimizer, examples, use_graph)
    for epoch in range(1, epochs + 1):
        steps.learn(epoch, 0.01 / epoch, most)
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize(
    ("batch_size", "crop", "replays"),
    [
        (4, False, [2 + 3 + 3, 15 + 2 + 2]),  # 50 steps: 3 to warm up, then by 16 and by one
        (4, True, [2 + 3 + 3, 15 + 2 + 2]),
        (7, False, [1 + 1 + 1, 9 + 12 + 12]),  # 28 whole steps and a batch of 4
        (64, False, []),  # too few steps to capture any
    ],
)
def test_replayed_steps_are_the_same_steps(tiny, graphs, batch_size, crop, replays):
    config = RunConfig(batch_size=batch_size, level=0.5, random_crop=crop)
    plain = weights_after(config, tiny, use_graph=False)
    assert not graphs
    assert torch.equal(weights_after(config, tiny, use_graph=True), plain)
    assert [graph.replays for graph in graphs] == replays


def test_part_of_an_epoch_is_its_first_batches(tiny):
    config = RunConfig(batch_size=32)  # 6 whole batches and one of 8
    few = weights_after(config, tiny, use_graph=False, epochs=1, most=2)
    assert not torch.equal(few, weights_after(config, tiny, use_graph=False, epochs=1, most=3))
    whole = weights_after(config, tiny, use_graph=False, epochs=1, most=6)
    assert torch.equal(whole, weights_after(config, tiny, use_graph=False, epochs=1, most=99))
    assert not torch.equal(whole, weights_after(config, tiny, use_graph=False, epochs=1))


def test_a_learning_rate_on_the_device_is_the_same(tiny):
    """As on a GPU, where a number would be frozen into the graph."""
    config = RunConfig(batch_size=32, level=0.5)

    def weights(learning_rate):
        model, optimizer = start(config, CPU)
        optimizer.param_groups[0]["lr"] = learning_rate
        steps = Descent(model, optimizer, Examples(config, tiny, CPU))
        for epoch in (1, 2):
            steps.learn(epoch, 0.01 / epoch)
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    on_device = torch.tensor(0.5)
    assert torch.allclose(weights(on_device), weights(0.5), atol=1e-6)
    assert on_device.item() == pytest.approx(0.005)


def test_denormal_numbers_are_back_also_after_a_step_that_failed(tiny, monkeypatch):
    config = RunConfig(batch_size=32)
    model, optimizer = start(config, CPU)
    steps = Descent(model, optimizer, Examples(config, tiny, CPU))

    def full(size):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(steps, "_step", full)
    with pytest.raises(torch.OutOfMemoryError):
        steps.learn(1, 0.01)
    smallest = torch.tensor([5e-324], dtype=torch.float64)
    assert (smallest * 1).item() > 0
