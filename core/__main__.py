"""The command line: python -m core data | train | sweep | bench."""

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from core.cifar10 import DataError
from core.config import RunConfig


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
    train.set_defaults(run=run_train)

    sweep = commands.add_parser("sweep", help="train what the precomputed sweep still lacks")
    sweep.add_argument("--model", help="only this network")
    sweep.add_argument("--level", type=float, help="only this corruption level")
    sweep.add_argument("--seed", type=int, help="only this seed")
    sweep.add_argument("--missing", action="store_true", help="list what is missing, train nothing")
    sweep.set_defaults(run=run_sweep)

    bench = commands.add_parser("bench", help="measure this machine's training speed")
    bench.add_argument("--model", action="append", help="only this network (can be repeated)")
    bench.add_argument("--batch-size", type=int, action="append", help="only this batch size")
    bench.add_argument("--seconds", type=float, default=3.0, help="for each measurement (default: 3)")
    bench.add_argument("--out", type=Path, metavar="FILE", help="keep the figures as JSON")
    bench.set_defaults(run=run_bench)

    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (ValueError, DataError) as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
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


def config_from(options: argparse.Namespace) -> RunConfig:
    texts = {spec.name: getattr(options, spec.name) for spec in fields(RunConfig)}
    return RunConfig.from_strings({name: text for name, text in texts.items() if text is not None})


def run_data(options) -> int:
    from core.download import fetch

    fetch(lambda progress: print(f"{progress.share:4.0%}  {progress.message}", flush=True))
    return 0


def run_train(options) -> int:
    config = config_from(options)
    if options.out and options.out.suffix not in (".json", ".parquet"):
        raise ValueError(f"--out {options.out} must end in .json or .parquet.")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)  # better now than after all epochs
    from core.cifar10 import load
    from core.results import Result, provenance, save_result
    from core.training import DivergedError, best_device, describe_device, train

    if options.device == "cuda" and best_device() != "cuda":
        raise ValueError("--device cuda: torch finds no GPU here; leave it out to train on the CPU.")
    device = options.device or best_device()
    data, records = load(config.data), []
    print(f"run {config.run_id}: {config.model}, level {config.level:g}, on {describe_device(device)}")
    try:
        with epoch_bar(config) as bar:
            for record in train(config, data, device, options.checkpoint):
                records.append(record)
                show(bar, record)
    except DivergedError as error:
        print(error, file=sys.stderr)
        return 1
    if options.out:
        about = provenance(describe_device(device), sum(record.seconds for record in records))
        save_result(options.out, Result(config, records, about))
        print(f"kept in {options.out}")
    return 0


def run_sweep(options) -> int:
    from core.sweep import missing, paper_grid, run_to_end

    wanted = {name: getattr(options, name) for name in ("model", "level", "seed")}
    grid = [
        config
        for config in paper_grid()
        if all(value is None or getattr(config, name) == value for name, value in wanted.items())
    ]
    todo = missing(grid)
    print(f"{len(grid) - len(todo)} of {len(grid)} runs are there.")
    for number, config in enumerate(todo, start=1):
        name = f"{config.model}, level {config.level:g}, seed {config.seed}"
        if options.missing:
            print(f"{config.run_id}  {name}")
            continue
        print(f"run {number} of {len(todo)}: {name}", flush=True)
        from core.training import best_device

        with epoch_bar(config) as bar:
            for record in run_to_end(config, best_device()):
                show(bar, record)
    return 0


def run_bench(options) -> int:
    from core.bench import print_bench

    print_bench(options.model, options.batch_size, options.seconds, options.out)
    return 0


def epoch_bar(config: RunConfig):
    """A progress bar in a terminal; elsewhere `show` prints a line for each epoch."""
    from tqdm import tqdm

    return tqdm(total=config.epochs, unit="epoch", disable=not sys.stdout.isatty())


def show(bar, record) -> None:
    measures = {
        "train loss": f"{record.train_loss:.4f}",
        "train error": f"{record.train_error:.4f}",
        "test error": f"{record.test_error:.4f}",
    }
    for name in ("memorized", "recovered"):
        if getattr(record, name) is not None:
            measures[name] = f"{getattr(record, name):.4f}"
    if bar.disable:
        text = "  ".join(f"{name} {value}" for name, value in measures.items())
        print(f"epoch {record.epoch:3}/{bar.total}  {text}  ({record.seconds:.1f} s)", flush=True)
    else:
        bar.set_postfix(measures)
        bar.update(record.epoch - bar.n)


if __name__ == "__main__":
    sys.exit(main())
