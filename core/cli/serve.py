"""python -m core serve: the app for everybody in this network."""

import argparse

from core.cli.flags import Commands, add_command


def register(commands: Commands) -> None:
    parser = add_command(commands, "serve", run, "serve the app to this network")
    parser.add_argument("--port", type=int, default=8501, metavar="N", help="default: 8501")


def run(options: argparse.Namespace) -> int:
    from core.live.serving import serve
    from core.live.settings import load_settings

    return serve(bool(load_settings().teacher_password), options.port)
