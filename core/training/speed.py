"""The training speed of this machine, compared with its peak and with a plain PyTorch loop.

All speeds are training images per second. The loops are measured in turn, in one process,
on the embedded images.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from core.config import LEVELS, RunConfig
from core.data.cifar10 import load_embedded
from core.training.cuda_graphs import STEPS_IN_GRAPH
from core.training.dataset import EVALUATED_IMAGES
from core.training.devices import best_device, compute_dtype
from core.training.evaluation import evaluate, evaluation_batch
from core.training.memory_plan import needed
from core.training.models import ResponseNorm, build_model
from core.training.training import Training, flush_denormal

CONCURRENT = (1, 4, 11, 22)  # runs side by side
PEAK_SIZES = (1024, 2048, 4096)
GPU_PEAK_SIZES = (4096, 8192, 16384)

TakeSteps = Callable[[int], None]  # (count): trains that many steps from the start of an epoch


@dataclass(frozen=True)
class Speed:
    """The speed of one network at one batch size."""

    model: str
    batch_size: int
    images_per_second: float  # of the training alone
    share_of_peak: float
    share_of_peak_3_forward: float  # with a step counted as 3 forward passes
    plain_images_per_second: float
    epoch_images_per_second: float  # including the evaluation of all 6,000 embedded images
    evaluation_share_full: float  # of an epoch's time, with all 50,000 images


@dataclass(frozen=True)
class ConcurrentSpeed:
    """The speed of several runs of one network side by side, all together."""

    model: str
    batch_size: int
    way: str
    runs: int
    images_per_second: float
    epoch_images_per_second: float | None  # including the evaluation; None on a CPU
    share_of_peak: float
    bytes_planned: int | None
    bytes_taken: int | None


def bench(config: RunConfig, peak: float, seconds: float) -> Speed:
    """Measure the speed of one run.

    peak: rate of this machine's matrix products in FLOP/s; seconds: for each measurement.
    """
    device = torch.device(best_device())
    training = Training(config, load_embedded(), device.type)
    speed = measure_speed(first_steps([training]), config, seconds)
    size = evaluation_batch(config, device)
    images, labels = training.dataset.train_images[:2000], training.dataset.labels[:2000]
    evaluate(training.model, images, labels, size)[0].item()  # warm
    started = time.perf_counter()
    evaluate(training.model, images, labels, size)[0].item()
    evaluation = (time.perf_counter() - started) / len(images)
    per_image = 1 / speed + 1.2 * evaluation  # 6 images evaluated for every 5 trained
    # With all images the test set and a part of the training set are evaluated.
    full = evaluation * (EVALUATED_IMAGES + 10_000) / 50_000
    step, forward = flops_per_image(config.model)
    return Speed(
        model=config.model,
        batch_size=config.batch_size,
        images_per_second=speed,
        share_of_peak=speed * step / peak,
        share_of_peak_3_forward=speed * 3 * forward / peak,
        plain_images_per_second=plain_speed(config, device, seconds),
        epoch_images_per_second=1 / per_image,
        evaluation_share_full=full / (1 / speed + full),
    )


def bench_concurrent(config: RunConfig, peak: float, seconds: float) -> Iterator[ConcurrentSpeed]:
    """Measure the plain loop, one run step by step, and CONCURRENT runs; yield a row for each.

    peak and seconds are as for `bench`.
    """
    device = torch.device(best_device())
    step, _ = flops_per_image(config.model)

    def row(
        way: str, runs: int, speed: float, whole: float | None, plan: int | None, taken: int | None
    ) -> ConcurrentSpeed:
        share = speed * step / peak
        return ConcurrentSpeed(
            config.model, config.batch_size, way, runs, speed, whole, share, plan, taken
        )

    yield row("plain loop", 1, plain_speed(config, device, seconds), None, None, None)
    ways: list[tuple[str, int, bool | None]] = [("one, step by step", 1, False)]
    ways += [(f"{runs} side by side" if runs > 1 else "one", runs, None) for runs in CONCURRENT]
    for way, runs, use_graphs in ways:
        configs = [replace(config, level=LEVELS[i % 11], seed=i // 11) for i in range(runs)]
        speed, whole, taken = concurrent_speed(configs, device, use_graphs, seconds)
        yield row(way, runs, speed, whole, needed(configs, device), taken)


def concurrent_speed(
    configs: list[RunConfig], device: torch.device, use_graphs: bool | None, seconds: float
) -> tuple[float, float | None, int | None]:
    """Measure runs side by side: (speed, speed including evaluation, bytes taken).

    Speeds are images per second of all runs together. On a CPU the last two are None.
    """
    before = free_bytes(device)
    trainings = [
        Training(config, load_embedded(), device.type, use_graphs=use_graphs) for config in configs
    ]
    speed = len(configs) * measure_speed(first_steps(trainings), configs[0], seconds)
    if device.type == "cpu":  # whole epochs of many runs would take hours, and show nothing new
        return speed, None, None
    for training in trainings:  # an epoch that captures the graphs, not timed
        training.launch()
    for training in trainings:
        training.collect()
    started = time.perf_counter()
    for training in trainings:
        training.launch()
    for training in trainings:
        training.collect()
    whole = len(configs) * configs[0].train_images / (time.perf_counter() - started)
    return speed, whole, before - free_bytes(device)


def free_bytes(device: torch.device) -> int:
    """The free memory of a CUDA GPU in bytes; 0 for any other device."""
    if device.type != "cuda":
        return 0
    torch.cuda.empty_cache()
    return torch.cuda.mem_get_info(device)[0]


def first_steps(trainings: list[Training]) -> TakeSteps:
    """Return a function that trains the first steps of an epoch in all these runs, and waits."""

    def take(count: int) -> None:
        for training in trainings:
            with training.stream.open(), flush_denormal():
                training.model.train()
                training.dataset.shuffle(epoch=1)
                training.take_steps(count)
        for training in trainings:
            training.stream.wait()

    return take


class PlainImages(Dataset):
    """The images, prepared one by one as in most public code for this experiment."""

    def __init__(self) -> None:
        from torchvision import transforms

        data = load_embedded()
        self.images = data.train_images.transpose(0, 2, 3, 1)  # (N, H, W, 3)
        self.labels = data.train_labels.tolist()
        mean, std = (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.CenterCrop(28),
                transforms.ToTensor(),
                transforms.Normalize(mean, std),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def plain_speed(config: RunConfig, device: torch.device, seconds: float) -> float:
    """Measure the training loop of most public code for this experiment, in images per second."""
    loader = DataLoader(PlainImages(), config.batch_size, shuffle=True, num_workers=1)
    model = build_model(config.model, width=config.width).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=0.9)

    def take(count: int) -> None:
        for images, labels in itertools.islice(loader, count):
            loss = nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()

    return measure_speed(take, config, seconds)


def matrix_peak() -> tuple[float, str]:
    """The best median rate of square matrix products, in FLOP/s, and their number type.

    The number type is the one that training uses.
    """
    device = torch.device(best_device())
    dtype = compute_dtype(device)
    # A GPU needs larger products, and several per wait, so that the wait itself hardly counts.
    sizes, repeats = (PEAK_SIZES, 1) if device.type == "cpu" else (GPU_PEAK_SIZES, 10)
    rates = []
    for size in sizes:
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        times = []
        for _ in range(8):
            started = time.perf_counter()
            products = [a @ b for _ in range(repeats)]
            products[-1][0, 0].item()
            times.append((time.perf_counter() - started) / repeats)
        rates.append(2 * size**3 / statistics.median(times))
    return max(rates), str(dtype).removeprefix("torch.")


def flops_per_image(name: str) -> tuple[float, float]:
    """Floating-point operations per image: (of a training step, of the forward pass alone).

    Torch counts those of products and convolutions. Not counted are the gradient of the images,
    which is not needed, and the convolution by which ResponseNorm sums channels, which is not part
    of the network's definition.
    """
    network, batch = build_model(name), 8
    layers = [nn.Identity() if isinstance(layer, ResponseNorm) else layer for layer in network]
    model = nn.Sequential(*layers)
    images, labels = torch.zeros(batch, 3, 28, 28), torch.zeros(batch, dtype=torch.int64)
    with FlopCounterMode(display=False) as counter:
        loss = nn.functional.cross_entropy(model(images), labels)
        forward = counter.get_total_flops()
        loss.backward()
    return counter.get_total_flops() / batch, forward / batch


def measure_speed(take: TakeSteps, config: RunConfig, seconds: float) -> float:
    """Measure images per second over whole epochs, after some steps to warm up.

    Networks too slow for a whole epoch in `seconds` are measured on their first batches.
    """
    whole = config.train_images // config.batch_size
    first = 2 if best_device() == "cpu" else min(whole, 4 * STEPS_IN_GRAPH)  # a GPU captures graphs
    take(first)
    started = time.perf_counter()
    take(first)
    step = (time.perf_counter() - started) / first
    steps = max(4, int(seconds / step))
    images, started = 0, time.perf_counter()
    while steps > 0:
        count = min(steps, whole)
        take(count)
        images += count * config.batch_size
        steps -= count
    return images / (time.perf_counter() - started)
