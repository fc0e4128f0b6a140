"""The command line for maintainers: python -m tools COMMAND."""

import sys

from core.cli.flags import Parser, build_program, run_command
from tools import bench, borrowed, tables, times

COMMANDS = (tables, bench, times, borrowed)


def build_parser() -> Parser:
    return build_program(
        "python -m tools",
        "Commands for maintainers of the Label Corruption Lab: the documentation's "
        "tables, measured speeds, and training on a borrowed machine.",
        COMMANDS,
    )


def main(arguments: list[str] | None = None) -> int:
    return run_command(build_parser(), arguments)


if __name__ == "__main__":
    sys.exit(main())
