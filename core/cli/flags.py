"""The parser and flags that all commands share, and how errors become sentences."""

import argparse
import csv
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from core.config import CLASS_COUNT, RunConfig
from core.errors import ConfigError, LabError
from core.sweep.results import SWEEP_FOLDER, make_folder

Commands = Any  # argparse's sub-parsers, whose type is private
METAVARS = {bool: "true|false", int: "N", float: "X", str: "NAME"}


class _Help(argparse.HelpFormatter):
    """A formatter that escapes percent signs, which argparse takes for placeholders."""

    def _get_help_string(self, action: argparse.Action) -> str:
        return (action.help or "").replace("%", "%%")


class Parser(argparse.ArgumentParser):
    """A parser that reports a wrong value in one sentence, without usage, and exits with status 2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Help, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
    description: str | None = None,
) -> Parser:
    """Register a command. run: executes it and returns its exit status."""
    parser: Parser = commands.add_parser(name, help=summary, description=description or summary)
    parser.set_defaults(run=run)
    return parser


def build_program(prog: str, description: str, modules: Iterable[Any]) -> Parser:
    """A parser with one command for each of these modules, each of which has a `register`."""
    parser = Parser(prog=prog, description=description)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in modules:
        module.register(commands)
    return parser


def run_command(parser: Parser, arguments: list[str] | None) -> int:
    """Run the chosen command; return its exit status.

    Of a LabError only the message is printed; any other exception keeps its traceback.
    """
    options = parser.parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of the output is gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 128 + 13  # as if ended by SIGPIPE
    except LabError as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("\nstopped.", file=sys.stderr)
        return 130


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each field of RunConfig, with the field's help text."""
    for spec in fields(RunConfig):
        about, value_type = spec.metadata["help"], spec.metadata["value_type"]
        if spec.metadata["choices"]:
            about += f": {', '.join(spec.metadata['choices'])}"
        if value_type is not bool and spec.default is not None:
            about += f" (default: {spec.default})"
        flag = "--" + spec.name.replace("_", "-")
        value: dict[str, Any] = {"nargs": "?", "const": "true"} if value_type is bool else {}
        parser.add_argument(flag, dest=spec.name, help=about, metavar=METAVARS[value_type], **value)


def config_from(options: argparse.Namespace) -> RunConfig:
    """Build the RunConfig from the flags of `add_config_flags`. Raises ConfigError."""
    texts = {spec.name: getattr(options, spec.name) for spec in fields(RunConfig)}
    if texts["noise_matrix"] and ";" not in texts["noise_matrix"]:
        texts["noise_matrix"] = _matrix_of(Path(texts["noise_matrix"]))
    return RunConfig.from_strings({name: text for name, text in texts.items() if text is not None})


def _matrix_of(path: Path) -> str:
    """Read a noise matrix from a CSV file, with or without the names of the classes.

    Raises ConfigError.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise ConfigError(
            f"--noise-matrix {path} cannot be read ({reason}): name a CSV file."
        ) from None
    if len(rows) == CLASS_COUNT + 1:
        rows = rows[1:]
    return ";".join(",".join(row[-CLASS_COUNT:]) for row in rows)


def check_out(path: Path | None, *endings: str) -> None:
    """Check before the training that a result can be written at `path`, and make its folder.

    endings: file endings that are allowed. Raises ConfigError, StorageError.
    """
    if path is None:
        return
    if endings and path.suffix not in endings:
        raise ConfigError(f"--out {path} must end in {' or '.join(endings)}.")
    if path.is_dir():
        raise ConfigError(f"--out {path} is a folder: name a file in it.")
    make_folder(path.parent)


def check_checkpoint(path: Path | None) -> None:
    """Check that a checkpoint can be saved at `path`, and make its folder.

    Raises ConfigError, StorageError.
    """
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f"--checkpoint {path} is a folder: name a file in it.")
    make_folder(path.parent)


def add_folder_flag(parser: argparse.ArgumentParser) -> None:
    """Add --folder, the folder of the sweep's results."""
    parser.add_argument(
        "--folder",
        type=Path,
        default=SWEEP_FOLDER,
        help="folder of the sweep's results (default: assets/sweep)",
    )


def add_wandb_flag(parser: argparse.ArgumentParser) -> None:
    """Add --wandb, which logs to Weights & Biases."""
    parser.add_argument("--wandb", action="store_true", help="log every epoch to Weights & Biases")
