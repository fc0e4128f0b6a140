"""The steps of an epoch; the CUDA graph replaced by one that does on a CPU what a GPU would."""

from collections.abc import Callable

import pytest
import torch

from core.config import RunConfig
from core.training import cuda_graphs
from core.training.cuda_graphs import Replayed, ReplayedSteps
from core.training.training import Training, initialize, set_learning_rate


class Graph:
    """What was captured, done again at each replay, and not while it is captured."""

    def __init__(self, work: Callable[[], object]):
        self.work = work
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1
        self.work()


@pytest.fixture
def graphs(monkeypatch) -> list[Graph]:
    """Those that were captured."""
    made: list[Graph] = []
    monkeypatch.setattr(cuda_graphs, "capture", lambda work, _: made.append(Graph(work)) or made[-1])
    return made


def weights(training: Training) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in training.model.parameters()])


def weights_after(config, data, use_graphs: bool, epochs: int = 3) -> torch.Tensor:
    training = Training(config, data, "cpu", use_graphs=False)
    if use_graphs:
        steps = ReplayedSteps(lambda: training.step(config.batch_size), pool=None)
        training.take_steps, training.works_by_itself = steps.take, True
    for _ in range(epochs):
        training.launch()
        training.collect()
    return weights(training)


@pytest.mark.slow
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
    plain = weights_after(config, tiny, use_graphs=False)
    assert not graphs
    assert torch.equal(weights_after(config, tiny, use_graphs=True), plain)
    assert [graph.replays for graph in graphs] == replays


def test_replayed_work_is_warmed_up_and_captured_once(monkeypatch):
    calls: list[str] = []

    def capture(work, _):
        work()  # into the graph
        return Graph(lambda: calls.append("replay"))

    monkeypatch.setattr(cuda_graphs, "capture", capture)
    evaluate = Replayed(lambda: calls.append("work") or "result", None)
    assert [evaluate(), evaluate()] == ["result", "result"]
    assert calls == ["work", "work", "replay", "replay"]


@pytest.mark.slow
def test_no_shape_is_met_first_in_a_capture(tiny, monkeypatch):
    """There a library could not try out its kernels for it: 128 followed images, a last batch."""
    before: set[tuple[int, ...]] = set()
    captured: set[tuple[int, ...]] = set()
    config = RunConfig(model="alexnet", batch_size=64, level=0.5, validation=0.2)
    training = Training(config, tiny, "cpu", use_graphs=True)
    shapes = before
    training.model.register_forward_pre_hook(lambda _, inputs: shapes.add(tuple(inputs[0].shape)))

    def capture(work, _):
        nonlocal shapes
        shapes = captured
        work()
        shapes = before
        return Graph(lambda: None)

    monkeypatch.setattr(cuda_graphs, "capture", capture)
    training.launch()
    training.collect()
    assert len(captured) > 2 and captured <= before


def test_every_image_is_trained_on_once_in_an_epoch(tiny):
    config = RunConfig(batch_size=32)  # 6 whole batches and one of 8
    training, seen = Training(config, tiny, "cpu"), []
    next_batch = training.dataset.next_batch

    def noted(size: int):
        batch = next_batch(size)
        seen.append(batch.images)
        return batch

    training.dataset.next_batch = noted
    list(training.train_epoch())
    assert [len(images) for images in seen] == [32] * 6 + [8]
    rows = {tuple(row) for row in torch.cat(seen).flatten(1).tolist()}
    assert rows == {tuple(row) for row in training.dataset.train_images.flatten(1).tolist()}


def test_a_learning_rate_on_the_device_is_the_same(tiny):
    """As on a GPU, where a number would be frozen into the graph."""
    config = RunConfig(batch_size=32, level=0.5, learning_rate=0.005)

    def trained(learning_rate):
        training = Training(config, tiny, "cpu")
        training.optimizer.param_groups[0]["lr"] = learning_rate
        list(training.train_epoch())
        return weights(training)

    on_device = torch.tensor(0.5)
    assert torch.allclose(trained(on_device), trained(0.5), atol=1e-6)
    assert on_device.item() == pytest.approx(0.005)


def test_the_learning_rate_falls_by_the_decay_every_epoch(tiny):
    config = RunConfig(batch_size=64, learning_rate=0.2, learning_rate_decay=0.5)
    training = Training(config, tiny, "cpu")
    used = []
    for _ in range(3):
        training.launch()
        training.work()
        used.append(training.optimizer.param_groups[0]["lr"])
        assert training.collect().learning_rate == used[-1]
    assert used == [0.2, 0.1, 0.05]


def test_denormal_numbers_are_back_also_after_a_step_that_failed(tiny, monkeypatch):
    training = Training(RunConfig(batch_size=32), tiny, "cpu")

    def full(size):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(training, "step", full)
    with pytest.raises(torch.OutOfMemoryError):
        list(training.train_epoch())
    smallest = torch.tensor([5e-324], dtype=torch.float64)
    assert (smallest * 1).item() > 0


def test_the_same_seed_gives_the_same_first_weights():
    config = RunConfig(model="alexnet", seed=3)
    cpu = torch.device("cpu")
    (first, optimizer), (second, _) = initialize(config, cpu), initialize(config, cpu)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    set_learning_rate(optimizer, 0.125)
    assert optimizer.param_groups[0]["lr"] == 0.125
