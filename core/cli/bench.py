"""How fast this machine trains: against its own arithmetic, and against a plain PyTorch loop.

All speeds are training images per second. The loops are measured in turn, in one process,
on the embedded images.
"""

import itertools
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from core.config import MODELS, RunConfig
from core.data.cifar10 import load_embedded
from core.sweep.grids import LEVELS
from core.sweep.results import provenance
from core.training.descent import STEPS_IN_GRAPH
from core.training.devices import best_device, compute_type, describe_device, hardware
from core.training.memory_plan import needed
from core.training.models import ResponseNorm, build_model
from core.training.training import Training, measure, measure_batch

BATCH_SIZES = (32, 64, 128)
GANGS = (1, 4, 11, 22)  # runs side by side
PEAK_SIZES = (1024, 2048, 4096)
GPU_PEAK_SIZES = (4096, 8192, 16384)
HEAD = (
    f"{'model':16} {'batch':>5} {'images/s':>9} {'of peak':>8} {'3 x fwd':>8} {'plain loop':>11}"
    f" {'ratio':>6} {'with measuring':>15}"
)


def print_bench(models=None, batch_sizes=None, seconds: float = 3.0, out: Path | None = None) -> None:
    """Measure, print a line for each network and batch size, and keep the rows as JSON."""
    started, device, peak = time.perf_counter(), *_machine(models)
    print(HEAD, flush=True)
    rows = []
    for model in models or MODELS:
        for batch_size in batch_sizes or BATCH_SIZES:
            row = bench(RunConfig(model=model, batch_size=batch_size), device, peak, seconds)
            rows.append(row)
            print(_line(row), flush=True)
    print(
        "of peak: the floating-point operations that a training step needs, done at this speed,\n"
        "as a share of this machine's matrix-product rate. 3 x fwd: the same by the rule of thumb\n"
        "that a step costs three forward passes, which counts the gradient of the first layer's\n"
        "input, too, although nobody needs it. plain loop: the same network with\n"
        "torchvision's dataset and transforms, a DataLoader with one worker, float32, and\n"
        ".item() at every step. with measuring: whole epochs as the app runs them."
    )
    _keep(out, device, peak, rows, time.perf_counter() - started)


def _machine(models) -> tuple[torch.device, float]:
    """The device and its matrix-product rate, said in a line. Raises ConfigError for no network."""
    for name in models or ():
        RunConfig(model=name)
    device = torch.device(best_device())
    peak, kind = matrix_peak(device), str(compute_type(device)).removeprefix("torch.")
    print(f"{describe_device(device.type)}; matrix products at {peak / 1e9:,.0f} GFLOP/s in {kind}")
    return device, peak


def _keep(out: Path | None, device: torch.device, peak: float, rows: list, seconds: float) -> None:
    if out:
        about = provenance(hardware(device.type), seconds)
        content = {**about, "peak_flops_per_second": peak, "rows": rows}
        out.write_text(json.dumps(content, indent=1) + "\n")


def _line(row: dict) -> str:
    ratio = row["images_per_second"] / row["plain_images_per_second"]
    return (
        f"{row['model']:16} {row['batch_size']:5} {row['images_per_second']:9,.0f}"
        f" {row['share_of_peak']:8.0%} {row['share_of_peak_3_forward']:8.0%}"
        f" {row['plain_images_per_second']:11,.0f} {ratio:6.1f}"
        f" {row['epoch_images_per_second']:15,.0f}"
    )


