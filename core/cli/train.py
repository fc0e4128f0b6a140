"""python -m core train: one run, a line for each epoch."""

import argparse
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from core.cli.flags import (
    Commands,
    add_command,
    add_config_flags,
    add_wandb_flag,
    check_checkpoint,
    check_out,
    config_from,
)
from core.cli.progress import RunProgress
from core.sweep.tracking import Tracking


def register(commands: Commands) -> None:
    parser = add_command(
        commands,
        "train",
        run,
        "train one network and print what it learned after every epoch",
        "Train one network on CIFAR-10 images, some of whose labels are wrong. "
        "Without any flag: the small network on the 5,000 embedded images, all labels right.",
    )
    add_config_flags(parser)
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="cpu, cuda, mps or xpu (default: LAB_DEVICE, or else a CUDA GPU if there is one)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the result: .json or .parquet")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="save the state here after every epoch, and resume from it if it is there",
    )
    add_wandb_flag(parser)


def run(options: argparse.Namespace) -> int:
    config = config_from(options)
    check_out(options.out, ".json", ".parquet")
    check_checkpoint(options.checkpoint)
    # Torch takes seconds to import: not for a wrong flag, nor for --help.
    from core.data.cifar10 import load
    from core.sweep.results import Result, provenance, save_result
    from core.training.devices import (
        best_device,
        checked_device,
        describe_device,
        hardware,
        use_allowed_cpus,
    )
    from core.training.training import train

    device = checked_device(options.device, "--device") if options.device else best_device()
    use_allowed_cpus()
    data, records = load(config.data), []
    print(f"run {config.run_id}: {config.model}, level {config.level:g}, on {describe_device(device)}")
    with tracking(options.wandb) as log, RunProgress(config) as progress:
        for record in train(config, data, device, options.checkpoint):
            records.append(record)
            progress.show(record)
            if log:
                log.log(config, record)
    if options.out:
        about = provenance(hardware(device), sum(record.seconds for record in records))
        save_result(options.out, Result(config, records, about))
        print(f"saved in {options.out}")
    return 0


def tracking(wandb: bool) -> AbstractContextManager[Tracking | None]:
    """Where --wandb logs to; nothing without it."""
    return Tracking() if wandb else nullcontext()
