"""The command line for maintainers: python -m tools COMMAND."""

import sys

from core.cli.flags import Parser, run_command
from tools import bench, borrowed, tables, times

COMMANDS = (tables, bench, times, borrowed)


def build_parser() -> Parser:
    parser = Parser(
        prog="python -m tools",
        description="Commands for maintainers of the Label Corruption Lab: the documentation's "
        "tables, measured speeds, and training on a borrowed machine.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.register(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    return run_command(build_parser(), arguments)


if __name__ == "__main__":
    sys.exit(main())
