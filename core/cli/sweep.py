"""python -m core sweep: train the missing runs of the precomputed sweep, list them, or add results."""

import argparse
import math
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from core.choices import NETWORKS
from core.cli.flags import Commands, add_command, add_folder_flag, add_wandb_flag
from core.cli.progress import SweepProgress
from core.cli.train import tracking
from core.config import RunConfig, run_name
from core.errors import ConfigError, StorageError, SweepError
from core.live.training.estimate import Speeds, estimate, run_seconds, speeds_of
from core.sweep.grids import GRIDS, all_runs
from core.sweep.results import add_tables, load_runs, load_tables
from core.view.words import duration


def register(commands: Commands) -> None:
    parser = add_command(
        commands,
        "sweep",
        run,
        "train the missing runs of the precomputed sweep",
        "Train the missing runs of the precomputed sweep, most useful first. Stop it at any "
        "time: the same command resumes. Several sweeps can work on one folder.",
    )
    grids = " ".join(f"{grid.name}: {grid.about}" for grid in GRIDS.values())
    parser.add_argument("--grid", choices=GRIDS, help=f"only this grid. {grids}")
    parser.add_argument("--model", choices=NETWORKS, help="only this network")
    parser.add_argument("--level", type=float, help="only this corruption level")
    parser.add_argument("--seed", type=int, help="only this seed")
    parser.add_argument(
        "--missing", action="store_true", help="list the missing runs and their times on this machine"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="X",
        help="stop after this many minutes, at the end of an epoch; the same command resumes",
    )
    parser.add_argument(
        "--at-once",
        type=int,
        metavar="N",
        help="on a GPU, train at most this many runs side by side (default: as many as its memory "
        "holds); fewer runs finish sooner",
    )
    parser.add_argument(
        "--add", type=Path, metavar="FOLDER", help="add the runs of another machine's sweep in FOLDER"
    )
    add_folder_flag(parser)
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="train on the Ray cluster at this address (auto: the cluster of this machine)",
    )
    parser.add_argument(
        "--gpus",
        type=float,
        default=0,
        metavar="X",
        help="with --ray: GPUs per run, 0.25 for four runs on one GPU (default: 0, one CPU core)",
    )
    add_wandb_flag(parser)


def run(options: argparse.Namespace) -> int:
    if options.add:
        tables = load_tables(options.add)
        add_tables(tables, options.folder)
        print(f"{len(tables.runs)} runs of {options.add} are now in {options.folder}.")
        return 0
    if options.minutes is not None and not options.minutes > 0:  # NaN fails as well
        raise ConfigError(f"--minutes is {options.minutes:g}, but must be more than 0.")
    if options.minutes is not None and options.ray:
        raise ConfigError("--minutes does not work with --ray: leave one of them out.")
    if options.at_once is not None and options.at_once < 1:
        raise ConfigError(f"--at-once is {options.at_once}, but must be at least 1.")
    if options.at_once is not None and options.ray:
        raise ConfigError("--at-once does not work with --ray: use --gpus, or leave out --ray.")
    if options.ray and options.wandb:
        raise ConfigError("--wandb does not work with --ray: leave one of them out.")
    if options.missing and options.minutes is not None:
        raise ConfigError(
            "--missing only lists: leave it out to train the missing runs for --minutes, or use "
            "`python -m tools borrowed`, which checks and measures the machine first."
        )
    # Torch takes seconds to import, so it is not imported for a wrong flag or for --add.
    from core.sweep.runner import missing
    from core.training.devices import best_device, describe_device, use_allowed_cpus

    use_allowed_cpus()
    grid = chosen_runs(options)
    todo = missing(grid, options.folder)
    speeds = speeds_of(load_runs(options.folder), describe_device(best_device()))
    print(f"{len(grid) - len(todo)} of {len(grid)} runs are stored.", flush=True)
    if options.missing:
        list_missing(todo, speeds)
        return 0
    return train_missing(todo, speeds, options) if todo else 0


def chosen_runs(options: argparse.Namespace) -> list[RunConfig]:
    """The runs of the grids that match the flags. Raises ConfigError where there are none."""
    chosen = {name: getattr(options, name) for name in ("model", "level", "seed")}
    runs = [
        config
        for config in all_runs([options.grid] if options.grid else GRIDS)
        if all(value is None or getattr(config, name) == value for name, value in chosen.items())
    ]
    if not runs:
        raise ConfigError(
            "no run of the grids matches these flags: look at `python -m core sweep --help`."
        )
    return runs


def list_missing(todo: list[RunConfig], speeds: Speeds) -> None:
    """Print a line for each missing run with its time on this machine, and the total."""
    for config in todo:
        seconds = duration(run_seconds(config, speeds))
        print(f"{config.run_id}  {seconds:>8}  {run_name(config)}")
    if todo:
        total = duration(sum(run_seconds(config, speeds) for config in todo))
        bases = dict.fromkeys(estimate(config, speeds).basis for config in todo)
        print(f"{len(todo)} runs are missing: about {total}, {'; '.join(bases)}.")


def train_missing(todo: list[RunConfig], speeds: Speeds, options: argparse.Namespace) -> int:
    """Train these runs and show their progress; return the exit status."""
    from core.sweep.runner import EpochTrained, RunEnded, RunStarted

    progress, failures = SweepProgress(todo, speeds), 0
    end = time.monotonic() + 60 * (options.minutes or math.inf)
    try:
        with tracking(options.wandb) as log, closing(events_of(todo, options)) as events:
            for event in events:
                match event:
                    case RunStarted(config):
                        progress.start(config)
                    case EpochTrained(config, record):
                        progress.epoch(config, record)
                        if log:
                            log.log(config, record)
                    case RunEnded(config, failure):
                        progress.end(config, failure)
                        failures += failure is not None
                        if log:
                            log.end(config)
                if time.monotonic() > end and not isinstance(event, RunStarted):
                    progress.write(f"{options.minutes:g} minutes are over: the same command resumes.")
                    break
    except StorageError as error:
        raise SweepError(f"{error} Nothing that was saved is lost: the same command resumes.") from None
    finally:
        progress.close()
    return 1 if failures else 0


def events_of(todo: list[RunConfig], options: argparse.Namespace) -> Generator[object]:
    """Train these runs, here or on a cluster, and yield their events (core.sweep.runner.Event)."""
    if options.ray:
        from core.sweep.cluster import train_on_cluster

        return train_on_cluster(todo, options.ray, options.gpus, options.folder)
    from core.sweep.runner import Sweep
    from core.training.devices import best_device

    return iter(Sweep(todo, best_device(), options.folder, at_once=options.at_once))
