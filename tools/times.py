"""python -m tools times: measure `make check` and `make test` for CONTRIBUTING.md."""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from core.cli.flags import Commands, add_command
from core.errors import SweepError
from core.paths import ASSETS, ROOT
from core.sweep.results import provenance

COMMANDS = ("check", "test")


def register(commands: Commands) -> None:
    add_command(
        commands,
        "times",
        run,
        "measure `make check` and `make test` in a fresh clone, and save the times",
    )


def run(options: argparse.Namespace) -> int:
    """Time both commands in a fresh clone that shares this environment, without downloads.

    Raises SweepError if one fails; nothing is saved then.
    """
    from core.training.devices import hardware, use_allowed_cpus

    use_allowed_cpus()
    started, seconds = time.perf_counter(), {}
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "lab"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        (clone / ".venv").symlink_to(ROOT / ".venv")
        if (ROOT / "node_modules").exists():
            (clone / "node_modules").symlink_to(ROOT / "node_modules")
        environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
        for command in COMMANDS:
            began = time.perf_counter()
            # -o keeps make from rebuilding the environment, which belongs to another folder.
            make = ["make", command, "SOUND=yes", "-o", ".venv/installed", "-o", ".venv/installed-dev"]
            done = subprocess.run(make, cwd=clone, env=environment)
            if done.returncode:
                raise SweepError(f"make {command} failed: nothing was saved.")
            seconds[f"make {command}"] = round(time.perf_counter() - began)
    about = provenance(hardware("cpu"), time.perf_counter() - started)
    content = {**about, "seconds": seconds}
    (ASSETS / "times.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(content["seconds"])
    return 0
