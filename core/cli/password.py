"""python -m core password: print the line of lab.toml with the hash of a teacher's password."""

import argparse
import sys
from getpass import getpass

from core.cli.flags import Commands, add_command
from core.errors import ConfigError
from core.live.classroom.login import hash_password


def register(commands: Commands) -> None:
    add_command(commands, "password", run, "hash a teacher's password for lab.toml")


def run(options: argparse.Namespace) -> int:
    if not sys.stdin.isatty():
        raise ConfigError("the password must be typed in a terminal: run this command in one.")
    password = getpass("Teacher's password (8 characters or more): ")
    if getpass("Once more: ") != password:
        raise ConfigError("the two passwords differ: start again.")
    print(f'teacher_password = "{hash_password(password)}"')
    print("Put this line at the top of lab.toml and start the server again.", file=sys.stderr)
    return 0
