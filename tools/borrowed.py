"""python -m tools borrowed: check, measure and use a machine, best a GPU, for a limited time.

Each part runs as a separate command, so that a missing package or a crash ends only that part. All
results go to one folder, which is packed into one archive.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tarfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from core.cli.flags import Commands, add_command
from core.errors import ConfigError, StorageError
from core.paths import ROOT
from core.sweep.results import SWEEP_FOLDER, add_tables, load_runs, load_tables, make_folder

MEASURING = 0.25  # largest share of the time for measurements; the rest trains
AT_ONCE = 8  # runs on a GPU at once; with more, all of them would be half done at the end
PYTHON = [sys.executable, "-m"]


def register(commands: Commands) -> None:
    parser = add_command(
        commands,
        "borrowed",
        run,
        "check and measure a borrowed machine, train missing runs on it, pack the results",
        "Use a machine for some minutes: check its GPU, measure its speed, train the missing runs "
        "of the precomputed sweep, most useful first, and pack all results into one archive.",
    )
    parser.add_argument("--minutes", type=float, required=True, metavar="X", help="total time")
    parser.add_argument("--grid", help="train only this grid; see `sweep --help`")
    parser.add_argument("--model", help="train only this network")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("borrowed"),
        metavar="FOLDER",
        help="folder for the results (default: borrowed); the archive is FOLDER.tar.gz next to it",
    )


def run(options: argparse.Namespace) -> int:
    if not options.minutes > 0:
        raise ConfigError(f"--minutes is {options.minutes:g}, but must be more than 0.")
    end = time.monotonic() + 60 * options.minutes
    folder: Path = options.folder
    make_folder(folder)
    known = load_runs(SWEEP_FOLDER)  # added to the folder, so that they are not trained again
    if len(known) and not (folder / "runs.parquet").exists():
        add_tables(load_tables(SWEEP_FOLDER), folder)
    parts = [
        ("check", _check_command(), 1.0),
        ("tests", [*PYTHON, "pytest", "-m", "gpu", "--timeout=120", "tests/training"], MEASURING),
        ("speed", _bench_command(folder, 0.5 * MEASURING * 60 * options.minutes), MEASURING),
        ("sweep", _sweep_command(options), 1.0),
    ]
    statuses = {}
    for name, command, share in parts:
        if name == "tests" and importlib.util.find_spec("pytest") is None:
            print("tests: skipped, because pytest is not installed here.", flush=True)
            continue
        left = end - time.monotonic()
        if name == "sweep":
            command += ["--minutes", f"{max(0.01, left / 60):.2f}"]
        statuses[name] = _run_part(name, command, folder / f"{name}.log", share * left)
    (folder / "parts.json").write_text(json.dumps(statuses, indent=1) + "\n", encoding="utf-8")
    archive = _pack(folder)
    print(
        f"All results are packed in {archive}: unpack it, and run `python -m core sweep --add` on it."
    )
    return 1 if statuses["sweep"] else 0


def report_abilities() -> None:
    """Print how the device can be used.

    It runs as a separate command, so that a crash of a driver ends only this command.
    """
    from core.training.devices import best_device, describe_device
    from core.training.self_check import check_device

    abilities = check_device(best_device())
    print(describe_device(abilities.device), json.dumps(asdict(abilities)))


def _check_command() -> list[str]:
    return [sys.executable, "-c", "from tools.borrowed import report_abilities as r; r()"]


def _bench_command(folder: Path, seconds: float) -> list[str]:
    """The command that measures concurrent runs in about `seconds` in total.

    There are about twelve measurements for each network and batch size.
    """
    each = max(0.2, min(3.0, seconds / 50))
    networks = [
        "--model",
        "inception",
        "--model",
        "mlp-1x512",
        "--batch-size",
        "32",
        "--batch-size",
        "64",
    ]
    out = str(folder / "concurrent.json")
    return [
        *PYTHON,
        "tools",
        "bench",
        "--concurrent",
        *networks,
        "--seconds",
        f"{each:.1f}",
        "--out",
        out,
    ]


def _sweep_command(options: argparse.Namespace) -> list[str]:
    chosen = [
        text
        for name in ("grid", "model")
        if (value := getattr(options, name))
        for text in (f"--{name}", value)
    ]
    folder = str(options.folder.absolute())
    return [*PYTHON, "core", "sweep", *chosen, "--folder", folder, "--at-once", str(AT_ONCE)]


def _run_part(name: str, command: list[str], log: Path, seconds: float) -> int | None:
    """Run a command in the project's folder, log its output and print the end of it.

    Returns its exit status, or None if it took more than `seconds`. The sweep has no such limit,
    because it stops by itself at the end of an epoch.
    """
    print(f"{name}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    limit = None if name == "sweep" else max(1.0, seconds)
    status: int | None = None
    try:
        with log.open("w", encoding="utf-8") as file, suppress(subprocess.TimeoutExpired):
            status = subprocess.run(
                command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, timeout=limit
            ).returncode
    except OSError as error:
        raise StorageError(log, error) from None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    print("\n".join(lines[-12:]))
    ended = "took too long" if status is None else f"ended with status {status}"
    print(f"{name} {ended}, after {time.monotonic() - started:.0f} s", flush=True)
    return status


def _pack(folder: Path) -> Path:
    """Pack the results, the logs and the checkpoints of unfinished runs. Raises StorageError."""
    archive = folder.with_name(folder.name + ".tar.gz")
    try:
        with tarfile.open(archive, "w:gz") as file:
            file.add(folder, arcname=folder.name, filter=_without_locks)
    except OSError as error:
        raise StorageError(archive, error) from None
    return archive


def _without_locks(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.endswith(".lock") else member
