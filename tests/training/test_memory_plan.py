import numpy as np
import pytest
import torch

from core.cleaning.ranking import Ranking
from core.config import RunConfig
from core.training import memory_plan
from core.training.dataset import Dataset

GPU = torch.device("cuda")


@pytest.mark.parametrize(
    ("model", "numbers"),
    [
        ("mlp-1x512", 2352 + 512 + 2 * 10),  # the image, the hidden layer, logits, log-softmax
        ("mlp-3x512", 2352 + 3 * 512 + 2 * 10),
    ],
)
def test_what_is_kept_for_the_backward_pass_is_the_count_by_hand(model, numbers):
    kept, widest = memory_plan.activation_bytes(model, torch.bfloat16)
    assert kept == pytest.approx(2 * numbers, rel=0.02) and widest == 2 * 2352


def test_inception_keeps_every_units_convolution_and_its_normalized_output():
    """Counted from the table of its layers: pixels of each stage, channels of each unit."""
    early = 28**2 * (3 + 2 * (96 + 32 + 32 + 32 + 48) + 64 + 80)  # joined outputs once more
    middle = 14**2 * (2 * (80 + 112 + 48 + 96 + 64 + 80 + 80 + 48 + 96) + 5 * 160)
    late = 7**2 * (2 * (96 + 2 * (176 + 160)) + 240 + 336)
    places = 8 * (14**2 * 80 + 7**2 * 144)  # of the pools' maxima, in bytes
    kept, widest = memory_plan.activation_bytes("inception", torch.bfloat16)
    assert kept == pytest.approx(2 * (early + middle + late) + places, rel=0.01)
    assert widest == 2 * 96 * 28**2


def test_on_a_gpu_images_count_once_and_activations_for_each_run(monkeypatch):
    monkeypatch.setattr(memory_plan, "compute_dtype", lambda device: torch.bfloat16)
    one = RunConfig(model="inception", data="full", batch_size=32)
    two = RunConfig(model="inception", data="full", batch_size=32, level=0.5)
    images = 60_000 * 2352 * 2
    run = memory_plan.run_bytes("inception", 32, GPU)
    each = run + 5_000 * 2352 * 2  # and its own copy of the images that are evaluated
    assert run > 32 * 2 * 1_000_000 + 3 * 4 * 1_649_402
    assert memory_plan.needed([one], GPU) == images + each
    assert memory_plan.needed([one, two], GPU) == images + 2 * each
    noise = RunConfig(model="inception", data="full", batch_size=32, corruption="gaussian")
    assert memory_plan.needed([one, noise], GPU) == 2 * images + 2 * each
    assert memory_plan.run_bytes("inception", 512, GPU) > run
    crop = RunConfig(model="inception", data="full", batch_size=32, random_crop=True)
    assert memory_plan.needed([crop], GPU) == images + each + 50_000 * 3 * 32 * 32


@pytest.mark.parametrize(
    "part", [{"validation": 0.2}, {"repair": "drop", "ranking": "loss", "repaired": 0.1}]
)
def test_on_a_gpu_a_run_on_a_part_of_the_images_has_copies_of_its_own(monkeypatch, embedded, part):
    """As many as its evaluation holds: those trained on and, beside them, those held out."""
    monkeypatch.setattr(memory_plan, "compute_dtype", lambda device: torch.bfloat16)
    config, order = RunConfig(level=0.4, **part), np.arange(5_000)
    dataset = Dataset(config, embedded, torch.device("cpu"), Ranking(order, order % 10))
    copied = sum(len(indices) for indices in (dataset.trained, dataset.held_out))
    more = memory_plan.needed([config], GPU) - memory_plan.needed([RunConfig(level=0.4)], GPU)
    assert copied * 2352 * 2 <= more <= 5_000 * 2352 * 2


def test_a_gpu_of_80_gb_holds_the_posters_runs(monkeypatch):
    monkeypatch.setattr(memory_plan, "compute_dtype", lambda device: torch.bfloat16)
    runs = [RunConfig(model="inception", data="full", batch_size=64, seed=seed) for seed in range(22)]
    assert 5e9 < memory_plan.needed(runs, GPU) < 70e9


def test_on_a_cpu_only_weights_are_kept():
    one = RunConfig(model="inception", data="full")
    cpu = torch.device("cpu")
    assert memory_plan.needed([one, one], cpu) == 2 * 4 * 4 * 1_649_402
    assert memory_plan.available(cpu) > memory_plan.needed([one] * 40, cpu)
