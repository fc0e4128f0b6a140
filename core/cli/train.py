"""python -m core train: train one run and print a line for each epoch."""

import argparse
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from core.cleaning.ranking import Ranking, ranking_for
from core.cleaning.scores import ImageScores, as_stored
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
from core.config import RunConfig, run_name
from core.data.cifar10 import Cifar10
from core.sweep.results import load_scores
from core.sweep.tracking import Tracking


def register(commands: Commands) -> None:
    parser = add_command(
        commands,
        "train",
        run,
        "train one network and print its errors after every epoch",
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
        help="save the state in FILE after every epoch, and resume from FILE if it exists; with more "
        "--epochs than before, continue the run",
    )
    add_wandb_flag(parser)


def run(options: argparse.Namespace) -> int:
    config = config_from(options)
    check_out(options.out, ".json", ".parquet")
    check_checkpoint(options.checkpoint)
    # Torch takes seconds to import, so it is not imported for a wrong flag or for --help.
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
        ranking = ranking_of(config, data, device)
        for record in train(config, data, device, options.checkpoint, ranking=ranking):
            records.append(record)
            progress.show(record)
            if log:
                log.log(config, record)
    if options.out:
        about = provenance(hardware(device), sum(record.seconds for record in records))
        save_result(options.out, Result(config, records, about))
        print(f"saved in {options.out}")
    return 0


def ranking_of(config: RunConfig, data: Cifar10, device: str) -> Ranking | None:
    """Return the ranking for a run that repairs labels; None for any other run.

    Runs that rank the labels and are not stored are trained first.
    """
    if config.repair == "none":
        return None
    from core.training.run import Run

    def scores_of(source: RunConfig) -> ImageScores | None:
        stored = load_scores(source.run_id)
        if stored is not None:
            return stored
        print(f"first run {source.run_id}, which ranks the labels: {run_name(source)}", flush=True)
        scores = Run(source, data, device).train().scores
        return scores and as_stored(scores)

    return ranking_for(config, data, scores_of)


def tracking(wandb: bool) -> AbstractContextManager[Tracking | None]:
    """Return a context with the log of --wandb, or with None."""
    return Tracking() if wandb else nullcontext()
