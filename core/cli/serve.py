"""python -m core serve: the app for everybody in this network."""

import argparse

from core.cli.flags import Commands, add_command
from core.errors import ConfigError


def register(commands: Commands) -> None:
    parser = add_command(commands, "serve", run, "serve the app to this network")
    parser.add_argument("--port", type=int, default=8501, metavar="N", help="default: 8501")


def run(options: argparse.Namespace) -> int:
    from core.live.serving import check_port, serve
    from core.live.settings import load_settings

    if not 1 <= options.port <= 65535:
        raise ConfigError(f"--port is {options.port}, but must be from 1 to 65535.")
    check_port(options.port)
    return serve(bool(load_settings().teacher_password), options.port)
