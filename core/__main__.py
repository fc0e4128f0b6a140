"""The command line: python -m core data | train | sweep | verify | bench | serve | password."""

import argparse
import json
import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import fields
from pathlib import Path

from core.config import MODELS, RunConfig, run_name
from core.errors import ConfigError, LabError, SweepError
from core.sweep.grids import GRIDS, all_runs
from core.sweep.results import SWEEP_FOLDER


class Parser(argparse.ArgumentParser):
    """Wrong values end with exit status 2 and one sentence, without the usage in front of it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m core",
        description="The Label Corruption Lab on the command line: what happens to a neural "
        "network whose training labels are partly wrong?",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="fetch all 60,000 CIFAR-10 images")
    data.add_argument(
        "--json", action="store_true", help="print progress and failure as JSON lines, for a program"
    )
    data.set_defaults(run=run_data)

    train = commands.add_parser(
        "train",
        help="train one network and print what it learned after every epoch",
        description="Train one network on CIFAR-10 images, some of whose labels are wrong. "
        "Without any flag: the small network on the 5,000 embedded images, all labels right.",
    )
    add_config_flags(train)
    train.add_argument("--device", choices=("cpu", "cuda"), help="default: the GPU if there is one")
    train.add_argument("--out", type=Path, metavar="FILE", help="keep the result: .json or .parquet")
    train.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep the state here after every epoch, and go on from it if it is there",
    )
    add_wandb_flag(train)
    train.set_defaults(run=run_train)

    sweep = commands.add_parser(
        "sweep",
        help="train what the precomputed sweep still lacks",
        description="Train what the precomputed sweep still lacks, most useful first. Stop it at any "
        "time: the same command goes on where it was. Several can work on one folder.",
    )
    grids = " ".join(f"{grid.name}: {grid.about}" for grid in GRIDS.values())
    sweep.add_argument("--grid", choices=GRIDS, help=f"only this part. {grids}")
    sweep.add_argument("--model", choices=MODELS, help="only this network")
    sweep.add_argument("--level", type=float, help="only this corruption level")
    sweep.add_argument("--seed", type=int, help="only this seed")
    sweep.add_argument(
        "--missing", action="store_true", help="list what is missing and how long it takes here"
    )
    sweep.add_argument(
        "--add", type=Path, metavar="FOLDER", help="add the runs that another machine left in FOLDER"
    )
    add_folder_flag(sweep)
    sweep.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="train on the Ray cluster at this address (auto: the one this machine belongs to)",
    )
    sweep.add_argument(
        "--gpus",
        type=float,
        default=0,
        metavar="X",
        help="with --ray: GPUs for each run, 0.25 for four runs on one (default: 0, one CPU core)",
    )
    add_wandb_flag(sweep)
    sweep.set_defaults(run=run_sweep)

    verify = commands.add_parser(
        "verify",
        help="train the first epochs of stored runs again and compare",
        description="Train the first epochs of the stored runs that a CPU computed again, and report "
        "those that this code does not reproduce.",
    )
    verify.add_argument("--run", dest="run_id", metavar="ID", help="only this run")
    verify.add_argument("--model", choices=MODELS, help="only this network")
    verify.add_argument("--epochs", type=int, default=2, metavar="N", help="of each run (default: 2)")
    add_folder_flag(verify)
    verify.set_defaults(run=run_verify)

    password = commands.add_parser("password", help="make a teacher's password for lab.toml")
    password.set_defaults(run=run_password)

    serve = commands.add_parser("serve", help="serve the app to this network")
    serve.add_argument("--port", type=int, default=8501, metavar="N", help="default: 8501")
    serve.set_defaults(run=run_serve)

    bench = commands.add_parser("bench", help="measure this machine's training speed")
    bench.add_argument("--model", action="append", help="only this network (can be repeated)")
    bench.add_argument("--batch-size", type=int, action="append", help="only this batch size")
    bench.add_argument("--seconds", type=float, default=3.0, help="for each measurement (default: 3)")
    bench.add_argument("--out", type=Path, metavar="FILE", help="keep the figures as JSON")
    bench.add_argument(
        "--gang", action="store_true", help="measure runs trained side by side, as a GPU does it"
    )
    bench.set_defaults(run=run_bench)

    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except LabError as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return error.exit_status
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        print(f"{parser.prog} {options.command}: {error.strerror or error}{where}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped.", file=sys.stderr)
        return 130


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """A flag for each field of RunConfig, read and explained by the field itself."""
    for spec in fields(RunConfig):
        about = spec.metadata["help"]
        if "choices" in spec.metadata:
            about += f": {', '.join(spec.metadata['choices'])}"
        if spec.name != "learning_rate" and spec.type is not bool:
            about += f" (default: {spec.default})"
        flag = "--" + spec.name.replace("_", "-")
        value = {"nargs": "?", "const": "true"} if spec.type is bool else {}
        name = {bool: "true|false", int: "N", float: "X", str: "NAME"}[spec.type]
        parser.add_argument(flag, dest=spec.name, help=about, metavar=name, **value)


def add_folder_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder",
        type=Path,
        default=SWEEP_FOLDER,
        help="where the sweep's results are (default: assets/sweep)",
    )


def add_wandb_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wandb", action="store_true", help="log every epoch to Weights & Biases")


def config_from(options: argparse.Namespace) -> RunConfig:
    texts = {spec.name: getattr(options, spec.name) for spec in fields(RunConfig)}
    return RunConfig.from_strings({name: text for name, text in texts.items() if text is not None})


def run_data(options) -> int:
    from core.data.download import fetch

    if not options.json:
        fetch(lambda progress: print(f"{progress.share:4.0%}  {progress.message}", flush=True))
        return 0
    out = sys.stdout

    def report(event: dict) -> None:
        print(json.dumps(event), file=out, flush=True)

    with redirect_stdout(sys.stderr):  # what libraries print is no JSON
        try:
            fetch(lambda progress: report(progress._asdict()))
        except LabError as error:
            report({"error": str(error)})
            return error.exit_status
    return 0


def run_train(options) -> int:
    config = config_from(options)
    if options.out and options.out.suffix not in (".json", ".parquet"):
        raise ConfigError(f"--out {options.out} must end in .json or .parquet.")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)  # better now than after all epochs
    from core.cli.progress import RunProgress
    from core.data.cifar10 import load
    from core.sweep.results import Result, provenance, save_result
    from core.training.devices import best_device, describe_device, hardware
    from core.training.training import train

    if options.device == "cuda" and best_device() != "cuda":
        raise ConfigError("--device cuda: torch finds no GPU here; leave it out to train on the CPU.")
    device = options.device or best_device()
    data, records = load(config.data), []
    print(f"run {config.run_id}: {config.model}, level {config.level:g}, on {describe_device(device)}")
    with tracking(options) as log, RunProgress(config) as progress:
        for record in train(config, data, device, options.checkpoint):
            records.append(record)
            progress.show(record)
            if log:
                log.log(config, record)
    if options.out:
        about = provenance(hardware(device), sum(record.seconds for record in records))
        save_result(options.out, Result(config, records, about))
        print(f"kept in {options.out}")
    return 0


def run_sweep(options) -> int:
    from core.live.estimate import speeds_of
    from core.sweep.results import add_tables, load_runs, load_tables
    from core.sweep.runner import missing
    from core.training.devices import best_device, describe_device

    if options.add:
        runs, epochs = load_tables(options.add)
        add_tables(runs, epochs, options.folder)
        print(f"{len(runs)} runs of {options.add} are now in {options.folder}.")
        return 0
    if options.ray and options.wandb:
        raise ConfigError("--wandb works where the training is: leave out --ray, or --wandb.")
    wanted = {name: getattr(options, name) for name in ("model", "level", "seed")}
    grid = [
        config
        for config in all_runs([options.grid] if options.grid else GRIDS)
        if all(value is None or getattr(config, name) == value for name, value in wanted.items())
    ]
    if not grid:
        raise ConfigError("no run of the grids is like that: look at `python -m core sweep --help`.")
    todo = missing(grid, options.folder)
    speeds = speeds_of(load_runs(options.folder), describe_device(best_device()))
    print(f"{len(grid) - len(todo)} of {len(grid)} runs are there.", flush=True)
    if options.missing:
        list_missing(todo, speeds)
        return 0
    return train_missing(todo, speeds, options)


def list_missing(todo: list[RunConfig], speeds) -> None:
    """A line for each run, and the sum; for whoever has a machine to lend."""
    from core.live.estimate import estimate, run_seconds
    from core.view.captions import duration

    for config in todo:
        seconds = duration(run_seconds(config, speeds))
        print(f"{config.run_id}  {seconds:>8}  {run_name(config)}")
    if todo:
        total = duration(sum(run_seconds(config, speeds) for config in todo))
        bases = dict.fromkeys(estimate(config, speeds).basis for config in todo)
        print(f"{len(todo)} runs are missing: about {total}, {'; '.join(bases)}.")


def train_missing(todo: list[RunConfig], speeds, options) -> int:
    from core.cli.progress import SweepProgress

    if not todo:
        return 0
    progress, failures = SweepProgress(todo, speeds), 0
    try:
        with tracking(options) as log:
            for config, record, has_ended, failure in told_of(todo, options):
                if has_ended:
                    progress.end(config, failure)
                    failures += failure is not None
                elif record:
                    progress.epoch(config, record)
                else:
                    progress.begin(config)
                if log and record:
                    log.log(config, record)
                elif log and has_ended:
                    log.end(config)
    except OSError as error:  # a full disk, say
        raise SweepError(
            f"{error.strerror or error}: nothing that was finished is lost; make room, and the same "
            "command goes on from there."
        ) from None
    finally:
        progress.close()
    return 1 if failures else 0


def told_of(todo: list[RunConfig], options):
    """The training of these runs, here or on a cluster; see core.sweep.Told."""
    if options.ray:
        from core.sweep.cluster import train_on_cluster

        return train_on_cluster(todo, options.ray, options.gpus, options.folder)
    from core.sweep.runner import Sweep
    from core.training.devices import best_device

    return Sweep(todo, best_device(), options.folder)


def tracking(options):
    """Where --wandb logs to; nothing without it."""
    if not options.wandb:
        return nullcontext()
    from core.sweep.tracking import Tracking

    return Tracking()


def run_verify(options) -> int:
    from core.sweep.results import config_of, load_runs
    from core.sweep.verify import is_verifiable, verify

    if options.epochs < 1:
        raise ConfigError(f"--epochs is {options.epochs}, but must be 1 or more.")
    runs = [run for run in load_runs(options.folder).to_dict("records") if is_verifiable(run)]
    runs = [run for run in runs if options.run_id in (None, run["run_id"])]
    runs = [run for run in runs if options.model in (None, run["model"])]
    if not runs:
        raise ConfigError("no stored run that a CPU computed is like that.")
    wrong = 0
    for run in runs:
        check = verify(run, options.epochs, options.folder)
        wrong += not check.is_reproduced
        if check.difference == 0:
            verdict = "the very same numbers"
        else:
            verdict = "near, on another machine" if check.is_reproduced else "NOT REPRODUCED"
            stored, computed = (f"{value:.4g}" if value is not None else "none" for value in check[3:5])
            verdict += f": {check.measure} {stored} stored, {computed} now"
        print(f"{check.run_id}  {run_name(config_of(run))}: {verdict}", flush=True)
    print(f"{len(runs) - wrong} of {len(runs)} stored runs are reproduced in their first epochs.")
    return 1 if wrong else 0


def run_password(options) -> int:
    from getpass import getpass

    from core.live.settings import hash_password

    password = getpass("Teacher's password (8 characters or more): ")
    if getpass("Once more: ") != password:
        raise ConfigError("the two are not the same: start again.")
    print(f'teacher_password = "{hash_password(password)}"')
    print("Put this line at the top of lab.toml and start the server again.", file=sys.stderr)
    return 0


def run_serve(options) -> int:
    from core.live.serving import serve
    from core.live.settings import load_policy

    return serve(bool(load_policy().teacher_password), options.port)


def run_bench(options) -> int:
    from core.cli.bench import print_bench, print_gang

    show = print_gang if options.gang else print_bench
    show(options.model, options.batch_size, options.seconds, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
