"""python -m core verify: check that this code still reproduces the stored runs."""

import argparse

from core.choices import NETWORKS
from core.cli.flags import Commands, add_command, add_folder_flag
from core.config import run_name
from core.errors import ConfigError
from core.sweep.results import config_of, load_runs
from core.view.words import LABELS


def register(commands: Commands) -> None:
    parser = add_command(
        commands,
        "verify",
        run,
        "train the first epochs of stored runs again and compare",
        "Train the first epochs of stored runs again, of those that a CPU computed or of one run by its "
        "id, and report the runs that this code does not reproduce.",
    )
    parser.add_argument("--run", dest="run_id", metavar="ID", help="only this run")
    parser.add_argument("--model", choices=NETWORKS, help="only this network")
    parser.add_argument(
        "--epochs", type=int, default=2, metavar="N", help="epochs of each run (default: 2)"
    )
    add_folder_flag(parser)


def run(options: argparse.Namespace) -> int:
    if options.epochs < 1:
        raise ConfigError(f"--epochs is {options.epochs}, but must be 1 or more.")
    from core.sweep.verify import verify

    runs = [run for _, run in load_runs(options.folder).iterrows()]
    runs = [run for run in runs if options.run_id in (run["run_id"], None)]
    if options.run_id is None:  # the networks of a GPU's runs take a CPU hours
        runs = [run for run in runs if run["device_type"] == "cpu"]
    runs = [run for run in runs if options.model in (run["model"], None)]
    if not runs:
        raise ConfigError(
            "no stored run matches these flags; runs of a GPU need --run ID. Leave some flags out."
        )
    reproduced = 0
    for run in runs:
        check = verify(run, options.epochs, options.folder)
        reproduced += check.is_reproduced
        if check.difference == 0:
            verdict = "identical"
        else:
            verdict = "close, on another machine" if check.is_reproduced else "NOT REPRODUCED"
            stored, computed = (
                "none" if value is None else f"{value:.4g}" for value in (check.stored, check.computed)
            )
            verdict += f": {LABELS.get(check.metric, check.metric)} {stored} stored, {computed} now"
        print(f"{check.run_id}  {run_name(config_of(run))}: {verdict}", flush=True)
    print(f"{reproduced} of {len(runs)} stored runs are reproduced in their first epochs.")
    return 0 if reproduced == len(runs) else 1
