import pytest
import torch

from core.training import speed
from core.training.devices import compute_dtype


@pytest.mark.parametrize(
    ("model", "multiply_adds"),
    [("mlp-1x512", 2352 * 512 + 512 * 10), ("mlp-3x512", 2352 * 512 + 2 * 512 * 512 + 512 * 10)],
)
def test_operations_are_the_count_by_hand(model, multiply_adds):
    needed, forward = speed.flops_per_image(model)
    assert forward == 2 * multiply_adds
    assert needed == 3 * forward - 2 * 2352 * 512  # no gradient of the images


def test_inception_costs_what_is_known():
    needed, forward = speed.flops_per_image("inception")
    assert forward == pytest.approx(2 * 0.204e9, rel=0.01)
    assert needed == pytest.approx(1.22e9, rel=0.01)


def test_the_peak_counts_the_operations_of_a_product(monkeypatch):
    """On a clock that ticks a second for each product of n x n matrices, 2 n^3 operations."""
    now = iter(range(1000))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(now))
    monkeypatch.setattr(speed, "PEAK_SIZES", (8, 16))
    monkeypatch.setattr(speed, "best_device", lambda: "cpu")
    peak, dtype = speed.matrix_peak()
    assert peak == 2 * 16**3
    assert dtype == str(compute_dtype(torch.device("cpu"))).removeprefix("torch.")


def test_first_steps_are_the_first_batches_of_an_epoch(embedded, monkeypatch):
    from core.config import RunConfig
    from core.training.training import Training

    def weights_after(*counts):
        training = Training(RunConfig(batch_size=500), embedded, "cpu")
        take = speed.first_steps([training])
        for count in counts:
            take(count)
        return torch.cat([parameter.detach().flatten() for parameter in training.model.parameters()])

    assert not torch.equal(weights_after(1), weights_after(2))
    assert not torch.equal(weights_after(1, 1), weights_after(2))  # begins again at the first