def bench(config: RunConfig, device: torch.device, peak: float, seconds: float) -> dict:
    training = Training(config, load_embedded(), device.type)
    speed = _speed(lambda epoch, steps: _learn([training], epoch, steps), config, seconds)
    examples, size = training.examples, measure_batch(config, device)
    images, labels = examples.train_images[:2000], examples.labels[:2000]
    measure(training.model, images, labels, size)[0].item()  # warm
    started = time.perf_counter()
    measure(training.model, images, labels, size)[0].item()
    measuring = (time.perf_counter() - started) / len(images)
    per_image = 1 / speed + 1.2 * measuring  # 6 images measured for every 5 trained
    needed, forward = flops_per_image(config.model)
    return {
        "model": config.model,
        "batch_size": config.batch_size,
        "images_per_second": speed,
        "share_of_peak": speed * needed / peak,
        "share_of_peak_3_forward": speed * 3 * forward / peak,
        "plain_images_per_second": plain_speed(config, device, seconds),
        "epoch_images_per_second": 1 / per_image,
    }


def plain_speed(config: RunConfig, device: torch.device, seconds: float) -> float:
    """The loop that most public code for this experiment uses."""
    from torchvision import transforms
    from torchvision.datasets import CIFAR10

    data = load_embedded()
    dataset = CIFAR10.__new__(CIFAR10)  # as if read from the official archive
    dataset.data = data.train_images.transpose(0, 2, 3, 1)
    dataset.targets, dataset.target_transform = data.train_labels.tolist(), None
    dataset.transform = transforms.Compose(
        [
            transforms.CenterCrop(28),
            transforms.ToTensor(),
            transforms.Normalize((0.491, 0.482, 0.447), (0.247, 0.243, 0.262)),
        ]
    )
    loader = DataLoader(dataset, config.batch_size, shuffle=True, num_workers=1)
    model = build_model(config.model).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=0.9)

    def plain_learn(epoch, steps):
        for images, labels in itertools.islice(loader, steps):
            loss = nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()

    return _speed(plain_learn, config, seconds)


def matrix_peak(device: torch.device) -> float:
    """The best median rate of square matrix products, in FLOP/s, in the type that training uses."""
    # A GPU needs larger ones, and several for each wait, or the waiting would be measured, too.
    sizes, times_each = (PEAK_SIZES, 1) if device.type == "cpu" else (GPU_PEAK_SIZES, 10)
    rates = []
    for size in sizes:
        a, b = (torch.randn(size, size, device=device).to(compute_type(device)) for _ in range(2))
        times = []
        for _ in range(8):
            started = time.perf_counter()
            for _ in range(times_each):
                product = a @ b
            product[0, 0].item()
            times.append((time.perf_counter() - started) / times_each)
        rates.append(2 * size**3 / statistics.median(times))
    return max(rates)


def flops_per_image(name: str) -> tuple[float, float]:
    """Operations in products and convolutions, per image: of a training step, and forward alone.

    Counted by torch. The gradient of the images is not needed and
    not counted; nor is the convolution by which ResponseNorm sums channels, which is our
    way of doing it and not the network's arithmetic.
    """
    model, batch = build_model(name), 8
    for i, layer in enumerate(model):
        if isinstance(layer, ResponseNorm):
            model[i] = nn.Identity()
    images, labels = torch.zeros(batch, 3, 28, 28), torch.zeros(batch, dtype=torch.int64)
    with FlopCounterMode(display=False) as counter:
        loss = nn.functional.cross_entropy(model(images), labels)
        forward = counter.get_total_flops()
        loss.backward()
    return counter.get_total_flops() / batch, forward / batch


def _speed(learn, config: RunConfig, seconds: float) -> float:
    """Images per second of learn(epoch, steps): whole epochs, after a first part to warm up.

    Networks too slow for whole epochs in that time are measured on their first batches.
    """
    whole = config.train_images // config.batch_size
    first = 2 if best_device() == "cpu" else min(whole, 4 * STEPS_IN_GRAPH)  # with a GPU's graphs
    learn(1, first)
    started = time.perf_counter()
    learn(1, first)
    step = (time.perf_counter() - started) / first
    steps = max(4, int(seconds / step))
    images, started, epoch = 0, time.perf_counter(), 1
    while steps > 0:
        epoch += 1
        count = min(steps, whole)
        learn(epoch, count)
        images += count * config.batch_size
        steps -= count
    return images / (time.perf_counter() - started)


