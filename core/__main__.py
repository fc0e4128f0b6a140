"""The command line: python -m core COMMAND."""

import sys

from core.cli import data, password, serve, sweep, train, verify
from core.cli.flags import Parser, build_program, run_command

COMMANDS = (data, train, sweep, verify, serve, password)


def build_parser() -> Parser:
    return build_program(
        "python -m core",
        "The Label Corruption Lab on the command line: what happens to a neural "
        "network whose training labels are partly wrong?",
        COMMANDS,
    )


def main(arguments: list[str] | None = None) -> int:
    return run_command(build_parser(), arguments)


if __name__ == "__main__":
    sys.exit(main())
