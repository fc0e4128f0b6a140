"""python -m core serve: serve the app to everybody in this network."""

import argparse

from core.cli.flags import Commands, add_command
from core.errors import ConfigError
from core.paths import APP


def register(commands: Commands) -> None:
    parser = add_command(commands, "serve", run, "serve the app to this network")
    parser.add_argument("--port", type=int, default=8501, metavar="N", help="default: 8501")
    parser.add_argument(
        "--address",
        metavar="URL",
        help="address at which others reach the lab, for links and QR codes (default: LAB_ADDRESS, "
        "or this machine's address)",
    )


def run(options: argparse.Namespace) -> int:
    from core.live.server.serving import check_address, check_port, given_address, serve
    from core.live.server.settings import load_settings

    if not APP.exists():
        raise ConfigError("serve needs the app, but only the library is installed: clone the project.")
    if not 1 <= options.port <= 65535:
        raise ConfigError(f"--port is {options.port}, but must be from 1 to 65535.")
    given = options.address or given_address()
    given = check_address(given) if given else ""
    settings = load_settings()
    check_port(options.port)
    return serve(bool(settings.teacher_password), options.port, given)
