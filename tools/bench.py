"""python -m tools bench: measure the training speed of this machine."""

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.choices import NETWORKS
from core.cli.flags import Commands, add_command, check_out
from core.config import PRESETS, RunConfig
from core.sweep.grids import CURED
from core.sweep.results import provenance

if TYPE_CHECKING:  # torch takes seconds to import: not for --help
    from core.training.speed import ConcurrentSpeed, Speed
    from tools.bench_defences import DefenceCost
    from tools.bench_levels import LevelSweepSpeed

BATCH_SIZES = (32, 64, 128)
KEYS = ("model", "batch_size", "way", "defence", "runs")  # identify a row of a file
EXPLANATION = """\
of peak: the rate of the floating-point operations that training steps need, as a share of
this machine's rate of matrix products. 3 x fwd: the same share by the rule of thumb that a
step costs three forward passes, which includes the gradient of the first layer's input,
although it is not needed. plain loop: the same network with torchvision's transforms, a
DataLoader with one worker, float32, and .item() at every step. with evaluation: whole epochs
of the 5,000 embedded images, as in the app. its share, 50k: the evaluation's share of the
time of an epoch of all 50,000 images."""


def register(commands: Commands) -> None:
    parser = add_command(commands, "bench", run, "measure this machine's training speed")
    parser.add_argument("--model", action="append", help="only this network (can be repeated)")
    parser.add_argument("--batch-size", type=int, action="append", help="only this batch size")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="seconds for each measurement (default: 3)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the measured speeds as JSON")
    parser.add_argument(
        "--concurrent",
        action="store_true",
        help="measure runs trained side by side, as on a GPU",
    )
    parser.add_argument(
        "--curve",
        action="store_true",
        help="measure the whole curve, live: the time from the press to its last point, compared with "
        "the bare time of its epochs",
    )
    parser.add_argument(
        "--defences", action="store_true", help="measure the time that each defence costs"
    )


def run(options: argparse.Namespace) -> int:
    check_out(options.out)
    from core.training.devices import use_allowed_cpus

    use_allowed_cpus()
    if options.defences:
        print_defences(options.model or CURED, options.seconds, options.out)
        return 0
    if options.curve:
        print_level_sweep(options.model or ["mlp-1x512"], options.out)
        return 0
    show = print_concurrent if options.concurrent else print_bench
    show(options.model, options.batch_size, options.seconds, options.out)
    return 0


def print_bench(
    models: Sequence[str] | None = None,
    batch_sizes: Sequence[int] | None = None,
    seconds: float = 3.0,
    out: Path | None = None,
) -> None:
    """Measure, print a line for each network and batch size, and save the rows as JSON."""
    from core.training.speed import bench

    started, peak = time.perf_counter(), print_machine(models)
    print(
        f"{'model':16} {'batch':>5} {'images/s':>9} {'of peak':>8} {'3 x fwd':>8} {'plain loop':>11}"
        f" {'ratio':>6} {'with evaluation':>16} {'its share, 50k':>15}",
        flush=True,
    )
    rows = []
    for config in configs(models or NETWORKS, batch_sizes or BATCH_SIZES):
        row = bench(config, peak, seconds)
        rows.append(row)
        ratio = row.images_per_second / row.plain_images_per_second
        print(
            f"{row.model:16} {row.batch_size:5} {row.images_per_second:9,.0f}"
            f" {row.share_of_peak:8.0%} {row.share_of_peak_3_forward:8.0%}"
            f" {row.plain_images_per_second:11,.0f} {ratio:6.1f}"
            f" {row.epoch_images_per_second:16,.0f} {row.evaluation_share_full:15.1%}",
            flush=True,
        )
    print(EXPLANATION)
    save(out, peak, rows, time.perf_counter() - started)


def print_concurrent(
    models: Sequence[str] | None = None,
    batch_sizes: Sequence[int] | None = None,
    seconds: float = 3.0,
    out: Path | None = None,
) -> None:
    """Measure runs trained side by side, print a line for each, and save the rows as JSON."""
    from core.training.devices import best_device
    from core.training.speed import bench_concurrent

    started, peak = time.perf_counter(), print_machine(models)
    print(
        f"{'model':16} {'batch':>5} {'trained':24} {'images/s':>10} {'of peak':>8}"
        f" {'with evaluation':>16} {'GB planned':>11} {'taken':>6}"
    )
    rows = []
    for config in configs(models or ("mlp-1x512", "inception"), batch_sizes or BATCH_SIZES[:2]):
        for row in bench_concurrent(config, peak, seconds):
            rows.append(row)
            whole = f"{row.epoch_images_per_second:,.0f}" if row.epoch_images_per_second else ""
            planned, taken = (
                f"{size / 1e9:.2f}" if size else "" for size in (row.bytes_planned, row.bytes_taken)
            )
            print(
                f"{row.model:16} {row.batch_size:5} {row.way:24} {row.images_per_second:10,.0f}"
                f" {row.share_of_peak:8.0%} {whole:>16} {planned:>11} {taken:>6}",
                flush=True,
            )
    if best_device() == "cpu":
        print("This is a CPU: runs take turns on it, so several runs are no faster than one.")
    save(out, peak, rows, time.perf_counter() - started)