def _learn(trainings: list[Training], epoch: int, steps: int) -> None:
    """The first steps of an epoch, of all these runs; returns when all are done."""
    for training in trainings:
        with training.queue.open():
            training.descent.learn(epoch, training.learning_rate, steps)
    for training in trainings:
        training.queue.wait()


def print_gang(models=None, batch_sizes=None, seconds: float = 3.0, out: Path | None = None) -> None:
    """Measure runs that are trained side by side, print a line each, keep the rows as JSON."""
    started, device, peak = time.perf_counter(), *_machine(models)
    print(
        f"{'model':16} {'batch':>5} {'trained':24} {'images/s':>10} {'of peak':>8} {'with measuring':>15} {'GB planned':>11} {'taken':>6}"
    )
    rows = []
    for model in models or ("mlp-1x512", "inception"):
        for batch_size in batch_sizes or BATCH_SIZES[:2]:
            for row in bench_gang(RunConfig(model=model, batch_size=batch_size), device, peak, seconds):
                rows.append(row)
                print(_gang_line(row), flush=True)
    if device.type == "cpu":
        print("This is a CPU: runs take turns on it, so that several are no faster than one.")
    _keep(out, device, peak, rows, time.perf_counter() - started)


def bench_gang(config: RunConfig, device: torch.device, peak: float, seconds: float):
    """The plain loop; one run, its steps one by one; and then gangs: a row each."""
    ways = [("plain loop", 1, None), ("one, step by step", 1, False)]
    ways += [(f"{runs} side by side" if runs > 1 else "one", runs, None) for runs in GANGS]
    for way, runs, use_graph in ways:
        planned = taken = whole = None
        if way == "plain loop":
            speed = plain_speed(config, device, seconds)
        else:
            configs = [replace(config, level=LEVELS[i % 11], seed=i // 11) for i in range(runs)]
            planned = needed(configs, device)
            speed, whole, taken = _gang_speed(configs, device, use_graph, seconds)
        yield {
            "model": config.model,
            "batch_size": config.batch_size,
            "way": way,
            "runs": runs,
            "images_per_second": speed,
            "epoch_images_per_second": whole,
            "share_of_peak": speed * flops_per_image(config.model)[0] / peak,
            "bytes_planned": planned,
            "bytes_taken": taken,
        }


def _gang_speed(
    configs: list[RunConfig], device: torch.device, use_graph: bool | None, seconds: float
) -> tuple[float, float | None, int | None]:
    """Images per second of all these runs together; on a GPU with measuring, too, and the bytes taken."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        before = torch.cuda.mem_get_info(device)[0]
    trainings = [Training(config, load_embedded(), device.type) for config in configs]
    for training in trainings:
        if use_graph is not None:
            training.descent.use_graph = use_graph

    speed = _speed(lambda epoch, steps: _learn(trainings, epoch, steps), configs[0], seconds)
    if device.type == "cpu":  # a gang's epochs would take it hours, and tell nothing new
        return len(configs) * speed, None, None
    for _ in range(2):  # once to capture
        started = time.perf_counter()
        for training in trainings:
            training.launch()
        for training in trainings:
            training.collect()
    whole = len(configs) * configs[0].train_images / (time.perf_counter() - started)
    return len(configs) * speed, whole, before - torch.cuda.mem_get_info(device)[0]


def _gang_line(row: dict) -> str:
    sizes = [row["bytes_planned"], row["bytes_taken"]]
    whole = f"{row['epoch_images_per_second']:,.0f}" if row["epoch_images_per_second"] else ""
    planned, taken = (f"{size / 1e9:.2f}" if size else "" for size in sizes)
    return (
        f"{row['model']:16} {row['batch_size']:5} {row['way']:24} {row['images_per_second']:10,.0f}"
        f" {row['share_of_peak']:8.0%} {whole:>15} {planned:>11} {taken:>6}"
    )
