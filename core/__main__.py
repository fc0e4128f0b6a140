"""The command line: python -m core COMMAND."""

import sys

from core.cli import data, password, serve, sweep, train, verify
from core.cli.flags import Parser, run_command

COMMANDS = (data, train, sweep, verify, serve, password)


def build_parser() -> Parser:
    parser = Parser(
        prog="python -m core",
        description="The Label Corruption Lab on the command line: what happens to a neural "
        "network whose training labels are partly wrong?",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.register(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    return run_command(build_parser(), arguments)


if __name__ == "__main__":
    sys.exit(main())