def print_level_sweep(models: Sequence[str], out: Path | None = None) -> None:
    """Measure the whole curve of each network with the usual settings; print and save the rows.

    Raises ConfigError for an unknown network.
    """
    from tools.bench_levels import level_sweep_speed

    started, peak = time.perf_counter(), print_machine(models)
    print(
        f"{'model':16} {'runs':>5} {'epochs':>7} {'bare':>9} {'live':>9} {'ratio':>6} {'first epoch':>12}"
    )
    rows = []
    for model in models:
        row = level_sweep_speed(
            replace(PRESETS[0].config, model=model, learning_rate=NETWORKS[model].learning_rate)
        )
        rows.append(row)
        print(
            f"{row.model:16} {row.runs:5} {row.epochs:7} {row.bare_seconds:7.1f} s {row.curve_seconds:7.1f} s"
            f" {row.curve_seconds / row.bare_seconds:6.2f} {row.first_seconds:10.2f} s",
            flush=True,
        )
    save(out, peak, rows, time.perf_counter() - started)


def print_defences(models: Sequence[str], seconds: float, out: Path | None = None) -> None:
    """Measure an epoch with each defence and its ratio to one without; print and save the rows."""
    from tools.bench_defences import defence_costs

    started, peak = time.perf_counter(), print_machine(models)
    print(f"{'model':16} {'defence':20} {'an epoch':>10} {'times':>6}")
    rows = []
    for model in models:
        for row in defence_costs(model, seconds):
            rows.append(row)
            print(
                f"{row.model:16} {row.defence:20} {row.epoch_seconds:8.2f} s {row.times:6.2f}",
                flush=True,
            )
    save(out, peak, rows, time.perf_counter() - started)


def configs(models: Iterable[str], batch_sizes: Iterable[int]) -> list[RunConfig]:
    """The configs of all networks at all batch sizes. Raises ConfigError for an invalid one."""
    sizes = list(batch_sizes)
    return [RunConfig(model=model, batch_size=size) for model in models for size in sizes]


def print_machine(models: Sequence[str] | None) -> float:
    """Print the device and its rate of matrix products; return that rate in FLOP/s.

    Raises ConfigError for an unknown network.
    """
    for name in models or ():
        RunConfig(model=name)
    from core.training.devices import best_device, describe_device
    from core.training.speed import matrix_peak

    peak, dtype = matrix_peak()
    print(f"{describe_device(best_device())}; matrix products at {peak / 1e9:,.0f} GFLOP/s in {dtype}")
    return peak


def save(
    out: Path | None,
    peak: float,
    rows: "Sequence[Speed | ConcurrentSpeed | LevelSweepSpeed | DefenceCost]",
    seconds: float,
) -> None:
    """Save the rows with their provenance in `out`, if there is one. seconds: of all measurements."""
    from core.training.devices import best_device, hardware

    if out:
        about = provenance(hardware(best_device()), seconds)
        content = {**about, "peak_flops_per_second": peak}
        new = [asdict(row) for row in rows]
        out.write_text(json.dumps(merged(out, content, new), indent=1) + "\n", encoding="utf-8")


def merged(out: Path, about: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of the file with these rows in place of their older measurements.

    All other rows stay. If the file is from another device, each new row names its own device.
    """
    try:
        known = json.loads(out.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {**about, "rows": rows}
    keys = [name for name in KEYS if rows and name in rows[0]]
    new = {tuple(row[name] for name in keys) for row in rows}
    kept = [row for row in known["rows"] if tuple(row.get(name) for name in keys) not in new]
    if not kept:
        return {**about, "rows": rows}
    if known["device"] != about["device"]:
        rows = [{**row, "device": about["device"]} for row in rows]
    order = list(NETWORKS)
    return {**known, "rows": sorted([*kept, *rows], key=lambda row: order.index(row["model"]))}
